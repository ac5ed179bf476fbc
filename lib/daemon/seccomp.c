/* SPDX-License-Identifier: ISC */
/*
 * lib/daemon/seccomp.c - the system calls of each role, as rows.
 *
 * What no row allows answers ENOSYS, so that a C library with a newer way falls back to the
 * older one. What only an intruder asks for ends the process.
 */
#include <errno.h>
#include <fcntl.h>
#include <netinet/tcp.h>
#include <sched.h>
#include <seccomp.h>
#include <sys/ioctl.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include "control_msg.h"
#include "jail.h"
#include "sys.h"

#define ANY 0xffffffffu /* every role */

struct row {
	uint32_t roles; /* SANDBOX_* that need it */
	const char *name;
};

static const struct row allowed[] = {
	/* memory, time, ends */
	{ ANY, "brk" },
	{ ANY, "munmap" },
	{ ANY, "mremap" },
	{ ANY, "madvise" },
	{ ANY, "clock_gettime" },
	{ ANY, "clock_nanosleep" },
	{ ANY, "nanosleep" },
	{ ANY, "gettimeofday" },
	{ ANY, "time" },
	{ ANY, "getrandom" },
	{ ANY, "exit" },
	{ ANY, "exit_group" },
	{ ANY, "futex" },
	{ ANY, "sched_yield" },
	{ ANY, "membarrier" },
	{ ANY, "rseq" },
	{ ANY, "set_robust_list" },
	{ ANY, "restart_syscall" },
	{ ANY, "rt_sigaction" },
	{ ANY, "rt_sigprocmask" },
	{ ANY, "rt_sigreturn" },
	{ ANY, "sigaltstack" },
	{ ANY, "getpid" },
	{ ANY, "gettid" },
	{ ANY, "tgkill" },
	{ ANY, "getuid" },
	{ ANY, "geteuid" },
	{ ANY, "getgid" },
	{ ANY, "getegid" },
	{ ANY, "getrlimit" },
	{ ANY, "uname" },
	{ ANY, "sysinfo" },
	{ ANY, "sched_getaffinity" },
	/* descriptors it was given */
	{ ANY, "read" },
	{ ANY, "readv" },
	{ ANY, "pread64" },
	{ ANY, "preadv" },
	{ ANY, "write" },
	{ ANY, "writev" },
	{ ANY, "pwrite64" },
	{ ANY, "pwritev" },
	{ ANY, "close" },
	{ ANY, "close_range" },
	{ ANY, "fstat" },
	{ ANY, "lseek" },
	{ ANY, "sendfile" },
	{ ANY, "splice" },
	{ ANY, "recvmsg" },
	{ ANY, "recvfrom" },
	{ ANY, "recvmmsg" },
	{ ANY, "getsockname" },
	{ ANY, "getpeername" },
	{ ANY, "getsockopt" },
	{ ANY, "poll" },
	{ ANY, "ppoll" },
	{ ANY, "select" },
	{ ANY, "pselect6" },
	{ ANY, "epoll_wait" },
	{ ANY, "epoll_pwait" },
	{ ANY, "epoll_ctl" },
	{ ANY, "epoll_create1" },
	{ ANY, "eventfd2" },
	{ ANY, "timerfd_settime" },
	{ SANDBOX_ACCEPT, "accept4" },
	{ SANDBOX_ACCEPT, "accept" },
	/* content in memory; a lent file is cut when its message is refused */
	{ SANDBOX_MEMFD | SANDBOX_FILES, "memfd_create" },
	{ SANDBOX_MEMFD | SANDBOX_FILES, "copy_file_range" },
	{ SANDBOX_MEMFD | SANDBOX_FILES | SANDBOX_READ, "fadvise64" },
	/* files below the root */
	{ SANDBOX_FILES | SANDBOX_READ, "openat" },
	{ SANDBOX_FILES | SANDBOX_READ, "openat2" },
	{ SANDBOX_FILES | SANDBOX_READ, "open" },
	{ SANDBOX_FILES | SANDBOX_READ, "stat" },
	{ SANDBOX_FILES | SANDBOX_READ, "lstat" },
	{ SANDBOX_FILES | SANDBOX_READ, "statx" },
	{ SANDBOX_FILES | SANDBOX_READ, "access" },
	{ SANDBOX_FILES | SANDBOX_READ, "faccessat" },
	{ SANDBOX_FILES | SANDBOX_READ, "faccessat2" },
	{ SANDBOX_FILES | SANDBOX_READ, "getdents64" },
	{ SANDBOX_FILES | SANDBOX_READ, "readlinkat" },
	{ SANDBOX_FILES | SANDBOX_READ, "readlink" },
	{ SANDBOX_FILES | SANDBOX_READ, "fchdir" },
	{ SANDBOX_FILES | SANDBOX_READ, "chdir" },
	{ SANDBOX_FILES | SANDBOX_READ, "getcwd" },
	{ SANDBOX_FILES | SANDBOX_READ, "flock" },
	{ SANDBOX_FILES | SANDBOX_READ, "statfs" },
	{ SANDBOX_FILES | SANDBOX_READ, "fstatfs" },
	{ SANDBOX_FILES, "mkdirat" },
	{ SANDBOX_FILES, "mkdir" },
	{ SANDBOX_FILES, "unlinkat" },
	{ SANDBOX_FILES, "unlink" },
	{ SANDBOX_FILES, "rmdir" },
	{ SANDBOX_FILES, "rename" },
	{ SANDBOX_FILES, "renameat" },
	{ SANDBOX_FILES, "renameat2" },
	{ SANDBOX_FILES, "linkat" },
	{ SANDBOX_FILES, "link" },
	{ SANDBOX_FILES, "fsync" },
	{ SANDBOX_FILES, "fdatasync" },
	{ SANDBOX_FILES, "syncfs" },
	{ SANDBOX_FILES, "sync_file_range" },
	{ SANDBOX_FILES, "utimensat" },
	{ SANDBOX_FILES, "fchmod" },
	{ SANDBOX_FILES, "fchmodat" },
	{ SANDBOX_FILES, "umask" },
	{ SANDBOX_FILES, "msync" },
	{ SANDBOX_FILES, "truncate" },
	/* processes and threads */
	{ SANDBOX_FORK, "clone" },
	{ SANDBOX_FORK, "fork" },
	{ SANDBOX_FORK, "vfork" },
	{ SANDBOX_FORK, "wait4" },
	{ SANDBOX_FORK, "waitid" },
	{ SANDBOX_FORK, "kill" },
	{ SANDBOX_FORK, "pidfd_open" },
	{ SANDBOX_FORK, "pidfd_send_signal" },
	{ SANDBOX_FORK, "socketpair" },
	{ SANDBOX_FORK, "pipe2" },
	{ SANDBOX_FORK, "alarm" }, /* a limit for a child, set before it is out of reach */
	{ SANDBOX_FORK, "setitimer" },
	{ SANDBOX_THREADS, "sched_setscheduler" },
	{ SANDBOX_THREADS, "sched_getparam" },
	{ SANDBOX_THREADS, "sched_getscheduler" },
	{ SANDBOX_THREADS, "setpriority" }, /* only to become slower */
	/* becoming somebody smaller, and a jail within the jail */
	{ SANDBOX_SETUID, "setresuid" },
	{ SANDBOX_SETUID, "setresgid" },
	{ SANDBOX_SETUID, "setgroups" },
	{ SANDBOX_SETUID, "setfsuid" },
	{ SANDBOX_SETUID, "setfsgid" },
	{ SANDBOX_SETUID, "chroot" },
	{ SANDBOX_SETUID, "chdir" },
	{ SANDBOX_SETUID, "fchdir" },
	{ SANDBOX_SETUID, "capget" },
	{ SANDBOX_SETUID, "capset" },
	{ SANDBOX_SETUID, "prctl" },
	{ SANDBOX_SETUID, "seccomp" },
	{ SANDBOX_SETUID, "setrlimit" },
	{ SANDBOX_SETUID, "prlimit64" },
	{ SANDBOX_SETUID, "landlock_create_ruleset" },
	{ SANDBOX_SETUID, "landlock_add_rule" },
	{ SANDBOX_SETUID, "landlock_restrict_self" },
	/* network and notices */
	{ SANDBOX_CONNECT, "socket" },
	{ SANDBOX_CONNECT | SANDBOX_CALL, "connect" },
	{ SANDBOX_CONNECT | SANDBOX_CALL, "bind" },
	{ SANDBOX_INOTIFY, "inotify_init1" },
	{ SANDBOX_INOTIFY, "inotify_add_watch" },
	{ SANDBOX_INOTIFY, "inotify_rm_watch" },
	/* Berkeley DB */
	{ SANDBOX_DATABASE, "mlock" },
	{ SANDBOX_DATABASE, "getrusage" },
	{ SANDBOX_DATABASE, "times" },
#ifdef RELAIS_SANITIZE
	{ ANY, "readlink" },
	{ ANY, "readlinkat" },
	{ ANY, "openat" },
	{ ANY, "open" },
	{ ANY, "sched_getscheduler" },
	{ ANY, "prctl" },
	{ ANY, "prlimit64" },
	{ ANY, "stat" },
	{ ANY, "getcwd" },
	{ ANY, "personality" },
#endif
};

/* Nobody of the suite ever asks for these; whoever does is not of the suite. */
static const char *const deadly[] = { "execve", "execveat", "ptrace", "process_vm_readv",
	"process_vm_writev", "mount", "umount2", "pivot_root", "unshare", "setns", "bpf",
	"perf_event_open", "userfaultfd", "io_uring_setup", "init_module", "finit_module",
	"delete_module", "kexec_load", "kexec_file_load", "keyctl", "add_key", "request_key",
	"reboot", "swapon", "open_by_handle_at", "name_to_handle_at", "mknod", "mknodat" };

/* Known calls that code of the suite or a library may try and must not get. */
static const char *const refused[] = { "socket", "connect", "bind", "listen", "open", "openat",
	"openat2", "creat", "fork", "vfork", "kill", "setuid", "setgid", "setresuid", "setresgid",
	"setgroups", "chroot", "symlink", "symlinkat", "chown", "fchown", "fchownat", "lchown",
	"chmod", "prctl", "socketpair" };

static int
add(scmp_filter_ctx ctx, uint32_t action, const char *name)
{
	int nr = seccomp_syscall_resolve_name(name);

	/* unknown to this architecture: nothing to allow */
	return nr == __NR_SCMP_ERROR || nr < 0 ? 0 : seccomp_rule_add(ctx, action, nr, 0);
}

static bool
is_allowed(uint32_t sandbox, const char *name)
{
	if ((sandbox & SANDBOX_PAIR) != 0 && strcmp(name, "socketpair") == 0)
		return true; /* see add_socket_calls() */
	if ((sandbox & SANDBOX_CALL) != 0 && strcmp(name, "socket") == 0)
		return true; /* likewise */
	for (size_t i = 0; i < NITEMS(allowed); i++)
		if ((allowed[i].roles == ANY || (allowed[i].roles & sandbox) != 0) &&
			strcmp(allowed[i].name, name) == 0)
			return true;
	return false;
}

/*
 * Sending, but never MSG_FASTOPEN: that is a connect(2) in disguise, and any TCP socket will do.
 * The options of a listening socket outlive the process, for master keeps the socket; so only
 * those that concern one connection. For the same reason shutdown(2) is in no row: it would
 * close a door for good; only its SHUT_WR does nothing to a listening socket (inet_shutdown()).
 */
static int
add_socket_calls(scmp_filter_ctx ctx, uint32_t sandbox)
{
	static const int options[] = { TCP_NODELAY, TCP_QUICKACK };
	static const int families[] = { AF_INET, AF_INET6, AF_UNIX };
	const struct scmp_arg_cmp tcp = SCMP_A1(SCMP_CMP_MASKED_EQ, 0xffffffffu, IPPROTO_TCP);
	int r = 0;

	if ((sandbox & SANDBOX_CALL) != 0)
		for (size_t i = 0; i < NITEMS(families); i++)
			r |= seccomp_rule_add(ctx, SCMP_ACT_ALLOW, SCMP_SYS(socket), 2,
				SCMP_A0(SCMP_CMP_MASKED_EQ, 0xffffffffu, (scmp_datum_t)families[i]),
				SCMP_A1(SCMP_CMP_MASKED_EQ, 0xf, SOCK_STREAM));
	if (r != 0)
		return r;
	/* who connects anyway, and has no door */
	if ((sandbox & (SANDBOX_CONNECT | SANDBOX_CALL)) != 0)
		return seccomp_rule_add(ctx, SCMP_ACT_ALLOW, SCMP_SYS(sendmsg), 0) |
		       seccomp_rule_add(ctx, SCMP_ACT_ALLOW, SCMP_SYS(sendmmsg), 0) |
		       seccomp_rule_add(ctx, SCMP_ACT_ALLOW, SCMP_SYS(sendto), 0) |
		       seccomp_rule_add(ctx, SCMP_ACT_ALLOW, SCMP_SYS(shutdown), 0) |
		       seccomp_rule_add(ctx, SCMP_ACT_ALLOW, SCMP_SYS(setsockopt), 0);
	r |= seccomp_rule_add(ctx, SCMP_ACT_ALLOW, SCMP_SYS(sendmsg), 1,
		SCMP_A2(SCMP_CMP_MASKED_EQ, MSG_FASTOPEN, 0));
	r |= seccomp_rule_add(ctx, SCMP_ACT_ALLOW, SCMP_SYS(sendmmsg), 1,
		SCMP_A3(SCMP_CMP_MASKED_EQ, MSG_FASTOPEN, 0));
	r |= seccomp_rule_add(ctx, SCMP_ACT_ALLOW, SCMP_SYS(sendto), 1,
		SCMP_A3(SCMP_CMP_MASKED_EQ, MSG_FASTOPEN, 0));
	if ((sandbox & SANDBOX_PAIR) != 0) {
		r |= seccomp_rule_add(ctx, SCMP_ACT_ALLOW, SCMP_SYS(socketpair), 1,
			SCMP_A0(SCMP_CMP_MASKED_EQ, 0xffffffffu, AF_UNIX));
		r |= seccomp_rule_add(ctx, SCMP_ACT_ALLOW, SCMP_SYS(shutdown), 1,
			SCMP_A1(SCMP_CMP_MASKED_EQ, 0xffffffffu, SHUT_WR));
	}
	for (size_t i = 0; i < NITEMS(options); i++)
		r |= seccomp_rule_add(ctx, SCMP_ACT_ALLOW, SCMP_SYS(setsockopt), 2, tcp,
			SCMP_A2(SCMP_CMP_MASKED_EQ, 0xffffffffu, (scmp_datum_t)options[i]));
	return r;
}

/*
 * The log is a file that all append to. Nobody shall cut it, punch holes into it or take O_APPEND
 * from it to write over what it says: these calls are for any descriptor but LOG_FD, and none of
 * them makes another number for it. (An argument that is not 4 in its lower half is one that
 * differs in a bit; the kernel sees no more of a descriptor.)
 */
static int
add_for_others_than_log(scmp_filter_ctx ctx, int call)
{
	int r = 0;

	for (unsigned bit = 0; bit < 17; bit++) /* descriptors are fewer than 2^17 */
		r |= seccomp_rule_add(ctx, SCMP_ACT_ALLOW, call, 1,
			SCMP_A0(SCMP_CMP_MASKED_EQ, 1u << bit, ~(scmp_datum_t)LOG_FD & 1u << bit));
	return r;
}

static int
add_log_guard(scmp_filter_ctx ctx, uint32_t sandbox)
{
	/* who has a pair of sockets can send LOG_FD to itself, and gets another number for it */
	static const int harmless[] = { F_GETFD, F_SETFD, F_GETFL, F_DUPFD_CLOEXEC };
	int r = 0;

	if ((sandbox & SANDBOX_PAIR) != 0) {
		for (size_t i = 0; i < NITEMS(harmless); i++)
			r |= seccomp_rule_add(ctx, SCMP_ACT_ALLOW, SCMP_SYS(fcntl), 1,
				SCMP_A1(SCMP_CMP_MASKED_EQ, 0xffffffffu,
					(scmp_datum_t)harmless[i]));
		return r | add_for_others_than_log(ctx, SCMP_SYS(dup3));
	}
	r |= add_for_others_than_log(ctx, SCMP_SYS(fcntl));
	r |= add_for_others_than_log(ctx, SCMP_SYS(dup));
	r |= add_for_others_than_log(ctx, SCMP_SYS(dup3));
	if ((sandbox & (SANDBOX_MEMFD | SANDBOX_FILES)) != 0) {
		r |= add_for_others_than_log(ctx, SCMP_SYS(ftruncate));
		r |= add_for_others_than_log(ctx, SCMP_SYS(fallocate));
	}
	return r;
}

/* Calls that are right or wrong by an argument. */
static int
add_conditional(scmp_filter_ctx ctx, uint32_t sandbox)
{
	int r = 0;

	/* no memory that can be executed is ever made */
	r |= seccomp_rule_add(
		ctx, SCMP_ACT_ALLOW, SCMP_SYS(mmap), 1, SCMP_A2(SCMP_CMP_MASKED_EQ, PROT_EXEC, 0));
	r |= seccomp_rule_add(ctx, SCMP_ACT_ALLOW, SCMP_SYS(mprotect), 1,
		SCMP_A2(SCMP_CMP_MASKED_EQ, PROT_EXEC, 0));
	r |= seccomp_rule_add(
		ctx, SCMP_ACT_ALLOW, SCMP_SYS(ioctl), 1, SCMP_A1(SCMP_CMP_EQ, FIONREAD, 0));
	r |= seccomp_rule_add(
		ctx, SCMP_ACT_ALLOW, SCMP_SYS(ioctl), 1, SCMP_A1(SCMP_CMP_EQ, FIONBIO, 0));
	r |= add_socket_calls(ctx, sandbox);
	r |= add_log_guard(ctx, sandbox);
	if (!is_allowed(sandbox, "prlimit64")) /* reading one's own limits */
		r |= seccomp_rule_add(
			ctx, SCMP_ACT_ALLOW, SCMP_SYS(prlimit64), 1, SCMP_A2(SCMP_CMP_EQ, 0, 0));
	if ((sandbox & (SANDBOX_FILES | SANDBOX_READ)) != 0)
		r |= seccomp_rule_add(ctx, SCMP_ACT_ALLOW, SCMP_SYS(newfstatat), 0);
	else /* fstat() of newer C libraries */
		r |= seccomp_rule_add(ctx, SCMP_ACT_ALLOW, SCMP_SYS(newfstatat), 1,
			SCMP_A3(SCMP_CMP_MASKED_EQ, AT_EMPTY_PATH, AT_EMPTY_PATH));
	if ((sandbox & SANDBOX_THREADS) != 0 && (sandbox & SANDBOX_FORK) == 0)
		r |= seccomp_rule_add(ctx, SCMP_ACT_ALLOW, SCMP_SYS(clone), 1,
			SCMP_A0(SCMP_CMP_MASKED_EQ, CLONE_THREAD, CLONE_THREAD));
	return r;
}

/* The whole filter of a role, not loaded. NULL with errno set. */
static scmp_filter_ctx
make_filter(uint32_t sandbox)
{
	scmp_filter_ctx ctx = seccomp_init(SCMP_ACT_ERRNO(ENOSYS));
	int r = 0;

	if (ctx == NULL)
		return NULL;
	for (size_t i = 0; r == 0 && i < NITEMS(allowed); i++)
		if (allowed[i].roles == ANY || (allowed[i].roles & sandbox) != 0)
			r = add(ctx, SCMP_ACT_ALLOW, allowed[i].name);
	for (size_t i = 0; r == 0 && i < NITEMS(deadly); i++)
		r = add(ctx, SCMP_ACT_KILL_PROCESS, deadly[i]);
	for (size_t i = 0; r == 0 && i < NITEMS(refused); i++)
		if (!is_allowed(sandbox, refused[i]))
			r = add(ctx, SCMP_ACT_ERRNO(EPERM), refused[i]);
	if (r == 0)
		r = add_conditional(ctx, sandbox);
	/* a fast path: the busiest calls first in a binary tree */
	if (r == 0)
		(void)seccomp_attr_set(ctx, SCMP_FLTATR_CTL_OPTIMIZE, 2);
	if (r == 0)
		return ctx;
	seccomp_release(ctx);
	errno = -r;
	return NULL;
}

int
jail_seccomp(uint32_t sandbox)
{
	scmp_filter_ctx ctx = make_filter(sandbox);
	int r;

	if (ctx == NULL)
		return ERR_DENIED;
	r = seccomp_load(ctx);
	seccomp_release(ctx);
	if (r != 0) {
		errno = -r;
		return ERR_DENIED;
	}
	return ERR_OK;
}

int
jail_seccomp_prepare(uint32_t sandbox, struct buf *program)
{
	scmp_filter_ctx ctx = make_filter(sandbox);
	int fd = sys_memfd("seccomp"), r = ctx == NULL ? ERR_DENIED : fd < 0 ? fd : ERR_OK;
	off_t size;

	if (r == ERR_OK &&
		(seccomp_export_bpf(ctx, fd) != 0 || (size = lseek(fd, 0, SEEK_END)) <= 0))
		r = ERR_DENIED;
	if (r == ERR_OK &&
		sys_pread_full(fd, buf_room(program, (size_t)size), (size_t)size, 0) == size)
		buf_added(program, (size_t)size);
	else if (r == ERR_OK)
		r = ERR_IO;
	if (fd >= 0)
		close(fd);
	seccomp_release(ctx);
	return r;
}

int
jail_seccomp_load(struct bytes program)
{
	const struct sock_fprog fprog = { .len = (unsigned short)(program.n /
								  sizeof(struct sock_filter)),
		.filter = (struct sock_filter *)(uintptr_t)program.p };

	return prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &fprog) == 0 ? ERR_OK
								       : err_from_errno(errno);
}
