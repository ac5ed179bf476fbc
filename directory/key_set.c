/* SPDX-License-Identifier: ISC */
/* directory/key_set.c - keys that were met before, see the header. */
#include "key_set.h"

#include "siphash.h"

/* The slot that has the key, or the free one where it belongs. */
static struct bytes *
set_slot(struct bytes *slots, size_t cap, struct bytes key)
{
	static const struct siphash_key fixed = { { 0, 0 } }; /* who writes tables is no attacker */
	size_t i = (size_t)siphash(&fixed, key) & (cap - 1);

	while (slots[i].n > 0 && !bytes_equal(slots[i], key))
		i = (i + 1) & (cap - 1);
	return &slots[i];
}

bool
key_set_add(struct key_set *s, struct arena *a, struct bytes key)
{
	struct bytes *slot;

	if (s->n * 2 >= s->cap) {
		size_t cap = s->cap == 0 ? 32 : s->cap * 2;
		struct bytes *slots = arena_zalloc(a, cap * sizeof(*slots));

		for (size_t i = 0; i < s->cap; i++)
			if (s->slots[i].n > 0)
				*set_slot(slots, cap, s->slots[i]) = s->slots[i];
		s->slots = slots;
		s->cap = cap;
	}
	slot = set_slot(s->slots, s->cap, key);
	if (slot->n > 0)
		return false;
	*slot = key;
	s->n++;
	return true;
}
