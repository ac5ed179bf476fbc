/* SPDX-License-Identifier: ISC */
/*
 * tests/fuzz/fuzz_downgrade.c - any message made fit for peers that take less. The first octet
 * says what for, and how many of the others are fields in front. Without those, the parts must be
 * found again and decode to the same octets.
 */
#include "downgrade_check.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct buf out = BUF_INIT;

	if (size == 0)
		return 0;
	struct bytes in = bytes_make(data + 1, size - 1);
	struct bytes prefix = bytes_head(in, data[0] & 0x20 ? data[0] & 0x1f : 0);

	in = bytes_skip(in, prefix.n);
	(void)downgrade_check(
		prefix, in, data[0] & 0x40 ? DOWNGRADE_TO_8BIT : DOWNGRADE_TO_7BIT, &out);
	(void)downgrade_header_is_8bit(prefix, in);
	buf_free(&out);
	return 0;
}
