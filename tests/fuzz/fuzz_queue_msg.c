/* SPDX-License-Identifier: ISC */
/*
 * tests/fuzz/fuzz_queue_msg.c - the conversation with qmgr: the first octet picks the
 * message; what decodes must encode to the same octets again.
 */
#include "queue_msg.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define TRY(name)                                                                                  \
	{                                                                                          \
		static struct name m;                                                              \
		if (name##_decode(&in, &m) < 0)                                                    \
			return false;                                                              \
		name##_encode(out, &m);                                                            \
		return true;                                                                       \
	}

static bool
again(uint8_t which, struct bytes body, struct buf *out)
{
	struct ipc_reader in = ipc_reader(body);

	switch (which % 10) {
	case 0:
		TRY(queue_commit)
	case 1:
		TRY(queue_commit_answer)
	case 2:
		TRY(queue_lend_answer)
	case 3:
		TRY(queue_list)
	case 4:
		TRY(queue_list_answer)
	case 5:
		TRY(queue_show)
	case 6:
		TRY(queue_show_answer)
	case 7:
		TRY(queue_order)
	case 8:
		TRY(queue_order_answer)
	default:
		TRY(queue_stats_answer)
	}
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct buf out = BUF_INIT;

	/* no frame is longer */
	if (size > 0 && size <= IPC_BODY_MAX / 2 &&
		again(data[0], bytes_make(data + 1, size - 1), &out))
		ASSERT(bytes_equal(buf_bytes(&out), bytes_make(data + 1, size - 1)));
	buf_free(&out);
	return 0;
}
