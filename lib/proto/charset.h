/* SPDX-License-Identifier: ISC */
/*
 * lib/proto/charset.h - texts in the charsets of mail, turned into UTF-8.
 *
 * US-ASCII, UTF-8, the ISO-8859 and Windows pages and KOI8 are tables of our own; UTF-16
 * and UTF-32 are built into iconv; the multi-octet charsets of East Asia are iconv modules
 * on disk, which cannot be loaded inside a jail: charsets_open() loads them before.
 * A set is for one thread. Octets that mean nothing become U+FFFD.
 */
#ifndef RELAIS_CHARSET_H
#define RELAIS_CHARSET_H

#include "buf.h"

struct charsets;
struct charset;

/* Call before the jail (and before fork: children share the memory). Never NULL. */
struct charsets *charsets_open(void);
void charsets_close(struct charsets **cs);

/* By its name or an alias, case and "-", "_" not minded. set may be NULL: then only our own
 * tables. NULL if unknown (or if its module was not there). Borrowed from the set or static. */
const struct charset *charset_find(struct charsets *set, struct bytes name);

/* A text that arrives in pieces. */
struct charset_stream {
	const struct charset *charset;
	uint8_t held[8]; /* a character whose end is still to come */
	uint8_t nheld;
};

/* One stream per charset at a time (iconv keeps shift states in the set). */
void charset_begin(struct charset_stream *s, const struct charset *charset);
void charset_feed(struct charset_stream *s, struct bytes in, struct buf *utf8);
void charset_end(struct charset_stream *s, struct buf *utf8);

/* All at once. */
void charset_to_utf8(const struct charset *charset, struct bytes in, struct buf *utf8);

/* true if all of b is UTF-8 (RFC 3629: no surrogates, no overlong forms). */
bool utf8_is_valid(struct bytes b);

/*
 * Lower case for comparing: b (UTF-8) appended to out with capital letters made small by
 * their simple case mapping (Latin, Greek, Cyrillic, Armenian, full width forms) and what is
 * not UTF-8 as U+FFFD. The same key is made of "É" whether composed or decomposed (Latin).
 */
void utf8_fold(struct bytes b, struct buf *out);

#endif
