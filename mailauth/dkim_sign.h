/* SPDX-License-Identifier: ISC */
/*
 * mailauth/dkim_sign.h - makes the DKIM-Signature fields of a message, one per key (RFC 6376
 * sec. 5, RFC 8463), relaxed/relaxed, the body read once for all of them.
 *
 *	s = dkim_signing_new(keys, n, header, &options);
 *	dkim_signing_body(s, piece);			any pieces, at the caller's pace
 *	r = dkim_signing_end(s, &fields);		to be put in front of the header
 *	dkim_signing_free(&s);
 *
 * Fields that matter to the reader (table in dkim_sign.c) are signed as often as they are there
 * and once more, so that nobody can add another one on the way. No l=, no z=.
 *
 * Content has CRLF line ends.
 */
#ifndef RELAIS_DKIM_SIGN_H
#define RELAIS_DKIM_SIGN_H

#include "dkim_key.h"

#define DKIM_SIGNING_KEYS_MAX 4

struct dkim_signing;

struct dkim_signing_key {
	struct bytes domain, selector;
	const struct dkim_key *key; /* borrowed until dkim_signing_free() */
};

struct dkim_sign_options {
	int64_t now;          /* t=: seconds since 1970 */
	uint32_t expire_secs; /* x= is now and this; 0: no x= */
};

/*
 * header: from the first octet to the end of the header, the blank line included or not: all
 *         fields that the message will have when it leaves. Borrowed during the call only.
 * returns: ERR_OK; ERR_LIMIT (no key or too many, more than DKIM_HEADER_MAX octets or
 *          DKIM_FIELDS_MAX fields); ERR_NOT_FOUND (no From field); ERR_SYNTAX (it begins with a
 *          blank: a field in front would swallow that line); *out is set only on success
 */
MUST_USE int dkim_signing_new(const struct dkim_signing_key *keys, size_t nkeys,
	struct bytes header, const struct dkim_sign_options *options, struct dkim_signing **out);

/* The next octets of the body, which begins behind the blank line. */
void dkim_signing_body(struct dkim_signing *s, struct bytes piece);

/*
 * Add the fields, in the order of the keys, each folded and ended by CRLF.
 * returns: ERR_OK; ERR_RESOURCE: the cryptographic library failed, nothing is added
 */
MUST_USE int dkim_signing_end(struct dkim_signing *s, struct buf *fields);

void dkim_signing_free(struct dkim_signing **s); /* NULL is fine */

#endif
