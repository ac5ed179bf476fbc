/* SPDX-License-Identifier: ISC */
/*
 * lib/map/map_layers.h - maps over maps: one asked after the other, and one that remembers.
 */
#ifndef RELAIS_MAP_LAYERS_H
#define RELAIS_MAP_LAYERS_H

#include "map.h"

/* first is asked, then second if it has no such key. An error of first is the answer: it might
 * have had the key. Both are closed with it. */
struct map map_open_chain(struct map first, struct map second);

/*
 * Answers kept for a short time (both "here it is" and "no such key", never errors), shared by
 * threads. Entries above the limit push old ones out.
 */
struct map_cache;
struct map_cache *map_cache_new(size_t entries, uint64_t keep_ms);
void map_cache_free(struct map_cache **cache);

/* below is closed with it; the cache is borrowed. kind keeps equal keys of tables apart. */
struct map map_open_cached(struct map below, struct map_cache *cache, unsigned kind);

#endif
