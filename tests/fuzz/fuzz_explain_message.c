/* SPDX-License-Identifier: ISC */
/*
 * tests/fuzz/fuzz_explain_message.c - any octets as a stored message: its line ends are made, once
 * is as often as you like, and what is told of its way lies within it.
 */
#include "explain_message.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct buf once = BUF_INIT, twice = BUF_INIT;
	struct arena a = ARENA_INIT;
	struct explain_origin o;
	struct bytes content;

	explain_crlf(bytes_make(data, size), &once);
	content = buf_bytes(&once);
	for (size_t i = 0; i < content.n; i++)
		ASSERT(content.p[i] != '\n' || (i > 0 && content.p[i - 1] == '\r'));
	ASSERT(content.n == 0 || content.p[content.n - 1] == '\n');
	if (!bytes_starts_with(content, BYTES_LITERAL("From "))) {
		explain_crlf(content, &twice);
		ASSERT(bytes_equal(content, buf_bytes(&twice)));
	}
	explain_origin(&a, content, &o);
	ASSERT(o.mail_from.n <= content.n && o.helo.n <= content.n);
	ASSERT(o.client.family == 0 || ip_block_valid(&o.client));
	ASSERT(o.client.family != 0 || o.helo.n == 0);
	buf_free(&once);
	buf_free(&twice);
	arena_reset(&a);
	return 0;
}
