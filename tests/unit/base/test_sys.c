/* SPDX-License-Identifier: ISC */
/* tests/unit/base/test_sys.c - each call works, and each can be made to fail. */
#include "cases.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "err.h"
#include "sys.h"

struct folder {
	char path[64];
	int fd;
};

static int
make_folder(void **arg)
{
	static struct folder f;

	snprintf(f.path, sizeof(f.path), "/tmp/relais-test-XXXXXX");
	if (mkdtemp(f.path) == NULL || (f.fd = open(f.path, O_DIRECTORY | O_CLOEXEC)) < 0)
		return -1;
	*arg = &f;
	return 0;
}

static int
remove_folder(void **arg)
{
	struct folder *f = *arg;
	static const char *const names[] = { "file", "other" };

	sys_fault_clear();
	for (size_t i = 0; i < NITEMS(names); i++)
		unlinkat(f->fd, names[i], 0);
	unlinkat(f->fd, "dir", AT_REMOVEDIR);
	close(f->fd);
	return rmdir(f->path);
}

static void
write_and_read(void **arg)
{
	struct folder *f = *arg;
	uint8_t got[16];
	int fd = sys_openat(f->fd, "file", O_RDWR | O_CREAT | O_EXCL, 0600);

	assert_true(fd >= 0);
	assert_int_not_equal(fcntl(fd, F_GETFD) & FD_CLOEXEC, 0);
	assert_int_equal(sys_openat(f->fd, "file", O_RDWR | O_CREAT | O_EXCL, 0600), ERR_EXISTS);
	assert_int_equal(sys_openat(f->fd, "none", O_RDONLY, 0), ERR_NOT_FOUND);
	assert_int_equal(sys_write_all(fd, BYTES_LITERAL("hello")), ERR_OK);
	assert_int_equal(sys_pwrite_all(fd, BYTES_LITERAL("J"), 0), ERR_OK);
	assert_int_equal(sys_pread_full(fd, got, sizeof(got), 0), 5);
	assert_memory_equal(got, "Jello", 5);
	assert_int_equal(sys_pread_full(fd, got, 2, 1), 2);
	assert_int_equal(lseek(fd, 3, SEEK_SET), 3);
	assert_int_equal(sys_read_full(fd, got, sizeof(got)), 2);
	assert_int_equal(sys_fdatasync(fd), ERR_OK);
	assert_int_equal(sys_fsync(fd), ERR_OK);
	assert_int_equal(sys_syncfs(fd), ERR_OK);
	assert_int_equal(sys_ftruncate(fd, 1), ERR_OK);
	assert_int_equal(sys_pread_full(fd, got, sizeof(got), 0), 1);
	assert_int_equal(sys_fallocate(fd, 8192), ERR_OK);
	close(fd);
	assert_int_equal(sys_write_all(-1, BYTES_LITERAL("x")), ERR_IO);
}

static void
names(void **arg)
{
	struct folder *f = *arg;
	int fd = sys_openat(f->fd, "other", O_RDWR | O_CREAT, 0600);

	close(fd);
	assert_int_equal(sys_renameat(f->fd, "other", f->fd, "file"), ERR_OK);
	close(sys_openat(f->fd, "other", O_RDWR | O_CREAT, 0600));
	assert_int_equal(sys_renameat_new(f->fd, "other", f->fd, "file"), ERR_EXISTS);
	assert_int_equal(sys_unlinkat(f->fd, "file", 0), ERR_OK);
	assert_int_equal(sys_renameat_new(f->fd, "other", f->fd, "file"), ERR_OK);
	assert_int_equal(sys_unlinkat(f->fd, "other", 0), ERR_NOT_FOUND);
	assert_int_equal(sys_mkdirat(f->fd, "dir", 0700), ERR_OK);
	assert_int_equal(sys_mkdirat(f->fd, "dir", 0700), ERR_EXISTS);
}

static void
memfd_can_be_sealed(void **arg)
{
	int fd = sys_memfd("content");

	UNUSED(arg);
	assert_true(fd >= 0);
	assert_int_equal(sys_write_all(fd, BYTES_LITERAL("x")), ERR_OK);
	assert_int_equal(fcntl(fd, F_ADD_SEALS, F_SEAL_WRITE), 0);
	assert_int_equal(sys_write_all(fd, BYTES_LITERAL("x")), ERR_DENIED);
	close(fd);
}

#ifdef RELAIS_FAULTS
static int
call_by_number(struct folder *f, enum sys_call call)
{
	uint8_t c;

	switch (call) {
	case SYS_OPEN:
		return sys_openat(f->fd, "none", O_RDONLY, 0);
	case SYS_READ:
		return (int)sys_pread_full(f->fd, &c, 1, 0);
	case SYS_WRITE:
		return sys_pwrite_all(f->fd, BYTES_LITERAL("x"), 0);
	case SYS_FDATASYNC:
		return sys_fdatasync(f->fd);
	case SYS_FSYNC:
		return sys_fsync(f->fd);
	case SYS_SYNCFS:
		return sys_syncfs(f->fd);
	case SYS_RENAME:
		return sys_renameat(f->fd, "none", f->fd, "other");
	case SYS_LINK:
		return sys_linkat(f->fd, "none", f->fd, "other");
	case SYS_UNLINK:
		return sys_unlinkat(f->fd, "none", 0);
	case SYS_MKDIR:
		return sys_mkdirat(f->fd, "dir", 0700);
	case SYS_TRUNCATE:
		return sys_ftruncate(f->fd, 0);
	case SYS_ALLOCATE:
		return sys_fallocate(f->fd, 1);
	case SYS_MEMFD:
		return sys_memfd("x");
	default:
		return ERR_NO_SPACE; /* sendmsg is lib/ipc's */
	}
}

static void
each_call_fails_on_demand(void **arg)
{
	for (int call = 0; call < SYS_CALLS; call++) {
		sys_fault((enum sys_call)call, 1, ENOSPC, false);
		assert_int_equal(call_by_number(*arg, (enum sys_call)call), ERR_NO_SPACE);
		sys_fault_clear();
	}
}

static void
the_nth_call_fails(void **arg)
{
	struct folder *f = *arg;

	sys_fault(SYS_FSYNC, 3, EIO, false);
	assert_int_equal(sys_fsync(f->fd), ERR_OK);
	assert_int_equal(sys_fsync(f->fd), ERR_OK);
	assert_int_equal(sys_fsync(f->fd), ERR_IO);
	assert_int_equal(errno, EIO);
	assert_int_equal(sys_fsync(f->fd), ERR_OK);
	sys_fault(SYS_FSYNC, 2, EMFILE, true);
	assert_int_equal(sys_fsync(f->fd), ERR_OK);
	assert_int_equal(sys_fsync(f->fd), ERR_RESOURCE);
	assert_int_equal(sys_fsync(f->fd), ERR_RESOURCE);
	sys_fault_clear();
	assert_int_equal(sys_fsync(f->fd), ERR_OK);
}

static void
plans_come_by_the_environment(void **arg)
{
	struct folder *f = *arg;
	int fd;

	setenv("RELAIS_FAULT",
		"fsync:2:EDQUOT,syncfs:1+:EIO,me/fdatasync:2-3:EIO,other/memfd:1+:ENOMEM", 1);
	sys_fault_from_environment("me");
	unsetenv("RELAIS_FAULT");
	assert_int_equal(sys_fdatasync(f->fd), ERR_OK);
	assert_int_equal(sys_fdatasync(f->fd), ERR_IO);
	assert_int_equal(sys_fdatasync(f->fd), ERR_IO);
	assert_int_equal(sys_fdatasync(f->fd), ERR_OK);
	fd = sys_memfd("of another process' plan");
	assert_true(fd >= 0);
	close(fd);
	assert_int_equal(sys_fsync(f->fd), ERR_OK);
	assert_int_equal(sys_fsync(f->fd), ERR_NO_SPACE);
	assert_int_equal(sys_fsync(f->fd), ERR_OK);
	assert_int_equal(sys_syncfs(f->fd), ERR_IO);
	assert_int_equal(sys_syncfs(f->fd), ERR_IO);
	sys_fault_clear();
}
#else
static void
releases_have_no_faults(void **arg)
{
	struct folder *f = *arg;

	assert_int_equal(sys_fault(SYS_FSYNC, 1, EIO, true), ERR_UNSUPPORTED);
	assert_int_equal(sys_fsync(f->fd), ERR_OK);
}
#endif

#define IN_FOLDER(test) cmocka_unit_test_setup_teardown(test, make_folder, remove_folder)

int
main(void)
{
	static const struct CMUnitTest tests[] = {
		IN_FOLDER(write_and_read),
		IN_FOLDER(names),
		cmocka_unit_test(memfd_can_be_sealed),
#ifdef RELAIS_FAULTS
		IN_FOLDER(each_call_fails_on_demand),
		IN_FOLDER(the_nth_call_fails),
		IN_FOLDER(plans_come_by_the_environment),
#else
		IN_FOLDER(releases_have_no_faults),
#endif
	};

	return cmocka_run_group_tests_name("base/sys", tests, NULL, NULL);
}
