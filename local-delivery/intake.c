/* SPDX-License-Identifier: ISC */
/*
 * local-delivery/intake.c - jobs in, results out, and SYNC.
 *
 * All jobs that arrive in one turn of the event loop are worked on together, and results
 * that are ready together leave in one packet. A SYNC runs in a thread meanwhile.
 *
 * Runs in:  local-delivery, system-delivery.
 * Trusts:   qmgr's jobs after decoding.
 */
#include "intake.h"

#include <stdlib.h>
#include <unistd.h>

#include "clock.h"
#include "log.h"
#include "log_pace.h"
#include "queue_id.h"

#define DRAIN_POLL_MS 20
#define DRAIN_MOST_MS 5000 /* then ledger does without the last deltas */

/* A SYNC somebody waits for. */
struct sync_wait {
	LIST_ENTRY(sync_wait) link;
	struct intake *intake;
	struct ipc_channel *channel; /* NULL: who asked has left */
	uint32_t id;
};

struct intake {
	struct daemon *daemon;
	struct intake_spec spec;
	struct quota *quota;
	struct quota_link *quota_link;
	struct syncer *syncer;
	struct event *turn, *poll;
	struct intake_jobs waiting; /* of this turn */
	size_t n_waiting;
	LIST_HEAD(, intake_job) all;
	LIST_HEAD(, sync_wait) syncs;
	uint64_t drain_until_ms;
	struct log_pace told_full, told_sync;
	struct {
		uint64_t results[DELIVERY_STATUSES], octets, batches, syncs, failed_syncs;
	} count;
};

static void on_deliver(struct ipc_call *call, const void *msg);
static void on_sync(struct ipc_call *call, const void *msg);

const struct ipc_route intake_routes[INTAKE_ROUTES] = {
	{ DELIVERY_DELIVER, FROM(SERVICE_QMGR), 0, 0, sizeof(struct delivery_job),
		delivery_job_decode, on_deliver },
	{ DELIVERY_DELIVER_FD, FROM(SERVICE_QMGR), 0, 1, sizeof(struct delivery_job),
		delivery_job_fd_decode, on_deliver },
	{ DELIVERY_SYNC, FROM(SERVICE_QMGR), 0, 0, 0, ipc_empty_decode, on_sync },
};

/* ---- jobs --------------------------------------------------------------------------------- */

static void
work(struct intake *in)
{
	if (TAILQ_EMPTY(&in->waiting))
		return;
	in->n_waiting = 0;
	in->count.batches++;
	in->spec.work(in->spec.arg, &in->waiting);
	ASSERT(TAILQ_EMPTY(&in->waiting));
}

static void
on_turn(evutil_socket_t fd, short what, void *arg)
{
	UNUSED(fd), UNUSED(what);
	work(arg);
}

static void
on_deliver(struct ipc_call *call, const void *msg)
{
	struct intake *in = ((struct daemon *)call->ctx)->ctx;
	struct intake_job *j = xcalloc(1, sizeof(*j));
	struct delivery_job *job = &j->item.job;

	*job = *(const struct delivery_job *)msg;
	job->account = arena_bytes(&j->arena, job->account);
	job->home = arena_bytes(&j->arena, job->home);
	job->detail = arena_bytes(&j->arena, job->detail);
	job->reverse_path = arena_bytes(&j->arena, job->reverse_path);
	job->original_path = arena_bytes(&j->arena, job->original_path);
	job->forward_path = arena_bytes(&j->arena, job->forward_path);
	job->prefix = arena_bytes(&j->arena, job->prefix);
	job->content.octets = arena_bytes(&j->arena, job->content.octets);
	j->item.content_fd = job->content.in_fd ? ipc_take_fd(call, 0) : -1;
	j->channel = call->channel;
	j->id = call->id;
	TAILQ_INSERT_TAIL(&in->waiting, j, link);
	LIST_INSERT_HEAD(&in->all, j, all);
	if (++in->n_waiting == 1)
		event_active(in->turn, EV_TIMEOUT, 1); /* behind all that is active now */
	else if (in->n_waiting >= DELIVERY_BATCH_MAX)
		work(in);
}

/* Why mail waits is for the operator to know. */
static void
log_problem(struct intake *in, const struct intake_job *j, const struct delivery_outcome *o)
{
	char id[QUEUE_ID_TEXT_SIZE], account[DELIVERY_ACCOUNT_MAX + 1];

	if (o->status != DELIVERY_TEMPORARY || o->why >= 0)
		return; /* qmgr's line says it all */
	if (o->why == ERR_NO_SPACE && !log_pace(&in->told_full))
		return; /* the disk is full for all of them */
	log_warning("%s: to=<%s>: %s (%s)", queue_id_text(j->item.job.queue_id, id),
		bytes_to_str(j->item.job.account, account, sizeof(account)), o->text,
		err_text(o->why));
}

void
intake_answer(struct intake *in, struct intake_job *j, const struct delivery_outcome *o)
{
	in->count.results[o->status]++;
	in->count.octets += o->octets;
	log_problem(in, j, o);
	if (o->octets > 0)
		quota_link_poke(in->quota_link);
	if (j->channel != NULL) {
		delivery_result_encode(ipc_compose(j->channel),
			&(struct delivery_result){ .job_id = j->item.job.job_id,
				.status = o->status,
				.code = bytes_from_str(o->code),
				.text = bytes_from_str(o->text) });
		ipc_reply(j->channel, j->id, DELIVERY_DELIVER_RESULT, NULL, 0);
	}
	LIST_REMOVE(j, all);
	if (j->item.content_fd >= 0)
		close(j->item.content_fd);
	arena_reset(&j->arena);
	free(j);
}

/* ---- SYNC ---------------------------------------------------------------------------------- */

static void
on_synced(void *arg, int err)
{
	struct sync_wait *w = arg;
	struct delivery_outcome o = delivery_outcome_for(err);

	w->intake->count.syncs++;
	if (err < 0) {
		w->intake->count.failed_syncs++;
		if (log_pace(&w->intake->told_sync))
			log_error("flush of the mail root failed: %s; what was written since the "
				  "last "
				  "good one will be delivered again",
				err_text(err));
	}
	if (w->channel != NULL) {
		delivery_sync_result_encode(ipc_compose(w->channel),
			&(struct delivery_sync_result){ .status = o.status,
				.code = bytes_from_str(o.code),
				.text = bytes_from_str(err < 0 ? o.text : "durable") });
		ipc_reply(w->channel, w->id, DELIVERY_SYNC_RESULT, NULL, 0);
	}
	LIST_REMOVE(w, link);
	free(w);
}

static void
on_sync(struct ipc_call *call, const void *msg)
{
	struct intake *in = ((struct daemon *)call->ctx)->ctx;
	struct sync_wait *w = xcalloc(1, sizeof(*w));

	UNUSED(msg);
	w->intake = in;
	w->channel = call->channel;
	w->id = call->id;
	LIST_INSERT_HEAD(&in->syncs, w, link);
	syncer_ask(in->syncer, on_synced, w);
}

/* ---- the daemon's life ---------------------------------------------------------------------- */

void
intake_peer_down(struct daemon *d, struct ipc_channel *peer)
{
	struct intake *in = d->ctx;
	struct intake_job *j;
	struct sync_wait *w;

	/* what it asked for is done all the same: it will ask again, and find it done */
	LIST_FOREACH (j, &in->all, all)
		if (j->channel == peer)
			j->channel = NULL;
	LIST_FOREACH (w, &in->syncs, link)
		if (w->channel == peer)
			w->channel = NULL;
}

static void
on_poll(evutil_socket_t fd, short what, void *arg)
{
	struct intake *in = arg;
	const struct timeval wait = { 0, DRAIN_POLL_MS * 1000 };
	bool idle;

	UNUSED(fd), UNUSED(what);
	work(in);
	quota_link_flush(in->quota_link);
	idle = LIST_EMPTY(&in->syncs) && LIST_EMPTY(&in->all) &&
	       (in->spec.idle == NULL || in->spec.idle(in->spec.arg));
	if (idle && (quota_link_idle(in->quota_link) || clock_mono_ms() >= in->drain_until_ms))
		daemon_finished(in->daemon);
	else
		event_add(in->poll, &wait);
}

void
intake_drain(struct daemon *d)
{
	struct intake *in = d->ctx;

	in->drain_until_ms = clock_mono_ms() + DRAIN_MOST_MS;
	on_poll(-1, 0, in);
}

void
intake_stats(struct daemon *d, struct buf *out)
{
	static const char *const names[DELIVERY_STATUSES] = { "written", "temporary", "permanent",
		"busy" };
	const struct intake *in = d->ctx;

	for (size_t i = 0; i < DELIVERY_STATUSES; i++)
		buf_printf(out, "relais_delivery_results_total{result=\"%s\"} %llu\n", names[i],
			(unsigned long long)in->count.results[i]);
	buf_printf(out,
		"relais_delivery_bytes_total %llu\n"
		"relais_delivery_batches_total %llu\n"
		"relais_delivery_syncs_total %llu\n"
		"relais_delivery_failed_syncs_total %llu\n",
		(unsigned long long)in->count.octets, (unsigned long long)in->count.batches,
		(unsigned long long)in->count.syncs, (unsigned long long)in->count.failed_syncs);
}

struct quota *
intake_quota(struct intake *in)
{
	return in->quota;
}

void *
intake_arg(struct intake *in)
{
	return in->spec.arg;
}

struct intake *
intake_new(struct daemon *d, const struct intake_spec *spec)
{
	struct intake *in = xcalloc(1, sizeof(*in));

	in->daemon = d;
	in->spec = *spec;
	TAILQ_INIT(&in->waiting);
	LIST_INIT(&in->all);
	LIST_INIT(&in->syncs);
	in->quota = quota_new();
	in->quota_link = quota_link_new(d, in->quota);
	in->syncer = syncer_new(d->base, spec->sync_fd);
	in->turn = event_new(d->base, -1, 0, on_turn, in);
	in->poll = event_new(d->base, -1, 0, on_poll, in);
	ASSERT(in->turn != NULL && in->poll != NULL);
	d->ctx = in;
	return in;
}
