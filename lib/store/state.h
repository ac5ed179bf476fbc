/* SPDX-License-Identifier: ISC */
/*
 * lib/store/state.h - a folder as the index says: a mapped snapshot, and in memory what the
 * log added. The log's records are applied one by one, by readers and by the writer itself.
 *
 * The mapping is private and copied on write: pages nobody changed are shared by all sessions.
 */
#ifndef RELAIS_STORE_STATE_H
#define RELAIS_STORE_STATE_H

#include "log_file.h"
#include "store.h"

struct state {
	struct index_header header; /* uidnext, highestmodseq, ... as of the last record applied */
	void *map;
	size_t map_size;
	struct index_record *base; /* in map, by UID */
	size_t n_base;
	struct bytes base_names;
	struct index_record *tail; /* appended since, by UID */
	size_t n_tail, cap_tail;
	struct buf tail_names;
	size_t n_gone;
	uint64_t fold;      /* generation of the last LOG_FOLD seen; 0: none */
	uint64_t cache_end; /* end of the last record in the cache that was told of */
	char *keywords[STORE_KEYWORDS_MAX];
	unsigned n_keywords;
	unsigned forwarded_bit; /* of $Forwarded, which has the letter P; or STORE_KEYWORDS_MAX */
};

/* No messages, UIDs from 1. */
void state_init(struct state *s, uint64_t generation, uint32_t uidvalidity);
void state_free(struct state *s);

/* Takes the mapping (private, writable) over, also when it fails: ERR_CORRUPT, ERR_UNSUPPORTED. */
MUST_USE int state_from_map(struct state *s, void *map, size_t size);

/* ERR_CORRUPT: a record that cannot follow on this state; the state is then as before. */
MUST_USE int state_apply(struct state *s, const struct log_record *record);

/* All records, i < state_total(); some are gone (INDEX_GONE). */
static inline size_t
state_total(const struct state *s)
{
	return s->n_base + s->n_tail;
}

static inline size_t
state_count(const struct state *s)
{
	return s->n_base + s->n_tail - s->n_gone;
}

static inline struct index_record *
state_record(const struct state *s, size_t i)
{
	return i < s->n_base ? &s->base[i] : &s->tail[i - s->n_base];
}

/* Position of the first record with this UID or a higher one. */
size_t state_lower_bound(const struct state *s, uint32_t uid);

/* The living record of a UID, or NULL; hint is where it might be. */
struct index_record *state_find(const struct state *s, uint32_t uid, size_t hint);

struct bytes state_name(const struct state *s, const struct index_record *r);
struct bytes state_key(const struct state *s, const struct index_record *r);

/* The bit of a keyword, or STORE_KEYWORDS_MAX. */
unsigned state_keyword(const struct state *s, struct bytes name);

/* The letters that flags and keywords have in a file name, and the keywords of letters. */
uint64_t state_letters(const struct state *s, unsigned flags, uint64_t keywords);
/* The letters that mean something here; others are kept as they are. */
uint64_t state_known_letters(const struct state *s);
uint64_t state_letter_keywords(const struct state *s, uint64_t letters);

/* A snapshot of it: generation is the new one. */
void state_encode(const struct state *s, uint64_t generation, struct buf *out);

#endif
