/* SPDX-License-Identifier: ISC */
/*
 * qmgr/id_ring.c - a line of queue ids.
 *
 * Runs in:  qmgr. Pure.
 */
#include "id_ring.h"

#include <stdlib.h>
#include <string.h>

#define LEAST 4

void
ring_put(struct ring *r, uint64_t id)
{
	if (r->n == r->cap) {
		size_t cap = r->cap == 0 ? LEAST : r->cap * 2;
		uint64_t *ids = xmalloc(cap * sizeof(*ids));

		for (size_t i = 0; i < r->n; i++)
			ids[i] = r->ids[(r->first + i) % r->cap];
		free(r->ids);
		r->ids = ids;
		r->first = 0;
		r->cap = cap;
	}
	r->ids[(r->first + r->n++) % r->cap] = id;
}

uint64_t
ring_take(struct ring *r)
{
	const uint64_t id = r->ids[r->first];

	r->first = (r->first + 1) % r->cap;
	r->n--;
	return id;
}

void
ring_free(struct ring *r)
{
	free(r->ids);
	memset(r, 0, sizeof(*r));
}
