/* SPDX-License-Identifier: ISC */
/* tests/unit/local-delivery/test_home.c - no way leads out of the mail root. */
#include "cases.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "err.h"
#include "home.h"
#include "sys.h"
#include "test_folder.h"

static int
setup(void **arg)
{
	struct test_folder *f = test_folder_new();

	*arg = f;
	if (mkdirat(f->fd, "outside", 0700) != 0 || mkdirat(f->fd, "root", 0711) != 0 ||
		mkdirat(f->fd, "root/d", 0711) != 0 || mkdirat(f->fd, "root/d/u", 0700) != 0)
		return -1;
	close(openat(f->fd, "root/d/file", O_CREAT | O_WRONLY | O_CLOEXEC, 0600));
	/* what a user, or whoever writes in the mail root, might leave there */
	if (symlinkat("../../outside", f->fd, "root/d/link") != 0 ||
		symlinkat("../outside", f->fd, "root/domain") != 0 ||
		symlinkat("u", f->fd, "root/d/inner") != 0 ||
		symlinkat("/nowhere", f->fd, "root/d/dangling") != 0)
		return -1;
	return 0;
}

static int
teardown(void **arg)
{
	struct test_folder *f = *arg;

	sys_fault_clear();
	test_folder_free(&f);
	return 0;
}

static const struct row {
	const char *label;
	struct bytes home;
	bool ok;
} rows[] = {
	{ "there already", BYTES_LITERAL("d/u"), true },
	{ "new user", BYTES_LITERAL("d/new"), true },
	{ "new domain", BYTES_LITERAL("e/new"), true },
	{ "deeper", BYTES_LITERAL("e/f/g/new"), true },
	{ "empty", BYTES_LITERAL(""), false },
	{ "absolute", BYTES_LITERAL("/etc"), false },
	{ "up", BYTES_LITERAL("../outside"), false },
	{ "up in the middle", BYTES_LITERAL("d/../../outside"), false },
	{ "up and back", BYTES_LITERAL("d/../d/u"), false },
	{ "itself", BYTES_LITERAL("."), false },
	{ "dot in the middle", BYTES_LITERAL("d/./u"), false },
	{ "empty part", BYTES_LITERAL("d//u"), false },
	{ "slash at the end", BYTES_LITERAL("d/u/"), false },
	{ "NUL", BYTES_LITERAL("d/u\0/x"), false },
	{ "symbolic link out of the root", BYTES_LITERAL("d/link"), false },
	{ "through a symbolic link", BYTES_LITERAL("domain/u"), false },
	{ "symbolic link inside the root", BYTES_LITERAL("d/inner"), false },
	{ "dangling symbolic link", BYTES_LITERAL("d/dangling"), false },
	{ "new below a link", BYTES_LITERAL("d/link/new"), false },
	{ "a file", BYTES_LITERAL("d/file"), false },
	{ "below a file", BYTES_LITERAL("d/file/u"), false },
};

static void
run_row(void **arg)
{
	const struct row *t = *arg;
	struct test_folder *f;
	struct stat st;
	int root, fd;

	assert_int_equal(setup((void **)&f), 0);
	root = openat(f->fd, "root", O_PATH | O_DIRECTORY | O_CLOEXEC);
	fd = home_open(root, t->home, true);
	if (t->ok) {
		assert_true(fd >= 0);
		assert_int_equal(fstat(fd, &st), 0);
		assert_int_equal(st.st_mode & 0777, HOME_MODE);
		close(fd);
		/* now it is there */
		fd = home_open(root, t->home, false);
		assert_true(fd >= 0);
		close(fd);
	} else {
		assert_int_equal(fd, ERR_DENIED);
	}
	close(root);
	/* nothing was made outside */
	assert_int_equal(test_folder_count(f, "outside"), 0);
	assert_int_equal(teardown((void **)&f), 0);
}

static void
not_made_unless_asked(void **arg)
{
	struct test_folder *f = *arg;
	int root = openat(f->fd, "root", O_PATH | O_DIRECTORY | O_CLOEXEC);

	assert_int_equal(home_open(root, BYTES_LITERAL("d/new"), false), ERR_NOT_FOUND);
	assert_int_equal(home_open(root, BYTES_LITERAL("e/new"), false), ERR_NOT_FOUND);
	close(root);
}

static void
too_long_a_path(void **arg)
{
	struct test_folder *f = *arg;
	char name[HOME_PATH_MAX + 2];

	memset(name, 'x', sizeof(name));
	assert_int_equal(home_open(f->fd, bytes_make(name, sizeof(name) - 1), true), ERR_DENIED);
	/* a part longer than a directory entry may be is an error, never cut */
	assert_true(home_open(f->fd, bytes_make(name, 300), true) < 0);
}

#ifdef RELAIS_FAULTS
static void
every_call_may_fail(void **arg)
{
	struct test_folder *f = *arg;
	int root = openat(f->fd, "root", O_PATH | O_DIRECTORY | O_CLOEXEC), fd, failures = 0;
	static const enum sys_call calls[] = { SYS_OPEN, SYS_MKDIR };
	int limit = open("/dev/null", O_RDONLY | O_CLOEXEC);

	for (size_t c = 0; c < NITEMS(calls); c++) {
		for (unsigned nth = 1; nth < 20; nth++) {
			sys_fault(calls[c], nth, ENOSPC, false);
			fd = home_open(root, BYTES_LITERAL("x/y/z"), true);
			sys_fault_clear();
			if (fd >= 0) {
				close(fd);
				unlinkat(root, "x/y/z", AT_REMOVEDIR);
				unlinkat(root, "x/y", AT_REMOVEDIR);
				unlinkat(root, "x", AT_REMOVEDIR);
				break;
			}
			assert_int_equal(fd, ERR_NO_SPACE);
			failures++;
		}
	}
	assert_true(failures >= 6);
	fd = open("/dev/null", O_RDONLY | O_CLOEXEC);
	assert_int_equal(fd, limit + 1); /* no descriptor was left open */
	close(fd);
	close(limit);
	close(root);
}
#endif

int
main(void)
{
	static const struct CMUnitTest others[] = {
		cmocka_unit_test_setup_teardown(not_made_unless_asked, setup, teardown),
		cmocka_unit_test_setup_teardown(too_long_a_path, setup, teardown),
#ifdef RELAIS_FAULTS
		cmocka_unit_test_setup_teardown(every_call_may_fail, setup, teardown),
#endif
	};
	TABLE_TESTS(tests, rows, run_row);

	umask(022);
	return cmocka_run_group_tests_name("local-delivery/home paths", tests, NULL, NULL) +
	       cmocka_run_group_tests_name("local-delivery/home", others, NULL, NULL);
}
