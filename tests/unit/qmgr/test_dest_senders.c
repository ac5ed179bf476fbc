/* SPDX-License-Identifier: ISC */
/* tests/unit/qmgr/test_dest_senders.c - senders and destinations take turns. */
#include <stdio.h>

#include "dest_world.h"

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

int
main(void)
{
	const struct CMUnitTest tests[] = {
		WORLD_TEST(test_50000_recipients),
		WORLD_TEST(test_flood),
		WORLD_TEST(test_many_floods),
		WORLD_TEST(test_slow_ones_leave_room),
		WORLD_TEST(test_size_of_a_job),
		WORLD_TEST(test_returned),
	};

	return cmocka_run_group_tests_name("qmgr/dest_senders", tests, NULL, NULL);
}
