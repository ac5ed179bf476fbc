/* SPDX-License-Identifier: ISC */
/* lib/base/nearest.c - "did you mean", see the header. */
#include "nearest.h"

#define LENGTH_MAX   64
#define DISTANCE_MAX 3 /* what is further off was not meant */

static unsigned
min3(unsigned a, unsigned b, unsigned c)
{
	a = a < b ? a : b;
	return a < c ? a : c;
}

/* Edit distance (Levenshtein) of short names; far for long ones. */
static unsigned
distance(struct bytes a, struct bytes b)
{
	unsigned row[LENGTH_MAX + 1];

	if (a.n > LENGTH_MAX || b.n > LENGTH_MAX)
		return 100;
	for (unsigned j = 0; j <= b.n; j++)
		row[j] = j;
	for (unsigned i = 1; i <= a.n; i++) {
		unsigned diagonal = row[0];

		row[0] = i;
		for (unsigned j = 1; j <= b.n; j++) {
			unsigned up = row[j];

			row[j] =
				min3(up + 1, row[j - 1] + 1, diagonal + (a.p[i - 1] != b.p[j - 1]));
			diagonal = up;
		}
	}
	return row[b.n];
}

struct nearest
nearest_to(struct bytes word)
{
	return (struct nearest){ word, DISTANCE_MAX + 1, BYTES_NONE };
}

void
nearest_consider(struct nearest *n, struct bytes candidate)
{
	unsigned d = distance(n->word, candidate);

	if (d < n->best && d < candidate.n) {
		n->best = d;
		n->found = candidate;
	}
}
