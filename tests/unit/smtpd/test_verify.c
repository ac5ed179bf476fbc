/* SPDX-License-Identifier: ISC */
/*
 * tests/unit/smtpd/test_verify.c - what a door makes of mailauth-verify's answers, and of none: the
 * whole daemon with a verifier made of rules.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <unistd.h>

#include <cmocka.h>

#include "err.h"
#include "fake_suite.h"

#define TRANSACTION                                                                                \
	"MAIL FROM:<a@sender.example>\r\n"                                                         \
	"RCPT TO:<joe@example.org>\r\n"                                                            \
	"DATA\r\n"

#define PASSED                                                                                     \
	{                                                                                          \
		.result = AUTH_PASS, .author_domain = BYTES_LITERAL("sender.example"),             \
		.record_domain = BYTES_LITERAL("sender.example"),                                  \
		.policy = MAILAUTH_POLICY_REJECT, .reports = true                                  \
	}

#define FAILED_WITH(p)                                                                             \
	{                                                                                          \
		.result = AUTH_FAIL, .author_domain = BYTES_LITERAL("sender.example"),             \
		.record_domain = BYTES_LITERAL("sender.example"), .policy = (p)                    \
	}

static const struct row {
	const char *label;
	struct mailauth_dmarc dmarc;
	int plan[8]; /* of the questions */
	const char *reply, *field;
	uint32_t flags;
	unsigned verifies, rows;
	uint64_t died, given_up;
} rows[] = {
	{ "passes", PASSED, { 0 }, "250 2.0.0", "dmarc=pass header.from=sender.example",
		ENVELOPE_SENDER_AUTHENTICATED, 1, 1, 0, 0 },
	{ "SPF's answer is in the field", PASSED, { 0 }, "250 2.0.0",
		"spf=pass smtp.mailfrom=a@sender.example", ENVELOPE_SENDER_AUTHENTICATED, 1, 1, 0,
		0 },
	{ "quarantine", FAILED_WITH(MAILAUTH_POLICY_QUARANTINE), { 0 }, "250 2.0.0", "dmarc=fail",
		ENVELOPE_SENDER_AUTHENTICATED | ENVELOPE_JUNK, 1, 0, 0, 0 },
	{ "reject", FAILED_WITH(MAILAUTH_POLICY_REJECT), { 0 }, "550 5.7.1", NULL, 0, 1, 0, 0, 0 },
	{ "it died at the message", PASSED, { FAKE_DIED }, "250 2.0.0", "dmarc=temperror", 0, 1, 0,
		1, 0 },
	{ "and nothing is known of SPF", PASSED, { FAKE_DIED }, "250 2.0.0", "spf=temperror", 0, 1,
		0, 1, 0 },
	{ "it died at another's message", PASSED, { ERR_PEER, 0 }, "250 2.0.0", "dmarc=pass",
		ENVELOPE_SENDER_AUTHENTICATED, 2, 1, 0, 0 },
	{ "twice at another's", PASSED, { ERR_PEER, ERR_PEER, 0 }, "250 2.0.0", "spf=pass",
		ENVELOPE_SENDER_AUTHENTICATED, 3, 1, 0, 0 },
	{ "at another's again and again", PASSED, { ERR_PEER, ERR_PEER, ERR_PEER, ERR_PEER },
		"250 2.0.0", "dkim=temperror", 0, 4, 0, 0, 1 },
	{ "no answer in time", PASSED, { ERR_TIMEOUT }, "250 2.0.0", "dkim=temperror", 0, 1, 0, 0,
		1 },
};

#define DIED_ONCE 6 /* of the rows */

static void
begin(struct fake *f, const struct row *t)
{
	fake_conf(f);
	f->mailauth.verify = true;
	f->mailauth.timeout = 20000;
	f->mailauth.dmarc_reports = true;
	f->verified.mail_from = (struct mailauth_spf){ .result = AUTH_PASS,
		.domain = BYTES_LITERAL("sender.example") };
	f->verified.dmarc = t->dmarc;
	memcpy(f->plan, t->plan, sizeof(f->plan));
	fake_start(f);
}

/* Send a message of about n octets; the replies are left in *replies. */
static void
send_message(struct fake *f, size_t n, struct buf *replies)
{
	struct buf content = BUF_INIT;
	int fd = fake_connect(f, 1);

	buf_put_str(&content, "From: a@sender.example\r\n\r\n");
	while (content.len < n)
		buf_put_str(&content, "0123456789012345678901234567890123456789\r\n");
	buf_put_str(&content, ".\r\nQUIT\r\n");
	assert_true(fake_read(f, fd, replies, "220 "));
	fake_send(f, fd, BYTES_LITERAL("EHLO client.example\r\n" TRANSACTION));
	assert_true(fake_read(f, fd, replies, "354 "));
	fake_send(f, fd, buf_bytes(&content));
	assert_false(fake_read(f, fd, replies, "221 never"));
	close(fd);
	fake_run(f, 10);
	buf_free(&content);
}

static bool
holds(struct buf *b, const char *words)
{
	return bytes_search(buf_bytes(b), bytes_from_str(words)) != BYTES_NOT_FOUND;
}

static uint64_t
number(const struct fake *f, const char *name)
{
	struct buf stats = BUF_INIT;
	const char *found;
	uint64_t n;

	verify_stats(f->smtpd->verify, &stats);
	found = strstr(buf_str(&stats), name);
	assert_non_null(found);
	n = strtoull(found + strlen(name), NULL, 10);
	buf_free(&stats);
	return n;
}

static void
run_row(void **state)
{
	const struct row *t = *state;
	struct buf replies = BUF_INIT;
	struct fake f;

	begin(&f, t);
	send_message(&f, 100, &replies);
	assert_true(holds(&replies, t->reply));
	assert_int_equal(f.commits, t->field != NULL);
	if (t->field != NULL) {
		assert_true(bytes_starts_with(buf_bytes(&f.prefix),
			BYTES_LITERAL("Authentication-Results: mx.example.org;")));
		assert_true(holds(&f.prefix, t->field));
		assert_true(holds(&f.prefix, "\r\nReceived: "));
		assert_int_equal(f.flags, t->flags);
	}
	assert_int_equal(f.verifies, t->verifies);
	assert_int_equal(f.rows, t->rows);
	assert_int_equal(number(&f, "verifier_died_total "), t->died);
	assert_int_equal(number(&f, "verifier_given_up_total "), t->given_up);
	buf_free(&replies);
	fake_stop(&f);
}

/* In memory, in a memfd, in a lent file: seen whole by the verifier, who cannot write any. */
static void
test_where_the_content_is(void **state)
{
	static const size_t sizes[] = { 100, 40000, 300000 };

	UNUSED(state);
	for (size_t i = 0; i < NITEMS(sizes); i++) {
		struct buf replies = BUF_INIT;
		struct fake f;

		begin(&f, &rows[0]);
		send_message(&f, sizes[i], &replies);
		assert_true(holds(&replies, "250 2.0.0"));
		assert_int_equal(f.verified_octets, f.content.len);
		assert_false(f.verified_writable);
		buf_free(&replies);
		fake_stop(&f);
	}
}

/* A client that leaves, or begins anew, while it is asked about: the answer finds nobody. */
static void
test_left(void **state)
{
	static const char *const scripts[] = { "EHLO x\r\nMAIL FROM:<a@sender.example>\r\n",
		"EHLO x\r\nMAIL FROM:<a@sender.example>\r\nRSET\r\n",
		"EHLO x\r\nMAIL FROM:<a@x.example>\r\nRSET\r\nMAIL FROM:<b@x.example>\r\n",
		"EHLO x\r\n" TRANSACTION "x: y\r\n\r\n.\r\n",
		"EHLO x\r\nMAIL FROM:<a@x.example>\r\nRSET\r\n" TRANSACTION "x: y\r\n\r\n.\r\n" };

	UNUSED(state);
	for (size_t i = 0; i < NITEMS(scripts); i++)
		for (unsigned wait = 0; wait < 3; wait++) {
			struct buf replies = BUF_INIT;
			struct fake f;
			int fd;

			begin(&f, &rows[DIED_ONCE]);
			f.answer_ms = 20;
			fd = fake_connect(&f, 1);
			assert_true(fake_read(&f, fd, &replies, "220 "));
			fake_send(&f, fd, bytes_from_str(scripts[i]));
			fake_run(&f, wait * 15);
			close(fd);
			fake_run(&f, 150);
			assert_int_equal(f.smtpd->nclients, 0);
			buf_free(&replies);
			fake_stop(&f);
		}
}

/* Nothing is asked about transactions that are given up. */
static void
test_given_up(void **state)
{
	struct buf in = BUF_INIT, replies = BUF_INIT;
	struct fake f;
	int fd;

	UNUSED(state);
	begin(&f, &rows[0]);
	f.answer_ms = 50;
	buf_put_str(&in, "EHLO x\r\n");
	for (int i = 0; i < 8; i++)
		buf_put_str(&in, "MAIL FROM:<a@x.example>\r\nRSET\r\n");
	buf_put_str(&in, TRANSACTION);
	fd = fake_connect(&f, 1);
	assert_true(fake_read(&f, fd, &replies, "220 "));
	fake_send(&f, fd, buf_bytes(&in));
	assert_true(fake_read(&f, fd, &replies, "354 "));
	buf_clear(&replies);
	fake_send(&f, fd, BYTES_LITERAL("x: y\r\n\r\n.\r\n"));
	assert_true(fake_read(&f, fd, &replies, "250 2.0.0"));
	assert_int_equal(f.verifies, 1);
	close(fd);
	fake_run(&f, 10);
	buf_free(&in);
	buf_free(&replies);
	fake_stop(&f);
}

/* Who leaves with a question under way has his connection counted until it is answered. */
static void
test_left_counts(void **state)
{
	struct buf replies = BUF_INIT;
	bool greeted = false;
	struct fake f;
	int fd;

	UNUSED(state);
	begin(&f, &rows[0]);
	f.conf.client_connection_limit = 1;
	f.answer_ms = 500;
	fd = fake_connect(&f, 1);
	assert_true(fake_read(&f, fd, &replies, "220 "));
	fake_send(&f, fd, BYTES_LITERAL("EHLO x\r\n" TRANSACTION "x: y\r\n\r\n.\r\n"));
	fake_run(&f, 10);
	close(fd);
	fake_run(&f, 10);
	fd = fake_connect(&f, 1);
	assert_true(fake_read(&f, fd, &replies, "421 4.7.0"));
	close(fd);
	for (int k = 0; k < 50 && !greeted; k++) {
		fake_run(&f, 100);
		buf_clear(&replies);
		fd = fake_connect(&f, 1);
		greeted = fake_read(&f, fd, &replies, "220 ");
		close(fd);
	}
	assert_true(greeted);
	fake_run(&f, 50);
	buf_free(&replies);
	fake_stop(&f);
}

/* Own hosts are not asked about, and their fields stay. */
static void
test_own_host(void **state)
{
	static const char *const nets[] = { "192.0.2.0/24" };
	struct buf replies = BUF_INIT;
	struct fake f;

	UNUSED(state);
	begin(&f, &rows[2]);
	fake_stop(&f);
	fake_conf(&f);
	f.mailauth.verify = true;
	f.mailauth.trusted_networks = (struct conf_list){ 1, nets };
	fake_start(&f);
	send_message(&f, 100, &replies);
	assert_true(holds(&replies, "250 2.0.0"));
	assert_int_equal(f.verifies, 0);
	assert_false(holds(&f.prefix, "Authentication-Results"));
	buf_free(&replies);
	fake_stop(&f);
}

int
main(void)
{
	struct CMUnitTest tests[5 + NITEMS(rows)] = { cmocka_unit_test(test_where_the_content_is),
		cmocka_unit_test(test_left), cmocka_unit_test(test_given_up),
		cmocka_unit_test(test_left_counts), cmocka_unit_test(test_own_host) };

	for (size_t i = 0; i < NITEMS(rows); i++)
		tests[5 + i] = (struct CMUnitTest){ rows[i].label, run_row, NULL, NULL,
			(void *)(uintptr_t)&rows[i] };
	return cmocka_run_group_tests_name("smtpd/verify", tests, NULL, NULL);
}
