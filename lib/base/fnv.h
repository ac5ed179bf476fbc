/* SPDX-License-Identifier: ISC */
/*
 * lib/base/fnv.h - FNV-1a, for tables of bounded size where who finds collisions gains nothing; all
 * others take siphash.h.
 */
#ifndef RELAIS_FNV_H
#define RELAIS_FNV_H

#include "bytes.h"

#define FNV_START 2166136261u

/* h: FNV_START, or what came before. */
static inline uint32_t
fnv(uint32_t h, struct bytes b)
{
	for (size_t i = 0; i < b.n; i++)
		h = (h ^ b.p[i]) * 16777619u;
	return h;
}

/* The same whatever the letters' case. */
static inline uint32_t
fnv_nocase(uint32_t h, struct bytes b)
{
	for (size_t i = 0; i < b.n; i++)
		h = (h ^ ascii_lower(b.p[i])) * 16777619u;
	return h;
}

#endif
