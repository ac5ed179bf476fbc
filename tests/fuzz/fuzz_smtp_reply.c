/* SPDX-License-Identifier: ISC */
/*
 * tests/fuzz/fuzz_smtp_reply.c - any octets as replies, whole and in pieces (the first octet says
 * how large): the same replies, within their limits, whose texts are printable.
 */
#include "err.h"
#include "smtp_ehlo.h"

static void
describe(const struct smtp_reply *r, int result, struct buf *out)
{
	struct buf text = BUF_INIT;
	struct smtp_ehlo e;

	smtp_reply_put(&text, r, 500);
	ASSERT(text.len <= 500);
	for (size_t i = 0; i < text.len; i++)
		ASSERT(buf_bytes(&text).p[i] >= ' ' && buf_bytes(&text).p[i] < 0x7f);
	ASSERT(r->lines.len <= SMTP_REPLY_OCTETS_MAX && r->n_lines <= SMTP_REPLY_LINES_MAX);
	buf_printf(out, "%d ", result);
	if (result == 1) {
		ASSERT(r->code >= 200 && r->code < 600);
		ASSERT(r->enhanced[0] == 0 || smtp_enhanced_length(bytes_from_str(r->enhanced),
						      r->code) == strlen(r->enhanced));
		smtp_ehlo_parse(&e, r);
		buf_printf(out, "%d %s %x %llx %x ", r->code, r->enhanced, e.extensions,
			(unsigned long long)e.size, e.mechanisms);
		buf_put_bytes(out, smtp_ehlo_name(r));
	}
	buf_put_bytes(out, buf_bytes(&text));
	buf_put_u8(out, '\n');
	buf_free(&text);
}

static void
read_all(struct bytes in, size_t piece, struct buf *out)
{
	struct smtp_reply r = SMTP_REPLY_INIT;
	int result = 0;

	while (in.n > 0 && result >= 0) {
		struct bytes now = bytes_head(in, piece), left = now;

		result = smtp_reply_feed(&r, &left);
		ASSERT(result == 1 || result < 0 || left.n == 0);
		in = bytes_skip(in, now.n - left.n);
		if (result == ERR_LIMIT)
			buf_put_str(out, "too long\n"); /* where it is cut may differ */
		else if (result != 0)
			describe(&r, result, out);
		if (result == 1)
			smtp_reply_clear(&r);
		else if (result < 0)
			break;
	}
	smtp_reply_free(&r);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct buf whole = BUF_INIT, pieces = BUF_INIT;

	if (size == 0)
		return 0;
	read_all(bytes_make(data + 1, size - 1), size, &whole);
	read_all(bytes_make(data + 1, size - 1), data[0] % 17u + 1, &pieces);
	ASSERT(bytes_equal(buf_bytes(&whole), buf_bytes(&pieces)));
	buf_free(&whole);
	buf_free(&pieces);
	return 0;
}
