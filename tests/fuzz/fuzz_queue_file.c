/* SPDX-License-Identifier: ISC */
/*
 * tests/fuzz/fuzz_queue_file.c - a message file: header, and state from envelope and events.
 * The header's checksum is put right first, or nothing behind it would ever be reached.
 */
#include "queue_file.h"

#include "crc32c.h"
#include "err.h"
#include "queue_state.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
apply_events(struct queue_state *s, struct bytes in)
{
	struct arena a = ARENA_INIT;
	struct buf again = BUF_INIT;
	struct queue_event e;

	/* events here are bodies with a u16 length, without checksums */
	while (in.n >= 2) {
		const size_t n = get_u16(in.p);

		in = bytes_skip(in, 2);
		if (queue_event_parse(bytes_head(in, n), &a, &e) == ERR_OK &&
			queue_state_apply(s, &e, 0) == ERR_OK) {
			ASSERT(s->left <= s->n);
			(void)queue_state_next(s);
			(void)queue_state_attempts(s);
		}
		in = bytes_skip(in, n);
		arena_reset(&a);
		if (s->n > 10000)
			break;
	}
	queue_state_write(s, &again, 1);
	buf_free(&again);
}

static void
read_file(struct bytes in)
{
	struct queue_state s;
	struct queue_file f;

	if (queue_file_decode(in, in.n, &f) < 0)
		return;
	if (queue_state_init(&s, bytes_make(in.p + f.envelope_offset, (size_t)f.envelope_size)) < 0)
		return;
	apply_events(&s, bytes_skip(in, (size_t)f.events_offset));
	queue_state_free(&s);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct buf copy = BUF_INIT;

	buf_put(&copy, data, size);
	read_file(buf_bytes(&copy));
	if (size >= QUEUE_FILE_HEADER) {
		set_u32(copy.data + 12, crc32c(0, bytes_make(copy.data + 16, 112)));
		read_file(buf_bytes(&copy));
	}
	buf_free(&copy);
	return 0;
}
