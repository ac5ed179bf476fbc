/* SPDX-License-Identifier: ISC */
/*
 * lib/base/ip_set.h - address blocks of any width, each with a number, and the question which
 * of them hold an address: one probe for each width that occurs.
 *
 * Not bounded by itself: the owner decides how many blocks there may be.
 */
#ifndef RELAIS_IP_SET_H
#define RELAIS_IP_SET_H

#include "ip_block.h"

struct ip_set;

struct ip_set_entry {
	struct ip_block block;
	uint64_t value; /* the owner's */
};

struct ip_set *ip_set_new(void);
void ip_set_free(struct ip_set **s); /* NULL is fine; sets NULL */
void ip_set_clear(struct ip_set *s);
size_t ip_set_count(const struct ip_set *s);

/* Add, or change the value of exactly this block. */
void ip_set_put(struct ip_set *s, const struct ip_block *block, uint64_t value);

/* false if exactly this block isn't there */
bool ip_set_del(struct ip_set *s, const struct ip_block *block);

/* Exactly this block; NULL if it isn't there. Valid until the next change. */
const struct ip_set_entry *ip_set_get(const struct ip_set *s, const struct ip_block *block);

/* The blocks that hold all of this one, one after the other, the widest first; NULL after the
 * last. *cursor is 0 at first. No change of the set in between. */
const struct ip_set_entry *ip_set_holding(
	const struct ip_set *s, const struct ip_block *block, unsigned *cursor);

#endif
