/* SPDX-License-Identifier: ISC */
/* tests/unit/imapd_login/test_login_imap.c - IMAP before login, whole and octet by octet. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "capability.h"
#include "login_imap.h"
#include "login_script.h"

#define FAILED  " NO [AUTHENTICATIONFAILED] Authentication failed.\n"
#define WELCOME " OK [CAPABILITY " IMAP_CAPABILITY_SESSION "] Logged in\n"
#define PRIVACY                                                                                    \
	" NO [PRIVACYREQUIRED] Plaintext authentication disallowed on non-secure connections.\n"
#define INSECURE " NO [PRIVACYREQUIRED] Authentication disallowed on non-secure connections.\n"
#define BEFORE   "* CAPABILITY " IMAP_CAPABILITY_BEFORE
#define AUTHS    " AUTH=SCRAM-SHA-256 AUTH=PLAIN AUTH=LOGIN"
#define PLUS     " AUTH=SCRAM-SHA-256-PLUS"
#define DONE     "a OK Capability completed.\n"
#define BEGIN    "x OK Begin TLS negotiation now.\n!TLS\n"
#define TOO_MANY "* BYE Too many invalid commands.\n"

static const struct login_row rows[] = {
	{ .label = "capability", .input = "a capability\r\n", .output = BEFORE AUTHS "\n" DONE },
	{ .label = "capability without plaintext",
		.input = "a CAPABILITY\r\n",
		.no_plaintext = true,
		.output = BEFORE " LOGINDISABLED\n" DONE },
	{ .label = "noop, bare LF", .input = "1 NOOP\n", .output = "1 OK NOOP completed.\n" },
	{ .label = "id",
		.input = "1 ID (\"name\" \"mutt\" \"version\" NIL)\r\n2 ID NIL\r\n",
		.output = "* ID (\"name\" \"relais\")\n1 OK ID completed.\n"
			  "* ID (\"name\" \"relais\")\n2 OK ID completed.\n" },
	{ .label = "logout, the rest unread",
		.input = "x LOGOUT\r\ny NOOP\r\n",
		.output = "* BYE Logging out\nx OK Logout completed.\n!y NOOP\n\n",
		.over = true },
	{ .label = "login",
		.input = "a LOGIN anna secret\r\n",
		.answers = "o",
		.output = "?anna/secret\na" WELCOME },
	{ .label = "login, quoted",
		.input = "a login \"an na\" \"se\\\"cr\\\\et\"\r\n",
		.answers = "o",
		.output = "?an na/se\"cr\\et\na" WELCOME },
	{ .label = "login, literals",
		.input = "a LOGIN {4}\r\nanna {6}\r\nse\r\net\r\n",
		.answers = "o",
		.output = "+ OK\n+ OK\n?anna/se\net\na" WELCOME },
	{ .label = "login, literal+",
		.input = "a LOGIN {4+}\r\nanna {6+}\r\nsecret\r\n",
		.answers = "o",
		.output = "?anna/secret\na" WELCOME },
	{ .label = "login, empty literal",
		.input = "a LOGIN {0}\r\n secret\r\n",
		.answers = "b",
		.output = "+ OK\n?/\na" FAILED },
	{ .label = "login, wrong once, pipelined",
		.input = "a LOGIN anna x\r\nb LOGIN anna secret\r\nc SELECT INBOX\r\n",
		.answers = "bo",
		.output = "?anna/x\na" FAILED "?anna/secret\nb" WELCOME "!c SELECT INBOX\n\n" },
	{ .label = "three failures",
		.input = "a LOGIN u 1\r\nb LOGIN u 2\r\nc LOGIN u 3\r\nd LOGIN u 4\r\n",
		.answers = "bbb",
		.output = "?u/1\na" FAILED "?u/2\nb" FAILED "?u/3\nc" FAILED
			  "* BYE Too many failed logins.\n!d LOGIN u 4\n\n",
		.over = true },
	{ .label = "unavailable counts not",
		.input = "a LOGIN u 1\r\nb LOGIN u 2\r\nc LOGIN u 3\r\nd LOGIN u 4\r\n",
		.answers = "uuto",
		.output = "?u/1\na NO [UNAVAILABLE] Temporary authentication failure, try again "
			  "later.\n?u/2\nb NO [UNAVAILABLE] Temporary authentication failure, try "
			  "again later.\n?u/3\nc NO [LIMIT] Too many sessions of this user.\n"
			  "?u/4\nd" WELCOME },
	{ .label = "locked",
		.input = "a LOGIN u 1\r\n",
		.answers = "l",
		.output = "?u/1\na NO [AUTHORIZATIONFAILED] This account may not log in.\n" },
	{ .label = "login without plaintext",
		.input = "a LOGIN u 1\r\n",
		.no_plaintext = true,
		.output = "a" PRIVACY },
	{ .label = "login, no password",
		.input = "a LOGIN u\r\n",
		.output = "a BAD Error in IMAP command LOGIN: it takes a user name and a "
			  "password.\n" },
	{ .label = "authenticate",
		.input = "a AUTHENTICATE PLAIN\r\nAGFubmEAc2VjcmV0\r\nb NOOP\r\n",
		.answers = "o",
		.output = "+ \n?anna/secret\na" WELCOME "!b NOOP\n\n" },
	{ .label = "authenticate, initial response",
		.input = "a authenticate plain AGFubmEAc2VjcmV0\r\n",
		.answers = "b",
		.output = "?anna/secret\na" FAILED },
	{ .label = "authenticate, authzid the same",
		.input = "a AUTHENTICATE PLAIN YW5uYQBhbm5hAHNlY3JldA==\r\n",
		.answers = "o",
		.output = "?anna/secret\na" WELCOME },
	{ .label = "authenticate, for another: not even asked",
		.input = "a AUTHENTICATE PLAIN Ym9iAGFubmEAc2VjcmV0\r\n",
		.answers = "b",
		.output = "?anna/\na" FAILED },
	{ .label = "authenticate, empty response",
		.input = "a AUTHENTICATE PLAIN =\r\n",
		.output = "a BAD Invalid SASL response.\n" },
	{ .label = "authenticate, aborted",
		.input = "a AUTHENTICATE PLAIN\r\n*\r\nb NOOP\r\n",
		.output = "+ \na BAD Authentication aborted by client.\nb OK NOOP completed.\n" },
	{ .label = "authenticate, not base64",
		.input = "a AUTHENTICATE PLAIN\r\n!!!!\r\n",
		.output = "+ \na BAD Invalid SASL response.\n" },
	{ .label = "authenticate, a literal for an answer",
		.input = "a AUTHENTICATE PLAIN\r\n{5}\r\n",
		.output = "+ \na BAD Error in IMAP command: too long.\n" },
	{ .label = "authenticate, unknown mechanism",
		.input = "a AUTHENTICATE GSSAPI\r\n",
		.output = "a NO [CANNOT] Unsupported authentication mechanism.\n" },
	{ .label = "authenticate without plaintext",
		.input = "a AUTHENTICATE PLAIN\r\n",
		.no_plaintext = true,
		.output = "a" INSECURE },
	{ .label = "authenticate login",
		.input = "a AUTHENTICATE LOGIN\r\nYW5uYQ==\r\nc2VjcmV0\r\n",
		.answers = "o",
		.output = "+ VXNlcm5hbWU6\n+ UGFzc3dvcmQ6\n?anna/secret\na" WELCOME },
	{ .label = "authenticate login, the name at once",
		.input = "a AUTHENTICATE LOGIN YW5uYQ==\r\nc2VjcmV0\r\n",
		.answers = "b",
		.output = "+ UGFzc3dvcmQ6\n?anna/secret\na" FAILED },
	{ .label = "authenticate login, no name",
		.input = "a AUTHENTICATE LOGIN =\r\n",
		.output = "a BAD Invalid SASL response.\n" },
	{ .label = "scram",
		.input = "a AUTHENTICATE SCRAM-SHA-256\r\nbiwsbj1hbm5hLHI9eA==\r\n"
			 "bW9yZQ==\r\n\r\nb NOOP\r\n",
		.answers = "cco",
		.output = "+ \n?SCRAM-SHA-256 begin anna/n,,n=anna,r=x\n+ bW9yZQ==\n"
			  "?SCRAM-SHA-256 step anna/more\n+ bW9yZQ==\n"
			  "?SCRAM-SHA-256 step anna/\na" WELCOME "!b NOOP\n\n" },
	{ .label = "scram, initial response, wrong",
		.input = "a AUTHENTICATE SCRAM-SHA-256 biwsbj1hbm5hLHI9eA==\r\nbW9yZQ==\r\n",
		.answers = "cb",
		.output = "?SCRAM-SHA-256 begin anna/n,,n=anna,r=x\n+ bW9yZQ==\n"
			  "?SCRAM-SHA-256 step anna/more\na" FAILED },
	{ .label = "scram, aborted",
		.input = "a AUTHENTICATE SCRAM-SHA-256 biwsbj1hbm5hLHI9eA==\r\n*\r\n",
		.answers = "c",
		.output = "?SCRAM-SHA-256 begin anna/n,,n=anna,r=x\n+ bW9yZQ==\n"
			  "a BAD Authentication aborted by client.\n" },
	{ .label = "scram, malformed",
		.input = "a AUTHENTICATE SCRAM-SHA-256 bW9yZQ==\r\n",
		.answers = "m",
		.output = "?SCRAM-SHA-256 begin /more\na BAD Invalid SASL response.\n" },
	{ .label = "plus without a channel",
		.input = "a AUTHENTICATE SCRAM-SHA-256-PLUS\r\n",
		.output = "a NO [CANNOT] Unsupported authentication mechanism.\n" },
	{ .label = "banned",
		.input = "a LOGIN u 1\r\n",
		.answers = "B",
		.output = "?u/1\na NO [UNAVAILABLE] Too many failures, try again later.\n" },
	{ .label = "starttls: other capabilities, nothing before it counts",
		.input = "a CAPABILITY\r\nb LOGIN u 1\r\nx STARTTLS\r\ny LOGIN v 2\r\n\1"
			 "a CAPABILITY\r\nb LOGIN u 1\r\n",
		.answers = "o",
		.no_plaintext = true,
		.starttls = true,
		.output = BEFORE " STARTTLS LOGINDISABLED\n" DONE
				 "b" PRIVACY BEGIN BEFORE PLUS AUTHS "\n" DONE "?u/1\nb" WELCOME },
	{ .label = "starttls: half a command before it is forgotten",
		.input = "x STARTTLS\r\ny LOGIN {3}\r\nab\1a NOOP\r\n",
		.starttls = true,
		.output = BEGIN "a OK NOOP completed.\n" },
	{ .label = "starttls twice",
		.input = "x STARTTLS\r\n\1a STARTTLS\r\n",
		.starttls = true,
		.output = BEGIN "a BAD TLS is active already.\n" },
	{ .label = "starttls without a certificate",
		.input = "x STARTTLS\r\nb LOGIN u 1\r\n",
		.no_plaintext = true,
		.starttls = true,
		.no_tls_now = true,
		.output = "x NO [UNAVAILABLE] TLS is not available now.\nb" PRIVACY },
	{ .label = "starttls with arguments",
		.input = "x STARTTLS now\r\n",
		.starttls = true,
		.output = "x BAD Error in IMAP command: it takes no parameters.\n" },
	{ .label = "starttls is not offered",
		.input = "a STARTTLS\r\n",
		.output = "a BAD STARTTLS is not available.\n" },
	{ .label = "not before login",
		.input = "a SELECT INBOX\r\n",
		.output = "a BAD Unknown command, or not allowed before login.\n" },
	{ .label = "three errors",
		.input = "a FOO\r\n\r\nc CAPABILITY x\r\nd NOOP\r\n",
		.output = "a BAD Unknown command, or not allowed before login.\n"
			  "* BAD Error in IMAP command: invalid tag.\n"
			  "c BAD Error in IMAP command: it takes no parameters.\n" TOO_MANY
			  "!d NOOP\n\n",
		.over = true },
	{ .label = "literal too large",
		.input = "a LOGIN {99999}\r\nb NOOP\r\n",
		.output = "a BAD Error in IMAP command: too long.\nb OK NOOP completed.\n" },
	{ .label = "an HTTP client",
		.input = "GET / HTTP/1.1\r\nHost: x\r\n",
		.output = "GET BAD Unknown command, or not allowed before login.\n"
			  "Host: BAD Unknown command, or not allowed before login.\n" },
};

static void
run_row(void **arg)
{
	const struct login_row *row = *arg;

	login_script_run(&login_imap, row, "* OK [CAPABILITY " IMAP_CAPABILITY_BEFORE);
}

/* A line without end, and a huge literal that comes unasked, take no memory to speak of. */
static void
test_limits(void **arg)
{
	static const struct login_policy policy = {
		.plaintext = true, .attempts_max = 3, .errors_max = 3
	};
	struct login_session *s = login_session_new(&login_imap, &policy);
	struct buf out = BUF_INIT;

	UNUSED(arg);
	assert_int_equal(login_input(s, BYTES_LITERAL("a LOGIN {1000000+}\r\n"), &out), 20);
	for (int i = 0; i < 100000; i++)
		assert_int_equal(login_input(s, BYTES_LITERAL("0123456789"), &out), 10);
	assert_int_equal(login_input(s, BYTES_LITERAL(" x\r\n"), &out), 4);
	assert_string_equal(buf_str(&out), "a BAD Error in IMAP command: too long.\r\n");
	buf_clear(&out);
	for (int i = 0; i < 100000; i++)
		assert_int_equal(login_input(s, BYTES_LITERAL("b 23456789"), &out), 10);
	assert_int_equal(out.len, 0);
	assert_int_equal(login_input(s, BYTES_LITERAL("\r\n"), &out), 2);
	assert_string_equal(buf_str(&out), "b BAD Error in IMAP command: too long.\r\n");
	buf_free(&out);
	login_session_free(&s);
}

int
main(void)
{
	struct CMUnitTest tests[NITEMS(rows) + 1];

	for (size_t i = 0; i < NITEMS(rows); i++)
		tests[i] = (struct CMUnitTest){ rows[i].label, run_row, NULL, NULL,
			(void *)(uintptr_t)&rows[i] };
	tests[NITEMS(rows)] = (struct CMUnitTest)cmocka_unit_test(test_limits);
	return cmocka_run_group_tests_name("imapd/login_imap", tests, NULL, NULL);
}
