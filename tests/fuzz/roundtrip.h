/* SPDX-License-Identifier: ISC */
/*
 * tests/fuzz/roundtrip.h - what the targets of the conversations share: the first octet picks
 * a message, the rest is its body; what decodes must encode to the same octets again.
 *
 * A target names its messages once:
 *
 *	#define MESSAGES(ROW) ROW(queue_commit) ROW(queue_show)
 *	ROUNDTRIP_TARGET(MESSAGES)
 */
#ifndef RELAIS_FUZZ_ROUNDTRIP_H
#define RELAIS_FUZZ_ROUNDTRIP_H

#include <stdlib.h>

#include "err.h"
#include "ipc.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct roundtrip {
	size_t size; /* of the message's struct */
	int (*decode)(struct ipc_reader *in, void *m);
	void (*encode)(struct buf *out, const void *m);
};

#define ROUNDTRIP_ENCODER(name)                                                                    \
	static void name##_again(struct buf *out, const void *m)                                   \
	{                                                                                          \
		name##_encode(out, m);                                                             \
	}
#define ROUNDTRIP_ROW(name) { sizeof(struct name), name##_decode, name##_again },

static inline void
roundtrip(const struct roundtrip *rows, size_t n, const uint8_t *data, size_t size)
{
	struct buf again = BUF_INIT;
	const struct roundtrip *row;
	struct ipc_reader in;
	struct bytes body;
	void *m;

	if (size == 0 || size > IPC_BODY_MAX / 2)
		return; /* answers by pages are cut where a frame is full */
	row = &rows[data[0] % n];
	body = bytes_make(data + 1, size - 1);
	in = ipc_reader(body);
	m = xcalloc(1, row->size);
	if (row->decode(&in, m) == ERR_OK) {
		row->encode(&again, m);
		ASSERT(bytes_equal(buf_bytes(&again), body));
	}
	buf_free(&again);
	free(m);
}

#define ROUNDTRIP_TARGET(MESSAGES)                                                                 \
	MESSAGES(ROUNDTRIP_ENCODER)                                                                \
	static const struct roundtrip roundtrip_rows[] = { MESSAGES(ROUNDTRIP_ROW) };              \
                                                                                                   \
	int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)                               \
	{                                                                                          \
		roundtrip(roundtrip_rows, NITEMS(roundtrip_rows), data, size);                     \
		return 0;                                                                          \
	}

#endif
