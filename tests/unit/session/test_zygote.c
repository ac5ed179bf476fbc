/* SPDX-License-Identifier: ISC */
/*
 * tests/unit/session/test_zygote.c - sessions made by a real zygote: what they get, what they
 * find, and how their ends are told.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "child.h"
#include "imapd_conf.h"
#include "jail.h"
#include "zygote.h"

struct fixture {
	char root[64];
	struct daemon daemon;
	struct daemon_spec daemon_spec;
	struct zygote zygote;
	struct buf filter;
	struct token_grant grant;
	struct common_conf common;
	struct imapd_conf conf;
};

/* The session of these tests: tells on its stream what it was given, then ends as it is told. */
static int
session(const struct session_start *s)
{
	const struct imapd_conf *conf = s->conf;
	char line[256], order = 0;
	int n = snprintf(line, sizeof(line), "%s %s %llu %.*s", s->account, s->session_id,
		(unsigned long long)conf->idle_timeout, (int)s->input.n, (const char *)s->input.p);

	if (write(s->stream_fd, line, (size_t)n) != n || read(s->stream_fd, &order, 1) != 1)
		return 9;
	if (order == 'c')
		abort();
	return order - '0';
}

static int
setup(void **state)
{
	struct fixture *f = calloc(1, sizeof(*f));
	struct zygote_spec spec;

	snprintf(f->root, sizeof(f->root), "/tmp/relais-zygote-XXXXXX");
	assert_non_null(mkdtemp(f->root));
	assert_int_equal(jail_seccomp_prepare(SESSION_SANDBOX, &f->filter), ERR_OK);
	f->common.hostname = "host";
	f->conf.idle_timeout = 1;
	f->daemon_spec.section = &imapd_section;
	f->daemon = (struct daemon){ .spec = &f->daemon_spec,
		.common = &f->common,
		.conf = &f->conf,
		.root_fd = open(f->root, O_PATH | O_DIRECTORY) };
	f->grant = (struct token_grant){ .uid = 1, .gid = 1, .home = "example.org/anna" };
	spec = (struct zygote_spec){ .name = "test",
		.run = session,
		.daemon = &f->daemon,
		.filter = buf_bytes(&f->filter) };
	assert_int_equal(zygote_begin(&f->zygote, &spec), ERR_OK);
	*state = f;
	return 0;
}

static int
teardown(void **state)
{
	struct fixture *f = *state;
	char command[100];
	int status;

	zygote_end(&f->zygote);
	assert_int_equal(waitpid(f->zygote.pid, &status, 0), f->zygote.pid);
	assert_int_equal(status, 0); /* it ends when its spawner does */
	close(f->daemon.root_fd);
	buf_free(&f->filter);
	snprintf(command, sizeof(command), "rm -rf %s", f->root);
	assert_int_equal(system(command), 0);
	free(f);
	return 0;
}

/* A new session; its stream. */
static int
spawn(struct fixture *f, const char *account, const char *input, pid_t *pid)
{
	const struct session_take_msg take = { .session_id = BYTES_LITERAL("s1"),
		.input = bytes_from_str(input) };
	int stream[2], link[2];

	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, stream), 0);
	assert_int_equal(socketpair(AF_UNIX, SOCK_SEQPACKET, 0, link), 0);
	bytes_to_str(bytes_from_str(account), f->grant.account, sizeof(f->grant.account));
	assert_int_equal(
		zygote_spawn(&f->zygote, &f->grant, &take, stream[1], link[1], pid), ERR_OK);
	close(stream[1]);
	close(link[0]);
	close(link[1]);
	return stream[0];
}

static void
expect(int stream, const char *text)
{
	char line[256];
	ssize_t n = read(stream, line, sizeof(line) - 1);

	assert_true(n > 0);
	line[n] = 0;
	assert_string_equal(line, text);
}

static void
expect_death(struct fixture *f, pid_t pid, int status)
{
	struct zygote_death death;
	int r;

	for (int i = 0; (r = zygote_read(&f->zygote, &death)) == ERR_TIMEOUT && i < 500; i++)
		usleep(10000);
	assert_int_equal(r, ERR_OK);
	assert_int_equal(death.pid, pid);
	if (WIFSIGNALED(status))
		assert_true(WIFSIGNALED(death.status));
	else
		assert_int_equal(death.status, status);
}

static void
test_life(void **state)
{
	struct fixture *f = *state;
	struct zygote_death death;
	pid_t pid;
	int stream = spawn(f, "anna@example.org", "NOOP", &pid);

	expect(stream, "anna@example.org s1 1 NOOP");
	assert_int_equal(zygote_read(&f->zygote, &death), ERR_TIMEOUT);
	assert_int_equal(write(stream, "3", 1), 1);
	expect_death(f, pid, 3 << 8);
	close(stream);
}

/* Several at once; a crash is told as one, and touches nobody else. */
static void
test_several(void **state)
{
	struct fixture *f = *state;
	int streams[3];
	pid_t pids[3];

	for (int i = 0; i < 3; i++)
		streams[i] = spawn(f, i == 0 ? "a@x" : "b@x", "", &pids[i]);
	expect(streams[0], "a@x s1 1 ");
	expect(streams[1], "b@x s1 1 ");
	assert_int_equal(write(streams[1], "c", 1), 1);
	expect_death(f, pids[1], SIGABRT);
	expect(streams[2], "b@x s1 1 ");
	assert_int_equal(write(streams[0], "0", 1), 1);
	expect_death(f, pids[0], 0);
	assert_int_equal(write(streams[2], "0", 1), 1);
	expect_death(f, pids[2], 0);
	for (int i = 0; i < 3; i++)
		close(streams[i]);
}

/* One that dies while the next one is asked for is not forgotten. */
static void
test_death_before_answer(void **state)
{
	struct fixture *f = *state;
	pid_t first, second;
	int one = spawn(f, "a@x", "", &first), two;

	expect(one, "a@x s1 1 ");
	assert_int_equal(write(one, "5", 1), 1);
	usleep(100000);
	two = spawn(f, "b@x", "", &second);
	expect_death(f, first, 5 << 8);
	expect(two, "b@x s1 1 ");
	assert_int_equal(write(two, "0", 1), 1);
	expect_death(f, second, 0);
	close(one);
	close(two);
}

static void
test_configure(void **state)
{
	struct fixture *f = *state;
	struct arena arena = ARENA_INIT;
	struct imapd_conf *conf = conf_defaults(&imapd_section, &arena);
	int stream;
	pid_t pid;

	for (uint64_t value = 60001; value < 60004; value++) {
		char text[64];

		conf->idle_timeout = value;
		assert_int_equal(zygote_configure(&f->zygote, &imapd_section, conf), ERR_OK);
		stream = spawn(f, "a@x", "", &pid);
		snprintf(text, sizeof(text), "a@x s1 %llu ", (unsigned long long)value);
		expect(stream, text);
		assert_int_equal(write(stream, "0", 1), 1);
		expect_death(f, pid, 0);
		close(stream);
	}
	arena_reset(&arena);
}

/* A zygote that is gone shows at once, in both calls. */
static void
test_gone(void **state)
{
	struct fixture *f = *state;
	struct session_take_msg take = { .input = BYTES_NONE };
	struct zygote_death death;
	struct zygote lost = f->zygote;
	int link[2], status;
	pid_t pid;

	assert_int_equal(socketpair(AF_UNIX, SOCK_SEQPACKET, 0, link), 0);
	assert_int_equal(kill(lost.pid, SIGKILL), 0);
	assert_int_equal(waitpid(lost.pid, &status, 0), lost.pid);
	bytes_to_str(BYTES_LITERAL("a@x"), f->grant.account, sizeof(f->grant.account));
	assert_int_equal(
		zygote_spawn(&f->zygote, &f->grant, &take, link[0], link[1], &pid), ERR_PEER);
	assert_int_equal(zygote_read(&f->zygote, &death), ERR_PEER);
	zygote_end(&f->zygote);
	close(link[0]);
	close(link[1]);
	/* for teardown: one that ended well */
	f->zygote.pid = fork();
	if (f->zygote.pid == 0)
		_exit(0);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_life, setup, teardown),
		cmocka_unit_test_setup_teardown(test_several, setup, teardown),
		cmocka_unit_test_setup_teardown(test_death_before_answer, setup, teardown),
		cmocka_unit_test_setup_teardown(test_configure, setup, teardown),
		cmocka_unit_test_setup_teardown(test_gone, setup, teardown),
	};

	return cmocka_run_group_tests_name("session/zygote", tests, NULL, NULL);
}
