/* SPDX-License-Identifier: ISC */
/*
 * mailauth/dkim_public.h - public keys of DKIM, as OpenSSL wants them, and those that were read
 * before: most mail is signed with few keys.
 *
 * Sources: RFC 6376 sec. 3.6.1 (RSA); RFC 8463 sec. 4.2 (Ed25519).
 */
#ifndef RELAIS_DKIM_PUBLIC_H
#define RELAIS_DKIM_PUBLIC_H

#include <openssl/evp.h>

#include "dkim_tags.h"

struct dkim_public_keys; /* a bounded number: each has its one place */

struct dkim_public_keys *dkim_public_new(void);
void dkim_public_free(struct dkim_public_keys **keys);

/*
 * type:    DKIM_KEY_RSA or DKIM_KEY_ED25519
 * octets:  p= of a key record, decoded: an RSAPublicKey or the SubjectPublicKeyInfo of one; 32
 *          octets of Ed25519
 * bits:    of an RSA key's modulus; 256
 * returns: NULL if it is no key of that type (*bits is 0). Borrowed until the next call;
 *          EVP_PKEY_up_ref() is for who needs it longer
 */
EVP_PKEY *dkim_public_get(struct dkim_public_keys *keys, enum dkim_key_type type,
	struct bytes octets, unsigned *bits);

#endif
