/* SPDX-License-Identifier: ISC */
/* tests/unit/qmgr/test_qmgr.c - the queue manager whole, with a fake world around it: from COMMIT
 * to the mailbox. */
#include "fake.h"

static void
test_delivers(void **state)
{
	struct fake *f = *state;
	struct buf got = BUF_INIT;
	uint64_t id = fake_commit(f, "user@example.org", SMALL_MESSAGE);

	assert_true(fake_until(f, fake_answered));
	assert_int_equal(f->accepted, 1);
	assert_true(fake_until(f, fake_empty));
	assert_true(fake_delivered(f, id, 0, "user@example.org", &got) > 0);
	assert_true(bytes_starts_with(buf_bytes(&got), BYTES_LITERAL("Received: from ")));
	assert_true(bytes_search(buf_bytes(&got), BYTES_LITERAL("\r\nSubject: hello\r\n")) !=
		    BYTES_NOT_FOUND);
	assert_int_equal(f->deliveries, 1);
	assert_int_equal(f->syncs, 1);
	assert_int_equal(f->q->stats.delivered, 1);
	assert_int_equal(f->q->n_loaded, 0);
	assert_int_equal(f->q->memory, 0);
	buf_free(&got);
}

static void
test_many_share_a_flush(void **state)
{
	struct fake *f = *state;

	for (int i = 0; i < 200; i++)
		fake_commit(f, "user@example.org", SMALL_MESSAGE);
	assert_true(fake_until(f, fake_empty));
	assert_int_equal(f->accepted, 200);
	assert_true(f->q->stats.flushes < 60);
	assert_int_equal(f->deliveries, 200);
	assert_int_equal(f->repeated, 0);
}

/* The same mailbox many times: directory is asked once a second. */
static void
test_resolves_are_kept_a_second(void **state)
{
	struct fake *f = *state;

	fake_commit(f, "user@example.org", SMALL_MESSAGE);
	assert_true(fake_until(f, fake_empty));
	for (int i = 0; i < 20; i++)
		fake_commit(f, "user@example.org", SMALL_MESSAGE);
	assert_true(fake_until(f, fake_empty));
	assert_int_equal(f->resolves, 1);
	fake_turns(f, 1100);
	fake_commit(f, "user@example.org", SMALL_MESSAGE);
	assert_true(fake_until(f, fake_empty));
	assert_int_equal(f->resolves, 2);
	assert_int_equal(f->deliveries, 22);
}

static void
test_journal_goes_round(void **state)
{
	struct fake *f = *state;
	struct buf content = fake_content(20000);

	/* 4 segments of 1 MiB, 20 MiB of mail */
	for (int round = 0; round < 50; round++) {
		for (int i = 0; i < 20; i++)
			fake_commit(f, "user@example.org", buf_bytes(&content));
		assert_true(fake_until(f, fake_empty));
	}
	assert_int_equal(f->accepted, 1000);
	assert_int_equal(f->deliveries, 1000);
	assert_true(f->q->journal.n_segments <= 4);
	buf_free(&content);
}

static void
test_retries(void **state)
{
	struct fake *f = *state;

	fake_commit(f, "full@example.org user@example.org", SMALL_MESSAGE);
	assert_true(fake_until(f, fake_answered));
	fake_turns(f, 200);
	assert_int_equal(f->q->index.live, 1);
	assert_true(f->q->stats.deferrals >= 1);
	assert_int_equal(f->q->stats.delivered, 1);
	f->full_is_ok = true;
	assert_true(fake_until(f, fake_empty));
	assert_int_equal(f->deliveries, 2);
	assert_int_equal(f->repeated, 0);
}

static void
test_gives_up(void **state)
{
	struct fake *f = *state;

	f->conf.queue_lifetime = 0;
	f->q->backoff.lifetime_s = 0;
	fake_commit(f, "full@example.org", SMALL_MESSAGE);
	assert_true(fake_until(f, fake_empty));
	assert_int_equal(f->q->stats.expired, 1);
	assert_int_equal(f->q->stats.bounced, 1);
}

static void
test_fails_for_good(void **state)
{
	struct fake *f = *state;

	fake_commit(f, "unknown@example.org bad@example.org user@example.org none@example.org",
		SMALL_MESSAGE);
	assert_true(fake_until(f, fake_empty));
	assert_int_equal(f->q->stats.bounced, 2);
	assert_int_equal(f->q->stats.delivered, 2);
}

static void
test_lost_deliverer(void **state)
{
	struct fake *f = *state;

	fake_commit(f, "lost@example.org", SMALL_MESSAGE);
	assert_true(fake_until(f, fake_empty));
	assert_int_equal(f->deliveries, 2);
	assert_int_equal(f->repeated, 1);
}

/* Somebody has the mailbox, for a moment: no wait of minutes. */
static void
test_busy_mailbox(void **state)
{
	struct fake *f = *state;

	fake_commit(f, "busy@example.org", SMALL_MESSAGE);
	assert_true(fake_until(f, fake_empty));
	assert_int_equal(f->busy, 2);
	assert_int_equal(f->deliveries, 1);
	assert_int_equal(f->q->stats.deferrals, 1);
}

static void
test_lost_directory(void **state)
{
	struct fake *f = *state;

	f->directory_down = true;
	fake_commit(f, "user@example.org", SMALL_MESSAGE);
	assert_true(fake_until(f, fake_answered));
	fake_turns(f, 100);
	assert_int_equal(f->q->index.live, 1);
	f->directory_down = false;
	assert_true(fake_until(f, fake_empty));
	assert_int_equal(f->deliveries, 1);
}

static void
test_failed_sync(void **state)
{
	struct fake *f = *state;

	f->sync_fails = true;
	fake_commit(f, "user@example.org", SMALL_MESSAGE);
	assert_true(fake_until(f, fake_answered));
	fake_turns(f, 300);
	assert_int_equal(f->q->stats.delivered, 0);
	f->sync_fails = false;
	assert_true(fake_until(f, fake_empty));
	assert_int_equal(f->q->stats.delivered, 1);
	assert_true(f->repeated > 0);
}

static void
test_duplicate_id(void **state)
{
	struct fake *f = *state;

	fake_commit(f, "user@example.org", SMALL_MESSAGE);
	f->ids.last_us--; /* the same again */
	f->ids.last_us = queue_id_time_us(fake_commit(f, "user@example.org", SMALL_MESSAGE));
	assert_true(fake_until(f, fake_empty));
	assert_int_equal(f->accepted, 2);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		FAKE_TEST(test_delivers),
		FAKE_TEST(test_many_share_a_flush),
		FAKE_TEST(test_resolves_are_kept_a_second),
		FAKE_TEST(test_journal_goes_round),
		FAKE_TEST(test_retries),
		FAKE_TEST(test_gives_up),
		FAKE_TEST(test_fails_for_good),
		FAKE_TEST(test_lost_deliverer),
		FAKE_TEST(test_busy_mailbox),
		FAKE_TEST(test_lost_directory),
		FAKE_TEST(test_failed_sync),
		FAKE_TEST(test_duplicate_id),
	};

	return cmocka_run_group_tests_name("qmgr", tests, NULL, NULL);
}
