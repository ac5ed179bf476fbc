/* SPDX-License-Identifier: ISC */
/* tests/unit/proto/test_header_filter.c - forged fields go, whole and octet by octet. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "header_filter.h"

#define GOOD   "Subject: x\r\n"
#define FORGED "Authentication-Results: mx.example.org; spf=pass\r\n"
#define OTHER  "Authentication-Results: mx.example.net; spf=pass\r\n"
#define OPEN10 "(((((((((("
#define OPEN51 OPEN10 OPEN10 OPEN10 OPEN10 OPEN10 "("
#define SHUT10 "))))))))))"
#define SHUT50 SHUT10 SHUT10 SHUT10 SHUT10 SHUT10
#define SHUT51 SHUT50 ")"
#define BODY   "\r\n" FORGED "text\r\n"

/* what is left is always GOOD (and more, if so) around it */
static const struct row {
	const char *label, *field;
	bool stays;
} rows[] = {
	{ "forged", FORGED, false },
	{ "another host's", OTHER, true },
	{ "two of them", FORGED FORGED, false },
	{ "lower case", "authentication-results: MX.EXAMPLE.ORG; spf=pass\r\n", false },
	{ "blank before the colon", "Authentication-Results \t: mx.example.org; none\r\n", false },
	{ "quoted", "Authentication-Results: \"mx.exam\\ple.org\" 1; none\r\n", false },
	{ "comments", "Authentication-Results: (x (y;) z)\r\n mx.example.org; none\r\n", false },
	{ "folded", "Authentication-Results:\r\n\t\r\n mx.example.org;\r\n\tspf=pass\r\n", false },
	{ "no results", "Authentication-Results: mx.example.org\r\n", false },
	{ "longer id", "Authentication-Results: mx.example.org.evil; none\r\n", true },
	{ "shorter id", "Authentication-Results: mx.example; none\r\n", true },
	{ "longer name", "Authentication-Results-Old: mx.example.org; none\r\n", true },
	{ "shorter name", "Authentication-Result: mx.example.org; none\r\n", true },
	{ "no id", "Authentication-Results: ; spf=pass\r\n", false },
	{ "empty id", "Authentication-Results: \"\" mx.example.org; spf=pass\r\n", false },
	{ "vertical tab", "Authentication-Results: \x0b mx.example.org; spf=pass\r\n", false },
	{ "form feed", "Authentication-Results:\x0cmx.example.org; spf=pass\r\n", false },
	{ "encoded word", "Authentication-Results: =?utf-8?q?mx.example.org?=; spf=pass\r\n",
		false },
	{ "quote without end", "Authentication-Results: \"mx.example.org; spf=pass\r\n", false },
	{ "comments too deep",
		"Authentication-Results: " OPEN51 SHUT51 " mx.example.org; spf=pass\r\n", false },
	{ "an id in comments too deep",
		"Authentication-Results: " OPEN51 SHUT50 " x) mx.example.org; spf=pass\r\n",
		false },
	{ "within another field", "X-Old: y\r\n " FORGED, true },
	{ "comment with many ends",
		"Authentication-Results: (;;;;;;;;;;;;) mx.example.net; spf=pass\r\n", false },
	{ "a CR before", "X: y\rz\r\n", true },
};

static void
run(struct bytes in, size_t step, struct buf *out, struct header_filter *f)
{
	header_filter_begin(f, "mx.example.org");
	while (in.n > 0) {
		const struct bytes part = bytes_head(in, step);
		const size_t from = out->len;

		buf_put_bytes(out, part);
		header_filter_run(f, out, from);
		in = bytes_skip(in, part.n);
	}
	header_filter_end(f, out);
	header_filter_free(f);
}

static void
run_row(void **state)
{
	const struct row *t = *state;
	struct buf in = BUF_INIT, left = BUF_INIT, out = BUF_INIT;
	struct header_filter f;

	buf_printf(&in, GOOD "%s" GOOD BODY, t->field);
	buf_printf(&left, GOOD "%s" GOOD BODY, t->stays ? t->field : "");
	for (size_t step = 1; step <= in.len; step = step < 4 ? step + 1 : step * 2) {
		buf_clear(&out);
		run(buf_bytes(&in), step, &out, &f);
		assert_string_equal(buf_str(&out), buf_str(&left));
		assert_int_equal(f.removed, in.len - left.len);
		assert_int_equal(f.fields > 0, !t->stays);
	}
	buf_free(&in);
	buf_free(&left);
	buf_free(&out);
}

/* What does not end with the header does not either. */
static void
test_only_header(void **state)
{
	static const char *const ends[] = { "Authentication-Results: mx.example.org", FORGED "\t",
		"Authentication-Results" };
	struct header_filter f;

	UNUSED(state);
	for (size_t i = 0; i < NITEMS(ends); i++) {
		struct buf out = BUF_INIT;

		run(bytes_from_str(ends[i]), 3, &out, &f);
		assert_string_equal(buf_str(&out), i < 2 ? "" : ends[i]);
		buf_free(&out);
	}
}

/* A field that hides its id behind a comment without end. */
static void
test_huge(void **state)
{
	struct buf in = BUF_INIT, out = BUF_INIT;
	struct header_filter f;

	UNUSED(state);
	buf_put_str(&in, GOOD "Authentication-Results: (");
	for (int i = 0; i < 100000; i++)
		buf_put_str(&in, "x\r\n ");
	buf_put_str(&in, ") mx.example.org; spf=pass\r\n" GOOD BODY);
	run(buf_bytes(&in), 1000, &out, &f);
	assert_string_equal(buf_str(&out), GOOD GOOD BODY);
	assert_true(f.held.cap <= 2 * HEADER_FILTER_HELD);
	buf_free(&in);
	buf_free(&out);
}

/* A name with more blanks behind it than are held. */
static void
test_far_colon(void **state)
{
	struct buf in = BUF_INIT, out = BUF_INIT;
	struct header_filter f;

	UNUSED(state);
	buf_printf(&in, GOOD "Authentication-Results%2050s: mx.example.org; spf=pass\r\n" GOOD BODY,
		"");
	run(buf_bytes(&in), 100, &out, &f);
	assert_string_equal(buf_str(&out), GOOD GOOD BODY);
	buf_free(&in);
	buf_free(&out);
}

int
main(void)
{
	struct CMUnitTest tests[3 + NITEMS(rows)] = { cmocka_unit_test(test_only_header),
		cmocka_unit_test(test_huge), cmocka_unit_test(test_far_colon) };

	for (size_t i = 0; i < NITEMS(rows); i++)
		tests[3 + i] = (struct CMUnitTest){ rows[i].label, run_row, NULL, NULL,
			(void *)(uintptr_t)&rows[i] };
	return cmocka_run_group_tests_name("proto/header_filter", tests, NULL, NULL);
}
