/* SPDX-License-Identifier: ISC */
/*
 * tests/unit/daemon/test_daemon.c - a daemon in its jail, and a master that introduces one
 * process to it again and again: only so many channels are kept, of each process.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include <fcntl.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "daemon_private.h"

static const struct daemon_spec spec = { .service = SERVICE_QMGR };

static _Noreturn void
daemon_process(int control)
{
	char name[] = "qmgr", *argv[] = { name, NULL };
	int null = open("/dev/null", O_WRONLY), far = fcntl(control, F_DUPFD, 10);

	if (dup2(far, CONTROL_FD) < 0 || (null != LOG_FD && dup2(null, LOG_FD) < 0))
		_exit(126);
	close_range(LOG_FD + 1, ~0U, 0);
	_exit(daemon_run(&spec, 1, argv));
}

static void
tell(int control, uint16_t type, struct buf *body, int fd)
{
	assert_int_equal(
		ipc_blocking_send(control, type, 0, false, buf_bytes(body), &fd, fd < 0 ? 0 : 1),
		ERR_OK);
	buf_free(body);
	if (fd >= 0)
		close(fd);
}

static void
start(int control)
{
	struct arena a = ARENA_INIT;
	struct buf body = BUF_INIT, common = BUF_INIT, mailauth = BUF_INIT;
	struct ipc_packet packet = { .data = BUF_INIT };
	struct ipc_frame f;

	conf_encode(&common, &common_section, conf_defaults(&common_section, &a));
	conf_encode(&mailauth, &mailauth_section, conf_defaults(&mailauth_section, &a));
	control_start_encode(&body, &(struct control_start){ .service = SERVICE_QMGR,
					    .uid = UINT32_MAX,
					    .gid = UINT32_MAX,
					    .root = BYTES_LITERAL("/"),
					    .conf = { .common = buf_bytes(&common),
						    .mailauth = buf_bytes(&mailauth) } });
	tell(control, CONTROL_START, &body, -1);
	assert_int_equal(ipc_blocking_receive(control, &packet, &f, 10000), ERR_OK);
	assert_int_equal(f.type, CONTROL_READY);
	buf_free(&packet.data);
	buf_free(&common);
	buf_free(&mailauth);
	arena_reset(&a);
}

/* Our end of a new channel of that process. */
static int
introduce(int control, unsigned instance)
{
	struct buf body = BUF_INIT;
	int fds[2];

	assert_int_equal(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, fds), 0);
	control_peer_encode(
		&body, &(struct control_peer){ .service = SERVICE_SMTPD, .instance = instance });
	tell(control, CONTROL_PEER, &body, fds[1]);
	return fds[0];
}

/* Was it closed? What was said before has been heard when STATS is answered. */
static bool
is_open(int control, int fd)
{
	struct ipc_packet packet = { .data = BUF_INIT };
	struct pollfd p = { .fd = fd, .events = POLLIN };
	struct ipc_frame f;

	assert_int_equal(
		ipc_blocking_send(control, CONTROL_STATS, 1, false, BYTES_NONE, NULL, 0), ERR_OK);
	assert_int_equal(ipc_blocking_receive(control, &packet, &f, 10000), ERR_OK);
	buf_free(&packet.data);
	return poll(&p, 1, 0) == 0;
}

static void
test_channels_of_a_process(void **state)
{
	int pair[2], ends[PEER_CHANNELS_MAX + 1], other, status;
	pid_t pid;

	UNUSED(state);
	assert_int_equal(socketpair(AF_UNIX, SOCK_SEQPACKET, 0, pair), 0);
	pid = fork();
	if (pid == 0)
		daemon_process(pair[1]);
	close(pair[1]);
	start(pair[0]);
	for (unsigned i = 0; i <= PEER_CHANNELS_MAX; i++)
		ends[i] = introduce(pair[0], 0);
	other = introduce(pair[0], 1);
	assert_true(is_open(pair[0], ends[PEER_CHANNELS_MAX - 1]));
	assert_false(is_open(pair[0], ends[PEER_CHANNELS_MAX])); /* one too many */
	assert_true(is_open(pair[0], other));                    /* another's are its own */
	/* one closed makes room for one */
	close(ends[0]);
	close(ends[PEER_CHANNELS_MAX]);
	assert_true(is_open(pair[0], ends[1]));
	ends[0] = introduce(pair[0], 0);
	assert_true(is_open(pair[0], ends[0]));
	close(pair[0]); /* master is gone: it ends */
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFEXITED(status));
	for (unsigned i = 0; i < PEER_CHANNELS_MAX; i++)
		close(ends[i]);
	close(other);
}

int
main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(test_channels_of_a_process) };

	return cmocka_run_group_tests_name("daemon", tests, NULL, NULL);
}
