/* SPDX-License-Identifier: ISC */
/*
 * tests/unit/proto/test_smtp_reply.c - replies of servers (each cut at every octet), what EHLO's
 * answer offers, and dots.
 */
#include "cases.h"

#include "err.h"
#include "smtp_ehlo.h"
#include "smtp_stuff.h"

/* --- replies ---------------------------------------------------------------------- */

static const struct reply_row {
	const char *label, *in;
	int result, code;
	const char *enhanced, *text;
} replies[] = {
	{ "one line", "250 2.1.0 Ok\r\n", 1, 250, "2.1.0", "250 2.1.0 Ok" },
	{ "code only", "250\r\n", 1, 250, "", "250" },
	{ "code and a blank", "250 \r\n", 1, 250, "", "250" },
	{ "LF alone", "250 ok\n", 1, 250, "", "250 ok" },
	{ "more lines", "250-a\r\n250-b\r\n250 c\r\n", 1, 250, "", "250-a 250-b 250 c" },
	{ "enhanced code in the first line only", "550-5.1.1 no\r\n550 such user\r\n", 1, 550,
		"5.1.1", "550-5.1.1 no 550 such user" },
	{ "codes that differ: the last counts", "250-a\r\n550 5.7.1 b\r\n", 1, 550, "5.7.1",
		"250-a 550 5.7.1 b" },
	{ "codes that differ, enhanced code of the first", "550-5.7.1 a\r\n250 b\r\n", 1, 250, "",
		"550-5.7.1 a 250 b" },
	{ "enhanced code of another class", "550 4.7.1 a\r\n", 1, 550, "", "550 4.7.1 a" },
	{ "enhanced code with a leading zero", "550 5.07.1 a\r\n", 1, 550, "", "550 5.07.1 a" },
	{ "enhanced code without a detail", "550 5.7 a\r\n", 1, 550, "", "550 5.7 a" },
	{ "enhanced code too long", "550 5.7.1000 a\r\n", 1, 550, "", "550 5.7.1000 a" },
	{ "enhanced code in a word", "550 5.7.1a\r\n", 1, 550, "", "550 5.7.1a" },
	{ "enhanced code and nothing else", "550 5.7.999\r\n", 1, 550, "5.7.999", "550 5.7.999" },
	{ "zeros", "450 4.0.0 x\r\n", 1, 450, "4.0.0", "450 4.0.0 x" },
	{ "class 3 has none", "354 3.0.0 go\r\n", 1, 354, "", "354 3.0.0 go" },
	{ "control octets", "250 a\tb\x01\r\x1b\x7f\xc3\xa9\r\n", 1, 250, "", "250 a b??????" },
	{ "not yet", "250-a\r\n250", 0, 0, NULL, NULL },
	{ "class 1", "150 x\r\n", ERR_SYNTAX, 0, NULL, "150 x" },
	{ "class 6", "650 x\r\n", ERR_SYNTAX, 0, NULL, "650 x" },
	{ "no code", "hello\r\n", ERR_SYNTAX, 0, NULL, "hello" },
	{ "empty line", "\r\n", ERR_SYNTAX, 0, NULL, "" },
	{ "two digits", "25\r\n", ERR_SYNTAX, 0, NULL, "25" },
	{ "four digits", "2500 x\r\n", ERR_SYNTAX, 0, NULL, "2500 x" },
	{ "no blank", "250ok\r\n", ERR_SYNTAX, 0, NULL, "250ok" },
	{ "garbage in the second line", "250-a\r\nb\r\n", ERR_SYNTAX, 0, NULL, "250-a b" },
};

static void
check_reply(const struct smtp_reply *r, const struct reply_row *t)
{
	struct buf text = BUF_INIT;

	if (t->enhanced != NULL) {
		assert_int_equal(r->code, t->code);
		assert_string_equal(r->enhanced, t->enhanced);
	}
	if (t->text != NULL) {
		smtp_reply_put(&text, r, 1000);
		assert_string_equal(buf_str(&text), t->text);
		buf_clear(&text);
		smtp_reply_put(&text, r, 3);
		assert_true(text.len <= 3);
	}
	buf_free(&text);
}

/* In pieces of n octets, the first one of cut; another reply follows, which must be left. */
static void
read_reply(const struct reply_row *t, size_t cut, size_t n)
{
	struct smtp_reply r = SMTP_REPLY_INIT;
	struct bytes all = bytes_from_str(t->in);
	int result = 0;

	assert_true(smtp_reply_is_empty(&r));
	while (all.n > 0 && result == 0) {
		struct bytes piece = bytes_head(all, cut > 0 ? cut : n), in = piece;

		result = smtp_reply_feed(&r, &in);
		all = bytes_skip(all, piece.n - in.n);
		assert_true(result != 0 || in.n == 0);
		cut = 0;
	}
	assert_int_equal(result, t->result);
	assert_int_equal(all.n, 0);
	check_reply(&r, t);
	smtp_reply_clear(&r);
	assert_true(smtp_reply_is_empty(&r));
	smtp_reply_free(&r);
}

static void
run_reply(void **arg)
{
	const struct reply_row *t = *arg;
	size_t n = strlen(t->in);

	for (size_t cut = 1; cut <= n; cut++)
		read_reply(t, cut, n);
	read_reply(t, 0, 1);
}

static void
test_two_replies(void **state)
{
	struct smtp_reply r = SMTP_REPLY_INIT;
	struct bytes in = BYTES_LITERAL("250 a\r\n550 b\r\n");

	assert_int_equal(smtp_reply_feed(&r, &in), 1);
	assert_int_equal(r.code, 250);
	smtp_reply_clear(&r);
	assert_int_equal(smtp_reply_feed(&r, &in), 1);
	assert_int_equal(r.code, 550);
	assert_int_equal(in.n, 0);
	smtp_reply_free(&r);
}

/* Endless, by lines, or by octets without a line end, in pieces of any size. */
static void
test_endless(void **state)
{
	static const char *const texts[] = { "250-x\r\n", "250-aaaaaaaaaaaaaaaaaaaa", "2", "\r" };

	for (size_t i = 0; i < NITEMS(texts); i++) {
		struct smtp_reply r = SMTP_REPLY_INIT;
		size_t fed = 0;
		int result = 0;

		while (result == 0) {
			struct bytes in = bytes_from_str(texts[i]);

			result = smtp_reply_feed(&r, &in);
			fed += strlen(texts[i]);
			assert_true(fed < 2 * SMTP_REPLY_OCTETS_MAX);
		}
		assert_int_equal(result, ERR_LIMIT);
		assert_true(r.lines.len <= SMTP_REPLY_OCTETS_MAX);
		smtp_reply_free(&r);
	}
}

static void
test_derived(void **state)
{
	for (int code = 200; code < 600; code++) {
		struct bytes enhanced = bytes_from_str(smtp_enhanced_for(code));

		if (code / 100 != 3)
			assert_int_equal(smtp_enhanced_length(enhanced, code), enhanced.n);
	}
	assert_string_equal(smtp_enhanced_for(421), "4.3.2");
	assert_string_equal(smtp_enhanced_for(250), "2.0.0");
	assert_string_equal(smtp_enhanced_for(499), "4.0.0");
}

/* --- EHLO ------------------------------------------------------------------------- */

#define PLAIN_LOGIN (sasl_mechanism_bit(SASL_PLAIN) | sasl_mechanism_bit(SASL_LOGIN))

static const struct ehlo_row {
	const char *label, *in;
	unsigned extensions;
	uint64_t size;
	uint32_t mechanisms;
} ehlos[] = {
	{ "nothing", "250 mx.example\r\n", 0, 0, 0 },
	{ "keywords on the first line are none", "250 PIPELINING\r\n", 0, 0, 0 },
	{ "Postfix",
		"250-mx.example\r\n250-PIPELINING\r\n250-SIZE 10240000\r\n250-VRFY\r\n250-ETRN\r\n"
		"250-STARTTLS\r\n250-ENHANCEDSTATUSCODES\r\n250-8BITMIME\r\n250-DSN\r\n"
		"250-SMTPUTF8\r\n250 CHUNKING\r\n",
		SMTP_EXT_PIPELINING | SMTP_EXT_SIZE | SMTP_EXT_STARTTLS | SMTP_EXT_ENHANCED |
			SMTP_EXT_8BITMIME | SMTP_EXT_DSN | SMTP_EXT_SMTPUTF8 | SMTP_EXT_CHUNKING,
		10240000, 0 },
	{ "any case", "250-x\r\n250-pipelining\r\n250 size 5\r\n",
		SMTP_EXT_PIPELINING | SMTP_EXT_SIZE, 5, 0 },
	{ "SIZE without a number", "250-x\r\n250 SIZE\r\n", SMTP_EXT_SIZE, 0, 0 },
	{ "SIZE that is none", "250-x\r\n250 SIZE many\r\n", SMTP_EXT_SIZE, 0, 0 },
	{ "SIZE beyond measure", "250-x\r\n250 SIZE 99999999999999999999999\r\n", SMTP_EXT_SIZE, 0,
		0 },
	{ "AUTH", "250-x\r\n250 AUTH PLAIN login GSSAPI\r\n", SMTP_EXT_AUTH, 0, PLAIN_LOGIN },
	{ "AUTH in both forms", "250-x\r\n250-AUTH PLAIN\r\n250 AUTH=LOGIN\r\n", SMTP_EXT_AUTH, 0,
		PLAIN_LOGIN },
	{ "BINARYMIME needs CHUNKING", "250-x\r\n250 BINARYMIME\r\n", 0, 0, 0 },
	{ "BINARYMIME", "250-x\r\n250-BINARYMIME\r\n250 CHUNKING\r\n",
		SMTP_EXT_BINARYMIME | SMTP_EXT_CHUNKING, 0, 0 },
	{ "words that only begin so", "250-x\r\n250-SIZES 5\r\n250 DSNX\r\n", 0, 0, 0 },
};

static void
run_ehlo(void **arg)
{
	const struct ehlo_row *t = *arg;
	struct smtp_reply r = SMTP_REPLY_INIT;
	struct bytes in = bytes_from_str(t->in);
	struct smtp_ehlo e;

	assert_int_equal(smtp_reply_feed(&r, &in), 1);
	smtp_ehlo_parse(&e, &r);
	assert_int_equal(e.extensions, t->extensions);
	assert_int_equal(e.size, t->size);
	assert_int_equal(e.mechanisms, t->mechanisms);
	smtp_reply_free(&r);
}

static void
test_ehlo_name(void **state)
{
	struct smtp_reply r = SMTP_REPLY_INIT;
	struct bytes in = BYTES_LITERAL("250-mx.example at your service\r\n250 SIZE\r\n");

	assert_int_equal(smtp_reply_feed(&r, &in), 1);
	assert_true(bytes_is(smtp_ehlo_name(&r), "mx.example"));
	smtp_reply_free(&r);
}

/* --- dots ------------------------------------------------------------------------- */

static const struct stuff_row {
	const char *label, *in, *out;
} stuffs[] = {
	{ "nothing", "", ".\r\n" },
	{ "a line", "a\r\n", "a\r\n.\r\n" },
	{ "no end", "a", "a\r\n.\r\n" },
	{ "dots", ".\r\n..a\r\na.\r\n", "..\r\n...a\r\na.\r\n.\r\n" },
	{ "a dot at the very end", "a\r\n.", "a\r\n..\r\n.\r\n" },
	{ "LF alone", "a\n.\nb", "a\r\n..\r\nb\r\n.\r\n" },
	{ "CR alone", "a\r.\rb\r", "a\r\n..\r\nb\r\n.\r\n" },
	{ "CR CR LF", "a\r\r\n.", "a\r\n\r\n..\r\n.\r\n" },
	{ "LF CR", "a\n\r.\r\n", "a\r\n\r\n..\r\n.\r\n" },
	{ "CR at the very end", "a\r\nb\r", "a\r\nb\r\n.\r\n" },
	{ "empty lines", "\r\n\r\n", "\r\n\r\n.\r\n" },
	{ "the smuggler's", "a\n.\r\nMAIL\r.\r\n", "a\r\n..\r\nMAIL\r\n..\r\n.\r\n" },
};

static void
run_stuff(void **arg)
{
	const struct stuff_row *t = *arg;
	struct bytes in = bytes_from_str(t->in);

	for (size_t cut = 0; cut <= in.n + 1; cut++) {
		struct smtp_stuff s = SMTP_STUFF_INIT;
		struct buf out = BUF_INIT;

		if (cut <= in.n) {
			smtp_stuff_put(&s, bytes_head(in, cut), &out);
			smtp_stuff_put(&s, bytes_skip(in, cut), &out);
		} else
			for (size_t i = 0; i < in.n; i++)
				smtp_stuff_put(&s, bytes_make(in.p + i, 1), &out);
		smtp_stuff_end(&s, &out);
		assert_string_equal(buf_str(&out), t->out);
		buf_free(&out);
	}
}

int
main(void)
{
	struct CMUnitTest tests[NITEMS(replies) + NITEMS(ehlos) + NITEMS(stuffs) + 4];
	size_t n = 0;

	ADD_ROWS(tests, n, replies, run_reply);
	ADD_ROWS(tests, n, ehlos, run_ehlo);
	ADD_ROWS(tests, n, stuffs, run_stuff);
	tests[n++] = (struct CMUnitTest)cmocka_unit_test(test_two_replies);
	tests[n++] = (struct CMUnitTest)cmocka_unit_test(test_endless);
	tests[n++] = (struct CMUnitTest)cmocka_unit_test(test_derived);
	tests[n++] = (struct CMUnitTest)cmocka_unit_test(test_ehlo_name);
	ASSERT(n == NITEMS(tests));
	return cmocka_run_group_tests_name("proto/smtp_reply", tests, NULL, NULL);
}
