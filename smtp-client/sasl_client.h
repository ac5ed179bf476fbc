/* SPDX-License-Identifier: ISC */
/*
 * smtp-client/sasl_client.h - logging in to a relay: one exchange of SASL messages by GNU SASL,
 * the client's side.
 *
 * Pure: messages in, messages out. The password is held until the exchange is freed.
 *
 * Sources:  RFC 4616 (PLAIN), 5802 and 7677 (SCRAM), 9266 and 5929 (channel binding),
 *           draft-murchison-sasl-login.
 */
#ifndef RELAIS_SASL_CLIENT_H
#define RELAIS_SASL_CLIENT_H

#include "sasl_mechanism.h"

struct sasl_client;

/*
 * Choose the strongest mechanism of those offered (sasl_mechanism_bit() set) that is allowed, can
 * be used here, and was not tried. secure: the password itself may cross the connection.
 * returns: NULL if there is none
 */
const struct sasl_mechanism_row *sasl_client_choose(uint32_t offered, uint32_t allowed,
	uint32_t tried, bool secure, const struct buf bindings[SASL_BINDINGS]);

/* bindings: borrowed until the exchange is freed. NULL: GNU SASL can't. */
struct sasl_client *sasl_client_new(enum sasl_mechanism mechanism, struct bytes login,
	struct bytes password, const struct buf bindings[SASL_BINDINGS]);
void sasl_client_free(struct sasl_client **c);

/* The initial response, if the mechanism has one: true. */
bool sasl_client_first(struct sasl_client *c, struct buf *out);

/* The response to a challenge (both without base64).
 * returns: ERR_OK; ERR_SYNTAX, ERR_DENIED: the server isn't who it should be, or talks nonsense */
MUST_USE int sasl_client_step(struct sasl_client *c, struct bytes challenge, struct buf *out);

/* The server says that we are in: has it shown that it knows the password (SCRAM)? */
bool sasl_client_complete(const struct sasl_client *c);

#endif
