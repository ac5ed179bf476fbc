/* SPDX-License-Identifier: ISC */
/*
 * directory/local_owner.h - users of this machine who send by sendmail(1): what is theirs.
 *
 * Their key is NAME@localhost, as that of the system's users who have mailboxes.
 */
#ifndef RELAIS_LOCAL_OWNER_H
#define RELAIS_LOCAL_OWNER_H

#include "tables.h"

/* The host's names, the configured one first; NULL ends. Programs write any of them. */
#define LOCAL_HOSTS 5

/*
 * May the local user of that key send as address? As NAME (with any detail) in a domain of the
 * system's users, in the default domain, and at the host's names; but not where an account or
 * an alias has that address. returns: 1, 0, ERR_IO (temporary)
 */
MUST_USE int local_owns(struct directory_tables *t, struct arena *a, struct bytes key,
	const char *const hosts[LOCAL_HOSTS], struct bytes address);

/* Is it a domain of this host: of the system's users, the default one, a name of the host? Folded.
 * returns: 1, 0, ERR_IO (temporary) */
MUST_USE int local_domain(struct directory_tables *t, struct arena *a,
	const char *const hosts[LOCAL_HOSTS], struct bytes domain);

/* An address that is his, for the sender of what he sends: in the default domain, else at the
 * host's first name. */
struct bytes local_address(struct directory_tables *t, struct arena *a, struct bytes key,
	const char *const hosts[LOCAL_HOSTS]);

#endif
