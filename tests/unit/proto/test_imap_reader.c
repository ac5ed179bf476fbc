/* SPDX-License-Identifier: ISC */
/*
 * tests/unit/proto/test_imap_reader.c - the same octets whole, octet by octet, and cut at random
 * give the same commands.
 */
#include <stdio.h>
#include <stdlib.h>

#include "cases.h"
#include "imap_reader.h"

#define LIMIT 400

/*
 * Expected traces: C(text) a command, L(n) or L(n+) a literal announced, D(...) a streamed one,
 * LONG and LARGE refusals. A literal is streamed if the text has "APPEND", kept if it fits,
 * else refused (not synchronizing: discarded).
 */
static const struct row {
	const char *label, *in, *trace;
} rows[] = {
	{ "one line", "a NOOP\r\n", "C(a NOOP)" },
	{ "bare LF", "a NOOP\nb NOOP\n", "C(a NOOP)C(b NOOP)" },
	{ "CR within a line stays", "a NO\rOP\r\n", "C(a NO\rOP)" },
	{ "empty line", "\r\na NOOP\r\n", "C()C(a NOOP)" },
	{ "literal", "a LOGIN {3}\r\nfoo {3}\r\nbar\r\n",
		"L(3)L(3)C(a LOGIN {3}\r\nfoo {3}\r\nbar)" },
	{ "literal+", "a LOGIN {3+}\r\nfoo bar\r\n", "L(3+)C(a LOGIN {3+}\r\nfoo bar)" },
	{ "empty literal", "a X {0}\r\n\r\nb NOOP\r\n", "L(0)C(a X {0}\r\n)C(b NOOP)" },
	{ "literal that ends in an announcement", "a X {4}\r\n{99}\r\nb NOOP\r\n",
		"L(4)C(a X {4}\r\n{99})C(b NOOP)" },
	{ "literal that ends in CR", "a X {2}\r\nb\r\nb NOOP\r\n",
		"L(2)C(a X {2}\r\nb\r)C(b NOOP)" },
	{ "line behind a literal announces", "a X {1}\r\nb{2}\r\ncd\r\n",
		"L(1)L(2)C(a X {1}\r\nb{2}\r\ncd)" },
	{ "quoted announcement", "a X \"b {5}\"\r\nb NOOP\r\n", "C(a X \"b {5}\")C(b NOOP)" },
	{ "open quote announces nothing", "a X \"b {5}\r\nb NOOP\r\n", "C(a X \"b {5})C(b NOOP)" },
	{ "escaped quote", "a X \"b\\\" {5}\r\nb NOOP\r\n", "C(a X \"b\\\" {5})C(b NOOP)" },
	{ "escaped backslash", "a X \"b\\\\\" {2}\r\nno\r\n", "L(2)C(a X \"b\\\\\" {2}\r\nno)" },
	{ "not a number", "a X {5a}\r\n", "C(a X {5a})" },
	{ "no number", "a X {}\r\n", "C(a X {})" },
	{ "two pluses", "a X {5++}\r\n", "C(a X {5++})" },
	{ "nothing but an announcement", "{3}\r\nabc\r\n", "L(3)C({3}\r\nabc)" },
	{ "number of 20 digits is none", "a X {12345678901234567890}\r\n",
		"C(a X {12345678901234567890})" },
	{ "stream", "a APPEND b {5}\r\nhello\r\nb NOOP\r\n",
		"L(5)D(hello)C(a APPEND b {5}\r\n)C(b NOOP)" },
	{ "stream with a line like a literal", "a APPEND b {5+}\r\n{4}\r\n\r\nb NOOP\r\n",
		"L(5+)D({4}\r\n)C(a APPEND b {5+}\r\n)C(b NOOP)" },
	{ "empty stream", "a APPEND b {0}\r\n\r\nb NOOP\r\n",
		"L(0)D()C(a APPEND b {0}\r\n)C(b NOOP)" },
	{ "stream, then more", "a APPEND b {2}\r\nhi {1}\r\nx\r\n",
		"L(2)D(hi)L(1)D(x)C(a APPEND b {2}\r\n {1}\r\n)" },
	{ "too large, synchronizing", "a X {500}\r\nb NOOP\r\n", "L(500)C(b NOOP)" },
	{ "the largest announcement", "a X {9999999999999999999}\r\nb NOOP\r\n",
		"L(9999999999999999999)C(b NOOP)" },
};

static void
trace_literal(struct imap_reader *r, struct buf *trace)
{
	bool append = bytes_search(buf_bytes(&r->text), BYTES_LITERAL("APPEND")) != BYTES_NOT_FOUND;

	buf_printf(trace, "L(%llu%s)", (unsigned long long)r->literal_size,
		r->literal_sync ? "" : "+");
	if (append) {
		imap_reader_stream(r);
		buf_put_str(trace, "D(");
	} else if (imap_reader_keep(r) < 0) {
		if (r->literal_sync)
			imap_reader_next(r);
		else
			imap_reader_discard(r);
	}
}

/* Feed one piece; false once all of it is used. */
static bool
trace_piece(struct imap_reader *r, struct bytes *in, struct buf *trace)
{
	switch (imap_reader_feed(r, in)) {
	case IMAP_READ_MORE:
		return false;
	case IMAP_READ_COMMAND:
		buf_put_str(trace, "C(");
		buf_put_bytes(trace, buf_bytes(&r->text));
		buf_put_str(trace, ")");
		imap_reader_next(r);
		break;
	case IMAP_READ_LITERAL:
		trace_literal(r, trace);
		break;
	case IMAP_READ_DATA:
		buf_put_bytes(trace, r->data);
		break;
	case IMAP_READ_DATA_END:
		buf_put_str(trace, ")");
		break;
	case IMAP_READ_TOO_LONG:
		buf_put_str(trace, "LONG");
		imap_reader_next(r);
		break;
	case IMAP_READ_TOO_LARGE:
		buf_put_str(trace, "LARGE");
		imap_reader_next(r);
		break;
	}
	return true;
}

/* step: octets at a time; 0: random cuts */
static void
run(struct bytes in, size_t step, struct buf *trace)
{
	struct imap_reader r;

	imap_reader_init(&r, LIMIT);
	while (in.n > 0) {
		size_t n = step > 0 ? step : (size_t)rand() % 7 + 1;
		/* a copy of its own size, so that reading past it is seen */
		struct bytes piece = bytes_head(in, n);
		uint8_t *copy = xmalloc(piece.n);
		struct bytes rest = bytes_make(memcpy(copy, piece.p, piece.n), piece.n);

		while (trace_piece(&r, &rest, trace))
			;
		assert_int_equal(rest.n, 0);
		in = bytes_skip(in, piece.n);
		free(copy);
	}
	imap_reader_free(&r);
}

static void
check(struct bytes in, size_t step, const char *expected)
{
	struct buf trace = BUF_INIT;

	run(in, step, &trace);
	assert_string_equal(buf_str(&trace), expected);
	buf_free(&trace);
}

static void
run_row(void **arg)
{
	const struct row *t = *arg;
	struct bytes in = bytes_from_str(t->in);

	check(in, in.n, t->trace);
	check(in, 1, t->trace);
	for (int i = 0; i < 20; i++)
		check(in, 0, t->trace);
}

/* Lines and literals around the limit; what is dropped must not be taken for commands. */
static void
test_limits(void **arg)
{
	struct buf in = BUF_INIT, expected = BUF_INIT;
	char filler[600];

	UNUSED(arg);
	memset(filler, 'x', sizeof(filler));
	for (unsigned n = 300; n < 500; n += 7) { /* a line of n + 2 octets */
		buf_clear(&in);
		buf_clear(&expected);
		buf_printf(&in, "a %.*s\r\nb NOOP\r\n", (int)n, filler);
		if (n + 3 > LIMIT) /* its CR counts */
			buf_put_str(&expected, "LONGC(b NOOP)");
		else
			buf_printf(&expected, "C(a %.*s)C(b NOOP)", (int)n, filler);
		for (size_t step = 1; step < 40; step++)
			check(buf_bytes(&in), step, buf_str(&expected));
		check(buf_bytes(&in), in.len, buf_str(&expected));
	}
	/* a line over the limit that ends in an announcement: its octets are dropped too */
	buf_clear(&in);
	buf_printf(&in, "a %.*s {12+}\r\nx DELETE me\n {9}\r\nb NOOP\r\n", 500, filler);
	for (size_t step = 1; step < in.len; step++)
		check(buf_bytes(&in), step, "LONGC(b NOOP)");
	/* not synchronizing and too large: dropped, with the rest of its line */
	buf_clear(&in);
	buf_printf(&in, "a X {500+}\r\n%.*s {3+}\r\nabc {5}\r\nb NOOP\r\n", 500, filler);
	for (size_t step = 1; step < in.len; step++)
		check(buf_bytes(&in), step, "L(500+)LARGEC(b NOOP)");
	buf_free(&in);
	buf_free(&expected);
}

int
main(void)
{
	struct CMUnitTest tests[NITEMS(rows) + 1];
	size_t n = 0;

	ADD_ROWS(tests, n, rows, run_row);
	tests[n] = (struct CMUnitTest)cmocka_unit_test(test_limits);
	return cmocka_run_group_tests_name("proto/imap_reader", tests, NULL, NULL);
}
