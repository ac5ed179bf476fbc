/* SPDX-License-Identifier: ISC */
/* tests/unit/qmgr/test_expand.c - aliases: each member has one copy. */
#include "fake.h"

static void
test_alias(void **state)
{
	struct fake *f = *state;
	uint64_t id = fake_commit(f, "all@example.org", SMALL_MESSAGE);

	assert_true(fake_until(f, fake_answered));
	fake_turns(f, 200);
	assert_true(fake_delivered(f, id, 1, "a@example.org", NULL) > 0);
	assert_true(fake_delivered(f, id, 2, "b@example.org", NULL) > 0);
	assert_int_equal(f->q->index.live, 1);
	f->full_is_ok = true;
	assert_true(fake_until(f, fake_empty));
	assert_true(fake_delivered(f, id, 3, "full@example.org", NULL) > 0);
	/* those that had it did not get it again */
	assert_int_equal(f->deliveries, 3);
}

/* Between two attempts the alias loses who has the message and the one that has not; nobody
 * gets it twice, and who is left out is not bounced. */
static void
test_alias_changes_between_attempts(void **state)
{
	struct fake *f = *state;

	fake_commit(f, "all@example.org", SMALL_MESSAGE);
	assert_true(fake_until(f, fake_answered));
	fake_turns(f, 200);
	assert_int_equal(f->deliveries, 2);
	f->full_leads_to = "a@example.org b@example.org";
	assert_true(fake_until(f, fake_empty));
	assert_int_equal(f->deliveries, 2);
	assert_int_equal(f->q->stats.bounced, 0);
	f->full_leads_to = NULL;
	fake_commit(f, "all@example.org", SMALL_MESSAGE);
	assert_true(fake_until(f, fake_answered));
	fake_turns(f, 200);
	assert_int_equal(f->deliveries, 4);
	f->full_leads_to = "a@example.org c@example.org d@example.org";
	assert_true(fake_until(f, fake_empty));
	assert_int_equal(f->deliveries, 6);
	assert_int_equal(f->repeated, 0);
}

/* A member whom the sender named, too, has one copy; so has a member of two aliases. */
static void
test_alias_and_member(void **state)
{
	struct fake *f = *state;

	f->full_is_ok = true;
	fake_commit(f, "A@example.org all@example.org all@example.net", SMALL_MESSAGE);
	assert_true(fake_until(f, fake_empty));
	assert_int_equal(f->deliveries, 3);
}

static void
test_alias_by_pages(void **state)
{
	struct fake *f = *state;

	f->page = 1;
	f->full_is_ok = true;
	fake_commit(f, "all@example.org", SMALL_MESSAGE);
	assert_true(fake_until(f, fake_empty));
	assert_int_equal(f->deliveries, 3);
}

static void
test_alias_survives_restart(void **state)
{
	struct fake *f = *state;

	fake_commit(f, "all@example.org", SMALL_MESSAGE);
	assert_true(fake_until(f, fake_answered));
	fake_turns(f, 200);
	fake_stop(f);
	fake_start(f);
	assert_int_equal(f->q->index.live, 1);
	assert_int_equal(fake_message_files(f), 1);
	f->full_is_ok = true;
	assert_true(fake_until(f, fake_empty));
	assert_int_equal(f->deliveries, 3);
	assert_int_equal(f->repeated, 0);
	fake_stop(f);
	fake_start(f);
	assert_int_equal(f->q->index.live, 0);
}

/* A large alias has no more of its members under way at once than any message may. */
static void
test_crowd(void **state)
{
	struct fake *f = *state;

	fake_commit(f, "crowd@example.org m7@example.org", SMALL_MESSAGE);
	assert_true(fake_until(f, fake_empty));
	assert_int_equal(f->deliveries, FAKE_CROWD);
	assert_int_equal(f->repeated, 0);
	assert_in_range(f->most_active, 400, MESSAGE_RCPTS_MAX + 2);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		FAKE_TEST(test_alias),
		FAKE_TEST(test_alias_changes_between_attempts),
		FAKE_TEST(test_alias_and_member),
		FAKE_TEST(test_alias_by_pages),
		FAKE_TEST(test_alias_survives_restart),
		FAKE_TEST(test_crowd),
	};

	return cmocka_run_group_tests_name("qmgr/expand", tests, NULL, NULL);
}
