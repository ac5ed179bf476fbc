/* SPDX-License-Identifier: ISC */
/*
 * lib/base/bytes.h - a borrowed run of octets: pointer and length, any octet allowed.
 *
 * Nothing here allocates or owns; a struct bytes lives as long as what it points into.
 * Letters are compared without case only where a function's name says so, and then only
 * A-Z: no locale (RFC 5321 sec. 2.4).
 */
#ifndef RELAIS_BYTES_H
#define RELAIS_BYTES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "check.h"

struct bytes {
	const uint8_t *p;
	size_t n;
};

#define BYTES_NONE       ((struct bytes){ NULL, 0 })
#define BYTES_LITERAL(s) ((struct bytes){ (const uint8_t *)("" s ""), sizeof(s) - 1 })
#define BYTES_NOT_FOUND  ((size_t)-1)

static inline struct bytes
bytes_make(const void *p, size_t n)
{
	return (struct bytes){ (const uint8_t *)p, n };
}

static inline struct bytes
bytes_from_str(const char *s)
{
	return (struct bytes){ (const uint8_t *)s, s == NULL ? 0 : strlen(s) };
}

/* b without its first n octets (all of them if n is larger) */
static inline struct bytes
bytes_skip(struct bytes b, size_t n)
{
	if (n > b.n)
		n = b.n;
	return (struct bytes){ b.n == 0 ? b.p : b.p + n, b.n - n };
}

/* the first n octets of b (all of them if n is larger) */
static inline struct bytes
bytes_head(struct bytes b, size_t n)
{
	return (struct bytes){ b.p, n < b.n ? n : b.n };
}

static inline uint8_t
ascii_lower(uint8_t c)
{
	return (uint8_t)(c >= 'A' && c <= 'Z' ? c + 32 : c);
}

static inline uint8_t
ascii_upper(uint8_t c)
{
	return (uint8_t)(c >= 'a' && c <= 'z' ? c - 32 : c);
}

static inline bool
ascii_is_digit(uint8_t c)
{
	return c >= '0' && c <= '9';
}

static inline bool
ascii_is_alpha(uint8_t c)
{
	c = ascii_lower(c);
	return c >= 'a' && c <= 'z';
}

bool bytes_equal(struct bytes a, struct bytes b);
bool bytes_equal_nocase(struct bytes a, struct bytes b);
bool bytes_is(struct bytes a, const char *s);        /* equal to a string */
bool bytes_is_nocase(struct bytes a, const char *s); /* the same without case */
bool bytes_starts_with(struct bytes b, struct bytes head);
bool bytes_starts_with_nocase(struct bytes b, struct bytes head);

/* Order as memcmp, shorter first: < 0, 0, > 0. */
int bytes_compare(struct bytes a, struct bytes b);

/* Offset of the first (last) c, or BYTES_NOT_FOUND. */
size_t bytes_find(struct bytes b, uint8_t c);
size_t bytes_find_last(struct bytes b, uint8_t c);

/* Offset of the first occurrence of what, or BYTES_NOT_FOUND; an empty what is at 0. */
size_t bytes_search(struct bytes b, struct bytes what);

/* b without the blanks and tabs (and CR, LF) at both ends. */
struct bytes bytes_trim(struct bytes b);

/*
 * Cut *rest at the first c: returns what stands before it and sets *rest to what
 * follows. Without c all of *rest is returned, and *rest becomes empty.
 */
struct bytes bytes_cut(struct bytes *rest, uint8_t c);

/*
 * A decimal number of 1 to 20 digits and nothing else, at most max.
 * returns: ERR_OK; ERR_SYNTAX (not a number); ERR_LIMIT (over max)
 */
MUST_USE int bytes_to_u64(struct bytes b, uint64_t max, uint64_t *out);

/* Copy as a C string, cut at size - 1 octets; NULs become '?'. Returns out. For logs. */
char *bytes_to_str(struct bytes b, char *out, size_t size);

#endif
