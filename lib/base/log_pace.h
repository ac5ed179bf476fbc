/* SPDX-License-Identifier: ISC */
/*
 * lib/base/log_pace.h - a trouble that lasts is told once a minute, not for each message that
 * meets it.
 *
 *	if (log_pace(&x->disk_full))
 *		log_error("the disk is full (%u times)", log_pace_times(&x->disk_full));
 */
#ifndef RELAIS_LOG_PACE_H
#define RELAIS_LOG_PACE_H

#include <stdbool.h>
#include <stdint.h>

#include "clock.h"

#define LOG_PACE_MS UINT64_C(60000)

struct log_pace {
	uint64_t told_ms; /* 0: never */
	unsigned times, told_times;
};

/* Count it; true: tell it now. */
static inline bool
log_pace(struct log_pace *p)
{
	const uint64_t now = clock_mono_ms();

	p->times++;
	if (p->told_ms != 0 && now - p->told_ms < LOG_PACE_MS)
		return false;
	p->told_ms = now;
	p->told_times = p->times;
	p->times = 0;
	return true;
}

/* How often since it was told before. */
static inline unsigned
log_pace_times(const struct log_pace *p)
{
	return p->told_times;
}

#endif
