/* SPDX-License-Identifier: ISC */
/*
 * lib/daemon/link.c - requests to another service, whoever of its processes is alive.
 *
 * States: down (nothing asked), asked (an introduction is under way, or will be asked for
 * again soon), up. What is asked while not up waits here. A peer that says it is leaving answers
 * what it was asked; everything else waits for its successor, so nothing is lost between them.
 */
#include <stdlib.h>
#include <sys/queue.h>
#include <unistd.h>

#include "clock.h"
#include "daemon_private.h"
#include "log.h"

#define RETRY_MS         100
#define RETRY_BETWEEN_MS 20    /* the next process is about to come */
#define BETWEEN_MS       15000 /* and no longer */
#define INTRODUCTION_MS  10000
#define WAITING_SWEEP_MS 1000

struct waiting {
	STAILQ_ENTRY(waiting) link;
	uint16_t type;
	struct buf body;
	int fds[IPC_FDS_MAX];
	unsigned nfds;
	uint64_t since_ms;
	unsigned timeout_ms;
	ipc_answer_fn *done; /* NULL: no answer is wanted */
	void *arg;
};

struct link {
	struct daemon *d;
	enum service service;
	uint32_t instance;
	const struct ipc_route *routes;
	size_t nroutes;
	struct ipc_channel *channel; /* NULL: not up */
	bool asked, wanted;          /* wanted: keep it up without requests */
	uint64_t between_ms;         /* the last peer left for a successor then; 0: it did not */
	struct event *retry, *sweep;
	struct buf compose;
	STAILQ_HEAD(, waiting) queue;
	size_t nqueue;
	void (*up)(void *arg, struct link *l);
	void (*down)(void *arg, struct link *l);
	void *up_arg, *down_arg;
	void *ctx; /* its owner's */
};

static void ask(struct link *l);

static void
fail_waiting(struct link *l, struct waiting *w, int err)
{
	for (unsigned i = 0; i < w->nfds; i++)
		close(w->fds[i]);
	buf_free(&w->body);
	l->nqueue--;
	if (w->done != NULL)
		w->done(w->arg, &(struct ipc_answer){ .err = err });
	free(w);
}

/* Requests whose time is over while nobody was there. */
static void
on_sweep(evutil_socket_t fd, short what, void *arg)
{
	struct link *l = arg;
	uint64_t now = clock_mono_ms();
	struct waiting *w = STAILQ_FIRST(&l->queue), *next;

	for (; w != NULL; w = next) {
		next = STAILQ_NEXT(w, link);
		if (w->timeout_ms == 0 || now - w->since_ms < w->timeout_ms)
			continue;
		STAILQ_REMOVE(&l->queue, w, waiting, link);
		fail_waiting(l, w, ERR_TIMEOUT);
	}
	if (STAILQ_EMPTY(&l->queue))
		event_del(l->sweep);
}

static void
on_retry(evutil_socket_t fd, short what, void *arg)
{
	ask(arg);
}

/* One process of the service has gone, the next is about to come. */
static bool
is_between(const struct link *l)
{
	return l->between_ms != 0 && clock_mono_ms() - l->between_ms < BETWEEN_MS;
}

static void
retry_soon(struct link *l)
{
	const struct timeval wait = { 0, (is_between(l) ? RETRY_BETWEEN_MS : RETRY_MS) * 1000 };

	if (l->wanted || !STAILQ_EMPTY(&l->queue))
		event_add(l->retry, &wait);
}

static void
on_peer_close(void *ctx, struct ipc_channel *channel, int err)
{
	struct link *l = ctx;

	l->channel = NULL;
	if (err == ERR_SYNTAX)
		log_error("%s sent what it may not", service_name(l->service));
	if (l->down != NULL)
		l->down(l->down_arg, l);
	if (!l->asked)
		retry_soon(l);
}

/* Who is leaving too stays with those it knows, as far as they stay: what they keep for its
 * clients (logins, certificates) their successors do not have. */
static void
on_leaving(void *ctx, struct ipc_channel *channel, bool sole)
{
	struct link *l = ctx;

	UNUSED(channel);
	if (l->d->leaving && !sole)
		return;
	ipc_retire(&l->channel);
	l->between_ms = clock_mono_ms();
	if (l->down != NULL)
		l->down(l->down_arg, l);
	if (!l->asked)
		retry_soon(l);
}

static void
send_waiting(struct link *l)
{
	struct waiting *w;
	uint64_t now = clock_mono_ms();

	while (l->channel != NULL && (w = STAILQ_FIRST(&l->queue)) != NULL) {
		uint64_t waited = now - w->since_ms;

		STAILQ_REMOVE_HEAD(&l->queue, link);
		if (w->timeout_ms != 0 && waited >= w->timeout_ms) {
			fail_waiting(l, w, ERR_TIMEOUT);
			continue;
		}
		l->nqueue--;
		buf_put_bytes(ipc_compose(l->channel), buf_bytes(&w->body));
		if (w->done == NULL)
			ipc_send(l->channel, w->type, w->fds, w->nfds);
		else
			ipc_request(l->channel, w->type, w->fds, w->nfds,
				w->timeout_ms == 0 ? 0 : w->timeout_ms - (unsigned)waited, w->done,
				w->arg);
		buf_free(&w->body);
		free(w);
	}
}

static void
on_introduced(void *arg, const struct ipc_answer *answer)
{
	struct link *l = arg;
	struct ipc_reader in = ipc_reader(answer->body);
	struct control_peer peer = { 0 };

	l->asked = false;
	if (answer->err < 0 || answer->type != CONTROL_INTRODUCED ||
		control_peer_decode(&in, &peer) < 0 || peer.err < 0 || answer->nfds != 1) {
		if (answer->err == ERR_OK && peer.err == ERR_DENIED)
			log_error("may not call %s", service_name(l->service));
		retry_soon(l);
		return;
	}
	l->channel = ipc_channel_new(&(struct ipc_channel_spec){ .base = l->d->base,
		.fd = answer->fds[0],
		.peer = l->service,
		.peer_instance = peer.instance,
		.routes = l->routes,
		.nroutes = l->nroutes,
		.ctx = l,
		.on_close = on_peer_close,
		.on_leaving = on_leaving });
	l->between_ms = 0;
	answer->fds[0] = -1;
	if (l->up != NULL)
		l->up(l->up_arg, l);
	send_waiting(l);
}

static void
ask(struct link *l)
{
	struct ipc_channel *control = l->d->priv->control;

	if (l->asked || l->channel != NULL || control == NULL)
		return;
	l->asked = true;
	event_del(l->retry);
	control_introduce_encode(ipc_compose(control),
		&(struct control_introduce){ .service = l->service, .instance = l->instance });
	ipc_request(control, CONTROL_INTRODUCE, NULL, 0, INTRODUCTION_MS, on_introduced, l);
}

struct link *
daemon_link(struct daemon *d, enum service service, uint32_t instance,
	const struct ipc_route *routes, size_t nroutes)
{
	struct link *l = xcalloc(1, sizeof(*l));

	l->d = d;
	l->service = service;
	l->instance = instance;
	l->routes = routes;
	l->nroutes = nroutes;
	l->compose = BUF_SECRET;
	STAILQ_INIT(&l->queue);
	l->retry = event_new(d->base, -1, 0, on_retry, l);
	l->sweep = event_new(d->base, -1, EV_PERSIST, on_sweep, l);
	ASSERT(l->retry != NULL && l->sweep != NULL);
	return l;
}

void
link_set_ctx(struct link *l, void *ctx)
{
	l->ctx = ctx;
}

void *
link_ctx(const struct link *l)
{
	return l->ctx;
}

struct daemon *
link_daemon(const struct link *l)
{
	return l->d;
}

void
link_on_up(struct link *l, void (*up)(void *arg, struct link *l), void *arg)
{
	l->up = up;
	l->up_arg = arg;
}

void
link_on_down(struct link *l, void (*down)(void *arg, struct link *l), void *arg)
{
	l->down = down;
	l->down_arg = arg;
}

void
link_open(struct link *l)
{
	l->wanted = true;
	ask(l);
}

void
link_close(struct link *l)
{
	l->wanted = false;
	l->between_ms = 0;
	ipc_channel_free(&l->channel);
}

bool
link_is_up(const struct link *l)
{
	return l->channel != NULL || is_between(l);
}

size_t
link_backlog(const struct link *l)
{
	return l->channel != NULL ? ipc_backlog(l->channel) : l->nqueue;
}

struct buf *
link_compose(struct link *l)
{
	if (l->channel != NULL)
		return ipc_compose(l->channel);
	buf_clear(&l->compose);
	return &l->compose;
}

/* It waits for the peer. */
static void
enqueue(struct link *l, struct waiting *w, const int *fds, unsigned nfds)
{
	const struct timeval sweep = { WAITING_SWEEP_MS / 1000, 0 };

	w->since_ms = clock_mono_ms();
	w->nfds = nfds;
	for (unsigned i = 0; i < nfds; i++)
		w->fds[i] = fds[i];
	w->body = BUF_SECRET;
	buf_put_bytes(&w->body, buf_bytes(&l->compose));
	buf_clear(&l->compose);
	STAILQ_INSERT_TAIL(&l->queue, w, link);
	if (l->nqueue++ == 0)
		event_add(l->sweep, &sweep);
	ask(l);
}

void
link_send(struct link *l, uint16_t type, const int *fds, unsigned nfds)
{
	struct waiting *w;

	if (l->channel != NULL) {
		ipc_send(l->channel, type, fds, nfds);
		return;
	}
	if (is_between(l) && l->nqueue < LINK_WAITING_MAX) {
		w = xcalloc(1, sizeof(*w));
		w->type = type;
		w->timeout_ms = BETWEEN_MS;
		enqueue(l, w, fds, nfds);
		return;
	}
	for (unsigned i = 0; i < nfds; i++)
		close(fds[i]);
}

static void
fail_soon(evutil_socket_t fd, short what, void *arg)
{
	struct waiting *w = arg;

	w->done(w->arg, &(struct ipc_answer){ .err = ERR_PEER });
	free(w);
}

void
link_request(struct link *l, uint16_t type, const int *fds, unsigned nfds, unsigned timeout_ms,
	ipc_answer_fn *done, void *arg)
{
	const struct timeval now = { 0, 0 };
	struct waiting *w;

	if (l->channel != NULL) {
		ipc_request(l->channel, type, fds, nfds, timeout_ms, done, arg);
		return;
	}
	w = xcalloc(1, sizeof(*w));
	w->done = done;
	w->arg = arg;
	if (l->nqueue >= LINK_WAITING_MAX) {
		for (unsigned i = 0; i < nfds; i++)
			close(fds[i]);
		event_base_once(l->d->base, -1, EV_TIMEOUT, fail_soon, w, &now);
		return;
	}
	w->type = type;
	w->timeout_ms = timeout_ms;
	enqueue(l, w, fds, nfds);
}
