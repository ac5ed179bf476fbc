/* SPDX-License-Identifier: ISC */
/*
 * lib/ipc/ipc.c - channels on the event loop: packing, sending, dispatch.
 *
 * Sources: unix(7), SCM_RIGHTS.
 */
#include "ipc_private.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "clock.h"
#include "packet.h"

#define PACKETS_A_TURN 32 /* read so many, then let others have their turn */

static void on_readable(evutil_socket_t fd, short what, void *arg);
static void on_writable(evutil_socket_t fd, short what, void *arg);
static void on_flush(evutil_socket_t fd, short what, void *arg);

struct ipc_channel *
ipc_channel_new(const struct ipc_channel_spec *spec)
{
	struct ipc_channel *c = xcalloc(1, sizeof(*c));
	int flags = fcntl(spec->fd, F_GETFL);

	if ((flags & O_NONBLOCK) == 0) /* some jails may not; master has done it for them */
		(void)fcntl(spec->fd, F_SETFL, flags | O_NONBLOCK);
	c->spec = *spec;
	c->state = 1;
	c->compose = BUF_SECRET;
	TAILQ_INIT(&c->out);
	c->readable = event_new(spec->base, spec->fd, EV_READ | EV_PERSIST, on_readable, c);
	c->writable = event_new(spec->base, spec->fd, EV_WRITE | EV_PERSIST, on_writable, c);
	c->flush = event_new(spec->base, -1, 0, on_flush, c);
	c->sweep = event_new(spec->base, -1, EV_PERSIST, ipc_requests_sweep, c);
	ASSERT(c->readable && c->writable && c->flush && c->sweep);
	event_add(c->readable, NULL);
	return c;
}

static void
drop_packet(struct ipc_channel *c, struct out_packet *p)
{
	TAILQ_REMOVE(&c->out, p, link);
	c->backlog -= p->data.len;
	c->unsent_fds -= p->nfds;
	for (unsigned i = 0; i < p->nfds; i++)
		close(p->fds[i]);
	buf_free(&p->data);
	free(p);
}

/* Last step: memory. */
void
ipc_destroy(struct ipc_channel *c)
{
	struct out_packet *p;

	while ((p = TAILQ_FIRST(&c->out)) != NULL)
		drop_packet(c, p); /* NOLINT(clang-analyzer-unix.Malloc): TAILQ_REMOVE is too much
				      for it */
	event_free(c->readable);
	event_free(c->writable);
	event_free(c->flush);
	event_free(c->sweep);
	close(c->spec.fd);
	buf_free(&c->compose);
	free(c->slots);
	free(c);
}

static void
stop(struct ipc_channel *c, int err)
{
	event_del(c->readable);
	event_del(c->writable);
	event_del(c->flush);
	event_del(c->sweep);
	c->dead = true;
	c->busy++;
	ipc_requests_fail(c, err);
	c->busy--;
}

/* The peer left or broke the rules. */
static void
lose(struct ipc_channel *c, int err)
{
	if (c->dead)
		return;
	stop(c, err == ERR_SYNTAX ? ERR_PEER : err);
	if (c->spec.on_close != NULL)
		c->spec.on_close(c->spec.ctx, c, err);
	if (c->busy == 0)
		ipc_destroy(c);
}

void
ipc_channel_free(struct ipc_channel **channel)
{
	struct ipc_channel *c = *channel;

	*channel = NULL;
	if (c == NULL)
		return;
	c->spec.on_close = NULL; /* nor by lose(), if one of its failed requests calls us */
	if (c->dead)
		return;
	c->busy++; /* if the flush finds the peer gone, the memory is still ours */
	ipc_flush(c);
	c->busy--;
	if (!c->dead)
		stop(c, ERR_PEER);
	if (c->busy == 0)
		ipc_destroy(c);
}

void
ipc_end_if_idle(struct ipc_channel *c)
{
	if (!c->retired || c->dead || c->busy > 0 || c->waiting > 0 || !TAILQ_EMPTY(&c->out))
		return;
	stop(c, ERR_PEER);
	ipc_destroy(c);
}

void
ipc_retire(struct ipc_channel **channel)
{
	struct ipc_channel *c = *channel;

	*channel = NULL;
	if (c == NULL)
		return;
	c->spec.on_close = NULL;
	c->spec.on_leaving = NULL;
	c->retired = true;
	ipc_end_if_idle(c);
}

void
ipc_say_leaving(struct ipc_channel *channel, bool sole)
{
	buf_put_u8(ipc_compose(channel), sole);
	ipc_send(channel, IPC_LEAVING, NULL, 0);
}

enum service
ipc_peer(const struct ipc_channel *channel)
{
	return channel->spec.peer;
}

unsigned
ipc_peer_instance(const struct ipc_channel *channel)
{
	return channel->spec.peer_instance;
}

void
ipc_set_owner(struct ipc_channel *channel, void *owner)
{
	channel->owner = owner;
}

void *
ipc_owner(const struct ipc_channel *channel)
{
	return channel->owner;
}

void
ipc_set_state(struct ipc_channel *channel, uint32_t state)
{
	channel->state = state;
}

size_t
ipc_backlog(const struct ipc_channel *channel)
{
	return channel->backlog;
}

struct buf *
ipc_compose(struct ipc_channel *channel)
{
	buf_clear(&channel->compose);
	return &channel->compose;
}

/* ---- sending ---- */

/* The packet being filled, or a fresh one if this frame does not fit. */
static struct out_packet *
packet_with_room(struct ipc_channel *c, size_t octets, unsigned nfds)
{
	struct out_packet *p = TAILQ_LAST(&c->out, out_queue);

	if (p != NULL && p->data.len + octets <= IPC_PACKET_MAX &&
		p->nfds + nfds <= IPC_PACKET_FDS_MAX)
		return p;
	p = xcalloc(1, sizeof(*p));
	p->data = BUF_SECRET;
	TAILQ_INSERT_TAIL(&c->out, p, link);
	return p;
}

void
ipc_put_frame(struct ipc_channel *c, uint16_t type, uint8_t flags, uint32_t id, const int *fds,
	unsigned nfds)
{
	struct out_packet *p;
	size_t octets = FRAME_HEADER + c->compose.len;

	if (c->dead) {
		for (unsigned i = 0; i < nfds; i++)
			close(fds[i]);
		return;
	}
	p = packet_with_room(c, octets, nfds);
	frame_put(&p->data, type, flags, id, nfds, buf_bytes(&c->compose));
	for (unsigned i = 0; i < nfds; i++)
		p->fds[p->nfds++] = fds[i];
	c->backlog += octets;
	c->unsent_fds += nfds;
	buf_clear(&c->compose);
	if (!c->flush_due) {
		/* runs behind all that is active now: the end of this turn */
		c->flush_due = true;
		event_active(c->flush, EV_TIMEOUT, 1);
	}
}

void
ipc_send(struct ipc_channel *channel, uint16_t type, const int *fds, unsigned nfds)
{
	ipc_put_frame(channel, type, 0, 0, fds, nfds);
}

void
ipc_reply(struct ipc_channel *channel, uint32_t id, uint16_t type, const int *fds, unsigned nfds)
{
	ipc_put_frame(channel, type, FRAME_IS_REPLY, id, fds, nfds);
}

void
ipc_last_word(
	const struct ipc_channel *channel, uint32_t id, uint16_t type, struct ipc_last_word *out)
{
	out->fd = channel->spec.fd;
	set_u16(out->packet, type);
	out->packet[2] = FRAME_IS_REPLY;
	out->packet[3] = 0;
	set_u32(out->packet + 4, id);
	set_u32(out->packet + 8, 0);
}

/* The peer does not take its answers. */
static bool
is_full(const struct ipc_channel *c)
{
	return c->spec.served &&
	       (c->backlog > IPC_UNSENT_MAX || c->unsent_fds > IPC_UNSENT_FDS_MAX);
}

void
ipc_flush(struct ipc_channel *c)
{
	const struct timeval again = { 0, 10000 };
	struct out_packet *p;

	c->flush_due = false;
	while (!c->dead && (p = TAILQ_FIRST(&c->out)) != NULL) {
		if (packet_send(c->spec.fd, buf_bytes(&p->data), p->fds, p->nfds, MSG_DONTWAIT) <
			0) {
			if (errno == EAGAIN) {
				event_add(c->writable, NULL);
				return;
			}
			if (errno == ENOBUFS || errno == ETOOMANYREFS) {
				/* the socket may be writable all the time: do not spin */
				event_add(c->flush, &again);
				return;
			}
			lose(c, ERR_PEER);
			return;
		}
		drop_packet(c, p);
		if (c->unread && !is_full(c)) {
			c->unread = false;
			event_add(c->readable, NULL);
		}
	}
	if (!c->dead)
		event_del(c->writable);
}

static void
flush_and_end(struct ipc_channel *c)
{
	c->busy++; /* it may be lost meanwhile */
	ipc_flush(c);
	c->busy--;
	if (c->dead && c->busy == 0)
		ipc_destroy(c);
	else
		ipc_end_if_idle(c);
}

static void
on_flush(evutil_socket_t fd, short what, void *arg)
{
	flush_and_end(arg);
}

static void
on_writable(evutil_socket_t fd, short what, void *arg)
{
	flush_and_end(arg);
}

/* ---- receiving ---- */

static const struct ipc_route *
find_route(const struct ipc_channel *c, uint16_t type)
{
	for (size_t i = 0; i < c->spec.nroutes; i++)
		if (c->spec.routes[i].type == type)
			return &c->spec.routes[i];
	return NULL;
}

static int
take_leaving(struct ipc_channel *c, struct ipc_frame *f)
{
	struct ipc_reader in = ipc_reader(f->body);
	const bool sole = ipc_get_enum(&in, 2) == 1;

	if (ipc_finish(&in) < 0 || f->nfds > 0)
		return ERR_SYNTAX;
	if (c->spec.on_leaving != NULL)
		c->spec.on_leaving(c->spec.ctx, c, sole);
	return ERR_OK;
}

static int
take_request(struct ipc_channel *c, struct ipc_frame *f)
{
	const struct ipc_route *route = find_route(c, f->type);
	_Alignas(16) uint8_t msg[IPC_MESSAGE_MAX];
	struct ipc_reader in = ipc_reader(f->body);
	struct ipc_call call = { c, c->spec.ctx, f->id, f->type, f->nfds, f->fds };

	if (f->type == IPC_LEAVING && !c->spec.served)
		return take_leaving(c, f);
	if (route == NULL || (route->from & FROM(c->spec.peer)) == 0 ||
		(route->states != 0 && (route->states & c->state) == 0) || route->fds != f->nfds)
		return ERR_SYNTAX;
	ASSERT(route->size <= sizeof(msg));
	memset(msg, 0, route->size);
	if (route->decode(&in, msg) < 0)
		return ERR_SYNTAX;
	route->handler(&call, msg);
	return ERR_OK;
}

/* All frames of a packet; descriptors that nobody took are closed. */
static int
dispatch(struct ipc_channel *c, struct bytes data, const int *fds, unsigned nfds)
{
	struct ipc_frame f;
	unsigned used = 0;
	int r = 0;

	while (!c->dead && (r = ipc_frame_parse(&data, &f)) == 1) {
		if (f.nfds > nfds - used) {
			r = ERR_SYNTAX;
			break;
		}
		for (unsigned i = 0; i < f.nfds; i++)
			f.fds[i] = fds[used++];
		r = ERR_OK;
		if (f.is_reply)
			ipc_request_answered(c, &f);
		else
			r = take_request(c, &f);
		for (unsigned i = 0; i < f.nfds; i++)
			if (f.fds[i] >= 0)
				close(f.fds[i]);
		if (r < 0)
			break;
	}
	while (used < nfds)
		close(fds[used++]);
	return r;
}

static void
on_readable(evutil_socket_t fd, short what, void *arg)
{
	struct ipc_channel *c = arg;
	uint8_t data[IPC_PACKET_MAX];
	int fds[IPC_PACKET_FDS_MAX], r = ERR_OK;
	unsigned nfds;

	c->busy++;
	for (int i = 0; i < PACKETS_A_TURN && !c->dead && r == ERR_OK; i++) {
		ssize_t n = packet_receive(fd, data, sizeof(data), fds, &nfds, MSG_DONTWAIT);

		if (n < 0 && errno == EAGAIN)
			break;
		if (n <= 0) {
			r = n < 0 && errno == EMSGSIZE ? ERR_SYNTAX : ERR_PEER;
			break;
		}
		r = dispatch(c, bytes_make(data, (size_t)n), fds, nfds);
		explicit_bzero(data, (size_t)n);
		if (!c->dead && is_full(c)) {
			c->unread = true;
			event_del(c->readable);
			break;
		}
		if ((size_t)n < sizeof(data) / 8)
			break; /* little at a time: the loop has others to serve */
	}
	c->busy--;
	if (c->dead) {
		if (c->busy == 0)
			ipc_destroy(c);
	} else if (r < 0) {
		lose(c, r);
	} else {
		ipc_end_if_idle(c);
	}
}
