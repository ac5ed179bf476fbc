/* SPDX-License-Identifier: ISC */
/*
 * mailauth/keeper_keys.h - all DKIM keys there are, in order of domain, then selector. Pure.
 *
 * For each domain and type there is one key that signs (the active one), at most one that waits
 * for its record (pending, published), and any number of those that signed before.
 */
#ifndef RELAIS_KEEPER_KEYS_H
#define RELAIS_KEEPER_KEYS_H

#include "keeper_file.h"

#define KEEPER_KEYS_MAX 200000 /* as many as there may be */

struct keeper_keys {
	struct keeper_key **v;
	size_t n, room;
};

void keeper_keys_free(struct keeper_keys *keys);

/* Where a key with this name is, or would be. An empty selector: the first of the domain. */
size_t keeper_keys_at(const struct keeper_keys *keys, struct bytes domain, struct bytes selector);

struct keeper_key *keeper_keys_find(
	const struct keeper_keys *keys, struct bytes domain, struct bytes selector);

/* The key is the set's from now on; there is none of its name yet. */
void keeper_keys_insert(struct keeper_keys *keys, struct keeper_key *key);
void keeper_keys_remove(struct keeper_keys *keys, struct keeper_key *key); /* frees it */

/* One of the domain, of the type, in one of these states (bits 1 << state): the newest in its
 * state, other than this one (may be NULL). NULL: there is none. */
struct keeper_key *keeper_keys_in_state(const struct keeper_keys *keys, struct bytes domain,
	enum dkim_key_type type, unsigned states, const struct keeper_key *other_than);

#define KEEPER_WAITING (1u << DKIM_PENDING | 1u << DKIM_PUBLISHED)
#define KEEPER_SIGNS   (1u << DKIM_ACTIVE)

/* Does a key that was made later sign in this one's place? One made in the future, by a clock that
 * was wrong, does not count as later. */
bool keeper_keys_is_replaced(
	const struct keeper_keys *keys, const struct keeper_key *key, uint64_t now_s);

/* What signs for the domain; borrowed. */
struct dkim_key_set keeper_keys_set(const struct keeper_keys *keys, struct bytes domain);

/* A base for new selectors of a domain that none of its keys has: "2026a", then "2026b". The
 * selectors are "r" and "e" in front of it. skip: so many are passed over. */
#define KEEPER_BASE_SIZE 16
void keeper_keys_base(const struct keeper_keys *keys, struct bytes domain, uint64_t now_s,
	unsigned skip, char out[KEEPER_BASE_SIZE]);

#endif
