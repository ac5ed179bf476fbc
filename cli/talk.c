/* SPDX-License-Identifier: ISC */
/*
 * cli/talk.c - a conversation in lines over TLS, see the header.
 *
 * Runs in:  relais. Trusts nothing the door says.
 */
#include "talk.h"

#include <errno.h>
#include <netdb.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "clock.h"

#define LINE_MAX_OCTETS 65536

static bool
fail(struct talk *t, const char *why)
{
	snprintf(t->why, sizeof(t->why), "%s", why);
	return false;
}

static bool
wait_for(struct talk *t, short events)
{
	const uint64_t now = clock_mono_ms();
	struct pollfd p = { .fd = t->fd, .events = events };

	if (now >= t->end_ms || poll(&p, 1, (int)(t->end_ms - now)) == 0)
		return fail(t, "no answer in time");
	return true;
}

static bool
connect_to(struct talk *t, const char *host, const char *port)
{
	const struct addrinfo hints = { .ai_flags = AI_NUMERICHOST | AI_NUMERICSERV,
		.ai_socktype = SOCK_STREAM };
	struct addrinfo *list;
	socklen_t n = sizeof(int);
	int error = 0;

	if (getaddrinfo(host, port, &hints, &list) != 0)
		return fail(t, "not an address");
	t->fd = socket(list->ai_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (t->fd < 0 || connect(t->fd, list->ai_addr, list->ai_addrlen) != 0)
		error = errno;
	freeaddrinfo(list);
	if (error == EINPROGRESS) {
		if (!wait_for(t, POLLOUT))
			return false;
		(void)getsockopt(t->fd, SOL_SOCKET, SO_ERROR, &error, &n);
	}
	return error == 0 || fail(t, strerror(error));
}

bool
talk_open(struct talk *t, const char *address, unsigned timeout_ms)
{
	const char *colon = strrchr(address, ':');
	struct bytes host = bytes_make(address, colon == NULL ? 0 : (size_t)(colon - address));
	char name[256];

	*t = (struct talk){ .fd = -1, .in = BUF_INIT, .end_ms = clock_mono_ms() + timeout_ms };
	if (host.n >= 2 && host.p[0] == '[')
		host = bytes_make(host.p + 1, host.n - 2);
	if (colon == NULL)
		return fail(t, "not ADDRESS:PORT");
	bytes_to_str(host, name, sizeof(name));
	if (strcmp(name, "*") == 0 || strcmp(name, "0.0.0.0") == 0)
		return connect_to(t, "127.0.0.1", colon + 1);
	return connect_to(t, strcmp(name, "::") == 0 ? "::1" : name, colon + 1);
}

void
talk_close(struct talk *t)
{
	if (t->tls != NULL && tls_to_host_shutdown(t->tls) < 0)
		t->why[0] = 0; /* whoever leaves first does not matter */
	tls_to_host_free(&t->tls);
	tls_client_free(&t->client);
	if (t->fd >= 0)
		close(t->fd);
	buf_free(&t->in);
	t->fd = -1;
}

/* A result of TLS: 1 go on, 0 repeat the call, -1 it failed. */
static int
judge(struct talk *t, int r)
{
	if (!tls_is_want(r)) {
		if (r < 0)
			(void)fail(t, tls_to_host_why(t->tls));
		return r < 0 ? -1 : 1;
	}
	return wait_for(t, r == TLS_WANT_READ ? POLLIN : POLLOUT) ? 0 : -1;
}

bool
talk_start_tls(struct talk *t, const char *server_name)
{
	const struct tls_to_host_spec spec = { .server_name = server_name,
		.judge = TLS_JUDGE_NOBODY };
	int r = 0;

	t->client = tls_client_new();
	t->tls = tls_to_host_new(t->client, t->fd, &spec);
	if (t->tls == NULL)
		return fail(t, "no TLS for this name");
	while (r == 0)
		r = judge(t, tls_to_host_handshake(t->tls));
	return r > 0;
}

/* Octets taken, > 0; 0: call again; -1: failed. */
static int
put_some(struct talk *t, struct bytes text)
{
	ssize_t n;
	int r;

	if (t->tls != NULL) {
		r = tls_to_host_write(t->tls, text);
		return r > 0 ? r : judge(t, r) < 0 ? -1 : 0;
	}
	n = send(t->fd, text.p, text.n, MSG_NOSIGNAL);
	if (n >= 0)
		return (int)n;
	if (errno == EAGAIN)
		return wait_for(t, POLLOUT) ? 0 : -1;
	(void)fail(t, strerror(errno));
	return -1;
}

bool
talk_put(struct talk *t, struct bytes text)
{
	while (text.n > 0) {
		int n = put_some(t, text);

		if (n < 0)
			return false;
		text = bytes_skip(text, (size_t)n);
	}
	return true;
}

/* Octets that came, > 0; 0: call again; -1: failed. */
static int
get_some(struct talk *t, uint8_t *room, size_t size)
{
	ssize_t n;
	int r;

	if (t->tls != NULL) {
		r = tls_to_host_read(t->tls, room, size);
		n = r >= 0 ? r : judge(t, r) < 0 ? -1 : -2;
	} else {
		n = recv(t->fd, room, size, 0);
		if (n < 0 && errno == EAGAIN)
			n = wait_for(t, POLLIN) ? -2 : -1;
		else if (n < 0)
			(void)fail(t, strerror(errno));
	}
	if (n == 0)
		(void)fail(t, "it closed the connection");
	return n > 0 ? (int)n : n == -2 ? 0 : -1;
}

bool
talk_line(struct talk *t, struct bytes *line)
{
	size_t end;

	buf_consume(&t->in, t->taken);
	t->taken = 0;
	while ((end = bytes_find(buf_bytes(&t->in), '\n')) == BYTES_NOT_FOUND) {
		int n;

		if (t->in.len > LINE_MAX_OCTETS)
			return fail(t, "a line without end");
		n = get_some(t, buf_room(&t->in, 4096), 4096);
		if (n < 0)
			return false;
		buf_added(&t->in, (size_t)n);
	}
	t->taken = end + 1;
	*line = bytes_trim(bytes_head(buf_bytes(&t->in), end));
	return true;
}
