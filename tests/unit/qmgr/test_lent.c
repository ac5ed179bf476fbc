/* SPDX-License-Identifier: ISC */
/* tests/unit/qmgr/test_lent.c - large messages, in files that doors write into. */
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "fake.h"

static void
test_large_is_lent_a_file(void **state)
{
	struct fake *f = *state;
	struct buf content = fake_content(300000), got = BUF_INIT;
	uint64_t id = fake_commit_lent(f, "user@example.org", buf_bytes(&content));

	assert_true(fake_until(f, fake_answered));
	assert_int_equal(f->accepted, 1);
	assert_true(fake_until(f, fake_empty));
	assert_true(fake_delivered(f, id, 0, "user@example.org", &got) > 300000);
	assert_true(bytes_equal(
		bytes_skip(buf_bytes(&got), got.len - content.len), buf_bytes(&content)));
	fake_turns(f, 50);
	assert_int_equal(fake_message_files(f), 0);
	buf_free(&content);
	buf_free(&got);
}

/* A door that was taken over keeps a way to write into the file, and uses it after the 250. */
static void
test_lent_file_kept_by_the_door(void **state)
{
	struct fake *f = *state;
	struct buf content = fake_content(300000), got = BUF_INIT;
	uint64_t id;
	void *map;

	f->keep_lent = true;
	f->full_is_ok = false;
	id = fake_commit_lent(f, "full@example.org", buf_bytes(&content));
	assert_true(fake_until(f, fake_answered));
	assert_int_equal(f->accepted, 1);
	assert_int_equal(pwrite(f->kept_fd, "X", 1, (off_t)f->lent_offset + 1000), 1);
	close(f->kept_fd);
	f->full_is_ok = true;
	assert_true(fake_until(f, fake_empty));
	assert_true(fake_delivered(f, id, 0, "full@example.org", &got) > 300000);
	assert_true(bytes_equal(
		bytes_skip(buf_bytes(&got), got.len - content.len), buf_bytes(&content)));
	assert_int_equal(f->q->stats.corrupt, 0);
	/* the same by a mapping, the descriptor being closed */
	id = fake_commit_lent(f, "user@example.org", buf_bytes(&content));
	map = mmap(NULL, 65536, PROT_READ | PROT_WRITE, MAP_SHARED, f->kept_fd, 0);
	assert_true(map != MAP_FAILED);
	close(f->kept_fd);
	assert_true(fake_until(f, fake_answered));
	((char *)map)[f->lent_offset + 1000] = 'X';
	assert_true(fake_until(f, fake_empty));
	munmap(map, 65536);
	buf_clear(&got);
	assert_true(fake_delivered(f, id, 0, "user@example.org", &got) > 300000);
	assert_true(bytes_equal(
		bytes_skip(buf_bytes(&got), got.len - content.len), buf_bytes(&content)));
	assert_int_equal(fake_files(f, "queue/lent"), 0);
	buf_free(&content);
	buf_free(&got);
}

/* Files that were lent and never committed go: when nobody has them, when the door has gone,
 * at the next start. */
static void
test_lent_files_are_swept(void **state)
{
	struct fake *f = *state;
	int fds[3];

	for (size_t i = 0; i < NITEMS(fds); i++)
		fds[i] = fake_lend(f);
	assert_int_equal(fake_files(f, "queue/lent"), 3);
	close(fds[0]);
	lent_sweep(f->q, 0);
	assert_int_equal(fake_files(f, "queue/lent"), 2);
	lent_sweep(f->q, 60000000);
	assert_int_equal(fake_files(f, "queue/lent"), 2);
	lent_peer_down(f->q, f->qmgr_side);
	assert_int_equal(fake_files(f, "queue/lent"), 0);
	assert_true(write(fds[1], "x", 1) == 1);
	close(fds[1]);
	close(fds[2]);
	assert_int_equal(mknodat(f->root_fd, "queue/lent/7", S_IFREG | 0600, 0), 0);
	fake_stop(f);
	fake_start(f);
	assert_int_equal(fake_files(f, "queue/lent"), 0);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		FAKE_TEST(test_large_is_lent_a_file),
		FAKE_TEST(test_lent_file_kept_by_the_door),
		FAKE_TEST(test_lent_files_are_swept),
	};

	return cmocka_run_group_tests_name("qmgr/lent", tests, NULL, NULL);
}
