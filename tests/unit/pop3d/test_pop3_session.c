/* SPDX-License-Identifier: ISC */
/*
 * tests/unit/pop3d/test_pop3_session.c - a whole POP3 session in a child, over a socket: first
 * words, input that came before it, a large message read slowly, the end from both sides.
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
#include <sys/wait.h>
#include <unistd.h>

#include "pop3_session.h"
#include "pop3d_conf.h"
#include "store.h"

#define LINES 100000 /* of the large message: 12 octets each */

struct fixture {
	char folder[64];
	int root_fd, stream, link;
	pid_t pid;
	struct buf got;
};

static const struct pop3d_conf conf = { .idle_timeout = 3500 };

static void
append_large(int root_fd)
{
	const struct store_options options = { "host" };
	const struct store_new attributes = { .internal_date = 1000 };
	struct buf text = BUF_INIT;
	struct store_account *account;
	struct store_placed placed;
	struct store_append *a;

	buf_put_str(&text, "Subject: large\r\n\r\n");
	for (int i = 0; i < LINES; i++)
		buf_printf(&text, ".%08d.\r\n", i);
	assert_int_equal(store_account_open(root_fd, &options, &account), ERR_OK);
	assert_int_equal(store_append_begin(account, BYTES_LITERAL("INBOX"), &a), ERR_OK);
	assert_int_equal(store_append_write(a, buf_bytes(&text)), ERR_OK);
	assert_int_equal(store_append_commit(&a, &attributes, &placed), ERR_OK);
	store_account_close(&account);
	buf_free(&text);
}

/* A session process as the spawner makes it, without its jail. */
static pid_t
begin(int root_fd, int *stream, int *link, const char *input)
{
	int streams[2], links[2];
	pid_t pid;

	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, streams), 0);
	assert_int_equal(socketpair(AF_UNIX, SOCK_SEQPACKET, 0, links), 0);
	pid = fork();
	if (pid == 0) {
		struct session_start start = { .stream_fd = streams[1],
			.root_fd = root_fd,
			.account = "anna@example.org",
			.session_id = "s1",
			.client = "192.0.2.1",
			.local = "192.0.2.2",
			.hostname = "host",
			.input = bytes_from_str(input),
			.conf = &conf };

		close(streams[0]);
		close(links[0]);
		(void)signal(SIGPIPE, SIG_IGN);
		(void)fcntl(streams[1], F_SETFL, O_NONBLOCK);
		session_link_init(&start.link, links[1]);
		_exit(pop3_session_run(&start));
	}
	close(streams[1]);
	close(links[1]);
	*stream = streams[0];
	*link = links[0];
	return pid;
}

static int
setup(void **state)
{
	struct fixture *f = calloc(1, sizeof(*f));

	snprintf(f->folder, sizeof(f->folder), "/tmp/relais-pop3-XXXXXX");
	assert_non_null(mkdtemp(f->folder));
	f->root_fd = open(f->folder, O_RDONLY | O_DIRECTORY);
	append_large(f->root_fd);
	*state = f;
	return 0;
}

static int
teardown(void **state)
{
	struct fixture *f = *state;
	char command[100];

	close(f->root_fd);
	buf_free(&f->got);
	snprintf(command, sizeof(command), "rm -rf %s", f->folder);
	assert_int_equal(system(command), 0);
	free(f);
	return 0;
}

static void
start(struct fixture *f, const char *input)
{
	f->pid = begin(f->root_fd, &f->stream, &f->link, input);
}

/* Read until the session closes. */
static void
read_all(struct fixture *f)
{
	ssize_t n;

	while ((n = read(f->stream, buf_room(&f->got, 1000), 1000)) > 0)
		buf_added(&f->got, (size_t)n);
}

static void
finish(struct fixture *f)
{
	int status;

	assert_int_equal(waitpid(f->pid, &status, 0), f->pid);
	assert_int_equal(status, 0);
	close(f->stream);
	close(f->link);
}

static void
send_text(struct fixture *f, const char *text)
{
	assert_int_equal(write(f->stream, text, strlen(text)), (ssize_t)strlen(text));
}

static void
test_early_input(void **state)
{
	struct fixture *f = *state;

	start(f, "STAT\r\nQU");
	send_text(f, "IT\r\n");
	read_all(f);
	finish(f);
	assert_string_equal(
		buf_str(&f->got), "+OK Logged in.\r\n+OK 1 1200018\r\n+OK Logging out.\r\n");
}

static void
test_slow_reader(void **state)
{
	struct fixture *f = *state;
	struct buf line = BUF_INIT;
	size_t at;

	start(f, "RETR 1\r\nNOOP\r\nQUIT\r\n");
	usleep(100000);
	read_all(f);
	finish(f);
	for (int i = 0; i < LINES; i += 999) {
		buf_clear(&line);
		buf_printf(&line, "\r\n..%08d.\r\n", i);
		assert_int_not_equal(
			bytes_search(buf_bytes(&f->got), buf_bytes(&line)), BYTES_NOT_FOUND);
	}
	at = f->got.len - strlen("\r\n.\r\n+OK\r\n+OK Logging out.\r\n");
	assert_string_equal(buf_str(&f->got) + at, "\r\n.\r\n+OK\r\n+OK Logging out.\r\n");
	buf_free(&line);
}

static void
test_quota_report(void **state)
{
	struct ipc_packet packet = { .data = BUF_INIT };
	struct session_quota_add_msg m;
	struct fixture *f = *state;
	struct ipc_frame frame;
	struct ipc_reader in;

	start(f, "DELE 1\r\nQUIT\r\n");
	read_all(f);
	assert_int_equal(ipc_blocking_receive(f->link, &packet, &frame, 2000), ERR_OK);
	assert_int_equal(frame.type, SESSION_QUOTA_ADD);
	in = ipc_reader(frame.body);
	assert_int_equal(session_quota_add_decode(&in, &m), ERR_OK);
	assert_int_equal(m.messages, -1);
	assert_int_equal(m.octets, -1200018);
	buf_free(&packet.data);
	finish(f);
}

static void
test_in_use(void **state)
{
	struct fixture *f = *state;
	int stream = -1, link = -1, status;
	char word[128];
	ssize_t n;
	pid_t pid;

	start(f, "");
	assert_int_equal(read(f->stream, word, 16), 16);
	pid = begin(f->root_fd, &stream, &link, "");
	n = read(stream, word, sizeof(word));
	assert_true(n > 13 && memcmp(word, "-ERR [IN-USE]", 13) == 0);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	close(stream);
	close(link);
	send_text(f, "QUIT\r\n");
	read_all(f);
	finish(f);
}

/* Told to end, or idle for too long, or left by the client: marked messages stay. */
static void
test_ends_without_update(void **state)
{
	struct fixture *f = *state;

	for (int how = 0; how < 3; how++) {
		buf_clear(&f->got);
		start(f, "DELE 1\r\nSTAT\r\n");
		usleep(100000);
		if (how == 0)
			assert_int_equal(ipc_blocking_send(f->link, SESSION_END, 0, false,
						 BYTES_NONE, NULL, 0),
				ERR_OK);
		else if (how == 1)
			shutdown(f->stream, SHUT_WR);
		read_all(f);
		finish(f);
		assert_string_equal(buf_str(&f->got),
			"+OK Logged in.\r\n+OK Marked to be deleted.\r\n+OK 0 0\r\n");
	}
	buf_clear(&f->got);
	start(f, "STAT\r\nQUIT\r\n");
	read_all(f);
	finish(f);
	assert_non_null(strstr(buf_str(&f->got), "+OK 1 "));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_early_input, setup, teardown),
		cmocka_unit_test_setup_teardown(test_slow_reader, setup, teardown),
		cmocka_unit_test_setup_teardown(test_quota_report, setup, teardown),
		cmocka_unit_test_setup_teardown(test_in_use, setup, teardown),
		cmocka_unit_test_setup_teardown(test_ends_without_update, setup, teardown),
	};

	return cmocka_run_group_tests_name("pop3d/pop3_session", tests, NULL, NULL);
}
