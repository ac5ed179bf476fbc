/* SPDX-License-Identifier: ISC */
/*
 * tests/unit/smtpd/test_client.c - the daemon around the session: real sockets and event
 * loop, a fake directory and queue, every system call on a message's way failing in turn.
 */
#include "../base/cases.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "err.h"
#include "fake_suite.h"
#include "log.h"
#include "sys.h"

#define HI   "EHLO c\r\n"
#define MAIL "MAIL FROM:<a@b.example>\r\n"
#define TO   "RCPT TO:<b@example.org>\r\n"
#define DATA "DATA\r\n"
#define QUIT "QUIT\r\n"

struct test {
	struct fake f;
	struct buf replies;
	int fd;
};

static void
start(struct test *t)
{
	fake_start(&t->f);
	t->replies = BUF_INIT;
	t->fd = fake_connect(&t->f, 1);
	assert_true(fake_read(&t->f, t->fd, &t->replies, "220 mx.example.org ESMTP relais\r\n"));
	buf_clear(&t->replies);
}

static void
end(struct test *t)
{
	close(t->fd);
	fake_run(&t->f, 20 + t->f.answer_ms);
	fake_stop(&t->f);
	buf_free(&t->replies);
}

static void
talk(struct test *t, const char *text, const char *last)
{
	fake_send(&t->f, t->fd, bytes_from_str(text));
	fake_read(&t->f, t->fd, &t->replies, last);
	assert_non_null(strstr(buf_str(&t->replies), last));
}

/* n octets of lines */
static struct buf
lines(size_t n)
{
	struct buf b = BUF_INIT;
	while (b.len < n)
		buf_printf(&b, "..line %zu with some text that makes it longer\r\n", b.len);
	return b;
}

static void
whole_message(void **state)
{
	struct test t;

	UNUSED(state);
	fake_conf(&t.f);
	start(&t);
	talk(&t,
		HI MAIL TO "RCPT TO:<unknown@example.org>\r\nRCPT TO:<x@y.example>\r\n" DATA
			   "..x\r\n.\r\n" QUIT,
		"221 2.0.0");
	const char *r = buf_str(&t.replies);
	assert_non_null(strstr(
		r, "550 5.1.1 <unknown@example.org>: Recipient address rejected: User unknown"));
	assert_non_null(strstr(r, "554 5.7.1 <x@y.example>: Relay access denied\r\n354 "));
	assert_non_null(strstr(r, "\r\n250 2.0.0 Ok: queued as "));
	assert_int_equal(t.f.commits, 1);
	assert_string_equal(buf_str(&t.f.content), ".x\r\n");
	assert_true(fake_read_all(&t.f, t.fd, &t.replies));
	end(&t);
}

static void
octet_by_octet(void **state)
{
	static const char in[] = HI MAIL TO "BDAT 3\r\nab\rBDAT 1 LAST\r\n\n" MAIL TO DATA ".\r\n";
	struct test t;

	UNUSED(state);
	fake_conf(&t.f);
	t.f.answer_ms = 2;
	start(&t);
	for (size_t i = 0; i + 1 < sizeof(in); i++) {
		fake_send(&t.f, t.fd, bytes_make(in + i, 1));
		event_base_loop(t.f.d.base, EVLOOP_NONBLOCK);
	}
	fake_read(&t.f, t.fd, &t.replies, "354 ");
	while (t.f.commits < 2)
		fake_run(&t.f, 5);
	assert_string_equal(buf_str(&t.f.content), "");
	end(&t);
}

static void
large_messages(void **state)
{
	static const size_t sizes[] = { 100 << 10, 128 << 10, (128 << 10) + 100, 900 << 10 };
	struct test t;

	UNUSED(state);
	fake_conf(&t.f);
	start(&t);
	talk(&t, HI, "HELP\r\n");
	for (size_t i = 0; i < NITEMS(sizes); i++) {
		struct buf content = lines(sizes[i]);
		struct buf stored = BUF_INIT;
		struct bytes rest = buf_bytes(&content);
		while (rest.n > 0) { /* a line is stored without its first dot */
			struct bytes line = bytes_cut(&rest, '\n');
			buf_put_bytes(&stored, bytes_skip(line, 1));
			buf_put_u8(&stored, '\n');
		}
		buf_clear(&t.replies);
		talk(&t, MAIL TO DATA, "354 ");
		fake_send(&t.f, t.fd, buf_bytes(&content));
		talk(&t, ".\r\n", "250 2.0.0 Ok: queued");
		assert_int_equal(t.f.commits, i + 1);
		assert_true(bytes_equal(buf_bytes(&stored), buf_bytes(&t.f.content)));
		assert_int_equal(t.f.last_lent, stored.len > 128 << 10);
		buf_free(&content);
		buf_free(&stored);
	}
	end(&t);
}

/* Nothing but qmgr's yes makes a 250; and the connection goes on afterwards. */
static const struct failure {
	const char *label;
	int directory, commit, answer, lend;
	enum sys_call call;
	int errnum; /* of the call; 0: none fails */
	size_t size;
	const char *reply;
} failures[] = {
	{ "directory is not there", ERR_PEER, 0, 0, 0, 0, 0, 10, "451 4.3.0" },
	{ "directory is slow", ERR_TIMEOUT, 0, 0, 0, 0, 0, 10, "451 4.3.0" },
	{ "qmgr is not there", 0, ERR_PEER, 0, 0, 0, 0, 10, "451 4.3.0" },
	{ "qmgr is slow", 0, ERR_TIMEOUT, 0, 0, 0, 0, 10, "451 4.3.0" },
	{ "queue is full", 0, 0, ERR_NO_SPACE, 0, 0, 0, 10, "452 4.3.1" },
	{ "queue fails", 0, 0, ERR_IO, 0, 0, 0, 10, "451 4.3.0" },
	{ "queue says never", 0, 0, ERR_DENIED, 0, 0, 0, 10, "554 5.3.0" },
	{ "nobody to lend", 0, 0, 0, ERR_PEER, 0, 0, 200 << 10, "451 4.3.0" },
	{ "no space to lend", 0, 0, 0, ERR_NO_SPACE, 0, 0, 200 << 10, "452 4.3.1" },
	{ "no memfd", 0, 0, 0, 0, SYS_MEMFD, EMFILE, 20 << 10, "451 4.3.0" },
	{ "no memory for content", 0, 0, 0, 0, SYS_WRITE, ENOSPC, 20 << 10, "452 4.3.1" },
	{ "lent file fails", 0, 0, 0, 0, SYS_READ, EIO, 200 << 10, "451 4.3.0" },
};

static void
run_failure(void **state)
{
	const struct failure *row = *state;
	struct test t;
	struct buf content = lines(row->size);

	fake_conf(&t.f);
	t.f.directory_err = row->directory;
	t.f.commit_err = row->commit;
	t.f.commit_answer = row->answer;
	t.f.lend_err = row->lend;
	start(&t);
	talk(&t, HI MAIL TO, "250 2.1.0");
	fake_run(&t.f, 5);
	if (row->directory == ERR_OK) {
		talk(&t, DATA, "354 ");
#ifdef RELAIS_FAULTS
		if (row->errnum != 0)
			assert_int_equal(sys_fault(row->call, 1, row->errnum, true), ERR_OK);
#else
		if (row->errnum != 0)
			skip();
#endif
		fake_send(&t.f, t.fd, buf_bytes(&content));
		talk(&t, ".\r\n", row->reply);
	} else {
		talk(&t, "", row->reply);
	}
	sys_fault_clear();
	assert_null(strstr(buf_str(&t.replies), "queued as"));
	t.f.directory_err = t.f.commit_err = t.f.commit_answer = t.f.lend_err = ERR_OK;
	talk(&t, "RSET\r\n" MAIL TO DATA "x\r\n.\r\n", "250 2.0.0 Ok: queued as");
	assert_string_equal(buf_str(&t.f.content), "x\r\n");
	buf_free(&content);
	end(&t);
}

static void
left_while_asking(void **state)
{
	static const char *const texts[] = { HI MAIL TO, HI MAIL TO "BDAT 1 LAST\r\nx" };

	UNUSED(state);
	for (size_t i = 0; i < NITEMS(texts); i++) {
		struct test t;
		fake_conf(&t.f);
		t.f.answer_ms = i == 0 ? 100 : 0;
		start(&t);
		fake_send(&t.f, t.fd, bytes_from_str(texts[i]));
		t.f.answer_ms = 100;
		close(t.fd);
		fake_run(&t.f, 250);
		t.fd = fake_connect(&t.f, 1);
		end(&t);
	}
}

static void
half_closed(void **state)
{
	struct test t;

	UNUSED(state);
	fake_conf(&t.f);
	start(&t);
	fake_send(&t.f, t.fd, BYTES_LITERAL(HI MAIL TO "BDAT 1 LAST\r\nxNOOP\r\n"));
	shutdown(t.fd, SHUT_WR);
	assert_true(fake_read_all(&t.f, t.fd, &t.replies));
	assert_int_equal(t.f.commits, 1);
	assert_non_null(strstr(buf_str(&t.replies), "queued as"));
	end(&t);
}

static void
early_talker(void **state)
{
	struct test t;

	UNUSED(state);
	fake_conf(&t.f);
	t.f.conf.greet_delay = 60;
	fake_start(&t.f);
	t.replies = BUF_INIT;
	t.fd = fake_connect(&t.f, 1);
	fake_run(&t.f, 10);
	fake_send(&t.f, t.fd, BYTES_LITERAL(HI));
	assert_true(fake_read_all(&t.f, t.fd, &t.replies));
	assert_true(bytes_starts_with(buf_bytes(&t.replies), BYTES_LITERAL("554 5.5.1")));
	assert_int_equal(t.f.smtpd->numbers.early_talkers, 1);
	/* a patient one is greeted */
	close(t.fd);
	buf_clear(&t.replies);
	t.fd = fake_connect(&t.f, 1);
	talk(&t, "", "220 ");
	end(&t);
}

static void
connection_limits(void **state)
{
	struct test t;
	int fds[3];

	UNUSED(state);
	fake_conf(&t.f);
	t.f.conf.connection_limit = 3;
	t.f.conf.client_connection_limit = 2;
	start(&t);
	fds[0] = fake_connect(&t.f, 1);
	fds[1] = fake_connect(&t.f, 1);
	assert_true(fake_read_all(&t.f, fds[1], &t.replies));
	assert_non_null(strstr(buf_str(&t.replies), "421 4.7.0 mx.example.org too many connections "
						    "from your address\r\n"));
	close(fds[1]);
	fds[1] = fake_connect(&t.f, 2);
	fds[2] = fake_connect(&t.f, 3);
	buf_clear(&t.replies);
	assert_true(fake_read_all(&t.f, fds[2], &t.replies));
	assert_non_null(
		strstr(buf_str(&t.replies), "421 4.7.0 mx.example.org too many connections\r\n"));
	for (int i = 0; i < 3; i++)
		close(fds[i]);
	fake_run(&t.f, 10);
	/* places are free again */
	fds[0] = fake_connect(&t.f, 1);
	buf_clear(&t.replies);
	assert_true(fake_read(&t.f, fds[0], &t.replies, "220 "));
	close(fds[0]);
	end(&t);
}

static void
timeouts(void **state)
{
	struct test t;

	UNUSED(state);
	fake_conf(&t.f);
	t.f.conf.command_timeout = 500;
	start(&t);
	talk(&t, HI, "HELP\r\n");
	/* octets that make no command don't count */
	for (int i = 0; i < 5; i++) {
		fake_send(&t.f, t.fd, BYTES_LITERAL("N"));
		fake_run(&t.f, 200);
	}
	assert_true(fake_read_all(&t.f, t.fd, &t.replies));
	assert_non_null(strstr(buf_str(&t.replies), "421 4.4.2"));
	assert_int_equal(t.f.smtpd->numbers.timeouts, 1);
	end(&t);
}

static void
draining(void **state)
{
	struct test t;
	int idle, fresh;

	UNUSED(state);
	fake_conf(&t.f);
	start(&t);
	idle = fake_connect(&t.f, 2);
	fake_run(&t.f, 5);
	talk(&t, HI MAIL TO, "250 2.1.5");
	fresh = fake_connect(&t.f, 3);
	t.f.d.draining = true;
	smtpd_spec.drain(&t.f.d);
	buf_clear(&t.replies);
	assert_true(fake_read_all(&t.f, idle, &t.replies));
	assert_non_null(strstr(buf_str(&t.replies), "421 4.3.2"));
	assert_true(fake_read_all(&t.f, fresh, &t.replies));
	assert_false(t.f.finished);
	buf_clear(&t.replies);
	talk(&t, DATA, "354 ");
	talk(&t, ".\r\n", "queued as");
	assert_true(fake_read_all(&t.f, t.fd, &t.replies));
	assert_non_null(strstr(buf_str(&t.replies), "421 4.3.2"));
	assert_true(t.f.finished);
	close(idle);
	close(fresh);
	end(&t);
}

/* A client that doesn't read its replies is not read from either. */
static void
back_pressure(void **state)
{
	struct test t;
	struct buf many = BUF_INIT;
	size_t sent = 0, n = 0;

	UNUSED(state);
	fake_conf(&t.f);
	start(&t);
	for (int i = 0; i < 100000; i++)
		buf_put_str(&many, "NOOP\r\n");
	for (int idle = 0; idle < 50 && sent < many.len;) {
		ssize_t w = send(t.fd, many.data + sent, many.len - sent, MSG_NOSIGNAL);
		if (w > 0)
			sent += (size_t)w;
		idle = w > 0 ? 0 : idle + 1;
		event_base_loop(t.f.d.base, EVLOOP_NONBLOCK);
	}
	assert_true(sent < many.len);
	/* no replies are lost when it reads at last */
	while (sent < many.len) {
		ssize_t w = send(t.fd, many.data + sent, many.len - sent, MSG_NOSIGNAL);
		if (w > 0)
			sent += (size_t)w;
		fake_read(&t.f, t.fd, &t.replies, "250");
	}
	fake_send(&t.f, t.fd, BYTES_LITERAL(QUIT));
	assert_true(fake_read_all(&t.f, t.fd, &t.replies));
	struct bytes rest = buf_bytes(&t.replies);
	while (rest.n > 0)
		n += bytes_starts_with(bytes_cut(&rest, '\n'), BYTES_LITERAL("250 2.0.0"));
	assert_int_equal(n, 100000);
	buf_free(&many);
	end(&t);
}

static void
send_flipped(struct test *t, const char *text)
{
	struct buf b = BUF_INIT;

	for (; *text != '\0'; text++)
		buf_put_u8(&b, (uint8_t)*text ^ 0x80);
	fake_send(&t->f, t->fd, buf_bytes(&b));
	buf_free(&b);
}

/* What has come, from an offset on, made readable. */
static void
flip(struct test *t, size_t from)
{
	for (size_t i = from; i < t->replies.len; i++)
		t->replies.data[t->replies.start + i] ^= 0x80;
}

static void
shake(struct test *t)
{
	fake_send(&t->f, t->fd, BYTES_LITERAL("HELLO\n"));
	assert_true(fake_read(&t->f, t->fd, &t->replies, "SHAKEN\n"));
	buf_clear(&t->replies);
}

/* Everything sent in the clear behind STARTTLS is dropped, and the session begins anew. */
static void
starttls(void **state)
{
	struct test t;

	UNUSED(state);
	fake_conf(&t.f);
	start(&t);
	talk(&t, HI, "250-STARTTLS\r\n");
	talk(&t, "STARTTLS\r\n" HI MAIL TO DATA "injected\r\n.\r\nNOO",
		"220 2.0.0 Ready to start TLS\r\n");
	shake(&t);
	send_flipped(&t, MAIL);
	fake_run(&t.f, 20);
	assert_true(fake_read(&t.f, t.fd, &t.replies, "\215\212"));
	flip(&t, 0);
	assert_string_equal(buf_str(&t.replies), "503 5.5.1 send EHLO or HELO first\r\n");
	send_flipped(&t, HI MAIL TO DATA "x\r\n.\r\n" QUIT);
	buf_clear(&t.replies);
	assert_true(fake_read_all(&t.f, t.fd, &t.replies));
	flip(&t, 0);
	assert_non_null(strstr(buf_str(&t.replies), "250 2.0.0 Ok: queued"));
	assert_int_equal(t.f.commits, 1);
	assert_string_equal(buf_str(&t.f.content), "x\r\n");
	end(&t);
}

/* What comes later in the clear is no handshake, and ends the connection. */
static void
starttls_refused(void **state)
{
	struct test t;

	UNUSED(state);
	fake_conf(&t.f);
	fake_tls_ready(false);
	start(&t);
	talk(&t, HI "STARTTLS\r\n", "454 4.7.0 ");
	fake_tls_ready(true);
	talk(&t, "STARTTLS\r\n", "220 2.0.0");
	fake_send(&t.f, t.fd, BYTES_LITERAL("NOOP\r\n"));
	buf_clear(&t.replies);
	assert_true(fake_read_all(&t.f, t.fd, &t.replies));
	assert_int_equal(t.replies.len, 0);
	assert_int_equal(t.f.smtpd->numbers.failed_handshakes, 1);
	end(&t);
}

/* A client that leaves at any point of the handshake, also while its signature is made. */
static void
left_while_shaking(void **state)
{
	static const char *const parts[] = { "", "HEL", "HELLO\n" };

	UNUSED(state);
	for (size_t i = 0; i < NITEMS(parts); i++) {
		struct test t;

		fake_conf(&t.f);
		start(&t);
		talk(&t, HI "STARTTLS\r\n", "220 2.0.0");
		fake_send(&t.f, t.fd, bytes_from_str(parts[i]));
		event_base_loop(t.f.d.base, EVLOOP_NONBLOCK);
		end(&t);
		t = (struct test){ 0 };
	}
}

static void
counting(void **state)
{
	struct counts c;

	UNUSED(state);
	counts_init(&c);
	for (uint8_t round = 0; round < 2; round++) {
		for (unsigned i = 0; i < 3000; i++)
			assert_int_equal(
				counts_add(&c, &(struct counts_key){ .octets = { (uint8_t)i,
									     (uint8_t)(i >> 8) } }),
				round + 1);
	}
	for (unsigned i = 0; i < 3000; i++)
		counts_remove(
			&c, &(struct counts_key){ .octets = { (uint8_t)i, (uint8_t)(i >> 8) } });
	assert_int_equal(counts_add(&c, &(struct counts_key){ .octets = { 1 } }), 2);
	assert_int_equal(counts_add(&c, &(struct counts_key){ .octets = { 1 }, .six = 1 }), 1);
	counts_free(&c);
}

int
main(void)
{
	TABLE_TESTS(tests, failures, run_failure);
	static const struct CMUnitTest others[] = { cmocka_unit_test(whole_message),
		cmocka_unit_test(octet_by_octet), cmocka_unit_test(large_messages),
		cmocka_unit_test(left_while_asking), cmocka_unit_test(half_closed),
		cmocka_unit_test(early_talker), cmocka_unit_test(connection_limits),
		cmocka_unit_test(timeouts), cmocka_unit_test(draining),
		cmocka_unit_test(back_pressure), cmocka_unit_test(starttls),
		cmocka_unit_test(starttls_refused), cmocka_unit_test(left_while_shaking),
		cmocka_unit_test(counting) };
	log_open(2, "test", "localhost", LOG_LEVEL_ERROR);
	return cmocka_run_group_tests_name("smtpd failures", tests, NULL, NULL) +
	       cmocka_run_group_tests_name("smtpd clients", others, NULL, NULL);
}
