/* SPDX-License-Identifier: ISC */
/* tests/unit/qmgr/test_dest_bounds.c - destinations have bounds, and their numbers hold whatever
 * happens. */
#include <stdio.h>

#include "dest_world.h"

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
	const struct CMUnitTest tests[] = {
		WORLD_TEST(test_idle_ones_are_forgotten),
		WORLD_TEST(test_too_many),
		WORLD_TEST(test_parked_again_and_again),
		WORLD_TEST(test_at_random),
	};

	return cmocka_run_group_tests_name("qmgr/dest, bounds", tests, NULL, NULL);
}
