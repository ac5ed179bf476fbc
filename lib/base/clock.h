/* SPDX-License-Identifier: ISC */
/* lib/base/clock.h - time, read in one place and written in the standards' forms. */
#ifndef RELAIS_CLOCK_H
#define RELAIS_CLOCK_H

#include <stdint.h>
#include <time.h>

/* Microseconds since 1970 (the wall clock; may jump) and since boot (never goes back). */
uint64_t clock_wall_us(void);
uint64_t clock_mono_us(void);

static inline uint64_t
clock_mono_ms(void)
{
	return clock_mono_us() / 1000;
}

#define CLOCK_DATE_SIZE 40

/* "Sat, 21 Nov 2026 22:04:57 +0000" in local time, RFC 5322 sec. 3.3. Returns out. */
char *clock_rfc5322_date(time_t t, char out[CLOCK_DATE_SIZE]);

/* Days since 1970-01-01 of a proleptic Gregorian date (month 1-12): time zones play no part. */
int64_t clock_days_from_civil(int64_t year, unsigned month, unsigned day);

#endif
