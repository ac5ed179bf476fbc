/* SPDX-License-Identifier: ISC */
/*
 * qmgr/trigrams.h - which words could stand in some texts, in 32 octets: a bit for each run of
 * three octets, letters' case aside. What was not added may seem to be there (of ten letters, one
 * time in hundreds behind an answer of 200), never the other way round. Pure.
 */
#ifndef RELAIS_QMGR_TRIGRAMS_H
#define RELAIS_QMGR_TRIGRAMS_H

#include "bytes.h"

struct trigrams { /* zeros: empty */
	uint64_t bits[4];
};

void trigrams_add(struct trigrams *t, struct bytes text);

/* As if it had all there are. */
void trigrams_fill(struct trigrams *t);

/* false: not all that was added to want was added to have. */
bool trigrams_cover(const struct trigrams *have, const struct trigrams *want);

#endif
