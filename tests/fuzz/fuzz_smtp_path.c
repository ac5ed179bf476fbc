/* SPDX-License-Identifier: ISC */
/*
 * tests/fuzz/fuzz_smtp_path.c - paths and mailboxes: what is taken has a shortest form, which
 * is a mailbox too and its own shortest form.
 */
#include "err.h"
#include "rfc5321.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
check(struct bytes text, unsigned flags)
{
	struct mailbox again;
	struct buf twice = BUF_INIT;
	int r = rfc5321_parse_mailbox(text, flags, &again);

	ASSERT(r == ERR_OK);
	rfc5321_put_mailbox(&twice, &again);
	ASSERT(bytes_equal(buf_bytes(&twice), text));
	buf_free(&twice);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct mailbox m;
	struct buf shortest = BUF_INIT;

	if (size == 0)
		return 0;
	unsigned flags = data[0] & (RFC5321_NULL | RFC5321_POSTMASTER | RFC5321_UTF8);
	struct bytes in = bytes_make(data + 1, size - 1);
	int n = rfc5321_parse_path(in, flags, &m);
	if (n > 0) {
		ASSERT((size_t)n <= in.n && in.p[n - 1] == '>');
		rfc5321_put_mailbox(&shortest, &m);
		ASSERT(shortest.len <= m.text.n);
		if (m.text.n > 0)
			check(buf_bytes(&shortest), flags);
	}
	if (rfc5321_parse_mailbox(in, flags, &m) == ERR_OK) {
		buf_clear(&shortest);
		rfc5321_put_mailbox(&shortest, &m);
		check(buf_bytes(&shortest), flags);
	}
	buf_free(&shortest);
	return 0;
}
