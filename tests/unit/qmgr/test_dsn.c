/* SPDX-License-Identifier: ISC */
/* tests/unit/qmgr/test_dsn.c - delivery status notifications, RFC 3464. */
#include "dsn.h"

#include "cases.h"

static const struct row {
	const char *label, *login, *reverse_path;
	uint32_t notify;
	bool wanted;
} rows[] = {
	{ "a stranger", "", "a@example.net", 0, false },
	{ "authenticated", "a@example.org", "a@example.org", 0, true },
	{ "null reverse-path", "a@example.org", "", 0, false },
	{ "NEVER", "a@example.org", "a@example.org", ENVELOPE_NOTIFY_NEVER, false },
	{ "SUCCESS only", "a@example.org", "a@example.org", ENVELOPE_NOTIFY_SUCCESS, false },
	{ "FAILURE", "a@example.org", "a@example.org", ENVELOPE_NOTIFY_FAILURE, true },
	{ "SUCCESS and FAILURE", "a@example.org", "a@example.org",
		ENVELOPE_NOTIFY_SUCCESS | ENVELOPE_NOTIFY_FAILURE, true },
};

static void
run_row(void **arg)
{
	const struct row *t = *arg;
	const struct envelope e = { .login = bytes_from_str(t->login),
		.reverse_path = bytes_from_str(t->reverse_path) };

	assert_int_equal(dsn_is_wanted(&e, t->notify), t->wanted);
}

static const char original[] =
	"Received: x\r\nSubject: secret plan\r\nX-Injected: no\r\n\r\nBody\r\n";

static const struct text_row {
	const char *label;
	uint32_t flags;
	const char *envid, *orcpt, *address, *text;
	const char *has, *has_not;
} text_rows[] = {
	{ "report type", 0, "", "", "a@example.org", "no", "report-type=delivery-status;", NULL },
	{ "automatic", 0, "", "", "a@example.org", "no", "\r\nAuto-Submitted: auto-replied\r\n",
		NULL },
	{ "final recipient", 0, "", "", "a@example.org", "no",
		"\r\nFinal-Recipient: rfc822; a@example.org\r\nAction: failed\r\nStatus: 5.1.1\r\n",
		"Original-Recipient" },
	{ "original recipient, xtext", 0, "", "rfc822;b+2Bc@example.org", "a@example.org", "no",
		"\r\nOriginal-Recipient: rfc822;b+c@example.org\r\n", NULL },
	{ "envelope id, xtext", 0, "QQ+3D1", "", "a@example.org", "no",
		"\r\nOriginal-Envelope-Id: QQ=1\r\n", NULL },
	{ "xtext that would end the line", 0, "a+0D+0AX-Evil:+20yes", "", "a@example.org", "no",
		"Original-Envelope-Id: a??X-Evil: yes\r\n", "\r\nX-Evil" },
	{ "text that would end the line", 0, "", "", "a@example.org", "no\r\nX-Evil: yes",
		"X-Relais; no??X-Evil: yes\r\n", "\r\nX-Evil" },
	{ "headers only", 0, "", "", "a@example.org", "no", "text/rfc822-headers", "Body" },
	{ "headers come back", 0, "", "", "a@example.org", "no", "Subject: secret plan\r\n", NULL },
	{ "RET=FULL", ENVELOPE_RET_FULL, "", "", "a@example.org", "no", "message/rfc822\r\n",
		"rfc822-headers" },
	{ "UTF-8 address", 0, "", "", "gr\xc3\xbc\xc3\x9f@example.org", "no",
		"Final-Recipient: utf-8; gr\xc3\xbc\xc3\x9f@example.org\r\n", NULL },
};

static void
run_text_row(void **arg)
{
	const struct text_row *t = *arg;
	const struct envelope e = { .reverse_path = BYTES_LITERAL("sender@example.org"),
		.flags = t->flags,
		.envid = bytes_from_str(t->envid) };
	const struct dsn_rcpt rcpt = { bytes_from_str(t->address), bytes_from_str(t->orcpt),
		BYTES_LITERAL("5.1.1"), bytes_from_str(t->text) };
	const struct dsn d = { "mx.example.org", "Sat, 21 Nov 2026 22:04:57 +0000",
		"Sat, 21 Nov 2026 22:04:00 +0000", "4jX7KH4Dm8z2", "4jX7KH4Dm8z1", &e, BYTES_NONE,
		1, &rcpt, bytes_from_str(original) };
	struct buf out = BUF_INIT;
	struct bytes text;

	dsn_build(&out, &d);
	text = buf_bytes(&out);
	assert_true(bytes_search(text, bytes_from_str(t->has)) != BYTES_NOT_FOUND);
	if (t->has_not != NULL)
		assert_true(bytes_search(text, bytes_from_str(t->has_not)) == BYTES_NOT_FOUND);
	/* every line ends in CRLF, and no LF or CR stands alone */
	for (size_t i = 0; i < text.n; i++) {
		assert_true(text.p[i] != '\n' || (i > 0 && text.p[i - 1] == '\r'));
		assert_true(text.p[i] != '\r' || (i + 1 < text.n && text.p[i + 1] == '\n'));
	}
	assert_true(bytes_search(text, BYTES_LITERAL("/mx.example.org--\r\n")) != BYTES_NOT_FOUND);
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
