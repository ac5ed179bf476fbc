/* SPDX-License-Identifier: ISC */
/*
 * tests/fuzz/fuzz_store_log.c - any octets as a log (relais.log): as they are, and as the types and
 * bodies of records with right checksums. Whatever was applied can be written as a snapshot.
 *
 * The second reading: type (1), modseq (1), length of the body (2), body.
 */
#include <stdlib.h>

#include "err.h"
#include "state.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
raw(struct bytes in)
{
	struct log_header h;
	struct log_hints hints;
	struct log_record rec;
	long used;

	if (log_header_decode(in, &h) < 0)
		return;
	log_hints_decode(bytes_skip(in, LOG_HINTS_AT), &hints);
	in = bytes_skip(in, LOG_HEADER_SIZE);
	while ((used = log_record_decode(h.generation, in, &rec)) > 0)
		in = bytes_skip(in, (size_t)used);
}

static void
records(struct bytes in)
{
	struct buf log = BUF_INIT, out = BUF_INIT;
	struct index_view v;
	struct log_record rec;
	struct state s;

	state_init(&s, 3, 1);
	while (in.n >= 4) {
		size_t began, n = get_u16(in.p + 2);

		buf_clear(&log);
		began = log_record_begin(&log, (enum log_type)in.p[0], in.p[1]);
		buf_put_bytes(&log, bytes_head(bytes_skip(in, 4), n));
		log_record_end(&log, began, 3);
		ASSERT(log_record_decode(3, buf_bytes(&log), &rec) == (long)log.len);
		if (state_apply(&s, &rec) < 0)
			ASSERT(state_count(&s) <= state_total(&s));
		in = bytes_skip(in, 4 + n);
	}
	state_encode(&s, 4, &out);
	ASSERT(index_decode(buf_bytes(&out), &v) == ERR_OK);
	ASSERT(v.header.count == state_count(&s));
	state_free(&s);
	buf_free(&log);
	buf_free(&out);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	raw(bytes_make(data, size));
	records(bytes_make(data, size));
	return 0;
}
