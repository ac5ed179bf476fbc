/* SPDX-License-Identifier: ISC */
/* resolver/fresh.c - engines that remember nothing. Runs in: resolver. */
#include "fresh.h"

#define SOCKETS 64 /* of one: its questions are few */
#define STREAMS 10

void
fresh_init(struct fresh *f, struct event_base *base, const struct engine_setup *setup)
{
	*f = (struct fresh){ .base = base, .setup = *setup };
	f->setup.sockets = SOCKETS;
	f->setup.streams = STREAMS;
}

void
fresh_free(struct fresh *f)
{
	for (size_t i = 0; i < FRESH_ENGINES; i++)
		engine_free(&f->slots[i].engine);
}

struct engine *
fresh_engine(struct fresh *f, uint64_t now_ms)
{
	size_t youngest = 0, idle = FRESH_ENGINES;

	for (size_t i = 0; i < FRESH_ENGINES; i++) {
		if (f->slots[i].engine == NULL || engine_is_idle(f->slots[i].engine))
			idle = i;
		if (f->slots[i].born_ms > f->slots[youngest].born_ms)
			youngest = i;
	}
	if (f->slots[youngest].engine != NULL &&
		(now_ms - f->slots[youngest].born_ms < FRESH_MS || idle == FRESH_ENGINES))
		return f->slots[youngest].engine;
	if (f->slots[idle].engine != NULL)
		engine_free(&f->slots[idle].engine);
	f->slots[idle].engine = engine_new(f->base, &f->setup);
	f->slots[idle].born_ms = now_ms;
	return f->slots[idle].engine;
}
