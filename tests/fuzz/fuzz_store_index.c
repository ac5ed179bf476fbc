/* SPDX-License-Identifier: ISC */
/*
 * tests/fuzz/fuzz_store_index.c - any octets as a snapshot of a folder (relais.index), with right
 * checksums so that the fuzzer gets past them. What is accepted can be walked, and written again.
 */
#include <stdlib.h>
#include <sys/mman.h>

#include "crc32c.h"
#include "err.h"
#include "maildir_name.h"
#include "state.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
seal(uint8_t *p, size_t size)
{
	set_u32(p + 120, crc32c(0, bytes_make(p + 128, size - 128)));
	set_u32(p + 124, crc32c(0, bytes_make(p, 124)));
}

static void
walk(struct state *s)
{
	struct maildir_name name;
	struct buf out = BUF_INIT;
	struct index_view v;

	for (size_t i = 0; i < state_total(s); i++) {
		struct index_record *r = state_record(s, i);

		ASSERT(state_find(s, r->uid, 0) == r);
		if (maildir_name_parse(state_name(s, r), &name) == ERR_OK)
			ASSERT(state_key(s, r).n <= state_name(s, r).n);
	}
	state_encode(s, 1, &out);
	ASSERT(index_decode(buf_bytes(&out), &v) == ERR_OK);
	buf_free(&out);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct index_view v;
	struct state s;
	uint8_t *map;

	if (index_decode(bytes_make(data, size), &v) == ERR_OK)
		ASSERT(v.records.n <= size);
	if (size < INDEX_HEADER_SIZE || size > 1 << 20)
		return 0;
	map = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	ASSERT(map != MAP_FAILED);
	memcpy(map, data, size);
	seal(map, size);
	if (state_from_map(&s, map, size) == ERR_OK) {
		walk(&s);
		state_free(&s);
	}
	return 0;
}
