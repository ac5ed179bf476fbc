/* SPDX-License-Identifier: ISC */
/*
 * lib/map/scram_record.h - what a server keeps of a password for SCRAM: salt, iteration count,
 * StoredKey and ServerKey (RFC 5802 sec. 3, RFC 7677). Text form, as Dovecot's after "{SCRAM-...}":
 *
 *	ITERATIONS,SALT,STOREDKEY,SERVERKEY	the last three in base64
 *
 * From it nobody can log in; but a guess can be tried as cheaply as its iterations allow.
 * Runs in: directory, the operator's command. Pure.
 */
#ifndef RELAIS_SCRAM_RECORD_H
#define RELAIS_SCRAM_RECORD_H

#include "buf.h"

#define SCRAM_KEY_MAX        32
#define SCRAM_SALT_MAX       64
#define SCRAM_SALT_SIZE      16 /* of the ones we make */
#define SCRAM_ITERATIONS_MAX 10000000u
#define SCRAM_ITERATIONS_MIN 4096u /* RFC 7677 sec. 4; older SHA-1 records are read with fewer */

enum scram_hash {
	SCRAM_HASH_SHA_1,
	SCRAM_HASH_SHA_256,
	SCRAM_HASHES
};

struct scram_record {
	enum scram_hash hash;
	uint32_t iterations;
	uint8_t salt[SCRAM_SALT_MAX];
	size_t salt_size;
	uint8_t stored_key[SCRAM_KEY_MAX], server_key[SCRAM_KEY_MAX];
};

/* octets of a key: 20 or 32 */
size_t scram_key_size(enum scram_hash hash);

/* returns: ERR_OK; ERR_SYNTAX */
MUST_USE int scram_record_parse(enum scram_hash hash, struct bytes text, struct scram_record *out);
void scram_record_put(struct buf *out, const struct scram_record *r);

/* Fill in the keys from hash, iterations, salt and the password (prepared by sasl_prep.h).
 * As slow as the iterations say. */
void scram_record_derive(struct scram_record *r, struct bytes password);

/* HMAC with the hash of SCRAM; out has scram_key_size() octets. */
void scram_hmac(enum scram_hash hash, struct bytes key, struct bytes text, uint8_t *out);
void scram_digest(enum scram_hash hash, struct bytes text, uint8_t *out);

/*
 * Does the client's proof come from the password of this record? auth_message: RFC 5802 sec. 3.
 * In constant time.
 */
bool scram_proof_is_right(
	const struct scram_record *r, struct bytes auth_message, struct bytes proof);

#endif
