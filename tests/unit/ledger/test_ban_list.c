/* SPDX-License-Identifier: ISC */
/* tests/unit/ledger/test_ban_list.c - bans: their length, their end, their memory, their form. */
#include "../base/cases.h"

#include <stdio.h>
#include <string.h>

#include "ban_list.h"
#include "err.h"

static const struct ban_policy policy = { .time_s = 600, .time_max_s = 3600, .memory_s = 86400 };

static struct ledger_subject
block(const char *text)
{
	struct ledger_subject s = { .login = BYTES_NONE };

	assert_int_equal(ip_block_parse(bytes_from_str(text), &s.block), ERR_OK);
	return s;
}

static struct ledger_subject
login(const char *name)
{
	return (struct ledger_subject){ .login = bytes_from_str(name) };
}

static struct ban *
punish(struct ban_list *l, struct ledger_subject s, uint64_t now)
{
	return ban_list_punish(l, &policy, &s, 10, "10 failed logins", now, NULL, NULL);
}

struct heard {
	unsigned ended, forgotten;
};

static void
on_ended(void *arg, struct ban *b)
{
	((struct heard *)arg)->ended++;
	assert_true(b->over);
}

static void
on_forgotten(void *arg, struct ban *b)
{
	((struct heard *)arg)->forgotten++;
	assert_true(b->over);
}

static void
growing(void **arg)
{
	static const uint64_t lengths[] = { 600, 1200, 2400, 3600, 3600 };
	struct ban_list *l = ban_list_new(100);
	struct heard h = { 0, 0 };
	uint64_t now = 1000;

	for (size_t i = 0; i < NITEMS(lengths); i++) {
		struct ban *b = punish(l, block("192.0.2.7"), now);

		assert_int_equal(b->until_s - b->since_s, lengths[i]);
		assert_int_equal(b->times, i + 1);
		assert_int_equal(punish(l, block("192.0.2.7"), now + 1)->failures, 20);
		assert_int_equal(b->until_s - b->since_s, lengths[i]); /* not longer by that */
		now = b->until_s;
		ban_list_sweep(l, &policy, now, on_ended, on_forgotten, &h);
		assert_int_equal(h.ended, i + 1);
	}
	now += policy.memory_s;
	ban_list_sweep(l, &policy, now, on_ended, on_forgotten, &h);
	assert_int_equal(h.forgotten, 1);
	assert_int_equal(ban_list_count(l), 0);
	assert_int_equal(punish(l, block("192.0.2.7"), now)->times, 1);
	ban_list_free(&l);
}

static void
whom_it_holds(void **arg)
{
	struct ban_list *l = ban_list_new(100);
	struct ip_block inside = block("198.51.100.9").block, outside = block("192.0.2.8").block;

	(void)punish(l, block("198.51.100.0/24"), 1000);
	(void)punish(l, block("198.51.100.9"), 1000);
	(void)punish(l, login("alice@x"), 1000);
	assert_int_equal(ban_list_holding(l, &inside, 1001)->subject.block.prefix, 24);
	assert_null(ban_list_holding(l, &outside, 1001));
	assert_null(ban_list_holding(l, &inside, 1600));
	assert_true(ban_is_active(
		ban_list_get(l, &(struct ledger_subject){ { 0 }, BYTES_LITERAL("alice@x") }),
		1001));
	assert_null(ban_list_get(l, &(struct ledger_subject){ { 0 }, BYTES_LITERAL("bob@x") }));
	ban_list_free(&l);
}

static void
by_the_operator(void **arg)
{
	struct ban_list *l = ban_list_new(100);
	struct ledger_subject s = block("203.0.113.0/28");
	struct ip_block one = block("203.0.113.5").block;
	struct heard h = { 0, 0 };
	struct ban *b = ban_list_order(l, &s, 0, BYTES_LITERAL("spam"), 1000, NULL, NULL);

	assert_int_equal(b->until_s, 0);
	ban_list_sweep(l, &policy, 1000000000, on_ended, on_forgotten, &h);
	assert_int_equal(h.ended, 0);
	assert_non_null(ban_list_holding(l, &one, 1000000000));
	b = ban_list_order(l, &s, 5, BYTES_LITERAL("spam"), 2000, NULL, NULL);
	assert_int_equal(b->until_s, 2005);
	assert_true(ban_list_del(l, &s));
	assert_false(ban_list_del(l, &s));
	assert_null(ban_list_holding(l, &one, 2001));
	ban_list_free(&l);
}

static void
on_gone(void *arg, struct ban *b)
{
	*(uint8_t *)arg = b->subject.block.addr[3];
}

static void
full(void **arg)
{
	struct ban_list *l = ban_list_new(4);
	uint8_t gone = 0;
	char text[32];

	for (unsigned i = 1; i <= 4; i++) {
		snprintf(text, sizeof(text), "192.0.2.%u", i);
		(void)punish(l, block(text), 1000 + (i == 3 ? 0 : i));
	}
	ban_list_punish(l, &policy,
		&(struct ledger_subject){ block("192.0.2.9").block, BYTES_NONE }, 1, "x", 1100,
		on_gone, &gone);
	assert_int_equal(gone, 3); /* the first to end */
	assert_int_equal(ban_list_count(l), 4);
	ban_list_free(&l);
}

static void
stored(void **arg)
{
	static const char *const subjects[] = { "192.0.2.7", "192.0.2.0/24", "2001:db8::/64",
		NULL };
	struct ban_list *l = ban_list_new(100), *again = ban_list_new(100);
	struct buf key = BUF_INIT, value = BUF_INIT;

	for (size_t i = 0; i < NITEMS(subjects); i++) {
		struct ledger_subject s =
			subjects[i] == NULL ? login("alice@example.org") : block(subjects[i]);
		struct ban *b = punish(l, s, 1000), *c;

		buf_clear(&key);
		buf_clear(&value);
		ban_key(&b->subject, &key);
		ban_value(b, &value);
		assert_int_equal(ban_list_load(again, buf_bytes(&key), buf_bytes(&value)), ERR_OK);
		c = ban_list_get(again, &s);
		assert_non_null(c);
		assert_true(c->since_s == b->since_s && c->until_s == b->until_s &&
			    c->failures == b->failures && c->times == b->times);
		assert_memory_equal(c->reason, b->reason, b->reason_len);
		/* twice, cut, or too long: refused */
		assert_int_equal(
			ban_list_load(again, buf_bytes(&key), buf_bytes(&value)), ERR_CORRUPT);
		assert_int_equal(ban_list_load(again, buf_bytes(&key),
					 bytes_head(buf_bytes(&value), value.len - 1)),
			ERR_CORRUPT);
		assert_int_equal(
			ban_list_load(again, bytes_head(buf_bytes(&key), 1), buf_bytes(&value)),
			ERR_CORRUPT);
	}
	assert_int_equal(ban_list_load(again, BYTES_LITERAL("\4\1\2\3\4\30"), buf_bytes(&value)),
		ERR_CORRUPT); /* bits behind the prefix */
	buf_free(&key);
	buf_free(&value);
	ban_list_free(&l);
	ban_list_free(&again);
}

int
main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(growing),
		cmocka_unit_test(whom_it_holds), cmocka_unit_test(by_the_operator),
		cmocka_unit_test(full), cmocka_unit_test(stored) };

	return cmocka_run_group_tests_name("ledger/ban_list", tests, NULL, NULL);
}
