/* SPDX-License-Identifier: ISC */
/*
 * keyholder/signer.h - a private key at work: signs a handshake's text, nothing else.
 */
#ifndef RELAIS_SIGNER_H
#define RELAIS_SIGNER_H

#include "cert_pair.h"

struct signer;

/* Takes a reference to the key of the pair. */
struct signer *signer_new(const struct cert_pair *pair);
void signer_free(struct signer **s); /* NULL is fine; sets NULL */

/*
 * Judge and sign. out: TLS_SIGNATURE_MAX octets.
 * returns: ERR_OK with *n octets in out; ERR_DENIED: no text of a handshake, or not for this
 * key and scheme; ERR_IO: OpenSSL failed
 */
MUST_USE int signer_sign(
	struct signer *s, uint16_t scheme, struct bytes text, uint8_t *out, size_t *n);

#endif
