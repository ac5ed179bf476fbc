/* SPDX-License-Identifier: ISC */
/* lib/daemon/stats_rows.c - counters as lines of text. Runs in: all daemons. */
#include "stats_rows.h"

void
stats_rows_put(struct buf *out, const char *part, const struct stats_row *rows, size_t n)
{
	for (size_t i = 0; i < n; i++)
		buf_printf(out, "relais_%s_%s %llu\n", part, rows[i].name,
			(unsigned long long)rows[i].value);
}

void
stats_label_put(struct buf *out, const char *name, struct bytes value)
{
	buf_printf(out, "%s=\"", name);
	for (size_t i = 0; i < value.n; i++) {
		const uint8_t c = value.p[i];

		if (c == '"' || c == '\\')
			buf_put_u8(out, '\\');
		buf_put_u8(out, c < ' ' || c == 127 ? '?' : c);
	}
	buf_put_u8(out, '"');
}
