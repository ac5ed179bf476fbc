/* SPDX-License-Identifier: ISC */
/* lib/status/prometheus.h - the suite's numbers in Prometheus' text form 0.0.4. */
#ifndef RELAIS_PROMETHEUS_H
#define RELAIS_PROMETHEUS_H

#include "status_text.h"

#define PROMETHEUS_CONTENT_TYPE "text/plain; version=0.0.4; charset=utf-8"

/*
 * All metrics, each with HELP and TYPE, appended. Every sample has the labels service and
 * instance. Of processes that are leaving there are only gauges, with instance="leaving": what
 * they go on to count is in no counter, so that a counter only goes back where a process began.
 */
void prometheus_put(struct buf *out, const struct status *s);

#endif
