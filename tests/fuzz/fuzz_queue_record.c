/* SPDX-License-Identifier: ISC */
/*
 * tests/fuzz/fuzz_queue_record.c - the journal's records: the input is taken as a run of
 * records, and as the body of each kind (so that no checksum hides the parsers).
 */
#include "queue_record.h"

#include "err.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
parse_body(struct bytes body)
{
	struct arena a = ARENA_INIT;
	struct buf again = BUF_INIT;
	struct queue_message m;
	struct queue_event e;

	if (queue_message_parse(body, &m) == ERR_OK) {
		queue_message_put_head(&again, &m);
		buf_put_bytes(&again, m.content);
		ASSERT(bytes_equal(buf_bytes(&again), body));
	}
	buf_clear(&again);
	if (queue_event_parse(body, &a, &e) == ERR_OK) {
		queue_event_put(&again, &e);
		ASSERT(bytes_equal(buf_bytes(&again), body));
	}
	buf_free(&again);
	arena_reset(&a);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct bytes in = bytes_make(data, size);
	struct queue_record r;
	int used;

	parse_body(in);
	while ((used = queue_record_parse(in, &r)) > 0) {
		ASSERT((size_t)used <= in.n);
		parse_body(r.body);
		in = bytes_skip(in, (size_t)used);
	}
	return 0;
}
