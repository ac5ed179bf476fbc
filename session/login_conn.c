/* SPDX-License-Identifier: ISC */
/*
 * session/login_conn.c - a connection before login: reading, writing, time-outs, delays, the end.
 *
 * One place decides what a connection waits for: login_conn_arm(). A connection reads only when all
 * its replies are written (back-pressure), and asks only then, so that nothing of ours can
 * come after the session's first octet.
 *
 * Runs in:  imap-login, pop3-login; user relais-login, empty chroot, no file access, no key.
 * Trusts:   nothing from the client.
 */
#include <errno.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "clock.h"
#include "err.h"
#include "login_private.h"

#define CLOSE_GRACE_MS 5000 /* for the last octets */

static void on_io(evutil_socket_t fd, short what, void *arg);
static void on_timer(evutil_socket_t fd, short what, void *arg);

/* ---- the end of a connection ---- */

static void
free_conn(struct login_conn *c)
{
	struct login_server *s = c->server;

	TAILQ_REMOVE(&s->conns, c, link);
	s->count--;
	counts_remove(&s->counts, &c->address);
	event_free(c->io);
	event_free(c->timer);
	tls_stream_free(&c->tls);
	if (c->fd >= 0)
		close(c->fd);
	if (c->inner >= 0)
		close(c->inner);
	login_session_free(&c->session);
	buf_free(&c->in);
	buf_free(&c->out);
	free(c);
	login_server_gone(s);
}

void
login_conn_close(struct login_conn *c)
{
	char rest[LOGIN_READ_SIZE];

	login_log_disconnect(c);
	login_conn_cancel(c);
	if (c->tls != NULL && c->phase != CONN_SHAKING)
		(void)!tls_shutdown(c->tls);
	/* unread octets would make the kernel reset the connection, and the client lose our
	 * last words */
	if (read(c->fd, rest, sizeof(rest)) < 0)
		errno = 0;
	explicit_bzero(rest, sizeof(rest));
	free_conn(c);
}

void
login_conn_done(struct login_conn *c)
{
	struct login_server *s = c->server;

	s->logins++;
	if (c->tls != NULL) {
		login_pump_new(s, c->tls, c->fd, c->inner);
		c->tls = NULL;
		c->fd = c->inner = -1;
	}
	free_conn(c);
}

void
login_conn_abandon(struct login_conn *c, const char *reason)
{
	c->reason = reason;
	login_log_disconnect(c);
	/* also of copies that lie with somebody who does not answer: should it yet become a
	 * session, that has nobody to speak to */
	(void)shutdown(c->fd, SHUT_WR);
	free_conn(c);
}

/* ---- what a connection waits for ---- */

void
login_conn_set_timer(struct login_conn *c, uint64_t ms)
{
	const struct timeval wait = { .tv_sec = (time_t)(ms / 1000),
		.tv_usec = (suseconds_t)(ms % 1000 * 1000) };

	event_add(c->timer, &wait);
}

/* The time that is left to log in. */
void
login_conn_set_login_timer(struct login_conn *c)
{
	uint64_t limit = c->server->spec->limits(c->server->daemon->conf).timeout_ms;
	uint64_t used = clock_mono_ms() - c->begun_ms;

	login_conn_set_timer(c, used < limit ? limit - used : 0);
}

void
login_conn_wait(struct login_conn *c, short what)
{
	if (c->waits_for == what)
		return;
	event_del(c->io);
	if (what != 0) {
		event_assign(c->io, c->server->daemon->base, c->fd, what, on_io, c);
		event_add(c->io, NULL);
	}
	c->waits_for = what;
}

/* ---- octets ---- */

enum {
	IO_WAIT = -1,
	IO_GONE = -2
};

static int
write_octets(struct login_conn *c, struct bytes b)
{
	ssize_t n;

	if (c->tls != NULL) {
		int r = tls_write(c->tls, b);

		return r > 0 ? r : tls_is_want(r) ? IO_WAIT : IO_GONE;
	}
	do {
		n = write(c->fd, b.p, b.n);
	} while (n < 0 && errno == EINTR);
	return n > 0 ? (int)n : n < 0 && errno == EAGAIN ? IO_WAIT : IO_GONE;
}

static int
read_octets(struct login_conn *c, uint8_t *to, size_t room)
{
	ssize_t n;

	if (c->tls != NULL) {
		int r = tls_read(c->tls, to, room);

		return r > 0 ? r : tls_is_want(r) ? IO_WAIT : IO_GONE;
	}
	do {
		n = read(c->fd, to, room);
	} while (n < 0 && errno == EINTR);
	return n > 0 ? (int)n : n < 0 && errno == EAGAIN ? IO_WAIT : IO_GONE;
}

/* false: the connection is closed */
static bool
write_some(struct login_conn *c)
{
	while (c->out.len > 0) {
		int n = write_octets(c, buf_bytes(&c->out));

		if (n == IO_WAIT)
			return true;
		if (n == IO_GONE) {
			login_conn_close(c);
			return false;
		}
		buf_consume(&c->out, (size_t)n);
	}
	buf_shrink(&c->out);
	return true;
}

/* ---- the turn of a connection ---- */

static void
begin_to_close(struct login_conn *c)
{
	const struct login_session *s = c->session;

	c->phase = CONN_CLOSING;
	if (c->reason == NULL)
		c->reason = s->client_quit                          ? "Logged out"
			    : s->attempts >= s->policy.attempts_max ? "Too many failed logins"
								    : "Too many invalid commands";
	login_conn_set_timer(c, CLOSE_GRACE_MS);
}

static void
begin_to_ask(struct login_conn *c)
{
	c->phase = CONN_ASKING;
	login_conn_wait(c, 0);
	event_del(c->timer);
	login_conn_ask(c);
}

/* Use what was read, write what it gave, and wait for what comes next. */
void
login_conn_arm(struct login_conn *c)
{
	struct login_session *s = c->session;

	s->tls_ready = door_tls_ready(c->server->tls);
	buf_consume(&c->in, login_input(s, buf_bytes(&c->in), &c->out));
	if (c->in.len == 0)
		buf_shrink(&c->in);
	if (!write_some(c))
		return;
	if (s->state == LOGIN_OVER && c->phase != CONN_CLOSING)
		begin_to_close(c);
	if (s->exchange && s->state == LOGIN_COMMAND)
		login_conn_cancel(c);
	if (c->out.len > 0) {
		login_conn_wait(c, EV_WRITE | EV_PERSIST);
	} else if (c->phase == CONN_CLOSING) {
		login_conn_close(c);
	} else if (s->state == LOGIN_ASKING) {
		begin_to_ask(c);
	} else if (s->state == LOGIN_STARTTLS) {
		login_tls_begin(c);
	} else {
		login_conn_wait(c, EV_READ | EV_PERSIST);
		/* octets inside TLS make no descriptor readable */
		if (c->tls != NULL && tls_pending(c->tls))
			event_active(c->io, EV_READ, 1);
	}
}

void
login_conn_goodbye(struct login_conn *c, enum login_goodbye why, const char *reason)
{
	c->reason = reason;
	if (c->phase == CONN_SHAKING) { /* nobody would understand it */
		login_conn_close(c);
		return;
	}
	login_goodbye(c->session, why, &c->out);
	login_conn_arm(c);
}

/* The client may speak again: the answer to its question has come. */
static void
go_on(struct login_conn *c)
{
	c->phase = CONN_TALKING;
	if (c->server->daemon->draining)
		login_goodbye(c->session, LOGIN_BYE_SHUTDOWN, &c->out);
	else
		login_conn_set_login_timer(c);
	login_conn_arm(c);
}

static void
refuse_now(struct login_conn *c, enum login_refusal why)
{
	if (why == LOGIN_BAD_PASSWORD)
		c->server->failures++;
	login_refuse(c->session, why, &c->out);
	go_on(c);
}

void
login_conn_refuse(struct login_conn *c, enum login_refusal why, bool delayed)
{
	uint64_t delay_ms = login_refusal_delay_ms(c->session);
	uint64_t waited_ms = clock_mono_ms() - c->asked_ms; /* directory holds answers back, too */

	if (!delayed || waited_ms >= delay_ms) {
		refuse_now(c, why);
		return;
	}
	c->phase = CONN_DELAYING;
	c->refusal = why;
	login_conn_set_timer(c, delay_ms - waited_ms);
}

void
login_conn_challenge(struct login_conn *c, struct bytes challenge)
{
	c->session->exchange = true;
	login_challenge(c->session, challenge, &c->out);
	go_on(c);
}

/* ---- events ---- */

static void
on_timer(evutil_socket_t fd, short what, void *arg)
{
	struct login_conn *c = arg;

	switch (c->phase) {
	case CONN_DELAYING:
		refuse_now(c, c->refusal);
		break;
	case CONN_SHAKING:
	case CONN_TALKING:
		if (c->server->daemon->draining)
			login_conn_goodbye(c, LOGIN_BYE_SHUTDOWN, "Shutting down");
		else
			login_conn_goodbye(c, LOGIN_BYE_IDLE, "Inactivity");
		break;
	case CONN_CLOSING: /* it does not take our last words */
		login_conn_close(c);
		break;
	case CONN_ASKING:
		break;
	}
}

static void
on_io(evutil_socket_t fd, short what, void *arg)
{
	struct login_conn *c = arg;
	int n;

	if (c->phase == CONN_SHAKING) {
		login_tls_shake(c);
		return;
	}
	if (c->out.len > 0 || c->phase != CONN_TALKING) {
		login_conn_arm(c);
		return;
	}
	n = read_octets(c, buf_room(&c->in, LOGIN_READ_SIZE), LOGIN_READ_SIZE);
	if (n > 0) {
		buf_added(&c->in, (size_t)n);
		login_conn_arm(c);
	} else if (n == IO_GONE) {
		login_conn_close(c);
	}
}

void
login_conn_begin(struct login_conn *c, bool implicit_tls)
{
	c->io = event_new(c->server->daemon->base, c->fd, EV_READ | EV_PERSIST, on_io, c);
	c->timer = event_new(c->server->daemon->base, -1, 0, on_timer, c);
	ASSERT(c->io != NULL && c->timer != NULL);
	c->in = BUF_SECRET;
	c->inner = -1;
	c->phase = CONN_TALKING;
	c->greeted = !implicit_tls;
	if (c->reason != NULL && implicit_tls) { /* a line would not be understood */
		login_conn_close(c);
		return;
	}
	if (c->reason != NULL) {
		login_conn_goodbye(c, LOGIN_BYE_BUSY, c->reason);
		return;
	}
	login_conn_set_login_timer(c);
	if (implicit_tls) {
		login_tls_begin(c);
		return;
	}
	c->session->tls_ready = door_tls_ready(c->server->tls);
	login_greet(c->session, &c->out);
	login_conn_arm(c);
}
