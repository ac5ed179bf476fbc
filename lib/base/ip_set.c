/* SPDX-License-Identifier: ISC */
/*
 * lib/base/ip_set.c - a hash table of address blocks, see the header.
 *
 * Open addressing with linear probing, at most half full; an entry that goes lets those behind
 * it move up, so there are no graves. The hash is keyed: addresses come from strangers.
 */
#include "ip_set.h"

#include <stdlib.h>

#include "buf.h"
#include "random.h"
#include "siphash.h"

#define FIRST_SIZE 16

struct ip_set {
	struct siphash_key key;
	struct ip_set_entry *slots; /* family 0: empty */
	size_t size, count;         /* size is a power of two */
	uint32_t widths[2][129];    /* how many blocks of each prefix: IPv4, IPv6 */
};

struct ip_set *
ip_set_new(void)
{
	struct ip_set *s = xcalloc(1, sizeof(*s));

	random_fill(&s->key, sizeof(s->key));
	s->size = FIRST_SIZE;
	s->slots = xcalloc(s->size, sizeof(*s->slots));
	return s;
}

void
ip_set_free(struct ip_set **sp)
{
	struct ip_set *s = *sp;

	*sp = NULL;
	if (s == NULL)
		return;
	free(s->slots);
	free(s);
}

void
ip_set_clear(struct ip_set *s)
{
	free(s->slots);
	s->size = FIRST_SIZE;
	s->slots = xcalloc(s->size, sizeof(*s->slots));
	s->count = 0;
	memset(s->widths, 0, sizeof(s->widths));
}

size_t
ip_set_count(const struct ip_set *s)
{
	return s->count;
}

static uint32_t *
width_of(struct ip_set *s, const struct ip_block *b)
{
	return &s->widths[b->family == 6][b->prefix];
}

static size_t
home_of(const struct ip_set *s, const struct ip_block *b)
{
	uint8_t octets[18] = { b->family, b->prefix };

	memcpy(octets + 2, b->addr, sizeof(b->addr));
	return siphash(&s->key, bytes_make(octets, sizeof(octets))) & (s->size - 1);
}

/* Where it is, or where it would go. */
static size_t
slot_of(const struct ip_set *s, const struct ip_block *b)
{
	size_t i = home_of(s, b);

	while (s->slots[i].block.family != 0 && !ip_block_equal(&s->slots[i].block, b))
		i = (i + 1) & (s->size - 1);
	return i;
}

static void
resize(struct ip_set *s, size_t size)
{
	struct ip_set_entry *old = s->slots;
	size_t n = s->size;

	s->slots = xcalloc(size, sizeof(*s->slots));
	s->size = size;
	for (size_t i = 0; i < n; i++)
		if (old[i].block.family != 0)
			s->slots[slot_of(s, &old[i].block)] = old[i];
	free(old);
}

void
ip_set_put(struct ip_set *s, const struct ip_block *block, uint64_t value)
{
	size_t i;

	ASSERT(ip_block_valid(block));
	i = slot_of(s, block);
	if (s->slots[i].block.family == 0) {
		if ((s->count + 1) * 2 > s->size) {
			resize(s, s->size * 2);
			i = slot_of(s, block);
		}
		s->slots[i].block = *block;
		s->count++;
		++*width_of(s, block);
	}
	s->slots[i].value = value;
}

bool
ip_set_del(struct ip_set *s, const struct ip_block *block)
{
	size_t mask = s->size - 1, hole = slot_of(s, block), i = hole;

	if (s->slots[hole].block.family == 0)
		return false;
	--*width_of(s, block);
	s->count--;
	for (;;) {
		s->slots[hole] = (struct ip_set_entry){ .value = 0 };
		do {
			i = (i + 1) & mask;
			if (s->slots[i].block.family == 0)
				return true;
			/* it may fill the hole unless its home lies between the two */
		} while (((i - home_of(s, &s->slots[i].block)) & mask) < ((i - hole) & mask));
		s->slots[hole] = s->slots[i];
		hole = i;
	}
}

const struct ip_set_entry *
ip_set_get(const struct ip_set *s, const struct ip_block *block)
{
	const struct ip_set_entry *e = &s->slots[slot_of(s, block)];

	return e->block.family == 0 ? NULL : e;
}

const struct ip_set_entry *
ip_set_holding(const struct ip_set *s, const struct ip_block *block, unsigned *cursor)
{
	const uint32_t *widths = s->widths[block->family == 6];
	const struct ip_set_entry *e;

	if (s->count == 0 || block->family == 0)
		return NULL;
	for (; *cursor <= block->prefix; ++*cursor) {
		struct ip_block wide;

		if (widths[*cursor] == 0)
			continue;
		wide = ip_block_widen(*block, (uint8_t)*cursor);
		if ((e = ip_set_get(s, &wide)) != NULL) {
			++*cursor;
			return e;
		}
	}
	return NULL;
}
