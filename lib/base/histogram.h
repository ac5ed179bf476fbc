/* SPDX-License-Identifier: ISC */
/*
 * lib/base/histogram.h - how long something took, counted in classes: the same for all, from a
 * millisecond to an hour, so that what is told of several processes can be added.
 */
#ifndef RELAIS_HISTOGRAM_H
#define RELAIS_HISTOGRAM_H

#include "buf.h"

#define HISTOGRAM_BOUNDS 16

struct histogram {
	uint64_t counts[HISTOGRAM_BOUNDS + 1]; /* the last: longer than the last bound */
	uint64_t sum_us;
};

/* The longest time of class i, as text in seconds ("0.005"); i < HISTOGRAM_BOUNDS. */
const char *histogram_bound(unsigned i);

void histogram_add(struct histogram *h, uint64_t took_us);

/* "NAME h:COUNT,...,COUNT;SUM\n", SUM in microseconds: a line of daemon_spec's stats */
void histogram_put(struct buf *out, const char *name, const struct histogram *h);

/* The value behind "h:", as written above; ERR_OK or ERR_SYNTAX. */
MUST_USE int histogram_parse(struct bytes text, struct histogram *h);

#endif
