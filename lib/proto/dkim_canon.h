/* SPDX-License-Identifier: ISC */
/*
 * lib/proto/dkim_canon.h - the two canonicalizations of DKIM.
 *
 * Pure: octets in, canonical octets out. Content has CRLF line ends; a CR or LF alone is an octet
 * like others.
 *
 * Sources: RFC 6376 sec. 3.4.
 */
#ifndef RELAIS_DKIM_CANON_H
#define RELAIS_DKIM_CANON_H

#include "rfc5322.h"

/* --- header (sec. 3.4.1, 3.4.2) ------------------------------------------------------- */

/* Is it a field that h= can name? A line without a colon is none, nor one that begins with a blank
 * and belongs to nothing. */
bool dkim_is_field(const struct rfc5322_field *f);

/* A field in its relaxed form is added, without CRLF behind it. */
void dkim_canon_relaxed_field(struct bytes name, struct bytes value, struct buf *out);

/* --- body (sec. 3.4.3, 3.4.4) --------------------------------------------------------- */

typedef void dkim_octets_fn(void *arg, struct bytes octets);

struct dkim_body_canon {
	bool relaxed;
	dkim_octets_fn *put; /* gets the canonical octets, borrowed; NULL: they are counted only */
	void *arg;

	uint64_t octets; /* canonical octets so far; final after dkim_body_canon_end() */

	uint64_t blank_lines; /* seen, and not known to be the last ones */
	bool in_line;         /* something of this line came out */
	bool blank;           /* relaxed: a blank is due before the next octet */
	bool cr;              /* a CR, and what follows is not known */
	size_t held;
	uint8_t hold[4096];
};

void dkim_body_canon_init(struct dkim_body_canon *c, bool relaxed, dkim_octets_fn *put, void *arg);
void dkim_body_canon_put(struct dkim_body_canon *c, struct bytes piece);
void dkim_body_canon_end(struct dkim_body_canon *c);

#endif
