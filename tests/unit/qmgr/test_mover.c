/* SPDX-License-Identifier: ISC */
/* tests/unit/qmgr/test_mover.c - out of memory and out of the journal, into files, and back. */
#include <fcntl.h>
#include <stdio.h>
#include <unistd.h>

#include "fake.h"

static bool
no_files(struct fake *f)
{
	return fake_message_files(f) == 0;
}

/* Messages that wait and stand in the way become files; none is lost or doubled. */
static void
test_moves_out_of_the_journal(void **state)
{
	struct fake *f = *state;
	struct buf content = fake_content(20000);

	for (int i = 0; i < 50; i++)
		fake_commit(f, "full@example.org", buf_bytes(&content));
	assert_true(fake_until(f, fake_answered));
	for (int round = 0; round < 20; round++) {
		for (int i = 0; i < 20; i++)
			fake_commit(f, "user@example.org", buf_bytes(&content));
		fake_turns(f, 150);
		assert_true(fake_until(f, fake_answered));
	}
	assert_int_equal(f->refused, 0);
	assert_true(f->q->stats.moved >= 50);
	fake_turns(f, 100);
	assert_true(fake_message_files(f) >= 50);
	f->full_is_ok = true;
	assert_true(fake_until(f, fake_empty));
	assert_int_equal(f->deliveries, 450);
	assert_int_equal(f->repeated, 0);
	assert_true(fake_until(f, no_files));
	buf_free(&content);
}

/* Content beyond the memory budget is dropped and read back. */
static void
test_memory_budget(void **state)
{
	struct fake *f = *state;
	struct buf content = fake_content(20000);

	f->conf.memory_limit = 50000;
	for (int i = 0; i < 40; i++)
		fake_commit(f, "user@example.org", buf_bytes(&content));
	assert_true(fake_until(f, fake_empty));
	assert_int_equal(f->deliveries, 40);
	assert_int_equal(f->q->memory, 0);
	buf_free(&content);
}

static void
test_restart_keeps_waiting(void **state)
{
	struct fake *f = *state;
	struct buf content = fake_content(300000);
	uint64_t one = fake_commit(f, "full@example.org x@example.org", SMALL_MESSAGE);
	uint64_t two = fake_commit_lent(f, "full@example.org y@example.org", buf_bytes(&content));

	assert_true(fake_until(f, fake_answered));
	fake_turns(f, 200);
	for (int i = 0; i < 3; i++) {
		fake_stop(f);
		fake_start(f);
		assert_int_equal(f->q->index.live, 2);
		assert_int_equal(fake_message_files(f), 2);
	}
	f->full_is_ok = true;
	assert_true(fake_until(f, fake_empty));
	assert_true(fake_delivered(f, one, 0, "full@example.org", NULL) > 0);
	assert_true(fake_delivered(f, one, 1, "x@example.org", NULL) > 0);
	assert_true(fake_delivered(f, two, 0, "full@example.org", NULL) > 300000);
	assert_true(fake_delivered(f, two, 1, "y@example.org", NULL) > 300000);
	assert_int_equal(f->deliveries, 4);
	buf_free(&content);
}

static void
test_damaged_file_is_set_aside(void **state)
{
	struct fake *f = *state;
	char path[256], name[QUEUE_FILE_NAME_MAX];
	uint64_t id = fake_commit(f, "full@example.org", SMALL_MESSAGE);
	int fd;

	assert_true(fake_until(f, fake_answered));
	fake_turns(f, 200);
	fake_stop(f);
	fake_start(f); /* now it is a file */
	fake_stop(f);
	snprintf(path, sizeof(path), "%s/queue/message/%s", f->path, queue_file_name(id, name));
	fd = open(path, O_WRONLY);
	assert_true(fd >= 0);
	assert_int_equal(pwrite(fd, "XXXX", 4, 140), 4);
	close(fd);
	fake_start(f);
	assert_true(fake_until(f, fake_empty));
	assert_int_equal(f->q->stats.corrupt, 1);
	assert_int_equal(fake_files(f, "queue/corrupt"), 2);
}

/* The envelope is whole, the content is not what was written: nobody gets any of it. */
static void
test_damaged_content_is_not_delivered(void **state)
{
	struct fake *f = *state;
	char path[256], name[QUEUE_FILE_NAME_MAX];
	struct buf content = fake_content(300000);
	const uint64_t ids[] = { fake_commit(f, "full@example.org", SMALL_MESSAGE),
		fake_commit_lent(f, "full@example.org full@example.net", buf_bytes(&content)) };

	assert_true(fake_until(f, fake_answered));
	fake_turns(f, 200);
	fake_stop(f);
	fake_start(f); /* now both are files */
	fake_stop(f);
	for (size_t i = 0; i < NITEMS(ids); i++) {
		int fd;
		off_t size;

		snprintf(path, sizeof(path), "%s/queue/message/%s", f->path,
			queue_file_name(ids[i], name));
		fd = open(path, O_RDWR);
		assert_true(fd >= 0);
		size = i == 0 ? 330 : lseek(fd, 0, SEEK_END) - 1000;
		assert_int_equal(pwrite(fd, "X", 1, size), 1);
		close(fd);
	}
	f->full_is_ok = true;
	fake_start(f);
	assert_true(fake_until(f, fake_empty));
	assert_int_equal(f->q->stats.corrupt, 2);
	assert_int_equal(f->deliveries, 0);
	assert_int_equal(fake_files(f, "queue/corrupt"), 4);
	buf_free(&content);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		FAKE_TEST(test_moves_out_of_the_journal),
		FAKE_TEST(test_memory_budget),
		FAKE_TEST(test_restart_keeps_waiting),
		FAKE_TEST(test_damaged_file_is_set_aside),
		FAKE_TEST(test_damaged_content_is_not_delivered),
	};

	return cmocka_run_group_tests_name("qmgr/mover", tests, NULL, NULL);
}
