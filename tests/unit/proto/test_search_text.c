/* SPDX-License-Identifier: ISC */
/*
 * tests/unit/proto/test_search_text.c - transfer encodings, encoded words, charsets, folding.
 */
#include <stdlib.h>

#include "cases.h"
#include "err.h"
#include "mime_decode.h"
#include "search_text.h"

static struct charsets *set;

/* --- transfer encodings ----------------------------------------------------------- */

static const struct row {
	const char *label, *in, *out, *charset;
} decodings[] = {
	{ "base64: whole", "SGVsbG8=", "Hello", "base64" },
	{ "base64: no padding", "SGVsbG8", "Hello", "base64" },
	{ "base64: lines", "SGVs\r\nbG8=\r\n", "Hello", "base64" },
	{ "base64: junk", "S*G V\ts-bG8=", "Hel\xf9\xb1\xbc", "base64" },
	{ "base64: two texts", "SGU=bGxv", "Hello", "base64" },
	{ "base64: one letter", "S", "", "base64" },
	{ "base64: empty", "", "", "base64" },
	{ "qp: plain", "Hello", "Hello", "quoted-printable" },
	{ "qp: escapes", "=48e=6c=6Co", "Hello", "quoted-printable" },
	{ "qp: soft break", "Hel=\r\nlo", "Hello", "quoted-printable" },
	{ "qp: soft break, LF", "Hel=\nlo", "Hello", "quoted-printable" },
	{ "qp: soft break with blanks", "Hel= \t\r\nlo", "Hello", "quoted-printable" },
	{ "qp: soft break at the end", "Hello=\r\n", "Hello", "quoted-printable" },
	{ "qp: blanks at line ends", "a b \t\r\nc \n d", "a b\r\nc\n d", "quoted-printable" },
	{ "qp: not an escape", "a=zz=4=", "a=zz=4=", "quoted-printable" },
	{ "qp: = before text", "1 = 2", "1 =2", "quoted-printable" },
	{ "qp: = twice", "==41", "=A", "quoted-printable" },
	{ "identity", "a=41\r\n ", "a=41\r\n ", "8bit" },
};

static void
run_decoding(void **arg)
{
	const struct row *t = *arg;
	enum mime_encoding e = mime_encoding_of(bytes_from_str(t->charset));
	struct bytes in = bytes_from_str(t->in);
	struct buf out = BUF_INIT;
	struct mime_decoder d;

	mime_decode(e, in, &out);
	assert_string_equal(buf_str(&out), t->out);
	buf_clear(&out);
	mime_decode_begin(&d, e);
	for (size_t i = 0; i < in.n; i++)
		mime_decode_feed(&d, bytes_head(bytes_skip(in, i), 1), &out);
	mime_decode_end(&d, &out);
	assert_string_equal(buf_str(&out), t->out);
	buf_free(&out);
}

/* --- charsets --------------------------------------------------------------------- */

static const struct row conversions[] = {
	{ "charset: ASCII", "abc", "abc", "US-ASCII" },
	{ "charset: 8 bit in ASCII, UTF-8", "\xc3\xa4", "\xc3\xa4", "us-ascii" },
	{ "charset: 8 bit in ASCII, other", "\xe4", "\xc3\xa4", "us-ascii" },
	{ "charset: unknown", "\xe4 \xe2\x82\xac", "\xc3\xa4 \xe2\x82\xac", "x-nothing" },
	{ "charset: UTF-8", "\xe2\x82\xac", "\xe2\x82\xac", "UTF8" },
	{ "charset: broken UTF-8", "a\xff\xc3(", "a\xef\xbf\xbd\xef\xbf\xbd(", "utf-8" },
	{ "charset: half UTF-8", "a\xe2\x82", "a\xef\xbf\xbd\xef\xbf\xbd", "utf-8" },
	{ "charset: overlong", "\xc0\x80", "\xef\xbf\xbd\xef\xbf\xbd", "utf-8" },
	{ "charset: surrogate", "\xed\xa0\x80", "\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd", "utf-8" },
	{ "charset: latin1", "\xe4", "\xc3\xa4", "ISO-8859-1" },
	{ "charset: latin9", "\xa4", "\xe2\x82\xac", "iso_8859-15" },
	{ "charset: latin2", "\xb1", "\xc4\x85", "ISO-8859-2" },
	{ "charset: windows-1252", "\x80", "\xe2\x82\xac", "windows-1252" },
	{ "charset: cp1251", "\xcf", "\xd0\x9f", "CP1251" },
	{ "charset: koi8-r", "\xf0", "\xd0\x9f", "KOI8-R" },
	{ "charset: koi8-u", "\xa4", "\xd1\x94", "koi8-u" },
	{ "charset: greek", "\xe1", "\xce\xb1", "ISO-8859-7" },
	{ "charset: mac", "\x8a", "\xc3\xa4", "macintosh" },
	{ "charset: ISO-2022-JP", "\x1b$BF|\x1b(B.", "\xe6\x97\xa5.", "iso-2022-jp" },
	{ "charset: Shift_JIS", "\x93\xfa", "\xe6\x97\xa5", "Shift_JIS" },
	{ "charset: EUC-JP", "\xc6\xfc", "\xe6\x97\xa5", "EUC-JP" },
	{ "charset: GB2312", "\xd6\xd0", "\xe4\xb8\xad", "GB2312" },
	{ "charset: Big5", "\xa4\xa4", "\xe4\xb8\xad", "Big5" },
	{ "charset: EUC-KR", "\xc7\xd1", "\xed\x95\x9c", "ks_c_5601-1987" },
	{ "charset: broken GB18030", "\xd6", "\xef\xbf\xbd", "gb18030" },
	{ "charset: UTF-7", "+AOQ-", "\xc3\xa4", "utf-7" },
};

static void
run_conversion(void **arg)
{
	const struct row *t = *arg;
	struct bytes in = bytes_from_str(t->in);
	struct charset_stream s;
	struct buf out = BUF_INIT;
	struct charset c;

	charset_find(set, bytes_from_str(t->charset), &c);
	charset_to_utf8(c, in, &out);
	assert_string_equal(buf_str(&out), t->out);
	buf_clear(&out);
	charset_begin(&s, c);
	for (size_t i = 0; i < in.n; i++)
		charset_feed(&s, bytes_head(bytes_skip(in, i), 1), &out);
	charset_end(&s, &out);
	assert_string_equal(buf_str(&out), t->out);
	buf_free(&out);
}

static void
test_charset_without_set(void **state)
{
	struct charset c;

	assert_true(charset_find(NULL, BYTES_LITERAL("koi8-r"), &c));
	assert_int_equal(c.kind, CHARSET_TABLE);
	assert_false(charset_find(NULL, BYTES_LITERAL("gb18030"), &c));
	assert_int_equal(c.kind, CHARSET_ASCII);
	assert_false(charset_find(set, BYTES_LITERAL(""), &c));
	assert_false(charset_find(set,
		BYTES_LITERAL("a-very-long-name-of-a-charset-that-nobody-has-ever-registered"),
		&c));
}

static void
test_utf16(void **state)
{
	struct buf out = BUF_INIT;
	struct charset c;

	assert_true(charset_find(set, BYTES_LITERAL("UTF-16"), &c));
	charset_to_utf8(c, bytes_make("\xff\xfe\xe4\0a\0", 6), &out);
	assert_string_equal(buf_str(&out), "\xc3\xa4"
					   "a");
	buf_clear(&out);
	charset_to_utf8(c, bytes_make("\xfe\xff\0\xe4\0a", 6), &out); /* the state was reset */
	assert_string_equal(buf_str(&out), "\xc3\xa4"
					   "a");
	buf_free(&out);
}

/* --- encoded words ---------------------------------------------------------------- */

static const struct row words[] = {
	{ "word: none", " plain text ", "plain text", NULL },
	{ "word: Q", "=?utf-8?Q?=C3=A4_b?=", "\xc3\xa4 b", NULL },
	{ "word: B", "=?UTF-8?b?w6Q=?=", "\xc3\xa4", NULL },
	{ "word: latin1", "=?iso-8859-1?q?=E4?= x", "\xc3\xa4 x", NULL },
	{ "word: blanks between two go", "=?utf-8?q?a?= \r\n =?utf-8?q?b?=", "ab", NULL },
	{ "word: blanks between charsets go", "=?utf-8?q?a?= =?koi8-r?q?=F0?=", "a\xd0\x9f", NULL },
	{ "word: blanks to text stay", "x =?utf-8?q?a?= y", "x a y", NULL },
	{ "word: character cut in two", "=?utf-8?q?=C3?= =?utf-8?q?=A4?=", "\xc3\xa4", NULL },
	{ "word: in the middle of text", "(=?utf-8?q?a?=)", "(a)", NULL },
	{ "word: language", "=?utf-8*de?q?a?=", "a", NULL },
	{ "word: question mark in text", "=?utf-8?q?a?b?=", "a?b", NULL },
	{ "word: starts with =", "=?utf-8?q?=41?=", "A", NULL },
	{ "word: blanks within", "=?utf-8?q?a b?=", "a b", NULL },
	{ "word: not closed", "=?utf-8?q?a", "=?utf-8?q?a", NULL },
	{ "word: bad encoding", "=?utf-8?x?a?=", "=?utf-8?x?a?=", NULL },
	{ "word: unknown charset", "=?x-y?q?=E4?=", "\xc3\xa4", NULL },
	{ "word: equal signs", "a = b =? c ==?", "a = b =? c ==?", NULL },
	{ "word: raw 8 bit", "\xe4 \xc3\xa4", "\xc3\xa4 \xc3\xa4", NULL },
	{ "word: empty",
		"=?utf-8?q?"
		"?=",
		"", NULL },
};

static void
run_word(void **arg)
{
	const struct row *t = *arg;
	struct buf out = BUF_INIT;

	rfc2047_decode(set, bytes_from_str(t->in), &out);
	assert_string_equal(buf_str(&out), t->out);
	buf_free(&out);
}

/* --- folding ---------------------------------------------------------------------- */

static const struct row foldings[] = {
	{ "fold: ASCII", "AbZ[", "abz[", NULL },
	{ "fold: Latin", "\xc3\x84\xc3\x89",
		"a\xcc\x88"
		"e\xcc\x81",
		NULL },
	{ "fold: decomposed is the same",
		"A\xcc\x88"
		"E\xcc\x81",
		"a\xcc\x88"
		"e\xcc\x81",
		NULL },
	{ "fold: no letter", "\xc3\x97\xc3\xb7", "\xc3\x97\xc3\xb7", NULL },
	{ "fold: Greek", "\xce\xa3\xcf\x82", "\xcf\x83\xcf\x83", NULL },
	{ "fold: Cyrillic", "\xd0\x9f\xd0\x81", "\xd0\xbf\xd0\xb5\xcc\x88", NULL },
	{ "fold: two marks", "\xe1\xba\xa4", "a\xcc\x82\xcc\x81", NULL },
	{ "fold: full width", "\xef\xbc\xa1", "a", NULL },
	{ "fold: sharp s", "\xe1\xba\x9e", "\xc3\x9f", NULL },
	{ "fold: CJK", "\xe6\x97\xa5", "\xe6\x97\xa5", NULL },
	{ "fold: broken", "a\xff", "a\xef\xbf\xbd", NULL },
};

static void
run_fold(void **arg)
{
	const struct row *t = *arg;
	struct buf out = BUF_INIT;

	utf8_fold(bytes_from_str(t->in), &out);
	assert_string_equal(buf_str(&out), t->out);
	buf_free(&out);
}

/* --- searching -------------------------------------------------------------------- */

static const char message[] =
	"Subject: =?iso-8859-1?Q?Gr=FC=DFe?= aus\r\n K=?utf-8?q?=C3=B6?=ln\r\n"
	"To: \"Ada\" <ada@example.org>\r\n"
	"Content-Type: multipart/mixed; boundary=b\r\n\r\n"
	"the preamble\r\n"
	"--b\r\nContent-Type: text/plain; charset=koi8-r\r\nContent-Transfer-Encoding: "
	"quoted-printable\r\n\r\n"
	"=F0=D2=C9=D7=C5=D4, a long li=\r\nne that goes on\r\n"
	"--b\r\nContent-Type: text/html; charset=utf-8\r\nContent-Transfer-Encoding: base64\r\n\r\n"
	"YWFhYWI=\r\n"
	"--b\r\nContent-Type: image/gif; name=picture.gif\r\nContent-Description: what it "
	"=?utf-8?q?=C3=BCs?=\r\nContent-Disposition: inline; "
	"filename*=iso-8859-1''b%E4r.txt\r\nContent-Transfer-Encoding: "
	"base64\r\n\r\n"
	"c2VjcmV0\r\n"
	"--b\r\nContent-Type: message/rfc822\r\n\r\nSubject: inner subject\r\n\r\ninner text\r\n"
	"--b--\r\n";

static const struct search_row {
	const char *label, *key;
	bool body, text, subject;
} searches[] = {
	{ "search: subject, decoded",
		"gr\xc3\xbc\xc3\x9f"
		"e",
		false, true, true },
	{ "search: subject, other case",
		"GR\xc3\x9c\xc3\x9f"
		"E AUS",
		false, true, true },
	{ "search: over a fold", "aus K\xc3\xb6ln", false, true, true },
	{ "search: other field", "ada@example", false, true, false },
	{ "search: name of a field", "subject: gr", false, true, false },
	{ "search: quoted-printable and koi8", "\xd0\xbf\xd1\x80\xd0\xb8\xd0\xb2\xd0\xb5\xd1\x82",
		true, true, false },
	{ "search: over a soft break", "long line that", true, true, false },
	{ "search: base64", "AAAAB", true, true, false },
	{ "search: overlapping beginnings", "aaab", true, true, false },
	{ "search: not as it is encoded", "YWFhYWI", false, false, false },
	{ "search: not in a picture", "secret", false, false, false },
	{ "search: file name", "picture.gif", true, true, false },
	{ "search: file name, extended", "b\xc3\xa4r.txt", true, true, false },
	{ "search: description", "what it \xc3\xbcs", true, true, false },
	{ "search: the type of a part", "image/gif", false, true, false },
	{ "search: message in the message", "inner text", true, true, false },
	{ "search: its subject", "inner subject", true, true, false },
	{ "search: nowhere", "nowhere", false, false, false },
	{ "search: not over two parts", "goes onaaaab", false, false, false },
	{ "search: empty", "", true, true, true },
};

static void
run_search(void **arg)
{
	const struct search_row *t = *arg;
	struct arena a = ARENA_INIT;
	struct bytes in = bytes_from_str(message);
	struct mime_part *root = mime_parse(&a, in);
	struct search_key key;

	assert_int_equal(search_key_make(&a, bytes_from_str(t->key), &key), ERR_OK);
	assert_int_equal(search_body(set, in, root, &key), t->body);
	assert_int_equal(search_text(set, in, root, &key), t->text);
	assert_int_equal(search_field(set, mime_header(in, root), BYTES_LITERAL("subject"), &key),
		t->subject);
	assert_false(search_field(set, mime_header(in, root), BYTES_LITERAL("cc"), &key));
	arena_reset(&a);
}

static void
test_large_body(void **state)
{
	struct arena a = ARENA_INIT;
	struct buf in = BUF_INIT;
	struct search_key key;
	struct mime_part *root;

	buf_put_str(&in, "Content-Transfer-Encoding: base64\r\n\r\n");
	while (in.len < 3000000)
		buf_put_str(
			&in, "YWFhYWFhYWFhYWFhYWFhYWFhYWFhYWFhYWFhYWFhYWFhYWFhYWFhYWFhYWFh\r\n");
	root = mime_parse(&a, buf_bytes(&in));
	assert_int_equal(
		search_key_make(&a, BYTES_LITERAL("aaaaaaaaaaaaaaaaaaaaaaaaaaaaaab"), &key),
		ERR_OK);
	assert_false(search_body(NULL, buf_bytes(&in), root, &key));
	buf_put_str(&in, "Yg==");
	arena_reset(&a);
	root = mime_parse(&a, buf_bytes(&in));
	assert_int_equal(
		search_key_make(&a, BYTES_LITERAL("aaaaaaaaaaaaaaaaaaaaaaaaaaaaaab"), &key),
		ERR_OK);
	assert_true(search_body(NULL, buf_bytes(&in), root, &key));
	buf_free(&in);
	arena_reset(&a);
}

static void
test_bad_keys(void **state)
{
	struct arena a = ARENA_INIT;
	struct buf in = BUF_INIT;
	struct search_key key;

	assert_int_equal(search_key_make(&a, BYTES_LITERAL("\xff"), &key), ERR_SYNTAX);
	while (in.len <= SEARCH_KEY_MAX)
		buf_put_u8(&in, 'x');
	assert_int_equal(search_key_make(&a, buf_bytes(&in), &key), ERR_LIMIT);
	buf_free(&in);
	arena_reset(&a);
}

int
main(void)
{
	struct CMUnitTest tests[150];
	size_t n = 0;
	int r;

	ADD_ROWS(tests, n, decodings, run_decoding);
	ADD_ROWS(tests, n, conversions, run_conversion);
	ADD_ROWS(tests, n, words, run_word);
	ADD_ROWS(tests, n, foldings, run_fold);
	ADD_ROWS(tests, n, searches, run_search);
	tests[n++] = (struct CMUnitTest)cmocka_unit_test(test_charset_without_set);
	tests[n++] = (struct CMUnitTest)cmocka_unit_test(test_utf16);
	tests[n++] = (struct CMUnitTest)cmocka_unit_test(test_large_body);
	tests[n++] = (struct CMUnitTest)cmocka_unit_test(test_bad_keys);
	set = charsets_open();
	r = _cmocka_run_group_tests("proto/search_text", tests, n, NULL, NULL);
	charsets_close(&set);
	return r;
}
