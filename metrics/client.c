/* SPDX-License-Identifier: ISC */
/*
 * metrics/client.c - one connection: a request, its answer, the end.
 *
 * Who is slow, or sends more than a head, loses the connection after metrics.timeout; there are
 * never more than metrics.connection_limit of them.
 */
#include <errno.h>
#include <stdlib.h>
#include <sys/queue.h>
#include <sys/socket.h>
#include <unistd.h>

#include "http_request.h"
#include "metrics.h"
#include "prometheus.h"

enum client_state {
	CLIENT_ASKING,  /* its head is not complete */
	CLIENT_WAITING, /* for master */
	CLIENT_TOLD     /* the answer is being written */
};

struct client {
	LIST_ENTRY(client) link;
	struct metrics *metrics;
	enum client_state state;
	int fd;
	struct event *readable, *writable, *timer;
	struct buf in, out;
	bool head_only; /* HEAD */
};

static void
client_free(struct client *c)
{
	LIST_REMOVE(c, link);
	c->metrics->nclients--;
	event_free(c->readable);
	event_free(c->writable);
	event_free(c->timer);
	close(c->fd);
	buf_free(&c->in);
	buf_free(&c->out);
	free(c);
}

/* ---- writing ---- */

static void
write_some(struct client *c)
{
	while (c->out.len > 0) {
		const struct bytes b = buf_bytes(&c->out);
		const ssize_t n = send(c->fd, b.p, b.n, MSG_NOSIGNAL);

		if (n < 0 && errno == EAGAIN) {
			event_add(c->writable, NULL);
			return;
		}
		if (n <= 0) {
			client_free(c);
			return;
		}
		buf_consume(&c->out, (size_t)n);
	}
	client_free(c);
}

static void
on_writable(evutil_socket_t fd, short what, void *arg)
{
	UNUSED(fd);
	UNUSED(what);
	write_some(arg);
}

static void
reply(struct client *c, enum http_status status, const char *type, struct bytes body)
{
	c->state = CLIENT_TOLD;
	event_del(c->readable);
	buf_printf(&c->out,
		"HTTP/1.1 %d %s\r\nContent-Type: %s\r\nContent-Length: %zu\r\n"
		"Cache-Control: no-store\r\nConnection: close\r\n",
		(int)status, http_status_text(status), type, body.n);
	if (status == HTTP_NOT_ALLOWED)
		buf_put_str(&c->out, "Allow: GET, HEAD\r\n");
	buf_put_str(&c->out, "\r\n");
	if (!c->head_only)
		buf_put_bytes(&c->out, body);
	write_some(c);
}

static void
reply_refused(struct client *c, enum http_status status)
{
	struct buf body = BUF_INIT;

	c->metrics->refused++;
	buf_printf(&body, "%s%s\n", http_status_text(status),
		status == HTTP_NOT_FOUND ? ": the numbers are at /metrics" : "");
	reply(c, status, "text/plain; charset=utf-8", buf_bytes(&body));
	buf_free(&body);
}

void
clients_told(struct metrics *m, bool ok)
{
	struct client *c, *next;

	for (c = LIST_FIRST(&m->clients); c != NULL; c = next) {
		next = LIST_NEXT(c, link);
		if (c->state != CLIENT_WAITING)
			continue;
		if (!ok) {
			reply_refused(c, HTTP_UNAVAILABLE);
			continue;
		}
		m->scrapes++;
		reply(c, HTTP_OK, PROMETHEUS_CONTENT_TYPE, buf_bytes(&m->last.octets));
	}
}

/* ---- reading ---- */

static void
asked(struct client *c, const struct http_request *r)
{
	c->head_only = bytes_is(r->method, "HEAD");
	if (!c->head_only && !bytes_is(r->method, "GET")) {
		reply_refused(c, HTTP_NOT_ALLOWED);
	} else if (!bytes_is(r->path, "/metrics")) {
		reply_refused(c, HTTP_NOT_FOUND);
	} else {
		c->state = CLIENT_WAITING;
		event_del(c->readable);
		collector_want(c->metrics);
	}
}

static void
on_readable(evutil_socket_t fd, short what, void *arg)
{
	struct client *c = arg;
	const size_t room = HTTP_HEAD_MAX + 1 - c->in.len;
	struct http_request r;
	enum http_status status;
	ssize_t n = recv(fd, buf_room(&c->in, room), room, 0);

	UNUSED(what);
	if (n < 0 && errno == EAGAIN)
		return;
	if (n <= 0) {
		client_free(c);
		return;
	}
	buf_added(&c->in, (size_t)n);
	status = http_request_parse(buf_bytes(&c->in), &r);
	if (status == HTTP_MORE && c->in.len > HTTP_HEAD_MAX)
		status = HTTP_TOO_LARGE;
	if (status == HTTP_OK)
		asked(c, &r);
	else if (status != HTTP_MORE)
		reply_refused(c, status);
}

static void
on_timer(evutil_socket_t fd, short what, void *arg)
{
	struct client *c = arg;

	UNUSED(fd);
	UNUSED(what);
	c->metrics->refused++;
	client_free(c);
}

/* ---- coming and going ---- */

void
client_accept(struct daemon *d, const struct daemon_client *client)
{
	struct metrics *m = d->ctx;
	const struct timeval patience = { (time_t)(m->conf->timeout / 1000),
		(suseconds_t)(m->conf->timeout % 1000 * 1000) };
	struct client *c;

	if (m->nclients >= m->conf->connection_limit) {
		m->refused++;
		close(client->fd);
		return;
	}
	c = xcalloc(1, sizeof(*c));
	*c = (struct client){ .metrics = m, .fd = client->fd, .in = BUF_INIT, .out = BUF_INIT };
	c->readable = event_new(d->base, c->fd, EV_READ | EV_PERSIST, on_readable, c);
	c->writable = event_new(d->base, c->fd, EV_WRITE, on_writable, c);
	c->timer = evtimer_new(d->base, on_timer, c);
	ASSERT(c->readable != NULL && c->writable != NULL && c->timer != NULL);
	LIST_INSERT_HEAD(&m->clients, c, link);
	m->nclients++;
	event_add(c->readable, NULL);
	event_add(c->timer, &patience);
}

void
clients_close(struct metrics *m)
{
	struct client *c, *next;

	for (c = LIST_FIRST(&m->clients); c != NULL; c = next) {
		next = LIST_NEXT(c, link);
		client_free(c);
	}
}
