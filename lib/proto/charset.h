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
#include "utf8.h"

struct charsets;

enum charset_kind {
	CHARSET_ASCII, /* 8 bit octets are UTF-8 where valid, else Windows-1252 */
	CHARSET_UTF8,
	CHARSET_TABLE,
	CHARSET_ICONV
};

struct charset {
	enum charset_kind kind;
	const uint16_t *high; /* CHARSET_TABLE: what 0x80 and above mean */
	void *iconv;          /* CHARSET_ICONV: borrowed from the set */
};

#define CHARSET_UNKNOWN ((struct charset){ CHARSET_ASCII, NULL, NULL }) /* make the best of it */

/* Call before the jail (and before fork: children share the memory). Never NULL. */
struct charsets *charsets_open(void);
void charsets_close(struct charsets **cs);

/* By its name or an alias, case and "-", "_" not minded. set may be NULL: then only our own
 * tables. false if unknown (or if its module was not there); *out is then CHARSET_UNKNOWN. */
bool charset_find(const struct charsets *set, struct bytes name, struct charset *out);

/* A text that arrives in pieces. iconv keeps shift states in the set: one stream at a time. */
struct charset_stream {
	struct charset charset;
	uint8_t held[8]; /* a character whose end is still to come */
	size_t nheld;
};

void charset_begin(struct charset_stream *s, struct charset charset);
void charset_feed(struct charset_stream *s, struct bytes in, struct buf *utf8);
void charset_end(struct charset_stream *s, struct buf *utf8);

/* All at once. */
void charset_to_utf8(struct charset charset, struct bytes in, struct buf *utf8);

#endif
