/* SPDX-License-Identifier: ISC */
/*
 * lib/map/password_record.h - one record of a password, as a table has it:
 *
 *	$y$j9T$...		crypt(5), whatever libcrypt can
 *	{SCHEME}...		Dovecot's form, so that its tables can be taken over: {PLAIN},
 *{CRYPT}, {SHA512-CRYPT}, {BLF-CRYPT}, {ARGON2ID}, {SSHA256}, {SCRAM-SHA-256}, ... {SCHEME.b64},
 *{SCHEME.hex}	the same with another encoding *			nothing matches
 *
 * Runs in:  directory (threads: nothing here has a state), the operator's command.
 * Trusts:   the administrator for the cost of a record; limits keep it below minutes and 1 GiB.
 */
#ifndef RELAIS_PASSWORD_RECORD_H
#define RELAIS_PASSWORD_RECORD_H

#include "scram_record.h"

#define PASSWORD_RECORD_MAX 1024 /* octets */

/* Is it a record that can be checked? *why in English if not. returns: ERR_OK; ERR_SYNTAX;
 * ERR_UNSUPPORTED (a scheme that isn't known) */
MUST_USE int password_record_check(struct bytes record, const char **why);

/* Is this the password? Slow on purpose, for most schemes. */
bool password_record_verify(struct bytes record, struct bytes password);

/* "*", or something that is no record. */
bool password_record_is_none(struct bytes record);

/* For a hint in the log: readable, without salt, or by MD5, SHA-1 or DES. */
bool password_record_is_weak(struct bytes record);

/* "SHA512-CRYPT", for the log and the operator; of "$6$..." too. Constant; "" if unknown. */
const char *password_record_scheme(struct bytes record);

/* A record for SCRAM? Then out is set. */
bool password_record_scram(struct bytes record, struct scram_record *out);

#endif
