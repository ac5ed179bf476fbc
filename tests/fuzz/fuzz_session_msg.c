/* SPDX-License-Identifier: ISC */
/*
 * tests/fuzz/fuzz_session_msg.c - the session conversation's decoders: what decodes, encodes to
 * the same octets again. The first octet picks the message.
 */
#include "session_msg.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define CASE(name)                                                                                 \
	{                                                                                          \
		struct session_##name##_msg m;                                                     \
		if (session_##name##_decode(&in, &m) == ERR_OK)                                    \
			session_##name##_encode(&out, &m);                                         \
		else                                                                               \
			decoded = false;                                                           \
		break;                                                                             \
	}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct bytes body = bytes_skip(bytes_make(data, size), 1);
	struct ipc_reader in = ipc_reader(body);
	struct buf out = BUF_INIT;
	bool decoded = true;

	if (size == 0)
		return 0;
	switch (data[0] % 7) {
	case 0:
		CASE(start)
	case 1:
		CASE(started)
	case 2:
		CASE(take)
	case 3:
		CASE(taken)
	case 4:
		CASE(quota_add)
	case 5:
		CASE(quota_set)
	default:
		CASE(quota)
	}
	ASSERT(!decoded || bytes_equal(buf_bytes(&out), body));
	(void)session_home_ok(body);
	buf_free(&out);
	return 0;
}
