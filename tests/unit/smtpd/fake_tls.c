/* SPDX-License-Identifier: ISC */
/*
 * tests/unit/smtpd/fake_tls.c - a TLS that a test can speak by hand: the client says "HELLO\n",
 * the server waits for its key once and says "SHAKEN\n"; from then on every octet has bit 7
 * flipped, so that what is sent in the clear can't be taken for it.
 */
#include <errno.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "door_tls.h"
#include "fake_suite.h"

struct door_tls {
	struct daemon *d;
};

struct tls_stream {
	struct door_tls *door;
	int fd;
	tls_wake_fn *wake;
	void *arg;
	struct event *key;
	size_t seen;
	bool keyed;
};

static bool ready = true;

void
fake_tls_ready(bool is)
{
	ready = is;
}

struct door_tls *
door_tls_new(struct daemon *d)
{
	struct door_tls *t = xcalloc(1, sizeof(*t));

	t->d = d;
	return t;
}

void
door_tls_free(struct door_tls **t)
{
	free(*t);
	*t = NULL;
}

bool
door_tls_ready(const struct door_tls *t)
{
	return t != NULL && ready;
}

void
door_tls_stats(const struct door_tls *t, struct buf *out)
{
	UNUSED(t);
	UNUSED(out);
}

static void
on_key(evutil_socket_t fd, short what, void *arg)
{
	struct tls_stream *s = arg;

	UNUSED(fd);
	UNUSED(what);
	s->keyed = true;
	s->wake(s->arg);
}

struct tls_stream *
door_tls_open(struct door_tls *t, int fd, tls_wake_fn *wake, void *arg)
{
	struct tls_stream *s = xcalloc(1, sizeof(*s));

	*s = (struct tls_stream){ .door = t, .fd = fd, .wake = wake, .arg = arg };
	s->key = event_new(t->d->base, -1, 0, on_key, s);
	ASSERT(s->key != NULL);
	return s;
}

void
tls_stream_free(struct tls_stream **s)
{
	if (*s == NULL)
		return;
	event_free((*s)->key);
	free(*s);
	*s = NULL;
}

int
tls_handshake(struct tls_stream *s)
{
	static const char hello[] = "HELLO\n";
	const struct timeval soon = { 0, 1000 };

	while (s->seen < strlen(hello)) {
		char c;
		ssize_t n = read(s->fd, &c, 1);

		if (n < 0 && errno == EAGAIN)
			return TLS_WANT_READ;
		if (n <= 0)
			return ERR_PEER;
		if (c != hello[s->seen++])
			return ERR_SYNTAX;
	}
	if (!s->keyed) {
		event_add(s->key, &soon);
		return TLS_WANT_KEY;
	}
	return send(s->fd, "SHAKEN\n", 7, MSG_NOSIGNAL) == 7 ? ERR_OK : ERR_PEER;
}

int
tls_read(struct tls_stream *s, void *p, size_t n)
{
	ssize_t got = read(s->fd, p, n);

	for (ssize_t i = 0; i < got; i++)
		((uint8_t *)p)[i] ^= 0x80;
	return got >= 0 ? (int)got : errno == EAGAIN ? (int)TLS_WANT_READ : (int)ERR_PEER;
}

bool
tls_pending(const struct tls_stream *s)
{
	UNUSED(s);
	return false;
}

int
tls_write(struct tls_stream *s, struct bytes b)
{
	uint8_t out[512];
	size_t n = b.n < sizeof(out) ? b.n : sizeof(out);

	for (size_t i = 0; i < n; i++)
		out[i] = b.p[i] ^ 0x80;
	ssize_t sent = send(s->fd, out, n, MSG_NOSIGNAL);
	return sent >= 0 ? (int)sent : errno == EAGAIN ? (int)TLS_WANT_WRITE : (int)ERR_PEER;
}

int
tls_shutdown(struct tls_stream *s)
{
	UNUSED(s);
	return ERR_OK;
}

const char *
tls_why(const struct tls_stream *s)
{
	UNUSED(s);
	return "not a hello";
}

const char *
tls_describe(const struct tls_stream *s, char out[TLS_DESCRIPTION_SIZE])
{
	UNUSED(s);
	strcpy(out, "TLSv1.3 with cipher FLIP (1/1 bits)");
	return out;
}

int
tls_binding(const struct tls_stream *s, enum tls_binding binding, uint8_t out[TLS_BINDING_MAX],
	size_t *n)
{
	UNUSED(s);
	if (binding != TLS_BINDING_EXPORTER)
		return ERR_UNSUPPORTED;
	memset(out, 7, 32);
	*n = 32;
	return ERR_OK;
}
