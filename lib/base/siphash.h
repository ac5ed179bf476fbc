/* SPDX-License-Identifier: ISC */
/* lib/base/siphash.h - SipHash-2-4: a keyed hash for tables whose keys come from outside. */
#ifndef RELAIS_SIPHASH_H
#define RELAIS_SIPHASH_H

#include "bytes.h"

struct siphash_key {
	uint64_t k[2];
};

uint64_t siphash(const struct siphash_key *key, struct bytes b);

#endif
