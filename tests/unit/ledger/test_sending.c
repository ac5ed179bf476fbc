/* SPDX-License-Identifier: ISC */
/* tests/unit/ledger/test_sending.c - limits of what a login sends, with a clock of our own. */
#include "../base/cases.h"

#include <stdlib.h>
#include <string.h>

#include "err.h"
#include "sending.h"

#define HOUR UINT64_C(3600)
#define T0   (UINT64_C(490000) * HOUR)

static const struct sending_policy policy = { .messages = 10,
	.recipients = 50,
	.new_recipients = 20,
	.incident_factor = 3,
	.remembered = 30 };

static struct ledger_send_answer
ask(struct sent *s, uint64_t recipients, uint64_t fresh, uint64_t now)
{
	struct ledger_send_answer a;

	sending_ask(&policy, s, recipients, fresh, now, &a);
	return a;
}

static const struct row {
	const char *label;
	struct {
		uint64_t hour, recipients, fresh;
		unsigned times;
	} before[3], now;
	enum ledger_send_verdict verdict;
	uint32_t retry_hours;
} rows[] = {
	{ "the first", { { 0, 0, 0, 0 } }, { 0, 1, 1, 1 }, LEDGER_SEND_OK, 0 },
	{ "as many as allowed", { { 0, 1, 0, 9 } }, { 0, 1, 0, 1 }, LEDGER_SEND_OK, 0 },
	{ "one message too many", { { 0, 1, 0, 10 } }, { 0, 1, 0, 1 }, LEDGER_SEND_MESSAGES, 24 },
	{ "the next day", { { 0, 1, 0, 10 } }, { 24, 1, 0, 1 }, LEDGER_SEND_OK, 0 },
	{ "23 hours later", { { 0, 1, 0, 10 } }, { 23, 1, 0, 1 }, LEDGER_SEND_MESSAGES, 24 },
	{ "what leaves first is enough", { { 0, 1, 0, 1 }, { 5, 1, 0, 9 } }, { 6, 1, 0, 1 },
		LEDGER_SEND_MESSAGES, 24 },
	{ "more has to leave", { { 0, 10, 0, 3 }, { 5, 10, 0, 2 } }, { 6, 40, 0, 1 },
		LEDGER_SEND_RECIPIENTS, 29 },
	{ "recipients exactly", { { 0, 20, 0, 2 } }, { 0, 10, 0, 1 }, LEDGER_SEND_OK, 0 },
	{ "one recipient too many", { { 0, 20, 0, 2 } }, { 0, 11, 0, 1 }, LEDGER_SEND_RECIPIENTS,
		24 },
	{ "new recipients exactly", { { 0, 10, 10, 1 } }, { 0, 10, 10, 1 }, LEDGER_SEND_OK, 0 },
	{ "one new recipient too many", { { 0, 10, 10, 1 } }, { 0, 11, 11, 1 },
		LEDGER_SEND_NEW_RECIPIENTS, 24 },
	{ "old friends are free of it", { { 0, 20, 20, 1 } }, { 0, 20, 0, 1 }, LEDGER_SEND_OK, 0 },
	{ "more than ever fits", { { 0, 0, 0, 0 } }, { 0, 21, 21, 1 }, LEDGER_SEND_NEW_RECIPIENTS,
		1 },
	{ "a question counts nothing", { { 0, 0, 0, 100 } }, { 0, 1, 1, 1 }, LEDGER_SEND_OK, 0 },
};

static void
run_row(void **arg)
{
	const struct row *t = *arg;
	struct ledger_send_answer a;
	struct sent s = { 0 };

	for (size_t i = 0; i < NITEMS(t->before); i++)
		for (unsigned n = 0; n < t->before[i].times; n++)
			assert_int_equal(ask(&s, t->before[i].recipients, t->before[i].fresh,
						 T0 + t->before[i].hour * HOUR)
						 .verdict,
				LEDGER_SEND_OK);
	a = ask(&s, t->now.recipients, t->now.fresh, T0 + t->now.hour * HOUR);
	assert_int_equal(a.verdict, t->verdict);
	if (a.verdict != LEDGER_SEND_OK) {
		assert_int_not_equal(a.limit, 0);
		if (t->retry_hours != 1) /* 1: it never fits, any time will do */
			assert_int_equal(a.retry_s, (t->retry_hours - t->now.hour) * HOUR);
	}
}

static void
stored(void **arg)
{
	struct sent s = { 0 }, again;
	struct buf b = BUF_INIT;

	(void)ask(&s, 3, 2, T0);
	(void)ask(&s, 1, 0, T0 + 5 * HOUR);
	sent_encode(&s, &b);
	assert_int_equal(sent_decode(buf_bytes(&b), &again), ERR_OK);
	assert_memory_equal(&s, &again, sizeof(s));
	assert_int_equal(sent_decode(bytes_head(buf_bytes(&b), b.len - 1), &again), ERR_CORRUPT);
	buf_free(&b);
}

static void
a_clock_that_goes_back(void **arg)
{
	struct sent s = { 0 };

	(void)ask(&s, 1, 1, T0 + 5 * HOUR);
	(void)ask(&s, 1, 1, T0);
	assert_int_equal(sent_sum(&s).messages, 2);
}

static void
put_hashes(struct buf *out, uint64_t first, uint64_t n)
{
	buf_clear(out);
	for (uint64_t i = 0; i < n; i++)
		buf_put_u64(out, (first + i) * UINT64_C(0x9e3779b97f4a7c15));
}

/* Thirty are remembered; those before are new again. */
static void
ring(void **arg)
{
	const struct siphash_key key = { { 1, 2 } };
	struct buf ring = BUF_INIT, hashes = BUF_INIT;
	uint32_t fresh[64];
	size_t n;

	put_hashes(&hashes, 0, 10);
	buf_put_bytes(&hashes, bytes_head(buf_bytes(&hashes), 8)); /* one twice */
	n = sending_new(&key, buf_bytes(&ring), buf_bytes(&hashes), fresh);
	assert_int_equal(n, 10);
	sending_remember(&ring, fresh, n, 30);
	assert_int_equal(sending_new(&key, buf_bytes(&ring), buf_bytes(&hashes), fresh), 0);
	for (uint64_t from = 10; from < 100; from += 10) {
		put_hashes(&hashes, from, 10);
		n = sending_new(&key, buf_bytes(&ring), buf_bytes(&hashes), fresh);
		assert_int_equal(n, 10);
		sending_remember(&ring, fresh, n, 30);
		assert_true(ring.len <= 4 + 30 * 4);
	}
	put_hashes(&hashes, 70, 30);
	assert_int_equal(sending_new(&key, buf_bytes(&ring), buf_bytes(&hashes), fresh), 0);
	put_hashes(&hashes, 0, 10);
	assert_int_equal(sending_new(&key, buf_bytes(&ring), buf_bytes(&hashes), fresh), 10);
	sending_remember(&ring, fresh, 10, 5); /* the option was lowered */
	assert_int_equal(ring.len, 4 + 5 * 4);
	put_hashes(&hashes, 0, 50);
	n = sending_new(&key, BYTES_NONE, buf_bytes(&hashes), fresh);
	sending_remember(&ring, fresh, n, 5); /* more at once than it holds */
	assert_int_equal(ring.len, 4 + 5 * 4);
	buf_free(&ring);
	buf_free(&hashes);
}

static void
pressing(void **arg)
{
	struct pressure *p = pressure_new();
	struct pressure_news news;
	struct sent s = { 0 };
	uint32_t fresh[64];

	for (uint32_t i = 0; i < 64; i++)
		fresh[i] = i * 7919 + 13;
	(void)ask(&s, 20, 20, T0);
	news = pressure_add(p, BYTES_LITERAL("a@x"), fresh, 30, T0);
	assert_true(news.first);
	assert_false(sending_is_incident(&policy, &s, news.refused));
	for (unsigned i = 0; i < 100; i++) { /* the same message again and again is no incident */
		news = pressure_add(p, BYTES_LITERAL("a@x"), fresh, 30, T0 + i);
		assert_false(news.first);
		assert_false(sending_is_incident(&policy, &s, news.refused));
	}
	news = pressure_add(p, BYTES_LITERAL("b@x"), fresh, 64, T0);
	assert_true(news.first); /* another login has its own */
	news = pressure_add(p, BYTES_LITERAL("a@x"), fresh, 64, T0 + 200);
	assert_true(sending_is_incident(&policy, &s, news.refused));
	news = pressure_add(p, BYTES_LITERAL("a@x"), fresh, 1, T0 + HOUR);
	assert_true(news.first);
	assert_int_equal(news.refused, 1);
	pressure_forget(p, BYTES_LITERAL("b@x"));
	assert_true(pressure_add(p, BYTES_LITERAL("b@x"), fresh, 0, T0 + 300).first);
	pressure_free(&p);
}

static void
many_press(void **arg)
{
	struct pressure *p = pressure_new();
	uint32_t fresh[1] = { 5 };

	for (uint64_t i = 0; i < 3 * SENDING_PRESSED; i++)
		assert_true(pressure_add(p, bytes_make(&i, sizeof(i)), fresh, 1, T0).first);
	pressure_free(&p);
}

int
main(void)
{
	TABLE_TESTS(tests, rows, run_row);
	const struct CMUnitTest more[] = { cmocka_unit_test(stored),
		cmocka_unit_test(a_clock_that_goes_back), cmocka_unit_test(ring),
		cmocka_unit_test(pressing), cmocka_unit_test(many_press) };
	int failed = cmocka_run_group_tests_name("ledger/sending", tests, NULL, NULL);

	return failed + cmocka_run_group_tests_name("ledger/sending more", more, NULL, NULL);
}
