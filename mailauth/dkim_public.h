/* SPDX-License-Identifier: ISC */
/*
 * mailauth/dkim_public.h - public keys of DKIM, and those that were read before: most mail is
 * signed with few keys.
 *
 * Sources: RFC 6376 sec. 3.3, 3.6.1 (RSA); RFC 8463 sec. 3, 4.2 (Ed25519).
 */
#ifndef RELAIS_DKIM_PUBLIC_H
#define RELAIS_DKIM_PUBLIC_H

#include "dkim_tags.h"

struct dkim_public_keys; /* a bounded number: each has its one place */
struct dkim_public;      /* one key; it may live longer than they */

struct dkim_public_keys *dkim_public_keys_new(void);
void dkim_public_keys_free(struct dkim_public_keys **keys);

/*
 * type:    DKIM_KEY_RSA or DKIM_KEY_ED25519
 * octets:  p= of a key record, decoded: an RSAPublicKey or the SubjectPublicKeyInfo of one; 32
 *          octets of Ed25519
 * returns: NULL if it is no key of that type; dkim_public_free() when done with it
 */
struct dkim_public *dkim_public_get(
	struct dkim_public_keys *keys, enum dkim_key_type type, struct bytes octets);
void dkim_public_free(struct dkim_public **key); /* NULL is fine */

unsigned dkim_public_bits(const struct dkim_public *key); /* of an RSA key's modulus; 256 */

/* Is it this key's signature, with SHA-256, of the text? */
bool dkim_public_verify(const struct dkim_public *key, struct bytes text, struct bytes signature);

#endif
