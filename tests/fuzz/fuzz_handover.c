/* SPDX-License-Identifier: ISC */
/*
 * tests/fuzz/fuzz_handover.c - what a master of another version leaves: what is taken is written,
 * and read again, as the same.
 */
#include "handover.h"

#include "err.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct buf once = BUF_INIT, twice = BUF_INIT;
	struct handover h, again;

	if (handover_decode(bytes_make(data, size), &h) == ERR_OK) {
		handover_encode(&once, &h);
		ASSERT(handover_decode(buf_bytes(&once), &again) == ERR_OK);
		handover_encode(&twice, &again);
		ASSERT(bytes_equal(buf_bytes(&once), buf_bytes(&twice)));
		handover_free(&again);
	}
	handover_free(&h);
	buf_free(&once);
	buf_free(&twice);
	return 0;
}
