/* SPDX-License-Identifier: ISC */
/*
 * mailauth/signer_keys.h - the keys that a signer has: those of each domain that sign, as the
 * keeper told them. Pure.
 */
#ifndef RELAIS_SIGNER_KEYS_H
#define RELAIS_SIGNER_KEYS_H

#include "dkim_keeper_msg.h"
#include "dkim_key.h"
#include "dkim_sign.h"

struct signer_domain {
	char name[DKIM_DOMAIN_MAX + 1];
	struct {
		char selector[DKIM_SELECTOR_MAX + 1]; /* empty: none of this type */
		struct buf pem;                       /* BUF_SECRET; empty once it was read */
		struct dkim_key *key;                 /* NULL: not read yet, or it can't be */
	} keys[DKIM_KEY_TYPES];
	uint64_t round;
	unsigned users; /* messages being signed with them */
	bool dropped;   /* out of the set: freed with the last user */
};

struct signer_keys {
	struct signer_domain **v; /* in order of the names */
	size_t n, room;
	uint64_t round; /* of telling: what a round does not name is gone at its end */
};

/* All keys are told anew from here on, and all that were not told are gone. */
void signer_keys_begin(struct signer_keys *keys);
void signer_keys_end(struct signer_keys *keys);

/* What signs for a domain now; nothing: the domain goes. */
void signer_keys_take(struct signer_keys *keys, const struct dkim_key_set *set);

/* NULL: none. */
struct signer_domain *signer_keys_find(const struct signer_keys *keys, struct bytes name);

/* The same, or of the nearest domain above it. */
struct signer_domain *signer_keys_find_above(const struct signer_keys *keys, struct bytes name);

/* Held, the keys stay whatever the keeper says. */
struct signer_domain *signer_domain_hold(struct signer_domain *d);
void signer_domain_release(struct signer_domain **d);

/* For dkim_signing_new(): how many. They are read with their first use, for that takes half a
 * millisecond each; one that can't be read is left out. */
size_t signer_domain_keys(struct signer_domain *d, struct dkim_signing_key out[DKIM_KEY_TYPES]);

void signer_keys_free(struct signer_keys *keys);

#endif
