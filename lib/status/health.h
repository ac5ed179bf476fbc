/* SPDX-License-Identifier: ISC */
/* lib/status/health.h - is all well? Judged by rows, each with its reason in words. Pure. */
#ifndef RELAIS_HEALTH_H
#define RELAIS_HEALTH_H

#include "status_text.h"

#define HEALTH_DEATH_S 60 /* a process that ended unasked is told of so long */

struct health_limits {
	uint64_t now_s; /* since 1970 */
	uint64_t disk_percent, memory_percent, files_percent;
	uint64_t queue_age_s, queue_messages; /* 0: any is well */
	uint64_t certificate_days;
};

/* A line for each reason why not, appended to out; how many. */
unsigned health_judge(const struct status *s, const struct health_limits *l, struct buf *out);

/* Of all that is there, how much is in use: percent, 0 if there is nothing. */
double health_percent(double used, double all);

#endif
