/* SPDX-License-Identifier: ISC */
/* lib/proto/utf8.h - UTF-8 (RFC 3629), and lower case for comparing texts. */
#ifndef RELAIS_UTF8_H
#define RELAIS_UTF8_H

#include "buf.h"

#define UTF8_REPLACEMENT 0xfffd

/* The character at the front of b: its octets, 1 to 4, and *c; 0 if there is no whole, valid one
 * (no surrogates, no overlong forms, not above U+10FFFF). */
size_t utf8_get(struct bytes b, uint32_t *c);

/* How many octets at the front of b are ASCII. */
size_t utf8_ascii_len(struct bytes b);

/* Append a character (at most U+10FFFF, no surrogate: those become U+FFFD). */
void utf8_put(struct buf *out, uint32_t c);

/* true if all of b is UTF-8. */
bool utf8_is_valid(struct bytes b);

/* The simple lower case of a character: Latin, Greek, Cyrillic, Armenian, Georgian capitals, full
 * width forms; others stay. */
uint32_t utf8_lower(uint32_t c);

/*
 * Append b in the form in which texts are compared: lower case, Latin letters with accents
 * taken apart into letter and combining mark (so both spellings are one), and octets that
 * are not UTF-8 as U+FFFD.
 */
void utf8_fold(struct bytes b, struct buf *out);

#endif
