/* SPDX-License-Identifier: ISC */
/* lib/daemon/stats_rows.h - counters as lines of text, for daemon_spec's stats. */
#ifndef RELAIS_STATS_ROWS_H
#define RELAIS_STATS_ROWS_H

#include "buf.h"

struct stats_row {
	const char *name;
	uint64_t value;
};

/* "relais_PART_NAME VALUE" for each. */
void stats_rows_put(struct buf *out, const char *part, const struct stats_row *rows, size_t n);

/* NAME="VALUE": a label, its value as Prometheus' text form wants it; without control characters.
 */
void stats_label_put(struct buf *out, const char *name, struct bytes value);

#endif
