/* SPDX-License-Identifier: ISC */
/*
 * lib/proto/spf_macro.h - the macros of SPF: "%{ir}.%{v}._spf.%{d2}" to what it stands for.
 *
 * Pure. Who expands brings the values; that of p takes DNS look-ups, so spf_macro_uses() tells
 * beforehand whether it is wanted.
 *
 * Sources: RFC 7208 sec. 7, RFC 3986 sec. 2.3 (what is not escaped).
 */
#ifndef RELAIS_SPF_MACRO_H
#define RELAIS_SPF_MACRO_H

#include "buf.h"
#include "dns_rdata.h"
#include "ip_block.h"

/* The whole text of an expansion, before a name is cut to fit. */
#define SPF_EXPANSION_MAX (16 * 1024)

enum spf_macro_kind {
	SPF_MACRO_NAME, /* domain-spec: no blanks; c, r and t have no place here */
	SPF_MACRO_TEXT, /* explain-string: blanks, and all letters */
	SPF_MACRO_ANY,  /* macro-string of an unknown modifier: no blanks, all letters */
};

/* Of one check; the same for all its records, but for domain. */
struct spf_macro_values {
	struct bytes sender, local_part, sender_domain; /* s, l, o */
	struct bytes domain;                            /* d */
	struct bytes helo, receiver;                    /* h, r */
	struct bytes validated;                         /* p: of the client; "unknown" */
	struct ip_block client;                         /* i, c, v */
	uint64_t now;                                   /* t */
};

/* Is it in the grammar? ERR_OK; ERR_SYNTAX */
MUST_USE int spf_macro_check(struct bytes text, enum spf_macro_kind kind);

/* Does it use a macro letter, in small, also as a capital? text has passed spf_macro_check(). */
bool spf_macro_uses(struct bytes text, char letter);

/* Appends what it stands for. text has passed spf_macro_check(). ERR_OK; ERR_LIMIT */
MUST_USE int spf_macro_expand(
	struct buf *out, struct bytes text, const struct spf_macro_values *values);

/*
 * An expanded domain-spec, or a domain as a client says it, to a name that can be asked for, in
 * presentation form: one dot at the end is dropped, labels on the left go until 253 octets are kept
 * (sec. 7.3), octets with a meaning of their own are escaped.
 * returns: the length, > 0; ERR_SYNTAX: an empty label, one of more than 63 octets
 */
MUST_USE int spf_target_name(struct bytes expanded, char out[DNS_NAME_SIZE]);

#endif
