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
