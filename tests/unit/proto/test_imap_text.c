/* SPDX-License-Identifier: ISC */
/*
 * tests/unit/proto/test_imap_text.c - strings, ENVELOPE, BODYSTRUCTURE, mailbox names and dates
 * on the wire.
 */
#include <stdlib.h>

#include "cases.h"
#include "err.h"
#include "imap_text.h"

static const struct row {
	const char *label, *in, *out;
} strings[] = {
	{ "string: plain", "abc", "\"abc\"" },
	{ "string: empty", "", "\"\"" },
	{ "string: quotes", "a\"b\\c", "\"a\\\"b\\\\c\"" },
	{ "string: 8 bit", "\xc3\xa4", "{2}\r\n\xc3\xa4" },
	{ "string: CRLF", "a\r\nb", "{4}\r\na\r\nb" },
};

static void
run_string(void **arg)
{
	const struct row *t = *arg;
	struct buf out = BUF_INIT;

	imap_put_string(&out, bytes_from_str(t->in));
	assert_string_equal(buf_str(&out), t->out);
	buf_free(&out);
}

static const struct row astrings[] = {
	{ "astring: atom", "INBOX.a]b", "INBOX.a]b" },
	{ "astring: blank", "a b", "\"a b\"" },
	{ "astring: empty", "", "\"\"" },
	{ "astring: NIL", "nil", "\"nil\"" },
	{ "astring: wildcard", "a*", "\"a*\"" },
	{ "astring: 8 bit", "\xc3\xa4", "{2}\r\n\xc3\xa4" },
};

static void
run_astring(void **arg)
{
	const struct row *t = *arg;
	struct buf out = BUF_INIT;

	imap_put_astring(&out, bytes_from_str(t->in));
	assert_string_equal(buf_str(&out), t->out);
	buf_free(&out);
}

static void
test_nul_and_nil(void **state)
{
	struct buf out = BUF_INIT;

	imap_put_string(&out, bytes_make("a\0b", 3));
	imap_put_nstring(&out, BYTES_NONE);
	imap_put_nstring(&out, BYTES_LITERAL(""));
	assert_string_equal(buf_str(&out), "{2}\r\nabNIL\"\"");
	buf_free(&out);
}

/* --- ENVELOPE --------------------------------------------------------------------- */

static const struct row envelopes[] = {
	{ "envelope: nothing", "", "(NIL NIL NIL NIL NIL NIL NIL NIL NIL NIL)" },
	{ "envelope: the example of RFC 3501 sec. 8",
		"Date: Wed, 17 Jul 1996 02:23:25 -0700 (PDT)\r\n"
		"From: Terry Gray <gray@cac.washington.edu>\r\n"
		"Subject: IMAP4rev1 WG mtg summary and minutes\r\n"
		"To: imap@cac.washington.edu\r\n"
		"cc: minutes@CNRI.Reston.VA.US, John Klensin <KLENSIN@MIT.EDU>\r\n"
		"Message-Id: <B27397-0100000@cac.washington.edu>\r\n\r\n",
		"(\"Wed, 17 Jul 1996 02:23:25 -0700 (PDT)\" "
		"\"IMAP4rev1 WG mtg summary and minutes\" "
		"((\"Terry Gray\" NIL \"gray\" \"cac.washington.edu\")) "
		"((\"Terry Gray\" NIL \"gray\" \"cac.washington.edu\")) "
		"((\"Terry Gray\" NIL \"gray\" \"cac.washington.edu\")) "
		"((NIL NIL \"imap\" \"cac.washington.edu\")) "
		"((NIL NIL \"minutes\" \"CNRI.Reston.VA.US\")"
		"(\"John Klensin\" NIL \"KLENSIN\" \"MIT.EDU\")) NIL NIL "
		"\"<B27397-0100000@cac.washington.edu>\")" },
	{ "envelope: sender and reply-to of their own",
		"From: a@b\r\nSender: c@d\r\nReply-To: e@f\r\n\r\n",
		"(NIL NIL ((NIL NIL \"a\" \"b\")) ((NIL NIL \"c\" \"d\")) ((NIL NIL \"e\" \"f\")) "
		"NIL NIL NIL NIL NIL)" },
	{ "envelope: empty fields", "Subject:\r\nTo:\r\nIn-Reply-To: \r\n\r\n",
		"(NIL \"\" NIL NIL NIL NIL NIL NIL \"\" NIL)" },
	{ "envelope: groups", "To: G: a@b;, U:;\r\n\r\n",
		"(NIL NIL NIL NIL NIL ((NIL NIL \"G\" NIL)(NIL NIL \"a\" \"b\")(NIL NIL NIL NIL)"
		"(NIL NIL \"U\" NIL)(NIL NIL NIL NIL)) NIL NIL NIL NIL)" },
	{ "envelope: no domain is not a group", "To: root\r\n\r\n",
		"(NIL NIL NIL NIL NIL ((NIL NIL \"root\" \"\")) NIL NIL NIL NIL)" },
	{ "envelope: route", "To: <@x,@y:a@b>\r\n\r\n",
		"(NIL NIL NIL NIL NIL ((NIL \"@x,@y\" \"a\" \"b\")) NIL NIL NIL NIL)" },
	{ "envelope: folded subject", "Subject: a\r\n b\r\n\r\n",
		"(NIL \"a b\" NIL NIL NIL NIL NIL NIL NIL NIL)" },
	{ "envelope: several To fields", "To: a@b\r\nTo: c@d\r\n\r\n",
		"(NIL NIL NIL NIL NIL ((NIL NIL \"a\" \"b\")(NIL NIL \"c\" \"d\")) NIL NIL NIL "
		"NIL)" },
	{ "envelope: the first subject counts", "Subject: a\r\nSubject: b\r\n\r\n",
		"(NIL \"a\" NIL NIL NIL NIL NIL NIL NIL NIL)" },
	{ "envelope: 8 bit", "Subject: \xe4\r\n\r\n",
		"(NIL {1}\r\n\xe4 NIL NIL NIL NIL NIL NIL NIL NIL)" },
};

static void
run_envelope(void **arg)
{
	const struct row *t = *arg;
	struct buf out = BUF_INIT;

	imap_put_envelope(&out, bytes_from_str(t->in));
	assert_string_equal(buf_str(&out), t->out);
	buf_free(&out);
}

/* --- BODY and BODYSTRUCTURE ------------------------------------------------------- */

static const struct body_row {
	const char *label, *in, *body, *rest; /* rest: what BODYSTRUCTURE says after BODY's text */
} bodies[] = {
	{ "body: text by default", "A: b\r\n\r\none\r\ntwo\r\n",
		"(\"text\" \"plain\" (\"charset\" \"us-ascii\") NIL NIL \"7bit\" 10 2",
		" NIL NIL NIL NIL)" },
	{ "body: text with its charset", "Content-Type: text/HTML; charset=utf-8\r\n\r\n",
		"(\"text\" \"HTML\" (\"charset\" \"utf-8\") NIL NIL \"7bit\" 0 0",
		" NIL NIL NIL NIL)" },
	{ "body: charset is added", "Content-Type: text/plain; format=flowed\r\n\r\n",
		"(\"text\" \"plain\" (\"format\" \"flowed\" \"charset\" \"us-ascii\") NIL NIL "
		"\"7bit\" 0 0",
		" NIL NIL NIL NIL)" },
	{ "body: all fields",
		"Content-Type: image/gif; name=x\r\nContent-ID: <i@d>\r\nContent-Description: "
		"a\r\n b\r\n"
		"Content-Transfer-Encoding: base64\r\nContent-MD5: xyz==\r\n"
		"Content-Disposition: attachment; filename=\"y\"\r\nContent-Language: de, en\r\n"
		"Content-Location: http://x/\r\n\r\nR0lG\r\n",
		"(\"image\" \"gif\" (\"name\" \"x\") \"<i@d>\" \"a b\" \"base64\" 6",
		" \"xyz==\" (\"attachment\" (\"filename\" \"y\")) (\"de\" \"en\") \"http://x/\")" },
	{ "body: disposition without parameters",
		"Content-Type: a/b\r\nContent-Disposition: inline\r\n\r\n",
		"(\"a\" \"b\" NIL NIL NIL \"7bit\" 0", " NIL (\"inline\" NIL) NIL NIL)" },
	{ "body: multipart",
		"Content-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\nContent-Type: "
		"a/b\r\n\r\nx\r\n--b--",
		NULL,
		"((\"a\" \"b\" NIL NIL NIL \"7bit\" 1 NIL NIL NIL NIL) \"mixed\" (\"boundary\" "
		"\"b\") NIL NIL NIL)" },
	{ "body: multipart without parts", "Content-Type: multipart/mixed\r\n\r\n", NULL,
		"((\"text\" \"plain\" (\"charset\" \"us-ascii\") NIL NIL \"7bit\" 0 0 NIL NIL NIL "
		"NIL) "
		"\"mixed\" NIL NIL NIL NIL)" },
	{ "body: message", "Content-Type: message/rfc822\r\n\r\nSubject: in\r\n\r\nx\r\n", NULL,
		"(\"message\" \"rfc822\" NIL NIL NIL \"7bit\" 18 "
		"(NIL \"in\" NIL NIL NIL NIL NIL NIL NIL NIL) "
		"(\"text\" \"plain\" (\"charset\" \"us-ascii\") NIL NIL \"7bit\" 3 1 NIL NIL NIL "
		"NIL) 3 NIL NIL NIL NIL)" },
};

static void
run_body(void **arg)
{
	const struct body_row *t = *arg;
	struct arena a = ARENA_INIT;
	struct bytes in = bytes_from_str(t->in);
	struct mime_part *root = mime_parse(&a, in);
	struct buf out = BUF_INIT, want = BUF_INIT;

	if (t->body != NULL) {
		imap_put_body(&out, in, root, false);
		buf_printf(&want, "%s)", t->body);
		assert_string_equal(buf_str(&out), buf_str(&want));
	}
	buf_clear(&out);
	buf_clear(&want);
	imap_put_body(&out, in, root, true);
	buf_printf(&want, "%s%s", t->body == NULL ? "" : t->body, t->rest);
	assert_string_equal(buf_str(&out), buf_str(&want));
	buf_free(&out);
	buf_free(&want);
	arena_reset(&a);
}

static void
test_body_is_short(void **state)
{
	struct arena a = ARENA_INIT;
	struct bytes in = BYTES_LITERAL(
		"Content-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\n\r\nx\r\n--b--");
	struct buf out = BUF_INIT;

	imap_put_body(&out, in, mime_parse(&a, in), false);
	assert_string_equal(buf_str(&out),
		"((\"text\" \"plain\" (\"charset\" \"us-ascii\") NIL NIL \"7bit\" 1 0) \"mixed\")");
	buf_free(&out);
	arena_reset(&a);
}

/* However large the header or the number of parts, what is written stays within bounds. */
static void
test_limits(void **state)
{
	struct arena a = ARENA_INIT;
	struct buf in = BUF_INIT, out = BUF_INIT;

	for (int i = 0; i < 50; i++) {
		buf_put_str(&in, i % 2 == 0 ? "To: " : "Subject: ");
		for (int k = 0; k < 50000; k++)
			buf_put_str(&in, "a,");
		buf_put_str(&in, "\r\n");
	}
	imap_put_envelope(&out, buf_bytes(&in));
	assert_in_range(out.len, 10000, 2 << 20);
	buf_clear(&in);
	buf_clear(&out);
	buf_put_str(&in, "Content-Type: multipart/digest; boundary=b\r\n\r\n");
	while (in.len < (8 << 20)) {
		buf_put_str(&in, "--b\r\n\r\nContent-Type: image/gif;");
		for (int k = 0; k < 100; k++)
			buf_put_str(&in, "a=b;");
		buf_put_str(&in, "\r\nTo: a,b,c,d,e,f,g,h,i\r\n\r\n");
	}
	imap_put_body(&out, buf_bytes(&in), mime_parse(&a, buf_bytes(&in)), true);
	assert_in_range(out.len, 1 << 20, 4 << 20);
	buf_free(&in);
	buf_free(&out);
	arena_reset(&a);
}

static void
test_header_fields(void **state)
{
	static const struct bytes names[] = { BYTES_LITERAL("SUBJECT"), BYTES_LITERAL("to") };
	struct bytes in =
		BYTES_LITERAL("From: a\r\nSubject: b\r\n c\r\nTo: d\r\nX: e\r\nto: f\r\n\r\n");
	struct buf out = BUF_INIT;

	imap_put_header_fields(&out, in, names, 2, false);
	assert_string_equal(buf_str(&out), "Subject: b\r\n c\r\nTo: d\r\nto: f\r\n\r\n");
	buf_clear(&out);
	imap_put_header_fields(&out, in, names, 2, true);
	assert_string_equal(buf_str(&out), "From: a\r\nX: e\r\n\r\n");
	buf_clear(&out);
	imap_put_header_fields(&out, BYTES_LITERAL("To: x\r\n"), names, 2, false);
	assert_string_equal(buf_str(&out), "To: x\r\n"); /* no blank line, none added */
	buf_free(&out);
}

/* --- mailbox names ---------------------------------------------------------------- */

static const struct row names[] = {
	{ "utf-7: ASCII", "INBOX/a b", "INBOX/a b" },
	{ "utf-7: ampersand", "a&b", "a&-b" },
	{ "utf-7: the example of RFC 3501",
		"~peter/mail/\xe5\x8f\xb0\xe5\x8c\x97/\xe6\x97\xa5\xe6\x9c\xac\xe8\xaa\x9e",
		"~peter/mail/&U,BTFw-/&ZeVnLIqe-" },
	{ "utf-7: Latin", "Entw\xc3\xbcrfe", "Entw&APw-rfe" },
	{ "utf-7: beyond the plane", "\xf0\x9f\x98\x80", "&2D3eAA-" },
	{ "utf-7: two and ASCII", "\xc3\xa4&\xc3\xb6", "&AOQ-&-&APY-" },
	{ "utf-7: control",
		"a\x01"
		"b",
		"a&AAE-b" },
	{ "utf-7: empty", "", "" },
};

static void
run_name(void **arg)
{
	const struct row *t = *arg;
	struct buf out = BUF_INIT;

	assert_int_equal(imap_utf7_encode(&out, bytes_from_str(t->in)), ERR_OK);
	assert_string_equal(buf_str(&out), t->out);
	buf_clear(&out);
	assert_int_equal(imap_utf7_decode(&out, bytes_from_str(t->out)), ERR_OK);
	assert_string_equal(buf_str(&out), t->in);
	buf_free(&out);
}

static const struct row bad_names[] = {
	{ "utf-7: not closed", "a&APw", NULL },
	{ "utf-7: 8 bit", "\xc3\xa4", NULL },
	{ "utf-7: ASCII in base64", "&AGE-", NULL },
	{ "utf-7: two shifts in a row", "&AOQ-&APY-", NULL },
	{ "utf-7: bits left over", "&APx-", NULL },
	{ "utf-7: lone surrogate", "&2D0-", NULL },
	{ "utf-7: low surrogate", "&3gA-", NULL },
	{ "utf-7: NUL", "&AAA-", NULL },
	{ "utf-7: not base64", "&A/w-", NULL },
	{ "utf-7: half a unit", "&AP-", NULL },
	{ "utf-7: control", "a\x01", NULL },
};

static void
run_bad_name(void **arg)
{
	const struct row *t = *arg;
	struct buf out = BUF_INIT;

	buf_put_str(&out, "x");
	assert_int_equal(imap_utf7_decode(&out, bytes_from_str(t->in)), ERR_SYNTAX);
	assert_string_equal(buf_str(&out), "x");
	assert_int_equal(imap_utf7_encode(&out, BYTES_LITERAL("\xc3(")), ERR_SYNTAX);
	assert_int_equal(imap_utf7_encode(&out, bytes_make("a\0", 2)), ERR_SYNTAX);
	assert_string_equal(buf_str(&out), "x");
	buf_free(&out);
}

/* --- dates ------------------------------------------------------------------------ */

static const struct date_row {
	const char *label;
	int64_t utc;
	int32_t zone;
	const char *out;
} dates[] = {
	{ "date-time: the epoch", 0, 0, "\" 1-Jan-1970 00:00:00 +0000\"" },
	{ "date-time: east", 1795295097, 3600, "\"21-Nov-2026 22:04:57 +0100\"" },
	{ "date-time: west", 1795295097, -12600, "\"21-Nov-2026 17:34:57 -0330\"" },
	{ "date-time: leap day", 1709251199, 0, "\"29-Feb-2024 23:59:59 +0000\"" },
	{ "date-time: no date", -5, 0, "\" 1-Jan-1970 00:00:00 +0000\"" },
	{ "date-time: the year before, by its zone", 0, -3600, "\"31-Dec-1969 23:00:00 -0100\"" },
};

static void
run_date(void **arg)
{
	const struct date_row *t = *arg;
	struct buf out = BUF_INIT;

	imap_put_date_time(&out, t->utc, t->zone);
	assert_string_equal(buf_str(&out), t->out);
	buf_free(&out);
}

int
main(void)
{
	struct CMUnitTest tests[100];
	size_t n = 0;

	ADD_ROWS(tests, n, strings, run_string);
	ADD_ROWS(tests, n, astrings, run_astring);
	ADD_ROWS(tests, n, envelopes, run_envelope);
	ADD_ROWS(tests, n, bodies, run_body);
	ADD_ROWS(tests, n, names, run_name);
	ADD_ROWS(tests, n, bad_names, run_bad_name);
	ADD_ROWS(tests, n, dates, run_date);
	tests[n++] = (struct CMUnitTest)cmocka_unit_test(test_nul_and_nil);
	tests[n++] = (struct CMUnitTest)cmocka_unit_test(test_body_is_short);
	tests[n++] = (struct CMUnitTest)cmocka_unit_test(test_limits);
	tests[n++] = (struct CMUnitTest)cmocka_unit_test(test_header_fields);
	return _cmocka_run_group_tests("proto/imap_text", tests, n, NULL, NULL);
}
