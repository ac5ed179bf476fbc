/* SPDX-License-Identifier: ISC */
/*
 * keyholder/key_store.h - all certificates and keys that are served, found by name and by key.
 */
#ifndef RELAIS_KEY_STORE_H
#define RELAIS_KEY_STORE_H

#include "cert_files.h"
#include "cert_pair.h"
#include "signer.h"

struct held {
	struct cert_pair *pair;
	struct signer *signer;
	uint64_t signatures;
};

struct key_store;

struct key_store *key_store_new(void);
void key_store_free(struct key_store **s); /* NULL is fine; sets NULL */

/* Takes the pair. To be followed by key_store_index(). */
void key_store_add(struct key_store *s, struct cert_pair *pair);

/* Before the first look-up: order what was added. hostname: its certificate is the default; the
 * first one added if none has it. */
void key_store_index(struct key_store *s, const char *hostname);

size_t key_store_count(const struct key_store *s);
struct held *key_store_at(struct key_store *s, size_t i); /* in the order of adding */

/* NULL: not ours. */
struct held *key_store_key(struct key_store *s, const uint8_t key_id[TLS_KEY_ID_SIZE]);

/*
 * What to show for a server name (any octets; "" or unknown: the default): one certificate for
 * each kind of key, the one that lasts longest. set: a number for this choice.
 * returns: how many, 0 to 2; 0 only if the store is empty
 */
unsigned key_store_choose(
	struct key_store *s, struct bytes name, struct held *out[2], uint32_t *set);

#endif
