/* SPDX-License-Identifier: ISC */
/*
 * resolver/fresh.h - engines that remember nothing: for the rare question whose asker knows that
 * something has just been changed.
 *
 * libunbound cannot be told to forget, and its limits of TTLs are the process'. So such a question
 * goes to an engine with an empty cache. Each of these answers for FRESH_MS, so that what belongs
 * together (a record, the keys that sign it) is asked for once, and goes when it has nothing under
 * way; there are FRESH_ENGINES at most, and if all are busy the youngest answers.
 */
#ifndef RELAIS_RESOLVER_FRESH_H
#define RELAIS_RESOLVER_FRESH_H

#include "engine.h"

#define FRESH_MS      2000
#define FRESH_ENGINES 4

struct fresh {
	struct event_base *base;
	struct engine_setup setup; /* what it borrows stays where it is */
	struct {
		struct engine *engine;
		uint64_t born_ms;
	} slots[FRESH_ENGINES];
};

void fresh_init(struct fresh *f, struct event_base *base, const struct engine_setup *setup);
void fresh_free(struct fresh *f); /* nobody is answered any more */

/* One to ask now; not from within an engine's answer. NULL: there is none. */
struct engine *fresh_engine(struct fresh *f, uint64_t now_ms);

#endif
