/* SPDX-License-Identifier: ISC */
/*
 * smtp-client/pump.c - between a connection and its session: octets out, octets in, content, and
 * what the session wants.
 *
 * Content is read from its descriptor by parts, and only as the peer takes it: a slow peer costs
 * one chunk, not one message.
 *
 * Runs in:  smtp-client.
 * Trusts:   nothing of the peer.
 */
#include <errno.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

#include "client.h"
#include "clock.h"
#include "log.h"
#include "sys.h"

/* ---- octets ---- */

static void
lost(struct connection *n, const char *why)
{
	event_del(n->readable);
	event_del(n->writable);
	client_session_closed(n->session, why);
}

/* Octets written; TLS_WANT_READ or TLS_WANT_WRITE; another < 0: the connection is over. */
static int
write_some(struct connection *n, struct bytes out)
{
	ssize_t r;

	if (n->tls != NULL) {
		int taken = tls_to_host_write(n->tls, out);

		if (taken < 0 && !tls_is_want(taken))
			lost(n, tls_to_host_why(n->tls));
		return taken;
	}
	do
		r = send(n->fd, out.p, out.n, MSG_NOSIGNAL);
	while (r < 0 && errno == EINTR);
	if (r < 0 && errno == EAGAIN)
		return TLS_WANT_WRITE;
	if (r < 0)
		lost(n, strerror(errno));
	return r < 0 ? ERR_PEER : (int)r;
}

/* All that the peer takes. */
static void
flush(struct connection *n)
{
	struct bytes out;

	while ((out = client_session_output(n->session)).n > 0) {
		int r = write_some(n, out);

		if (r == TLS_WANT_WRITE)
			event_add(n->writable, NULL);
		else if (r == TLS_WANT_READ) /* not a reason to wake when it takes octets */
			event_del(n->writable);
		if (r <= 0)
			return;
		n->c->count.octets += (unsigned)r;
		client_session_sent(n->session, (size_t)r);
	}
	if (!n->reads_want_write)
		event_del(n->writable);
}

bool
connection_read(struct connection *n)
{
	uint8_t *p = n->c->chunk;
	ssize_t r;

	n->reads_want_write = false;
	if (n->tls != NULL) {
		r = tls_to_host_read(n->tls, p, sizeof(n->c->chunk));
		if (r == TLS_WANT_WRITE) {
			n->reads_want_write = true;
			event_add(n->writable, NULL);
		}
		if (r < 0 && tls_is_want((int)r))
			return false;
	} else {
		do
			r = recv(n->fd, p, sizeof(n->c->chunk), 0);
		while (r < 0 && errno == EINTR);
		if (r < 0 && errno == EAGAIN)
			return false;
	}
	if (r > 0)
		client_session_input(n->session, bytes_make(p, (size_t)r));
	else if (r == 0)
		lost(n, NULL);
	else
		lost(n, n->tls != NULL ? tls_to_host_why(n->tls) : strerror(errno));
	/* a short read has emptied the socket */
	return r > 0 && (n->tls != NULL || (size_t)r == sizeof(n->c->chunk));
}

/* ---- content ---- */

static void
unreadable(struct connection *n)
{
	log_error("content of a message can't be read: %m");
	client_session_abort(n->session, "4.3.0", "content can't be read");
}

/* Some more of it. false: none is wanted now. */
static bool
give_content(struct connection *n)
{
	struct job *j = n->job;
	size_t want = client_session_room(n->session);
	uint64_t at = client_session_offset(n->session);
	ssize_t r;

	if (want == 0)
		return false;
	ASSERT(j != NULL);
	if (want > sizeof(n->c->chunk))
		want = sizeof(n->c->chunk);
	if (at >= j->m->content.size || j->fd < 0) {
		errno = EINVAL;
		unreadable(n);
		return true;
	}
	if (want > j->m->content.size - at)
		want = (size_t)(j->m->content.size - at);
	r = sys_pread_full(j->fd, n->c->chunk, want, j->m->content.offset + at);
	if (r != (ssize_t)want)
		unreadable(n);
	else
		client_session_content(n->session, bytes_make(n->c->chunk, want));
	return true;
}

/* All of it: its pages are looked at where they are. */
static void
give_whole(struct connection *n)
{
	struct job *j = n->job;
	const uint64_t page = (uint64_t)sysconf(_SC_PAGESIZE);
	uint64_t front;

	ASSERT(j != NULL);
	front = j->m->content.offset % page;
	if (j->m->content.size == 0) {
		client_session_whole(n->session, bytes_make("", 0));
		return;
	}
	if (j->m->content.size > WHOLE_MAX) {
		client_session_abort(n->session, "4.3.4", "content is too large to be converted");
		return;
	}
	if (j->map == NULL) {
		j->map_size = (size_t)(front + j->m->content.size);
		j->map = mmap(NULL, j->map_size, PROT_READ, MAP_PRIVATE, j->fd,
			(off_t)(j->m->content.offset - front));
	}
	if (j->map == MAP_FAILED) {
		j->map = NULL;
		unreadable(n);
		return;
	}
	client_session_whole(
		n->session, bytes_make((uint8_t *)j->map + front, (size_t)j->m->content.size));
}

/* ---- wishes ---- */

static void
set_timer(struct connection *n)
{
	struct client_deadline d = client_session_deadline(n->session);
	uint64_t ms = n->idle ? n->c->conf->idle_timeout : (uint64_t)d.seconds * 1000;
	const struct timeval wait = { (time_t)(ms / 1000), (suseconds_t)(ms % 1000 * 1000) };

	if (!n->idle && n->timed && d.step == n->step)
		return;
	n->timed = !n->idle;
	n->step = d.step;
	if (ms == 0)
		event_del(n->timer);
	else
		event_add(n->timer, &wait);
}

/* What had to be re-encoded is not what was signed (RFC 6376 sec. 5.3). */
static void
tell_of_signature(struct connection *n)
{
	if (!client_session_breaks_signature(n->session))
		return;
	n->c->count.signatures_broken++;
	log_info("%s lacks 8BITMIME: a message was re-encoded, its DKIM signatures verify no more",
		n->label);
}

/* The job has its result: it is taken over, and the session is free for another. */
static struct job *
take_result(struct connection *n, enum client_retry *retry)
{
	const struct client_result *r = client_session_result(n->session);
	struct job *j = n->job;

	ASSERT(j != NULL);
	*retry = r->retry;
	n->carried = n->carried || r->hop == OUTBOUND_REACHED;
	job_take_result(j, r);
	tell_of_signature(n);
	n->job = NULL;
	j->connection = NULL;
	client_session_finish(n->session);
	return j;
}

/* One step. false: there is none for now; *gone: the connection. */
static bool
step(struct connection *n, struct job **done, enum client_retry *retry, bool *gone)
{
	switch (client_session_want(n->session)) {
	case CLIENT_WANT_CONTENT:
		return give_content(n);
	case CLIENT_WANT_WHOLE:
		give_whole(n);
		return true;
	case CLIENT_WANT_TLS:
		if (client_session_output(n->session).n > 0)
			return false;
		secure_begin(n);
		return true;
	case CLIENT_WANT_DONE:
		*done = take_result(n, retry);
		return true;
	case CLIENT_WANT_JOB:
		if (n->idle || n->quitting || pool_put(n))
			return false;
		n->quitting = true;
		client_session_quit(n->session);
		return true;
	case CLIENT_WANT_CLOSE:
		ASSERT(n->job == NULL);
		connection_free(n);
		*gone = true;
		return false;
	default:
		return false;
	}
}

bool
connection_pump(struct connection *n)
{
	struct job *done = NULL;
	enum client_retry retry = CLIENT_RETRY_NO;
	bool gone = false, more = true;

	while (more && !gone && n->state == CONNECTION_OPEN) {
		if (n->ready_us == 0 && n->job != NULL && client_session_ready(n->session))
			n->ready_us = clock_mono_us();
		flush(n);
		more = step(n, &done, &retry, &gone);
	}
	if (!gone)
		set_timer(n);
	if (done != NULL)
		job_go_on(done, retry);
	return !gone && done == NULL;
}
