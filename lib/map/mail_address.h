/* SPDX-License-Identifier: ISC */
/*
 * lib/map/mail_address.h - an address as the tables know it: folded, so that every way to
 * write one address is one key.
 *
 * Folding: quotes go where they are not part of the local-part, A-Z become a-z in both halves
 * (RFC 5321 sec. 2.4 leaves the local-part's case to us, and ours has none), a domain with
 * UTF-8 becomes its A-labels (RFC 5891). Runs in: directory and the operator's command.
 */
#ifndef RELAIS_MAIL_ADDRESS_H
#define RELAIS_MAIL_ADDRESS_H

#include "arena.h"
#include "buf.h"

#define MAIL_ADDRESS_KEY_MAX 320 /* local-part and domain of 64 and 255, RFC 5321 sec. 4.5.3.1 */

struct mail_address {
	struct bytes local;  /* folded octets, not quoted */
	struct bytes domain; /* folded; empty for "postmaster" alone; a literal has its brackets */
	struct bytes key;    /* local "@" domain, or local alone */
	struct bytes text;   /* as a Mailbox in its shortest form, case kept */
};

/*
 * Fold a Mailbox (RFC 5321 sec. 4.1.2) or "postmaster" alone. Everything lives in the arena.
 * returns: ERR_OK; ERR_SYNTAX; ERR_LIMIT (key longer than MAIL_ADDRESS_KEY_MAX)
 */
MUST_USE int mail_address_fold(struct arena *a, struct bytes in, struct mail_address *out);

/* Fold a domain name or an address literal. */
MUST_USE int mail_domain_fold(struct arena *a, struct bytes in, struct bytes *out);

/* Fold a local-part that stands alone (an alias for every domain, a system user). */
MUST_USE int mail_local_fold(struct arena *a, struct bytes in, struct bytes *out);

/*
 * Cut "user+detail" at the first of the delimiters, if something stands before it. Without one
 * *base is all of local and false is returned. Borrowed from local.
 */
bool mail_address_detail(
	struct bytes local, const char *delimiters, struct bytes *base, struct bytes *detail);

/* The same as a Mailbox (RFC 5321 sec. 4.1.2): the local-part quoted where it must be. */
struct bytes mail_address_text(struct arena *a, struct bytes local, struct bytes domain);

/* local "@" domain in the arena; with an empty local "@domain", the catch-all's key. */
struct bytes mail_address_key(struct arena *a, struct bytes local, struct bytes domain);

/*
 * The Maildir of an account below the mail root: "domain/local-part". What could mean
 * something to a file system ("/", a dot in front, control characters, "%") is written %XX.
 */
void mail_address_home(struct buf *out, struct bytes local, struct bytes domain);

#endif
