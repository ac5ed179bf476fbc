/* SPDX-License-Identifier: ISC */
/*
 * tests/unit/base/cases.h - a table of rows, each with a label, run as one test each.
 *
 * TABLE_TESTS(tests, rows, run): rows is an array of structs with a member `label`.
 * ADD_ROWS(tests, n, rows, run): the same, behind the first n of an array with room for them.
 */
#ifndef RELAIS_TEST_CASES_H
#define RELAIS_TEST_CASES_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "check.h"

#define TABLE_TESTS(tests, rows, run)                                                              \
	struct CMUnitTest tests[NITEMS(rows)];                                                     \
	for (size_t row_ = 0; row_ < NITEMS(rows); row_++)                                         \
		tests[row_] = (struct CMUnitTest)                                                  \
		{                                                                                  \
			(rows)[row_].label, run, NULL, NULL, table_row(&(rows)[row_])              \
		}

#define ADD_ROWS(tests, n, rows, run)                                                              \
	do {                                                                                       \
		ASSERT((n) + NITEMS(rows) <= NITEMS(tests));                                       \
		for (size_t row_ = 0; row_ < NITEMS(rows); row_++)                                 \
			(tests)[(n)++] = (struct CMUnitTest){ (rows)[row_].label, run, NULL, NULL, \
				table_row(&(rows)[row_]) };                                        \
	} while (0)

/* cmocka's initial state is not const; run() only reads it */
static inline void *
table_row(const void *row)
{
	union {
		const void *in;
		void *out;
	} u = { row };

	return u.out;
}

#endif
