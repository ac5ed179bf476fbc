/* SPDX-License-Identifier: ISC */
/* tests/unit/mailauth/test_keeper_life.c - the life of a DKIM key, by the clock and by what DNS
 * says. */
#include "../base/cases.h"

#include "keeper_life.h"

#define BORN 1000000

static const struct keeper_times times = {
	.check = 300, .watch = 21600, .retire = 604800, .rotate = 15552000
};

/* A step: so many seconds later this is seen (or only time passes), and then it is so. */
enum happening {
	OURS,    /* with a TTL of 600 s */
	NOTHING, /* as enum keeper_sight */
	OTHER,
	UNKNOWN,
	TICK,
	END
};

struct step {
	uint64_t later;
	enum happening what;
	enum keeper_event event;
	enum dkim_key_state state;
};

#define P DKIM_PENDING
#define S DKIM_PUBLISHED
#define A DKIM_ACTIVE
#define R DKIM_RETIRING
#define G DKIM_GONE

static const struct row {
	const char *label;
	enum dkim_key_state begin;
	struct step steps[10];
} rows[] = {
	{ "from its making to its signing", P,
		{ { 300, NOTHING, KEEPER_STAYS, P }, { 300, OURS, KEEPER_CHANGES, S },
			{ 601, OURS, KEEPER_CHANGES, A }, { 21600, OURS, KEEPER_STAYS, A },
			{ 0, END, 0, A } } },
	{ "never without its record", P,
		{ { 300, NOTHING, KEEPER_STAYS, P }, { 300, NOTHING, KEEPER_STAYS, P },
			{ 86400, NOTHING, KEEPER_STAYS, P }, { 86400, TICK, KEEPER_STAYS, P },
			{ 0, END, 0, P } } },
	{ "another's record is none", P,
		{ { 300, OTHER, KEEPER_STAYS, P }, { 300, OTHER, KEEPER_STAYS, P },
			{ 0, END, 0, P } } },
	{ "seen once is not enough", P,
		{ { 300, OURS, KEEPER_CHANGES, S }, { 86400, TICK, KEEPER_STAYS, S },
			{ 0, END, 0, S } } },
	{ "seen again too early", P,
		{ { 300, OURS, KEEPER_CHANGES, S }, { 299, OURS, KEEPER_STAYS, S },
			{ 1, OURS, KEEPER_CHANGES, A }, { 0, END, 0, A } } },
	{ "seen, then not by another server", P,
		{ { 300, OURS, KEEPER_CHANGES, S }, { 600, NOTHING, KEEPER_CHANGES, P },
			{ 300, OURS, KEEPER_CHANGES, S }, { 600, OURS, KEEPER_CHANGES, A },
			{ 0, END, 0, A } } },
	{ "published, then another's", P,
		{ { 300, OURS, KEEPER_CHANGES, S }, { 600, OTHER, KEEPER_CHANGES, P },
			{ 0, END, 0, P } } },
	{ "silence keeps pending", P,
		{ { 300, UNKNOWN, KEEPER_STAYS, P }, { 300, UNKNOWN, KEEPER_STAYS, P },
			{ 300, OURS, KEEPER_CHANGES, S }, { 0, END, 0, S } } },
	{ "silence keeps published", P,
		{ { 300, OURS, KEEPER_CHANGES, S }, { 600, UNKNOWN, KEEPER_STAYS, S },
			{ 600, UNKNOWN, KEEPER_STAYS, S }, { 600, OURS, KEEPER_CHANGES, A },
			{ 0, END, 0, A } } },
	{ "silence keeps active, for ever", A,
		{ { 21600, UNKNOWN, KEEPER_STAYS, A }, { 300, UNKNOWN, KEEPER_STAYS, A },
			{ 300, UNKNOWN, KEEPER_STAYS, A }, { 604800, UNKNOWN, KEEPER_STAYS, A },
			{ 0, END, 0, A } } },
	{ "active, missing once", A,
		{ { 21600, NOTHING, KEEPER_STAYS, A }, { 300, OURS, KEEPER_STAYS, A },
			{ 21600, NOTHING, KEEPER_STAYS, A }, { 300, OURS, KEEPER_STAYS, A },
			{ 0, END, 0, A } } },
	{ "active, missing twice: signs no more", A,
		{ { 21600, NOTHING, KEEPER_STAYS, A }, { 300, NOTHING, KEEPER_CHANGES, P },
			{ 300, OURS, KEEPER_CHANGES, S }, { 600, OURS, KEEPER_CHANGES, A },
			{ 0, END, 0, A } } },
	{ "active, missing with silence between", A,
		{ { 21600, OTHER, KEEPER_STAYS, A }, { 300, UNKNOWN, KEEPER_STAYS, A },
			{ 300, NOTHING, KEEPER_CHANGES, P }, { 0, END, 0, P } } },
	{ "retiring takes its time", R,
		{ { 300, OURS, KEEPER_STAYS, R }, { 604499, TICK, KEEPER_STAYS, R },
			{ 1, TICK, KEEPER_CHANGES, G }, { 0, END, 0, G } } },
	{ "nothing is erased by the clock alone", R,
		{ { 31536000, TICK, KEEPER_STAYS, R }, { 300, UNKNOWN, KEEPER_STAYS, R },
			{ 300, TICK, KEEPER_STAYS, R }, { 300, OURS, KEEPER_STAYS, R },
			{ 1, TICK, KEEPER_CHANGES, G }, { 0, END, 0, G } } },
	{ "retiring, whatever DNS says", R,
		{ { 300, NOTHING, KEEPER_STAYS, R }, { 300, OTHER, KEEPER_STAYS, R },
			{ 300, OURS, KEEPER_STAYS, R }, { 603900, TICK, KEEPER_CHANGES, G },
			{ 0, END, 0, G } } },
	{ "gone, and its record stays", G,
		{ { 21600, OURS, KEEPER_STAYS, G }, { 21600, OURS, KEEPER_STAYS, G },
			{ 604800, TICK, KEEPER_STAYS, G }, { 0, END, 0, G } } },
	{ "gone, and its record too", G,
		{ { 21600, NOTHING, KEEPER_STAYS, G }, { 21600, UNKNOWN, KEEPER_STAYS, G },
			{ 21600, NOTHING, KEEPER_FORGET, G }, { 0, END, 0, G } } },
	{ "gone, its record back between", G,
		{ { 21600, NOTHING, KEEPER_STAYS, G }, { 21600, OURS, KEEPER_STAYS, G },
			{ 21600, NOTHING, KEEPER_STAYS, G }, { 21600, NOTHING, KEEPER_FORGET, G },
			{ 0, END, 0, G } } },
};

static void
run_row(void **arg)
{
	static const enum keeper_sight sights[] = { [OURS] = KEEPER_OURS,
		[NOTHING] = KEEPER_NOTHING,
		[OTHER] = KEEPER_OTHER,
		[UNKNOWN] = KEEPER_UNKNOWN };
	const struct row *t = *arg;
	struct keeper_life life = { .state = t->begin, .created_s = BORN, .since_s = BORN };
	uint64_t now = BORN;

	keeper_life_begin(&life, &times, now, 0);
	for (const struct step *s = t->steps; s->what != END; s++) {
		const enum dkim_key_state before = life.state;
		enum keeper_event event;

		now += s->later;
		event = s->what == TICK
				? keeper_life_tick(&life, &times, now)
				: keeper_life_seen(&life, &times, sights[s->what], 600, now);
		assert_int_equal(event, s->event);
		assert_int_equal(life.state, s->state);
		assert_int_equal(life.created_s, BORN);
		if (life.state != before)
			assert_int_equal(life.since_s, now);
		if (s->what != TICK) /* it is looked at again, and not at once */
			assert_in_range(life.look_s, now + 1, now + times.watch);
	}
}

static void
looks_become_rare(void **arg)
{
	struct keeper_life life = { .state = DKIM_PENDING, .since_s = BORN };
	uint64_t before = 0;

	UNUSED(arg);
	for (uint64_t age = 0; age < 10000000; age += 100000) {
		keeper_life_seen(&life, &times, KEEPER_NOTHING, 0, BORN + age);
		assert_in_range(life.look_s - BORN - age, times.check, times.watch);
		assert_true(life.look_s - BORN - age >= before);
		before = life.look_s - BORN - age;
	}
	assert_int_equal(before, times.watch);
	/* a long TTL is waited for, up to an hour */
	keeper_life_seen(&life, &times, KEEPER_OURS, 1800, BORN);
	assert_int_equal(life.look_s, BORN + 1801);
	life.state = DKIM_PENDING;
	keeper_life_seen(&life, &times, KEEPER_OURS, 86400, BORN);
	assert_int_equal(life.look_s, BORN + 3600);
	assert_int_equal(keeper_life_next(&life, &times), BORN + 3600);
}

static void
keys_read_at_once_are_looked_at_apart(void **arg)
{
	uint64_t first = UINT64_MAX, last = 0;

	UNUSED(arg);
	for (uint64_t i = 0; i < 20000; i++) {
		struct keeper_life life = { .state = DKIM_ACTIVE, .since_s = BORN };

		keeper_life_begin(&life, &times, BORN, i * 7);
		assert_in_range(life.look_s, BORN + 1, BORN + times.watch);
		first = life.look_s < first ? life.look_s : first;
		last = life.look_s > last ? life.look_s : last;
	}
	assert_true(last - first > times.watch / 2);
}

static void
age(void **arg)
{
	const struct keeper_times never = { .check = 300, .watch = 600, .retire = 600 };
	struct keeper_life life = { .state = DKIM_ACTIVE, .created_s = 1, .since_s = BORN };

	UNUSED(arg);
	assert_false(keeper_life_is_old(&life, &times, UINT64_MAX)); /* DNS was not asked yet */
	life.checked_s = BORN;
	assert_false(keeper_life_is_old(&life, &times, BORN + times.rotate - 1));
	assert_true(keeper_life_is_old(&life, &times, BORN + times.rotate));
	assert_false(keeper_life_is_old(&life, &never, UINT64_MAX));
	assert_int_equal(keeper_life_next(&life, &times), BORN + times.rotate);
	assert_int_equal(keeper_life_next(&life, &never), 0);
	keeper_life_enter(&life, &times, DKIM_RETIRING, BORN + 5);
	assert_false(keeper_life_is_old(&life, &times, UINT64_MAX));
	assert_int_equal(keeper_life_next(&life, &times), BORN + 5 + times.retire);
	/* a clock that goes back changes nothing */
	assert_int_equal(keeper_life_tick(&life, &times, 5), KEEPER_STAYS);
}

/* Read again after a restart: the TTL may not be over. */
static void
published_waits_after_a_restart(void **arg)
{
	struct keeper_life life = { .state = DKIM_PUBLISHED, .since_s = BORN };

	UNUSED(arg);
	keeper_life_begin(&life, &times, BORN + 10, 0);
	assert_int_equal(life.look_s, BORN + 3600);
	keeper_life_begin(&life, &times, BORN + 7200, 0);
	assert_int_equal(life.look_s, BORN + 7201);
}

/* The clock was a year ahead and is right again; or it is behind. */
static void
times_in_the_future(void **arg)
{
	const uint64_t year = 31536000;
	struct keeper_life life = { .state = DKIM_ACTIVE,
		.created_s = BORN,
		.since_s = BORN + year,
		.look_s = BORN + year,
		.checked_s = BORN + year };

	UNUSED(arg);
	keeper_life_clock(&life, &times, BORN + 5);
	assert_int_equal(life.since_s, BORN + 5);
	assert_int_equal(life.look_s, BORN + 5);
	assert_int_equal(life.checked_s, BORN + 5);
	life.look_s = BORN + 5 + times.watch;
	keeper_life_clock(&life, &times, BORN + 6);
	assert_int_equal(life.look_s, BORN + 5 + times.watch);
	keeper_life_clock(&life, &times, 1000); /* before its making: behind */
	assert_int_equal(life.since_s, BORN + 5);
	/* made and published ahead: it does not wait for that year */
	life = (struct keeper_life){
		.state = DKIM_PUBLISHED, .created_s = BORN + year, .since_s = BORN + year
	};
	assert_int_equal(keeper_life_seen(&life, &times, KEEPER_OURS, 600, BORN), KEEPER_CHANGES);
	assert_int_equal(life.state, DKIM_ACTIVE);
}

/* What a cache remembers must not change a state: new keys, and those that were just missing. */
static void
watched_past_the_cache(void **state)
{
	struct keeper_life life = { .state = DKIM_PENDING };

	UNUSED(state);
	keeper_life_begin(&life, &times, BORN, 0);
	assert_true(keeper_life_is_watched(&life));
	(void)keeper_life_seen(&life, &times, KEEPER_OURS, 600, BORN + 300);
	assert_true(life.state == DKIM_PUBLISHED && keeper_life_is_watched(&life));
	(void)keeper_life_seen(&life, &times, KEEPER_OURS, 600, BORN + 901);
	assert_true(life.state == DKIM_ACTIVE && !keeper_life_is_watched(&life));
	(void)keeper_life_seen(&life, &times, KEEPER_NOTHING, 0, BORN + 22501);
	assert_true(life.state == DKIM_ACTIVE && keeper_life_is_watched(&life));
	(void)keeper_life_seen(&life, &times, KEEPER_OURS, 600, BORN + 22801);
	assert_false(keeper_life_is_watched(&life));
}

int
main(void)
{
	const struct CMUnitTest others[] = { cmocka_unit_test(looks_become_rare),
		cmocka_unit_test(keys_read_at_once_are_looked_at_apart), cmocka_unit_test(age),
		cmocka_unit_test(published_waits_after_a_restart),
		cmocka_unit_test(times_in_the_future), cmocka_unit_test(watched_past_the_cache) };
	TABLE_TESTS(tests, rows, run_row);

	return cmocka_run_group_tests_name("mailauth/keeper_life", tests, NULL, NULL) +
	       cmocka_run_group_tests_name("mailauth/keeper_life others", others, NULL, NULL);
}
