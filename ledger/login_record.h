/* SPDX-License-Identifier: ISC */
/*
 * ledger/login_record.h - what right logins leave behind: the networks an account is known from,
 * and when each of its passwords was last used.
 *
 * Runs in:  ledger.
 */
#ifndef RELAIS_LOGIN_RECORD_H
#define RELAIS_LOGIN_RECORD_H

#include "database.h"
#include "ledger_msg.h"

#define LOGINS_NETWORKS 16 /* of an account; the one longest unused goes first */

/* Was the login right from this network (attempts_network_block()) before? */
MUST_USE int logins_known(
	struct database *db, struct bytes login, const struct ip_block *network, bool *known);

/* It was right now. Writes only what changes: a network once a day, a use once a minute.
 * returns: ERR_OK; errors of database.h */
MUST_USE int logins_right(struct database *db, const struct ledger_tried *m,
	const struct ip_block *network, uint64_t now_s);

/* The uses of an account's passwords; rows borrow from room, which the caller frees. */
MUST_USE int logins_last_use(struct database *db, struct bytes account, struct buf *room,
	struct ledger_last_use_answer *out);

#endif
