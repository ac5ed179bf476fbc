/* SPDX-License-Identifier: ISC */
/*
 * smtpd/client_name.h - names of clients: found by DNS in the background, remembered for a while.
 *
 * A name is believed if its address records have the client's address (RFC 5321 sec. 4.4 leaves the
 * lookup to us; RFC 8601 sec. 3 calls this "iprev"). Nobody waits for it.
 */
#ifndef RELAIS_CLIENT_NAME_H
#define RELAIS_CLIENT_NAME_H

#include <sys/socket.h>

#include "dns_link.h"

struct client_names; /* of one process */
struct client_name;  /* one lookup under way */

/* name: NULL if there is none that holds. Borrowed. */
typedef void client_name_fn(void *arg, const char *name);

struct client_names *client_names_new(struct daemon *d);
void client_names_free(struct client_names **names); /* NULL is fine; lookups are forgotten */

/*
 * Look for the name of an address (IPv4, IPv6; of others there is none). It may be known already,
 * then done is called from within and NULL is returned. Else done is called later, unless
 * client_name_forget() comes first.
 */
struct client_name *client_name_find(struct client_names *names,
	const struct sockaddr_storage *address, client_name_fn *done, void *arg);
void client_name_forget(struct client_name **lookup); /* NULL is fine */

#endif
