/* SPDX-License-Identifier: ISC */
/*
 * tests/unit/imapd/test_session_main.c - the session process: a forked child at one end of a socket
 * pair, the test at the other.
 */
#include <fcntl.h>
#include <poll.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "clock.h"
#include "dialogue.h"
#include "imap_session.h"
#include "imapd_conf.h"
#include "log.h"

struct process {
	pid_t pid;
	int fd;   /* the client's end of the stream */
	int link; /* the spawner's end, or -1 */
};

static int
run_child(const struct mailbox *m, int stream_fd, int link_fd, const char *input,
	const struct imapd_conf *conf)
{
	struct session_start start = { .stream_fd = stream_fd,
		.root_fd = open(m->path, O_RDONLY | O_DIRECTORY | O_CLOEXEC),
		.account = "anna@example.org",
		.session_id = "test",
		.hostname = "host.example",
		.first_reply = BYTES_LITERAL("a OK Logged in\r\n"),
		.input = bytes_from_str(input),
		.conf = conf };

	session_link_init(&start.link, link_fd);
	return imap_session_run(&start);
}

static struct process
spawn(const struct mailbox *m, bool with_link, const char *input, uint64_t idle_timeout_ms)
{
	const struct imapd_conf conf = { .idle_timeout = idle_timeout_ms };
	int stream[2], link[2] = { -1, -1 };
	struct process p;

	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, stream), 0);
	if (with_link)
		assert_int_equal(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, link), 0);
	p.pid = fork();
	assert_true(p.pid >= 0);
	if (p.pid == 0) {
		close(stream[0]);
		if (with_link)
			close(link[0]);
		signal(SIGPIPE, SIG_IGN);
		fcntl(stream[1], F_SETFL, O_NONBLOCK);
		log_open(open("/dev/null", O_WRONLY), "imap", "host", LOG_LEVEL_INFO);
		_exit(run_child(m, stream[1], link[1], input, &conf));
	}
	close(stream[1]);
	if (with_link)
		close(link[1]);
	p.fd = stream[0];
	p.link = link[0];
	return p;
}

static void
say(const struct process *p, const char *text)
{
	assert_int_equal(write(p->fd, text, strlen(text)), (ssize_t)strlen(text));
}

/* Read until what appears (NULL: until the end). Fails after 10 seconds. */
static void
expect(const struct process *p, const char *what)
{
	uint64_t until = clock_mono_ms() + 10000;
	struct buf got = BUF_INIT;
	struct pollfd fd = { .fd = p->fd, .events = POLLIN };
	ssize_t n = 1;

	while (n > 0 && (what == NULL || strstr(buf_str(&got), what) == NULL)) {
		if (clock_mono_ms() > until)
			fail_msg("no \"%s\" in \"%s\"", what, buf_str(&got));
		if (poll(&fd, 1, 100) <= 0)
			continue;
		n = read(p->fd, buf_room(&got, 65536), 65536);
		if (n > 0)
			buf_added(&got, (size_t)n);
	}
	if (n <= 0 && what != NULL)
		fail_msg("it ended without \"%s\": \"%s\"", what, buf_str(&got));
	buf_free(&got);
}

/* It leaves by itself within 10 seconds, with exit status 0. */
static void
expect_exit(struct process *p)
{
	uint64_t until = clock_mono_ms() + 10000;
	int status = -1;
	pid_t done;

	while ((done = waitpid(p->pid, &status, WNOHANG)) == 0 && clock_mono_ms() < until)
		usleep(10000);
	if (done == 0) {
		kill(p->pid, SIGKILL);
		waitpid(p->pid, &status, 0);
		fail_msg("the session goes on");
	}
	assert_int_equal(status, 0);
	close(p->fd);
	if (p->link >= 0)
		close(p->link);
}

static int
setup(void **state)
{
	struct mailbox *m = xcalloc(1, sizeof(*m));

	mailbox_open(m);
	*state = m;
	return 0;
}

static int
teardown(void **state)
{
	mailbox_close(*state);
	free(*state);
	return 0;
}

static void
test_pipelined_input(void **state)
{
	struct process p = spawn(*state, false, "b NOOP\r\nc SELECT INB", 60000);

	expect(&p, "a OK Logged in\r\nb OK NOOP");
	say(&p, "OX\r\nd LOGOUT\r\n");
	expect(&p, "d OK");
	expect(&p, NULL);
	expect_exit(&p);
}

static void
test_timeout(void **state)
{
	struct process p = spawn(*state, false, "", 200);

	expect(&p, "* BYE Disconnected for inactivity");
	expect_exit(&p);
}

static void
test_spawner_gone(void **state)
{
	struct process p = spawn(*state, true, "b NOOP\r\n", 60000);

	expect(&p, "b OK");
	close(p.link);
	p.link = -1;
	expect(&p, "* BYE [UNAVAILABLE] Server shutting down");
	expect_exit(&p);
}

static void
test_client_gone(void **state)
{
	struct process p = spawn(*state, false, "b SELECT INBOX\r\nc IDLE\r\n", 60000);

	expect(&p, "+ idling");
	shutdown(p.fd, SHUT_RDWR);
	expect_exit(&p);
}

/* Gone while a large answer waits for it. */
static void
test_client_gone_in_an_answer(void **state)
{
	struct process p =
		spawn(*state, false, "b SELECT INBOX\r\nc APPEND INBOX {4000000+}\r\n", 60000);
	static char piece[40000];

	memset(piece, 'x', sizeof(piece));
	for (int i = 0; i < 100; i++)
		assert_int_equal(write(p.fd, piece, sizeof(piece)), sizeof(piece));
	say(&p, "\r\n");
	expect(&p, "c OK [APPENDUID");
	say(&p, "d FETCH 1 BODY[]\r\n");
	expect(&p, "{4000000}");
	shutdown(p.fd, SHUT_RDWR);
	expect_exit(&p);
}

/* No spawner that watches: the session looks by itself, and within a second. */
static void
test_idle_by_looking(void **state)
{
	struct process idle = spawn(*state, false, "b SELECT INBOX\r\nc IDLE\r\n", 60000);
	struct process other = spawn(*state, false, "", 60000);

	expect(&idle, "+ idling");
	usleep(1500000);
	say(&other, "b APPEND INBOX {6+}\r\na: b\r\n\r\n");
	expect(&other, "b OK");
	expect(&idle, "* 1 EXISTS");
	say(&idle, "DONE\r\nd LOGOUT\r\n");
	say(&other, "d LOGOUT\r\n");
	expect_exit(&idle);
	expect_exit(&other);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_pipelined_input, setup, teardown),
		cmocka_unit_test_setup_teardown(test_timeout, setup, teardown),
		cmocka_unit_test_setup_teardown(test_spawner_gone, setup, teardown),
		cmocka_unit_test_setup_teardown(test_client_gone, setup, teardown),
		cmocka_unit_test_setup_teardown(test_client_gone_in_an_answer, setup, teardown),
		cmocka_unit_test_setup_teardown(test_idle_by_looking, setup, teardown),
	};

	return cmocka_run_group_tests_name("imapd/session_main", tests, NULL, NULL);
}
