/* SPDX-License-Identifier: ISC */
/*
 * resolver/engine.h - libunbound in our event loop: recursion or forwarding, DNSSEC, the cache.
 *
 * A question's answer may come from within engine_ask(): that is how one sees that it was in the
 * cache. Else it comes later, in seconds or, from a dead server, in a minute; who does not want to
 * wait so long has timers of his own.
 */
#ifndef RELAIS_ENGINE_H
#define RELAIS_ENGINE_H

#include <event2/event.h>

#include "bytes.h"
#include "resolver_conf.h"

enum engine_security {
	ENGINE_INSECURE,
	ENGINE_BOGUS,
	ENGINE_SECURE
};

struct engine;

struct engine_result {
	int rcode; /* not 0: there is no packet */
	enum engine_security security;
	struct bytes packet; /* the answer as on the wire; with ENGINE_BOGUS not to be believed */
	const char *why;     /* it is bogus or failed; may be NULL */
};

/* One question, within a struct of the caller's; lives until done() or engine_cancel(). */
struct engine_question {
	void (*done)(struct engine_question *q, const struct engine_result *result);
	struct engine *engine; /* the rest is the engine's */
	int id;
};

struct engine_setup {
	const struct resolver_conf *conf;
	const char *const *forwarders; /* "ADDRESS@PORT" */
	size_t nforwarders;            /* 0: recursion */
	struct bytes anchor;           /* the trust anchor file's text; empty: no DNSSEC */
	unsigned sockets, streams;     /* for UDP and TCP, that may be open at once */
};

/* NULL: libunbound does not want it (the log says why). */
struct engine *engine_new(struct event_base *base, const struct engine_setup *setup);
void engine_free(struct engine **e); /* NULL is fine; nobody is answered any more */

/*
 * name: presentation form, ASCII.
 * returns: ERR_OK: done is called exactly once, perhaps already; ERR_SYNTAX, ERR_RESOURCE: never
 */
MUST_USE int engine_ask(
	struct engine *e, const char *name, uint16_t type, struct engine_question *q);

/* done will not be called. Not after it was. */
void engine_cancel(const struct engine_question *q);

bool engine_is_idle(const struct engine *e); /* no question of it is under way */

#endif
