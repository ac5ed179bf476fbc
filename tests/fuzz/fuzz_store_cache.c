/* SPDX-License-Identifier: ISC */
/*
 * tests/fuzz/fuzz_store_cache.c - any octets as a record of the cache (relais.cache), as they are
 * and with length and checksum made right; what is accepted can be written again, octet for octet.
 */
#include <stdlib.h>

#include "cache_file.h"
#include "crc32c.h"
#include "err.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct store_cached c;
	struct buf b = BUF_INIT, again = BUF_INIT;
	uint32_t uid, validity;

	if (cache_header_decode(bytes_make(data, size), &validity) == ERR_OK)
		ASSERT(size >= CACHE_HEADER_SIZE);
	if (size < CACHE_RECORD_HEADER || size > CACHE_RECORD_MAX)
		return 0;
	if (cache_record_decode(bytes_make(data, size), 1, 1, &c) == ERR_OK)
		ASSERT(c.envelope.n <= size);
	buf_put(&b, data, size);
	set_u32(b.data + 4, (uint32_t)size);
	set_u32(b.data, crc32c(0, bytes_skip(buf_bytes(&b), 4)));
	uid = get_u32(b.data + 8);
	if (cache_record_decode(buf_bytes(&b), uid, get_u64(b.data + 16), &c) == ERR_OK) {
		ASSERT(cache_record_encode(&again, uid, get_u64(b.data + 16), &c));
		ASSERT(bytes_equal(buf_bytes(&again), buf_bytes(&b)));
	}
	buf_free(&b);
	buf_free(&again);
	return 0;
}
