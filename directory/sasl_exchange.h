/* SPDX-License-Identifier: ISC */
/*
 * directory/sasl_exchange.h - one exchange of SASL messages, by GNU SASL.
 *
 * Pure: messages in; messages, and what is to be done, out. No socket, table or clock. Every
 * message of the client is read strictly by our own parsers first (sasl_plain.h, sasl_scram.h);
 * what they refuse GNU SASL never sees.
 *
 * What GNU SASL does not do, this does: choose among several passwords of one account (all
 * SCRAM records of an account have one salt and count; the proof shows which it was), refuse
 * channel binding in a mechanism without it, and stand in for accounts that have no record.
 *
 * Runs in:  directory.
 * Sources:  RFC 4616, RFC 5802, RFC 7677, RFC 9266, draft-murchison-sasl-login.
 */
#ifndef RELAIS_SASL_EXCHANGE_H
#define RELAIS_SASL_EXCHANGE_H

#include "account_words.h"
#include "sasl_mechanism.h"

struct sasl_library; /* one for the process */
struct sasl_exchange;

/* NULL: GNU SASL can't be used. secret: SASL_SECRET_SIZE octets that stay the same over
 * restarts, from which the salts of accounts without a record are made. */
#define SASL_SECRET_SIZE 32
struct sasl_library *sasl_library_new(const uint8_t secret[SASL_SECRET_SIZE], uint32_t iterations);
void sasl_library_set_iterations(struct sasl_library *l, uint32_t iterations);
void sasl_library_free(struct sasl_library **l);

/* bindings: channel binding data, copied. NULL: a mechanism that GNU SASL does not have. */
struct sasl_exchange *sasl_exchange_new(struct sasl_library *l, enum sasl_mechanism mechanism,
	const struct bytes bindings[SASL_BINDINGS]);
void sasl_exchange_free(struct sasl_exchange **x);

/* What comes next. */
enum sasl_next {
	SASL_NEXT_CHALLENGE, /* send what is in out, give the response to sasl_exchange_step() */
	SASL_NEXT_ACCOUNT,   /* SCRAM: look the login up, go on with sasl_exchange_account() */
	SASL_NEXT_PASSWORD,  /* PLAIN, LOGIN: check login and password; the exchange is over */
	SASL_NEXT_RIGHT, /* SCRAM: proven. Send out as a last challenge, the response is empty */
	SASL_NEXT_WRONG, /* over */
	SASL_NEXT_MALFORMED, /* over: not in the grammar */
};

/* The client's message. first: the initial response; there need not be one (has_message false). */
enum sasl_next sasl_exchange_start(
	struct sasl_exchange *x, bool has_message, struct bytes message, struct buf *out);
enum sasl_next sasl_exchange_step(struct sasl_exchange *x, struct bytes message, struct buf *out);

/* After NEXT_ACCOUNT. line: the account's (account_words.h); empty: there is none. name: what
 * stands for the account in the salt of one without records: its key, else the login folded. */
enum sasl_next sasl_exchange_account(
	struct sasl_exchange *x, struct bytes name, struct bytes line, struct buf *out);

/* Borrowed. After ACCOUNT and PASSWORD; SASLprep'd for SCRAM, as it came else. */
struct bytes sasl_exchange_login(const struct sasl_exchange *x);
struct bytes sasl_exchange_password(const struct sasl_exchange *x);

/* After RIGHT: which password it was; the name is empty for the main one. */
const struct account_password *sasl_exchange_credential(const struct sasl_exchange *x);
/* After WRONG of SCRAM: the account has no record for this mechanism (a hint for the log). */
bool sasl_exchange_lacks_record(const struct sasl_exchange *x);

#endif
