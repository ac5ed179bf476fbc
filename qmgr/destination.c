/* SPDX-License-Identifier: ISC */
/*
 * qmgr/destination.c - destinations: found, made and forgotten; how they fare.
 *
 * Runs in:  qmgr. Pure.
 */
#include "destination.h"

#include <stdlib.h>
#include <string.h>

#include "destination_private.h"
#include "random.h"

#define ONE          DEST_WINDOW_ONE
#define FAILS        3 /* jobs in a row that found nobody: it is dead */
#define BUSY         3 /* times in a row that one job at once was too many */
#define SLOW_PART(n) ((n) - (n) / 4)

/* ---- found, made, forgotten ---- */

void
destinations_init(struct destinations *ds, const struct destination_conf *conf,
	dest_is_parked_fn *is_parked, void *ctx)
{
	memset(ds, 0, sizeof(*ds));
	ds->conf = conf;
	ds->is_parked = is_parked;
	ds->ctx = ctx;
	random_fill(&ds->key, sizeof(ds->key));
	for (unsigned i = 0; i < DEST_LINES; i++)
		TAILQ_INIT(&ds->line[i]);
	TAILQ_INIT(&ds->releasing);
	TAILQ_INIT(&ds->idle);
}

static unsigned
bucket_of(const struct destinations *ds, struct bytes next_hop)
{
	return (unsigned)(siphash(&ds->key, next_hop) % DESTINATION_BUCKETS);
}

static void
forget(struct destinations *ds, struct destination *d)
{
	dest_senders_free(ds, d);
	dest_heap_remove(ds, d);
	if (d->in_line)
		TAILQ_REMOVE(&ds->line[d->slow], d, line);
	if (d->in_releasing)
		TAILQ_REMOVE(&ds->releasing, d, releasing);
	if (d->is_idle)
		TAILQ_REMOVE(&ds->idle, d, idle);
	LIST_REMOVE(d, bucket);
	ds->dead -= d->state == DEST_DEAD;
	ds->n--;
	ds->numbered[d->number - 1] = NULL;
	ring_put(&ds->free_numbers, d->number);
	free(d->reason);
	free(d);
}

void
destinations_free(struct destinations *ds)
{
	for (unsigned i = 0; i < DESTINATION_BUCKETS; i++)
		while (!LIST_EMPTY(&ds->buckets[i]))
			forget(ds, LIST_FIRST(&ds->buckets[i]));
	free(ds->numbered);
	free(ds->heap);
	ring_free(&ds->free_numbers);
}

struct destination *
destination_find(const struct destinations *ds, struct bytes next_hop)
{
	struct destination *d;

	LIST_FOREACH (d, &ds->buckets[bucket_of(ds, next_hop)], bucket)
		if (bytes_equal(d->next_hop, next_hop))
			return d;
	return NULL;
}

struct destination *
destination_numbered(const struct destinations *ds, uint32_t number)
{
	ASSERT(number > 0 && number <= ds->numbered_cap && ds->numbered[number - 1] != NULL);
	return ds->numbered[number - 1];
}

static uint32_t
new_number(struct destinations *ds)
{
	const uint32_t cap = ds->numbered_cap;

	if (ds->free_numbers.n == 0) {
		ds->numbered_cap = cap == 0 ? 64 : cap * 2;
		ds->numbered =
			xrealloc(ds->numbered, ds->numbered_cap * sizeof(struct destination *));
		for (uint32_t i = cap; i < ds->numbered_cap; i++) {
			ds->numbered[i] = NULL;
			ring_put(&ds->free_numbers, i + 1);
		}
	}
	return (uint32_t)ring_take(&ds->free_numbers);
}

struct destination *
destination_get(struct destinations *ds, struct bytes next_hop, uint64_t now_us)
{
	struct destination *d = destination_find(ds, next_hop);
	uint8_t *octets;

	if (d != NULL)
		return d;
	if (ds->n >= DESTINATIONS_MAX && TAILQ_EMPTY(&ds->idle))
		return NULL;
	if (ds->n >= DESTINATIONS_MAX)
		forget(ds, TAILQ_FIRST(&ds->idle));
	d = xcalloc(1, sizeof(*d) + next_hop.n);
	octets = (uint8_t *)(d + 1);
	if (next_hop.n > 0)
		memcpy(octets, next_hop.p, next_hop.n);
	d->next_hop = bytes_make(octets, next_hop.n);
	d->heap_pos = DEST_NOT_IN_HEAP;
	d->window = ds->conf->window_first * ONE;
	d->slow = true;
	TAILQ_INIT(&d->senders);
	TAILQ_INIT(&d->turns);
	TAILQ_INIT(&d->wanting);
	d->number = new_number(ds);
	ds->numbered[d->number - 1] = d;
	ds->n++;
	LIST_INSERT_HEAD(&ds->buckets[bucket_of(ds, next_hop)], d, bucket);
	destination_update(ds, d, now_us);
	return d;
}

/* ---- a job goes ---- */

static struct destination *
next_destination(struct destinations *ds)
{
	const uint32_t most = ds->conf->jobs_max;
	struct destination *d = NULL;

	for (unsigned i = 0; i < DEST_LINES && d == NULL && ds->flying < most; i++) {
		const unsigned line = (ds->next_line + i) % DEST_LINES;

		if (line == 0 || ds->slow_flying < SLOW_PART(most))
			d = TAILQ_FIRST(&ds->line[line]);
	}
	ds->next_line = (ds->next_line + 1) % DEST_LINES;
	return d;
}

bool
destinations_next(struct destinations *ds, unsigned max, uint32_t size_max, uint64_t now_us,
	struct dest_batch *out)
{
	struct destination *d = next_destination(ds);

	if (d == NULL)
		return false;
	dest_turn(ds, d, max < DEST_BATCH_MAX ? max : DEST_BATCH_MAX, size_max, out);
	out->destination = d;
	out->number = ++d->sent;
	d->probing = d->state == DEST_DEAD;
	d->flying++;
	ds->flying++;
	ds->slow_flying += d->slow;
	TAILQ_REMOVE(&ds->line[d->slow], d, line); /* behind the others */
	d->in_line = false;
	destination_update(ds, d, now_us);
	return true;
}

/* ---- a job is back ---- */

static void
set_state(struct destinations *ds, struct destination *d, enum dest_state s)
{
	ds->dead += (uint32_t)(s == DEST_DEAD) - (uint32_t)(d->state == DEST_DEAD);
	d->state = (uint8_t)s;
	d->probing = false;
	d->fails = d->busy = 0;
	d->released_us = 0;
	dest_senders_want(d);
}

static void
die(struct destinations *ds, struct destination *d, const struct dest_result *r, uint64_t now_us)
{
	const struct bytes reason = bytes_head(r->reason, DEST_REASON_MAX);
	const uint64_t longest = ds->conf->retry_max_us;
	uint64_t wait = d->backoff_us == 0 ? ds->conf->retry_us : d->backoff_us * 2;

	wait = wait < longest ? wait : longest;
	set_state(ds, d, DEST_DEAD);
	d->proven = false;
	d->died_at = d->sent;
	d->backoff_us = wait;
	d->until_us = now_us + wait;
	d->window = ds->conf->window_first * ONE;
	free(d->reason);
	d->reason = xmalloc(reason.n + 1);
	bytes_to_str(reason, d->reason, reason.n + 1);
	bytes_to_str(r->code, d->code, sizeof(d->code));
}

static void
shrink(struct destination *d, uint64_t number)
{
	if (number <= d->shrunk_at) /* it was sent before the window became what it is */
		return;
	d->window = d->window / 2 > ONE ? d->window / 2 : ONE;
	d->shrunk_at = d->sent;
}

static void
reached(struct destinations *ds, struct destination *d, const struct dest_result *r)
{
	const uint32_t most = ds->conf->window_max * ONE;

	if (d->state == DEST_DEAD) {
		set_state(ds, d, DEST_ALIVE);
		free(d->reason);
		d->reason = NULL;
	} else if (r->number > d->shrunk_at) {
		d->window += ONE * ONE / d->window; /* one more when all have gone well */
	}
	if (d->window > most)
		d->window = most;
	d->took_us = d->proven ? (d->took_us * 7 + r->took_us) / 8 : r->took_us;
	d->proven = true;
	d->backoff_us = 0;
	d->fails = d->busy = 0;
}

/* Nobody was there. true: it dies. */
static bool
unreachable(struct destination *d, const struct dest_result *r)
{
	if (d->state == DEST_DEAD)
		return r->number > d->died_at; /* else one that left before the others failed */
	shrink(d, r->number);
	return ++d->fails >= FAILS || !d->proven;
}

static bool
busy(struct destination *d, const struct dest_result *r)
{
	if (d->state == DEST_DEAD)
		return r->number > d->died_at;
	if (r->number > d->shrunk_at && d->window <= ONE && ++d->busy >= BUSY)
		return true;
	shrink(d, r->number);
	return false;
}

bool
destination_result(struct destinations *ds, struct destination *d, const struct dest_result *r,
	uint64_t now_us)
{
	bool dies = false;

	d->flying--;
	ds->flying--;
	ds->slow_flying -= d->slow;
	switch (r->outcome) {
	case DEST_REACHED:
		reached(ds, d, r);
		break;
	case DEST_UNREACHABLE:
		dies = unreachable(d, r);
		break;
	case DEST_BUSY:
		dies = busy(d, r);
		break;
	default:
		if (d->state == DEST_DEAD && r->number > d->died_at)
			d->probing = false; /* another finds out */
		break;
	}
	if (dies)
		die(ds, d, r, now_us);
	destination_update(ds, d, now_us);
	return dies;
}

void
destination_hurry(struct destinations *ds, struct destination *d, uint64_t now_us)
{
	if (d->state != DEST_DEAD || d->probing ||
		(d->hurried_us != 0 && now_us - d->hurried_us < DEST_HURRY_US))
		return;
	d->hurried_us = d->until_us = now_us;
	destination_update(ds, d, now_us);
}

/* ---- time ---- */

uint64_t
destinations_wake_us(const struct destinations *ds)
{
	const struct destination *idle = TAILQ_FIRST(&ds->idle);
	uint64_t at = ds->heap_n > 0 ? ds->heap[0]->wake_us : UINT64_MAX;

	if (idle != NULL && idle->idle_us + DEST_IDLE_US < at)
		at = idle->idle_us + DEST_IDLE_US;
	return at;
}

void
destinations_wake(struct destinations *ds, uint64_t now_us)
{
	struct destination *d;

	while (ds->heap_n > 0 && (d = ds->heap[0])->wake_us <= now_us) {
		if (d->released_us != 0 && d->released_us + DEST_RELEASED_LATE_US <= now_us) {
			d->released_us = 0; /* they do not come: others may */
			dest_senders_want(d);
		}
		destination_update(ds, d, now_us);
	}
	while ((d = TAILQ_FIRST(&ds->idle)) != NULL && d->idle_us + DEST_IDLE_US <= now_us)
		forget(ds, d);
}
