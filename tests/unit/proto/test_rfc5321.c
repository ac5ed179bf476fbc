/* SPDX-License-Identifier: ISC */
/* tests/unit/proto/test_rfc5321.c - mailboxes and paths, domains, parameters, xtext, replies. */
#include "../base/cases.h"

#include <stdlib.h>

#include "err.h"
#include "rfc5321.h"

static const struct path_row {
	const char *label, *path;
	unsigned flags;
	int used; /* -1: ERR_SYNTAX */
	const char *shortest;
} path_rows[] = {
	{ "plain", "<a@example.org>", 0, 15, "a@example.org" },
	{ "what follows is not looked at", "<a@b> SIZE=1", 0, 5, "a@b" },
	{ "null reverse-path", "<>", RFC5321_NULL, 2, "" },
	{ "null forward-path", "<>", 0, -1, NULL },
	{ "postmaster", "<Postmaster>", RFC5321_POSTMASTER, 12, "Postmaster" },
	{ "postmaster as reverse-path", "<postmaster>", RFC5321_NULL, -1, NULL },
	{ "other name without domain", "<root>", RFC5321_POSTMASTER, -1, NULL },
	{ "source route", "<@one,@two.example:joe@three>", 0, 29, "joe@three" },
	{ "source route without colon", "<@one joe@three>", 0, -1, NULL },
	{ "source route, empty hop", "<@one,:joe@three>", 0, -1, NULL },
	{ "source route alone", "<@one:>", 0, -1, NULL },
	{ "source route to postmaster", "<@one:postmaster>", RFC5321_POSTMASTER, 17, "postmaster" },
	{ "no bracket", "a@b", 0, -1, NULL },
	{ "never closed", "<a@b", 0, -1, NULL },
	{ "open bracket only", "<", RFC5321_NULL, -1, NULL },
	{ "nothing", "", RFC5321_NULL, -1, NULL },
	{ "blank inside", "< a@b>", 0, -1, NULL },
	{ "two ats", "<a@b@c>", 0, -1, NULL },
	{ "percent", "<a%x.example@b>", 0, 15, "a%x.example@b" },
	{ "bang", "<x.example!a@b>", 0, 15, "x.example!a@b" },
	{ "quoted at", "<\"a@x\"@b>", 0, 9, "\"a@x\"@b" },
	{ "needless quotes", "<\"a.b\"@c>", 0, 9, "a.b@c" },
	{ "needless backslash", "<\"a\\b\"@c>", 0, 9, "ab@c" },
	{ "quotes needed for dots", "<\"a..b\"@c>", 0, 10, "\"a..b\"@c" },
	{ "backslash needed", "<\"a\\\"b\"@c>", 0, 10, "\"a\\\"b\"@c" },
	{ "empty quoted string", "<\"\"@c>", 0, 6, "\"\"@c" },
	{ "bracket in quotes", "<\"a>b\"@c>", 0, 9, "\"a>b\"@c" },
	{ "IPv4 literal", "<a@[192.0.2.1]>", 0, 15, "a@[192.0.2.1]" },
	{ "IPv6 literal", "<a@[IPv6:2001:db8::1]>", 0, 22, "a@[IPv6:2001:db8::1]" },
	{ "IPv6 tag in lower case", "<a@[ipv6:::1]>", 0, 14, "a@[ipv6:::1]" },
	{ "other literal", "<a@[x400:c=de]>", 0, -1, NULL },
	{ "literal never closed", "<a@[192.0.2.1>", 0, -1, NULL },
	{ "literal, number too large", "<a@[192.0.2.256]>", 0, -1, NULL },
	{ "literal, four digits", "<a@[0192.0.2.1]>", 0, -1, NULL },
	{ "UTF-8 not allowed", "<\303\274@example.org>", 0, -1, NULL },
	{ "UTF-8 local-part", "<\303\274@example.org>", RFC5321_UTF8, 16, "\303\274@example.org" },
	{ "UTF-8 domain", "<a@b\303\274cher.example>", RFC5321_UTF8, 19,
		"a@b\303\274cher.example" },
	{ "UTF-8 in quotes", "<\"\303\274 x\"@b>", RFC5321_UTF8, 10, "\"\303\274 x\"@b" },
	{ "not UTF-8", "<\374@b>", RFC5321_UTF8, -1, NULL },
	{ "cut UTF-8", "<a@b\303>", RFC5321_UTF8, -1, NULL },
	{ "overlong UTF-8", "<\300\257@b>", RFC5321_UTF8, -1, NULL },
	{ "surrogate", "<\355\240\200@b>", RFC5321_UTF8, -1, NULL },
	{ "trailing dot of a domain", "<a@b.>", 0, -1, NULL },
	{ "underscore in a domain", "<a@b_c>", 0, -1, NULL },
	{ "control character", "<a\001@b>", 0, -1, NULL },
};

static void
run_path(void **state)
{
	const struct path_row *t = *state;
	struct mailbox m;
	struct buf out = BUF_INIT;
	int used = rfc5321_parse_path(bytes_from_str(t->path), t->flags, &m);

	if (t->used < 0) {
		assert_int_equal(used, ERR_SYNTAX);
		return;
	}
	assert_int_equal(used, t->used);
	rfc5321_put_mailbox(&out, &m);
	assert_string_equal(buf_str(&out), t->shortest);
	/* the shortest form is a mailbox again, and its own shortest form */
	if (m.text.n > 0) {
		struct mailbox again;
		struct buf twice = BUF_INIT;
		assert_int_equal(rfc5321_parse_mailbox(buf_bytes(&out), t->flags, &again), ERR_OK);
		rfc5321_put_mailbox(&twice, &again);
		assert_true(bytes_equal(buf_bytes(&twice), buf_bytes(&out)));
		buf_free(&twice);
	}
	buf_free(&out);
	/* every beginning of it is refused, and nothing is read past the end */
	for (size_t n = 0; n < (size_t)t->used; n++) {
		uint8_t *copy = xmalloc(n + 1);
		memcpy(copy, t->path, n);
		assert_true(rfc5321_parse_path(bytes_make(copy, n), t->flags, &m) < 0);
		free(copy);
	}
}

static void
limits(void **state)
{
	struct mailbox m;
	char path[700];

	UNUSED(state);
	memset(path, 'a', sizeof(path));
	memcpy(path + 510, "@b", 2);
	assert_int_equal(rfc5321_parse_mailbox(bytes_make(path, 512), 0, &m), ERR_OK);
	memcpy(path, "aaaaaa", 6);
	path[510] = 'a';
	path[511] = '@';
	path[512] = 'b';
	assert_int_equal(rfc5321_parse_mailbox(bytes_make(path, 513), 0, &m), ERR_LIMIT);
	/* labels of 63 and 64 */
	memset(path, 'a', sizeof(path));
	path[1] = '@';
	assert_int_equal(rfc5321_parse_mailbox(bytes_make(path, 2 + 63), 0, &m), ERR_OK);
	assert_int_equal(rfc5321_parse_mailbox(bytes_make(path, 2 + 64), 0, &m), ERR_SYNTAX);
	/* domains of 255 and 256 */
	for (size_t i = 2; i < sizeof(path); i++)
		path[i] = i % 2 == 0 ? 'a' : '.';
	assert_int_equal(rfc5321_parse_mailbox(bytes_make(path, 2 + 255), 0, &m), ERR_OK);
	assert_int_equal(rfc5321_parse_mailbox(bytes_make(path, 2 + 257), 0, &m), ERR_SYNTAX);
}

static const struct param_row {
	const char *label, *text;
	int r[3];                    /* of each call */
	const char *keyword, *value; /* of the first; value NULL: none */
} param_rows[] = {
	{ "none", "", { 0 }, NULL, NULL },
	{ "blanks only", "  \t", { 0 }, NULL, NULL },
	{ "keyword alone", " SMTPUTF8", { 1, 0 }, "SMTPUTF8", NULL },
	{ "with a value", " SIZE=100", { 1, 0 }, "SIZE", "100" },
	{ "two", " BODY=7BIT  RET=FULL", { 1, 1, 0 }, "BODY", "7BIT" },
	{ "empty value", " SIZE=", { ERR_SYNTAX }, NULL, NULL },
	{ "empty keyword", " =1", { ERR_SYNTAX }, NULL, NULL },
	{ "equals in the value", " A=b=c", { ERR_SYNTAX }, NULL, NULL },
	{ "keyword begins with a hyphen", " -A", { ERR_SYNTAX }, NULL, NULL },
	{ "bad octet in the keyword", " A_B", { ERR_SYNTAX }, NULL, NULL },
	{ "control in the value", " A=\001", { ERR_SYNTAX }, NULL, NULL },
	{ "UTF-8 in the value", " A=\303\274", { ERR_SYNTAX }, NULL, NULL },
	{ "second is bad", " A B=", { 1, ERR_SYNTAX }, "A", NULL },
};

static void
run_param(void **state)
{
	const struct param_row *t = *state;
	struct bytes rest = bytes_from_str(t->text);
	for (int i = 0; i < 3; i++) {
		struct esmtp_param p;
		int r = rfc5321_next_param(&rest, 0, &p);
		assert_int_equal(r, t->r[i]);
		if (i == 0 && r == 1) {
			assert_true(bytes_is(p.keyword, t->keyword));
			assert_int_equal(p.has_value, t->value != NULL);
			if (p.has_value)
				assert_true(bytes_is(p.value, t->value));
		}
		if (r <= 0)
			return;
	}
}

static const struct xtext_row {
	const char *label, *xtext, *plain; /* plain NULL: not xtext */
} xtext_rows[] = {
	{ "plain", "abc", "abc" },
	{ "empty", "", "" },
	{ "encoded", "a+2Bb+3Dc", "a+b=c" },
	{ "lower case digits", "a+2b", NULL },
	{ "cut", "a+2", NULL },
	{ "blank", "a b", NULL },
	{ "equals", "a=b", NULL },
};

static void
run_xtext(void **state)
{
	const struct xtext_row *t = *state;
	struct buf out = BUF_INIT, back = BUF_INIT;
	int r = rfc3461_xtext_decode(&out, bytes_from_str(t->xtext));
	assert_int_equal(r, t->plain == NULL ? ERR_SYNTAX : ERR_OK);
	if (t->plain == NULL) {
		assert_int_equal(out.len, 0);
	} else {
		assert_string_equal(buf_str(&out), t->plain);
		rfc3461_xtext_encode(&back, buf_bytes(&out));
		assert_string_equal(buf_str(&back), t->xtext);
	}
	buf_free(&out);
	buf_free(&back);
}

static void
orcpt(void **state)
{
	UNUSED(state);
	assert_true(rfc3461_is_orcpt(BYTES_LITERAL("rfc822;a+2Bb@example.org"), 0));
	assert_false(rfc3461_is_orcpt(BYTES_LITERAL("rfc822;"), 0));
	assert_false(rfc3461_is_orcpt(BYTES_LITERAL(";a@b"), 0));
	assert_false(rfc3461_is_orcpt(BYTES_LITERAL("a@b"), 0));
	assert_false(rfc3461_is_orcpt(BYTES_LITERAL("rfc822;a+zz"), 0));
	assert_true(rfc3461_is_orcpt(BYTES_LITERAL("utf-8;\303\274@b"), RFC5321_UTF8));
	assert_false(rfc3461_is_orcpt(BYTES_LITERAL("utf-8;\303\274@b"), 0));
}

static void
replies(void **state)
{
	struct buf out = BUF_INIT;
	char longest[600];

	UNUSED(state);
	rfc5321_put_reply(&out, 250, "2.0.0", BYTES_LITERAL("Ok"));
	assert_string_equal(buf_str(&out), "250 2.0.0 Ok\r\n");
	buf_clear(&out);
	rfc5321_put_reply(&out, 550, "5.1.1", BYTES_LITERAL("one\ntwo"));
	assert_string_equal(buf_str(&out), "550-5.1.1 one\r\n550 5.1.1 two\r\n");
	buf_clear(&out);
	rfc5321_put_reply(&out, 354, NULL, BYTES_LITERAL("a\rb\001"));
	assert_string_equal(buf_str(&out), "354 a?b?\r\n");
	buf_clear(&out);
	memset(longest, 'x', sizeof(longest));
	rfc5321_put_reply(&out, 250, "2.0.0", bytes_make(longest, sizeof(longest)));
	assert_int_equal(out.len, RFC5321_REPLY_LINE_MAX);
	buf_free(&out);
}

static void
verbs(void **state)
{
	struct bytes args;

	UNUSED(state);
	assert_true(bytes_is(rfc5321_cut_verb(BYTES_LITERAL("NOOP"), &args), "NOOP"));
	assert_int_equal(args.n, 0);
	assert_true(bytes_is(rfc5321_cut_verb(BYTES_LITERAL("mail FROM:<> "), &args), "mail"));
	assert_true(bytes_is(args, "FROM:<>"));
	assert_int_equal(rfc5321_cut_verb(BYTES_LITERAL(" QUIT"), &args).n, 0);
}

int
main(void)
{
	TABLE_TESTS(paths, path_rows, run_path);
	TABLE_TESTS(params, param_rows, run_param);
	TABLE_TESTS(xtexts, xtext_rows, run_xtext);
	static const struct CMUnitTest others[] = { cmocka_unit_test(limits),
		cmocka_unit_test(orcpt), cmocka_unit_test(replies), cmocka_unit_test(verbs) };
	return cmocka_run_group_tests_name("proto/rfc5321 paths", paths, NULL, NULL) +
	       cmocka_run_group_tests_name("proto/rfc5321 parameters", params, NULL, NULL) +
	       cmocka_run_group_tests_name("proto/rfc5321 xtext", xtexts, NULL, NULL) +
	       cmocka_run_group_tests_name("proto/rfc5321", others, NULL, NULL);
}
