/* SPDX-License-Identifier: ISC */
/*
 * session/login_server.c - connections of the login halves: accepting, reading, writing,
 * time-outs, delays, the end.
 *
 * One place decides what a connection waits for: arm(). A connection reads only when all its
 * replies are written (back-pressure), and asks only then, so that nothing of ours can
 * come after the session's first octet.
 *
 * Runs in:  imap-login, pop3-login; user relais-login, empty chroot, no file access.
 * Trusts:   nothing from the client.
 */
#include "login_server.h"

#include <arpa/inet.h>
#include <errno.h>
#include <inttypes.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "clock.h"
#include "log.h"
#include "login_private.h"
#include "random.h"

#define READ_SIZE      4096
#define ERRORS_MAX     20
#define CLOSE_GRACE_MS 5000 /* for the last octets */
#define DRAIN_GRACE_MS 3000

static void on_io(evutil_socket_t fd, short what, void *arg);
static void on_timer(evutil_socket_t fd, short what, void *arg);

/* ---- the end of a connection ---- */

static void
free_conn(struct login_conn *c)
{
	struct login_server *s = c->server;

	TAILQ_REMOVE(&s->conns, c, link);
	s->count--;
	event_free(c->io);
	event_free(c->timer);
	close(c->fd);
	login_session_free(&c->session);
	buf_free(&c->in);
	buf_free(&c->out);
	free(c);
	if (s->daemon->draining && s->count == 0)
		daemon_finished(s->daemon);
}

static void
close_conn(struct login_conn *c)
{
	char rest[READ_SIZE];

	/* unread octets would make the kernel reset the connection, and the client lose our
	 * last words */
	if (read(c->fd, rest, sizeof(rest)) < 0)
		errno = 0;
	login_log_disconnect(c);
	free_conn(c);
}

void
login_conn_done(struct login_conn *c)
{
	c->server->logins++;
	free_conn(c);
}

/* ---- what a connection waits for ---- */

static void
set_timer(struct login_conn *c, uint64_t ms)
{
	const struct timeval wait = { .tv_sec = (time_t)(ms / 1000),
		.tv_usec = (suseconds_t)(ms % 1000 * 1000) };

	event_add(c->timer, &wait);
}

/* The time that is left to log in. */
static void
set_login_timer(struct login_conn *c)
{
	uint64_t limit = c->server->spec->limits(c->server->daemon->conf).timeout_ms;
	uint64_t used = clock_mono_ms() - c->begun_ms;

	set_timer(c, used < limit ? limit - used : 0);
}

static void
wait_for_io(struct login_conn *c, short what)
{
	if (c->waits_for == what)
		return;
	event_del(c->io);
	event_assign(c->io, c->server->daemon->base, c->fd, what, on_io, c);
	event_add(c->io, NULL);
	c->waits_for = what;
}

/* false: the connection is closed */
static bool
write_some(struct login_conn *c)
{
	while (c->out.len > 0) {
		struct bytes b = buf_bytes(&c->out);
		ssize_t n = write(c->fd, b.p, b.n);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0 && errno == EAGAIN)
			return true;
		if (n <= 0) {
			close_conn(c);
			return false;
		}
		buf_consume(&c->out, (size_t)n);
	}
	buf_shrink(&c->out);
	return true;
}

/* Use what was read, write what it gave, and wait for what comes next. */
static void
arm(struct login_conn *c)
{
	struct login_session *s = c->session;

	buf_consume(&c->in, login_input(s, buf_bytes(&c->in), &c->out));
	if (c->in.len == 0)
		buf_shrink(&c->in);
	if (!write_some(c))
		return;
	if (s->state == LOGIN_OVER && c->phase != CONN_CLOSING) {
		c->phase = CONN_CLOSING;
		if (c->reason == NULL)
			c->reason = s->client_quit ? "Logged out"
				    : s->attempts >= s->policy.attempts_max
					    ? "Too many failed logins"
					    : "Too many invalid commands";
		set_timer(c, CLOSE_GRACE_MS);
	}
	if (c->out.len > 0) {
		wait_for_io(c, EV_WRITE | EV_PERSIST);
	} else if (c->phase == CONN_CLOSING) {
		close_conn(c);
	} else if (s->state == LOGIN_ASKING) {
		c->phase = CONN_ASKING;
		event_del(c->io);
		c->waits_for = 0;
		event_del(c->timer);
		login_conn_ask(c);
	} else {
		wait_for_io(c, EV_READ | EV_PERSIST);
	}
}

static void
goodbye(struct login_conn *c, enum login_goodbye why, const char *reason)
{
	c->reason = reason;
	login_goodbye(c->session, why, &c->out);
	arm(c);
}

static void
refuse_now(struct login_conn *c, enum login_refusal why)
{
	if (why == LOGIN_BAD_PASSWORD)
		c->server->failures++;
	c->phase = CONN_TALKING;
	login_refuse(c->session, why, &c->out);
	if (c->server->daemon->draining)
		login_goodbye(c->session, LOGIN_BYE_SHUTDOWN, &c->out);
	else
		set_login_timer(c);
	arm(c);
}

void
login_conn_refuse(struct login_conn *c, enum login_refusal why, bool delayed)
{
	if (!delayed) {
		refuse_now(c, why);
		return;
	}
	c->phase = CONN_DELAYING;
	c->refusal = why;
	set_timer(c, login_refusal_delay_ms(c->session));
}

static void
on_timer(evutil_socket_t fd, short what, void *arg)
{
	struct login_conn *c = arg;

	switch (c->phase) {
	case CONN_DELAYING:
		refuse_now(c, c->refusal);
		break;
	case CONN_TALKING:
		if (c->server->daemon->draining)
			goodbye(c, LOGIN_BYE_SHUTDOWN, "Shutting down");
		else
			goodbye(c, LOGIN_BYE_IDLE, "Inactivity");
		break;
	case CONN_CLOSING: /* it does not take our last words */
		close_conn(c);
		break;
	case CONN_ASKING:
		break;
	}
}

static void
on_io(evutil_socket_t fd, short what, void *arg)
{
	struct login_conn *c = arg;
	ssize_t n;

	if (what & EV_WRITE) {
		arm(c);
		return;
	}
	n = read(fd, buf_room(&c->in, READ_SIZE), READ_SIZE);
	if (n > 0) {
		buf_added(&c->in, (size_t)n);
		arm(c);
	} else if (n == 0 || (errno != EAGAIN && errno != EINTR)) {
		close_conn(c);
	}
}

/* ---- the beginning ---- */

static bool
is_loopback(const struct sockaddr_storage *a)
{
	if (a->ss_family == AF_INET)
		return ntohl(((const struct sockaddr_in *)a)->sin_addr.s_addr) >> 24 == 127;
	return a->ss_family == AF_INET6 &&
	       IN6_IS_ADDR_LOOPBACK(&((const struct sockaddr_in6 *)a)->sin6_addr);
}

static void
address_text(const struct sockaddr_storage *a, char out[LOGIN_ADDRESS_SIZE])
{
	const struct sockaddr_in6 *six = (const struct sockaddr_in6 *)a;
	const struct sockaddr_in *four = (const struct sockaddr_in *)a;

	snprintf(out, LOGIN_ADDRESS_SIZE, "unknown");
	if (a->ss_family == AF_INET)
		inet_ntop(AF_INET, &four->sin_addr, out, LOGIN_ADDRESS_SIZE);
	else if (a->ss_family == AF_INET6 && IN6_IS_ADDR_V4MAPPED(&six->sin6_addr))
		inet_ntop(AF_INET, six->sin6_addr.s6_addr + 12, out, LOGIN_ADDRESS_SIZE);
	else if (a->ss_family == AF_INET6)
		inet_ntop(AF_INET6, &six->sin6_addr, out, LOGIN_ADDRESS_SIZE);
}

static void
name_ends(struct login_conn *c, const struct daemon_client *client)
{
	struct sockaddr_storage local = { 0 };
	socklen_t len = sizeof(local);

	address_text(client->addr, c->client);
	if (getsockname(c->fd, (struct sockaddr *)&local, &len) != 0)
		local.ss_family = AF_UNSPEC;
	address_text(&local, c->local);
	snprintf(c->id, sizeof(c->id), "%016" PRIx64, random_u64());
}

static struct login_session *
new_session(struct login_server *s, const struct daemon_client *client)
{
	struct login_limits limits = s->spec->limits(s->daemon->conf);
	const struct login_policy policy = {
		.plaintext = limits.allow_plaintext || is_loopback(client->addr),
		.attempts_max = (unsigned)limits.failed_logins,
		.errors_max = ERRORS_MAX,
	};

	return login_session_new(s->spec->protocol, &policy);
}

void
login_server_client(struct daemon *d, const struct daemon_client *client)
{
	struct login_server *s = d->ctx;
	struct login_conn *c = xcalloc(1, sizeof(*c));
	const int on = 1;

	c->server = s;
	c->fd = client->fd;
	c->begun_ms = clock_mono_ms();
	c->session = new_session(s, client);
	c->io = event_new(d->base, c->fd, EV_READ | EV_PERSIST, on_io, c);
	c->timer = event_new(d->base, -1, 0, on_timer, c);
	ASSERT(c->io != NULL && c->timer != NULL);
	TAILQ_INSERT_TAIL(&s->conns, c, link);
	s->count++;
	s->accepted++;
	name_ends(c, client);
	(void)setsockopt(c->fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
	if (s->count > s->spec->limits(d->conf).connections) {
		goodbye(c, LOGIN_BYE_BUSY, "Too many connections");
		return;
	}
	login_greet(c->session, &c->out);
	set_login_timer(c);
	arm(c);
}

/* ---- the daemon's life ---- */

int
login_server_start(struct daemon *d, const struct login_server_spec *spec)
{
	struct login_server *s = xcalloc(1, sizeof(*s));

	s->daemon = d;
	s->spec = spec;
	TAILQ_INIT(&s->conns);
	d->ctx = s;
	return ERR_OK;
}

int
login_server_run(struct daemon *d)
{
	struct login_server *s = d->ctx;

	s->directory = daemon_link(d, SERVICE_DIRECTORY, CONTROL_ANY, NULL, 0);
	s->spawner = daemon_link(d, s->spec->spawner, CONTROL_ANY, NULL, 0);
	return ERR_OK;
}

void
login_server_drain(struct daemon *d)
{
	struct login_server *s = d->ctx;
	struct login_conn *c;

	if (s->count == 0)
		daemon_finished(d);
	TAILQ_FOREACH (c, &s->conns, link)
		if (c->phase == CONN_TALKING)
			set_timer(c, DRAIN_GRACE_MS);
}

void
login_server_stats(struct daemon *d, struct buf *out)
{
	const struct login_server *s = d->ctx;

	buf_printf(out,
		"relais_login_connections %" PRIu64 "\nrelais_login_connections_total %" PRIu64
		"\nrelais_logins_total %" PRIu64 "\nrelais_login_failures_total %" PRIu64 "\n",
		s->count, s->accepted, s->logins, s->failures);
}
