/* SPDX-License-Identifier: ISC */
/* tests/unit/qmgr/test_index.c - the index against a plain model, and its memory; back-off. */
#include "index.h"

#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "backoff.h"
#include "cases.h"
#include "clock.h"

#define IDS 500

/* The model: for each id its due time, or nothing. */
static void
test_against_model(void **state)
{
	unsigned seed = (unsigned)time(NULL);
	struct index x = { 0 };
	bool there[IDS] = { false };
	uint32_t due[IDS] = { 0 };
	size_t live = 0;

	printf("seed %u\n", seed);
	srand(seed);
	for (int step = 0; step < 20000; step++) {
		const unsigned i = (unsigned)rand() % IDS;
		struct entry *e = index_find(&x, i + 1), *first;
		uint32_t least = UINT32_MAX;

		assert_int_equal(e != NULL, there[i]);
		switch (rand() % 4) {
		case 0:
			e = index_add(&x, i + 1);
			assert_int_equal(e == NULL, there[i]);
			live += e != NULL;
			if (e != NULL)
				due[i] = 0;
			there[i] = true;
			break;
		case 1:
			if (e != NULL) {
				index_remove(&x, e);
				there[i] = false;
				live--;
			}
			break;
		case 2:
			if (e != NULL) {
				due[i] = 1 + (uint32_t)rand() % 1000;
				index_schedule(&x, e, due[i]);
			}
			break;
		default:
			if (e != NULL) {
				index_unschedule(&x, e);
				due[i] = 0;
			}
			break;
		}
		assert_int_equal(x.live, live);
		if (step % 50 != 0)
			continue;
		for (unsigned k = 0; k < IDS; k++)
			if (there[k] && due[k] != 0 && due[k] < least)
				least = due[k];
		first = index_first_due(&x);
		assert_int_equal(first == NULL ? UINT32_MAX : first->due_s, least);
		/* in the order of ids, each once */
		e = index_next(&x, 0);
		for (unsigned k = 0; k < IDS; k++)
			if (there[k]) {
				assert_non_null(e);
				assert_int_equal(e->id, k + 1);
				e = index_next(&x, e->id);
			}
		assert_null(e);
	}
	index_free(&x);
}

static void
test_a_million(void **state)
{
	const size_t n = 1000000;
	struct index x = { 0 };
	struct entry *e;
	uint64_t started = clock_mono_us();
	uint32_t last = 0;

	for (size_t i = 0; i < n; i++) {
		e = index_add(&x, (i + 1) * 1024);
		index_schedule(&x, e, (uint32_t)(i * 2654435761u >> 8));
	}
	printf("%zu messages: %zu octets each, made in %llu ms\n", n, index_memory(&x) / n,
		(unsigned long long)((clock_mono_us() - started) / 1000));
	/* about 100, and an array's room to grow */
	assert_true(index_memory(&x) / n <= 160);
	for (size_t i = 0; i < 1000; i++) {
		e = index_first_due(&x);
		assert_true(e->due_s >= last);
		last = e->due_s;
		index_remove(&x, e);
	}
	assert_int_equal(x.live, n - 1000);
	index_free(&x);
}

static const struct row {
	const char *label;
	uint64_t arrival, now, next;
	bool expired;
} rows[] = {
	{ "at once", 1000, 1000, 1300, false },
	{ "young: the shortest wait", 1000, 1200, 1500, false },
	{ "as long again", 1000, 2000, 3000, false },
	{ "old: the longest wait", 1000, 50000, 54000, false },
	{ "given up", 1000, 433000, 437000, true },
	{ "just not", 1000, 432999, 436999, false },
	{ "arrived in the future", 5000, 1000, 1300, false },
};

static void
run_row(void **arg)
{
	static const struct backoff b = { 300, 4000, 5 * 86400 };
	const struct row *t = *arg;

	assert_int_equal(backoff_next_s(&b, t->arrival, t->now), t->next);
	assert_int_equal(backoff_expired(&b, t->arrival, t->now), t->expired);
}

static const struct soon_row {
	const char *label;
	unsigned attempts;
	uint64_t next;
} soon_rows[] = {
	{ "the first", 0, 2002 },
	{ "the third", 2, 2008 },
	{ "never longer than otherwise", 9, 3000 },
	{ "many", 60000, 3000 },
};

static void
run_soon(void **arg)
{
	static const struct backoff b = { 300, 4000, 5 * 86400 };
	const struct soon_row *t = *arg;

	assert_int_equal(backoff_soon_s(&b, 1000, 2000, t->attempts), t->next);
}

int
main(void)
{
	TABLE_TESTS(tests, rows, run_row);
	TABLE_TESTS(soon, soon_rows, run_soon);
	const struct CMUnitTest more[] = { cmocka_unit_test(test_against_model),
		cmocka_unit_test(test_a_million) };

	return cmocka_run_group_tests_name("qmgr/backoff", tests, NULL, NULL) +
	       cmocka_run_group_tests_name("qmgr/backoff soon", soon, NULL, NULL) +
	       cmocka_run_group_tests_name("qmgr/index", more, NULL, NULL);
}
