/* SPDX-License-Identifier: ISC */
/* tests/unit/queue/test_queue_id.c - queue ids and their text. */
#include "queue_id.h"

#include "cases.h"
#include "err.h"

static const struct row {
	const char *label, *text;
	int err;
} rows[] = {
	{ "as made", "4jX7KH4Dm8z2", ERR_OK },
	{ "two digits of instance", "4jX7KH4Dm8zL2", ERR_OK },
	{ "leading zero of instance", "4jX7KH4Dm8z02", ERR_SYNTAX },
	{ "no instance", "4jX7KH4Dm8z", ERR_SYNTAX },
	{ "instance too large", "4jX7KH4Dm8zyy", ERR_SYNTAX },
	{ "instance of three digits", "4jX7KH4Dm8z111", ERR_SYNTAX },
	{ "no z", "4jX7KH4Dm8y2", ERR_SYNTAX },
	{ "vowel", "4jX7KH4Da8z2", ERR_SYNTAX },
	{ "z in the instance", "4jX7KH4Dm8zz", ERR_SYNTAX },
	{ "microseconds too large", "4jX7KHzzzzz2", ERR_SYNTAX },
	{ "seconds too large", "zzzzzz0000z2", ERR_SYNTAX },
	{ "zero", "0000000000z0", ERR_SYNTAX },
	{ "empty", "", ERR_SYNTAX },
	{ "path", "../../etc/pas", ERR_SYNTAX },
	{ "blank behind", "4jX7KH4Dm8z2 ", ERR_SYNTAX },
};

static void
run_row(void **arg)
{
	const struct row *t = *arg;
	char text[QUEUE_ID_TEXT_SIZE];
	uint64_t id = 0;

	assert_int_equal(queue_id_parse(bytes_from_str(t->text), &id), t->err);
	if (t->err == ERR_OK)
		assert_string_equal(queue_id_text(id, text), t->text);
}

static void
test_round_trip(void **arg)
{
	struct queue_id_maker m = { 0 };
	uint64_t last = 0, id, again;
	char text[QUEUE_ID_TEXT_SIZE];

	for (unsigned i = 0; i <= QUEUE_ID_INSTANCE_MAX; i++) {
		m.instance = i;
		id = queue_id_make(&m, UINT64_C(1795302771000000) + i * 999983);
		queue_id_text(id, text);
		assert_int_equal(queue_id_parse(bytes_from_str(text), &again), ERR_OK);
		assert_true(again == id && id > last);
		last = id;
	}
}

static void
test_clock_going_back(void **arg)
{
	struct queue_id_maker m = { .instance = 3 };
	uint64_t last = 0;

	/* standing still, going back, crossing a second */
	for (int i = 0; i < 2000; i++) {
		uint64_t id = queue_id_make(&m, UINT64_C(1795302771999000) - (uint64_t)i * 7);

		assert_true(id > last);
		last = id;
	}
	assert_true(queue_id_time_us(last) > UINT64_C(1795302771999000));
}

int
main(void)
{
	TABLE_TESTS(tests, rows, run_row);
	const struct CMUnitTest more[] = { cmocka_unit_test(test_round_trip),
		cmocka_unit_test(test_clock_going_back) };

	return cmocka_run_group_tests_name("queue/queue_id", tests, NULL, NULL) +
	       cmocka_run_group_tests_name("queue/queue_id made", more, NULL, NULL);
}
