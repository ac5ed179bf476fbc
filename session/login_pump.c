/* SPDX-License-Identifier: ISC */
/*
 * session/login_pump.c - after the login: octets from TLS to the session process and back.
 *
 * The session has one end of a socket pair; TLS stays here, because its keys and its parser
 * stay out of the process that has the mailbox. What one side does not take waits here, and as
 * long as something waits nothing more is read from the other (back-pressure). What is read
 * goes through memory that all pumps share, so a silent connection holds none.
 *
 * The session's end is told to the client by close_notify; the client's end to the session by
 * shutdown(2), so that what it still has to say can go out.
 *
 * Runs in:  imap-login, pop3-login; user relais-login, empty chroot, no file access, no key.
 * Trusts:   nothing from the client, nothing from the session.
 */
#include <errno.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "err.h"
#include "login_private.h"

#define PIECES_A_TURN 8  /* then others have their turn */
#define GRACE_S       30 /* for the rest, when one side has ended */

struct login_pump {
	TAILQ_ENTRY(login_pump) link;
	struct login_server *server;
	struct tls_stream *tls;
	struct event *outer_event, *inner_event;
	struct event *grace; /* NULL until one side has ended */
	struct buf to_session, to_client;
	int outer, inner;
	short outer_waits, inner_waits;
	bool client_ended, session_ended;
	bool told_session; /* that the client ended */
	bool read_wants_write, write_wants_read;
	bool unread; /* TLS has more, though the descriptor may not tell */
};

static void on_event(evutil_socket_t fd, short what, void *arg);

static void
pump_free(struct login_pump *p)
{
	struct login_server *s = p->server;

	TAILQ_REMOVE(&s->pumps, p, link);
	s->npumps--;
	event_free(p->outer_event);
	event_free(p->inner_event);
	if (p->grace != NULL)
		event_free(p->grace);
	tls_stream_free(&p->tls);
	close(p->outer);
	close(p->inner);
	buf_free(&p->to_session);
	buf_free(&p->to_client);
	free(p);
	login_server_gone(s);
}

/* ---- the four ways; true: something moved. < 0 of a socket: nobody is there any more ---- */

/* Octets into the session's socket. returns: taken; < 0 gone */
static ssize_t
to_socket(int fd, struct bytes b)
{
	ssize_t n;

	do {
		n = send(fd, b.p, b.n, MSG_NOSIGNAL);
	} while (n < 0 && errno == EINTR);
	return n < 0 && errno == EAGAIN ? 0 : n;
}

/* Octets into TLS. returns: taken; < 0 gone */
static ssize_t
to_tls(struct login_pump *p, struct bytes b)
{
	int r = tls_write(p->tls, b);

	p->write_wants_read = r == TLS_WANT_READ;
	return tls_is_want(r) ? 0 : r;
}

typedef ssize_t write_fn(struct login_pump *p, struct bytes b);

static ssize_t
write_session(struct login_pump *p, struct bytes b)
{
	return to_socket(p->inner, b);
}

static ssize_t
write_client(struct login_pump *p, struct bytes b)
{
	size_t done = 0;

	while (done < b.n) {
		ssize_t n = to_tls(p, bytes_skip(b, done));

		if (n < 0)
			return n;
		if (n == 0)
			break;
		done += (size_t)n;
	}
	return (ssize_t)done;
}

/* What waits, as far as it is taken. false: nobody is there */
static bool
flush(struct login_pump *p, struct buf *waiting, write_fn *to)
{
	ssize_t n;

	if (waiting->len == 0)
		return true;
	if ((n = to(p, buf_bytes(waiting))) < 0)
		return false;
	buf_consume(waiting, (size_t)n);
	if (waiting->len == 0)
		buf_free(waiting);
	return true;
}

/* What was just read: written at once, the rest waits. */
static bool
pass(struct login_pump *p, struct bytes b, struct buf *waiting, write_fn *to)
{
	ssize_t n = to(p, b);

	if (n < 0)
		return false;
	buf_put_bytes(waiting, bytes_skip(b, (size_t)n));
	return true;
}

/* From the client, until there is nothing or the session does not take it. false: over */
static bool
from_client(struct login_pump *p)
{
	p->unread = false;
	for (int i = 0; p->to_session.len == 0 && !p->client_ended; i++) {
		int n;

		if (i == PIECES_A_TURN) {
			p->unread = true;
			return true;
		}
		n = tls_read(p->tls, p->server->scratch, LOGIN_PUMP_PIECE);

		p->read_wants_write = n == TLS_WANT_WRITE;
		if (tls_is_want(n))
			return true;
		if (n < 0)
			return false;
		if (n == 0)
			p->client_ended = true;
		else if (!pass(p, bytes_make(p->server->scratch, (size_t)n), &p->to_session,
				 write_session))
			p->client_ended =
				true; /* the session reads no more; it may have said why */
	}
	return true;
}

static bool
from_session(struct login_pump *p)
{
	for (int i = 0; i < PIECES_A_TURN && p->to_client.len == 0 && !p->session_ended; i++) {
		ssize_t n = read(p->inner, p->server->scratch, LOGIN_PUMP_PIECE);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0 && errno == EAGAIN)
			return true;
		if (n <= 0)
			p->session_ended = true;
		else if (!pass(p, bytes_make(p->server->scratch, (size_t)n), &p->to_client,
				 write_client))
			return false;
	}
	return true;
}

/* ---- waiting ---- */

static void
on_grace(evutil_socket_t fd, short what, void *arg)
{
	pump_free(arg);
}

static void
set_grace(struct login_pump *p)
{
	const struct timeval wait = { GRACE_S, 0 };

	if (p->grace != NULL)
		return;
	p->grace = event_new(p->server->daemon->base, -1, 0, on_grace, p);
	ASSERT(p->grace != NULL);
	event_add(p->grace, &wait);
}

static void
wait_for(struct login_pump *p, struct event *e, int fd, short *waits, short what)
{
	if (*waits == what)
		return;
	event_del(e);
	if (what != 0) {
		event_assign(e, p->server->daemon->base, fd, what | EV_PERSIST, on_event, p);
		event_add(e, NULL);
	}
	*waits = what;
}

static void
wait_more(struct login_pump *p)
{
	short outer = 0, inner = 0;

	if ((p->to_session.len == 0 && !p->client_ended) || p->write_wants_read)
		outer |= EV_READ;
	if ((p->to_client.len > 0 && !p->write_wants_read) || p->read_wants_write)
		outer |= EV_WRITE;
	if (p->to_client.len == 0 && !p->session_ended)
		inner |= EV_READ;
	if (p->to_session.len > 0)
		inner |= EV_WRITE;
	wait_for(p, p->outer_event, p->outer, &p->outer_waits, outer);
	wait_for(p, p->inner_event, p->inner, &p->inner_waits, inner);
	if (p->unread)
		event_active(p->outer_event, EV_READ, 1);
}

/* ---- a turn ---- */

static void
turn(struct login_pump *p)
{
	if (!flush(p, &p->to_client, write_client)) {
		pump_free(p);
		return;
	}
	if (!flush(p, &p->to_session, write_session)) {
		buf_free(&p->to_session);
		p->client_ended = true;
	}
	if (!from_client(p) || !from_session(p)) {
		pump_free(p);
		return;
	}
	if (p->session_ended && p->to_client.len == 0) {
		(void)!tls_shutdown(p->tls);
		pump_free(p);
		return;
	}
	if (p->client_ended && p->to_session.len == 0 && !p->told_session) {
		(void)shutdown(p->inner, SHUT_WR);
		p->told_session = true;
	}
	if (p->client_ended || p->session_ended)
		set_grace(p);
	wait_more(p);
}

static void
on_event(evutil_socket_t fd, short what, void *arg)
{
	turn(arg);
}

void
login_pump_new(struct login_server *s, struct tls_stream *tls, int fd, int inner)
{
	struct login_pump *p = xcalloc(1, sizeof(*p));

	p->server = s;
	p->tls = tls;
	p->outer = fd;
	p->inner = inner;
	p->outer_event = event_new(s->daemon->base, fd, EV_READ | EV_PERSIST, on_event, p);
	p->inner_event = event_new(s->daemon->base, inner, EV_READ | EV_PERSIST, on_event, p);
	ASSERT(p->outer_event != NULL && p->inner_event != NULL);
	TAILQ_INSERT_TAIL(&s->pumps, p, link);
	s->npumps++;
	turn(p);
}
