/* SPDX-License-Identifier: ISC */
/* tests/unit/qmgr/test_dsn_send.c - who is told of what: qmgr whole, with a fake world around it.
 */
#include "fake.h"

static void
commit(struct fake *f, const char *rcpts, uint32_t notify)
{
	f->notify = notify;
	fake_commit(f, rcpts, SMALL_MESSAGE);
}

static unsigned
reports(struct fake *f, struct buf *text)
{
	return fake_got(f, FAKE_SENDER, text);
}

#define HAS(text, what)     assert_non_null(strstr((const char *)buf_bytes(text).p, what))
#define HAS_NOT(text, what) assert_null(strstr((const char *)buf_bytes(text).p, what))

/* An authenticated sender is told, once, of all that failed; a stranger never. */
static void
test_failures(void **state)
{
	struct fake *f = *state;
	struct buf got = BUF_INIT;

	f->login = NULL;
	commit(f, "unknown@example.org bad@example.org user@example.org", 0);
	assert_true(fake_until(f, fake_empty));
	assert_int_equal(f->deliveries, 1);
	assert_int_equal(reports(f, &got), 0);
	f->login = FAKE_SENDER;
	commit(f, "unknown@example.org bad@example.org user@example.org", 0);
	assert_true(fake_until(f, fake_empty));
	assert_int_equal(f->deliveries, 3);
	assert_int_equal(reports(f, &got), 1);
	HAS(&got, "Final-Recipient: rfc822; unknown@example.org");
	HAS(&got, "Final-Recipient: rfc822; bad@example.org");
	HAS_NOT(&got, "Final-Recipient: rfc822; user@example.org");
	HAS(&got, "Content-Type: message/rfc822");
	HAS(&got, "Body.");
	buf_free(&got);
}

static void
test_strangers_if_the_operator_wants_it(void **state)
{
	struct fake *f = *state;
	struct buf got = BUF_INIT;

	f->login = NULL;
	f->conf.bounce_to_strangers = true;
	commit(f, "bad@example.org user@example.org", 0);
	assert_true(fake_until(f, fake_empty));
	assert_int_equal(reports(f, &got), 1);
	commit(f, "user@example.org", ENVELOPE_NOTIFY_SUCCESS);
	assert_true(fake_until(f, fake_empty));
	assert_int_equal(reports(f, &got), 1);
	buf_free(&got);
}

/* SPF or DKIM say so: of failures they are told. */
static void
test_strangers_whose_path_is_theirs(void **state)
{
	struct fake *f = *state;
	struct buf got = BUF_INIT;

	f->login = NULL;
	f->flags = ENVELOPE_SENDER_AUTHENTICATED;
	commit(f, "bad@example.org", 0);
	assert_true(fake_until(f, fake_empty));
	assert_int_equal(reports(f, &got), 1);
	commit(f, "user@example.org", ENVELOPE_NOTIFY_SUCCESS);
	assert_true(fake_until(f, fake_empty));
	assert_int_equal(reports(f, &got), 1);
	buf_free(&got);
}

/* In the name of this host; above all else; and without a key they go all the same. */
static void
test_reports_are_signed(void **state)
{
	const char *const fields[] = { "DKIM-Signature: d=mx.example.org\r\n", NULL };
	struct fake *f = *state;
	struct buf got = BUF_INIT, large = BUF_INIT;

	buf_put_bytes(&large, SMALL_MESSAGE);
	for (unsigned i = 0; i < CONTENT_INLINE_MAX / 8; i++)
		buf_put_str(&large, "content\r\n");
	f->mailauth.sign = true;
	qmgr_spec.reload(&f->d);
	for (unsigned i = 0; i < 4; i++) { /* small and large, each with a key and without */
		f->fields = fields[i % 2];
		fake_commit(f, "bad@example.org", i < 2 ? SMALL_MESSAGE : buf_bytes(&large));
		assert_true(fake_until(f, fake_empty));
		assert_int_equal(reports(f, &got), i + 1);
	}
	for (unsigned n = 0, at = 0; n <= 2; n++) {
		const char *found = strstr((const char *)buf_bytes(&got).p + at, fields[0]);

		assert_int_equal(found != NULL, n < 2);
		if (found == NULL)
			break;
		assert_int_equal(strncmp(found + strlen(fields[0]), "Date: ", 6), 0);
		at = (unsigned)(found + 1 - (const char *)buf_bytes(&got).p);
	}
	buf_free(&large);
	buf_free(&got);
}

static void
test_only_header_of_large_ones(void **state)
{
	struct fake *f = *state;
	struct buf got = BUF_INIT;

	f->conf.bounce_size_limit = 10;
	commit(f, "bad@example.org", 0);
	assert_true(fake_until(f, fake_empty));
	assert_int_equal(reports(f, &got), 1);
	HAS(&got, "text/rfc822-headers");
	HAS_NOT(&got, "Body.");
	buf_free(&got);
}

static void
test_successes_if_asked_for(void **state)
{
	struct fake *f = *state;
	struct buf got = BUF_INIT;

	commit(f, "user@example.org", 0);
	assert_true(fake_until(f, fake_empty));
	assert_int_equal(reports(f, &got), 0);
	commit(f, "user@example.org bad@example.org", ENVELOPE_NOTIFY_SUCCESS);
	assert_true(fake_until(f, fake_empty));
	assert_int_equal(reports(f, &got), 1);
	HAS(&got, "Subject: Successful Mail Delivery Report");
	HAS(&got, "Final-Recipient: rfc822; user@example.org\r\nAction: delivered\r\n");
	HAS_NOT(&got, "bad@example.org");
	buf_free(&got);
}

/* Of the members of an alias the sender hears nothing but failures. */
static void
test_an_alias_is_expanded(void **state)
{
	struct fake *f = *state;
	struct buf got = BUF_INIT;

	f->full_is_ok = true;
	commit(f, "all@example.org", ENVELOPE_NOTIFY_SUCCESS);
	assert_true(fake_until(f, fake_empty));
	assert_int_equal(f->deliveries, 4);
	assert_int_equal(reports(f, &got), 1);
	HAS(&got, "Final-Recipient: rfc822; all@example.org\r\nAction: expanded\r\n");
	HAS_NOT(&got, "Action: delivered");
	buf_free(&got);
}

static void
test_a_host_that_knows_no_dsn(void **state)
{
	struct fake *f = *state;
	struct buf got = BUF_INIT;

	commit(f, "user@one.far.example", ENVELOPE_NOTIFY_SUCCESS);
	assert_true(fake_until(f, fake_empty));
	assert_int_equal(reports(f, &got), 1);
	HAS(&got, "Action: relayed\r\n");
	HAS(&got, "Remote-MTA: dns; ");
	buf_free(&got);
}

static bool
is_reported(struct fake *f)
{
	return f->deliveries > 0 && fake_quiet(f);
}

/* Once, whatever happens to qmgr afterwards; and not if NOTIFY does not say so. */
static void
test_delays(void **state)
{
	struct fake *f = *state;
	struct buf got = BUF_INIT;

	f->conf.delay_warning = 1;
	commit(f, "full@example.org", ENVELOPE_NOTIFY_FAILURE);
	assert_true(fake_until(f, fake_answered));
	assert_true(fake_until(f, fake_quiet));
	assert_int_equal(reports(f, &got), 0);
	commit(f, "full@example.org", 0);
	assert_true(fake_until(f, is_reported));
	assert_int_equal(reports(f, &got), 1);
	HAS(&got, "Subject: Delayed Mail");
	HAS(&got, "Action: delayed\r\nStatus: 4.");
	HAS(&got, "Will-Retry-Until: ");
	for (int i = 0; i < 2; i++) {
		fake_stop(f);
		fake_start(f);
		fake_turns(f, 300);
	}
	assert_int_equal(reports(f, &got), 1);
	buf_free(&got);
}

/* It waits for its time though nothing else wakes it. */
static void
test_a_delay_wakes(void **state)
{
	struct fake *f = *state;
	struct buf got = BUF_INIT;

	f->conf.delay_warning = 1500;
	f->q->backoff.min_s = f->q->backoff.max_s = 1000;
	commit(f, "full@example.org", 0);
	assert_true(fake_until(f, fake_answered));
	assert_true(fake_until(f, fake_quiet));
	assert_int_equal(reports(f, &got), 0);
	assert_int_equal(f->q->index.heap_n, 1);
	assert_true(index_first_due(&f->q->index)->due_s <= now_s() + 2);
	buf_free(&got);
}

/* One more than a report tells of: two. */
static void
test_very_many_failures(void **state)
{
	struct fake *f = *state;
	struct buf got = BUF_INIT;

	f->bad_crowd = true;
	commit(f, "crowd@example.org bad@example.org", 0);
	assert_true(fake_until(f, fake_empty));
	assert_int_equal(f->q->stats.bounced, FAKE_CROWD + 1);
	assert_int_equal(reports(f, &got), 2);
	buf_free(&got);
}

/* Of a report that fails, nobody but the postmaster is told, and only if there is one. */
static void
test_double_bounces(void **state)
{
	struct fake *f = *state;
	struct buf got = BUF_INIT;

	f->sender = "bad@example.net";
	commit(f, "unknown@example.org", 0);
	assert_true(fake_until(f, fake_empty));
	assert_int_equal(fake_got(f, "pm@example.org", &got), 0);
	f->conf.double_bounce_to = "pm@example.org";
	commit(f, "unknown@example.org", 0);
	assert_true(fake_until(f, fake_empty));
	assert_int_equal(fake_got(f, "pm@example.org", &got), 1);
	HAS(&got, "Subject: Postmaster Copy: Undelivered Mail");
	f->conf.double_bounce_to = "bad@example.org"; /* and there it ends */
	commit(f, "unknown@example.org", 0);
	assert_true(fake_until(f, fake_empty));
	buf_free(&got);
}

#define TEST(t) cmocka_unit_test_setup_teardown(t, fake_setup_sender, fake_teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_failures),
		TEST(test_strangers_if_the_operator_wants_it),
		TEST(test_strangers_whose_path_is_theirs),
		TEST(test_only_header_of_large_ones),
		TEST(test_reports_are_signed),
		TEST(test_successes_if_asked_for),
		TEST(test_an_alias_is_expanded),
		TEST(test_a_host_that_knows_no_dsn),
		TEST(test_delays),
		TEST(test_a_delay_wakes),
		TEST(test_very_many_failures),
		TEST(test_double_bounces),
	};

	return cmocka_run_group_tests_name("qmgr/dsn, sent", tests, NULL, NULL);
}
