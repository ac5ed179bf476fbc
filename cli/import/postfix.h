/* SPDX-License-Identifier: ISC */
/*
 * cli/import/postfix.h - what the parts of the import from Postfix share.
 *
 *	postfix.c		the rows: each setting and who takes it
 *	postfix_map.c		the maps that settings name: "hash:/etc/postfix/virtual"
 *	postfix_domains.c	domains, aliases, mailboxes
 *	postfix_routes.c	relayhost, transport, logins, TLS policies
 *	postfix_words.c		restrictions, networks, and other lists of words
 */
#ifndef RELAIS_IMPORT_POSTFIX_H
#define RELAIS_IMPORT_POSTFIX_H

#include "import.h"
#include "main_cf.h"

struct postfix_row;

struct postfix {
	struct import *im;
	const char *file; /* main.cf */
	struct main_cf cf;
	/* virtual_alias_domains is not set: keys of the alias map name them; its row */
	const struct postfix_row *alias_domains_by_map;
};

/* place: the setting's; value: expanded. */
typedef void postfix_take(struct postfix *p, const struct postfix_row *row,
	const struct import_place *place, struct bytes value);

struct postfix_row {
	const char *name; /* may end in "*" */
	postfix_take *take;
	const char *section, *option; /* what it becomes, if it is one option */
	const char *words; /* of a verdict; the unit of a number without one; what domains are */
	bool always;       /* if it is not set too: Postfix has a default */
};

/* ---- postfix_map.c ---- */

/* One line of a map; false: it was not taken (and told so). */
typedef bool postfix_line(struct postfix *p, const struct import_place *place, struct bytes key,
	struct bytes value, const void *arg);

/* Each line of the maps in a list "hash:/a, hash:/b"; how many maps there were that could be read.
 */
unsigned postfix_each_line(struct postfix *p, const struct import_place *place, struct bytes list,
	postfix_line *line, const void *arg);

/* Each name of a list of domains: names, files of names, maps whose keys are names. */
typedef void postfix_name(
	struct postfix *p, const struct import_place *place, struct bytes name, const void *arg);
void postfix_each_name(struct postfix *p, const struct import_place *place, struct bytes list,
	postfix_name *name, const void *arg);

/* ---- the takers ---- */
postfix_take take_domains, take_virtual_alias_domains, take_alias_maps, take_virtual_alias_maps,
	take_virtual_mailbox_base, take_virtual_mailbox_maps, take_virtual_uid_maps,
	take_virtual_transport;
postfix_take take_relayhost, take_transport_maps, take_sender_relayhost_maps, take_passwords,
	take_tls_level, take_tls_policies, take_inet_interfaces, take_inet_protocols;
postfix_take take_mynetworks, take_restrictions, take_milters, take_chain_files;

#endif
