/* SPDX-License-Identifier: ISC */
/*
 * tests/unit/session/test_child.c - a session in its real jail: what it can do, and what it
 * can't. As root with chroot and ids, else with Landlock and seccomp only.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/ptrace.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "child.h"
#include "jail.h"

#define UID 64321 /* nobody else's */
#define GID 64322

struct fixture {
	char root[64];
	int root_fd, streams[2], links[2];
	struct buf filter;
	struct token_grant grant;
};

static bool
is_root(void)
{
	return geteuid() == 0;
}

static void
make_folder(struct fixture *f, const char *name, uid_t uid, mode_t mode)
{
	assert_int_equal(mkdirat(f->root_fd, name, 0700), 0);
	assert_int_equal(fchmodat(f->root_fd, name, mode, 0), 0);
	if (is_root())
		assert_int_equal(fchownat(f->root_fd, name, uid, uid == 0 ? 0 : GID, 0), 0);
}

static void
make_file(struct fixture *f, const char *name)
{
	int fd = openat(f->root_fd, name, O_CREAT | O_WRONLY, 0644);

	assert_true(fd >= 0);
	if (is_root())
		assert_int_equal(fchown(fd, UID, GID), 0);
	close(fd);
}

static int
setup(void **state)
{
	struct fixture *f = calloc(1, sizeof(*f));

	snprintf(f->root, sizeof(f->root), "/tmp/relais-child-XXXXXX");
	assert_non_null(mkdtemp(f->root));
	assert_int_equal(chmod(f->root, 0711), 0);
	f->root_fd = open(f->root, O_RDONLY | O_DIRECTORY);
	make_folder(f, "example.org", UID, 0711);
	make_folder(f, "example.org/anna", UID, 0700);
	make_folder(f, "example.org/bob", UID, 0700); /* of the same uid */
	make_folder(f, "other", 0, 0700);
	make_file(f, "example.org/anna/mine");
	make_file(f, "example.org/bob/his");
	assert_int_equal(symlinkat("bob", f->root_fd, "example.org/link"), 0);
	assert_int_equal(jail_seccomp_prepare(SESSION_SANDBOX, &f->filter), ERR_OK);
	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, f->streams), 0);
	assert_int_equal(socketpair(AF_UNIX, SOCK_SEQPACKET, 0, f->links), 0);
	f->grant = (struct token_grant){ .uid = is_root() ? UID : getuid(),
		.gid = is_root() ? GID : getgid(),
		.account = "anna@example.org",
		.home = "example.org/anna" };
	*state = f;
	return 0;
}

static int
teardown(void **state)
{
	struct fixture *f = *state;
	char command[100];

	for (int i = 0; i < 2; i++) {
		close(f->streams[i]);
		close(f->links[i]);
	}
	close(f->root_fd);
	buf_free(&f->filter);
	snprintf(command, sizeof(command), "rm -rf %s", f->root);
	assert_int_equal(system(command), 0);
	free(f);
	return 0;
}

/* Run it as a session; its exit status, or 128 + the signal that killed it. */
static int
run_session(struct fixture *f, session_run_fn *run)
{
	const struct session_take_msg take = { .first_reply = BYTES_LITERAL("hello"),
		.input = BYTES_LITERAL("input"),
		.client = BYTES_LITERAL("192.0.2.1"),
		.session_id = BYTES_LITERAL("s1") };
	int status;
	pid_t pid = fork();

	if (pid == 0) {
		const struct session_child c = { .name = "test",
			.privileged = is_root(),
			.mail_root_fd = f->root_fd,
			.stream_fd = f->streams[1],
			.link_fd = f->links[1],
			.log_fd = -1,
			.filter = buf_bytes(&f->filter),
			.grant = &f->grant,
			.take = &take,
			.hostname = "host",
			.run = run };

		session_child_main(&c);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	return WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status);
}

/* Each session returns 0 if all is as it must be, else the number of the failed line. */
#define EXPECT(cond)                                                                               \
	do {                                                                                       \
		if (!(cond))                                                                       \
			return __LINE__ % 100 + 1;                                                 \
	} while (0)

static int
works_at_home(const struct session_start *s)
{
	int fd;

	EXPECT(strcmp(s->account, "anna@example.org") == 0);
	EXPECT(strcmp(s->client, "192.0.2.1") == 0 && strcmp(s->session_id, "s1") == 0);
	EXPECT(bytes_is(s->first_reply, "hello") && bytes_is(s->input, "input"));
	EXPECT(faccessat(s->root_fd, "mine", R_OK, 0) == 0);
	fd = openat(s->root_fd, "new", O_CREAT | O_RDWR, 0600);
	EXPECT(fd >= 0 && write(fd, "x", 1) == 1 && fsync(fd) == 0);
	EXPECT(renameat(s->root_fd, "new", s->root_fd, "renamed") == 0);
	EXPECT(mkdirat(s->root_fd, "folder", 0700) == 0);
	EXPECT(linkat(s->root_fd, "renamed", s->root_fd, "folder/linked", 0) == 0);
	EXPECT(unlinkat(s->root_fd, "renamed", 0) == 0);
	EXPECT(fsync(s->root_fd) == 0);
	EXPECT(write(s->stream_fd, "bye", 3) == 3);
	return 0;
}

static int
sees_nothing_else(const struct session_start *s)
{
	EXPECT(openat(s->root_fd, "../bob/his", O_RDONLY) < 0);
	EXPECT(openat(s->root_fd, "../bob", O_RDONLY | O_DIRECTORY) < 0);
	EXPECT(open("/etc/passwd", O_RDONLY) < 0);
	EXPECT(open("../../../../../../etc/passwd", O_RDONLY) < 0);
	EXPECT(open("/proc/self/status", O_RDONLY) < 0);
	EXPECT(renameat(s->root_fd, "mine", s->root_fd, "../bob/mine") != 0);
	EXPECT(linkat(s->root_fd, "../bob/his", s->root_fd, "his", 0) != 0);
	EXPECT(symlinkat("../bob", s->root_fd, "bob") != 0);
	return 0;
}

static int
has_no_powers(const struct session_start *s)
{
	EXPECT(socket(AF_INET, SOCK_STREAM, 0) < 0);
	EXPECT(socket(AF_UNIX, SOCK_STREAM, 0) < 0);
	EXPECT(fork() < 0);
	EXPECT(kill(getppid(), 0) != 0 && kill(1, 0) != 0);
	EXPECT(setresuid(0, 0, 0) != 0 && setresuid(UID + 1, UID + 1, UID + 1) != 0);
	EXPECT(chroot(".") != 0);
	EXPECT(fchmodat(s->root_fd, "mine", 04755, 0) == 0 || errno != 0); /* harms nobody */
	EXPECT(fchownat(s->root_fd, "mine", 0, 0, 0) != 0);
	return 0;
}

/* Only what it was given is open. */
static int
holds_no_descriptors(const struct session_start *s)
{
	for (int fd = 3; fd < 200; fd++) {
		bool expected = fd == s->stream_fd || fd == s->root_fd || fd == s->link.fd;
		struct stat st;

		EXPECT((fstat(fd, &st) == 0) == expected); /* F_GETFD not of the log */
	}
	return 0;
}

static int
is_the_owner(const struct session_start *s)
{
	struct stat st;

	EXPECT(getuid() == UID && geteuid() == UID && getgid() == GID && getegid() == GID);
	EXPECT(fstat(s->root_fd, &st) == 0 && st.st_uid == UID);
	EXPECT(openat(s->root_fd, "/", O_RDONLY | O_DIRECTORY) >= 0); /* the mailbox is / */
	EXPECT(faccessat(s->root_fd, "/mine", R_OK, 0) == 0);
	return 0;
}

static int
executes(const struct session_start *s)
{
	char *const argv[] = { NULL };

	(void)s;
	execve("/bin/true", argv, argv);
	return 0;
}

static int
traces(const struct session_start *s)
{
	(void)s;
	(void)ptrace(PTRACE_TRACEME, 0, NULL, NULL);
	return 0;
}

static void
test_powers(void **state)
{
	struct fixture *f = *state;
	char word[4] = { 0 };

	assert_int_equal(run_session(f, works_at_home), 0);
	assert_int_equal(read(f->streams[0], word, 3), 3);
	assert_string_equal(word, "bye");
	assert_int_equal(run_session(f, sees_nothing_else), 0);
	assert_int_equal(run_session(f, has_no_powers), 0);
	assert_int_equal(run_session(f, holds_no_descriptors), 0);
	if (is_root())
		assert_int_equal(run_session(f, is_the_owner), 0);
}

static void
test_deadly_calls(void **state)
{
	assert_int_equal(run_session(*state, executes), 128 + SIGSYS);
	assert_int_equal(run_session(*state, traces), 128 + SIGSYS);
}

static void
test_home_is_made(void **state)
{
	struct fixture *f = *state;
	struct stat st;

	bytes_to_str(BYTES_LITERAL("example.org/carl"), f->grant.home, sizeof(f->grant.home));
	assert_int_equal(run_session(f, holds_no_descriptors), 0);
	assert_int_equal(fstatat(f->root_fd, "example.org/carl", &st, AT_SYMLINK_NOFOLLOW), 0);
	assert_int_equal(st.st_mode & 07777, 0700);
	if (is_root())
		assert_int_equal(st.st_uid, UID);
}

static void
test_refused(void **state)
{
	static const char *const homes[] = { "example.org/link", "example.org/anna/mine",
		"other/x" };
	struct fixture *f = *state;

	for (size_t i = 0; i < NITEMS(homes); i++) {
		bytes_to_str(bytes_from_str(homes[i]), f->grant.home, sizeof(f->grant.home));
		if (i < 2 || is_root()) /* "other" belongs to root */
			assert_int_equal(run_session(f, holds_no_descriptors), 1);
	}
	if (is_root()) {
		bytes_to_str(
			BYTES_LITERAL("example.org/anna"), f->grant.home, sizeof(f->grant.home));
		f->grant.uid = 0;
		assert_int_equal(run_session(f, holds_no_descriptors), 1);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_powers, setup, teardown),
		cmocka_unit_test_setup_teardown(test_deadly_calls, setup, teardown),
		cmocka_unit_test_setup_teardown(test_home_is_made, setup, teardown),
		cmocka_unit_test_setup_teardown(test_refused, setup, teardown),
	};

	return cmocka_run_group_tests_name("session/child", tests, NULL, NULL);
}
