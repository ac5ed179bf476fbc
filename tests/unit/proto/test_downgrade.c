/* SPDX-License-Identifier: ISC */
/*
 * tests/unit/proto/test_downgrade.c - 8-bit and binary content for peers that take less; rows,
 * and every message of the test data, as it is and with umlauts strewn in.
 */
#include "cases.h"

#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>

#include "downgrade_check.h"
#include "mime.h"
#include "mime_decode.h"
#include "rfc5322.h"

#define MESSAGE_MAX (1 << 20)

#define E8 "\xc3\xa9"

static const struct row {
	const char *label;
	enum downgrade_to to;
	const char *in, *out; /* NULL: can't be done; lines end in LF here */
} rows[] = {
	{ "nothing to do", DOWNGRADE_TO_7BIT, "Subject: x\n\nbody\n", "Subject: x\n\nbody\n" },
	{ "text in UTF-8", DOWNGRADE_TO_7BIT,
		"MIME-Version: 1.0\nContent-Type: text/plain; charset=utf-8\n"
		"Content-Transfer-Encoding: 8bit\nTo: b\n\nh" E8 " = 1 \n-- \n",
		"MIME-Version: 1.0\nContent-Type: text/plain; charset=utf-8\nTo: b\n"
		"Content-Transfer-Encoding: quoted-printable\n\nh=C3=A9 =3D 1=20\n=2D-=20\n" },
	{ "no MIME at all", DOWNGRADE_TO_7BIT, "Subject: x\n\nh" E8 "\n",
		"Subject: x\nMIME-Version: 1.0\nContent-Type: text/plain; charset=utf-8\n"
		"Content-Transfer-Encoding: quoted-printable\n\nh=C3=A9\n" },
	{ "no MIME, and no UTF-8", DOWNGRADE_TO_7BIT, "Subject: x\n\nh\xe9\n",
		"Subject: x\nMIME-Version: 1.0\nContent-Type: text/plain; charset=unknown-8bit\n"
		"Content-Transfer-Encoding: quoted-printable\n\nh=E9\n" },
	{ "labelled 7bit, but isn't", DOWNGRADE_TO_7BIT,
		"MIME-Version: 1.0\nContent-Type: text/plain; charset=x\n"
		"Content-Transfer-Encoding: 7bit\n\n" E8 "\n",
		"MIME-Version: 1.0\nContent-Type: text/plain; charset=x\n"
		"Content-Transfer-Encoding: quoted-printable\n\n=C3=A9\n" },
	{ "labelled 8bit, but is 7bit", DOWNGRADE_TO_7BIT, "Content-Transfer-Encoding: 8bit\n\nx\n",
		"Content-Transfer-Encoding: 7bit\n\nx\n" },
	{ "a line of 77", DOWNGRADE_TO_7BIT,
		"Content-Type: text/plain\n\n"
		"0123456789012345678901234567890123456789012345678901234567890123456789" E8
		"12345\n",
		"Content-Type: text/plain\nMIME-Version: 1.0\n"
		"Content-Transfer-Encoding: quoted-printable\n\n"
		"0123456789012345678901234567890123456789012345678901234567890123456789=C3=\n"
		"=A912345\n" },
	{ "parts", DOWNGRADE_TO_7BIT,
		"MIME-Version: 1.0\nContent-Type: multipart/mixed; boundary=b\n"
		"Content-Transfer-Encoding: 8bit\n\npre" E8 "\n--b\n\nplain\n--b\n"
		"Content-Type: text/plain; charset=utf-8\nContent-Transfer-Encoding: 8bit\n\n" E8
		"\n--b\nContent-Type: image/x\nContent-Transfer-Encoding: "
		"binary\n\n\xff\xfe\xff\xfe"
		"\n--b--\npost" E8 "\n",
		"MIME-Version: 1.0\nContent-Type: multipart/mixed; boundary=b\n"
		"Content-Transfer-Encoding: 7bit\n\npre**\n--b\n\nplain\n--b\n"
		"Content-Type: text/plain; charset=utf-8\n"
		"Content-Transfer-Encoding: quoted-printable\n\n=C3=A9"
		"\n--b\nContent-Type: image/x\nContent-Transfer-Encoding: base64\n\n//7//g=="
		"\n--b--\npost**\n" },
	{ "a message in a message", DOWNGRADE_TO_7BIT,
		"Content-Type: message/rfc822\nContent-Transfer-Encoding: 8bit\n\n"
		"Subject: " E8 "\n\n" E8 "\n",
		"Content-Type: message/rfc822\nContent-Transfer-Encoding: 7bit\n\n"
		"Subject: =?utf-8?B?w6k=?=\nMIME-Version: 1.0\n"
		"Content-Type: text/plain; charset=utf-8\n"
		"Content-Transfer-Encoding: quoted-printable\n\n=C3=A9\n" },
	{ "signed", DOWNGRADE_TO_7BIT,
		"Content-Type: multipart/signed; boundary=b\n\n--b\n\n" E8 "\n--b\n\nsig\n--b--\n",
		NULL },
	{ "signed, and 7bit already", DOWNGRADE_TO_7BIT,
		"Subject: " E8 "\nContent-Type: multipart/signed; boundary=b\n\n"
		"--b\nContent-Transfer-Encoding: 8bit\n\nx\n--b\n\nsig\n--b--\n",
		"Subject: =?utf-8?B?w6k=?=\nContent-Type: multipart/signed; boundary=b\n\n"
		"--b\nContent-Transfer-Encoding: 8bit\n\nx\n--b\n\nsig\n--b--\n" },
	{ "signed, in another part", DOWNGRADE_TO_7BIT,
		"Content-Type: multipart/mixed; boundary=a\n\n--a\n"
		"Content-Type: multipart/signed; boundary=b\n\n--b\n\n" E8 "\n--b--\n--a--\n",
		NULL },
	{ "message/partial", DOWNGRADE_TO_7BIT, "Content-Type: message/partial\n\n" E8 "\n", NULL },
	{ "an encoding that nobody knows", DOWNGRADE_TO_7BIT,
		"Content-Transfer-Encoding: x-uuencode\n\n" E8 "\n", NULL },
	{ "a multipart without parts", DOWNGRADE_TO_7BIT,
		"Content-Type: multipart/mixed\n\n" E8 "\n", NULL },
	{ "broken quoted-printable", DOWNGRADE_TO_7BIT,
		"Content-Transfer-Encoding: quoted-printable\n\n=41" E8 "=\n\n",
		"Content-Transfer-Encoding: quoted-printable\n\n=41=C3=A9=\n\n" },
	{ "broken base64", DOWNGRADE_TO_7BIT, "Content-Transfer-Encoding: base64\n\nQU" E8 "E=\n",
		"Content-Transfer-Encoding: base64\n\nQU**E=\n" },
	{ "mostly not ASCII", DOWNGRADE_TO_7BIT,
		"MIME-Version: 1.0\nContent-Type: text/plain; charset=utf-8\n\n" E8 E8 E8 E8 E8 E8
			E8 E8 E8 E8 E8 E8 E8 E8 E8 E8 E8 E8 E8 E8 E8 E8 E8 E8 E8 E8 E8 E8 E8 E8
		"\n",
		"MIME-Version: 1.0\nContent-Type: text/plain; charset=utf-8\n"
		"Content-Transfer-Encoding: base64\n\n"
		"w6nDqcOpw6nDqcOpw6nDqcOpw6nDqcOpw6nDqcOpw6nDqcOpw6nDqcOpw6nDqcOpw6nDqcOpw6nD\n"
		"qcOpDQo=\n" },
	{ "binary for a peer that takes 8bit", DOWNGRADE_TO_8BIT,
		"MIME-Version: 1.0\nContent-Type: multipart/mixed; boundary=b\n"
		"Content-Transfer-Encoding: binary\n\n--b\nContent-Transfer-Encoding: binary\n\n" E8
		"\n--b\nContent-Type: a/b\nContent-Transfer-Encoding: binary\n\nx\ry\n--b--\n",
		"MIME-Version: 1.0\nContent-Type: multipart/mixed; boundary=b\n"
		"Content-Transfer-Encoding: 8bit\n\n--b\nContent-Transfer-Encoding: 8bit\n\n" E8
		"\n--b\nContent-Type: a/b\nContent-Transfer-Encoding: base64\n\neA15\n--b--\n" },
	{ "names of people", DOWNGRADE_TO_7BIT,
		"From: J" E8 " \"M. " E8 "\" (caf" E8 ") <a@b>\nTo: x <c@d>, " E8
		"<e@f>,\n g@h (" E8 ")\n\n",
		"From: =?utf-8?B?SsOpIE0uIMOp?= (=?utf-8?B?Y2Fmw6k=?=) <a@b>\n"
		"To: x <c@d>, =?utf-8?B?w6k=?= <e@f>,\n g@h (=?utf-8?B?w6k=?=)\n\n" },
	{ "an address that isn't ASCII", DOWNGRADE_TO_7BIT, "From: <" E8 "@b>\n\n", NULL },
	{ "an address that isn't ASCII, bare", DOWNGRADE_TO_7BIT, "To: " E8 "@b\n\n", NULL },
	{ "a long subject", DOWNGRADE_TO_7BIT,
		"Subject: one tw" E8 " three four five six seven eight nine ten" E8
		" eleven\n twelve\n\n",
		"Subject: one "
		"=?utf-8?B?dHfDqSB0aHJlZSBmb3VyIGZpdmUgc2l4IHNldmVuIGVpZ2h0IG5pbmUg?=\n"
		" =?utf-8?B?dGVuw6k=?= eleven\n twelve\n\n" },
	{ "a file name", DOWNGRADE_TO_7BIT,
		"Content-Type: a/b; name=\"" E8 " x.pdf\"; y=z\nX: " E8 "\n\n",
		"Content-Type: a/b; name*=utf-8''%C3%A9%20x.pdf; y=z\nX: =?utf-8?B?w6k=?=\n\n" },
	{ "a file name without quotes, and an extended one", DOWNGRADE_TO_7BIT,
		"Content-Disposition: attachment; filename=" E8 ".pdf;\n filename*=" E8 "; x\n\n",
		"Content-Disposition: attachment; filename*=utf-8''%C3%A9.pdf;\n filename*=??; "
		"x\n\n" },
	{ "no blank behind the colon", DOWNGRADE_TO_7BIT, "Subject:" E8 "\n\n",
		"Subject: =?utf-8?B?w6k=?=\n\n" },
	{ "characters are not cut in two", DOWNGRADE_TO_7BIT,
		"Subject: a" E8 E8 E8 E8 E8 E8 E8 E8 E8 E8 E8 E8 E8 E8 E8 E8 E8 E8 E8 E8 E8 "\n\n",
		"Subject: =?utf-8?B?YcOpw6nDqcOpw6nDqcOpw6nDqcOpw6nDqcOpw6nDqcOpw6nDqcOpw6k=?=\n"
		" =?utf-8?B?w6k=?=\n\n" },
	{ "comments in comments, quotes in quotes", DOWNGRADE_TO_7BIT,
		"From: \"a \\\" " E8 "\" <a@b> (x (" E8 " \\) y) z)\nTo: c@d (plain)," E8
		" <e@f>\n\n",
		"From: =?utf-8?B?YSAiIMOp?= <a@b> (=?utf-8?B?eCAow6kgKSB5KSB6?=)\n"
		"To: c@d (plain),=?utf-8?B?w6k=?= <e@f>\n\n" },
	{ "a delimiter that isn't ASCII", DOWNGRADE_TO_7BIT,
		"Content-Type: multipart/mixed; boundary=\"" E8 "\"\n\n--" E8 "\n\nx\n--" E8 "--\n",
		NULL },
	{ "a header without an end", DOWNGRADE_TO_7BIT, "Subject: " E8,
		"Subject: =?utf-8?B?w6k=?=" },
	{ "a field for programs, and none", DOWNGRADE_TO_7BIT, "Received: by " E8 "\nn" E8 "\n\nx",
		"Received: by ??\nn??\n\nx" },
};

static void
put_lines(struct buf *out, const char *text)
{
	rfc5322_put_crlf(out, bytes_from_str(text));
}

static void
run_row(void **arg)
{
	const struct row *t = *arg;
	struct buf in = BUF_INIT, out = BUF_INIT, want = BUF_INIT;
	int r;

	/* a CR in the middle of a line stays as it is */
	put_lines(&in, t->in);
	r = downgrade_check(BYTES_NONE, buf_bytes(&in), t->to, &out);
	assert_int_equal(r < 0, t->out == NULL);
	if (t->out != NULL) {
		put_lines(&want, t->out);
		assert_string_equal(buf_str(&out), buf_str(&want));
	}
	buf_free(&in);
	buf_free(&out);
	buf_free(&want);
}

static void
test_headers(void **state)
{
	static const struct {
		const char *content;
		bool is_8bit;
	} cases[] = {
		{ "Subject: x\r\n\r\n" E8 "\r\n", false },
		{ "Subject: " E8 "\r\n\r\nx\r\n", true },
		{ "Content-Type: multipart/mixed; boundary=b\r\n\r\n" E8 "\r\n--b\r\n\r\n" E8
		  "\r\n--b\r\nX: x\r\n\r\n--b--\r\n",
			false },
		{ "Content-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\n\r\n--b\r\nX: " E8
		  "\r\n\r\n--b--\r\n",
			true },
		{ "Content-Type: message/rfc822\r\n\r\nSubject: " E8 "\r\n\r\n", true },
	};

	for (size_t i = 0; i < NITEMS(cases); i++)
		assert_int_equal(
			downgrade_header_is_8bit(BYTES_NONE, bytes_from_str(cases[i].content)),
			cases[i].is_8bit);
	assert_true(downgrade_header_is_8bit(BYTES_LITERAL(E8), BYTES_NONE));
}

/* --- all messages there are ------------------------------------------------------- */

static size_t messages, refused;

/* Subjects say the same as before. */
static void
check_subject(struct bytes was, struct bytes is)
{
	struct rfc5322_field a, b;
	struct buf before = BUF_INIT, after = BUF_INIT;

	if (!rfc5322_field_find(was, "Subject", &a) || !rfc5322_field_find(is, "Subject", &b))
		return;
	rfc2047_decode(NULL, a.value, &before);
	rfc2047_decode(NULL, b.value, &after);
	if (bytes_search(buf_bytes(&after), BYTES_LITERAL("\xef\xbf\xbd")) == BYTES_NOT_FOUND)
		assert_string_equal(buf_str(&before), buf_str(&after));
	buf_free(&before);
	buf_free(&after);
}

static void
check_message(struct bytes in)
{
	struct buf out = BUF_INIT;

	refused += downgrade_check(BYTES_NONE, in, DOWNGRADE_TO_8BIT, &out) < 0;
	buf_clear(&out);
	if (downgrade_check(BYTES_NONE, in, DOWNGRADE_TO_7BIT, &out) < 0)
		refused++;
	else
		check_subject(in, buf_bytes(&out));
	buf_clear(&out);
	/* fields in front don't change what is behind */
	(void)downgrade_check(
		BYTES_LITERAL("Received: from \xff\r\n"), in, DOWNGRADE_TO_7BIT, &out);
	buf_free(&out);
	messages++;
}

/* Every seventh letter of leaf bodies that aren't encoded becomes an octet above 0x7f. */
static void
strew(struct bytes in, struct buf *out)
{
	struct arena arena = ARENA_INIT;
	const struct mime_part *p = mime_parse(&arena, in);

	buf_put_bytes(out, in);
	for (;;) {
		for (size_t i = 0; p->child == NULL && p->encoding.n == 0 && i < p->body_len;
			i += 7)
			if (ascii_is_alpha(out->data[out->start + p->body_at + i]))
				out->data[out->start + p->body_at + i] |= 0x80;
		if (p->child != NULL) {
			p = p->child;
			continue;
		}
		while (p->parent != NULL && p->next == NULL)
			p = p->parent;
		if (p->next == NULL)
			break;
		p = p->next;
	}
	arena_reset(&arena);
}

static int
check_file(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
	struct buf raw = BUF_INIT, in = BUF_INIT, umlauts = BUF_INIT;
	FILE *f;
	size_t n;

	if (type != FTW_F || st->st_size > MESSAGE_MAX || (f = fopen(path, "rb")) == NULL)
		return 0;
	while ((n = fread(buf_room(&raw, 65536), 1, 65536, f)) > 0)
		buf_added(&raw, n);
	fclose(f);
	rfc5322_put_crlf(&in, buf_bytes(&raw));
	check_message(buf_bytes(&raw));
	check_message(buf_bytes(&in));
	strew(buf_bytes(&in), &umlauts);
	check_message(buf_bytes(&umlauts));
	buf_free(&raw);
	buf_free(&in);
	buf_free(&umlauts);
	return 0;
}

static void
test_shipped(void **state)
{
	messages = refused = 0;
	assert_int_equal(nftw("tests/data/messages", check_file, 10, FTW_PHYS), 0);
	assert_true(messages > 60);
	assert_true(refused < messages / 2);
}

static void
test_public(void **state)
{
	const char *path = getenv("RELAIS_TESTDATA");
	char messages_path[4096];

	snprintf(messages_path, sizeof(messages_path), "%s/messages",
		path == NULL ? "../shared/testdata" : path);
	messages = refused = 0;
	nftw(messages_path, check_file, 10, FTW_PHYS);
	print_message("%zu messages, %zu can't be converted\n", messages, refused);
	if (messages == 0)
		skip();
}

int
main(void)
{
	struct CMUnitTest tests[NITEMS(rows) + 3];
	size_t n = 0;

	ADD_ROWS(tests, n, rows, run_row);
	tests[n++] = (struct CMUnitTest)cmocka_unit_test(test_headers);
	tests[n++] = (struct CMUnitTest)cmocka_unit_test(test_shipped);
	tests[n++] = (struct CMUnitTest)cmocka_unit_test(test_public);
	ASSERT(n == NITEMS(tests));
	return cmocka_run_group_tests_name("proto/downgrade", tests, NULL, NULL);
}
