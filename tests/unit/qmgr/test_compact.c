/* SPDX-License-Identifier: ISC */
/* tests/unit/qmgr/test_compact.c - a file with too many events is written anew, and says the same.
 */
#include <errno.h>
#include <stdio.h>
#include <sys/stat.h>

#include "fake.h"
#include "sys.h"

#define RCPTS  20
#define ROUNDS 12
#define NEVER  1000 /* seconds until an attempt that nobody orders */

static uint64_t id;

static uint64_t
file_size(struct fake *f)
{
	char path[256], name[QUEUE_FILE_NAME_MAX];
	struct stat st;

	snprintf(path, sizeof(path), "%s/queue/message/%s", f->path, queue_file_name(id, name));
	assert_int_equal(stat(path, &st), 0);
	return (uint64_t)st.st_size;
}

/* A message to many full mailboxes, in its file. */
static int
setup(void **state)
{
	struct fake *f = fake_new();
	struct buf rcpts = BUF_INIT;

	f->conf.minimal_backoff = f->conf.maximal_backoff = NEVER * 1000;
	fake_start(f);
	for (unsigned i = 0; i < RCPTS; i++)
		buf_printf(&rcpts, "%sfull@%u.example", i == 0 ? "" : " ", i);
	buf_put_u8(&rcpts, 0);
	id = fake_commit(f, (const char *)rcpts.data + rcpts.start, SMALL_MESSAGE);
	assert_true(fake_until(f, fake_answered));
	assert_true(fake_until(f, fake_quiet));
	fake_stop(f);
	fake_start(f);
	f->q->compact_least = 4000;
	buf_free(&rcpts);
	*state = f;
	return 0;
}

static void
try_again(struct fake *f)
{
	const uint64_t before = f->q->stats.deferrals;

	fake_order(f, QUEUE_ORDER_FLUSH, id);
	do
		assert_true(fake_until(f, fake_quiet));
	while (f->q->stats.deferrals < before + RCPTS);
}

static void
check_all(struct fake *f, uint32_t attempts)
{
	struct entry *e;

	fake_stop(f);
	fake_start(f);
	e = index_find(&f->q->index, id);
	assert_non_null(e);
	assert_int_equal(message_load(f->q, e), 0);
	assert_int_equal(e->msg->state.left, RCPTS);
	for (unsigned i = 0; i < RCPTS; i++)
		assert_int_equal(e->msg->state.rcpts[i].attempts, attempts);
	message_free(f->q, e->msg);
	f->full_is_ok = true;
	fake_order(f, QUEUE_ORDER_FLUSH, id);
	assert_true(fake_until(f, fake_empty));
	assert_int_equal(f->deliveries, RCPTS);
	assert_int_equal(f->repeated, 0);
	assert_int_equal(f->q->stats.corrupt, 0);
}

static void
test_stays_small(void **state)
{
	struct fake *f = *state;
	const uint64_t first = file_size(f);

	for (unsigned i = 0; i < ROUNDS; i++) {
		try_again(f);
		assert_true(file_size(f) < 5 * first);
	}
	check_all(f, ROUNDS + 1);
}

#ifdef RELAIS_FAULTS
/* The old one stays, and nothing of it is lost. */
static void
test_cannot_be_written(void **state)
{
	const enum sys_call calls[] = { SYS_FSYNC, SYS_RENAME };
	struct fake *f = *state;

	for (unsigned i = 0; i < ROUNDS; i++) {
		sys_fault(calls[i % NITEMS(calls)], 1, EIO, true);
		try_again(f);
	}
	sys_fault_clear();
	check_all(f, ROUNDS + 1);
}
#endif

static bool
is_compacting(struct fake *f)
{
	const struct entry *e = index_find(&f->q->index, id);

	return e->msg != NULL && (e->flags & ENTRY_MOVING) != 0;
}

/* What happens meanwhile is in the new file, too. */
static void
test_held_meanwhile(void **state)
{
	struct fake *f = *state;
	struct entry *e = index_find(&f->q->index, id);

	try_again(f);
	fake_disk_stands(f);
	f->q->compact_least = 100;
	for (unsigned i = 0; i < 4 && !is_compacting(f); i++) {
		fake_order(f, QUEUE_ORDER_FLUSH, id);
		fake_turns(f, 200);
	}
	assert_true(is_compacting(f));
	fake_order(f, QUEUE_ORDER_HOLD, id);
	fake_disk_goes_on();
	assert_true(fake_until(f, fake_quiet));
	assert_int_equal(e->state, ENTRY_HELD);
	fake_stop(f);
	fake_start(f);
	fake_turns(f, 50);
	assert_int_equal(index_find(&f->q->index, id)->state, ENTRY_HELD);
}

#define TEST(t) cmocka_unit_test_setup_teardown(t, setup, fake_teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_stays_small),
#ifdef RELAIS_FAULTS
		TEST(test_cannot_be_written),
#endif
		TEST(test_held_meanwhile),
	};

	return cmocka_run_group_tests_name("qmgr/compact", tests, NULL, NULL);
}
