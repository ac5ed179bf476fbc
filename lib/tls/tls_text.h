/* SPDX-License-Identifier: ISC */
/*
 * lib/tls/tls_text.h - is this a text that a TLS server signs in a handshake?
 *
 * Pure; keyholder's whole protection against being used as an oracle, so as narrow as what
 * lib/tls itself asks for.
 *
 * Sources: RFC 8446 sec. 4.4.3 (CertificateVerify), RFC 8422 sec. 5.4 (ServerKeyExchange).
 */
#ifndef RELAIS_TLS_TEXT_H
#define RELAIS_TLS_TEXT_H

#include "bytes.h"
#include "err.h"

enum tls_key_type {
	TLS_KEY_P256,
	TLS_KEY_P384,
	TLS_KEY_RSA
};

enum tls_text {
	TLS_TEXT_NONE,
	TLS_TEXT_VERIFY,   /* TLS 1.3 server CertificateVerify */
	TLS_TEXT_EXCHANGE, /* TLS 1.2: randoms and the ECDHE parameters */
};

/* Which of them text is. */
enum tls_text tls_text_kind(struct bytes text);

/* true if a key of this type may sign this text by this scheme (RFC 8446 sec. 4.2.3). */
bool tls_text_allowed(enum tls_key_type key, uint16_t scheme, struct bytes text);

/* The digest of a scheme: 256, 384 or 512; 0 if it is none of ours. pss: its padding. */
unsigned tls_scheme_digest(uint16_t scheme, bool *pss);

#endif
