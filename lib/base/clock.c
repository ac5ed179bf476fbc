/* SPDX-License-Identifier: ISC */
/* lib/base/clock.c - time, read in one place. */
#include "clock.h"

#include <stdio.h>
#include <stdlib.h>

static uint64_t
now_us(clockid_t id)
{
	struct timespec ts;

	clock_gettime(id, &ts);
	return (uint64_t)ts.tv_sec * 1000000 + (uint64_t)ts.tv_nsec / 1000;
}

uint64_t
clock_wall_us(void)
{
	return now_us(CLOCK_REALTIME);
}

uint64_t
clock_mono_us(void)
{
	return now_us(CLOCK_MONOTONIC);
}

char *
clock_rfc5322_date(time_t t, char out[CLOCK_DATE_SIZE])
{
	/* never strftime: the names must not follow a locale */
	static const char days[] = "SunMonTueWedThuFriSat";
	static const char months[] = "JanFebMarAprMayJunJulAugSepOctNovDec";
	struct tm tm;
	long minutes;

	localtime_r(&t, &tm);
	minutes = tm.tm_gmtoff / 60;
	snprintf(out, CLOCK_DATE_SIZE, "%.3s, %d %.3s %d %02d:%02d:%02d %c%02ld%02ld",
		days + 3 * (tm.tm_wday % 7), tm.tm_mday, months + 3 * (tm.tm_mon % 12),
		1900 + tm.tm_year, tm.tm_hour, tm.tm_min, tm.tm_sec, minutes < 0 ? '-' : '+',
		labs(minutes) / 60 % 100, labs(minutes) % 60);
	return out;
}

int64_t
clock_days_from_civil(int64_t year, unsigned month, unsigned day)
{
	int64_t y = year - (month <= 2), era = (y >= 0 ? y : y - 399) / 400;
	int64_t yoe = y - era * 400;
	int64_t doy = (153 * ((int64_t)month + (month > 2 ? -3 : 9)) + 2) / 5 + (int64_t)day - 1;
	int64_t doe = yoe * 365 + yoe / 4 - yoe / 100 + doy;

	return era * 146097 + doe - 719468;
}
