/* SPDX-License-Identifier: ISC */
/*
 * tests/unit/master/jail_attempts.c - what is tried in a jail, and the world outside of it.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sched.h>
#include <sys/mman.h>
#include <sys/ptrace.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <unistd.h>

#include <cmocka.h>

#include "jail.h"
#include "jail_attempts.h"
#include "log.h"

struct outside outside;

/* ---- attempts: true if the forbidden (or allowed) thing was had ---- */

static bool
can_open(const char *path, int flags)
{
	int fd = open(path, flags | O_CLOEXEC, 0600);

	if (fd >= 0)
		close(fd);
	return fd >= 0;
}

static bool
try_passwd(void)
{
	return can_open("/etc/passwd", O_RDONLY);
}

static bool
try_key(void)
{
	return can_open(outside.secret, O_RDONLY) || can_open("../secret", O_RDONLY) ||
	       can_open("/../secret", O_RDONLY);
}

static bool
try_proc(void)
{
	return can_open("/proc/self/mem", O_RDONLY) || can_open("/proc/1/environ", O_RDONLY);
}

static bool
try_read_below(void)
{
	return can_open("/file", O_RDONLY);
}

static bool
try_write_below(void)
{
	return can_open("/new", O_WRONLY | O_CREAT);
}

static bool
try_device(void)
{
	return mknod("/device", S_IFCHR | 0600, 0x0103) == 0;
}

static bool
try_tcp(void)
{
	struct sockaddr_in to = { .sin_family = AF_INET,
		.sin_port = htons((uint16_t)outside.tcp_port) };
	int fd = socket(AF_INET, SOCK_STREAM, 0);

	to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	return fd >= 0 && connect(fd, (struct sockaddr *)&to, sizeof(to)) == 0;
}

static bool
try_udp(void)
{
	return socket(AF_INET, SOCK_DGRAM, 0) >= 0;
}

static bool
try_unix(void)
{
	struct sockaddr_un to = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_STREAM, 0);

	strcpy(to.sun_path, outside.unix_path);
	return fd >= 0 && connect(fd, (struct sockaddr *)&to, sizeof(to)) == 0;
}

static bool
try_listen(void)
{
	int fd = socket(AF_INET, SOCK_STREAM, 0);

	return fd >= 0 && listen(fd, 1) == 0;
}

static bool
try_fork(void)
{
	pid_t pid = fork();

	if (pid == 0)
		_exit(0);
	return pid > 0;
}

static bool
try_exec(void)
{
	char *argv[] = { (char *)(uintptr_t) "sh", NULL };

	execv("/bin/sh", argv);
	return false;
}

static bool
try_ptrace(void)
{
	return ptrace(PTRACE_ATTACH, getppid(), NULL, NULL) == 0;
}

static bool
try_root(void)
{
	return setresuid(0, 0, 0) == 0 && geteuid() == 0;
}

static bool
try_code(void)
{
	return mmap(NULL, 4096, PROT_READ | PROT_WRITE | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, -1,
		       0) != MAP_FAILED;
}

static bool
try_mount(void)
{
	return unshare(CLONE_NEWNS) == 0;
}

static bool
try_signal(void)
{
	return kill(getppid(), 0) == 0;
}

static bool
try_neighbour(void)
{
	return can_open("../neighbour/mail", O_RDONLY) || can_open("/neighbour/mail", O_RDONLY) ||
	       can_open("/../neighbour/mail", O_RDONLY);
}

/* A connection without connect(2). */
static bool
try_fast_open(void)
{
	struct sockaddr_in to = { .sin_family = AF_INET,
		.sin_port = htons((uint16_t)outside.tcp_port) };
	struct iovec octet = { (char *)(uintptr_t) "x", 1 };
	struct mmsghdr m = { .msg_hdr = { &to, sizeof(to), &octet, 1, NULL, 0, 0 } };

	to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	return sendto(outside.loose, "x", 1, MSG_FASTOPEN, (struct sockaddr *)&to, sizeof(to)) >=
		       0 ||
	       sendmsg(outside.loose, &m.msg_hdr, MSG_FASTOPEN) >= 0 ||
	       sendmmsg(outside.loose, &m, 1, MSG_FASTOPEN) >= 0;
}

static bool
try_shut_door(void)
{
	int listens = 0;
	socklen_t len = sizeof(listens);

	if (shutdown(outside.door, SHUT_RDWR) == 0)
		return true;
	(void)shutdown(outside.door, SHUT_WR); /* some may, and it does nothing */
	return getsockopt(outside.door, SOL_SOCKET, SO_ACCEPTCONN, &listens, &len) == 0 &&
	       listens == 0;
}

static bool
try_change_door(void)
{
	int small = 1;

	return setsockopt(outside.door, SOL_SOCKET, SO_RCVBUF, &small, sizeof(small)) == 0;
}

/* A file at LOG_FD, as master gives it: longer than it is to be made. */
static bool
try_cut_log(void)
{
	const int fd = LOG_FD;
	int copy;
	struct stat st;

	(void)!ftruncate(fd, 1);
	(void)syscall(SYS_ftruncate, 0x100000000ul + (unsigned)fd, 1L); /* the same to the kernel */
	(void)!fallocate(fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, 0, 4096);
	(void)fcntl(fd, F_SETFL, 0);
	(void)!pwrite(fd, "forged", 6, 0);
	if ((copy = dup(fd)) >= 0 || (copy = fcntl(fd, F_DUPFD, 20)) >= 0) {
		(void)!ftruncate(copy, 1);
		(void)fcntl(copy, F_SETFL, 0);
		(void)!pwrite(copy, "forged", 6, 0);
	}
	return fstat(fd, &st) != 0 || st.st_size < 5 || outside.log_view[0] != 'l';
}

const struct attempt attempts[] = {
	{ "read /etc/passwd", try_passwd },
	{ "read a key outside the root", try_key },
	{ "read /proc", try_proc },
	{ "read below its root", try_read_below },
	{ "write below its root", try_write_below },
	{ "make a device", try_device },
	{ "connect by TCP", try_tcp },
	{ "send by UDP", try_udp },
	{ "connect to a UNIX socket", try_unix },
	{ "listen", try_listen },
	{ "fork", try_fork },
	{ "exec", try_exec },
	{ "trace its parent", try_ptrace },
	{ "become root", try_root },
	{ "make executable memory", try_code },
	{ "make a namespace", try_mount },
	{ "signal its parent", try_signal },
	{ "read a neighbour's mailbox", try_neighbour },
	{ "connect by sending", try_fast_open },
	{ "shut its door for good", try_shut_door },
	{ "change its door for good", try_change_door },
	{ "cut the log", try_cut_log },
};

const size_t nattempts = NITEMS(attempts);

/* ---- the world outside ---- */

static void
make_file(const char *folder, const char *name, mode_t mode)
{
	char path[128];
	int fd;

	snprintf(path, sizeof(path), "%s/%s", folder, name);
	fd = open(path, O_WRONLY | O_CREAT, mode);
	assert_true(fd >= 0 && fchmod(fd, mode) == 0);
	close(fd);
}

int
make_outside(void **state)
{
	struct sockaddr_in in = { .sin_family = AF_INET };
	struct sockaddr_un un = { .sun_family = AF_UNIX };
	socklen_t len = sizeof(in);
	char path[128];

	if (geteuid() != 0)
		return 0;
	strcpy(outside.folder, "/tmp/relais-jail-XXXXXX");
	assert_non_null(mkdtemp(outside.folder));
	assert_int_equal(chmod(outside.folder, 0755), 0);
	snprintf(outside.root, sizeof(outside.root), "%s/root", outside.folder);
	snprintf(outside.secret, sizeof(outside.secret), "%s/secret", outside.folder);
	snprintf(outside.unix_path, sizeof(outside.unix_path), "%s/socket", outside.folder);
	assert_int_equal(mkdir(outside.root, 0700), 0);
	make_file(outside.folder, "secret", 0644);
	make_file(outside.root, "file", 0644);
	snprintf(path, sizeof(path), "%s/neighbour", outside.folder);
	assert_int_equal(mkdir(path, 0755), 0);
	make_file(path, "mail", 0644);
	assert_int_equal(chown(path, TEST_ID, TEST_ID), 0);
	assert_int_equal(chown(outside.root, TEST_ID, TEST_ID), 0);
	in.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	outside.listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	assert_int_equal(bind(outside.listener, (struct sockaddr *)&in, sizeof(in)), 0);
	assert_int_equal(listen(outside.listener, 100), 0);
	assert_int_equal(getsockname(outside.listener, (struct sockaddr *)&in, &len), 0);
	outside.tcp_port = ntohs(in.sin_port);
	strcpy(un.sun_path, outside.unix_path);
	outside.unix_listener = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	assert_int_equal(bind(outside.unix_listener, (struct sockaddr *)&un, sizeof(un)), 0);
	assert_int_equal(chmod(outside.unix_path, 0666), 0);
	assert_int_equal(listen(outside.unix_listener, 100), 0);
	return 0;
}

int
remove_outside(void **state)
{
	static const char *const names[] = { "root/file", "root/new", "neighbour/mail", "neighbour",
		"secret", "socket", "root", "" };
	char path[128];

	if (geteuid() != 0)
		return 0;
	close(outside.listener);
	close(outside.unix_listener);
	for (size_t i = 0; i < NITEMS(names); i++) {
		snprintf(path, sizeof(path), "%s/%s", outside.folder, names[i]);
		if (unlink(path) != 0)
			(void)rmdir(path);
	}
	return 0;
}

/* ---- doors ---- */

static void
make_log(void)
{
	char path[128];
	int fd;

	snprintf(path, sizeof(path), "%s/log.%d", outside.folder, (int)getpid());
	fd = open(path, O_RDWR | O_CREAT, 0600);
	if (fd < 0 || write(fd, "lines", 5) != 5)
		_exit(12);
	outside.log_view = mmap(NULL, 5, PROT_READ, MAP_SHARED, fd, 0);
	close(fd);
	fd = open(path, O_WRONLY | O_APPEND);
	unlink(path);
	if (fd < 0 || (fd != LOG_FD && dup2(fd, LOG_FD) < 0))
		_exit(12);
	if (fd != LOG_FD)
		close(fd);
}

void
make_doors(void)
{
	make_log();
	outside.door = socket(AF_INET, SOCK_STREAM, 0);
	outside.loose = socket(AF_INET, SOCK_STREAM, 0);
	if (outside.door < 0 || outside.loose < 0 || listen(outside.door, 1) != 0)
		_exit(12);
}
