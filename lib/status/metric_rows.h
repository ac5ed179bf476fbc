/* SPDX-License-Identifier: ISC */
/*
 * lib/status/metric_rows.h - every metric: its name, type and meaning. Names and units follow
 * Prometheus' conventions: seconds and bytes, _total for what only grows.
 *
 * Adding one: a row here, in the order of names. tests/system/test_status.py finds what a daemon
 * tells and no row knows, and docs/monitoring.md has them all.
 */
#ifndef RELAIS_METRIC_ROWS_H
#define RELAIS_METRIC_ROWS_H

#include "bytes.h"

enum metric_type {
	METRIC_COUNTER,
	METRIC_GAUGE,
	METRIC_HISTOGRAM
};

struct metric_row {
	const char *name;
	enum metric_type type;
	const char *help; /* without a full stop */
};

extern const struct metric_row metric_rows[];
extern const size_t nmetric_rows;

const char *metric_type_name(enum metric_type type); /* "counter" */

/* The row's number, or SIZE_MAX. */
size_t metric_find(struct bytes name);

#endif
