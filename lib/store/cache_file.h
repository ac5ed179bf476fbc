/* SPDX-License-Identifier: ISC */
/*
 * lib/store/cache_file.h - relais.cache, what FETCH asks for most, in its wire form. Pure;
 * the octets are described in docs/mailbox.md. Everything in it can be made anew from the
 * message, so a record that does not check is simply not there.
 */
#ifndef RELAIS_CACHE_FILE_H
#define RELAIS_CACHE_FILE_H

#include "store.h"

#define CACHE_FILE_NAME     "relais.cache"
#define CACHE_HEADER_SIZE   32
#define CACHE_RECORD_HEADER 40
#define CACHE_RECORD_MAX    (256 * 1024) /* what is longer is not cached */

void cache_header_encode(uint8_t out[CACHE_HEADER_SIZE], uint32_t uidvalidity);
MUST_USE int cache_header_decode(struct bytes in, uint32_t *uidvalidity);

/* record: the octets the index points at. ERR_CORRUPT: not the record of this message. */
MUST_USE int cache_record_decode(
	struct bytes record, uint32_t uid, uint64_t size, struct store_cached *out);

/* Appended to out; false (and nothing added) if it were too long. */
bool cache_record_encode(
	struct buf *out, uint32_t uid, uint64_t size, const struct store_cached *cached);

/* The UID of a record that was made before it was known. */
void cache_record_set_uid(struct buf *record, uint32_t uid);

#endif
