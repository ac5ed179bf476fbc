/* SPDX-License-Identifier: ISC */
/*
 * lib/proto/sasl_mechanism.h - the SASL mechanisms there are, and which of them a door offers.
 *
 * One table for all doors. The exchange itself runs in directory (directory_msg.h: SASL_START).
 * EXTERNAL and ANONYMOUS have no row, so nobody can switch them on. OAUTHBEARER and XOAUTH2
 * become rows with SASL_TOKEN when somebody checks tokens.
 *
 * Sources: RFC 4422, 4616 (PLAIN), 5802 and 7677 (SCRAM), 9266 (tls-exporter), 5929 (tls-unique).
 */
#ifndef RELAIS_SASL_MECHANISM_H
#define RELAIS_SASL_MECHANISM_H

#include "buf.h"

/* Longest message of either side, before base64; RFC 4954 sec. 4 wants 12288 octets of line. */
#define SASL_MESSAGE_MAX 2048
#define SASL_BINDING_MAX 64 /* octets of channel binding data */

enum sasl_mechanism {
	SASL_SCRAM_SHA_256_PLUS = 1,
	SASL_SCRAM_SHA_256,
	SASL_SCRAM_SHA_1_PLUS,
	SASL_SCRAM_SHA_1,
	SASL_PLAIN,
	SASL_LOGIN,
	SASL_MECHANISMS
};

#define SASL_PASSWORD     1u /* the password itself crosses the connection */
#define SASL_BINDING      2u /* bound to the TLS channel: needs its data */
#define SASL_CLIENT_FIRST 4u /* the client speaks first (RFC 4422 sec. 3.3) */
#define SASL_TOKEN        8u /* neither password nor proof: a token of somebody else */

struct sasl_mechanism_row {
	enum sasl_mechanism mechanism;
	const char *name;
	unsigned flags; /* SASL_PASSWORD, ... */
};

/* Channel bindings. A door gives all it has, the client chooses. */
enum sasl_binding {
	SASL_TLS_EXPORTER,         /* RFC 9266, TLS 1.3 */
	SASL_TLS_UNIQUE,           /* RFC 5929; TLS 1.2, with the extended master secret only */
	SASL_TLS_SERVER_END_POINT, /* RFC 5929 sec. 4 */
	SASL_BINDINGS
};

/* "tls-exporter" */
const char *sasl_binding_name(enum sasl_binding b);

/* What decides what a connection is offered. */
struct sasl_door {
	uint32_t enabled; /* sasl_mechanism_bit() set, from the configuration */
	bool secure;      /* TLS, or plaintext is permitted here: else nothing is offered */
	bool binding;     /* there is channel binding data for SASL_START */
};

#define sasl_mechanism_bit(m) ((uint32_t)1 << (m))

/* All but SCRAM-SHA-1. */
#define SASL_DEFAULT                                                                               \
	(sasl_mechanism_bit(SASL_SCRAM_SHA_256_PLUS) | sasl_mechanism_bit(SASL_SCRAM_SHA_256) |    \
		sasl_mechanism_bit(SASL_PLAIN) | sasl_mechanism_bit(SASL_LOGIN))

/* By the client's word, in any case; NULL: no such mechanism. */
const struct sasl_mechanism_row *sasl_mechanism_named(struct bytes name);
const struct sasl_mechanism_row *sasl_mechanism_row(enum sasl_mechanism m);

bool sasl_mechanism_offered(const struct sasl_mechanism_row *row, const struct sasl_door *door);

/*
 * Put the names of all that is offered, strongest first, each with prefix in front:
 * " " for EHLO's "AUTH PLAIN LOGIN" and POP3's "SASL", " AUTH=" for IMAP's CAPABILITY.
 * returns: how many
 */
unsigned sasl_mechanisms_put(struct buf *out, const struct sasl_door *door, const char *prefix);

#endif
