/* SPDX-License-Identifier: ISC */
/*
 * lib/proto/sasl_scram.h - the client's two messages of SCRAM (RFC 5802 sec. 7), read strictly.
 *
 * They are checked here before any library sees them: octets, lengths, order, and that nothing
 * is left over. Extensions are refused: none is defined, and "m=" must be.
 */
#ifndef RELAIS_SASL_SCRAM_H
#define RELAIS_SASL_SCRAM_H

#include "buf.h"

#define SCRAM_NONCE_MAX 256 /* of either side; the standard has no limit */

struct scram_client_first {
	uint8_t binding_flag;      /* 'n', 'y', 'p' */
	struct bytes binding_name; /* 'p' only */
	struct bytes authzid;      /* as written, see scram_name_put(); may be empty */
	struct bytes bare;         /* client-first-message-bare */
	struct bytes username;     /* as written */
	struct bytes nonce;
};

/* Borrowed from in. returns: ERR_OK; ERR_SYNTAX; ERR_LIMIT */
MUST_USE int scram_client_first_parse(struct bytes in, struct scram_client_first *out);

struct scram_client_final {
	struct bytes channel_binding; /* base64 */
	struct bytes nonce;
	struct bytes without_proof; /* client-final-message-without-proof */
	struct bytes proof;         /* base64 */
};

MUST_USE int scram_client_final_parse(struct bytes in, struct scram_client_final *out);

/* Put a username or authzid with "=2C" and "=3D" resolved. ERR_OK; ERR_SYNTAX, nothing is put */
MUST_USE int scram_name_put(struct buf *out, struct bytes name);

#endif
