/* SPDX-License-Identifier: ISC */
/* tests/unit/qmgr/test_dsn.c - the text of delivery status notifications, RFC 3464 and 6533. */
#include "dsn.h"

#include "cases.h"

static const struct row {
	const char *label;
	uint32_t notify;
	bool failure, delay, success;
} rows[] = {
	{ "not given", 0, true, true, false },
	{ "NEVER", ENVELOPE_NOTIFY_NEVER, false, false, false },
	{ "SUCCESS", ENVELOPE_NOTIFY_SUCCESS, false, false, true },
	{ "FAILURE", ENVELOPE_NOTIFY_FAILURE, true, false, false },
	{ "DELAY", ENVELOPE_NOTIFY_DELAY, false, true, false },
	{ "SUCCESS and FAILURE", ENVELOPE_NOTIFY_SUCCESS | ENVELOPE_NOTIFY_FAILURE, true, false,
		true },
};

static void
run_row(void **arg)
{
	const struct row *t = *arg;

	assert_int_equal(dsn_is_wanted(DSN_FAILURE, t->notify), t->failure);
	assert_int_equal(dsn_is_wanted(DSN_DELAY, t->notify), t->delay);
	assert_int_equal(dsn_is_wanted(DSN_SUCCESS, t->notify), t->success);
}

static const char original[] =
	"Received: x\r\nSubject: secret plan\r\nX-Injected: no\r\n\r\nBody\r\n";
static const char original_utf8[] = "Subject: gr\xc3\xbc\xc3\x9f\x65\r\n\r\nBody\r\n";

#define GRUESSE "gr\xc3\xbc\xc3\x9f@example.org"
#define UTF8    ENVELOPE_SMTPUTF8

static const struct text_row {
	const char *label;
	uint32_t flags;
	enum dsn_kind kind;
	struct dsn_rcpt rcpt;
	const char *envid;
	bool full;
	const char *has, *has_not;
} text_rows[] = {
	{ "report type", .has = "report-type=delivery-status;" },
	{ "automatic", .has = "\r\nAuto-Submitted: auto-replied\r\n" },
	{ "final recipient",
		.has = "\r\nFinal-Recipient: rfc822; a@example.org\r\nAction: failed\r\n"
		       "Status: 5.1.1\r\nDiagnostic-Code: X-Relais; no\r\n",
		.has_not = "Original-Recipient" },
	{ "what another host said", .rcpt.remote = BYTES_LITERAL("mx.example.net"),
		.has = "\r\nRemote-MTA: dns; mx.example.net\r\nDiagnostic-Code: smtp; no\r\n",
		.has_not = "X-Relais;" },
	{ "a person reads it first", .rcpt.given = BYTES_LITERAL("alias@example.org"),
		.has = "\r\n  <a@example.org> (as <alias@example.org>)\r\n    no\r\n" },
	{ "a delay", .kind = DSN_DELAY, .rcpt.action = DSN_DELAYED,
		.has = "Action: delayed\r\nStatus: 5.1.1\r\nDiagnostic-Code: X-Relais; no\r\n"
		       "Will-Retry-Until: Thu, 26 Nov 2026 22:04:00 +0000\r\n" },
	{ "a delay is no failure", .kind = DSN_DELAY, .rcpt.action = DSN_DELAYED,
		.has = "Subject: Delayed Mail", .has_not = "Undelivered" },
	{ "a success", .kind = DSN_SUCCESS, .rcpt.action = DSN_RELAYED,
		.has = "\r\nAction: relayed\r\n", .has_not = "Will-Retry-Until" },
	{ "an expanded alias", .kind = DSN_SUCCESS, .rcpt.action = DSN_EXPANDED,
		.has = "\r\nAction: expanded\r\n" },
	{ "original recipient, xtext", .rcpt.orcpt = BYTES_LITERAL("rfc822;b+2Bc@example.org"),
		.has = "\r\nOriginal-Recipient: rfc822;b+c@example.org\r\n" },
	{ "original recipient, no xtext", .rcpt.orcpt = BYTES_LITERAL("rfc822;b+zz@example.org"),
		.has = "\r\nOriginal-Recipient: rfc822;b+zz@example.org\r\n" },
	{ "original recipient, UTF-8", UTF8,
		.rcpt.orcpt = BYTES_LITERAL("utf-8;gr\\x{FC}\\x{DF}@example.org"),
		.has = "\r\nOriginal-Recipient: utf-8;" GRUESSE "\r\n" },
	{ "original recipient, bad escapes", UTF8,
		.rcpt.orcpt = BYTES_LITERAL("utf-8;\\x{}\\x{FFFFFFFFF}\\x{D\\x{A}@x"),
		.has = "Original-Recipient: utf-8;\\x{}\\x{FFFFFFFFF}\\x{D?@x\r\n" },
	{ "envelope id, xtext", .envid = "QQ+3D1", .has = "\r\nOriginal-Envelope-Id: QQ=1\r\n" },
	{ "xtext that would end the line", .envid = "a+0D+0AX-Evil:+20yes",
		.has = "Original-Envelope-Id: a??X-Evil: yes\r\n", .has_not = "\r\nX-Evil" },
	{ "text that would end the line", .rcpt.text = BYTES_LITERAL("no\r\nX-Evil: yes"),
		.has = "X-Relais; no??X-Evil: yes\r\n", .has_not = "\r\nX-Evil" },
	{ "headers only", .has = "text/rfc822-headers", .has_not = "Body" },
	{ "headers come back", .has = "Subject: secret plan\r\n" },
	{ "the content, too", .full = true, .has = "message/rfc822\r\n",
		.has_not = "rfc822-headers" },
	{ "UTF-8 address, SMTPUTF8", UTF8, .rcpt.address = BYTES_LITERAL(GRUESSE),
		.has = "Final-Recipient: utf-8; " GRUESSE "\r\n" },
	{ "UTF-8 address without SMTPUTF8", .rcpt.address = BYTES_LITERAL(GRUESSE),
		.has = "Final-Recipient: utf-8; gr????@example.org\r\n" },
	{ "SMTPUTF8 status", UTF8, .has = "message/global-delivery-status\r\n" },
	{ "SMTPUTF8 header", UTF8,
		.has = "message/global-headers\r\nContent-Transfer-Encoding: 8bit\r\n" },
	{ "SMTPUTF8 content", UTF8, .full = true,
		.has = "message/global\r\nContent-Transfer-Encoding: 8bit\r\n" },
	{ "text in no charset", UTF8, .rcpt.text = BYTES_LITERAL("gr\xfc\xdf"),
		.has = "Diagnostic-Code: X-Relais; gr??\r\n", .has_not = "\xfc" },
};

static bool
holds(struct bytes text, const char *what)
{
	return bytes_search(text, bytes_from_str(what)) != BYTES_NOT_FOUND;
}

static void
run_text_row(void **arg)
{
	const struct text_row *t = *arg;
	const bool utf8 = (t->flags & ENVELOPE_SMTPUTF8) != 0;
	const struct envelope e = { .reverse_path = BYTES_LITERAL("sender@example.org"),
		.flags = t->flags,
		.envid = bytes_from_str(t->envid == NULL ? "" : t->envid) };
	struct dsn_rcpt rcpt = t->rcpt;
	const struct dsn d = { .kind = t->kind,
		.hostname = "mx.example.org",
		.date = "Sat, 21 Nov 2026 22:04:57 +0000",
		.arrival = "Sat, 21 Nov 2026 22:04:00 +0000",
		.until = "Thu, 26 Nov 2026 22:04:00 +0000",
		.id = "4jX7KH4Dm8z2",
		.of_id = "4jX7KH4Dm8z1",
		.envelope = &e,
		.to = e.reverse_path,
		.full = t->full,
		.n = 1,
		.rcpts = &rcpt,
		.original = bytes_from_str(utf8 ? original_utf8 : original) };
	struct buf out = BUF_INIT;
	struct bytes text;

	if (rcpt.address.n == 0)
		rcpt.address = BYTES_LITERAL("a@example.org");
	if (rcpt.text.n == 0)
		rcpt.text = BYTES_LITERAL("no");
	rcpt.code = BYTES_LITERAL("5.1.1");
	dsn_build(&out, &d);
	text = buf_bytes(&out);
	assert_true(holds(text, t->has));
	assert_true(t->has_not == NULL || !holds(text, t->has_not));
	/* every line ends in CRLF, and no LF or CR stands alone */
	for (size_t i = 0; i < text.n; i++) {
		assert_true(text.p[i] != '\n' || (i > 0 && text.p[i - 1] == '\r'));
		assert_true(text.p[i] != '\r' || (i + 1 < text.n && text.p[i + 1] == '\n'));
	}
	assert_true(holds(text, "/mx.example.org--\r\n"));
	buf_free(&out);
}

int
main(void)
{
	TABLE_TESTS(tests, rows, run_row);
	TABLE_TESTS(texts, text_rows, run_text_row);

	return cmocka_run_group_tests_name("qmgr/dsn wanted", tests, NULL, NULL) +
	       cmocka_run_group_tests_name("qmgr/dsn", texts, NULL, NULL);
}
