/* SPDX-License-Identifier: ISC */
/* tests/unit/pop3d_login/test_login_pop3.c - POP3 before login, whole and octet by octet. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "login_pop3.h"
#include "login_script.h"

#define CAPA                                                                                       \
	"+OK\nTOP\nUIDL\nRESP-CODES\nAUTH-RESP-CODE\nPIPELINING\nEXPIRE NEVER\n"                   \
	"IMPLEMENTATION relais\n"
#define FAILED  "-ERR [AUTH] Authentication failed.\n"
#define UNKNOWN "-ERR Unknown command, or not allowed before login.\n"
#define SASL    "USER\nSASL SCRAM-SHA-256 PLAIN LOGIN\n.\n"
#define PRIVACY "-ERR [AUTH] Plaintext authentication disallowed on non-secure connections.\n"

static const struct login_row rows[] = {
	{ .label = "capa", .input = "CAPA\r\n", .output = CAPA SASL },
	{ .label = "capa without plaintext",
		.input = "capa\r\n",
		.no_plaintext = true,
		.output = CAPA ".\n" },
	{ .label = "user and pass, what follows is the session's",
		.input = "USER anna\r\nPASS secret\r\nSTAT\r\n",
		.answers = "o",
		.output = "+OK\n?anna/secret\n!STAT\n\n" },
	{ .label = "a password with blanks",
		.input = "user anna\npass  se cret \n",
		.answers = "o",
		.output = "+OK\n?anna/ se cret \n" },
	{ .label = "pass without user",
		.input = "PASS x\r\n",
		.output = "-ERR No username given.\n" },
	{ .label = "after a failure, USER again",
		.input = "USER u\r\nPASS 1\r\nPASS 2\r\nUSER u\r\nPASS 3\r\n",
		.answers = "bo",
		.output = "+OK\n?u/1\n" FAILED "-ERR No username given.\n+OK\n?u/3\n" },
	{ .label = "three failures",
		.input = "USER u\r\nPASS 1\r\nUSER u\r\nPASS 2\r\nUSER u\r\nPASS 3\r\nQUIT\r\n",
		.answers = "bbb",
		.output =
			"+OK\n?u/1\n" FAILED "+OK\n?u/2\n" FAILED "+OK\n?u/3\n" FAILED "!QUIT\n\n",
		.over = true },
	{ .label = "unavailable",
		.input = "USER u\r\nPASS 1\r\n",
		.answers = "u",
		.output = "+OK\n?u/1\n"
			  "-ERR [SYS/TEMP] Temporary authentication failure, try again later.\n" },
	{ .label = "user without plaintext",
		.input = "USER u\r\n",
		.no_plaintext = true,
		.output = PRIVACY },
	{ .label = "auth plain",
		.input = "AUTH PLAIN\r\nAGFubmEAc2VjcmV0\r\n",
		.answers = "o",
		.output = "+ \n?anna/secret\n" },
	{ .label = "auth plain, initial response",
		.input = "AUTH plain AGFubmEAc2VjcmV0\r\n",
		.answers = "b",
		.output = "?anna/secret\n" FAILED },
	{ .label = "auth, aborted",
		.input = "AUTH PLAIN\r\n*\r\nNOOP\r\n",
		.output = "+ \n-ERR Authentication aborted by client.\n" UNKNOWN },
	{ .label = "auth, empty",
		.input = "AUTH PLAIN =\r\n",
		.output = "-ERR Invalid SASL response.\n" },
	{ .label = "auth, list",
		.input = "AUTH\r\n",
		.output = "+OK\nSCRAM-SHA-256\nPLAIN\nLOGIN\n.\n" },
	{ .label = "auth login",
		.input = "AUTH LOGIN\r\nYW5uYQ==\r\nc2VjcmV0\r\n",
		.answers = "o",
		.output = "+ VXNlcm5hbWU6\n+ UGFzc3dvcmQ6\n?anna/secret\n" },
	{ .label = "auth scram",
		.input = "AUTH SCRAM-SHA-256 biwsbj1hbm5hLHI9eA==\r\nbW9yZQ==\r\n\r\n",
		.answers = "cco",
		.output = "?SCRAM-SHA-256 begin anna/n,,n=anna,r=x\n+ bW9yZQ==\n"
			  "?SCRAM-SHA-256 step anna/more\n+ bW9yZQ==\n"
			  "?SCRAM-SHA-256 step anna/\n" },
	{ .label = "auth without plaintext",
		.input = "AUTH SCRAM-SHA-256\r\n",
		.no_plaintext = true,
		.output = "-ERR [AUTH] Authentication disallowed on non-secure connections.\n" },
	{ .label = "stls: other capabilities, nothing before it counts",
		.input = "CAPA\r\nUSER u\r\nSTLS\r\nUSER v\r\n\1CAPA\r\nPASS x\r\n"
			 "USER u\r\nPASS 1\r\n",
		.answers = "o",
		.no_plaintext = true,
		.starttls = true,
		.output = CAPA "STLS\n.\n" PRIVACY "+OK Begin TLS negotiation.\n!TLS\n" CAPA
			       "USER\nSASL SCRAM-SHA-256-PLUS SCRAM-SHA-256 PLAIN LOGIN\n.\n"
			       "-ERR No username given.\n+OK\n?u/1\n" },
	{ .label = "stls twice",
		.input = "STLS\r\n\1STLS\r\n",
		.starttls = true,
		.output = "+OK Begin TLS negotiation.\n!TLS\n-ERR TLS is active already.\n" },
	{ .label = "stls without a certificate",
		.input = "STLS\r\n",
		.starttls = true,
		.no_tls_now = true,
		.output = "-ERR [SYS/TEMP] TLS is not available now.\n" },
	{ .label = "stls is not offered",
		.input = "STLS\r\n",
		.output = "-ERR STLS is not available.\n" },
	{ .label = "auth, unknown",
		.input = "AUTH CRAM-MD5\r\n",
		.output = "-ERR Unsupported authentication mechanism.\n" },
	{ .label = "quit",
		.input = "QUIT\r\nUSER x\r\n",
		.output = "+OK Logging out.\n!USER x\n\n",
		.over = true },
	{ .label = "three errors",
		.input = "STAT\r\nUSER\r\nFOO bar\r\nQUIT\r\n",
		.output = UNKNOWN "-ERR Invalid arguments.\n" UNKNOWN
				  "-ERR Too many invalid commands.\n!QUIT\n\n",
		.over = true },
	{ .label = "apop is not offered", .input = "APOP a b\r\n", .output = UNKNOWN },
};

static void
run_row(void **arg)
{
	login_script_run(&login_pop3, *arg, "+OK relais ready\r\n");
}

static void
test_long_line(void **arg)
{
	static const struct login_policy policy = {
		.plaintext = true, .attempts_max = 3, .errors_max = 3
	};
	struct login_session *s = login_session_new(&login_pop3, &policy);
	struct buf out = BUF_INIT;

	UNUSED(arg);
	for (int i = 0; i < 1000 && s->state == LOGIN_COMMAND; i++)
		assert_int_equal(login_input(s, BYTES_LITERAL("0123456789"), &out), 10);
	assert_int_equal(s->state, LOGIN_OVER);
	assert_string_equal(buf_str(&out), "-ERR Line too long.\r\n");
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
	tests[NITEMS(rows)] = (struct CMUnitTest)cmocka_unit_test(test_long_line);
	return cmocka_run_group_tests_name("pop3d/login_pop3", tests, NULL, NULL);
}
