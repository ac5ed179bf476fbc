/* SPDX-License-Identifier: ISC */
/* tests/unit/mailauth/test_guard.c - what a process says that dies in a library, and what not. */
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "guard.h"
#include "mailauth_msg.h"

#define REQUEST 4711

static const struct row {
	const char *label;
	int sig;
	bool inside, left; /* guard_enter() was called; guard_leave() too */
} rows[] = {
	{ "crash", SIGSEGV, true, false },
	{ "broken invariant", SIGABRT, true, false },
	{ "division", SIGFPE, true, false },
	{ "forbidden system call", SIGSYS, true, false },
	{ "before any request", SIGSEGV, false, false },
	{ "between two requests", SIGSEGV, true, true },
};

static _Noreturn void
die(const struct row *t, int fd)
{
	const struct rlimit none = { 0, 0 };
	const struct ipc_channel_spec spec = {
		.base = event_base_new(), .fd = fd, .peer = SERVICE_SMTPD, .served = true
	};
	struct ipc_channel *channel = ipc_channel_new(&spec);

	UNUSED(setrlimit(RLIMIT_CORE, &none));
	if (guard_install(MAILAUTH_DIED) < 0)
		_exit(3);
	if (t->inside)
		guard_enter(channel, REQUEST);
	if (t->left)
		guard_leave();
	raise(t->sig);
	_exit(4);
}

static void
run_row(void **state)
{
	const struct row *t = *state;
	struct ipc_packet packet = { .data = BUF_INIT };
	struct ipc_frame f;
	int fds[2], status;
	pid_t pid;

	assert_int_equal(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, fds), 0);
	pid = fork();
	assert_true(pid >= 0);
	if (pid == 0)
		die(t, fds[1]);
	close(fds[1]);
	if (t->inside && !t->left) {
		assert_int_equal(ipc_blocking_receive(fds[0], &packet, &f, 10000), ERR_OK);
		assert_int_equal(f.type, MAILAUTH_DIED);
		assert_true(f.is_reply);
		assert_int_equal(f.id, REQUEST);
		assert_int_equal(f.body.n, 0);
	}
	assert_int_equal(ipc_blocking_receive(fds[0], &packet, &f, 10000), ERR_PEER);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFSIGNALED(status) && WTERMSIG(status) == t->sig);
	buf_free(&packet.data);
	close(fds[0]);
}

int
main(void)
{
	struct CMUnitTest tests[NITEMS(rows)];

	for (size_t i = 0; i < NITEMS(rows); i++)
		tests[i] = (struct CMUnitTest){ rows[i].label, run_row, NULL, NULL,
			(void *)(uintptr_t)&rows[i] };
	return cmocka_run_group_tests_name("mailauth/guard", tests, NULL, NULL);
}
