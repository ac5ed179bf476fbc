/* SPDX-License-Identifier: ISC */
/*
 * mailauth/dkim_key.h - DKIM's private keys: made, read, and the record that publishes them
 * (RFC 6376 sec. 3.6.1, RFC 8301, RFC 8463).
 *
 * Private keys travel as PEM (PKCS#8) in buffers that are wiped (BUF_SECRET).
 */
#ifndef RELAIS_DKIM_KEY_H
#define RELAIS_DKIM_KEY_H

#include "dkim_tags.h"

#define DKIM_KEY_RSA_BITS 2048
#define DKIM_KEY_PEM_MAX  8192 /* octets of a private key's text */

struct dkim_key; /* a private key, parsed once */

/*
 * A new private key as PEM, added to pem (which should be BUF_SECRET). An RSA key takes 50 to
 * 500 ms of CPU.
 * returns: ERR_OK; ERR_UNSUPPORTED (type); ERR_RESOURCE
 */
MUST_USE int dkim_key_generate(enum dkim_key_type type, struct buf *pem);

/*
 * Read a PEM or DER text: PKCS#8, or PKCS#1 for RSA.
 * returns: ERR_OK; ERR_SYNTAX; ERR_UNSUPPORTED (neither RSA nor Ed25519); ERR_LIMIT (RSA under 1024
 *          or over 4096 bits, text over DKIM_KEY_PEM_MAX); *out is set only on success
 */
MUST_USE int dkim_key_read(struct bytes text, struct dkim_key **out);
void dkim_key_free(struct dkim_key **key); /* NULL is fine */

enum dkim_key_type dkim_key_type(const struct dkim_key *key);
unsigned dkim_key_bits(const struct dkim_key *key); /* 256 for Ed25519 */

/* "rsa", "ed25519"; ERR_SYNTAX for other words */
const char *dkim_key_type_name(enum dkim_key_type type);
MUST_USE int dkim_key_type_parse(struct bytes word, enum dkim_key_type *out);

/* The text of its key record: "v=DKIM1; k=rsa; h=sha256; p=..." */
void dkim_key_record(const struct dkim_key *key, struct buf *out);

/* true if a record's text, as found in the DNS, publishes this key so that a signature of it
 * verifies. Blanks and order of tags do not matter. */
bool dkim_key_is_published(const struct dkim_key *key, struct bytes record);

/* Rows of a TXT record: text cut into strings of at most 255 octets, in quotes with a blank between
 * them, as a zone file has them. */
void dkim_key_quote_strings(struct bytes text, struct buf *out);

#endif
