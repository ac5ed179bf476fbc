/* SPDX-License-Identifier: ISC */
/*
 * tests/unit/submission/test_submit_header.c - the header's fix-ups octet for octet. Each row is a
 * message through a whole session, fed whole, octet by octet and by sevens, by DATA and BDAT.
 */
#include "../base/cases.h"

#include <stdio.h>
#include <stdlib.h>

#include "session_driver.h"
#include "submit_header.h"

#define F   "From: a@x.example\r\n"
#define D   "Date: Thu, 1 Jan 2026 00:00:00 +0000\r\n"
#define I   "Message-ID: <1@x>\r\n"
#define FDI F D I
#define NO  "550 5.6.0 Message rejected: "

static const struct row {
	const char *label, *in;
	const char *senders; /* " sender=<...>" of each */
	const char *out;     /* added fields and content; NULL: refused */
	const char *refusal;
} rows[] = {
	/* as it is */
	{ "nothing to do", FDI "\r\nbody\r\n", " sender=<a@x.example>", FDI "\r\nbody\r\n", NULL },
	{ "no body", FDI "\r\n", " sender=<a@x.example>", FDI "\r\n", NULL },
	{ "header only", FDI, " sender=<a@x.example>", FDI, NULL },
	{ "unknown fields stay", "X-A: b\r\n c\r\n" FDI "\r\n", " sender=<a@x.example>",
		"X-A: b\r\n c\r\n" FDI "\r\n", NULL },
	{ "fields in the body stay", FDI "\r\nBcc: x\r\nFrom: other@y\r\n", " sender=<a@x.example>",
		FDI "\r\nBcc: x\r\nFrom: other@y\r\n", NULL },

	/* removed */
	{ "Bcc", F "Bcc: x@y\r\n" D I "\r\n", " sender=<a@x.example>", FDI "\r\n", NULL },
	{ "Bcc folded", F "bcc: x@y,\r\n\tz@y,\r\n q@y\r\n" D I "\r\n", " sender=<a@x.example>",
		FDI "\r\n", NULL },
	{ "Bcc empty, twice, first and last", "Bcc:\r\n" FDI "BCC : x\r\n\r\n",
		" sender=<a@x.example>", FDI "\r\n", NULL },
	{ "Resent-Bcc", "Resent-Bcc: x@y\r\n" FDI "\r\n", " sender=<a@x.example>", FDI "\r\n",
		NULL },
	{ "Return-Path", "Return-Path: <x@y>\r\n" FDI "\r\n", " sender=<a@x.example>", FDI "\r\n",
		NULL },
	{ "Bccx stays", FDI "Bccx: y\r\n\r\n", " sender=<a@x.example>", FDI "Bccx: y\r\n\r\n",
		NULL },
	{ "mbox' From line", "From joe Mon Jan  5 12:00:00 2026\r\n" FDI "\r\n",
		" sender=<a@x.example>", FDI "\r\n", NULL },

	/* added: in front */
	{ "no Date", F I "\r\n", " sender=<a@x.example>", "DATE" F I "\r\n", NULL },
	{ "no Message-ID", F D "\r\n", " sender=<a@x.example>", "ID" F D "\r\n", NULL },
	{ "neither", F "\r\n", " sender=<a@x.example>", "DATEID" F "\r\n", NULL },
	{ "message-id in any case", F D "MESSAGE-Id: <1@x>\r\n\r\n", " sender=<a@x.example>",
		F D "MESSAGE-Id: <1@x>\r\n\r\n", NULL },

	/* whose it is */
	{ "named", "From: \"Doe, J. (x)\" <j@x.example>\r\n" D I "\r\n", " sender=<j@x.example>",
		"From: \"Doe, J. (x)\" <j@x.example>\r\n" D I "\r\n", NULL },
	{ "name is an address, quoted", "From: \"boss@y\" <j@x.example>\r\n" D I "\r\n",
		" sender=<j@x.example>", "From: \"boss@y\" <j@x.example>\r\n" D I "\r\n", NULL },
	{ "comment", "From: j@x.example (J. (Doe) @ home)\r\n" D I "\r\n", " sender=<j@x.example>",
		"From: j@x.example (J. (Doe) @ home)\r\n" D I "\r\n", NULL },
	{ "folded", "From:\r\n J\r\n\t<j@x.example>\r\n" D I "\r\n", " sender=<j@x.example>",
		"From:\r\n J\r\n\t<j@x.example>\r\n" D I "\r\n", NULL },
	{ "quoted local-part", "From: \"j d\"@x.example\r\n" D I "\r\n",
		" sender=<\"j d\"@x.example>", "From: \"j d\"@x.example\r\n" D I "\r\n", NULL },
	{ "several", "From: a@x.example, B <b@y.example>\r\n" D I "\r\n",
		" sender=<a@x.example> sender=<b@y.example>",
		"From: a@x.example, B <b@y.example>\r\n" D I "\r\n", NULL },
	{ "the same twice is one", "From: a@x.example\r\nSender: a@x.example\r\n" D I "\r\n",
		" sender=<a@x.example>", "From: a@x.example\r\nSender: a@x.example\r\n" D I "\r\n",
		NULL },
	{ "group", "From: us: a@x.example, b@x.example;\r\n" D I "\r\n",
		" sender=<a@x.example> sender=<b@x.example>",
		"From: us: a@x.example, b@x.example;\r\n" D I "\r\n", NULL },
	{ "Sender too", FDI "Sender: s@x.example\r\n\r\n",
		" sender=<a@x.example> sender=<s@x.example>", FDI "Sender: s@x.example\r\n\r\n",
		NULL },
	{ "resent: all of them",
		FDI "Resent-From: r@x.example\r\nResent-Sender: t@x.example\r\n\r\n",
		" sender=<a@x.example> sender=<r@x.example> sender=<t@x.example>",
		FDI "Resent-From: r@x.example\r\nResent-Sender: t@x.example\r\n\r\n", NULL },
	{ "resent twice", FDI "Resent-From: r@x.example\r\nResent-From: q@x.example\r\n\r\n",
		" sender=<a@x.example> sender=<r@x.example> sender=<q@x.example>",
		FDI "Resent-From: r@x.example\r\nResent-From: q@x.example\r\n\r\n", NULL },
	{ "UTF-8", "From: \303\244@\303\266.example\r\n" D I "\r\n",
		" sender=<\303\244@\303\266.example>",
		"From: \303\244@\303\266.example\r\n" D I "\r\n", NULL },
	{ "blank before the colon", "From : a@x.example\r\n" D I "\r\n", " sender=<a@x.example>",
		"From : a@x.example\r\n" D I "\r\n", NULL },

	/* refused */
	{ "no From", D I "\r\nx\r\n", "", NULL, NO "there is no From field" },
	{ "no header", "\r\nFrom: a@x.example\r\n", "", NULL, NO "there is no From field" },
	{ "nothing", "", "", NULL, NO "there is no From field" },
	{ "only resent", "Resent-From: a@x.example\r\n\r\n", "", NULL,
		NO "there is no From field" },
	{ "two From", F F D I "\r\n", "", NULL, NO "there are two of the field From" },
	{ "two From, one with a blank", F "From : b@y\r\n\r\n", "", NULL,
		NO "there are two of the field From" },
	{ "two Sender", F "Sender: a@x.example\r\nsender: b@y.example\r\n\r\n", "", NULL,
		NO "there are two of the field Sender" },
	{ "empty From", "From:\r\n" D I "\r\n", "", NULL, NO "no address in the field From" },
	{ "empty group", "From: nobody:;\r\n\r\n", "", NULL, NO "no address in the field From" },
	{ "only a comment", "From: (a@x.example)\r\n\r\n", "", NULL,
		NO "no address in the field From" },
	{ "no domain", "From: joe\r\n\r\n", "", NULL,
		NO "no full address (user@domain) in the field From" },
	{ "a name with a comma", "From: Doe, John <j@x.example>\r\n\r\n", "", NULL,
		NO "no full address (user@domain) in the field From" },
	{ "no local-part", "From: @x.example\r\n\r\n", "", NULL,
		NO "no full address (user@domain) in the field From" },
	{ "two Senders in one", F "Sender: a@x.example, b@x.example\r\n\r\n", "", NULL,
		NO "more than one address in the field Sender" },
	{ "Sender is a group", F "Sender: g: a@x.example;\r\n\r\n", "", NULL,
		NO "more than one address in the field Sender" },
	{ "another behind the brackets", "From: <a@x.example> boss@y\r\n\r\n", "", NULL,
		NO "ambiguous addresses in the field From" },
	{ "a word behind the brackets", "From: <a@x.example> boss\r\n\r\n", "", NULL,
		NO "ambiguous addresses in the field From" },
	{ "a string behind the brackets", "From: <a@x.example> \"boss\"\r\n\r\n", "", NULL,
		NO "ambiguous addresses in the field From" },
	{ "another before the brackets", "From: boss@y <a@x.example>\r\n\r\n", "", NULL,
		NO "ambiguous addresses in the field From" },
	{ "another without a comma", "From: a@x.example boss@y\r\n\r\n", "", NULL,
		NO "ambiguous addresses in the field From" },
	{ "two brackets", "From: <a@x.example> <boss@y>\r\n\r\n", "", NULL,
		NO "ambiguous addresses in the field From" },
	{ "bracket never closed", "From: boss <a@x.example\r\n\r\n", "", NULL,
		NO "ambiguous addresses in the field From" },
	{ "brackets in brackets", "From: <<a@x.example>>\r\n\r\n", "", NULL,
		NO "no full address (user@domain) in the field From" },
	{ "route", "From: <@y,@z:a@x.example>\r\n\r\n", "", NULL,
		NO "ambiguous addresses in the field From" },
	{ "quote never closed", "From: a@x.example, \"b <boss@y>\r\n\r\n", "", NULL,
		NO "ambiguous addresses in the field From" },
	{ "comment never closed", "From: a@x.example (boss@y\r\n\r\n", "", NULL,
		NO "ambiguous addresses in the field From" },
	{ "a line without a colon", F "hello\r\n" D I "\r\n", "", NULL,
		NO "a line of the header is no field" },
	{ "a blank in a field's name", F "A B: c\r\n\r\n", "", NULL,
		NO "a line of the header is no field" },
	{ "a folded line at the top", " x\r\n" F "\r\n", "", NULL,
		NO "a line of the header is no field" },
	{ "mbox' line elsewhere", F "From joe Mon Jan  5 12:00:00 2026\r\n\r\n", "", NULL,
		NO "a line of the header is no field" },
	{ "too many", "From: %40\r\n\r\n", "", NULL, "552 5.3.4" },
	{ "too large a header", F "X: %600\r\n\r\n", "", NULL, "552 5.3.4" },
	{ "too large a header, in lines", F "X: %200\r\nY: %200\r\nZ: %200\r\n\r\nbody\r\n", "",
		NULL, "552 5.3.4" },
};

/* "%40" from 0 to 99: so many addresses; above: that many 'x'. DATE and ID at the beginning are
 * the fields that are added. */
static void
expand(struct buf *out, const char *in)
{
	for (; *in != '\0'; in++) {
		char *end;
		if (*in != '%') {
			buf_put_u8(out, (uint8_t)*in);
			continue;
		}
		unsigned long n = strtoul(in + 1, &end, 10);
		for (unsigned long i = 0; i < n; i++)
			buf_printf(out, n < 100 ? "%sa%lu@x.example" : "x", i == 0 ? "" : ",", i);
		in = end - 1;
	}
}

static void
expand_added(struct buf *out, const char *text)
{
	if (strncmp(text, "DATE", 4) == 0 && text[4] != ':') {
		buf_put_str(out, "Date: Mon, 24 Nov 2025 16:00:00 +0000\r\n");
		text += 4;
	}
	if (strncmp(text, "ID", 2) == 0) {
		buf_put_str(out, "Message-ID: <4dFVrw0000z0@mx.example.org>\r\n");
		text += 2;
	}
	buf_put_str(out, text);
}

static void
run_pieces(const struct row *t, size_t piece, bool bdat)
{
	struct driver d;
	struct buf in = BUF_INIT, content = BUF_INIT, wanted = BUF_INIT;

	driver_init_submission(&d, submit_header);
	d.session.clear_auth = true;
	expand(&content, t->in);
	buf_put_str(&in, "EHLO c\r\nAUTH PLAIN Z29vZA==\r\nMAIL FROM:<a@x>\r\n"
			 "RCPT TO:<b@example.org>\r\n");
	if (bdat)
		buf_printf(&in, "BDAT %zu LAST\r\n", content.len);
	else
		buf_put_str(&in, "DATA\r\n");
	buf_put_bytes(&in, buf_bytes(&content));
	if (!bdat)
		buf_put_str(&in, ".\r\n");
	driver_feed(&d, buf_bytes(&in), piece);
	if (t->out != NULL) {
		buf_printf(&wanted, "proto=ESMTPA flags=0 from=<a@x> to=<b@example.org>\n%s\n",
			t->senders);
		expand_added(&wanted, t->out);
		buf_put_str(&wanted, "|\n");
		assert_string_equal(buf_str(&d.committed), buf_str(&wanted));
	} else {
		assert_int_equal(d.messages, 0);
		if (strstr(buf_str(&d.replies), t->refusal) == NULL)
			fail_msg("%s", buf_str(&d.replies));
		assert_int_equal(d.session.state, SMTP_READY);
	}
	driver_free(&d);
	buf_free(&in);
	buf_free(&content);
	buf_free(&wanted);
}

static void
run_row(void **state)
{
	static const size_t pieces[] = { 0, 1, 7 };

	for (size_t i = 0; i < NITEMS(pieces); i++) {
		run_pieces(*state, pieces[i], false);
		run_pieces(*state, pieces[i], true);
	}
}

int
main(void)
{
	TABLE_TESTS(tests, rows, run_row);

	return cmocka_run_group_tests_name("submission/header", tests, NULL, NULL);
}
