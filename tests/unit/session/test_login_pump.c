/* SPDX-License-Identifier: ISC */
/*
 * tests/unit/session/test_login_pump.c - octets between a client and its session: both ways at
 * once, slow readers, ends of either side, and a TLS that wants the other direction first.
 *
 * TLS is a double: its octets travel in clear over a socket pair, and it does what the test says.
 */
#include "../base/cases.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "clock.h"
#include "err.h"
#include "login_private.h"

#define LARGE (1u << 20)

/* ---- TLS, as far as the pump sees it ---- */

struct tls_stream {
	int fd;
	size_t held;      /* octets 'h' that it has decrypted already: no descriptor tells */
	unsigned one;     /* so many writes take one octet only */
	int read_result;  /* the next read's, once; 0: none */
	int write_result; /* the next write's, once */
	bool said_end, freed;
};

int
tls_read(struct tls_stream *s, void *to, size_t n)
{
	int r = s->read_result;

	s->read_result = 0;
	if (r != 0)
		return r;
	if (s->held > 0) {
		n = n < s->held ? n : s->held;
		memset(to, 'h', n);
		s->held -= n;
		return (int)n;
	}
	r = (int)read(s->fd, to, n);
	return r < 0 ? errno == EAGAIN ? TLS_WANT_READ : ERR_PEER : r;
}

int
tls_write(struct tls_stream *s, struct bytes b)
{
	int r = s->write_result;

	s->write_result = 0;
	if (r != 0)
		return r;
	if (s->one > 0) {
		s->one--;
		b = bytes_head(b, 1);
	}
	r = (int)send(s->fd, b.p, b.n, MSG_NOSIGNAL);
	return r < 0 ? errno == EAGAIN ? TLS_WANT_WRITE : ERR_PEER : r;
}

int
tls_shutdown(struct tls_stream *s)
{
	s->said_end = true;
	return 0;
}

void
tls_stream_free(struct tls_stream **s)
{
	(*s)->freed = true;
	*s = NULL;
}

/* ---- the world around a pump ---- */

struct world {
	struct daemon daemon;
	struct login_server server;
	struct tls_stream tls;
	int client, session; /* the far ends */
};

static unsigned gone; /* calls of login_server_gone() */

void
login_server_gone(struct login_server *s)
{
	gone++;
}

static void
open_pair(int ends[2])
{
	assert_int_equal(
		socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, ends), 0);
}

static struct world *
world_new(const struct tls_stream *tls)
{
	struct world *w = xcalloc(1, sizeof(*w));
	int outer[2], inner[2];

	open_pair(outer);
	open_pair(inner);
	gone = 0;
	w->daemon.base = event_base_new();
	w->server.daemon = &w->daemon;
	w->server.scratch = xcalloc(1, LOGIN_PUMP_PIECE);
	TAILQ_INIT(&w->server.pumps);
	w->tls = *tls;
	w->tls.fd = outer[0];
	w->client = outer[1];
	w->session = inner[1];
	login_pump_new(&w->server, &w->tls, outer[0], inner[0]);
	return w;
}

static void
end_side(int *fd)
{
	if (*fd >= 0)
		close(*fd);
	*fd = -1;
}

static void
turns(struct world *w, unsigned n)
{
	while (n-- > 0)
		event_base_loop(w->daemon.base, EVLOOP_NONBLOCK);
}

/* Both ends close: nothing is left of the pump. */
static void
world_free(struct world *w)
{
	end_side(&w->client);
	end_side(&w->session);
	turns(w, 20);
	assert_true(w->tls.freed);
	assert_int_equal(gone, 1);
	assert_int_equal(w->server.npumps, 0);
	event_base_free(w->daemon.base);
	free(w->server.scratch);
	free(w);
}

/* So many octets 'c' into a descriptor, as far as it takes them. */
static size_t
feed(int fd, char c, size_t n)
{
	char piece[4096];
	size_t done = 0;
	ssize_t r;

	memset(piece, c, sizeof(piece));
	while (done < n) {
		r = send(fd, piece, n - done < sizeof(piece) ? n - done : sizeof(piece),
			MSG_NOSIGNAL);
		if (r <= 0)
			break;
		done += (size_t)r;
	}
	return done;
}

/* All that is there, each octet c. *end: nothing more will come */
static size_t
drink(int fd, char c, bool *end)
{
	char piece[4096];
	size_t n = 0;
	ssize_t r;

	while ((r = read(fd, piece, sizeof(piece))) > 0) {
		for (ssize_t i = 0; i < r; i++)
			assert_int_equal(piece[i], c);
		n += (size_t)r;
	}
	*end = r == 0;
	return n;
}

static bool
expect(struct world *w, int fd, char c, size_t n)
{
	size_t got = 0;
	bool end = false;

	for (int i = 0; i < 1000 && got < n && !end; i++) {
		turns(w, 1);
		got += drink(fd, c, &end);
	}
	assert_int_equal(got, n);
	turns(w, 3);
	got = end ? 0 : drink(fd, c, &end);
	assert_int_equal(got, 0);
	return end;
}

/* ---- the tests ---- */

static void
test_both_ways_at_once(void **state)
{
	const struct tls_stream tls = { .one = 100 };
	struct world *w = world_new(&tls);
	size_t up = 0, down = 0, got_up = 0, got_down = 0;
	bool end;

	while (got_up < LARGE || got_down < LARGE) {
		up += feed(w->client, 'u', LARGE - up);
		down += feed(w->session, 'd', LARGE - down);
		turns(w, 1);
		got_up += drink(w->session, 'u', &end);
		assert_false(end);
		got_down += drink(w->client, 'd', &end);
		assert_false(end);
	}
	assert_int_equal(got_up, LARGE);
	assert_int_equal(got_down, LARGE);
	world_free(w);
}

/* Who does not read holds the other up; the pump keeps one piece and not more. */
static void
test_slow_reader(void **state)
{
	const struct tls_stream tls = { 0 };

	for (int client = 0; client <= 1; client++) {
		struct world *w = world_new(&tls);
		const int writer = client ? w->client : w->session;
		const int reader = client ? w->session : w->client;
		size_t n = 0, more = 1;

		while (more > 0) {
			n += more = feed(writer, 'x', 64 * (size_t)LARGE - n);
			turns(w, 20);
		}
		assert_true(n < 2 * (size_t)LARGE); /* two sockets' buffers and one piece */
		assert_false(expect(w, reader, 'x', n));
		world_free(w);
	}
}

/* The session says its last word and ends: the client hears all of it, and that it was all. */
static void
test_session_ends(void **state)
{
	const struct tls_stream tls = { .one = 3 };
	struct world *w = world_new(&tls);

	assert_int_equal(feed(w->session, 'b', 50000), 50000);
	end_side(&w->session);
	assert_true(expect(w, w->client, 'b', 50000));
	assert_true(w->tls.said_end);
	world_free(w);
}

/* The client ends: the session hears the rest, may still answer, and then leaves. */
static void
test_client_ends(void **state)
{
	const struct tls_stream tls = { 0 };
	struct world *w = world_new(&tls);

	assert_int_equal(feed(w->client, 'q', 50000), 50000);
	assert_int_equal(shutdown(w->client, SHUT_WR), 0);
	assert_true(expect(w, w->session, 'q', 50000));
	assert_false(w->tls.freed);
	assert_int_equal(feed(w->session, 'a', 7), 7);
	assert_false(expect(w, w->client, 'a', 7));
	world_free(w);
}

/* TLS broke, not merely ended: both sides are let go at once. */
static void
test_tls_fails(void **state)
{
	const struct tls_stream tls = { 0 };

	for (int writing = 0; writing <= 1; writing++) {
		struct world *w = world_new(&tls);

		turns(w, 2);
		if (writing) {
			w->tls.write_result = ERR_PEER;
			assert_int_equal(feed(w->session, 'x', 1), 1);
		} else {
			w->tls.read_result = ERR_PEER;
			assert_int_equal(feed(w->client, 'x', 1), 1);
		}
		turns(w, 5);
		assert_true(w->tls.freed);
		assert_false(w->tls.said_end);
		assert_true(expect(w, w->session, 'x', 0));
		world_free(w);
	}
}

/* A session that reads no more: what it has said still reaches the client. */
static void
test_session_deaf(void **state)
{
	const struct tls_stream tls = { 0 };
	struct world *w = world_new(&tls);

	assert_int_equal(feed(w->session, 's', 1000), 1000);
	assert_int_equal(shutdown(w->session, SHUT_RD), 0);
	assert_int_equal(feed(w->client, 'x', 1000), 1000);
	assert_false(expect(w, w->client, 's', 1000));
	assert_int_equal(feed(w->session, 'm', 1000), 1000);
	assert_false(expect(w, w->client, 'm', 1000));
	world_free(w);
}

/* TLS has octets that no descriptor announces, more than one turn takes. */
static void
test_held_by_tls(void **state)
{
	const struct tls_stream tls = { .held = 40 * LOGIN_PUMP_PIECE };
	struct world *w = world_new(&tls);

	assert_false(expect(w, w->session, 'h', 40 * LOGIN_PUMP_PIECE));
	world_free(w);
}

/* A read that waits for room to write, a write that waits for octets to read. */
static void
test_wants_the_other_way(void **state)
{
	const struct tls_stream tls = { .read_result = TLS_WANT_WRITE };
	struct world *w = world_new(&tls);

	assert_int_equal(feed(w->client, 'r', 10), 10);
	assert_false(expect(w, w->session, 'r', 10));
	w->tls.write_result = TLS_WANT_READ;
	assert_int_equal(feed(w->session, 'w', 10), 10);
	turns(w, 5);
	assert_int_equal(feed(w->client, 'r', 10), 10); /* what it waited for */
	assert_false(expect(w, w->client, 'w', 10));
	assert_false(expect(w, w->session, 'r', 10));
	world_free(w);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_both_ways_at_once),
		cmocka_unit_test(test_slow_reader),
		cmocka_unit_test(test_session_ends),
		cmocka_unit_test(test_client_ends),
		cmocka_unit_test(test_tls_fails),
		cmocka_unit_test(test_session_deaf),
		cmocka_unit_test(test_held_by_tls),
		cmocka_unit_test(test_wants_the_other_way),
	};

	return cmocka_run_group_tests_name("session/login_pump", tests, NULL, NULL);
}
