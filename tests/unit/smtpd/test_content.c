/* SPDX-License-Identifier: ISC */
/*
 * tests/unit/smtpd/test_content.c - every text over a small alphabet, checked against a slow
 * and plain reading of the rules, whole and cut at every place.
 */
#include "../base/cases.h"

#include "content.h"

#define LONGEST 7

static const uint8_t alphabet[] = { '\r', '\n', '.', 'x', '\0' };
static const struct content_limits limits = { .size_octets = 100, .hops = 5 };

/* What DATA means, written for reading: false if the end isn't in it. */
static bool
plainly(struct bytes in, struct buf *out, size_t *used, bool *faulty)
{
	bool line_start = true;
	*faulty = false;
	for (size_t i = 0; i < in.n; i++) {
		struct bytes rest = bytes_skip(in, i);
		if (line_start && bytes_starts_with(rest, BYTES_LITERAL(".\r\n"))) {
			*used = i + 3;
			return true;
		}
		if (line_start && in.p[i] == '.') {
			line_start = false;
			continue;
		}
		line_start = false;
		if (bytes_starts_with(rest, BYTES_LITERAL("\r\n"))) {
			buf_put_str(out, "\r\n");
			i++;
			line_start = true;
			continue;
		}
		if (in.p[i] == '\r' || in.p[i] == '\n' || in.p[i] == '\0')
			*faulty = true;
		buf_put_u8(out, in.p[i]);
	}
	*used = in.n;
	return false;
}

static void
compare(struct bytes in, size_t cut)
{
	struct buf wanted = BUF_INIT, out = BUF_INIT;
	struct content c;
	size_t used, got;
	bool faulty, end;
	bool wanted_end = plainly(in, &wanted, &used, &faulty);

	content_begin(&c, &limits);
	got = content_data(&c, bytes_head(in, cut), &out, &end);
	if (!end)
		got += content_data(&c, bytes_skip(in, cut), &out, &end);
	assert_int_equal(end, wanted_end);
	assert_int_equal(got, used);
	if (end) {
		assert_int_equal(c.fault != CONTENT_GOOD, faulty);
		if (!faulty) {
			assert_true(bytes_equal(buf_bytes(&out), buf_bytes(&wanted)));
			assert_int_equal(c.size, wanted.len);
		}
	}
	buf_free(&wanted);
	buf_free(&out);
}

static void
every_text(void **state)
{
	UNUSED(state);
	for (size_t n = 0; n <= LONGEST; n++) {
		size_t count = 1;
		for (size_t i = 0; i < n; i++)
			count *= NITEMS(alphabet);
		for (size_t k = 0; k < count; k++) {
			uint8_t text[LONGEST + 5];
			size_t rest = k;
			for (size_t i = 0; i < n; i++, rest /= NITEMS(alphabet))
				text[i] = alphabet[rest % NITEMS(alphabet)];
			memcpy(text + n, "\r\n.\r\n", 5);
			size_t cut = k % (n + 6);
			compare(bytes_make(text, n + 5), n + 5);
			compare(bytes_make(text, n + 5), cut);
		}
	}
}

static void
line_limit(void **state)
{
	struct content_limits few = { .size_octets = 100, .hops = 5, .text_line_octets = 5 };
	struct content c;
	struct buf out = BUF_INIT;

	UNUSED(state);
	content_begin(&c, &few);
	content_chunk(&c, BYTES_LITERAL("123\r\n"), &out);
	assert_int_equal(c.fault, CONTENT_GOOD);
	content_chunk(&c, BYTES_LITERAL("12"), &out);
	content_chunk(&c, BYTES_LITERAL("34\r\n"), &out);
	assert_int_equal(c.fault, CONTENT_LONG_LINE);
	buf_free(&out);
}

static void
size_limit(void **state)
{
	struct content_limits few = { .size_octets = 4, .hops = 5 };
	struct content c;
	struct buf out = BUF_INIT;

	UNUSED(state);
	content_begin(&c, &few);
	content_chunk(&c, BYTES_LITERAL("12\r\n"), &out);
	assert_int_equal(c.fault, CONTENT_GOOD);
	content_chunk(&c, BYTES_LITERAL("3"), &out);
	assert_int_equal(c.fault, CONTENT_TOO_LARGE);
	assert_int_equal(out.len, 4);
	buf_free(&out);
}

static void
header_limit(void **state)
{
	struct content_limits few = { .size_octets = 100, .hops = 5, .header_octets = 8 };
	struct content c;
	struct buf out = BUF_INIT;

	UNUSED(state);
	content_begin(&c, &few);
	content_chunk(&c, BYTES_LITERAL("a: b\r\n\r\n"), &out);
	content_chunk(&c, BYTES_LITERAL("a body of any length\r\n"), &out);
	assert_int_equal(c.fault, CONTENT_GOOD);
	content_begin(&c, &few);
	content_chunk(&c, BYTES_LITERAL("a: b\r\nc:"), &out);
	assert_int_equal(c.fault, CONTENT_GOOD);
	content_chunk(&c, BYTES_LITERAL(" "), &out);
	assert_int_equal(c.fault, CONTENT_HEADER_TOO_LARGE);
	buf_free(&out);
}

int
main(void)
{
	static const struct CMUnitTest tests[] = { cmocka_unit_test(every_text),
		cmocka_unit_test(header_limit), cmocka_unit_test(line_limit),
		cmocka_unit_test(size_limit) };
	return cmocka_run_group_tests_name("smtpd/content", tests, NULL, NULL);
}
