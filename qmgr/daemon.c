/* SPDX-License-Identifier: ISC */
/*
 * qmgr/daemon.c - the queue manager: who may ask what, its start and its end.
 *
 * Runs in:  qmgr; user relais-queue, root: the queue; files below it, no network.
 * Trusts:   master. Doors and deliverers may ask only what the table lets them.
 */
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>

#include "clock.h"
#include "err.h"
#include "log.h"
#include "qmgr.h"

#define DRAIN_MS      20
#define DRAIN_MOST_US (UINT64_C(10) * 1000000)
#define LEAVE_MOST_US (UINT64_C(20) * 1000000) /* longer than smtp-client's stop_timeout */
#define COMPACT_LEAST (UINT64_C(4) << 20)
#define OWN_INSTANCE  QUEUE_ID_INSTANCE_MAX /* of queue ids; the doors count from 0 */

/* Who brings messages. */
#define SENDERS (FROM(SERVICE_SMTPD) | FROM(SERVICE_SUBMISSION) | FROM(SERVICE_DMARC_REPORTER))

static const struct ipc_route routes[] = {
	/* request, from, state, fds, size, decoder, handler */
	{ QUEUE_COMMIT, SENDERS, 0, 0, sizeof(struct queue_commit), queue_commit_decode,
		intake_commit },
	{ QUEUE_COMMIT_FD, SENDERS, 0, 1, sizeof(struct queue_commit), queue_commit_fd_decode,
		intake_commit },
	{ QUEUE_COMMIT_LARGE, FROM(SERVICE_SMTPD) | FROM(SERVICE_SUBMISSION), 0, 2,
		sizeof(struct queue_commit), queue_commit_fd_decode, intake_commit_large },
	{ QUEUE_LEND, FROM(SERVICE_SMTPD) | FROM(SERVICE_SUBMISSION), 0, 0, 0, ipc_empty_decode,
		intake_lend },
	{ QUEUE_LIST, FROM(SERVICE_CLI), 0, 0, sizeof(struct queue_list), queue_list_decode,
		operator_list },
	{ QUEUE_SHOW, FROM(SERVICE_CLI), 0, 0, sizeof(struct queue_show), queue_show_decode,
		operator_show },
	{ QUEUE_ORDER, FROM(SERVICE_CLI), 0, 0, sizeof(struct queue_order), queue_order_decode,
		operator_order },
	{ QUEUE_STATS, FROM(SERVICE_CLI), 0, 0, 0, ipc_empty_decode, operator_stats },
	{ QUEUE_SHAPE, FROM(SERVICE_CLI), 0, 0, sizeof(struct queue_shape), queue_shape_decode,
		operator_shape },
};

static void
take_conf(struct qmgr *q)
{
	q->conf = q->d->conf;
	q->backoff = (struct backoff){ q->conf->minimal_backoff / 1000,
		q->conf->maximal_backoff / 1000, q->conf->queue_lifetime / 1000 };
	remote_take_conf(q);
}

static int
run(struct daemon *d)
{
	struct qmgr *q = xcalloc(1, sizeof(*q));
	struct rlimit files;
	int r;

	d->ctx = q;
	q->d = d;
	take_conf(q);
	q->ids.instance = OWN_INSTANCE;
	q->memfds_max = 512;
	q->compact_least = COMPACT_LEAST;
	if (getrlimit(RLIMIT_NOFILE, &files) == 0 && files.rlim_cur > 2048)
		q->memfds_max = (unsigned)(files.rlim_cur < 40000 ? files.rlim_cur / 4 : 10000);
	TAILQ_INIT(&q->in_journal);
	TAILQ_INIT(&q->loaded);
	TAILQ_INIT(&q->orders);
	TAILQ_INIT(&q->orders_gathered);
	TAILQ_INIT(&q->orders_flying);
	TAILQ_INIT(&q->listings);
	TAILQ_INIT(&q->shapes);
	LIST_INIT(&q->removals);
	if ((r = folders_open(&q->folders, d->root_fd)) < 0) {
		log_error("the queue's folders cannot be opened: %s", err_text(r));
		return r;
	}
	if ((r = lent_init(q)) < 0 || (r = flush_init(q)) < 0 || (r = schedule_init(q)) < 0 ||
		(r = deliver_init(q)) < 0 || (r = recover(q)) < 0 || (r = mover_init(q)) < 0)
		return r;
	schedule_due(q);
	scan_start(q);
	incident_init(q);
	own_init(q);
	return ERR_OK;
}

/* The journal's sizes are taken at the next start. */
static void
reload(struct daemon *d)
{
	take_conf(d->ctx);
	own_init(d->ctx);
}

static void
peer_down(struct daemon *d, struct ipc_channel *peer)
{
	intake_peer_down(d->ctx, peer);
	lent_peer_down(d->ctx, peer);
	operator_peer_down(d->ctx, peer);
}

/* ---- the end ---- */

static bool
is_idle(const struct qmgr *q)
{
	return q->active_rcpts == 0 && remote_is_idle(q) && TAILQ_EMPTY(&q->parked) &&
	       TAILQ_EMPTY(&q->gathered) && TAILQ_EMPTY(&q->flying) && TAILQ_EMPTY(&q->storing);
}

static void
on_drain(evutil_socket_t fd, short what, void *arg)
{
	struct qmgr *q = arg;
	const struct timeval again = { 0, DRAIN_MS * 1000 };

	if (is_idle(q) || clock_mono_us() > q->drain_until_us)
		daemon_finished(q->d);
	else
		evtimer_add(q->draining, &again);
}

/* Deliveries under way are finished before the doors are told to wait for the next process: it
 * takes a moment, and meanwhile messages are taken as ever. */
static bool
may_leave(struct daemon *d)
{
	struct qmgr *q = d->ctx;
	const uint64_t now = clock_mono_us();

	if (q->leave_since_us == 0)
		q->leave_since_us = now;
	return (q->active_rcpts == 0 && remote_is_idle(q)) ||
	       now - q->leave_since_us > LEAVE_MOST_US;
}

static void
drain(struct daemon *d)
{
	struct qmgr *q = d->ctx;

	q->drain_until_us = clock_mono_us() + DRAIN_MOST_US;
	q->draining = evtimer_new(d->base, on_drain, q);
	ASSERT(q->draining != NULL);
	on_drain(-1, 0, q);
}

static void
stop(struct daemon *d)
{
	struct qmgr *q = d->ctx;

	if (q != NULL && q->flusher != NULL) {
		flush_stop(q);
		removals_stop(q);
		lent_stop(q);
		ticket_stop(q);
		remote_stop(q);
	}
}

static void
stats(struct daemon *d, struct buf *out)
{
	struct queue_stats_answer s;

	operator_fill_stats(d->ctx, &s);
#define LINE(name, value) buf_printf(out, name " %llu\n", (unsigned long long)(value))
	LINE("relais_queue_messages", s.messages);
	LINE("relais_queue_active", s.active);
	LINE("relais_queue_deferred", s.deferred);
	LINE("relais_queue_held", s.held);
	LINE("relais_queue_bytes", s.octets);
	LINE("relais_queue_committed_total", s.committed);
	LINE("relais_queue_refused_total", s.refused);
	LINE("relais_queue_delivered_total", s.delivered);
	LINE("relais_queue_deferrals_total", s.deferrals);
	LINE("relais_queue_bounced_total", s.bounced);
	LINE("relais_queue_expired_total", s.expired);
	LINE("relais_queue_deleted_total", s.deleted);
	LINE("relais_queue_flushes_total", s.flushes);
	LINE("relais_queue_flushed_total", s.flushed);
	LINE("relais_queue_moved_total", s.moved);
	LINE("relais_queue_segments", s.segments);
	LINE("relais_queue_segments_busy", s.segments_busy);
	LINE("relais_queue_memory_bytes", s.memory_octets);
	LINE("relais_queue_corrupt_total", s.corrupt);
	LINE("relais_queue_forged_total", s.forged);
#undef LINE
	remote_stats(d->ctx, out);
	watched_put(d->ctx, out);
}

const struct daemon_spec qmgr_spec = {
	.service = SERVICE_QMGR,
	.section = &qmgr_section,
	.routes = routes,
	.nroutes = NITEMS(routes),
	.run = run,
	.peer_down = peer_down,
	.may_leave = may_leave,
	.drain = drain,
	.reload = reload,
	.stats = stats,
	.stop = stop,
	.folder = "queue",
};
