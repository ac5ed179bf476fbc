/* SPDX-License-Identifier: ISC */
/*
 * tests/unit/mailauth/test_verifier_turns.c - whose request is next: networks of clients take
 * turns, and none has more than its share when places get scarce.
 */
#include "../base/cases.h"

#include <stdio.h>
#include <stdlib.h>

#include "verifier.h"

#define JOBS_MAX 1000

static struct {
	struct verifier v;
	struct mailauth_conf conf;
	struct job jobs[JOBS_MAX];
} * world;

static int
set_up(void **state)
{
	UNUSED(state);
	world = xcalloc(1, sizeof(*world));
	world->v.conf = &world->conf;
	world->conf.jobs = 80;
	turns_init(&world->v);
	return 0;
}

static int
tear_down(void **state)
{
	UNUSED(state);
	free(world);
	return 0;
}

/* false: there is no place for it */
static bool
enter(struct job *j, const char *client)
{
	*j = (struct job){ .v = &world->v };
	world->v.njobs++;
	turns_enter(j, bytes_from_str(client));
	if (turns_has_place(j)) {
		turns_wait(j);
		return true;
	}
	turns_leave(j);
	world->v.njobs--;
	j->v = NULL;
	return false;
}

static void
leave(struct job *j)
{
	if (j->v == NULL)
		return;
	turns_leave(j);
	world->v.njobs--;
	j->v = NULL;
}

static void
leave_all(void)
{
	for (size_t i = 0; i < JOBS_MAX; i++)
		leave(&world->jobs[i]);
	assert_int_equal(world->v.njobs + world->v.nstarted, 0);
	assert_true(TAILQ_EMPTY(&world->v.turns));
	for (size_t i = 0; i < NETWORK_BUCKETS; i++)
		assert_true(LIST_EMPTY(&world->v.networks[i]));
}

static void
networks(void **state)
{
	static const struct {
		const char *a, *b;
		bool same;
	} rows[] = {
		{ "192.0.2.1", "192.0.2.255", true },
		{ "192.0.2.1", "192.0.3.1", false },
		{ "::ffff:192.0.2.1", "192.0.2.7", true },
		{ "2001:db8:0:1::1", "2001:db8:0:ff:ffff::", true },
		{ "2001:db8:0:1::1", "2001:db8:0:100::1", false },
		{ "0.0.0.1", "::1", false },
		{ "", "nonsense", true },
		{ "", "0.0.0.0", false },
	};

	UNUSED(state);
	for (size_t i = 0; i < NITEMS(rows); i++) {
		assert_true(enter(&world->jobs[0], rows[i].a));
		assert_true(enter(&world->jobs[1], rows[i].b));
		assert_int_equal(world->jobs[0].network == world->jobs[1].network, rows[i].same);
		leave_all();
	}
}

/* One has brought 100, two others one each: they are the second and the third. */
static void
turn_by_turn(void **state)
{
	UNUSED(state);
	for (size_t i = 0; i < 100; i++)
		assert_true(enter(&world->jobs[i], "192.0.2.1"));
	assert_true(enter(&world->jobs[100], "198.51.100.1"));
	assert_true(enter(&world->jobs[101], "203.0.113.1"));
	assert_ptr_equal(turns_next(&world->v), &world->jobs[0]);
	assert_ptr_equal(turns_next(&world->v), &world->jobs[100]);
	assert_ptr_equal(turns_next(&world->v), &world->jobs[101]);
	for (size_t i = 1; i < 38; i++) /* in their order */
		assert_ptr_equal(turns_next(&world->v), &world->jobs[i]);
	/* half of the places are taken, most of them by it: the rest is for others */
	assert_null(turns_next(&world->v));
	assert_false(turns_may_start(&world->v));
	assert_true(enter(&world->jobs[102], "203.0.113.9"));
	assert_ptr_equal(turns_next(&world->v), &world->jobs[102]);
	leave(&world->jobs[0]);
	assert_null(turns_next(&world->v)); /* still 40 */
	leave(&world->jobs[1]);
	assert_ptr_equal(turns_next(&world->v), &world->jobs[38]);
	leave(&world->jobs[40]); /* one that waits */
	world->v.held = VERIFIER_HELD_MAX;
	assert_false(turns_may_start(&world->v));
	leave_all();
}

/* 640 may be here. */
static void
places(void **state)
{
	char client[24];
	size_t n, others;

	UNUSED(state);
	for (n = 0; enter(&world->jobs[n], "192.0.2.1"); n++)
		;
	assert_int_equal(n, 320);
	for (others = 0; others < 320; others++) {
		snprintf(client, sizeof(client), "198.51.%zu.1", others % 64);
		assert_true(enter(&world->jobs[n + others], client));
	}
	assert_false(enter(&world->jobs[999], "203.0.113.1")); /* really all */
	leave_all();
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(networks, set_up, tear_down),
		cmocka_unit_test_setup_teardown(turn_by_turn, set_up, tear_down),
		cmocka_unit_test_setup_teardown(places, set_up, tear_down),
	};

	return cmocka_run_group_tests_name("mailauth/verifier_turns", tests, NULL, NULL);
}
