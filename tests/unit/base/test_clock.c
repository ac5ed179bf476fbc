/* SPDX-License-Identifier: ISC */
/* tests/unit/base/test_clock.c - dates in any zone, days of any year, clocks that move. */
#include "cases.h"

#include <stdlib.h>
#include <string.h>

#include "clock.h"

static const struct date {
	const char *label, *zone;
	time_t t;
	const char *text;
} dates[] = {
	{ "the epoch", "UTC", 0, "Thu, 1 Jan 1970 00:00:00 +0000" },
	{ "one digit day", "UTC", 951868799, "Tue, 29 Feb 2000 23:59:59 +0000" },
	{ "east", "XXX-05:30", 1795298697, "Sun, 22 Nov 2026 03:34:57 +0530" },
	{ "west", "XXX+03:30", 1795298697, "Sat, 21 Nov 2026 18:34:57 -0330" },
	{ "less than an hour west", "XXX+00:45", 0, "Wed, 31 Dec 1969 23:15:00 -0045" },
	{ "after 2038", "UTC", 4102444800, "Fri, 1 Jan 2100 00:00:00 +0000" },
	{ "before the epoch", "UTC", -1, "Wed, 31 Dec 1969 23:59:59 +0000" },
};

static void
run_date(void **arg)
{
	const struct date *t = *arg;
	char out[CLOCK_DATE_SIZE];

	setenv("TZ", t->zone, 1);
	tzset();
	assert_string_equal(clock_rfc5322_date(t->t, out), t->text);
}

static const struct civil {
	const char *label;
	int64_t year;
	unsigned month, day;
	int64_t days;
} civils[] = {
	{ "the epoch", 1970, 1, 1, 0 },
	{ "the day before", 1969, 12, 31, -1 },
	{ "leap day", 2000, 2, 29, 11016 },
	{ "day after a leap day", 2000, 3, 1, 11017 },
	{ "no leap day in 2100", 2100, 3, 1, 47541 },
	{ "this project's first day", 2026, 11, 21, 20778 },
	{ "year 0", 0, 3, 1, -719468 },
	{ "before year 0", -1, 12, 31, -719529 },
};

static void
run_civil(void **arg)
{
	const struct civil *t = *arg;

	assert_int_equal(clock_days_from_civil(t->year, t->month, t->day), t->days);
}

static void
clocks_move_on(void **arg)
{
	uint64_t mono = clock_mono_us(), wall = clock_wall_us();

	UNUSED(arg);
	assert_true(wall > 1700000000000000);
	for (int i = 0; i < 1000; i++) {
		uint64_t now = clock_mono_us();

		assert_true(now >= mono);
		mono = now;
	}
	assert_true(clock_mono_ms() >= mono / 1000);
}

int
main(void)
{
	static const struct CMUnitTest others[] = { cmocka_unit_test(clocks_move_on) };
	TABLE_TESTS(date_tests, dates, run_date);
	TABLE_TESTS(civil_tests, civils, run_civil);

	return cmocka_run_group_tests_name("base/clock dates", date_tests, NULL, NULL) +
	       cmocka_run_group_tests_name("base/clock days", civil_tests, NULL, NULL) +
	       cmocka_run_group_tests_name("base/clock", others, NULL, NULL);
}
