/* SPDX-License-Identifier: ISC */
/* tests/unit/local-delivery/test_quota.c - who has room, and what ledger is told. */
#include "cases.h"

#include <stdio.h>
#include <stdlib.h>

#include "delivery.h"

#define ACCOUNT BYTES_LITERAL("u@d.test")

static const struct row {
	const char *label;
	uint64_t limit, used, octets;
	unsigned grace;
	bool room;
} rows[] = {
	{ "no limit", 0, 0, UINT64_MAX, 0, true },
	{ "nobody told", 1000, 0, 1000, 0, true },
	{ "nobody told, but larger than all", 1000, 0, 1001, 0, false },
	{ "fits exactly", 1000, 900, 100, 0, true },
	{ "one too many", 1000, 900, 101, 0, false },
	{ "within the grace", 1000, 1000, 100, 10, true },
	{ "over the grace", 1000, 1000, 101, 10, false },
	{ "far over already", 1000, 5000, 1, 10, false },
	{ "sum overflows", UINT64_MAX - 1, UINT64_MAX - 1, UINT64_MAX, 10, false },
	{ "limit overflows with its grace", UINT64_MAX - 1, 1, 1, 100, true },
};

static void
run_row(void **arg)
{
	const struct row *t = *arg;
	struct quota *q = quota_new();
	struct delivery_job job = { .account = ACCOUNT, .quota_octets = t->limit };

	quota_tell(q, &(struct ledger_use){
			      .account = ACCOUNT, .octets = t->used, .limit_octets = t->limit });
	assert_int_equal(quota_has_room(q, &job, t->octets, t->grace), t->room);
	job.account = BYTES_LITERAL("other@d.test");
	assert_true(quota_has_room(q, &job, 0, 0));
	quota_free(&q);
	assert_null(q);
}

struct told {
	size_t n;
	int64_t octets, messages;
	uint64_t limit;
};

static void
note(void *arg, const struct ledger_add *add)
{
	struct told *t = arg;

	t->n++;
	t->octets += add->octets;
	t->messages += add->messages;
	t->limit = add->limit_octets;
	assert_int_equal(add->limit_messages, LEDGER_LIMIT_UNKNOWN);
}

static void
deltas_gather_by_account(void **arg)
{
	struct quota *q = quota_new();
	struct delivery_job job = { .account = ACCOUNT, .quota_octets = 1000 };
	struct delivery_job other = { .account = BYTES_LITERAL("v@d.test") };
	struct told t = { 0 };

	UNUSED(arg);
	quota_delivered(q, &job, 10);
	quota_delivered(q, &job, 20);
	quota_delivered(q, &other, 100);
	assert_int_equal(quota_untold(q), 2);
	quota_drain(q, note, &t);
	assert_int_equal(t.n, 2);
	assert_int_equal(t.octets, 130);
	assert_int_equal(t.messages, 3);
	assert_int_equal(quota_untold(q), 0);
	quota_drain(q, note, &t);
	assert_int_equal(t.n, 2);
	/* what could not be told is told again, with what came meanwhile */
	quota_delivered(q, &job, 5);
	assert_true(quota_retell(q,
		&(struct ledger_add){
			.account = ACCOUNT, .octets = 30, .messages = 2, .limit_octets = 1000 }));
	t = (struct told){ 0 };
	quota_drain(q, note, &t);
	assert_int_equal(t.n, 1);
	assert_int_equal(t.octets, 35);
	assert_int_equal(t.messages, 3);
	assert_int_equal(t.limit, 1000);
	quota_free(&q);
}

static void
own_deliveries_count_at_once(void **arg)
{
	struct quota *q = quota_new();
	struct delivery_job job = { .account = ACCOUNT, .quota_octets = 1000 };

	UNUSED(arg);
	quota_tell(
		q, &(struct ledger_use){ .account = ACCOUNT, .octets = 900, .limit_octets = 1000 });
	assert_true(quota_has_room(q, &job, 100, 0));
	quota_delivered(q, &job, 100);
	assert_false(quota_has_room(q, &job, 1, 0));
	/* mail was expunged: ledger says it is far from its limit */
	quota_tell(
		q, &(struct ledger_use){ .account = ACCOUNT, .octets = 10, .limit_octets = 1000 });
	assert_true(quota_has_room(q, &job, 900, 0));
	quota_tell(
		q, &(struct ledger_use){ .account = ACCOUNT, .octets = 999, .limit_octets = 1000 });
	assert_false(quota_has_room(q, &job, 2, 0));
	quota_forget_all(q);
	assert_true(quota_has_room(q, &job, 2, 0));
	quota_free(&q);
}

static void
memory_is_bounded(void **arg)
{
	struct quota *q = quota_new();
	struct told t = { 0 };
	char name[32];

	UNUSED(arg);
	for (int i = 0; i < QUOTA_UNTOLD_MAX + 10; i++) {
		snprintf(name, sizeof(name), "u%d@d.test", i);
		assert_int_equal(
			quota_retell(q, &(struct ledger_add){ .account = bytes_from_str(name),
						.octets = 1 }),
			i < QUOTA_UNTOLD_MAX);
	}
	/* known ones still count */
	assert_true(quota_retell(
		q, &(struct ledger_add){ .account = BYTES_LITERAL("u0@d.test"), .octets = 1 }));
	quota_drain(q, note, &t);
	assert_int_equal(t.n, QUOTA_UNTOLD_MAX);
	assert_int_equal(t.octets, QUOTA_UNTOLD_MAX + 1);
	quota_free(&q);
	quota_free(&q);
}

int
main(void)
{
	static const struct CMUnitTest others[] = {
		cmocka_unit_test(deltas_gather_by_account),
		cmocka_unit_test(own_deliveries_count_at_once),
		cmocka_unit_test(memory_is_bounded),
	};
	TABLE_TESTS(tests, rows, run_row);

	return cmocka_run_group_tests_name("local-delivery/quota room", tests, NULL, NULL) +
	       cmocka_run_group_tests_name("local-delivery/quota", others, NULL, NULL);
}
