/* SPDX-License-Identifier: ISC */
/*
 * lib/proto/spf_record.h - the record of an SPF policy: "v=spf1 mx ip4:192.0.2.0/24 -all".
 *
 * Pure and strict: sec. 4.6 wants any syntax error anywhere to be found before anything is
 * evaluated. Only the grammar is judged here, nothing is expanded or looked up.
 *
 * Sources: RFC 7208 sec. 4.5, 4.6, 5, 6, 12.
 */
#ifndef RELAIS_SPF_RECORD_H
#define RELAIS_SPF_RECORD_H

#include "arena.h"

#define SPF_RECORD_MAX 4096 /* octets; the RFC advises 450 (sec. 3.4) */

enum spf_mechanism {
	SPF_MECH_ALL,
	SPF_MECH_INCLUDE,
	SPF_MECH_A,
	SPF_MECH_MX,
	SPF_MECH_PTR,
	SPF_MECH_IP4,
	SPF_MECH_IP6,
	SPF_MECH_EXISTS,
};

struct spf_directive {
	enum spf_mechanism mechanism;
	char qualifier;           /* '+', '-', '?', '~' */
	uint8_t prefix4, prefix6; /* 0 to 32, 0 to 128; the longest if not given */
	uint8_t address[16];      /* ip4, ip6: network order; IPv4 in the first four */
	struct bytes domain_spec; /* checked, not expanded; empty: the current domain */
	struct bytes text;        /* as written, with its qualifier */
};

struct spf_record {
	struct spf_directive *directives; /* in the arena */
	size_t count;
	struct bytes redirect,
		exp; /* domain-specs, empty if none; no redirect beside "all" (6.1) */
};

/* Does a TXT record claim to be one: "v=spf1", then a blank or the end (sec. 4.5)? */
bool spf_record_is(struct bytes txt);

/*
 * text: spf_record_is(); borrowed by out. why: what is wrong, where: the term in which; may not be
 * NULL, set with an error only. returns: ERR_OK; ERR_SYNTAX; ERR_LIMIT: over SPF_RECORD_MAX
 */
MUST_USE int spf_record_parse(struct bytes text, struct arena *a, struct spf_record *out,
	const char **why, struct bytes *where);

#endif
