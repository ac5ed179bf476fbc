/* SPDX-License-Identifier: ISC */
/*
 * lib/proto/rsa_public.h - public RSA keys in DER, looked at without a cryptographic library: is it
 * one, and how long is it. (OpenSSL 3 takes longer to read a key than to verify with it.)
 *
 * Sources: RFC 8017 app. A.1.1 (RSAPublicKey), RFC 5280 sec. 4.1 (SubjectPublicKeyInfo), RFC 3279
 * sec. 2.3.1 (rsaEncryption), X.690 (DER).
 */
#ifndef RELAIS_RSA_PUBLIC_H
#define RELAIS_RSA_PUBLIC_H

#include "buf.h"
#include "err.h"

/*
 * der: a SubjectPublicKeyInfo of an RSA key, or a bare RSAPublicKey; what stands behind it is not
 *      looked at
 * out: the SubjectPublicKeyInfo is added
 * returns: bits of the modulus, > 0; ERR_SYNTAX: nothing is added
 */
MUST_USE int rsa_public_read(struct bytes der, struct buf *out);

#endif
