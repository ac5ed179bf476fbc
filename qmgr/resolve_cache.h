/* SPDX-License-Identifier: ISC */
/*
 * qmgr/resolve_cache.h - what directory said of an address within the last second: at high
 * rates the same mailboxes get mail many times a second. Only plain answers are kept (one
 * account, no alias), so a missing account or an error is never remembered.
 */
#ifndef RELAIS_QMGR_RESOLVE_CACHE_H
#define RELAIS_QMGR_RESOLVE_CACHE_H

#include "directory_msg.h"

#define RESOLVE_CACHE_SLOTS 1024
#define RESOLVE_CACHE_US    UINT64_C(1000000)

struct resolve_cached {
	uint64_t until_us; /* 0: empty */
	struct directory_target target;
	struct buf strings; /* address asked for, then what target borrows */
	size_t address_size;
};

struct resolve_cache {
	struct resolve_cached slots[RESOLVE_CACHE_SLOTS];
};

/* The target, borrowed until the next put, or NULL. */
const struct directory_target *resolve_cache_get(
	const struct resolve_cache *c, struct bytes address, uint64_t now_us);
void resolve_cache_put(struct resolve_cache *c, struct bytes address,
	const struct directory_target *t, uint64_t now_us);
void resolve_cache_clear(struct resolve_cache *c);

#endif
