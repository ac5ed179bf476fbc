/* SPDX-License-Identifier: ISC */
/* tests/unit/qmgr/test_destination.c - whose turn it is: no I/O, a clock of its own. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "destination.h"

#define SECOND UINT64_C(1000000)
#define MINUTE (60 * SECOND)
#define ITEMS  300000
#define PARKED 300000

struct test_item {
	struct dest_item item;
	uint64_t sender, message;
};

/* The world: items by number, messages that are parked by id. */
struct world {
	struct destinations ds;
	struct destination_conf conf;
	uint64_t now;
	struct test_item *items;
	unsigned n_items;
	uint32_t *parked; /* [id]: at which destination */
};

static bool
is_parked(void *ctx, const struct destination *d, uint64_t id)
{
	const struct world *w = ctx;

	return id < PARKED && w->parked[id] == d->number;
}

static int
setup(void **state)
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

static int
teardown(void **state)
{
	struct world *w = *state;

	destinations_free(&w->ds);
	free(w->items);
	free(w->parked);
	free(w);
	return 0;
}

static struct destination *
get(struct world *w, const char *hop)
{
	struct destination *d = destination_get(&w->ds, bytes_from_str(hop), w->now);

	assert_non_null(d);
	return d;
}

static enum dest_taken
offer(struct world *w, struct destination *d, uint64_t sender, uint64_t message)
{
	struct test_item *i = &w->items[w->n_items++ % ITEMS];
	const struct dest_owner o = { sender, message, 0 };

	i->sender = sender;
	i->message = message;
	i->item.size = 60;
	return destination_offer(&w->ds, d, &o, &i->item, w->now);
}

static bool
next(struct world *w, struct dest_batch *b)
{
	return destinations_next(&w->ds, 50, 1 << 20, w->now, b);
}

static const struct test_item *
item_of(const struct dest_batch *b, unsigned i)
{
	return (const struct test_item *)b->items[i];
}

static bool
result(struct world *w, const struct dest_batch *b, enum dest_outcome outcome)
{
	const struct dest_result r = { .number = b->number,
		.outcome = outcome,
		.took_us = 10000,
		.code = BYTES_LITERAL("4.4.1"),
		.reason = BYTES_LITERAL("nobody there") };

	return destination_result(&w->ds, b->destination, &r, w->now);
}

/* All that may go goes; how many jobs. */
static unsigned
send_all(struct world *w, struct dest_batch *out, unsigned max)
{
	unsigned n = 0;

	while (n < max && next(w, &out[n]))
		n++;
	return n;
}

/* Fill it, answer all, again and again. */
static void
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

/* ---- the window ---- */

static void
test_window_grows(void **state)
{
	struct world *w = *state;
	struct destination *d = get(w, "good.example");
	struct dest_batch b[100];

	for (unsigned i = 0; i < 100; i++)
		offer(w, d, 1, i);
	assert_int_equal(send_all(w, b, 100), 5);
	for (unsigned i = 0; i < 5; i++)
		result(w, &b[i], DEST_REACHED);
	assert_in_range(send_all(w, b, 100), 6, 6); /* one more when all went well */
	for (unsigned i = 0; i < 6; i++)
		result(w, &b[i], DEST_REACHED);
	rounds(w, d, 40, DEST_REACHED);
	while (d->items < 100)
		offer(w, d, 1, w->n_items);
	assert_int_equal(send_all(w, b, 100), 20);
	assert_int_equal(w->ds.flying, 20);
}

static void
test_window_shrinks_once_for_a_cohort(void **state)
{
	struct world *w = *state;
	struct destination *d = get(w, "busy.example");
	struct dest_batch b[100];
	unsigned n;

	rounds(w, d, 40, DEST_REACHED);
	while (d->items < 200)
		offer(w, d, 1, w->n_items);
	n = send_all(w, b, 100);
	assert_int_equal(n, 20);
	for (unsigned i = 0; i < 20; i++) /* all asked for less at once: half */
		assert_false(result(w, &b[i], DEST_BUSY));
	assert_int_equal(send_all(w, b, 100), 10);
	for (unsigned i = 0; i < 10; i++)
		result(w, &b[i], i < 9 ? DEST_REACHED : DEST_BUSY);
	assert_in_range(d->window / 256, 5, 6);
}

/* One at once, and even that is too much: left alone for a while. */
static void
test_busy_to_the_end(void **state)
{
	struct world *w = *state;
	struct destination *d = get(w, "busy.example");
	struct dest_batch b;
	unsigned n = 0;

	for (unsigned i = 0; i < 50; i++)
		offer(w, d, 1, i);
	while (next(w, &b) && n++ < 100)
		if (result(w, &b, DEST_BUSY))
			break;
	assert_in_range(n, 4, 12);
	assert_true(destination_is_dead(d, w->now));
	assert_false(destination_is_dead(d, w->now + MINUTE));
}

/* ---- dead ones ---- */

static unsigned
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

static void
park(struct world *w, struct destination *d, uint64_t sender, uint64_t id)
{
	w->parked[id] = d->number;
	destination_park(&w->ds, d, sender, id, w->now);
}

static struct destination *
release(struct world *w, uint64_t *id)
{
	struct destination *d = destinations_release(&w->ds, w->now, id);

	if (d != NULL)
		w->parked[*id] = 0;
	return d;
}

static void
test_unknown_one_dies_at_once(void **state)
{
	struct world *w = *state;
	struct destination *d = get(w, "dead.example");
	struct dest_batch b[10];

	for (unsigned i = 0; i < 20; i++)
		offer(w, d, 1, i);
	assert_int_equal(send_all(w, b, 10), 5);
	assert_true(result(w, &b[0], DEST_UNREACHABLE));
	assert_int_equal(take_back(w, d), 15);
	assert_string_equal(d->reason, "nobody there");
	assert_int_equal(offer(w, d, 1, 99), DEST_IS_DEAD);
	for (unsigned i = 1; i < 5; i++) /* those that were under way do not count again */
		assert_false(result(w, &b[i], DEST_UNREACHABLE));
	assert_true(d->until_us == w->now + MINUTE);
	assert_int_equal(w->ds.dead, 1);
	assert_false(next(w, &b[0]));
}

static void
test_known_one_dies_when_several_fail(void **state)
{
	struct world *w = *state;
	struct destination *d = get(w, "flaky.example");
	struct dest_batch b[3];

	rounds(w, d, 3, DEST_REACHED);
	assert_int_equal(send_all(w, b, 3), 3);
	assert_false(result(w, &b[0], DEST_UNREACHABLE));
	assert_false(result(w, &b[1], DEST_REACHED));
	assert_false(result(w, &b[2], DEST_UNREACHABLE));
	assert_int_equal(send_all(w, b, 2), 2);
	assert_false(result(w, &b[0], DEST_UNREACHABLE));
	assert_true(result(w, &b[1], DEST_UNREACHABLE));
}

/* 200,000 messages wait for it: one connection for each try, and none of them is looked at. When
 * it is back they come as fast as it takes them. */
static void
test_dead_with_200000_messages(void **state)
{
	struct world *w = *state;
	struct destination *d = get(w, "dead.example");
	struct dest_batch b;
	unsigned jobs = 0, released = 0, sent = 0;
	uint64_t id, last = 0;

	offer(w, d, 1, 0);
	assert_true(next(w, &b));
	assert_true(result(w, &b, DEST_UNREACHABLE));
	for (id = 0; id < 200000; id++)
		park(w, d, id % 7, id);
	for (uint64_t end = w->now + 120 * MINUTE; w->now < end;) {
		assert_null(release(w, &id));
		w->now = destinations_wake_us(&w->ds);
		destinations_wake(&w->ds, w->now);
		if (release(w, &id) == NULL)
			continue;
		released++;
		assert_null(release(w, &last)); /* only one */
		assert_int_equal(offer(w, d, id % 7, id), DEST_TAKEN);
		assert_int_equal(offer(w, d, id % 7, 999999), DEST_IS_DEAD);
		assert_true(next(w, &b));
		assert_int_equal(offer(w, d, id % 7, id), DEST_IS_DEAD);
		jobs++;
		assert_true(result(w, &b, DEST_UNREACHABLE));
		park(w, d, id % 7, id);
	}
	/* after 1, 2, 4, 8, then every 10 minutes */
	assert_in_range(jobs, 14, 16);
	assert_int_equal(released, jobs);
	assert_int_equal(d->parked, 200000);
	w->now = destinations_wake_us(&w->ds);
	destinations_wake(&w->ds, w->now);
	assert_non_null(release(w, &id));
	offer(w, d, id % 7, id);
	while (next(w, &b)) {
		sent += b.n;
		result(w, &b, DEST_REACHED);
		assert_true(d->items <= 7 * 64);
		while (release(w, &id) != NULL)
			assert_int_equal(offer(w, d, id % 7, id), DEST_TAKEN);
	}
	assert_int_equal(sent, 200000);
	assert_int_equal(w->ds.parked, 0);
	assert_int_equal(w->ds.dead, 0);
}

/* The tables changed: what waited for it goes elsewhere, at once. */
static void
test_probes_that_go_elsewhere(void **state)
{
	struct world *w = *state;
	struct destination *d = get(w, "old.example");
	struct dest_batch b;
	unsigned n = 0;
	uint64_t id;

	offer(w, d, 1, 0);
	assert_true(next(w, &b));
	assert_true(result(w, &b, DEST_UNREACHABLE));
	for (id = 0; id < 1000; id++)
		park(w, d, 1, id);
	w->now += MINUTE;
	destinations_wake(&w->ds, w->now);
	while (release(w, &id) != NULL) {
		destination_passed_by(&w->ds, d, 1, w->now);
		n++;
	}
	assert_int_equal(n, 1000);
	assert_true(destination_is_dead(d, w->now) == false);
}

/* What was released is lost (read errors, directory away): others are, later. */
static void
test_released_and_lost(void **state)
{
	struct world *w = *state;
	struct destination *d = get(w, "dead.example");
	struct dest_batch b;
	uint64_t id;

	offer(w, d, 1, 0);
	assert_true(next(w, &b));
	assert_true(result(w, &b, DEST_UNREACHABLE));
	park(w, d, 1, 1);
	park(w, d, 1, 2);
	w->now += MINUTE;
	destinations_wake(&w->ds, w->now);
	assert_non_null(release(w, &id));
	assert_null(release(w, &id));
	assert_true(destinations_wake_us(&w->ds) <= w->now + DEST_RELEASED_LATE_US);
	w->now = destinations_wake_us(&w->ds);
	destinations_wake(&w->ds, w->now);
	assert_non_null(release(w, &id));
}

/* The process that had the probe dies: that says nothing of the destination. */
static void
test_lost_probe(void **state)
{
	struct world *w = *state;
	struct destination *d = get(w, "dead.example");
	struct dest_batch b;

	offer(w, d, 1, 0);
	assert_true(next(w, &b));
	assert_true(result(w, &b, DEST_UNREACHABLE));
	w->now += MINUTE;
	assert_int_equal(offer(w, d, 1, 1), DEST_TAKEN);
	assert_true(next(w, &b));
	assert_false(result(w, &b, DEST_LOST));
	assert_int_equal(offer(w, d, 1, 2), DEST_TAKEN);
	assert_true(next(w, &b));
	assert_false(result(w, &b, DEST_REACHED));
	assert_int_equal(d->state, DEST_ALIVE);
	assert_null(d->reason);
}

static void
test_hurry(void **state)
{
	struct world *w = *state;
	struct destination *d = get(w, "dead.example");
	struct dest_batch b;
	uint64_t id;

	offer(w, d, 1, 0);
	assert_true(next(w, &b));
	assert_true(result(w, &b, DEST_UNREACHABLE));
	park(w, d, 1, 7);
	destination_hurry(&w->ds, d, w->now);
	destinations_wake(&w->ds, w->now);
	assert_non_null(release(w, &id));
	assert_int_equal(offer(w, d, 1, 7), DEST_TAKEN);
	assert_true(next(w, &b));
	assert_true(result(w, &b, DEST_UNREACHABLE));
	destination_hurry(&w->ds, d, w->now); /* for each of many messages: once */
	assert_int_equal(offer(w, d, 1, 8), DEST_IS_DEAD);
}

/* ---- fairness ---- */

/* 50,000 recipients of one message, and then one ordinary message to the same place. */
static void
test_50000_recipients(void **state)
{
	struct world *w = *state;
	struct destination *d = get(w, "big.example");
	struct dest_batch b;
	unsigned sent = 0, jobs = 0, at = 0, offered = 0;

	while (sent < 50000 + 2) {
		/* qmgr has 500 of a message under way at once */
		while (offered < 50000 && offered - sent < 500) {
			assert_int_equal(offer(w, d, 1, 1), DEST_TAKEN);
			offered++;
		}
		if (jobs == 100) {
			offer(w, d, 2, 2); /* of somebody else */
			offer(w, d, 1, 3); /* of the same sender */
		}
		assert_true(next(w, &b));
		jobs++;
		for (unsigned i = 0; i < b.n; i++)
			assert_true(item_of(&b, i)->message == item_of(&b, 0)->message);
		if (item_of(&b, 0)->message == 2)
			assert_in_range(jobs, 101, 103);
		if (item_of(&b, 0)->message == 3)
			assert_in_range(at = jobs, 101, 105);
		sent += b.n;
		result(w, &b, DEST_REACHED);
	}
	assert_true(at > 0);
	assert_in_range(jobs, 1002, 1010); /* 50 at once */
}

/* A flood of one sender: of 100,000 messages what has no room in memory is parked; those of all
 * others go as if it were not there. */
static void
test_flood(void **state)
{
	struct world *w = *state;
	struct destination *d = get(w, "flooded.example"), *other = get(w, "other.example");
	struct dest_batch b[20];
	unsigned parked = 0, first = 0, jobs = 0;

	for (uint64_t id = 0; id < 100000; id++)
		if (offer(w, d, 1, id) == DEST_FULL) {
			park(w, d, 1, id);
			parked++;
		}
	assert_in_range(d->items, 2000, DEST_ITEMS_MAX / 2 + 1);
	assert_int_equal(parked + d->items, 100000);
	assert_int_equal(offer(w, d, 2, 200000), DEST_TAKEN);
	assert_int_equal(offer(w, d, 3, 200001), DEST_TAKEN);
	assert_int_equal(offer(w, other, 2, 200002), DEST_TAKEN);
	while (first < 3) {
		const unsigned n = send_all(w, b, 20);

		assert_in_range(n, 1, 20);
		for (unsigned i = 0; i < n; i++) {
			jobs++;
			first += item_of(&b[i], 0)->sender != 1;
			result(w, &b[i], DEST_REACHED);
		}
	}
	assert_in_range(jobs, 3, 10);
}

/* Many senders flood it; newcomers still find room, here and elsewhere. */
static void
test_many_floods(void **state)
{
	struct world *w = *state;
	struct destination *d = get(w, "flooded.example"), *other = get(w, "other.example");

	for (unsigned i = 0; i < 20000; i++)
		offer(w, d, i % 40, i);
	assert_true(w->ds.items <= DEST_ITEMS_MAX);
	for (unsigned i = 0; i < 10; i++) {
		assert_int_equal(offer(w, d, 1000 + i, 50000 + i), DEST_TAKEN);
		assert_int_equal(offer(w, other, 2000 + i, 60000 + i), DEST_TAKEN);
	}
	for (unsigned i = 0; i < 50000; i++) /* each a sender of its own */
		offer(w, d, 100000 + i, 70000 + i);
	assert_true(w->ds.items <= 2 * DEST_ITEMS_MAX);
}

/* Slow and unknown ones never take all jobs: a quick one has its full window beside 5,000. */
static void
test_slow_ones_leave_room(void **state)
{
	struct world *w = *state;
	struct destination *good = get(w, "good.example");
	static struct dest_batch b[2000];
	unsigned n, of_good = 0;
	char hop[32];

	rounds(w, good, 50, DEST_REACHED);
	for (unsigned i = 0; i < 5000; i++) {
		snprintf(hop, sizeof(hop), "d%u.example", i);
		assert_int_equal(offer(w, get(w, hop), 1, i), DEST_TAKEN);
	}
	n = send_all(w, b, 2000);
	assert_in_range(n, 700, 800);
	for (unsigned i = 0; i < n; i++)
		of_good += b[i].destination == good;
	assert_int_equal(of_good, 20);
	for (unsigned i = 0; i < n; i++)
		if (b[i].destination == good)
			result(w, &b[i], DEST_REACHED);
	of_good = 0;
	n = send_all(w, b, 2000); /* none of the others is back */
	for (unsigned i = 0; i < n; i++)
		of_good += b[i].destination == good;
	assert_int_equal(of_good, 20);
}

/* ---- bounds ---- */

static void
test_idle_ones_are_forgotten(void **state)
{
	struct world *w = *state;
	struct dest_batch b;
	char hop[32];

	for (unsigned i = 0; i < DESTINATIONS_MAX + 100; i++) {
		snprintf(hop, sizeof(hop), "d%u.example", i);
		offer(w, get(w, hop), 1, i);
		assert_true(next(w, &b));
		result(w, &b, DEST_REACHED);
	}
	assert_int_equal(w->ds.n, DESTINATIONS_MAX);
	assert_null(destination_find(&w->ds, BYTES_LITERAL("d0.example")));
	assert_non_null(destination_find(&w->ds, BYTES_LITERAL("d50000.example")));
	w->now = destinations_wake_us(&w->ds);
	destinations_wake(&w->ds, w->now);
	assert_int_equal(w->ds.n, 0);
	assert_int_equal(w->ds.n_senders, 0);
	assert_true(destinations_wake_us(&w->ds) == UINT64_MAX);
}

/* None idle: one more is refused, not made. */
static void
test_too_many(void **state)
{
	struct world *w = *state;
	char hop[32];

	for (unsigned i = 0; i < DESTINATIONS_MAX; i++) {
		snprintf(hop, sizeof(hop), "d%u.example", i);
		park(w, get(w, hop), 1, i);
	}
	assert_null(destination_get(&w->ds, BYTES_LITERAL("more.example"), w->now));
}

/* Messages that leave another way do not make the line longer and longer. */
static void
test_parked_again_and_again(void **state)
{
	struct world *w = *state;
	struct destination *d = get(w, "dead.example");
	struct dest_batch b;
	uint64_t id;
	unsigned n = 0;

	offer(w, d, 1, 0);
	assert_true(next(w, &b));
	assert_true(result(w, &b, DEST_UNREACHABLE));
	for (unsigned i = 0; i < PARKED; i++) {
		if (i >= 500) {
			w->parked[i - 500] = 0;
			destination_unpark(&w->ds, d, w->now);
		}
		park(w, d, 1, i);
	}
	assert_int_equal(d->parked, 500);
	w->now += MINUTE;
	destinations_wake(&w->ds, w->now);
	while (release(w, &id) != NULL) {
		assert_true(id >= PARKED - 500);
		destination_passed_by(&w->ds, d, 1, w->now);
		n++;
	}
	assert_int_equal(n, 500);
}

/* A job takes no more octets than it may. */
static void
test_size_of_a_job(void **state)
{
	struct world *w = *state;
	struct destination *d = get(w, "good.example");
	struct dest_batch b;

	for (unsigned i = 0; i < 60; i++)
		offer(w, d, 1, 1);
	assert_true(destinations_next(&w->ds, 50, 600, w->now, &b));
	assert_int_equal(b.n, 10);
	assert_true(destinations_next(&w->ds, 50, 10, w->now, &b));
	assert_int_equal(b.n, 1); /* one always goes */
	assert_true(destinations_next(&w->ds, 7, 1 << 20, w->now, &b));
	assert_int_equal(b.n, 7);
}

/* What comes back goes out again before the rest. */
static void
test_returned(void **state)
{
	struct world *w = *state;
	struct destination *d = get(w, "good.example");
	const struct dest_owner o = { 1, 1, 0 };
	struct dest_batch b, again;

	offer(w, d, 1, 1);
	offer(w, d, 1, 2);
	assert_true(next(w, &b));
	assert_true(item_of(&b, 0)->message == 1);
	result(w, &b, DEST_BUSY);
	destination_return(&w->ds, d, &o, b.items[0], w->now);
	assert_true(next(w, &again));
	assert_ptr_equal(again.items[0], b.items[0]);
}

/* ---- anything at all, with its invariants ---- */

static uint32_t
dice(uint32_t *seed, uint32_t n)
{
	*seed = *seed * 1664525u + 1013904223u;
	return (*seed >> 8) % n;
}

static void
test_at_random(void **state)
{
	struct world *w = *state;
	static struct dest_batch out[1200];
	unsigned n_out = 0, waiting = 0;
	uint32_t seed = 42;
	uint64_t id = 0;
	char hop[16];

	for (unsigned step = 0; step < 100000; step++) {
		struct destination *d;

		snprintf(hop, sizeof(hop), "d%u.example", dice(&seed, 20));
		d = get(w, hop);
		switch (dice(&seed, 8)) {
		case 0:
		case 1:
		case 2:
			if (waiting < ITEMS / 2)
				waiting += offer(w, d, dice(&seed, 5), step) == DEST_TAKEN;
			break;
		case 3:
			if (id < PARKED - 1)
				park(w, d, dice(&seed, 5), id++);
			break;
		case 4: {
			uint64_t got;

			if (release(w, &got) != NULL)
				assert_true(got < id);
			break;
		}
		case 5:
			if (dice(&seed, 50) == 0)
				waiting -= take_back(w, d);
			break;
		case 6:
			while (n_out < NITEMS(out) && next(w, &out[n_out]))
				waiting -= out[n_out++].n;
			break;
		default:
			while (n_out > 0 && dice(&seed, 20) > 0) {
				static const enum dest_outcome outcomes[] = { DEST_REACHED,
					DEST_REACHED, DEST_REACHED, DEST_BUSY, DEST_UNREACHABLE,
					DEST_LOST };

				result(w, &out[--n_out], outcomes[dice(&seed, 6)]);
			}
			w->now += dice(&seed, 1000000) * UINT64_C(100);
			destinations_wake(&w->ds, w->now);
			break;
		}
		assert_int_equal(w->ds.flying, n_out);
		assert_true(w->ds.slow_flying <= w->ds.flying);
		assert_true(w->ds.flying <= w->conf.jobs_max);
		assert_true(w->ds.dead <= w->ds.n);
		assert_int_equal(w->ds.items, waiting);
	}
	while (n_out > 0)
		result(w, &out[--n_out], DEST_REACHED);
	assert_int_equal(w->ds.slow_flying, 0);
}

int
main(void)
{
#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
	const struct CMUnitTest tests[] = {
		TEST(test_window_grows),
		TEST(test_window_shrinks_once_for_a_cohort),
		TEST(test_busy_to_the_end),
		TEST(test_unknown_one_dies_at_once),
		TEST(test_known_one_dies_when_several_fail),
		TEST(test_dead_with_200000_messages),
		TEST(test_probes_that_go_elsewhere),
		TEST(test_released_and_lost),
		TEST(test_lost_probe),
		TEST(test_hurry),
		TEST(test_50000_recipients),
		TEST(test_flood),
		TEST(test_many_floods),
		TEST(test_slow_ones_leave_room),
		TEST(test_idle_ones_are_forgotten),
		TEST(test_too_many),
		TEST(test_parked_again_and_again),
		TEST(test_size_of_a_job),
		TEST(test_returned),
		TEST(test_at_random),
	};

	return cmocka_run_group_tests_name("qmgr/destination", tests, NULL, NULL);
}
