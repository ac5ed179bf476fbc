/* SPDX-License-Identifier: ISC */
/*
 * resolver/query_name.h - the name of a question: cleaned, and what needs no server.
 *
 * Pure. Sources: RFC 5890 and 5891 (IDNA), RFC 6761 sec. 6 (localhost, invalid), RFC 7686 (onion).
 */
#ifndef RELAIS_QUERY_NAME_H
#define RELAIS_QUERY_NAME_H

#include "dns_msg.h"

struct query_name {
	char text[DNS_NAME_SIZE]; /* as dns_name_read() writes it: ASCII, lower case, no last dot */
	enum dns_status status;   /* DNS_OK: servers are to be asked; else this is the answer */
	bool localhost;           /* with DNS_OK or NODATA: of this host, for any type */
	const char *why;          /* for people; static; may be NULL */
};

/* asked: presentation form, perhaps with U-labels. */
void query_name_clean(struct bytes asked, struct query_name *out);

#endif
