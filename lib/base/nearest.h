/* SPDX-License-Identifier: ISC */
/* lib/base/nearest.h - "did you mean": of some names, the one most like a misspelt word. */
#ifndef RELAIS_NEAREST_H
#define RELAIS_NEAREST_H

#include "bytes.h"

struct nearest {
	struct bytes word;
	unsigned best;      /* its distance */
	struct bytes found; /* borrowed from the candidate; empty: none is like the word */
};

struct nearest nearest_to(struct bytes word);
void nearest_consider(struct nearest *n, struct bytes candidate);

#endif
