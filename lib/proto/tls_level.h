/* SPDX-License-Identifier: ISC */
/*
 * lib/proto/tls_level.h - how much TLS outgoing mail to a next hop wants: the words of the table
 * tls_policy and of the option smtp_client.tls.
 *
 *	none		plain text, STARTTLS is not used
 *	may		TLS if the peer offers it, unauthenticated; else plain text
 *	encrypt		TLS or no mail; the certificate is not looked at
 *	verify		TLS, and a certificate by a known authority for the expected name
 *	dane		as DANE says where the peer has secure TLSA records (RFC 7672), else may
 *	dane-only	as DANE says, or no mail
 */
#ifndef RELAIS_TLS_LEVEL_H
#define RELAIS_TLS_LEVEL_H

#include "bytes.h"

#define TLS_LEVEL_NAMES_MAX 8 /* that a server may be known by, with verify */

enum tls_level {
	TLS_LEVEL_NONE,
	TLS_LEVEL_MAY,
	TLS_LEVEL_ENCRYPT,
	TLS_LEVEL_VERIFY,
	TLS_LEVEL_DANE,
	TLS_LEVEL_DANE_ONLY,
	TLS_LEVELS
};

/* In any case of letters. returns: ERR_OK; ERR_SYNTAX */
MUST_USE int tls_level_parse(struct bytes word, enum tls_level *out);

/* "none"; constant, never NULL */
const char *tls_level_name(enum tls_level level);

#endif
