/* SPDX-License-Identifier: ISC */
/*
 * qmgr/resolve_cache.c - a small table, one slot for each hash: the later one stays.
 *
 * Runs in:  qmgr. Pure.
 */
#include "resolve_cache.h"

#include "fnv.h"

static size_t
slot_of(struct bytes address)
{
	const uint32_t h = fnv(FNV_START, address); /* who finds collisions only empties slots */

	return (h ^ h >> 16) % RESOLVE_CACHE_SLOTS;
}

const struct directory_target *
resolve_cache_get(const struct resolve_cache *c, struct bytes address, uint64_t now_us)
{
	const struct resolve_cached *s = &c->slots[slot_of(address)];

	if (s->until_us <= now_us ||
		!bytes_equal(bytes_head(buf_bytes(&s->strings), s->address_size), address))
		return NULL;
	return &s->target;
}

void
resolve_cache_put(struct resolve_cache *c, struct bytes address, const struct directory_target *t,
	uint64_t now_us)
{
	struct resolve_cached *s = &c->slots[slot_of(address)];
	struct bytes *const parts[] = { &s->target.address, &s->target.account, &s->target.home,
		&s->target.detail };
	const struct bytes from[] = { t->address, t->account, t->home, t->detail };
	struct bytes at;

	s->target = *t;
	buf_clear(&s->strings);
	buf_put_bytes(&s->strings, address);
	for (size_t i = 0; i < NITEMS(from); i++)
		buf_put_bytes(&s->strings, from[i]);
	s->address_size = address.n;
	at = bytes_skip(buf_bytes(&s->strings), address.n);
	for (size_t i = 0; i < NITEMS(parts); i++) {
		*parts[i] = bytes_head(at, from[i].n);
		at = bytes_skip(at, from[i].n);
	}
	s->until_us = now_us + RESOLVE_CACHE_US;
}

void
resolve_cache_clear(struct resolve_cache *c)
{
	for (size_t i = 0; i < RESOLVE_CACHE_SLOTS; i++) {
		buf_free(&c->slots[i].strings);
		c->slots[i].until_us = 0;
	}
}
