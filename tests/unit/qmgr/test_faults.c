/* SPDX-License-Identifier: ISC */
/* tests/unit/qmgr/test_faults.c - system calls that fail on the way of a message. */
#include <errno.h>

#include "err.h"
#include "fake.h"
#include "sys.h"

#ifdef RELAIS_FAULTS
/* Every call of a kind fails once: the answer is a temporary error, and mail goes on. */
static void
test_failed_flush(void **state)
{
	struct fake *f = *state;
	const int errnums[] = { EIO, ENOSPC };

	for (size_t i = 0; i < NITEMS(errnums); i++) {
		f->asked = f->answers = f->accepted = f->refused = 0;
		sys_fault(SYS_FDATASYNC, 1, errnums[i], false);
		fake_commit(f, "user@example.org", SMALL_MESSAGE);
		assert_true(fake_until(f, fake_answered));
		assert_int_equal(f->refused, 1);
		assert_int_equal(f->last_err, i == 0 ? ERR_IO : ERR_NO_SPACE);
		fake_commit(f, "user@example.org", SMALL_MESSAGE);
		assert_true(fake_until(f, fake_empty));
		assert_int_equal(f->accepted, 1);
		assert_int_equal(f->deliveries, i + 1);
	}
	fake_stop(f);
	fake_start(f);
	assert_int_equal(f->q->index.live, 0); /* nor does a refused one come back */
}

static bool
one_left(struct fake *f)
{
	return f->q->index.live == 1;
}

/* A disk that fails for long: the journal does not grow without end, what was confirmed
 * stays, and when the disk is well again so is the queue. */
static void
test_flushes_fail_for_long(void **state)
{
	struct fake *f = *state;

	fake_commit(f, "full@example.org", SMALL_MESSAGE);
	assert_true(fake_until(f, fake_answered));
	for (int round = 0; round < 3; round++) {
		sys_fault(SYS_FDATASYNC, 1, EIO, true);
		for (int i = 0; i < 40; i++) {
			fake_commit(f, "user@example.org", SMALL_MESSAGE);
			fake_turns(f, 10);
			assert_true(f->q->journal.n_segments <= 2 * f->conf.segments);
		}
		assert_true(fake_until(f, fake_answered));
		assert_int_equal(f->last_err, ERR_IO);
		assert_int_equal(f->accepted, round + 1);
		assert_int_equal(f->q->index.live, 1);
		sys_fault_clear();
		fake_turns(f, 2200);
		fake_commit(f, "full@example.net", SMALL_MESSAGE);
		assert_true(fake_until(f, fake_answered));
		assert_int_equal(f->accepted, round + 2);
		f->full_is_ok = round == 2;
		if (round < 2) {
			fake_order(f, QUEUE_ORDER_DELETE,
				index_next(&f->q->index, index_next(&f->q->index, 0)->id)->id);
			assert_true(fake_until(f, one_left)); /* when its job is back */
		}
	}
	assert_true(fake_until(f, fake_empty));
	assert_int_equal(f->deliveries, 2);
	fake_stop(f);
	fake_start(f);
	assert_int_equal(f->q->index.live, 0);
}

/* Each system call in turn, at each of its first calls: nothing confirmed is lost, nothing
 * is delivered that was refused, and nothing hangs. */
static void
test_every_call_fails_once(void **state)
{
	struct fake *f = *state;
	const enum sys_call calls[] = { SYS_OPEN, SYS_READ, SYS_WRITE, SYS_FDATASYNC, SYS_FSYNC,
		SYS_SYNCFS, SYS_RENAME, SYS_LINK, SYS_UNLINK, SYS_TRUNCATE, SYS_ALLOCATE,
		SYS_MEMFD };
	struct buf content = fake_content(200000);

	for (size_t c = 0; c < NITEMS(calls); c++)
		for (unsigned nth = 1; nth <= 4; nth++) {
			sys_fault(calls[c], nth, EIO, false);
			fake_commit(f, "user@example.org", SMALL_MESSAGE);
			if (calls[c] != SYS_OPEN && calls[c] != SYS_MEMFD) {
				fake_commit_lent(f, "user@example.org", buf_bytes(&content));
			}
			fake_turns(f, 5);
			sys_fault_clear();
			assert_true(fake_until(f, fake_empty));
		}
	assert_true(f->q->stats.delivered >= f->accepted);
	fake_stop(f);
	fake_start(f);
	assert_int_equal(f->q->index.live, 0);
	buf_free(&content);
}
#endif

int
main(void)
{
#ifdef RELAIS_FAULTS
	const struct CMUnitTest tests[] = {
		FAKE_TEST(test_failed_flush),
		FAKE_TEST(test_flushes_fail_for_long),
		FAKE_TEST(test_every_call_fails_once),
	};

	return cmocka_run_group_tests_name("qmgr, faults", tests, NULL, NULL);
#else
	return 0; /* nothing can be made to fail */
#endif
}
