/* SPDX-License-Identifier: ISC */
/* tests/fuzz/fuzz_envelope.c - what decodes as an envelope encodes to the same octets again. */
#include "envelope.h"

#include "err.h"
#include "queue_id.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const struct bytes in = bytes_make(data, size);
	struct arena a = ARENA_INIT;
	struct buf out = BUF_INIT;
	struct envelope e;
	uint64_t id;
	char text[QUEUE_ID_TEXT_SIZE];

	if (envelope_decode(in, &a, &e) == ERR_OK) {
		envelope_encode(&out, &e);
		ASSERT(bytes_equal(buf_bytes(&out), in));
	}
	if (queue_id_parse(in, &id) == ERR_OK)
		ASSERT(bytes_is(in, queue_id_text(id, text)));
	buf_free(&out);
	arena_reset(&a);
	return 0;
}
