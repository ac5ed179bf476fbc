/* SPDX-License-Identifier: ISC */
/* cli/printed.c - words of strangers on a terminal and in JSON. */
#include "printed.h"

#include <stdlib.h>

#include "utf8.h"

/* C0, DEL and C1 may be commands to a terminal, so may what is not UTF-8 to an old one. */
void
fprint_safely(FILE *out, struct bytes b)
{
	const bool utf8 = utf8_is_valid(b);

	for (size_t i = 0; i < b.n; i++) {
		const uint8_t c = b.p[i];
		const bool c1 = utf8 && c == 0xc2 && i + 1 < b.n && b.p[i + 1] < 0xa0;

		putc(c < 0x20 || c == 0x7f || c1 || (c >= 0x80 && !utf8) ? '?' : c, out);
		i += c1;
	}
}

void
print_safely(struct bytes b)
{
	fprint_safely(stdout, b);
}

json_t *
json_text(struct bytes b)
{
	json_t *s = json_stringn((const char *)b.p, b.n);
	char *clean;

	if (s != NULL)
		return s;
	clean = xmalloc(b.n + 1);
	for (size_t i = 0; i < b.n; i++)
		clean[i] = (char)(b.p[i] >= 0x80 || b.p[i] < 0x20 ? '?' : b.p[i]);
	s = json_stringn(clean, b.n);
	free(clean);
	return s;
}

void
json_print(const json_t *o)
{
	json_dumpf(o, stdout, JSON_INDENT(2));
	putchar('\n');
}
