/* SPDX-License-Identifier: ISC */
/*
 * directory/resolve.h - from an address to mailboxes and other addresses.
 *
 * The order for local-part@domain of a local domain (base: without "+detail"):
 *	1. alias local-part@domain, then base@domain (its targets inherit the detail)
 *	2. account local-part@domain, then base@domain
 *	3. alias local-part, then base (for every local domain); then the same in the system's
 *	   aliases (/etc/aliases), where the domain has them
 *	4. system user base, if the domain has them
 *	5. postmaster: the option of that name
 *	6. alias @domain, the catch-all
 * In a relay domain only 1 and 6 are looked at; what is left goes out to the address, by the
 * next hop that routes.h finds.
 *
 * At the SRS domain an address that we made by SRS (srs.h) comes before all of it: it leads to
 * the address inside. Mail that an alias or a forward sends to a domain that is not ours gets
 * such an address as its reverse-path, if that is of no local domain.
 *
 * An alias that names itself means its own account. Each address is expanded once, so loops
 * end; a loop that leads to no target at all is DIRECTORY_LOOP, and so is what goes deeper or
 * wider than the options allow. Each target comes once, however many ways lead to it.
 *
 * An account with a forward (records.h) sends mail on, and keeps a copy if it says so. Where
 * owner-NAME is an alias too, mail to the targets of NAME has it as its reverse-path.
 */
#ifndef RELAIS_RESOLVE_H
#define RELAIS_RESOLVE_H

#include "directory_msg.h"
#include "tables.h"

struct resolution {
	enum directory_verdict verdict;   /* of the whole; targets only with DIRECTORY_OK */
	enum domain_place place;          /* of the address asked for */
	bool expanded;                    /* by an alias */
	struct directory_target *targets; /* in the arena */
	size_t count;
};

/* address: a Mailbox. reverse_path: a Mailbox, or empty: the null reverse-path; NULL: not known
 * (RCPT), so targets have none of their own and routes by sender are not looked at. Everything
 * of the result lives in the arena or is borrowed from the arguments. */
void resolve(struct directory_tables *t, struct arena *a, struct bytes address,
	const struct bytes *reverse_path, struct resolution *out);

/* The same for the question whose it is: neither the catch-all nor forwards count, locked accounts
 * do. */
void resolve_owners(
	struct directory_tables *t, struct arena *a, struct bytes address, struct resolution *out);

/* May a message of size_octets (0: unknown) be accepted for it? use: how much an account
 * holds; false if it isn't near its limit. */
typedef bool account_use_fn(void *arg, struct bytes account, uint64_t *octets, uint64_t *messages);

struct directory_rcpt_answer resolve_rcpt(const struct resolution *r,
	const struct directory_rcpt *rcpt, account_use_fn *use, void *arg);

/*
 * The one ownership function: may this login's account use this address as its own (envelope,
 * From, signing)? Yes if its line says so (send-as=, for an address or a whole domain), if it
 * is the account's address, or an alias that leads to this account alone. A catch-all gives
 * nobody an address, nor does another's forward. returns: 1, 0, ERR_IO (temporary)
 */
MUST_USE int resolve_owns(struct directory_tables *t, struct arena *a,
	const struct account *account, struct bytes address);

#endif
