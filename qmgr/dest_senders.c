/* SPDX-License-Identifier: ISC */
/*
 * qmgr/dest_senders.c - inside a destination: senders take turns, and each one's messages; who
 * waits in memory and who is parked.
 *
 * How many items may wait in memory is not a fixed number: a sender may have as many as there is
 * room left for all, so one alone gets half of the room, and newcomers always find some.
 *
 * Runs in:  qmgr. Pure.
 */
#include <stdlib.h>

#include "destination_private.h"

#define RELEASE_AHEAD 64 /* items that a sender with parked messages should have */
#define SENDER_LEAST  50 /* a sender may have so many, even if others fill the destination */
#define SHARED        64 /* turns for those without one of their own */

/* Items of one message that travel together. */
struct dest_bundle {
	TAILQ_ENTRY(dest_bundle) link;
	uint64_t message, kind;
	struct dest_item_list items;
};

struct dest_sender {
	LIST_ENTRY(dest_sender) bucket;
	TAILQ_ENTRY(dest_sender) all, turn, want;
	struct destination *destination;
	uint64_t key;
	TAILQ_HEAD(, dest_bundle) bundles;
	struct dest_bundle *latest; /* where the next item of the same message goes */
	uint32_t items, coming;     /* coming: released, and not offered yet */
	bool wants;
	struct ring parked;
};

static unsigned
bucket_of(const struct destination *d, uint64_t key)
{
	uint64_t h = (key ^ d->number) * UINT64_C(0x9e3779b97f4a7c15);

	return (unsigned)((h >> 32) % DEST_SENDER_BUCKETS);
}

static struct dest_sender *
find(const struct destinations *ds, const struct destination *d, uint64_t key)
{
	struct dest_sender *s;

	LIST_FOREACH (s, &ds->sender_buckets[bucket_of(d, key)], bucket)
		if (s->key == key && s->destination == d)
			return s;
	return NULL;
}

static struct dest_sender *
get(struct destinations *ds, struct destination *d, uint64_t key)
{
	struct dest_sender *s = find(ds, d, key);

	if (s == NULL && ds->n_senders >= DEST_SENDERS_MAX) {
		key %= SHARED;
		s = find(ds, d, key);
	}
	if (s != NULL)
		return s;
	s = xcalloc(1, sizeof(*s));
	s->destination = d;
	s->key = key;
	TAILQ_INIT(&s->bundles);
	TAILQ_INSERT_TAIL(&d->senders, s, all);
	LIST_INSERT_HEAD(&ds->sender_buckets[bucket_of(d, key)], s, bucket);
	ds->n_senders++;
	return s;
}

/* Into the lists where it belongs, or forgotten. */
static void
update(struct destinations *ds, struct dest_sender *s)
{
	struct destination *d = s->destination;
	const bool wants = s->parked.n > 0 && s->items + s->coming < RELEASE_AHEAD;

	if (wants && !s->wants)
		TAILQ_INSERT_TAIL(&d->wanting, s, want);
	else if (!wants && s->wants)
		TAILQ_REMOVE(&d->wanting, s, want);
	s->wants = wants;
	if (s->items > 0 || s->parked.n > 0)
		return;
	TAILQ_REMOVE(&d->senders, s, all);
	LIST_REMOVE(s, bucket);
	ds->n_senders--;
	ring_free(&s->parked);
	free(s);
}

void
dest_senders_want(struct destination *d)
{
	struct dest_sender *s;

	TAILQ_FOREACH (s, &d->senders, all) {
		s->coming = 0;
		if (!s->wants && s->parked.n > 0 && s->items < RELEASE_AHEAD) {
			TAILQ_INSERT_TAIL(&d->wanting, s, want);
			s->wants = true;
		}
	}
}

/* ---- items ---- */

static struct dest_bundle *
bundle_new(struct dest_sender *s, const struct dest_owner *o, bool in_front)
{
	struct dest_bundle *b = xcalloc(1, sizeof(*b));

	b->message = o->message;
	b->kind = o->kind;
	TAILQ_INIT(&b->items);
	s->latest = b;
	if (in_front)
		TAILQ_INSERT_HEAD(&s->bundles, b, link);
	else
		TAILQ_INSERT_TAIL(&s->bundles, b, link);
	return b;
}

static bool
is_of(const struct dest_bundle *b, const struct dest_owner *o)
{
	return b != NULL && b->message == o->message && b->kind == o->kind;
}

static void
add(struct destinations *ds, struct dest_sender *s, struct dest_bundle *b, struct dest_item *item)
{
	TAILQ_INSERT_TAIL(&b->items, item, link);
	if (s->items++ == 0)
		TAILQ_INSERT_TAIL(&s->destination->turns, s, turn);
	s->destination->items++;
	ds->items++;
}

static void
remove_bundle(struct dest_sender *s, struct dest_bundle *b)
{
	TAILQ_REMOVE(&s->bundles, b, link);
	if (s->latest == b)
		s->latest = NULL;
	free(b);
}

static void
remove_item(struct destinations *ds, struct dest_sender *s, struct dest_bundle *b,
	struct dest_item *item)
{
	TAILQ_REMOVE(&b->items, item, link);
	if (--s->items == 0)
		TAILQ_REMOVE(&s->destination->turns, s, turn);
	s->destination->items--;
	ds->items--;
}

static bool
is_full(const struct destinations *ds, const struct destination *d, const struct dest_sender *s)
{
	const uint32_t left = ds->items < DEST_ITEMS_MAX ? DEST_ITEMS_MAX - ds->items : 0;

	if (ds->items >= 2 * DEST_ITEMS_MAX)
		return true;
	if (s->items == 0)
		return false;
	return s->items >= left || (d->items >= left && s->items >= SENDER_LEAST);
}

/* One job may find out whether it is dead still: one message. */
static bool
may_probe(const struct destination *d, const struct dest_sender *s, const struct dest_owner *o,
	uint64_t now_us)
{
	return !destination_is_dead(d, now_us) && (d->items == 0 || is_of(s->latest, o));
}

enum dest_taken
destination_offer(struct destinations *ds, struct destination *d, const struct dest_owner *o,
	struct dest_item *item, uint64_t now_us)
{
	struct dest_sender *s = get(ds, d, o->sender);
	enum dest_taken taken = DEST_TAKEN;

	if (s->coming > 0)
		s->coming--;
	if (d->state == DEST_DEAD && !may_probe(d, s, o, now_us))
		taken = DEST_IS_DEAD;
	else if (is_full(ds, d, s))
		taken = DEST_FULL;
	if (taken == DEST_TAKEN)
		add(ds, s, is_of(s->latest, o) ? s->latest : bundle_new(s, o, false), item);
	update(ds, s);
	destination_update(ds, d, now_us);
	return taken;
}

void
destination_return(struct destinations *ds, struct destination *d, const struct dest_owner *o,
	struct dest_item *item, uint64_t now_us)
{
	struct dest_sender *s = get(ds, d, o->sender);
	struct dest_bundle *first = TAILQ_FIRST(&s->bundles);

	add(ds, s, is_of(first, o) ? first : bundle_new(s, o, true), item);
	update(ds, s);
	destination_update(ds, d, now_us);
}

void
destination_take_back(struct destinations *ds, struct destination *d, struct dest_item_list *items,
	uint64_t now_us)
{
	struct dest_sender *s;
	struct dest_bundle *b;
	struct dest_item *item;

	while ((s = TAILQ_FIRST(&d->turns)) != NULL) {
		while ((b = TAILQ_FIRST(&s->bundles)) != NULL) {
			while ((item = TAILQ_FIRST(&b->items)) != NULL) {
				remove_item(ds, s, b, item);
				TAILQ_INSERT_TAIL(items, item, link);
			}
			remove_bundle(s, b);
		}
		update(ds, s);
	}
	destination_update(ds, d, now_us);
}

void
dest_turn(struct destinations *ds, struct destination *d, unsigned max, uint32_t size_max,
	struct dest_batch *out)
{
	struct dest_sender *s = TAILQ_FIRST(&d->turns);
	struct dest_bundle *b = TAILQ_FIRST(&s->bundles);
	struct dest_item *item;
	uint32_t size = 0;

	out->n = 0;
	while ((item = TAILQ_FIRST(&b->items)) != NULL && out->n < max &&
		(out->n == 0 || size + item->size <= size_max)) {
		size += item->size;
		remove_item(ds, s, b, item);
		out->items[out->n++] = item;
	}
	if (TAILQ_EMPTY(&b->items)) {
		remove_bundle(s, b);
	} else {
		TAILQ_REMOVE(&s->bundles, b, link);
		TAILQ_INSERT_TAIL(&s->bundles, b, link);
	}
	if (s->items > 0) {
		TAILQ_REMOVE(&d->turns, s, turn);
		TAILQ_INSERT_TAIL(&d->turns, s, turn);
	}
	update(ds, s);
}

/* ---- parked messages ---- */

/* Ids that left another way are in the line still: not more of those than of others. */
static void
tidy(struct destinations *ds, struct dest_sender *s)
{
	const size_t n = s->parked.n;

	if (n < 1024 || n < 2 * (size_t)s->destination->parked)
		return;
	for (size_t i = 0; i < n; i++) {
		const uint64_t id = ring_take(&s->parked);

		if (ds->is_parked(ds->ctx, s->destination, id))
			ring_put(&s->parked, id);
	}
}

void
destination_park(struct destinations *ds, struct destination *d, uint64_t sender, uint64_t id,
	uint64_t now_us)
{
	struct dest_sender *s = get(ds, d, sender);

	tidy(ds, s);
	ring_put(&s->parked, id);
	d->parked++;
	ds->parked++;
	update(ds, s);
	destination_update(ds, d, now_us);
}

void
destination_unpark(struct destinations *ds, struct destination *d, uint64_t now_us)
{
	ASSERT(d->parked > 0);
	d->parked--;
	ds->parked--;
	destination_update(ds, d, now_us);
}

/* The next id of this sender that is there still. */
static bool
take_parked(struct destinations *ds, struct dest_sender *s, uint64_t *id)
{
	while (s->parked.n > 0) {
		*id = ring_take(&s->parked);
		if (ds->is_parked(ds->ctx, s->destination, *id))
			return true;
	}
	return false;
}

static bool
release(struct destinations *ds, struct destination *d, uint64_t now_us, uint64_t *id)
{
	struct dest_sender *s = TAILQ_FIRST(&d->wanting);
	const bool found = s != NULL && take_parked(ds, s, id);

	if (s == NULL)
		return false;
	TAILQ_REMOVE(&d->wanting, s, want); /* behind the others */
	s->wants = false;
	if (found) {
		s->coming++;
		d->parked--;
		ds->parked--;
		if (d->released_us == 0)
			d->released_us = now_us;
	}
	update(ds, s);
	return found;
}

struct destination *
destinations_release(struct destinations *ds, uint64_t now_us, uint64_t *id)
{
	struct destination *d;

	while (ds->items < DEST_ITEMS_MAX && (d = TAILQ_FIRST(&ds->releasing)) != NULL) {
		const bool found = release(ds, d, now_us, id);
		const bool empty = TAILQ_EMPTY(&d->wanting);

		TAILQ_REMOVE(&ds->releasing, d, releasing);
		d->in_releasing = false;
		if (found || !empty)
			destination_update(ds, d, now_us);
		if (found)
			return d;
	}
	return NULL;
}

void
destination_passed_by(
	struct destinations *ds, struct destination *d, uint64_t sender, uint64_t now_us)
{
	struct dest_sender *s = find(ds, d, sender);

	if (s != NULL && s->coming > 0) {
		s->coming--;
		update(ds, s);
	}
	if (d->state == DEST_DEAD && d->items == 0)
		d->released_us = 0;
	destination_update(ds, d, now_us);
}

void
dest_senders_free(struct destinations *ds, struct destination *d)
{
	struct dest_sender *s;

	while ((s = TAILQ_FIRST(&d->senders)) != NULL) {
		struct dest_bundle *b = TAILQ_FIRST(&s->bundles), *next;

		for (; b != NULL; b = next) {
			next = TAILQ_NEXT(b, link);
			free(b);
		}
		ds->items -= s->items;
		s->items = 0;
		ring_free(&s->parked);
		if (s->wants)
			TAILQ_REMOVE(&d->wanting, s, want);
		s->wants = false;
		update(ds, s);
	}
}
