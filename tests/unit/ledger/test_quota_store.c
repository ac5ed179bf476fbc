/* SPDX-License-Identifier: ISC */
/*
 * tests/unit/ledger/test_quota_store.c - the store of use: sums, orders, 20 kills under load,
 * damage of every kind.
 */
#include "../base/cases.h"

#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "err.h"
#include "quota_store.h"

#define KILLS    20
#define ACCOUNTS 50

#ifdef RELAIS_SANITIZE
/* A damaged environment that is closed keeps some of its memory; that is the library's. */
const char *__lsan_default_suppressions(void);
const char *
__lsan_default_suppressions(void)
{
	return "leak:libdb-5.3.so";
}
#endif

static int
make_folder(void **arg)
{
	static char path[64];

	snprintf(path, sizeof(path), "/tmp/relais-test-XXXXXX");
	*arg = path;
	return mkdtemp(path) == NULL ? -1 : 0;
}

static int
remove_folder(void **arg)
{
	char command[128];

	snprintf(command, sizeof(command), "rm -rf '%s'", (const char *)*arg);
	return system(command); /* NOLINT: a path of our own making */
}

static struct database *
open_store(const char *path, bool expect_anew)
{
	const struct database_options o = { path, 4 * 1024 * 1024, 10000, NULL };
	struct database *s;
	bool anew;

	assert_int_equal(database_open(&o, &s, &anew), ERR_OK);
	assert_int_equal(anew, expect_anew);
	return s;
}

static struct quota_change
add(const char *account, int64_t octets, int64_t messages)
{
	return (struct quota_change){ .account = bytes_from_str(account),
		.octets = octets,
		.messages = messages,
		.limit_octets = UINT64_MAX,
		.limit_messages = UINT64_MAX };
}

static uint64_t
octets_of(struct database *s, const char *account)
{
	struct quota_use u;

	assert_int_equal(quota_store_get(s, bytes_from_str(account), &u), ERR_OK);
	return u.octets;
}

static void
sums(void **arg)
{
	struct database *s = open_store(*arg, false);
	struct quota_change c[4] = { add("a@x", 100, 1), add("b@x", 5, 1), add("a@x", 20, 1),
		add("b@x", -7, -3) };
	struct quota_use u;

	c[2].limit_octets = 500;
	assert_int_equal(quota_store_commit(s, c, 4), ERR_OK);
	assert_int_equal(c[2].before.octets, 100);
	assert_int_equal(c[2].after.octets, 120);
	assert_int_equal(quota_store_get(s, BYTES_LITERAL("a@x"), &u), ERR_OK);
	assert_true(u.octets == 120 && u.messages == 2 && u.limit_octets == 500);
	assert_int_equal(quota_store_get(s, BYTES_LITERAL("b@x"), &u), ERR_OK);
	assert_true(u.octets == 0 && u.messages == 0); /* never below zero */
	database_close(&s);
	s = open_store(*arg, false);
	assert_int_equal(octets_of(s, "a@x"), 120);
	c[0] = add("a@x", 7, 1);
	c[0].set = true;
	c[1] = add("b@x", 0, 0);
	c[1].forget = true;
	assert_int_equal(quota_store_commit(s, c, 2), ERR_OK);
	assert_int_equal(quota_store_get(s, BYTES_LITERAL("a@x"), &u), ERR_OK);
	assert_true(u.octets == 7 && u.messages == 1 && u.limit_octets == 500);
	assert_int_equal(octets_of(s, "nobody@x"), 0);
	database_close(&s);
}

struct rows {
	unsigned n;
	char last[64];
	bool ordered;
};

static void
note_row(void *arg, struct bytes account, const struct quota_use *use)
{
	struct rows *r = arg;
	char name[64];

	UNUSED(use);
	bytes_to_str(account, name, sizeof(name));
	r->ordered &= strcmp(r->last, name) < 0;
	memcpy(r->last, name, sizeof(name));
	r->n++;
}

static void
pages(void **arg)
{
	struct database *s = open_store(*arg, false);
	struct rows rows = { 0, "", true };
	char name[32];
	int n;

	for (unsigned i = 0; i < 100; i++) {
		struct quota_change c;

		snprintf(name, sizeof(name), "user%u@x", i * 7 % 100);
		c = add(name, 1, 1);
		assert_int_equal(quota_store_commit(s, &c, 1), ERR_OK);
	}
	do
		n = quota_store_list(s, bytes_from_str(rows.last), 7, note_row, &rows);
	while (n == 7);
	assert_int_equal(rows.n, 100);
	assert_true(rows.ordered);
	/* behind an account that isn't there */
	rows = (struct rows){ 0, "", true };
	assert_int_equal(quota_store_list(s, BYTES_LITERAL("user98"), 10, note_row, &rows), 3);
	database_close(&s);
}

static void
a_bad_change_changes_nothing(void **arg)
{
	struct database *s = open_store(*arg, false);
	struct quota_change c[2] = { add("a@x", 100, 1), add("", 1, 1) };

	assert_true(quota_store_commit(s, c, 2) < 0);
	assert_int_equal(octets_of(s, "a@x"), 0);
	assert_int_equal(quota_store_commit(s, c, 1), ERR_OK);
	database_close(&s);
}

/* Adds one octet to some account, commits, and writes the account's number to fd: what was
 * written there must never be lost. Checkpoints every now and then, as the daemon does. */
static _Noreturn void
worker(const char *path, int fd, unsigned seed)
{
	const struct database_options o = { path, 4 * 1024 * 1024, 10000, NULL };
	struct database *s;
	bool anew;

	if (database_open(&o, &s, &anew) < 0 || anew)
		_exit(2);
	for (unsigned step = 0;; step++) {
		uint8_t i = (uint8_t)(rand_r(&seed) % ACCOUNTS);
		char name[32];
		struct quota_change c;

		snprintf(name, sizeof(name), "user%u@example.org", i);
		c = add(name, 1, 1);
		if (quota_store_commit(s, &c, 1) < 0 || write(fd, &i, 1) != 1 ||
			(step % 500 == 499 && database_checkpoint(s) < 0))
			_exit(3);
	}
}

static void
killed_twenty_times_nothing_committed_is_lost(void **arg)
{
	uint64_t acked[ACCOUNTS] = { 0 }, total = 0;
	unsigned seed = (unsigned)getpid(), surplus = 0;
	struct database *s;
	uint8_t seen[4096];
	char name[32];
	ssize_t n;

	print_message("seed %u\n", seed);
	for (unsigned kill_number = 0; kill_number < KILLS; kill_number++) {
		struct timespec pause = { 0, 20000000L + rand_r(&seed) % 60 * 1000000L };
		int ends[2], status;
		pid_t pid;

		assert_int_equal(pipe(ends), 0);
		pid = fork();
		if (pid == 0)
			worker(*arg, ends[1], seed);
		close(ends[1]);
		if (read(ends[0], seen, 1) == 1) { /* it is at work */
			acked[seen[0]]++;
			fcntl(ends[0], F_SETPIPE_SZ, 1024 * 1024);
			nanosleep(&pause, NULL);
		}
		assert_int_equal(kill(pid, SIGKILL), 0);
		assert_int_equal(waitpid(pid, &status, 0), pid);
		assert_true(WIFSIGNALED(status));
		while ((n = read(ends[0], seen, sizeof(seen))) > 0)
			for (ssize_t i = 0; i < n; i++)
				acked[seen[i]]++;
		close(ends[0]);
	}
	s = open_store(*arg, false);
	for (unsigned i = 0; i < ACCOUNTS; i++) {
		uint64_t have;

		snprintf(name, sizeof(name), "user%u@example.org", i);
		have = octets_of(s, name);
		assert_true(have >= acked[i]);
		surplus += (unsigned)(have - acked[i]); /* committed, the note not yet written */
		total += acked[i];
	}
	assert_true(surplus <= KILLS);
	print_message("%llu commits acknowledged, none lost\n", (unsigned long long)total);
	database_close(&s);
}

static void
another_owner_is_kept_out(void **arg)
{
	struct database *s = open_store(*arg, false), *two;
	const struct database_options o = { *arg, 4 * 1024 * 1024, 100, NULL };
	bool anew;

	assert_int_equal(database_open(&o, &two, &anew), ERR_BUSY);
	database_close(&s);
}

static void
fill(const char *path)
{
	struct database *s = open_store(path, false);
	char name[40];

	for (unsigned i = 0; i < 2000; i++) {
		struct quota_change c;

		snprintf(name, sizeof(name), "user%u@example.org", i);
		c = add(name, 1, 1);
		assert_int_equal(quota_store_commit(s, &c, 1), ERR_OK);
	}
	database_close(&s);
}

static void
overwrite(const char *folder, const char *name, off_t offset, size_t n)
{
	char path[128], junk[8192];
	int fd;

	memset(junk, 0xa5, sizeof(junk));
	snprintf(path, sizeof(path), "%s/%s", folder, name);
	fd = open(path, O_WRONLY | O_CLOEXEC);
	assert_true(fd >= 0);
	assert_int_equal(pwrite(fd, junk, n, offset), n);
	close(fd);
}

static void
check_set_aside(const char *folder)
{
	struct database *s = open_store(folder, true);
	struct quota_change c = add("a@x", 5, 1);
	struct stat st;
	char path[128];

	snprintf(path, sizeof(path), "%s/corrupt.1", folder);
	assert_int_equal(stat(path, &st), 0);
	assert_int_equal(octets_of(s, "user1@example.org"), 0);
	assert_int_equal(quota_store_commit(s, &c, 1), ERR_OK);
	database_close(&s);
	s = open_store(folder, false);
	assert_int_equal(octets_of(s, "a@x"), 5);
	database_close(&s);
}

static void
a_damaged_first_page_is_set_aside(void **arg)
{
	fill(*arg);
	overwrite(*arg, "quota.db", 0, 512);
	check_set_aside(*arg);
}

static void
a_damaged_page_is_set_aside(void **arg)
{
	fill(*arg);
	overwrite(*arg, "quota.db", 4096 * 5 + 100, 2000);
	check_set_aside(*arg);
}

static void
a_lost_database_begins_anew(void **arg)
{
	char path[128];

	fill(*arg);
	snprintf(path, sizeof(path), "%s/quota.db", (const char *)*arg);
	assert_int_equal(truncate(path, 0), 0);
	check_set_aside(*arg);
}

/* As on a full disk: writing fails, and that is no damage. */
static void
a_write_that_fails_is_no_damage(void **arg)
{
	const struct database_options o = { *arg, 4 * 1024 * 1024, 100, NULL };
	const struct rlimit little = { 4096, 4096 };
	struct database *s;
	char path[128];
	int status;
	bool anew;
	pid_t pid;

	fill(*arg);
	pid = fork();
	if (pid == 0) {
		signal(SIGXFSZ, SIG_IGN);
		if (setrlimit(RLIMIT_FSIZE, &little) < 0)
			_exit(2);
		_exit(database_open(&o, &s, &anew) < 0 && !anew ? 0 : 1);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFEXITED(status));
	assert_int_equal(WEXITSTATUS(status), 0);
	snprintf(path, sizeof(path), "%s/corrupt.1", (const char *)*arg);
	assert_int_equal(access(path, F_OK), -1);
	s = open_store(*arg, false);
	assert_int_equal(octets_of(s, "user1@example.org"), 1);
	database_close(&s);
}

#define IN_FOLDER(f) cmocka_unit_test_setup_teardown(f, make_folder, remove_folder)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		IN_FOLDER(sums),
		IN_FOLDER(pages),
		IN_FOLDER(a_bad_change_changes_nothing),
		IN_FOLDER(killed_twenty_times_nothing_committed_is_lost),
		IN_FOLDER(another_owner_is_kept_out),
		IN_FOLDER(a_damaged_first_page_is_set_aside),
		IN_FOLDER(a_damaged_page_is_set_aside),
		IN_FOLDER(a_lost_database_begins_anew),
		IN_FOLDER(a_write_that_fails_is_no_damage),
	};

	return cmocka_run_group_tests_name("ledger/quota_store", tests, NULL, NULL);
}
