/* SPDX-License-Identifier: ISC */
/*
 * lib/ipc/session_link.c - a session's wire to its spawner, without an event loop.
 *
 * Runs in:  imap and pop3 sessions.
 * Trusts:   the spawner's frames after decoding.
 */
#include "session_link.h"

#include <unistd.h>

#include "clock.h"

void
session_link_init(struct session_link *l, int fd)
{
	*l = (struct session_link){ .fd = fd, .next_id = 1 };
	l->packet.data = BUF_INIT;
}

/* Fire and forget. A spawner that is gone or does not read ends the session soon after. */
static int
tell(struct session_link *l, uint16_t type, struct buf *body, const int *fds, unsigned nfds)
{
	int r = ipc_blocking_send(l->fd, type, 0, false, buf_bytes(body), fds, nfds);

	buf_free(body);
	if (r == ERR_PEER)
		l->pending |= SESSION_EVENT_END;
	return r;
}

int
session_link_quota_add(struct session_link *l, int64_t octets, int64_t messages)
{
	struct buf body = BUF_INIT;

	session_quota_add_encode(
		&body, &(struct session_quota_add_msg){ .octets = octets, .messages = messages });
	return tell(l, SESSION_QUOTA_ADD, &body, NULL, 0);
}

int
session_link_quota_set(struct session_link *l, uint64_t octets, uint64_t messages)
{
	struct buf body = BUF_INIT;

	session_quota_set_encode(
		&body, &(struct session_quota_set_msg){ .octets = octets, .messages = messages });
	return tell(l, SESSION_QUOTA_SET, &body, NULL, 0);
}

int
session_link_watch(struct session_link *l, const int dirfds[], size_t n)
{
	for (size_t i = 0; i < n; i++) {
		struct buf body = BUF_INIT;
		int r = tell(l, SESSION_WATCH, &body, &dirfds[i], 1); /* they stay the caller's */

		if (r < 0)
			return r;
	}
	return ERR_OK;
}

int
session_link_unwatch(struct session_link *l)
{
	struct buf body = BUF_INIT;

	return tell(l, SESSION_UNWATCH, &body, NULL, 0);
}

/* One frame that was not asked for. The spawner sends no descriptors. */
static void
note(struct session_link *l, const struct ipc_frame *f)
{
	for (unsigned i = 0; i < f->nfds; i++)
		close(f->fds[i]);
	if (f->type == SESSION_CHANGED && !f->is_reply)
		l->pending |= SESSION_EVENT_CHANGED;
	else if (f->type == SESSION_END && !f->is_reply)
		l->pending |= SESSION_EVENT_END;
}

/* Receive one frame, or learn that there is no spawner any more. */
static int
receive(struct session_link *l, struct ipc_frame *f, int timeout_ms)
{
	int r = ipc_blocking_receive(l->fd, &l->packet, f, timeout_ms);

	if (r < 0 && r != ERR_TIMEOUT) {
		l->pending |= SESSION_EVENT_END;
		return ERR_PEER;
	}
	return r;
}

static int
wait_quota(struct session_link *l, uint32_t id, struct session_quota_msg *out)
{
	uint64_t until = clock_mono_ms() + SESSION_LINK_WAIT_MS;

	for (uint64_t now = clock_mono_ms(); now < until; now = clock_mono_ms()) {
		struct ipc_frame f;
		struct ipc_reader in;
		int r = receive(l, &f, (int)(until - now));

		if (r < 0)
			return r;
		note(l, &f);
		if (f.type != SESSION_QUOTA || !f.is_reply || f.id != id)
			continue; /* unasked, or an answer that came too late for its question */
		in = ipc_reader(f.body);
		r = session_quota_decode(&in, out);
		return r < 0 ? r : out->status;
	}
	return ERR_TIMEOUT;
}

int
session_link_quota_get(struct session_link *l, struct session_quota_msg *out)
{
	uint32_t id = l->next_id++;
	int r = ipc_blocking_send(l->fd, SESSION_QUOTA_GET, id, false, BYTES_NONE, NULL, 0);

	if (l->next_id == 0)
		l->next_id = 1;
	return r < 0 ? r : wait_quota(l, id, out);
}

int
session_link_read(struct session_link *l, unsigned *events)
{
	struct ipc_frame f;
	int r;

	while ((r = receive(l, &f, 0)) >= 0)
		note(l, &f);
	if (!ipc_packet_pending(&l->packet))
		buf_free(&l->packet.data); /* an idle session holds no memory for it */
	*events = l->pending;
	l->pending = 0;
	return r == ERR_TIMEOUT ? ERR_OK : r;
}
