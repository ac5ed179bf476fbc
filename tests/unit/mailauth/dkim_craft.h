/* SPDX-License-Identifier: ISC */
/*
 * tests/unit/mailauth/dkim_craft.h - signatures of any kind, right ones and wrong ones: what
 * mailauth/dkim_sign.h would never make.
 */
#ifndef RELAIS_TEST_DKIM_CRAFT_H
#define RELAIS_TEST_DKIM_CRAFT_H

#include <openssl/evp.h>

#include "buf.h"
#include "zone_dns.h"

/*
 * Appends a DKIM-Signature field with these tags, "bh=" (unless it is among them) and "b=", as a
 * signer would that reads the tags generously: c=, h=, l= and the key's type count. "%b" among the
 * tags is where the signature is to stand, behind its "b=".
 *
 * header: the fields, each with CRLF, without the blank line
 */
void dkim_craft(
	struct buf *out, EVP_PKEY *key, const char *tags, struct bytes header, struct bytes body);

/* The text of a key record's p= */
void dkim_craft_public(struct buf *out, EVP_PKEY *key);

/* A TXT record, in as many strings as it takes. */
void dkim_craft_publish(struct zone_dns *zone, const char *name, struct bytes text);

/* The usual record of a key. */
void dkim_craft_publish_key(struct zone_dns *zone, const char *name, EVP_PKEY *key);

#endif
