/* SPDX-License-Identifier: ISC */
/* tests/unit/qmgr/test_orders.c - what the operator orders. */
#include "fake.h"

static void
test_hold_and_release(void **state)
{
	struct fake *f = *state;
	uint64_t id = fake_commit(f, "full@example.org", SMALL_MESSAGE);

	assert_true(fake_until(f, fake_answered));
	fake_turns(f, 100);
	fake_order(f, QUEUE_ORDER_HOLD, id);
	f->full_is_ok = true;
	fake_turns(f, 1300);
	assert_int_equal(f->q->index.live, 1);
	fake_stop(f);
	fake_start(f);
	fake_turns(f, 100);
	assert_int_equal(f->q->index.live, 1);
	assert_int_equal(index_find(&f->q->index, id)->state, ENTRY_HELD);
	fake_order(f, QUEUE_ORDER_FLUSH, id); /* refused: held */
	fake_turns(f, 100);
	assert_int_equal(f->q->index.live, 1);
	fake_order(f, QUEUE_ORDER_RELEASE, 0);
	assert_true(fake_until(f, fake_empty));
	assert_int_equal(f->deliveries, 1);
}

/* Only what the login sent; the others stay. */
static void
test_delete_of_a_login(void **state)
{
	struct fake *f = *state;
	const struct queue_order m = { .verb = QUEUE_ORDER_DELETE,
		.filter.login = BYTES_LITERAL("mallory@example.org") };
	struct ipc_call call = { .channel = f->qmgr_side, .ctx = &f->d };
	uint64_t other;

	f->login = "mallory@example.org";
	fake_commit(f, "full@example.org", SMALL_MESSAGE);
	fake_commit(f, "full@example.org", SMALL_MESSAGE);
	f->login = "";
	other = fake_commit(f, "full@example.org", SMALL_MESSAGE);
	assert_true(fake_until(f, fake_answered));
	fake_turns(f, 100);
	operator_order(&call, &m);
	fake_turns(f, 50);
	assert_int_equal(f->q->index.live, 1);
	assert_non_null(index_find(&f->q->index, other));
}

static void
test_flush_now(void **state)
{
	struct fake *f = *state;
	uint64_t id;

	f->q->backoff.min_s = f->q->backoff.max_s = 1000;
	id = fake_commit(f, "full@example.org", SMALL_MESSAGE);
	assert_true(fake_until(f, fake_answered));
	fake_turns(f, 100);
	f->full_is_ok = true;
	fake_order(f, QUEUE_ORDER_FLUSH, id);
	assert_true(fake_until(f, fake_empty));
}

static void
test_delete(void **state)
{
	struct fake *f = *state;
	uint64_t id = fake_commit(f, "full@example.org", SMALL_MESSAGE);

	assert_true(fake_until(f, fake_answered));
	fake_turns(f, 100);
	fake_order(f, QUEUE_ORDER_DELETE, id);
	assert_int_equal(f->q->index.live, 0);
	fake_stop(f);
	fake_start(f);
	assert_int_equal(f->q->index.live, 0);
}

/* An alias is looked up anew: who has the message does not get it again, the others do, also when
 * the power is cut before they have it. */
static void
test_requeue(void **state)
{
	struct fake *f = *state;
	uint64_t id = fake_commit(f, "all@example.org", SMALL_MESSAGE);

	f->q->backoff.min_s = f->q->backoff.max_s = 1000;
	assert_true(fake_until(f, fake_answered));
	fake_turns(f, 200);
	assert_int_equal(f->deliveries, 2);
	fake_order(f, QUEUE_ORDER_REQUEUE, id);
	fake_turns(f, 200);
	assert_int_equal(f->deliveries, 2);
	assert_int_equal(index_find(&f->q->index, id)->rcpts_left, 1);
	fake_stop(f);
	fake_start(f); /* from its file: the same state */
	fake_order(f, QUEUE_ORDER_HOLD, id);
	fake_order(f, QUEUE_ORDER_REQUEUE, id); /* refused: held */
	f->full_is_ok = true;
	fake_order(f, QUEUE_ORDER_RETRY, id);
	assert_true(fake_until(f, fake_empty));
	assert_int_equal(f->deliveries, 3);
	assert_int_equal(f->repeated, 0);
	assert_true(fake_delivered(f, id, 4, "full@example.org", NULL) > 0);
	fake_stop(f);
	fake_start(f);
	assert_int_equal(f->q->index.live, 0);
}

static bool
one_deferred(struct fake *f)
{
	return f->q->stats.deferrals == 1;
}

/* What is with a deliverer goes its way, the rest comes back. */
static void
test_bounce(void **state)
{
	struct fake *f = *state;
	uint64_t id;

	f->q->backoff.min_s = f->q->backoff.max_s = 1000;
	id = fake_commit(f, "user@example.org full@example.org", SMALL_MESSAGE);
	assert_true(fake_until(f, one_deferred)); /* the other one's is not synced yet */
	fake_order(f, QUEUE_ORDER_BOUNCE, id);
	assert_int_equal(f->q->stats.bounced, 1);
	assert_true(fake_until(f, fake_empty));
	assert_int_equal(f->q->stats.delivered, 1);
	assert_int_equal(f->q->index.live, 0);
}

/* A page at a time, by what qmgr says; each message once, each recipient once. */
static void
test_orders_of_a_filter(void **state)
{
	struct fake *f = *state;
	struct queue_order m = { .verb = QUEUE_ORDER_HOLD,
		.filter.recipient = BYTES_LITERAL("full@example.org") };
	struct ipc_call call = { .channel = f->qmgr_side, .ctx = &f->d };

	f->q->backoff.min_s = f->q->backoff.max_s = 1000;
	for (unsigned i = 0; i < 20; i++)
		fake_commit(f, i % 2 ? "full@example.org" : "full@example.net", SMALL_MESSAGE);
	assert_true(fake_until(f, fake_answered));
	fake_turns(f, 200);
	operator_order(&call, &m);
	fake_turns(f, 50);
	assert_int_equal(f->q->index.counts[ENTRY_HELD], 10);
	fake_stop(f);
	fake_start(f); /* nobody has read the files yet */
	m.verb = QUEUE_ORDER_DELETE;
	operator_order(&call, &m);
	fake_turns(f, 50);
	assert_int_equal(f->q->index.live, 10);
	m.filter = (struct queue_filter){ .domain = BYTES_LITERAL("example.net") };
	operator_order(&call, &m);
	fake_turns(f, 50);
	assert_int_equal(f->q->index.live, 0);
	assert_int_equal(f->q->index.domains.live, 0);
}

/* What waits is not known at the start but for its name; the operator need not wait. */
static void
test_orders_before_the_files_are_read(void **state)
{
	struct fake *f = *state;
	uint64_t ids[4];

	for (size_t i = 0; i < NITEMS(ids); i++)
		ids[i] = fake_commit(f, "full@example.org", SMALL_MESSAGE);
	assert_true(fake_until(f, fake_answered));
	fake_turns(f, 200);
	fake_stop(f);
	fake_start(f); /* now they are files */
	fake_stop(f);
	f->full_is_ok = true;
	f->conf.minimal_backoff = f->conf.maximal_backoff = 1000 * 1000;
	fake_start(f);
	for (size_t i = 0; i < NITEMS(ids); i++)
		assert_true(index_find(&f->q->index, ids[i])->flags & ENTRY_UNREAD);
	fake_order(f, QUEUE_ORDER_HOLD, ids[0]);
	fake_order(f, QUEUE_ORDER_DELETE, ids[1]);
	fake_order(f, QUEUE_ORDER_FLUSH, ids[2]);
	assert_int_equal(f->q->index.live, 3);
	assert_int_equal(index_find(&f->q->index, ids[0])->state, ENTRY_HELD);
	fake_turns(f, 1500);
	assert_int_equal(f->deliveries, 2);
	assert_int_equal(f->q->index.live, 1);
	fake_order(f, QUEUE_ORDER_RELEASE, 0);
	assert_true(fake_until(f, fake_empty));
	assert_int_equal(f->deliveries, 3);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		FAKE_TEST(test_hold_and_release),
		FAKE_TEST(test_delete_of_a_login),
		FAKE_TEST(test_flush_now),
		FAKE_TEST(test_delete),
		FAKE_TEST(test_requeue),
		FAKE_TEST(test_bounce),
		FAKE_TEST(test_orders_of_a_filter),
		FAKE_TEST(test_orders_before_the_files_are_read),
	};

	return cmocka_run_group_tests_name("qmgr/operator_orders", tests, NULL, NULL);
}
