/* SPDX-License-Identifier: ISC */
/*
 * lib/proto/search_text.h - does a message contain this text? IMAP's SEARCH keys SUBJECT, FROM,
 * HEADER, BODY and TEXT (RFC 3501 sec. 6.4.4).
 *
 * Texts are compared decoded (transfer encoding, encoded words, charset) and without case
 * (utf8_fold). Linear time in message and key, memory for one piece of text at a time.
 */
#ifndef RELAIS_SEARCH_TEXT_H
#define RELAIS_SEARCH_TEXT_H

#include "charset.h"
#include "mime.h"

#define SEARCH_KEY_MAX 4096 /* octets, folded */

/* A key made ready, in an arena; use it for any number of messages. */
struct search_key {
	struct bytes folded;
	const uint16_t *fall_back; /* Knuth, Morris, Pratt */
};

/* utf8: the key as UTF-8. ERR_LIMIT: too long; ERR_SYNTAX: not UTF-8. */
MUST_USE int search_key_make(struct arena *a, struct bytes utf8, struct search_key *out);

/* Is key in this text (not a header's value: no decoding)? */
bool search_utf8(struct bytes text, const struct search_key *key);

/* Is it in a value of the fields of that name? An empty key asks whether there is one. */
bool search_field(
	struct charsets *set, struct bytes header, struct bytes name, const struct search_key *key);

/* BODY: in a text part, a part's description or file name, or the header of a message within (not
 * of the message itself). */
bool search_body(struct charsets *set, struct bytes message, const struct mime_part *root,
	const struct search_key *key);

/* TEXT: in what BODY looks at or in any header, the message's or a part's. */
bool search_text(struct charsets *set, struct bytes message, const struct mime_part *root,
	const struct search_key *key);

#endif
