/* SPDX-License-Identifier: ISC */
/*
 * lib/proto/rsa_public.h - public RSA keys in DER, read without a cryptographic library. (OpenSSL 3
 * takes longer to find out what they are than to verify with them.)
 *
 * Sources: RFC 8017 app. A.1.1 (RSAPublicKey), RFC 5280 sec. 4.1 (SubjectPublicKeyInfo), RFC 3279
 * sec. 2.3.1 (rsaEncryption), X.690 (DER).
 */
#ifndef RELAIS_RSA_PUBLIC_H
#define RELAIS_RSA_PUBLIC_H

#include "bytes.h"
#include "err.h"

struct rsa_public {
	struct bytes modulus, exponent; /* high octet first, no zeros in front; borrowed */
	unsigned bits;                  /* of the modulus */
};

/*
 * der: a SubjectPublicKeyInfo of an RSA key, or a bare RSAPublicKey; what stands behind it is not
 *      looked at
 * returns: ERR_OK; ERR_SYNTAX, also for an exponent that is 1, even, or of more than 64 bits
 */
MUST_USE int rsa_public_read(struct bytes der, struct rsa_public *out);

#endif
