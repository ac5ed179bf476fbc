/* SPDX-License-Identifier: ISC */
/*
 * lib/map/account_words.h - the words of an account's line that may come more than once: its
 * passwords, and the addresses it may send as besides its own.
 *
 *	joe@example.org  $y$... password={SCRAM-SHA-256}... app=phone:imap,submission:{SSHA256}...
 *	                 send-as=info@example.org send-as=@example.net
 *
 * The first word and each password= is a record of the same main password, one for each way it
 * can be checked. app= is an app password: a name, the protocols it is good for, a record; words
 * with the same name are records of the same app password.
 */
#ifndef RELAIS_ACCOUNT_WORDS_H
#define RELAIS_ACCOUNT_WORDS_H

#include "arena.h"

#define ACCOUNT_APP_NAME_MAX  32 /* octets: letters, digits, "-", "_", "." */
#define ACCOUNT_PASSWORDS_MAX 64 /* records of one account */

/* What an app password is good for. */
#define ACCOUNT_IMAP       1u
#define ACCOUNT_POP3       2u
#define ACCOUNT_SUBMISSION 4u
#define ACCOUNT_PROTOCOLS  (ACCOUNT_IMAP | ACCOUNT_POP3 | ACCOUNT_SUBMISSION)

struct account_password {
	struct bytes name; /* of an app password; empty: the main one */
	unsigned protocols;
	struct bytes record; /* password_record.h */
};

/* The next record of the line; *rest is the line at first. returns: 1; 0 no more; ERR_SYNTAX */
MUST_USE int account_next_password(struct bytes *rest, struct account_password *out);

/* The next send-as=: "local-part@domain", or "@domain" for all of it. The same results. */
MUST_USE int account_next_send_as(struct bytes *rest, struct bytes *out);

/* "imap,pop3" to bits. ERR_OK; ERR_SYNTAX */
MUST_USE int account_protocols_parse(struct bytes in, unsigned *out);
/* Bits to "imap,pop3"; room for all. Returns out. */
#define ACCOUNT_PROTOCOLS_TEXT 32
char *account_protocols_text(unsigned protocols, char out[ACCOUNT_PROTOCOLS_TEXT]);

bool account_app_name_is_valid(struct bytes name);

/*
 * Check all these words of a line, thoroughly: for the compiler of tables, not for look-ups.
 * returns: ERR_OK; ERR_SYNTAX, ERR_UNSUPPORTED, ERR_LIMIT, and *why in English
 */
MUST_USE int account_words_check(struct arena *a, struct bytes line, const char **why);

#endif
