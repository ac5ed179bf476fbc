/* SPDX-License-Identifier: ISC */
/*
 * tests/unit/map/test_map.c - compiled tables: look-ups, every failing call of the builder, and
 * readers that look while tables are replaced.
 */
#include "../base/cases.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "err.h"
#include "map.h"
#include "map_build.h"
#include "sys.h"

#define ROUNDS 12
#define KEYS   2000

struct folder {
	char path[64], db[96];
};

static int
make_folder(void **arg)
{
	static struct folder f;

	snprintf(f.path, sizeof(f.path), "/tmp/relais-test-XXXXXX");
	if (mkdtemp(f.path) == NULL)
		return -1;
	snprintf(f.db, sizeof(f.db), "%s/t.db", f.path);
	*arg = &f;
	return 0;
}

static int
remove_folder(void **arg)
{
	const struct folder *f = *arg;

	sys_fault_clear();
	unlink(f->db);
	return rmdir(f->path); /* fails if anything was left over */
}

/* KEYS keys, each with the value of this generation. */
static int
build(const char *db, unsigned generation)
{
	struct table t = TABLE_INIT;
	struct buf text = BUF_INIT;
	int r;

	for (unsigned i = 0; i < KEYS; i++)
		buf_printf(&text, "key%u@example.org %u\n", i, generation);
	table_parse(&t, buf_bytes(&text));
	table_sort(&t);
	r = map_build(db, &t);
	table_free(&t);
	buf_free(&text);
	return r;
}

/* The generation of a key; -1 not found, -2 an error. */
static int
look(struct map *m, unsigned i)
{
	struct arena a = ARENA_INIT;
	struct bytes key, value;
	uint64_t n = 0;
	int r;

	key = bytes_from_str(arena_printf(&a, "key%u@example.org", i));
	r = map_get(m, &a, key, &value);
	if (r == ERR_OK && bytes_to_u64(value, UINT32_MAX, &n) < 0)
		r = ERR_CORRUPT;
	arena_reset(&a);
	return r == ERR_OK ? (int)n : r == ERR_NOT_FOUND ? -1 : -2;
}

static void
found_and_not_found(void **arg)
{
	const struct folder *f = *arg;
	struct map m;

	assert_int_equal(build(f->db, 7), ERR_OK);
	m = map_open_btree(f->db);
	for (unsigned i = 0; i < KEYS; i++)
		assert_int_equal(look(&m, i), 7);
	assert_int_equal(look(&m, KEYS), -1);
	map_close(&m);
}

static void
a_missing_file_is_waited_for(void **arg)
{
	const struct folder *f = *arg;
	struct map m = map_open_btree(f->db);

	assert_int_equal(look(&m, 1), -2);
	assert_int_equal(map_refresh(&m), 0);
	assert_int_equal(build(f->db, 1), ERR_OK);
	assert_int_equal(map_refresh(&m), 1);
	assert_int_equal(look(&m, 1), 1);
	assert_int_equal(map_refresh(&m), 0);
	assert_int_equal(build(f->db, 2), ERR_OK);
	assert_int_equal(look(&m, 1), 1); /* still the old one */
	assert_int_equal(map_refresh(&m), 1);
	assert_int_equal(look(&m, 1), 2);
	assert_int_equal(unlink(f->db), 0);
	assert_true(map_refresh(&m) < 0);
	assert_int_equal(look(&m, 1), 2); /* better than nothing */
	map_close(&m);
}

static void
an_empty_table_is_one(void **arg)
{
	const struct folder *f = *arg;
	struct table t = TABLE_INIT;
	struct map m;

	assert_int_equal(map_build(f->db, &t), ERR_OK);
	m = map_open_btree(f->db);
	assert_int_equal(look(&m, 1), -1);
	map_close(&m);
}

static void
what_is_no_database_is_refused(void **arg)
{
	const struct folder *f = *arg;
	struct map m;

	assert_int_equal(map_replace_file(f->db, BYTES_LITERAL("not a database\n"), 0644), ERR_OK);
	m = map_open_btree(f->db);
	assert_int_equal(look(&m, 1), -2);
	map_close(&m);
}

/* Whatever fails, the old table is there and nothing else is. */
static void
each_call_fails_in_turn(void **arg)
{
	const struct folder *f = *arg;
	static const enum sys_call calls[] = { SYS_OPEN, SYS_FSYNC, SYS_RENAME, SYS_WRITE };
	struct map m;

	if (sys_fault(SYS_OPEN, 0, 0, false) == ERR_UNSUPPORTED)
		skip();
	assert_int_equal(build(f->db, 1), ERR_OK);
	for (size_t i = 0; i < NITEMS(calls); i++)
		for (unsigned nth = 1; nth <= 2; nth++) {
			int r;

			sys_fault(calls[i], nth, ENOSPC, false);
			r = build(f->db, 2);
			sys_fault_clear();
			m = map_open_btree(f->db);
			/* a folder that can't be flushed: the new one is there, not yet for sure */
			if (r == ERR_OK || (calls[i] == SYS_FSYNC && nth == 2))
				assert_int_equal(look(&m, 1), 2);
			else
				assert_int_equal(look(&m, 1), 1);
			map_close(&m);
			assert_int_equal(build(f->db, 1), ERR_OK);
		}
}

static _Noreturn void
reader(const char *db, int stop_fd)
{
	struct map m = map_open_btree(db);
	unsigned n = 0;
	int last = 1, seen;
	char c;

	for (;;) {
		if (n % 64 == 0 && map_refresh(&m) < 0)
			_exit(2);
		seen = look(&m, n % KEYS);
		if (seen < last) /* an error, a missing key or an older table */
			_exit(3);
		last = seen;
		if (++n % 1000 == 0 && read(stop_fd, &c, 1) == 0)
			_exit(last == ROUNDS ? 0 : 4);
		if (n % 1000 == 0)
			usleep(500);
	}
}

static void
readers_never_see_half_a_table(void **arg)
{
	const struct folder *f = *arg;
	pid_t pids[3];
	int stop[2], status;

	assert_int_equal(build(f->db, 1), ERR_OK);
	assert_int_equal(pipe(stop), 0);
	for (size_t i = 0; i < NITEMS(pids); i++) {
		pids[i] = fork();
		if (pids[i] == 0) {
			struct timespec pause = { 0, 1000000 };

			close(stop[1]);
			nanosleep(&pause, NULL);
			/* end of file is the signal: don't wait for it */
			dup2(stop[0], 0);
			if (fcntl(0, F_SETFL, O_NONBLOCK) < 0)
				_exit(5);
			reader(f->db, 0);
		}
	}
	close(stop[0]);
	for (unsigned generation = 2; generation <= ROUNDS; generation++)
		assert_int_equal(build(f->db, generation), ERR_OK);
	usleep(20000);
	close(stop[1]);
	for (size_t i = 0; i < NITEMS(pids); i++) {
		assert_int_equal(waitpid(pids[i], &status, 0), pids[i]);
		assert_true(WIFEXITED(status));
		assert_int_equal(WEXITSTATUS(status), 0);
	}
}

static void
modes_are_kept(void **arg)
{
	const struct folder *f = *arg;
	struct stat st;

	assert_int_equal(map_replace_file(f->db, BYTES_LITERAL("a\n"), 0600), ERR_OK);
	assert_int_equal(chmod(f->db, 0604), 0);
	assert_int_equal(map_replace_file(f->db, BYTES_LITERAL("b\n"), 0600), ERR_OK);
	assert_int_equal(stat(f->db, &st), 0);
	assert_int_equal(st.st_mode & 07777, 0604);
}

#define IN_FOLDER(f) cmocka_unit_test_setup_teardown(f, make_folder, remove_folder)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		IN_FOLDER(found_and_not_found),
		IN_FOLDER(a_missing_file_is_waited_for),
		IN_FOLDER(an_empty_table_is_one),
		IN_FOLDER(what_is_no_database_is_refused),
		IN_FOLDER(each_call_fails_in_turn),
		IN_FOLDER(readers_never_see_half_a_table),
		IN_FOLDER(modes_are_kept),
	};

	return cmocka_run_group_tests_name("map", tests, NULL, NULL);
}
