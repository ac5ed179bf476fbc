/* SPDX-License-Identifier: ISC */
/*
 * lib/map/map_layers.c - a chain of two maps, and a cache in front of one.
 *
 * Runs in:  directory; the cache is used by several threads.
 */
#include "map_layers.h"

#include <pthread.h>
#include <stdlib.h>

#include "clock.h"
#include "err.h"
#include "random.h"
#include "siphash.h"

#define WAYS      4
#define VALUE_MAX 4096 /* larger ones are not worth it */

/* ---- chain ---- */

struct chain {
	struct map first, second;
};

static int
chain_get(void *self, struct arena *a, struct bytes key, struct bytes *value)
{
	struct chain *c = self;
	int r = map_get(&c->first, a, key, value);

	return r == ERR_NOT_FOUND ? map_get(&c->second, a, key, value) : r;
}

static int
chain_refresh(void *self)
{
	struct chain *c = self;
	int first = map_refresh(&c->first), second = map_refresh(&c->second);

	return first != 0 ? first : second;
}

static void
chain_close(void *self)
{
	struct chain *c = self;

	map_close(&c->first);
	map_close(&c->second);
	free(c);
}

static const struct map_driver chain_driver = { chain_get, chain_refresh, chain_close };

struct map
map_open_chain(struct map first, struct map second)
{
	struct chain *c = xcalloc(1, sizeof(*c));

	c->first = first;
	c->second = second;
	return (struct map){ &chain_driver, c };
}

/* ---- cache ---- */

struct entry {
	uint64_t hash, until_ms;
	uint8_t *octets; /* key, then value */
	size_t key_size, value_size;
	unsigned kind;
	bool found;
};

struct map_cache {
	pthread_mutex_t lock; /* guards the entries */
	struct siphash_key key;
	uint64_t keep_ms;
	size_t sets;
	struct entry *entries;
};

struct map_cache *
map_cache_new(size_t entries, uint64_t keep_ms)
{
	struct map_cache *c = xcalloc(1, sizeof(*c));

	pthread_mutex_init(&c->lock, NULL);
	random_fill(&c->key, sizeof(c->key));
	c->keep_ms = keep_ms;
	for (c->sets = 1; c->sets * WAYS < entries;)
		c->sets *= 2;
	c->entries = xcalloc(c->sets * WAYS, sizeof(*c->entries));
	return c;
}

/* A password record may be among them: gone before the memory goes. */
static void
forget(struct entry *e)
{
	if (e->octets != NULL)
		explicit_bzero(e->octets, e->key_size + e->value_size);
	free(e->octets);
	*e = (struct entry){ 0 };
}

void
map_cache_free(struct map_cache **cache)
{
	struct map_cache *c = *cache;

	*cache = NULL;
	if (c == NULL)
		return;
	for (size_t i = 0; i < c->sets * WAYS; i++)
		forget(&c->entries[i]);
	pthread_mutex_destroy(&c->lock);
	free(c->entries);
	free(c);
}

static struct entry *
find(struct map_cache *c, uint64_t hash, unsigned kind, struct bytes key)
{
	struct entry *set = &c->entries[(hash & (c->sets - 1)) * WAYS];

	for (size_t i = 0; i < WAYS; i++)
		if (set[i].octets != NULL && set[i].hash == hash && set[i].kind == kind &&
			bytes_equal(bytes_make(set[i].octets, set[i].key_size), key))
			return &set[i];
	return NULL;
}

/* 1: *r and *value are the answer; 0: not known */
static int
look(struct map_cache *c, uint64_t hash, unsigned kind, struct bytes key, struct arena *a, int *r,
	struct bytes *value)
{
	struct entry *e;
	int known = 0;

	pthread_mutex_lock(&c->lock);
	e = find(c, hash, kind, key);
	if (e != NULL && e->until_ms > clock_mono_ms()) {
		known = 1;
		*r = e->found ? ERR_OK : ERR_NOT_FOUND;
		if (e->found)
			*value = arena_bytes(a, bytes_make(e->octets + e->key_size, e->value_size));
	}
	pthread_mutex_unlock(&c->lock);
	return known;
}

/* In place of what it was, or of the one that would go first. */
static void
keep(struct map_cache *c, uint64_t hash, unsigned kind, struct bytes key, bool found,
	struct bytes value)
{
	struct entry *set = &c->entries[(hash & (c->sets - 1)) * WAYS], *e;
	uint8_t *octets;

	if (value.n > VALUE_MAX)
		return;
	octets = xmalloc(key.n + value.n + 1);
	if (key.n > 0)
		memcpy(octets, key.p, key.n);
	if (value.n > 0)
		memcpy(octets + key.n, value.p, value.n);
	pthread_mutex_lock(&c->lock);
	e = find(c, hash, kind, key);
	for (size_t i = 0; e == NULL && i < WAYS; i++)
		if (set[i].octets == NULL)
			e = &set[i];
	if (e == NULL) {
		e = &set[0];
		for (size_t i = 1; i < WAYS; i++)
			if (set[i].until_ms < e->until_ms)
				e = &set[i];
	}
	forget(e);
	*e = (struct entry){ .hash = hash,
		.until_ms = clock_mono_ms() + c->keep_ms,
		.octets = octets,
		.key_size = key.n,
		.value_size = value.n,
		.kind = kind,
		.found = found };
	pthread_mutex_unlock(&c->lock);
}

struct cached {
	struct map below;
	struct map_cache *cache;
	unsigned kind;
};

static int
cached_get(void *self, struct arena *a, struct bytes key, struct bytes *value)
{
	struct cached *m = self;
	uint64_t hash = siphash(&m->cache->key, key) + m->kind;
	int r;

	if (look(m->cache, hash, m->kind, key, a, &r, value))
		return r;
	r = map_get(&m->below, a, key, value);
	if (r == ERR_OK || r == ERR_NOT_FOUND)
		keep(m->cache, hash, m->kind, key, r == ERR_OK, r == ERR_OK ? *value : BYTES_NONE);
	return r;
}

static int
cached_refresh(void *self)
{
	struct cached *m = self;

	return map_refresh(&m->below);
}

static void
cached_close(void *self)
{
	struct cached *m = self;

	map_close(&m->below);
	free(m);
}

static const struct map_driver cached_driver = { cached_get, cached_refresh, cached_close };

struct map
map_open_cached(struct map below, struct map_cache *cache, unsigned kind)
{
	struct cached *m = xcalloc(1, sizeof(*m));

	m->below = below;
	m->cache = cache;
	m->kind = kind;
	return (struct map){ &cached_driver, m };
}
