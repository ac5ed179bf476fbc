/* SPDX-License-Identifier: ISC */
/* tests/unit/qmgr/dest_world.c - see the header. */
#include "dest_world.h"

#include <stdlib.h>

static bool
is_parked(void *ctx, const struct destination *d, uint64_t id)
{
	const struct world *w = ctx;

	return id < PARKED && w->parked[id] == d->number;
}

int
world_setup(void **state)
{
	struct world *w = xcalloc(1, sizeof(*w));

	w->conf = (struct destination_conf){ .window_first = 5,
		.window_max = 20,
		.jobs_max = 1000,
		.retry_us = MINUTE,
		.retry_max_us = 10 * MINUTE };
	w->now = SECOND;
	w->items = xcalloc(ITEMS, sizeof(*w->items));
	w->parked = xcalloc(PARKED, sizeof(*w->parked));
	destinations_init(&w->ds, &w->conf, is_parked, w);
	*state = w;
	return 0;
}

int
world_teardown(void **state)
{
	struct world *w = *state;

	destinations_free(&w->ds);
	free(w->items);
	free(w->parked);
	free(w);
	return 0;
}

struct destination *
get(struct world *w, const char *hop)
{
	struct destination *d = destination_get(&w->ds, bytes_from_str(hop), w->now);

	assert_non_null(d);
	return d;
}

enum dest_taken
offer(struct world *w, struct destination *d, uint64_t sender, uint64_t message)
{
	struct test_item *i = &w->items[w->n_items++ % ITEMS];
	const struct dest_owner o = { sender, message, 0 };

	i->sender = sender;
	i->message = message;
	i->item.size = 60;
	return destination_offer(&w->ds, d, &o, &i->item, w->now);
}

bool
next(struct world *w, struct dest_batch *b)
{
	return destinations_next(&w->ds, 50, 1 << 20, w->now, b);
}

const struct test_item *
item_of(const struct dest_batch *b, unsigned i)
{
	return (const struct test_item *)b->items[i];
}

bool
result(struct world *w, const struct dest_batch *b, enum dest_outcome outcome)
{
	const struct dest_result r = { .number = b->number,
		.outcome = outcome,
		.took_us = 10000,
		.code = BYTES_LITERAL("4.4.1"),
		.reason = BYTES_LITERAL("nobody there") };

	return destination_result(&w->ds, b->destination, &r, w->now);
}

unsigned
send_all(struct world *w, struct dest_batch *out, unsigned max)
{
	unsigned n = 0;

	while (n < max && next(w, &out[n]))
		n++;
	return n;
}

void
rounds(struct world *w, struct destination *d, unsigned n, enum dest_outcome outcome)
{
	static struct dest_batch b[100];

	while (n-- > 0) {
		while (d->items < 100)
			assert_int_equal(offer(w, d, 1, w->n_items), DEST_TAKEN);
		for (unsigned k = send_all(w, b, NITEMS(b)); k > 0; k--)
			if (result(w, &b[k - 1], outcome))
				return;
	}
}

unsigned
take_back(struct world *w, struct destination *d)
{
	struct dest_item_list items = TAILQ_HEAD_INITIALIZER(items);
	const struct dest_item *i;
	unsigned n = 0;

	destination_take_back(&w->ds, d, &items, w->now);
	TAILQ_FOREACH (i, &items, link)
		n++;
	return n;
}

void
park(struct world *w, struct destination *d, uint64_t sender, uint64_t id)
{
	w->parked[id] = d->number;
	destination_park(&w->ds, d, sender, id, w->now);
}

struct destination *
release(struct world *w, uint64_t *id)
{
	struct destination *d = destinations_release(&w->ds, w->now, id);

	if (d != NULL)
		w->parked[*id] = 0;
	return d;
}
