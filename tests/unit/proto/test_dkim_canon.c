/* SPDX-License-Identifier: ISC */
/* tests/unit/proto/test_dkim_canon.c - canonicalizations (RFC 6376 sec. 3.4), whole and in pieces.
 */
#include "../base/cases.h"

#include "dkim_canon.h"

static const struct field_row {
	const char *label, *name, *value, *want;
} field_rows[] = {
	{ "sec. 3.4.5, A", "A", " X", "a:X" },
	{ "sec. 3.4.5, B", "B ", " Y\t\r\n\tZ  ", "b:Y Z" },
	{ "empty", "Subject", "", "subject:" },
	{ "blanks only", "Subject", " \t \r\n ", "subject:" },
	{ "nothing to do", "x", "y", "x:y" },
	{ "8 bits stay", "X", " \xc3\xa4 \xff", "x:\xc3\xa4 \xff" },
	{ "colons stay", "X", ":a : b:", "x::a : b:" },
};

static void
run_field(void **arg)
{
	const struct field_row *t = *arg;
	struct buf out = BUF_INIT;

	dkim_canon_relaxed_field(bytes_from_str(t->name), bytes_from_str(t->value), &out);
	assert_string_equal(buf_str(&out), t->want);
	buf_free(&out);
}

static const struct body_row {
	const char *label, *body, *simple, *relaxed;
} body_rows[] = {
	{ "sec. 3.4.5", " C \r\nD \t E\r\n\r\n\r\n", " C \r\nD \t E\r\n", " C\r\nD E\r\n" },
	{ "empty", "", "\r\n", "" },
	{ "one CRLF", "\r\n", "\r\n", "" },
	{ "blank lines", "\r\n\r\n\r\n", "\r\n", "" },
	{ "lines of blanks", " \r\n\t\r\n", " \r\n\t\r\n", "" },
	{ "blanks without CRLF", "  ", "  \r\n", "" },
	{ "no CRLF at the end", "a", "a\r\n", "a\r\n" },
	{ "no CRLF at the end of the second", "a\r\nb ", "a\r\nb \r\n", "a\r\nb\r\n" },
	{ "blank lines within", "a\r\n\r\n\r\nb\r\n\r\n", "a\r\n\r\n\r\nb\r\n",
		"a\r\n\r\n\r\nb\r\n" },
	{ "blank lines first", "\r\n \r\na\r\n", "\r\n \r\na\r\n", "\r\n\r\na\r\n" },
	{ "blank at the beginning", "  a\r\n", "  a\r\n", " a\r\n" },
	{ "blanks between and behind", "a \t b\t \r\nc\r\n", "a \t b\t \r\nc\r\n", "a b\r\nc\r\n" },
	{ "CR alone", "a\rb\r\n", "a\rb\r\n", "a\rb\r\n" },
	{ "CR CR LF", "a\r\r\n", "a\r\r\n", "a\r\r\n" },
	{ "CR at the end", "a\r", "a\r\r\n", "a\r\r\n" },
	{ "LF alone", "a\nb\n", "a\nb\n\r\n", "a\nb\n\r\n" },
	{ "blank and CR alone", "a \rb", "a \rb\r\n", "a \rb\r\n" },
};

static void
put(void *arg, struct bytes octets)
{
	buf_put_bytes(arg, octets);
}

static void
check_body(const char *body, const char *want, bool relaxed, size_t piece)
{
	struct bytes rest = bytes_from_str(body);
	struct dkim_body_canon c, count;
	struct buf out = BUF_INIT;

	dkim_body_canon_init(&c, relaxed, put, &out);
	dkim_body_canon_init(&count, relaxed, NULL, NULL);
	for (; rest.n > 0; rest = bytes_skip(rest, piece)) {
		dkim_body_canon_put(&c, bytes_head(rest, piece));
		dkim_body_canon_put(&count, bytes_head(rest, piece));
	}
	dkim_body_canon_end(&c);
	dkim_body_canon_end(&count);
	assert_string_equal(buf_str(&out), want);
	assert_int_equal(c.octets, out.len);
	assert_int_equal(count.octets, out.len);
	buf_free(&out);
}

static void
run_body(void **arg)
{
	const struct body_row *t = *arg;

	for (size_t piece = 1; piece <= strlen(t->body) + 1; piece++) {
		check_body(t->body, t->simple, false, piece);
		check_body(t->body, t->relaxed, true, piece);
	}
}

/* More than what is held at once. */
static void
long_body(void **arg)
{
	struct buf body = BUF_INIT, want = BUF_INIT;

	UNUSED(arg);
	for (int i = 0; i < 3000; i++) {
		buf_put_str(&body, i % 7 == 0 ? "\r\n" : "word  word \r\n");
		buf_put_str(&want, i % 7 == 0 ? "\r\n" : "word word\r\n");
	}
	for (size_t piece = 1; piece < 100000; piece *= 13)
		check_body(buf_str(&body), buf_str(&want), true, piece);
	check_body(buf_str(&body), buf_str(&body), false, 50000);
	buf_free(&body);
	buf_free(&want);
}

int
main(void)
{
	struct CMUnitTest tests[NITEMS(field_rows) + NITEMS(body_rows) + 1] = {
		cmocka_unit_test(long_body),
	};
	size_t n = 1;

	ADD_ROWS(tests, n, field_rows, run_field);
	ADD_ROWS(tests, n, body_rows, run_body);
	return cmocka_run_group_tests_name("proto/dkim_canon", tests, NULL, NULL);
}
