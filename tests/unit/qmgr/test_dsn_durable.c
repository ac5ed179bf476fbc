/* SPDX-License-Identifier: ISC */
/*
 * tests/unit/qmgr/test_dsn_durable.c - a report that cannot be stored: its message stays, and says
 * nothing of having been reported, until there is a report that is durable. (What a kill in between
 * does: test_crash.c.)
 */
#include <errno.h>

#include "fake.h"
#include "sys.h"

#ifdef RELAIS_FAULTS

/* The call that fails when the message has its 250: from then on all that is flushed or stored is
 * its report. */
static enum sys_call fails;
static bool for_ever;

static void
break_disk(uint64_t id)
{
	sys_fault(fails, 1, EIO, for_ever);
}

static bool
waits(struct fake *f)
{
	return f->q->stats.bounced == 1 && fake_answered(f) && fake_quiet(f);
}

static uint64_t
commit_and_fail(struct fake *f, enum sys_call call, bool forever, struct bytes content, bool lent)
{
	uint64_t id;

	fails = call;
	for_ever = forever;
	f->on_accepted = break_disk;
	id = lent ? fake_commit_lent(f, "bad@example.org", content)
		  : fake_commit(f, "bad@example.org", content);
	assert_true(fake_until(f, fake_answered));
	f->on_accepted = NULL;
	assert_true(fake_until(f, waits));
	return id;
}

static unsigned
reports(struct fake *f)
{
	struct buf text = BUF_INIT;
	const unsigned n = fake_got(f, FAKE_SENDER, &text);

	buf_free(&text);
	return n;
}

static void
restart(struct fake *f)
{
	sys_fault_clear();
	fake_stop(f);
	fake_start(f);
}

/* The flush of the report fails; qmgr goes on. */
static void
test_flush_fails(void **state)
{
	struct fake *f = *state;
	uint64_t id = commit_and_fail(f, SYS_FDATASYNC, false, SMALL_MESSAGE, false);

	assert_int_equal(f->q->index.live, 1);
	assert_false(index_find(&f->q->index, id)->msg->state.rcpts[0].reported);
	fake_turns(f, 100);
	assert_int_equal(reports(f), 0);
	fake_order(f, QUEUE_ORDER_FLUSH, id);
	assert_true(fake_until(f, fake_empty));
	assert_int_equal(reports(f), 1);
	restart(f);
	assert_int_equal(f->q->index.live, 0); /* nor does the one that failed come back */
	assert_int_equal(reports(f), 1);
}

/* The same, and qmgr is started anew: what the journal says must not be that it was reported. */
static void
test_flush_fails_and_restart(void **state)
{
	struct fake *f = *state;

	commit_and_fail(f, SYS_FDATASYNC, false, SMALL_MESSAGE, false);
	restart(f);
	assert_int_equal(f->q->index.live, 1);
	assert_true(fake_until(f, fake_empty));
	assert_int_equal(reports(f), 1);
}

/* No descriptor for the report: the message stays until there is. */
static void
test_no_descriptor(void **state)
{
	struct fake *f = *state;
	struct buf large = BUF_INIT;

	buf_put_bytes(&large, SMALL_MESSAGE);
	for (unsigned i = 0; i < CONTENT_INLINE_MAX / 8; i++)
		buf_put_str(&large, "content\r\n");
	sys_fault(SYS_MEMFD, 1, EMFILE, false);
	fake_commit(f, "bad@example.org", buf_bytes(&large));
	assert_true(fake_until(f, fake_answered));
	assert_true(fake_until(f, fake_quiet));
	assert_int_equal(f->q->stats.bounced, 1);
	assert_int_equal(f->q->index.live, 1);
	assert_int_equal(reports(f), 0);
	restart(f);
	assert_true(fake_until(f, fake_empty));
	assert_int_equal(reports(f), 1);
	buf_free(&large);
}

/* A report too large for the journal: its file cannot be written, synced, or named. */
static void
test_file_fails(void **state)
{
	const enum sys_call calls[] = { SYS_WRITE, SYS_FSYNC, SYS_RENAME };
	struct buf content = fake_content(200000);
	struct fake *f = *state;

	for (size_t i = 0; i < NITEMS(calls); i++) {
		uint64_t id;

		f->q->stats.bounced = 0;
		id = commit_and_fail(f, calls[i], true, buf_bytes(&content), true);
		assert_int_equal(f->q->index.live, 1);
		assert_int_equal(reports(f), i);
		sys_fault_clear();
		fake_turns(f, 2200); /* the journal has a segment that can be written to again */
		if (i == 0)
			restart(f);
		else
			fake_order(f, QUEUE_ORDER_FLUSH, id);
		assert_true(fake_until(f, fake_empty));
		assert_int_equal(reports(f), i + 1);
	}
	buf_free(&content);
}

/* No room in the journal, and none to be made: nothing can be moved out. */
static void
test_journal_is_full(void **state)
{
	struct fake *f = *state;
	struct buf content = fake_content(20000);
	uint64_t first;

	f->q->backoff.min_s = f->q->backoff.max_s = 1000;
	sys_fault(SYS_SYNCFS, 1, EIO, true);
	first = fake_commit(f, "full@example.org", buf_bytes(&content));
	while (f->refused == 0) {
		for (int i = 0; i < 50; i++)
			fake_commit(f, "full@example.org", buf_bytes(&content));
		assert_true(fake_until(f, fake_answered));
	}
	assert_true(fake_until(f, fake_quiet));
	fake_order(f, QUEUE_ORDER_BOUNCE, first);
	assert_true(fake_until(f, waits));
	assert_non_null(index_find(&f->q->index, first));
	assert_false(index_find(&f->q->index, first)->msg->state.rcpts[0].reported);
	assert_int_equal(reports(f), 0);
	sys_fault_clear();
	fake_order(f, QUEUE_ORDER_DELETE, 0);
	buf_free(&content);
}

static uint64_t asked_of;

static bool
is_reporting(struct fake *f)
{
	const struct entry *e = index_find(&f->q->index, asked_of);

	return e != NULL && e->msg != NULL && e->msg->reports.pending > 0;
}

static struct fake *slow_one;
static void
slow_down(uint64_t id)
{
	fake_disk_stands(slow_one);
}

/* While a report is under way (a large one, on a slow disk) the rest of the message waits: what
 * else becomes of it would count as told of. */
static void
test_operator_meanwhile(void **state)
{
	struct fake *f = *state;
	struct buf content = fake_content(200000), got = BUF_INIT;
	struct message *m;

	f->q->backoff.min_s = f->q->backoff.max_s = 1000;
	f->on_accepted = slow_down;
	slow_one = f;
	asked_of = fake_commit_lent(f, "bad@example.org full@example.org", buf_bytes(&content));
	assert_true(fake_until(f, is_reporting));
	m = index_find(&f->q->index, asked_of)->msg;
	fake_order(f, QUEUE_ORDER_BOUNCE, asked_of);
	fake_order(f, QUEUE_ORDER_FLUSH, asked_of);
	fake_turns(f, 20);
	assert_false(rcpt_is_done(&m->state.rcpts[1]));
	assert_int_equal(m->jobs, 1);
	fake_disk_goes_on();
	assert_true(fake_until(f, fake_empty));
	assert_int_equal(fake_got(f, FAKE_SENDER, &got), 2);
	assert_non_null(strstr((const char *)buf_bytes(&got).p, "rfc822; full@example.org"));
	buf_free(&content);
	buf_free(&got);
}

#define TEST(t) cmocka_unit_test_setup_teardown(t, fake_setup_sender, fake_teardown)
#endif

int
main(void)
{
#ifdef RELAIS_FAULTS
	const struct CMUnitTest tests[] = {
		TEST(test_flush_fails),
		TEST(test_flush_fails_and_restart),
		TEST(test_no_descriptor),
		TEST(test_file_fails),
		TEST(test_journal_is_full),
		TEST(test_operator_meanwhile),
	};

	return cmocka_run_group_tests_name("qmgr/dsn, durable", tests, NULL, NULL);
#else
	return 0; /* nothing can be made to fail */
#endif
}
