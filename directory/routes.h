/* SPDX-License-Identifier: ISC */
/*
 * directory/routes.h - by which way mail leaves: next hops of addresses, and what is behind one.
 *
 * The next hop of user@domain for what a sender sends, the first that is found:
 *	1. table transport: user@domain (first with, then without "+detail"), domain, .domain of
 *	   each domain above, *
 *	2. table sender_transport: the sender's user@domain (likewise), @domain; "<>" for the
 *	   null reverse-path
 *	3. option smarthost
 *	4. the domain itself, by MX; an address literal itself
 *
 * Runs in:  directory.
 */
#ifndef RELAIS_DIRECTORY_ROUTES_H
#define RELAIS_DIRECTORY_ROUTES_H

#include "directory_msg.h"
#include "tables.h"

/* Where a next hop came from. */
enum route_source {
	ROUTE_TRANSPORT,
	ROUTE_SENDER,
	ROUTE_SMARTHOST,
	ROUTE_DOMAIN,
};

struct route {
	enum route_source source;
	struct bytes key;               /* TRANSPORT, SENDER: of the table */
	struct bytes next_hop;          /* in its one form; empty: it is an error */
	enum directory_verdict verdict; /* error: DIRECTORY_ROUTE_LATER, _REFUSED */
	struct bytes enhanced, text;    /* error: the table's */
};

/* reverse_path: a Mailbox; empty: the null reverse-path; NULL: not known, sender_transport is
 * not looked at. Everything lives in the arena.
 * returns: ERR_OK; ERR_IO: a table can't be read, or has what it should not (temporary) */
MUST_USE int route_find(struct directory_tables *t, struct arena *a,
	const struct mail_address *recipient, const struct bytes *reverse_path, struct route *out);

/* "transport .example.org", "smarthost"; empty for the domain's own hosts. In the arena. */
struct bytes route_rule(const struct route *route, struct arena *a);

/* The answer to HOP. Everything lives in the arena. */
void route_hop(struct directory_tables *t, struct arena *a, const struct directory_hop *hop,
	struct directory_hop_answer *out);

#endif
