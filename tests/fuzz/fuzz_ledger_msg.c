/* SPDX-License-Identifier: ISC */
/*
 * tests/fuzz/fuzz_ledger_msg.c - bodies of ledger's messages: what decodes encodes to the
 * same octets.
 */
#include "ledger_msg.h"
#include "err.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

union any {
	struct ledger_add add;
	struct ledger_set set;
	struct ledger_done done;
	struct ledger_get get;
	struct ledger_use use;
	struct ledger_list list;
	struct ledger_list_answer list_answer;
};

#define ENCODE(name)                                                                               \
	static void encode_##name(struct buf *out, const union any *m)                             \
	{                                                                                          \
		ledger_##name##_encode(out, &m->name);                                             \
	}
ENCODE(add)
ENCODE(set)
ENCODE(done)
ENCODE(get)
ENCODE(use)
ENCODE(list)
ENCODE(list_answer)

static const struct {
	int (*decode)(struct ipc_reader *in, void *m);
	void (*encode)(struct buf *out, const union any *m);
} rows[] = {
	{ ledger_add_decode, encode_add },
	{ ledger_set_decode, encode_set },
	{ ledger_done_decode, encode_done },
	{ ledger_get_decode, encode_get },
	{ ledger_use_decode, encode_use },
	{ ledger_list_decode, encode_list },
	{ ledger_list_answer_decode, encode_list_answer },
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
