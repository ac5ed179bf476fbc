/* SPDX-License-Identifier: ISC */
/* tests/unit/qmgr/test_destination.c - how many jobs a destination gets, and what becomes of it
 * when nobody answers. */
#include "dest_world.h"

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

int
main(void)
{
	const struct CMUnitTest tests[] = {
		WORLD_TEST(test_window_grows),
		WORLD_TEST(test_window_shrinks_once_for_a_cohort),
		WORLD_TEST(test_busy_to_the_end),
		WORLD_TEST(test_unknown_one_dies_at_once),
		WORLD_TEST(test_known_one_dies_when_several_fail),
		WORLD_TEST(test_dead_with_200000_messages),
		WORLD_TEST(test_probes_that_go_elsewhere),
		WORLD_TEST(test_released_and_lost),
		WORLD_TEST(test_lost_probe),
		WORLD_TEST(test_hurry),
	};

	return cmocka_run_group_tests_name("qmgr/destination", tests, NULL, NULL);
}
