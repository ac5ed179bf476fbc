/* SPDX-License-Identifier: ISC */
/*
 * smtpd/stream.c - a client's octets: in the clear, or through TLS.
 *
 * The kernel told at an edge whether the socket can be read or written (c->readable, c->writable);
 * what can't go on lowers the flag and waits for the next edge. A handshake that waits for its
 * signature (c->keyed) waits for nothing else.
 *
 * Runs in:  smtpd, submission; private keys are keyholder's.
 * Trusts:   nothing from the client.
 */
#include <errno.h>

#include "log.h"
#include "smtpd.h"

/* Lower the flag that a TLS call waits for. */
static void
wait_for(struct client *c, int want)
{
	if (want == TLS_WANT_READ)
		c->readable = false;
	else if (want == TLS_WANT_WRITE)
		c->writable = false;
	else
		c->keyed = true;
}

static void
on_key(void *arg)
{
	struct client *c = arg;

	c->keyed = false;
	client_turn(c);
}

void
stream_begin_tls(struct client *c)
{
	c->tls = door_tls_open(c->smtpd->tls, c->fd, on_key, c);
	c->shaking = true;
}

enum stream_shake
stream_shake(struct client *c)
{
	int r;

	if (c->keyed)
		return SHAKE_WAITS;
	r = tls_handshake(c->tls);
	if (tls_is_want(r)) {
		wait_for(c, r);
		return SHAKE_WAITS;
	}
	c->shaking = false;
	if (r == ERR_OK) {
		/* what came with the client's last word of the handshake is inside already */
		c->readable = true;
		return SHAKE_DONE;
	}
	client_introduce(c);
	log_info("SSL_accept error from %s[%s]: %s", client_shown_name(c), c->address_text,
		tls_why(c->tls));
	c->smtpd->numbers.failed_handshakes++;
	return SHAKE_FAILED;
}

static int
read_plain(struct client *c, uint8_t *to, size_t n)
{
	for (;;) {
		ssize_t got = recv(c->fd, to, n, MSG_DONTWAIT);

		if (got < 0 && errno == EINTR)
			continue;
		if (got < 0 && errno == EAGAIN) {
			c->readable = false;
			return 0;
		}
		if (got <= 0)
			return ERR_PEER;
		/* less than asked for: that was all, unless the end is behind it (epoll(7)) */
		if ((size_t)got < n && !c->hup)
			c->readable = false;
		return (int)got;
	}
}

int
stream_read(struct client *c, uint8_t *to, size_t n)
{
	int r;

	if (c->tls == NULL)
		return read_plain(c, to, n);
	r = tls_read(c->tls, to, n);
	if (tls_is_want(r)) {
		wait_for(c, r);
		return 0;
	}
	return r == 0 ? ERR_PEER : r;
}

/* The answer to QUIT, and nothing unread: close() follows, and its FIN can go with it. */
static bool
is_farewell(const struct client *c, struct bytes b)
{
	return c->session.wait == SMTP_WAIT_CLOSE && !c->readable && c->in.len == 0 &&
	       bytes_starts_with(b, BYTES_LITERAL("221 "));
}

static int
write_plain(struct client *c, struct bytes b)
{
	const int flags = MSG_NOSIGNAL | (is_farewell(c, b) ? MSG_MORE : 0);

	for (;;) {
		ssize_t n = send(c->fd, b.p, b.n, flags);

		if (n >= 0)
			return (int)n;
		if (errno == EAGAIN) {
			c->writable = false;
			return 0;
		}
		if (errno != EINTR)
			return ERR_PEER;
	}
}

int
stream_write(struct client *c, struct bytes b)
{
	int r;

	if (c->tls == NULL)
		return write_plain(c, b);
	r = tls_write(c->tls, b);
	if (tls_is_want(r)) {
		/* either way the next edge brings us back: it tells of both directions */
		c->writable = false;
		return 0;
	}
	return r;
}

void
stream_end(struct client *c)
{
	if (c->tls == NULL)
		return;
	if (!c->shaking)
		UNUSED(tls_shutdown(c->tls) < 0);
	tls_stream_free(&c->tls);
}
