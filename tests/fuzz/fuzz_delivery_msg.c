/* SPDX-License-Identifier: ISC */
/*
 * tests/fuzz/fuzz_delivery_msg.c - the delivery conversation: the first octet picks the
 * message; what decodes must encode to the same octets again.
 */
#include "delivery_msg.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static bool
again(uint8_t which, struct bytes body, struct buf *out)
{
	struct ipc_reader in = ipc_reader(body);
	struct delivery_job job;
	struct delivery_result result;
	struct delivery_sync_result sync;

	switch (which % 4) {
	case 0:
		if (delivery_job_decode(&in, &job) < 0)
			return false;
		delivery_job_encode(out, &job);
		return true;
	case 1:
		if (delivery_result_decode(&in, &result) < 0)
			return false;
		delivery_result_encode(out, &result);
		return true;
	case 2:
		if (delivery_sync_result_decode(&in, &sync) < 0)
			return false;
		delivery_sync_result_encode(out, &sync);
		return true;
	default:
		if (delivery_job_fd_decode(&in, &job) < 0)
			return false;
		delivery_job_encode(out, &job);
		return true;
	}
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct buf out = BUF_INIT;

	if (size > 0 && again(data[0], bytes_make(data + 1, size - 1), &out))
		ASSERT(bytes_equal(buf_bytes(&out), bytes_make(data + 1, size - 1)));
	buf_free(&out);
	return 0;
}
