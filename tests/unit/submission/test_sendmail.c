/* SPDX-License-Identifier: ISC */
/* tests/unit/submission/test_sendmail.c - what sendmail(1) makes of a command line and a message.
 */
#include "../base/cases.h"

#include <stdio.h>
#include <stdlib.h>

#include "sendmail.h"

#define SELF "joe@example.org"

static const struct row {
	const char *label, *in;
	bool take_to;
	const char *out; /* NULL: as it came */
	const char *to;
} rows[] = {
	{ "as it is", "From: a@x\r\n\r\nb\r\n", false, NULL, "" },
	{ "LF", "From: a@x\nTo: b@y\n\nhi\nyou\n", false,
		"From: a@x\r\nTo: b@y\r\n\r\nhi\r\nyou\r\n", "" },
	{ "no end of line", "From: a@x\n\nhi", false, "From: a@x\r\n\r\nhi\r\n", "" },
	{ "CR and NUL alone", "From: a@x\n\na\rb\r\n", false, "From: a@x\r\n\r\nab\r\n", "" },
	{ "no header", "hello\n", false, "From: Joe <" SELF ">\r\n\r\nhello\r\n", "" },
	{ "empty", "", false, "From: Joe <" SELF ">\r\n", "" },
	{ "only a body", "\nhello\n", false, "From: Joe <" SELF ">\r\n\r\nhello\r\n", "" },
	{ "no empty line", "Subject: s\nhello: you\nhello you\n", false,
		"Subject: s\r\nhello: you\r\nFrom: Joe <" SELF ">\r\n\r\nhello you\r\n", "" },
	{ "folded", "Subject: a\n b\n\tc\n\n", false,
		"Subject: a\r\n b\r\n\tc\r\nFrom: Joe <" SELF ">\r\n\r\n", "" },
	{ "mbox", "From joe Mon Jan 5\nFrom: a@x\n\n", false, "From: a@x\r\n\r\n", "" },
	{ "cron's", "From: root (Cron Daemon)\nTo: root\n\n", false,
		"From: Cron Daemon <root@example.org>\r\nTo: root@example.org\r\n\r\n", "" },
	{ "a name to quote", "From: \"A. B\" <root>\n\n", false,
		"From: \"A. B\" <root@example.org>\r\n\r\n", "" },
	{ "groups stay", "From: a@x\nTo: all: b, c;\n\n", false,
		"From: a@x\r\nTo: all: b, c;\r\n\r\n", "" },

	{ "-t", "From: a@x\nTo: B <b@y>, c\nCc: d@z\nBcc: e@z,\n f@z\n\n", true,
		"From: a@x\r\nTo: B <b@y>,\r\n\tc@example.org\r\nCc: d@z\r\nBcc: e@z,\r\n "
		"f@z\r\n\r\n",
		"b@y c@example.org d@z e@z f@z " },
	{ "-t, each once", "From: a@x\nTo: b@y\nCc: b@y\n\n", true,
		"From: a@x\r\nTo: b@y\r\nCc: b@y\r\n\r\n", "b@y " },
	{ "-t, a group's members", "From: a@x\nTo: all: b@y, c@y;\n\n", true,
		"From: a@x\r\nTo: all: b@y, c@y;\r\n\r\n", "b@y c@y " },
	{ "-t, resent", "Resent-To: r@y\nFrom: a@x\nTo: b@y\nBcc: c@y\n\n", true,
		"Resent-To: r@y\r\nFrom: a@x\r\nTo: b@y\r\nBcc: c@y\r\n\r\n", "r@y " },
	{ "-t, fields of the body do not count", "From: a@x\nTo: b@y\n\nBcc: c@y\n", true,
		"From: a@x\r\nTo: b@y\r\n\r\nBcc: c@y\r\n", "b@y " },
};

static void
run_row(void **state)
{
	const struct row *t = *state;
	struct sendmail_message m = { 0 };
	struct buf to = BUF_INIT;

	sendmail_message_make(&m, bytes_from_str(t->in), BYTES_LITERAL(SELF), BYTES_LITERAL(SELF),
		BYTES_LITERAL("Joe"), t->take_to);
	for (size_t i = 0; i < m.n_to; i++) {
		buf_put_bytes(&to, m.to[i]);
		buf_put_u8(&to, ' ');
	}
	assert_string_equal(buf_str(&m.text), t->out == NULL ? t->in : t->out);
	assert_string_equal(buf_str(&to), t->to);
	sendmail_message_free(&m);
	buf_free(&to);
}

/* A recipient that is no address: nothing is sent, so nobody is left out unnoticed. */
static void
bad_recipients(void **state)
{
	struct sendmail_message m = { 0 };
	struct bytes bad = BYTES_NONE;

	UNUSED(state);
	sendmail_message_make(&m, BYTES_LITERAL("To: a@b, John Smith, c@d\nCc:\n\n"),
		BYTES_LITERAL(SELF), BYTES_LITERAL(SELF), BYTES_NONE, true);
	assert_true(bytes_is(m.bad, "John Smith"));
	sendmail_message_free(&m);
	sendmail_message_make(&m, BYTES_LITERAL("To: a@b\nCc:\nBcc: all:;\n\n"),
		BYTES_LITERAL(SELF), BYTES_LITERAL(SELF), BYTES_NONE, true);
	assert_int_equal(m.bad.n, 0);
	assert_int_equal(m.n_to, 1);
	assert_int_equal(
		sendmail_add_recipients(&m, BYTES_LITERAL("<x>, y@z"), BYTES_LITERAL(SELF), &bad),
		2);
	assert_int_equal(
		sendmail_add_recipients(&m, BYTES_LITERAL(""), BYTES_LITERAL(SELF), &bad), 0);
	assert_true(sendmail_add_recipients(
			    &m, BYTES_LITERAL("no body"), BYTES_LITERAL(SELF), &bad) < 0);
	sendmail_message_free(&m);
}

static void
ends(void **state)
{
	static const struct {
		const char *in;
		bool dots;
		size_t n;
	} cases[] = { { "a\n.\nb\n", false, 2 }, { "a\n.\nb\n", true, 6 },
		{ "a\r\n.\r\n", false, 3 }, { "a\n.", false, 2 }, { ".\n", false, 0 },
		{ "a.\n..\n", false, 6 }, { "", false, 0 } };

	UNUSED(state);
	for (size_t i = 0; i < NITEMS(cases); i++)
		assert_int_equal(sendmail_message_end(bytes_from_str(cases[i].in), cases[i].dots).n,
			cases[i].n);
}

/* The ways in which programs call it. */
static const struct call {
	const char *label;
	const char *argv[8];
	enum sendmail_mode mode;
	const char *sender, *notify;
	bool from_header, dots_are_text;
	int recipients; /* < 0: a usage error */
} calls[] = {
	{ "php", { "sendmail", "-t", "-i" }, SENDMAIL_SEND, NULL, NULL, true, true, 0 },
	{ "cron", { "sendmail", "-FCronDaemon", "-i", "-B8BITMIME", "-oem", "root" }, SENDMAIL_SEND,
		NULL, NULL, false, true, 1 },
	{ "mutt", { "/usr/sbin/sendmail", "-oem", "-oi", "-f", "a@b", "--", "c@d", "e@f" },
		SENDMAIL_SEND, "a@b", NULL, false, true, 2 },
	{ "git", { "sendmail", "-i", "c@d" }, SENDMAIL_SEND, NULL, NULL, false, true, 1 },
	{ "-ti in one", { "sendmail", "-ti" }, SENDMAIL_SEND, NULL, NULL, true, true, 0 },
	{ "-r", { "sendmail", "-r", "x", "y" }, SENDMAIL_SEND, "x", NULL, false, false, 1 },
	{ "-f, empty", { "sendmail", "-f", "", "y" }, SENDMAIL_SEND, "", NULL, false, false, 1 },
	{ "-O", { "sendmail", "-O", "DeliveryMode=b", "y" }, SENDMAIL_SEND, NULL, NULL, false,
		false, 1 },
	{ "-odb", { "sendmail", "-odb", "-oee", "-v", "y" }, SENDMAIL_SEND, NULL, NULL, false,
		false, 1 },
	{ "-N", { "sendmail", "-N", "delay,success", "y" }, SENDMAIL_SEND, NULL, "SUCCESS,DELAY",
		false, false, 1 },
	{ "-N never", { "sendmail", "-Nnever", "y" }, SENDMAIL_SEND, NULL, "NEVER", false, false,
		1 },
	{ "-N nonsense", { "sendmail", "-N", "often", "y" }, SENDMAIL_SEND, NULL, NULL, false,
		false, -1 },
	{ "-R nonsense", { "sendmail", "-R", "most", "y" }, SENDMAIL_SEND, NULL, NULL, false, false,
		-1 },
	{ "-bs", { "sendmail", "-bs" }, SENDMAIL_SMTP, NULL, NULL, false, false, 0 },
	{ "-bp", { "sendmail", "-bp" }, SENDMAIL_QUEUE, NULL, NULL, false, false, 0 },
	{ "-bi", { "sendmail", "-bi" }, SENDMAIL_ALIASES, NULL, NULL, false, false, 0 },
	{ "-bd", { "sendmail", "-bd", "-q30m" }, SENDMAIL_SEND, NULL, NULL, false, false, -1 },
	{ "-q", { "sendmail", "-q" }, SENDMAIL_FLUSH, NULL, NULL, false, false, 0 },
	{ "-q30m", { "sendmail", "-q30m" }, SENDMAIL_NOTHING, NULL, NULL, false, false, 0 },
	{ "newaliases", { "/usr/bin/newaliases" }, SENDMAIL_ALIASES, NULL, NULL, false, false, 0 },
	{ "mailq", { "mailq" }, SENDMAIL_QUEUE, NULL, NULL, false, false, 0 },
	{ "unknown option", { "sendmail", "-Z" }, SENDMAIL_SEND, NULL, NULL, false, false, -1 },
};

static void
run_call(void **state)
{
	const struct call *t = *state;
	struct sendmail_args a;
	char *argv[9] = { NULL };
	int argc = 0, r;

	while (argc < 8 && t->argv[argc] != NULL) {
		argv[argc] = strdup(t->argv[argc]);
		argc++;
	}
	r = sendmail_args_parse(&a, argc, argv);
	assert_int_equal(r, t->recipients < 0 ? EX_USAGE : EX_OK);
	if (r == EX_OK) {
		assert_int_equal(a.mode, t->mode);
		assert_int_equal(a.n_recipients, t->recipients);
		assert_int_equal(a.from_header, t->from_header);
		assert_int_equal(a.dots_are_text, t->dots_are_text);
		assert_true(
			t->sender == NULL ? a.sender == NULL : strcmp(a.sender, t->sender) == 0);
		assert_true(
			t->notify == NULL ? a.notify == NULL : strcmp(a.notify, t->notify) == 0);
	}
	for (int i = 0; i < argc; i++)
		free(argv[i]);
}

int
main(void)
{
	TABLE_TESTS(tests, rows, run_row);
	TABLE_TESTS(call_tests, calls, run_call);
	const struct CMUnitTest others[] = { cmocka_unit_test(ends),
		cmocka_unit_test(bad_recipients) };

	return cmocka_run_group_tests_name("sendmail/message", tests, NULL, NULL) +
	       cmocka_run_group_tests_name("sendmail/calls", call_tests, NULL, NULL) +
	       cmocka_run_group_tests_name("sendmail", others, NULL, NULL);
}
