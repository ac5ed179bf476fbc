/* SPDX-License-Identifier: ISC */
/* tests/unit/local-delivery/test_runner.c - what a command's end means, what a message looks
 * like to it, and the runner itself, run as who we are. */
#include "../base/cases.h"

#include <fcntl.h>
#include <poll.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "err.h"
#include "runner.h"
#include "sys.h"

#define EXIT(n) ((n) << 8)

static const struct judge_row {
	const char *label;
	int status;
	const char *output;
	enum delivery_status result;
	const char *code, *text;
} judge_rows[] = {
	{ "done", EXIT(0), "", DELIVERY_WRITTEN, "2.0.0", "delivered to command" },
	{ "done, and says so", EXIT(0), "4.0.0 ha", DELIVERY_WRITTEN, "2.0.0",
		"delivered to command" },
	{ "EX_TEMPFAIL", EXIT(75), "", DELIVERY_TEMPORARY, "4.3.0", "temporary failure" },
	{ "EX_NOUSER", EXIT(67), "", DELIVERY_PERMANENT, "5.1.1", "user unknown" },
	{ "EX_NOPERM with a word", EXIT(77), "no\n", DELIVERY_PERMANENT, "5.7.0",
		"permission denied. Command output: no" },
	{ "another status", EXIT(3), "", DELIVERY_PERMANENT, "5.3.0",
		"command ended with status 3" },
	{ "its own code", EXIT(1), "4.7.1 come back\n", DELIVERY_TEMPORARY, "4.7.1", "come back" },
	{ "its own code over sysexits", EXIT(75), "5.7.1 go away", DELIVERY_PERMANENT, "5.7.1",
		"go away" },
	{ "no code of its own: class", EXIT(75), "3.7.1 x", DELIVERY_TEMPORARY, "4.3.0",
		"temporary failure. Command output: 3.7.1 x" },
	{ "no code of its own: too few", EXIT(75), "4.7 xxx", DELIVERY_TEMPORARY, "4.3.0",
		"temporary failure. Command output: 4.7 xxx" },
	{ "no code of its own: digits", EXIT(75), "4.7.1000 x", DELIVERY_TEMPORARY, "4.3.0",
		"temporary failure. Command output: 4.7.1000 x" },
	{ "control characters", EXIT(1), "a\x1b[31m\r\nb", DELIVERY_PERMANENT, "5.3.0",
		"command ended with status 1. Command output: a [31m  b" },
	{ "killed", 9, "", DELIVERY_TEMPORARY, "4.3.0", "command died with signal 9" },
};

static void
run_judge(void **arg)
{
	const struct judge_row *t = *arg;
	struct runner_outcome o;

	runner_judge(t->status, bytes_from_str(t->output), &o);
	assert_int_equal(o.status, t->result);
	assert_string_equal(o.code, t->code);
	assert_string_equal(o.text, t->text);
}

static void
long_output(void **arg)
{
	struct runner_outcome o;
	char output[5000];

	UNUSED(arg);
	memset(output, 'x', sizeof(output));
	runner_judge(EXIT(1), bytes_make(output, sizeof(output)), &o);
	assert_int_equal(strlen(o.text), DELIVERY_TEXT_MAX);
}

/* ---- the message ---- */

static int
content_of(struct bytes text)
{
	int fd = sys_memfd("test");

	assert_true(fd >= 0);
	assert_int_equal(sys_write_all(fd, text), ERR_OK);
	return fd;
}

static struct delivery_job
job_for(const char *account, uint32_t flags, uint64_t size)
{
	return (struct delivery_job){ .job_id = 5,
		.queue_id = 7,
		.arrival_us = 1700000000000000,
		.content = content_in_fd(0, size),
		.flags = flags,
		.account = bytes_from_str(account),
		.reverse_path = BYTES_LITERAL("s@example.org"),
		.original_path = BYTES_LITERAL("list@example.org"),
		.forward_path = BYTES_LITERAL("list+x@example.org"),
		.detail = BYTES_LITERAL("x"),
		.prefix = BYTES_LITERAL("Received: by us\r\n") };
}

static int
put_buf(void *arg, struct bytes part)
{
	buf_put_bytes(arg, part);
	return ERR_OK;
}

#define HEAD                                                                                       \
	"From s@example.org Tue Nov 14 22:13:20 2023\nReturn-Path: <s@example.org>\n"              \
	"X-Original-To: list@example.org\nDelivered-To: list+x@example.org\nReceived: by us\n"

static const struct message_row {
	const char *label, *content;
	bool escape;
	const char *expected;
} message_rows[] = {
	{ "line ends", "S: x\r\n\r\na\r\nb\r\n", false, HEAD "S: x\n\na\nb\n" },
	{ "bare CR and LF stay", "a\rb\nc\r\r\n", false, HEAD "a\rb\nc\r\n" },
	{ "From stays for a command", "\r\nFrom x\r\n", false, HEAD "\nFrom x\n" },
	{ "From in a file", "\r\nFrom x\r\nFromm\r\n", true, HEAD "\n>From x\nFromm\n\n" },
	{ "no line end at the end", "a", true, HEAD "a\n\n" },
	{ "CR at the end", "a\r", false, HEAD "a\r" },
	{ "nothing", "", false, HEAD },
};

static void
run_message(void **arg)
{
	const struct message_row *t = *arg;
	struct bytes content = bytes_from_str(t->content);
	struct delivery_job job = job_for("|x", DELIVERY_COMMAND, content.n);
	struct buf out = BUF_INIT;
	int fd = content_of(content);

	assert_int_equal(runner_write_message(&job, fd, t->escape, put_buf, &out), ERR_OK);
	assert_string_equal(buf_str(&out), t->expected);
	buf_free(&out);
	close(fd);
}

/* Longer than a chunk, with what must be seen whole across every boundary. */
static void
long_message(void **arg)
{
	struct buf in = BUF_INIT, out = BUF_INIT;
	struct delivery_job job;
	unsigned from = 0;
	int fd;

	UNUSED(arg);
	while (in.len < 300000)
		buf_printf(&in, "\r\nFrom %*s", (int)(in.len % 37), "");
	job = job_for("/x", DELIVERY_FILE, in.len);
	fd = content_of(buf_bytes(&in));
	assert_int_equal(runner_write_message(&job, fd, true, put_buf, &out), ERR_OK);
	assert_null(memchr(out.data, '\r', out.len));
	for (const char *p = buf_str(&out); (p = strstr(p, "\nFrom ")) != NULL; p++)
		from++;
	assert_int_equal(from, 0);
	buf_free(&in);
	buf_free(&out);
	job.content.size++; /* shorter than was said: an error, not half a message */
	assert_int_equal(runner_write_message(&job, fd, true, put_buf, &out), ERR_IO);
	buf_free(&out);
	close(fd);
}

/* ---- the process ---- */

static void
ask(int runner, const struct delivery_job *job, struct bytes content, struct delivery_result *r,
	uint8_t packet[1024])
{
	struct buf out = BUF_INIT;
	int fd = content_of(content);
	union {
		struct cmsghdr header;
		char room[CMSG_SPACE(sizeof(int))];
	} control = { .room = { 0 } };
	struct iovec io;
	struct msghdr m = { .msg_iov = &io,
		.msg_iovlen = 1,
		.msg_control = control.room,
		.msg_controllen = sizeof(control.room) };
	struct cmsghdr *h = CMSG_FIRSTHDR(&m);
	struct pollfd wait = { .fd = runner, .events = POLLIN };
	struct ipc_reader in;
	ssize_t n;

	delivery_job_encode(&out, job);
	io = (struct iovec){ out.data + out.start, out.len };
	h->cmsg_level = SOL_SOCKET;
	h->cmsg_type = SCM_RIGHTS;
	h->cmsg_len = CMSG_LEN(sizeof(int));
	memcpy(CMSG_DATA(h), &fd, sizeof(int));
	assert_true(sendmsg(runner, &m, 0) > 0);
	assert_int_equal(poll(&wait, 1, 20000), 1);
	n = recv(runner, packet, 1024, 0);
	assert_true(n > 0);
	in = ipc_reader(bytes_make(packet, (size_t)n));
	assert_int_equal(delivery_result_decode(&in, r), ERR_OK);
	buf_free(&out);
	close(fd);
}

static void
commands_and_files(void **arg)
{
	const struct runner_spec spec = { .uid = UINT32_MAX,
		.gid = UINT32_MAX,
		.home = "/",
		.user = "somebody",
		.path = "/usr/bin:/bin",
		.timeout_ms = 500,
		.hostname = "mx.example.org" };
	const struct bytes content = BYTES_LITERAL("Subject: t\r\n\r\nbody\r\n");
	struct delivery_result r;
	char folder[] = "/tmp/relais-test-XXXXXX", line[300], text[2000];
	uint8_t packet[1024];
	struct delivery_job job;
	int runner, fd;

	UNUSED(arg);
	assert_non_null(mkdtemp(folder));
	assert_int_equal(runner_start(&spec, &runner), ERR_OK);
	snprintf(line, sizeof(line), "|cat > %s/got; echo $SENDER $EXTENSION $LOCAL >> %s/got",
		folder, folder);
	job = job_for(line, DELIVERY_COMMAND, content.n);
	job.reverse_path = BYTES_LITERAL("a`b`$(c)@example.org");
	ask(runner, &job, content, &r, packet);
	assert_int_equal(r.status, DELIVERY_WRITTEN);
	assert_int_equal(r.job_id, 5);
	snprintf(line, sizeof(line), "%s/got", folder);
	fd = open(line, O_RDONLY | O_CLOEXEC);
	text[sys_read_full(fd, text, sizeof(text) - 1)] = 0;
	assert_non_null(strstr(text, "\n\nbody\na_b___c_@example.org x list+x\n"));
	close(fd);
	unlink(line);

	job = job_for("|sleep 30", DELIVERY_COMMAND, content.n);
	ask(runner, &job, content, &r, packet);
	assert_true(bytes_is(r.text, "command time limit exceeded"));
	job = job_for("|no-such-program-here", DELIVERY_COMMAND, content.n);
	ask(runner, &job, content, &r, packet);
	assert_int_equal(r.status, DELIVERY_PERMANENT);

	snprintf(line, sizeof(line), "%s/box", folder);
	job = job_for(line, DELIVERY_FILE, content.n);
	for (int i = 0; i < 2; i++) {
		ask(runner, &job, content, &r, packet);
		assert_int_equal(r.status, DELIVERY_WRITTEN);
	}
	fd = open(line, O_RDONLY | O_CLOEXEC);
	text[sys_read_full(fd, text, sizeof(text) - 1)] = 0;
	assert_non_null(strstr(text, "body\n\nFrom s@example.org"));
	close(fd);
	unlink(line);
	assert_int_equal(symlink("/etc/passwd", line), 0);
	ask(runner, &job, content, &r, packet);
	assert_int_equal(r.status, DELIVERY_PERMANENT);
	unlink(line);
	assert_int_equal(mkfifo(line, 0600), 0);
	ask(runner, &job, content, &r, packet);
	assert_int_equal(r.status, DELIVERY_PERMANENT);
	unlink(line);
	close(runner);
	rmdir(folder);
}

int
main(void)
{
	const struct CMUnitTest others[] = { cmocka_unit_test(long_output),
		cmocka_unit_test(long_message), cmocka_unit_test(commands_and_files) };
	TABLE_TESTS(judges, judge_rows, run_judge);
	TABLE_TESTS(messages, message_rows, run_message);

	return cmocka_run_group_tests_name("local-delivery/exits", judges, NULL, NULL) +
	       cmocka_run_group_tests_name("local-delivery/message", messages, NULL, NULL) +
	       cmocka_run_group_tests_name("local-delivery/runner", others, NULL, NULL);
}
