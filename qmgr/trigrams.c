/* SPDX-License-Identifier: ISC */
/*
 * qmgr/trigrams.c - see the header.
 *
 * Runs in:  qmgr. Pure. Trusts: nothing; a host that fills the set has its messages read in vain.
 */
#include "trigrams.h"

#include "fnv.h"

void
trigrams_add(struct trigrams *t, struct bytes text)
{
	for (; text.n >= 3; text = bytes_skip(text, 1)) {
		const uint32_t h = fnv_nocase(FNV_START, bytes_head(text, 3));
		const uint32_t bit = (h ^ h >> 8 ^ h >> 16) % 256;

		t->bits[bit / 64] |= UINT64_C(1) << bit % 64;
	}
}

void
trigrams_fill(struct trigrams *t)
{
	memset(t, 0xff, sizeof(*t));
}

bool
trigrams_cover(const struct trigrams *have, const struct trigrams *want)
{
	for (size_t i = 0; i < NITEMS(want->bits); i++)
		if ((want->bits[i] & ~have->bits[i]) != 0)
			return false;
	return true;
}
