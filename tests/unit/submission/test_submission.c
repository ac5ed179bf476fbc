/* SPDX-License-Identifier: ISC */
/*
 * tests/unit/submission/test_submission.c - submission's processes around the session: what is
 * asked of directory and in which order, and that what it gave is given back.
 */
#include "../base/cases.h"

#include <stdlib.h>
#include <unistd.h>

#include "err.h"
#include "fake_suite.h"
#include "log.h"
#include "submission.h"

#define HI    "EHLO c\r\n"
#define LOGIN "AUTH PLAIN Z29vZA==\r\n"
#define MAIL  "MAIL FROM:<joe@example.org>\r\n"
#define TO    "RCPT TO:<b@example.org>\r\n"
#define BODY  "DATA\r\nFrom: joe@example.org\r\nBcc: x@y\r\n\r\nx\r\n.\r\n"
#define QUIT  "QUIT\r\n"

struct test {
	struct fake f;
	struct buf replies;
	int fd;
};

/* Passwords may be said in the clear: the way into TLS is smtpd's test. */
static void
start(struct test *t, const char *label)
{
	t->f.spec = &submission_spec;
	t->f.common.plaintext_auth = "always";
	t->f.common.channel_binding = true;
	t->f.conf.header_size_limit = 10000;
	t->f.conf.failed_logins = 3;
	t->f.conf.login_timeout = 300000;
	fake_start(&t->f);
	t->replies = BUF_INIT;
	t->fd = fake_connect_to(&t->f, 1, label);
	if (strcmp(label, "submission") == 0)
		assert_true(fake_read(&t->f, t->fd, &t->replies, "220 mx.example.org"));
}

static void
end(struct test *t)
{
	close(t->fd);
	fake_run(&t->f, 20 + t->f.answer_ms);
	fake_stop(&t->f);
	buf_free(&t->replies);
}

static void
talk(struct test *t, const char *text, const char *last)
{
	fake_send(&t->f, t->fd, bytes_from_str(text));
	fake_read(&t->f, t->fd, &t->replies, last);
	if (strstr(buf_str(&t->replies), last) == NULL)
		fail_msg("no \"%s\" in: %s", last, buf_str(&t->replies));
}

static void
whole_message(void **state)
{
	struct test t;

	UNUSED(state);
	fake_conf(&t.f);
	start(&t, "submission");
	talk(&t, HI LOGIN MAIL TO BODY QUIT, "221 2.0.0");
	assert_int_equal(t.f.sends, 2);
	assert_int_equal(t.f.commits, 1);
	assert_string_equal(buf_str(&t.f.content), "From: joe@example.org\r\n\r\nx\r\n");
	assert_string_equal(buf_str(&t.f.ticket), "ticket");
	assert_true(fake_read_all(&t.f, t.fd, &t.replies));
	assert_int_equal(t.f.logouts, 1);
	assert_int_equal(t.f.cancels, 0);
	end(&t);
}

/* What directory says of logins and messages, and what the client hears. */
static const struct row {
	const char *label;
	enum directory_send_verdict reverse_path, message;
	int directory; /* ERR_OK: it answers */
	const char *reply;
	unsigned commits;
} rows[] = {
	{ "all is well", DIRECTORY_SEND_OK, DIRECTORY_SEND_OK, 0, "250 2.0.0 Ok: queued", 1 },
	{ "reverse-path not owned", DIRECTORY_SEND_NOT_OWNED, DIRECTORY_SEND_OK, 0,
		"550 5.7.1 <joe@example.org>: Sender address rejected: not owned by user "
		"joe@example.org\r\n",
		0 },
	{ "From not owned", DIRECTORY_SEND_OK, DIRECTORY_SEND_NOT_OWNED, 0,
		"550 5.7.1 <joe@example.org>: Sender address rejected: not owned by user "
		"joe@example.org",
		0 },
	{ "blocked at MAIL", DIRECTORY_SEND_BLOCKED, DIRECTORY_SEND_OK, 0, "550 5.7.1 ", 0 },
	{ "blocked meanwhile", DIRECTORY_SEND_OK, DIRECTORY_SEND_BLOCKED, 0, "550 5.7.1 ", 0 },
	{ "over a limit", DIRECTORY_SEND_OK, DIRECTORY_SEND_LIMIT, 0, "450 4.7.1 ", 0 },
	{ "temporary", DIRECTORY_SEND_OK, DIRECTORY_SEND_TEMPORARY, 0, "451 4.3.0 ", 0 },
	{ "login forgotten", DIRECTORY_SEND_OK, DIRECTORY_SEND_NO_LOGIN, 0,
		"451 4.7.0 login has ended, log in again\r\n421 ", 0 },
	{ "directory is not there", DIRECTORY_SEND_OK, DIRECTORY_SEND_OK, ERR_PEER, "451 4.3.0 ",
		0 },
	{ "directory is slow", DIRECTORY_SEND_OK, DIRECTORY_SEND_OK, ERR_TIMEOUT, "451 4.3.0 ", 0 },
};

static void
run_row(void **state)
{
	const struct row *row = *state;
	struct test t;

	fake_conf(&t.f);
	t.f.reverse_path_verdict = row->reverse_path;
	t.f.message_verdict = row->message;
	t.f.answer_ms = 1;
	start(&t, "submission");
	talk(&t, HI LOGIN, "235 2.7.0");
	t.f.directory_err = row->directory;
	talk(&t, MAIL TO BODY, row->reply);
	assert_int_equal(t.f.commits, row->commits);
	end(&t);
	assert_int_equal(t.f.logouts, 1);
}

/* What the signer says, and what becomes of the message. */
static const struct signing {
	const char *label;
	int plan[8]; /* the last one goes on */
	bool required;
	const char *reply;
	unsigned signs;
	bool is_signed;
} signings[] = {
	{ "signed", { 0 }, false, "250 2.0.0", 1, true },
	{ "no key", { ERR_NOT_FOUND, ERR_NOT_FOUND }, true, "250 2.0.0", 1, false },
	{ "cannot be signed by anybody", { ERR_SYNTAX }, false, "250 2.0.0", 1, false },
	{ "cannot be signed by anybody, but required", { ERR_SYNTAX }, true, "550 5.6.0", 1,
		false },
	{ "refused", { ERR_DENIED }, false, "250 2.0.0", 1, false },
	{ "refused, but required", { ERR_DENIED }, true, "451 4.7.5", 1, false },
	{ "it died once", { ERR_PEER }, false, "250 2.0.0", 2, true },
	{ "it dies each time", { ERR_PEER, ERR_PEER, ERR_PEER, ERR_PEER }, false, "250 2.0.0", 3,
		false },
	{ "it dies each time, but is required", { ERR_PEER, ERR_PEER, ERR_PEER, ERR_PEER }, true,
		"451 4.7.5", 3, false },
	{ "it has no keys yet", { ERR_BUSY, ERR_BUSY }, true, "250 2.0.0", 3, true },
	{ "it does not answer", { ERR_TIMEOUT }, false, "250 2.0.0", 1, false },
};

static void
run_signing(void **state)
{
	const struct signing *row = *state;
	struct test t;
	bool is_signed;

	fake_conf(&t.f);
	t.f.mailauth.sign = true;
	t.f.mailauth.sign_required = row->required;
	memcpy(t.f.plan, row->plan, sizeof(t.f.plan));
	t.f.answer_ms = 1;
	start(&t, "submission");
	talk(&t, HI LOGIN MAIL TO BODY, row->reply);
	assert_int_equal(t.f.signs, row->signs);
	assert_string_equal(buf_str(&t.f.sign_asked), "example.org joe@example.org sign-ticket");
	is_signed = bytes_starts_with(
		buf_bytes(&t.f.prefix), BYTES_LITERAL("DKIM-Signature: fake\r\nReceived: "));
	assert_int_equal(is_signed, row->is_signed);
	assert_int_equal(t.f.commits, row->reply[0] == '2');
	end(&t);
}

/* Its content is in a descriptor that the signer cannot write, and the client may have gone. */
static void
large_message_is_signed(void **state)
{
	const size_t size = 300000;
	struct buf text = BUF_INIT;
	struct test t;

	UNUSED(state);
	fake_conf(&t.f);
	t.f.mailauth.sign = true;
	t.f.answer_ms = 1;
	start(&t, "submission");
	buf_put_str(&text, HI LOGIN MAIL TO "DATA\r\nFrom: joe@example.org\r\n\r\n");
	while (text.len < size)
		buf_put_str(&text, "a line\r\n");
	buf_put_str(&text, ".\r\n");
	talk(&t, buf_str(&text), "250 2.0.0 Ok: queued");
	assert_int_equal(t.f.signs, 1);
	assert_true(t.f.sign_octets > size - 1000);
	buf_free(&text);
	t.f.answer_ms = 100;
	fake_send(&t.f, t.fd, BYTES_LITERAL(MAIL TO BODY));
	fake_run(&t.f, 50);
	close(t.fd);
	fake_run(&t.f, 1000);
	fake_stop(&t.f);
	buf_free(&t.replies);
}

/* How logging in goes, and what is told directory when it goes no further. */
static const struct way {
	const char *label, *in, *reply;
	int directory;
	unsigned logins, cancels, logouts; /* after the client has left */
} ways[] = {
	{ "right", LOGIN, "235 2.7.0", 0, 1, 0, 1 },
	{ "wrong", "AUTH PLAIN YmFk\r\n", "535 5.7.8", 0, 0, 0, 0 },
	{ "in two steps", "AUTH LOGIN\r\nZ29vZA==\r\n", "235 2.7.0", 0, 1, 0, 1 },
	{ "left in the exchange", "AUTH LOGIN\r\n", "334 ", 0, 0, 1, 0 },
	{ "cancelled", "AUTH LOGIN\r\n*\r\n", "501 5.7.0", 0, 0, 1, 0 },
	{ "bad base64", "AUTH LOGIN\r\n!\r\n", "501 5.5.2", 0, 0, 1, 0 },
	{ "too long a line", "AUTH LOGIN\r\n%", "500 5.5.2", 0, 0, 1, 0 },
	{ "no directory", LOGIN, "454 4.7.0", ERR_PEER, 1, 0, 0 },
	{ "left before the answer", LOGIN, "220", 0, 1, 0, 1 },
	{ "left before the challenge", "AUTH LOGIN\r\n", "220", 0, 0, 1, 0 },
};

static void
run_way(void **state)
{
	const struct way *way = *state;
	struct test t;
	struct buf in = BUF_INIT;

	fake_conf(&t.f);
	t.f.answer_ms = 30;
	t.f.directory_err = way->directory;
	start(&t, "submission");
	talk(&t, HI, "HELP\r\n");
	for (const char *p = way->in; *p != '\0'; p++)
		for (int i = 0; i < (*p == '%' ? 20000 : 1); i++)
			buf_put_u8(&in, *p == '%' ? 'A' : (uint8_t)*p);
	if (strchr(way->in, '%') != NULL)
		buf_put_str(&in, "\r\n");
	if (strcmp(way->reply, "220") == 0) {
		fake_send(&t.f, t.fd, buf_bytes(&in));
		fake_run(&t.f, 5);
	} else {
		talk(&t, buf_str(&in), way->reply);
	}
	buf_free(&in);
	end(&t);
	assert_int_equal(t.f.logins, way->logins);
	assert_int_equal(t.f.cancels, way->cancels);
	assert_int_equal(t.f.logouts, way->logouts);
}

static void
local_user(void **state)
{
	struct test t;

	UNUSED(state);
	fake_conf(&t.f);
	start(&t, "sendmail");
	talk(&t, HI MAIL TO BODY QUIT, "221 2.0.0");
	assert_non_null(strstr(buf_str(&t.replies), "250-XLOGIN joe@example.org\r\n"));
	assert_int_equal(t.f.commits, 1);
	assert_string_equal(buf_str(&t.f.ticket), "ticket");
	end(&t);
	assert_int_equal(t.f.logouts, 1);
}

static void
local_user_refused(void **state)
{
	static const struct {
		enum directory_auth_status status;
		int directory;
		const char *reply;
	} cases[] = { { DIRECTORY_AUTH_FAILED, 0, "554 5.7.1 " },
		{ DIRECTORY_AUTH_TEMPORARY, 0, "421 4.3.0 " },
		{ DIRECTORY_AUTH_OK, ERR_PEER, "421 4.3.0 " } };

	UNUSED(state);
	for (size_t i = 0; i < NITEMS(cases); i++) {
		struct test t;

		fake_conf(&t.f);
		t.f.local_status = cases[i].status;
		t.f.directory_err = cases[i].directory;
		start(&t, "sendmail");
		assert_true(fake_read_all(&t.f, t.fd, &t.replies));
		assert_true(
			bytes_starts_with(buf_bytes(&t.replies), bytes_from_str(cases[i].reply)));
		end(&t);
	}
}

/* Who is not served while his question is under way is forgotten after it. */
static void
local_user_leaves(void **state)
{
	struct test t;

	UNUSED(state);
	fake_conf(&t.f);
	t.f.answer_ms = 20;
	start(&t, "sendmail");
	close(t.fd);
	fake_run(&t.f, 60);
	t.fd = fake_connect_to(&t.f, 2, "sendmail");
	talk(&t, HI, "HELP\r\n");
	end(&t);
	assert_int_equal(t.f.logouts, 2);
}

static void
implicit_tls(void **state)
{
	struct test t;

	UNUSED(state);
	fake_conf(&t.f);
	fake_tls_ready(true);
	start(&t, "submissions");
	fake_send(&t.f, t.fd, BYTES_LITERAL("HELLO\n"));
	assert_true(fake_read(&t.f, t.fd, &t.replies, "SHAKEN\n"));
	fake_run(&t.f, 20);
	assert_true(fake_read(&t.f, t.fd, &t.replies, "\215\212"));
	assert_memory_equal(buf_str(&t.replies) + 7, "\262\262\260\240", 4); /* "220 " flipped */
	end(&t);

	/* without a key it closes, and nobody is told anything in the clear */
	fake_conf(&t.f);
	fake_tls_ready(false);
	start(&t, "submissions");
	assert_true(fake_read_all(&t.f, t.fd, &t.replies));
	assert_int_equal(t.replies.len, 0);
	fake_tls_ready(true);
	end(&t);
}

int
main(void)
{
	TABLE_TESTS(tests, rows, run_row);
	TABLE_TESTS(login_tests, ways, run_way);
	TABLE_TESTS(sign_tests, signings, run_signing);
	static const struct CMUnitTest others[] = { cmocka_unit_test(whole_message),
		cmocka_unit_test(local_user), cmocka_unit_test(local_user_refused),
		cmocka_unit_test(local_user_leaves), cmocka_unit_test(implicit_tls),
		cmocka_unit_test(large_message_is_signed) };

	log_open(2, "test", "localhost", LOG_LEVEL_ERROR);
	return cmocka_run_group_tests_name("submission/send", tests, NULL, NULL) +
	       cmocka_run_group_tests_name("submission/sign", sign_tests, NULL, NULL) +
	       cmocka_run_group_tests_name("submission/login", login_tests, NULL, NULL) +
	       cmocka_run_group_tests_name("submission", others, NULL, NULL);
}
