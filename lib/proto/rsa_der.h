/* SPDX-License-Identifier: ISC */
/*
 * lib/proto/rsa_der.h - how many bits an RSA public key has, without a look through all decoders of
 * OpenSSL 3, which cost more than the verification of a signature.
 */
#ifndef RELAIS_RSA_DER_H
#define RELAIS_RSA_DER_H

#include "bytes.h"

/*
 * der: a SubjectPublicKeyInfo (RFC 5280 sec. 4.1, RFC 3279 sec. 2.3.1), as nearly all RSA keys of
 * DKIM are published.
 * returns: bits of the modulus; 0 if it is anything else, or not DER to the octet: then whoever
 * wants to know more asks OpenSSL
 */
unsigned rsa_der_bits(struct bytes der);

#endif
