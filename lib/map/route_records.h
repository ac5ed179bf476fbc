/* SPDX-License-Identifier: ISC */
/*
 * lib/map/route_records.h - the tables that say how mail leaves: keys and values.
 *
 *	transport         joe@example.org     NEXT-HOP (next_hop.h) | "smtp:" (by MX)
 *	                  example.org         ...
 *	                  .example.org        ... (every name below)
 *	                  *                   ... (all the rest)
 *	sender_transport  joe@example.org     NEXT-HOP, for what joe sends
 *	                  @example.org        ...
 *	                  <>                  ..., for the null reverse-path
 *	tls_policy        relay.example.net   LEVEL [name=NAME]...  (tls_level.h)
 *	                  [relay.example.net]:587   the same for one port; brackets mean nothing
 *	                  .example.net        ... (every name below)
 *	relay_credentials relay.example.net:587     LOGIN:PASSWORD
 *	                  joe@example.org     ..., for what joe sends, at the relay meant for it
 *	                  @example.org        ...
 *	source_address    joe@example.org     [IPv4] [IPv6] [ipv4=none] [ipv6=none] [helo=NAME]
 *	                  @example.org, <>    ...
 *
 * As in records.h, the same functions check the text and read values at look-up. Documented for
 * people in docs/routing.md. Runs in: directory and the operator's command.
 */
#ifndef RELAIS_ROUTE_RECORDS_H
#define RELAIS_ROUTE_RECORDS_H

#include "mail_address.h"
#include "next_hop.h"
#include "tls_level.h"

/* Keys as the table.h's rows want them. */
int route_key_transport(struct arena *a, struct bytes in, struct bytes *out, const char **why);
int route_key_sender(struct arena *a, struct bytes in, struct bytes *out, const char **why);
int route_key_policy(struct arena *a, struct bytes in, struct bytes *out, const char **why);
int route_key_credentials(struct arena *a, struct bytes in, struct bytes *out, const char **why);

int route_check_transport(struct arena *a, struct bytes value, const char **why);
int route_check_policy(struct arena *a, struct bytes value, const char **why);
int route_check_credentials(struct arena *a, struct bytes value, const char **why);
int route_check_source(struct arena *a, struct bytes value, const char **why);

/*
 * The value of a transport: a next hop in its one form (next_hop_put(), names folded). Empty,
 * if it is "smtp:": the recipient's domain by MX. returns: ERR_OK; < 0, *why says what is wrong
 */
MUST_USE int transport_record_parse(
	struct arena *a, struct bytes value, struct bytes *next_hop, const char **why);

/* "[Relay.example.net]:587" and "relay.example.net", 587 are one key: "relay.example.net:587".
 * port 0: none. A key of an IPv6 address keeps its brackets. */
struct bytes route_host_key(struct arena *a, struct bytes host, uint16_t port);

struct tls_policy_record {
	enum tls_level level;
	struct bytes names; /* parted by single blanks; may be empty */
};

MUST_USE int tls_policy_record_parse(
	struct arena *a, struct bytes value, struct tls_policy_record *out, const char **why);

struct credentials_record {
	struct bytes login, password; /* neither is empty; borrowed from value */
};

MUST_USE int credentials_record_parse(
	struct bytes value, struct credentials_record *out, const char **why);

/* Each as in directory_hop_answer: text, or "none", or empty. */
struct source_record {
	struct bytes ipv4, ipv6, helo;
};

MUST_USE int source_record_parse(
	struct arena *a, struct bytes value, struct source_record *out, const char **why);

#endif
