/* SPDX-License-Identifier: ISC */
/*
 * directory/guess.h - ledger's word before a password is checked, and its news afterwards.
 *
 * directory sees every login of every door with the client's address, so a door that is hacked
 * can't leave anything out. Each check is framed:
 *
 *	guess_ask()	may it be tried? (ledger_msg.h, TRY)
 *	... check the password, or go through the exchange of SASL ...
 *	guess_tell()	how it came out, with the same client and login; the answer to the door
 *			is held for answer->delay_ms if it was wrong
 *
 * A ledger that is not there, or does not answer within a second, stops no login: the attempt
 * is then not counted, and the log says so.
 *
 * Runs in:  directory.
 */
#ifndef RELAIS_GUESS_H
#define RELAIS_GUESS_H

#include "daemon.h"
#include "directory_msg.h"
#include "ledger_msg.h"

struct guess;

/* ledger is the link that directory has anyway; borrowed. */
struct guess *guess_new(struct link *ledger);
void guess_free(struct guess **g);

struct guess_attempt {
	struct bytes client; /* as text; may be empty */
	struct bytes login;  /* the account's key if there is one, else the client's word */
	enum directory_protocol protocol;
};

/* answer is borrowed. */
typedef void guess_fn(void *arg, const struct ledger_try_answer *answer);

/* Called exactly once: at once (ledger is not there) or later. Nothing of the attempt is kept. */
void guess_ask(struct guess *g, const struct guess_attempt *attempt, guess_fn *done, void *arg);

/* After a GO, exactly once. credential: name of the app password if it was one. password: what
 * was wrong, for telling repetition from guessing (only a keyed hash leaves this process); empty
 * if not known. */
void guess_tell(struct guess *g, const struct guess_attempt *attempt,
	enum ledger_tried_result result, struct bytes credential, struct bytes password);

#endif
