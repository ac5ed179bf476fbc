/* SPDX-License-Identifier: ISC */
/*
 * tests/fuzz/fuzz_directory_msg.c - bodies of directory's messages: what decodes encodes to the
 * same octets.
 */
#include "directory_msg.h"
#include "err.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

union any {
	struct directory_rcpt rcpt;
	struct directory_rcpt_answer rcpt_answer;
	struct directory_resolve resolve;
	struct directory_resolve_answer resolve_answer;
	struct directory_auth auth;
	struct directory_auth_answer auth_answer;
};

#define ENCODE(name)                                                                               \
	static void encode_##name(struct buf *out, const union any *m)                             \
	{                                                                                          \
		directory_##name##_encode(out, &m->name);                                          \
	}
ENCODE(rcpt)
ENCODE(rcpt_answer)
ENCODE(resolve)
ENCODE(resolve_answer)
ENCODE(auth)
ENCODE(auth_answer)

static const struct {
	int (*decode)(struct ipc_reader *in, void *m);
	void (*encode)(struct buf *out, const union any *m);
} rows[] = {
	{ directory_rcpt_decode, encode_rcpt },
	{ directory_rcpt_answer_decode, encode_rcpt_answer },
	{ directory_resolve_decode, encode_resolve },
	{ directory_resolve_answer_decode, encode_resolve_answer },
	{ directory_auth_decode, encode_auth },
	{ directory_auth_answer_decode, encode_auth_answer },
};

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct buf again = BUF_INIT;
	struct ipc_reader in;
	union any m;
	size_t i;

	if (size == 0)
		return 0;
	i = data[0] % NITEMS(rows);
	in = ipc_reader(bytes_make(data + 1, size - 1));
	if (rows[i].decode(&in, &m) == ERR_OK) {
		rows[i].encode(&again, &m);
		ASSERT(bytes_equal(buf_bytes(&again), bytes_make(data + 1, size - 1)));
	}
	buf_free(&again);
	return 0;
}
