/* SPDX-License-Identifier: ISC */
/*
 * local-delivery/local.c - qmgr's jobs and syncs, batch by batch.
 *
 * All jobs that arrive in one turn of the event loop are done together at its end, and
 * their results leave in one packet. A SYNC runs in a thread meanwhile (syncer.c).
 *
 * Runs in:  local-delivery.
 * Trusts:   qmgr's jobs after decoding.
 */
#include "local.h"

#include <stdlib.h>
#include <sys/queue.h>
#include <sys/stat.h>
#include <fcntl.h>
#include <unistd.h>

#include "log.h"
#include "sys.h"

#define REST_AFTER_MS 1000
#define DRAIN_POLL_MS 20

/* A SYNC somebody waits for. */
struct sync_wait {
	LIST_ENTRY(sync_wait) link;
	struct local *local;
	struct ipc_channel *channel; /* NULL: it left */
	uint32_t id;
};

/* Where a result goes. */
struct reply_to {
	struct ipc_channel *channel; /* NULL: it left */
	uint32_t id;
};

struct local {
	struct daemon *daemon;
	struct deliverer deliverer;
	struct quota_link *quota_link;
	struct syncer *syncer;
	struct event *turn, *rest, *poll;
	bool due, resting;
	int sync_fd;
	/* the batch being gathered */
	size_t n;
	struct delivery_item items[DELIVERY_BATCH_MAX];
	struct reply_to replies[DELIVERY_BATCH_MAX];
	struct arena arena; /* its jobs' bytes */
	LIST_HEAD(, sync_wait) syncs;
	struct {
		uint64_t results[DELIVERY_STATUSES], octets, batches, syncs, failed_syncs;
	} count;
};

static void on_deliver(struct ipc_call *call, const void *msg);
static void on_sync(struct ipc_call *call, const void *msg);

const struct ipc_route local_routes[LOCAL_ROUTES] = {
	/* request from states fds size decode handler */
	{ DELIVERY_DELIVER, FROM(SERVICE_QMGR), 0, 1, sizeof(struct delivery_job),
		delivery_job_decode, on_deliver },
	{ DELIVERY_SYNC, FROM(SERVICE_QMGR), 0, 0, 0, ipc_empty_decode, on_sync },
};

/* ---- the batch ---------------------------------------------------------------------------- */

static void
answer(struct local *l, size_t i)
{
	const struct delivery_item *item = &l->items[i];
	const struct delivery_outcome *o = &item->outcome;
	struct ipc_channel *channel = l->replies[i].channel;

	l->count.results[o->status]++;
	l->count.octets += o->octets;
	if (channel == NULL)
		return;
	delivery_result_encode(
		ipc_compose(channel), &(struct delivery_result){ .job_id = item->job.job_id,
					      .status = o->status,
					      .code = bytes_from_str(o->code),
					      .text = bytes_from_str(o->text) });
	ipc_reply(channel, l->replies[i].id, DELIVERY_DELIVER_RESULT, NULL, 0);
}

static void
run_batch(struct local *l)
{
	const struct timeval wait = { REST_AFTER_MS / 1000, REST_AFTER_MS % 1000 * 1000 };

	if (l->n == 0)
		return;
	l->deliverer.conf = l->daemon->conf;
	deliver_batch(&l->deliverer, l->items, l->n);
	for (size_t i = 0; i < l->n; i++) {
		answer(l, i);
		close(l->items[i].content_fd);
	}
	l->n = 0;
	arena_reset(&l->arena);
	l->count.batches++;
	quota_link_poke(l->quota_link);
	if (!l->resting) {
		l->resting = true;
		event_add(l->rest, &wait);
	}
}

static void
on_turn(evutil_socket_t fd, short what, void *arg)
{
	struct local *l = arg;

	UNUSED(fd), UNUSED(what);
	l->due = false;
	run_batch(l);
}

static void
on_deliver(struct ipc_call *call, const void *msg)
{
	struct local *l = ((struct daemon *)call->ctx)->ctx;
	struct delivery_job job = *(const struct delivery_job *)msg;

	job.account = arena_bytes(&l->arena, job.account);
	job.home = arena_bytes(&l->arena, job.home);
	job.detail = arena_bytes(&l->arena, job.detail);
	job.reverse_path = arena_bytes(&l->arena, job.reverse_path);
	job.original_path = arena_bytes(&l->arena, job.original_path);
	job.forward_path = arena_bytes(&l->arena, job.forward_path);
	job.prefix = arena_bytes(&l->arena, job.prefix);
	l->items[l->n] = (struct delivery_item){ .job = job, .content_fd = ipc_take_fd(call, 0) };
	l->replies[l->n] = (struct reply_to){ call->channel, call->id };
	if (++l->n == DELIVERY_BATCH_MAX)
		run_batch(l);
	if (l->n > 0 && !l->due) {
		l->due = true;
		event_active(l->turn, EV_TIMEOUT, 1); /* behind all that is active now */
	}
}

static void
on_rest(evutil_socket_t fd, short what, void *arg)
{
	struct local *l = arg;

	UNUSED(fd), UNUSED(what);
	l->resting = false;
	store_deliverer_rest(l->deliverer.store);
}

/* ---- SYNC ---------------------------------------------------------------------------------- */

static void
on_synced(void *arg, int err)
{
	struct sync_wait *w = arg;
	struct local *l = w->local;
	struct delivery_outcome o = delivery_outcome_for(err);

	l->count.syncs++;
	if (err < 0) {
		l->count.failed_syncs++;
		log_error("flush of the mail root failed: %s; what was written since the last "
			  "good one will be delivered again",
			err_text(err));
		o.status = DELIVERY_TEMPORARY;
	}
	if (w->channel != NULL) {
		delivery_sync_result_encode(ipc_compose(w->channel),
			&(struct delivery_sync_result){ .status = o.status,
				.code = bytes_from_str(o.code),
				.text = err < 0 ? bytes_from_str(o.text)
						: BYTES_LITERAL("durable") });
		ipc_reply(w->channel, w->id, DELIVERY_SYNC_RESULT, NULL, 0);
	}
	LIST_REMOVE(w, link);
	free(w);
}

static void
on_sync(struct ipc_call *call, const void *msg)
{
	struct local *l = ((struct daemon *)call->ctx)->ctx;
	struct sync_wait *w = xcalloc(1, sizeof(*w));

	UNUSED(msg);
	w->local = l;
	w->channel = call->channel;
	w->id = call->id;
	LIST_INSERT_HEAD(&l->syncs, w, link);
	syncer_ask(l->syncer, on_synced, w);
}

/* ---- the daemon's life ---------------------------------------------------------------------- */

void
local_peer_down(struct daemon *d, struct ipc_channel *peer)
{
	struct local *l = d->ctx;
	struct sync_wait *w;

	/* what it asked for is done all the same: it will ask again, and find it done */
	for (size_t i = 0; i < l->n; i++)
		if (l->replies[i].channel == peer)
			l->replies[i].channel = NULL;
	LIST_FOREACH (w, &l->syncs, link)
		if (w->channel == peer)
			w->channel = NULL;
}

int
local_start(struct daemon *d)
{
	/* domains' folders are to be passed through by their users; files name their modes */
	umask(0066);
	d->ctx = xcalloc(1, sizeof(struct local));
	return ERR_OK;
}

static void
on_poll(evutil_socket_t fd, short what, void *arg)
{
	struct local *l = arg;
	const struct timeval wait = { 0, DRAIN_POLL_MS * 1000 };

	UNUSED(fd), UNUSED(what);
	run_batch(l);
	if (LIST_EMPTY(&l->syncs) && quota_link_idle(l->quota_link))
		daemon_finished(l->daemon);
	else
		event_add(l->poll, &wait);
}

int
local_run(struct daemon *d)
{
	struct local *l = d->ctx;
	const struct local_delivery_conf *conf = d->conf;
	const struct store_deliverer_options options = { .hostname = d->common->hostname,
		.max_open = (unsigned)conf->open_folders };
	int r = store_deliverer_new(d->root_fd, &options, &l->deliverer.store);

	if (r < 0) {
		log_error("mail root: %s", err_text(r));
		return r;
	}
	/* syncfs wants a real descriptor, not O_PATH */
	l->sync_fd = sys_openat(d->root_fd, ".", O_RDONLY | O_DIRECTORY, 0);
	if (l->sync_fd < 0) {
		log_error("mail root: %m");
		return l->sync_fd;
	}
	l->daemon = d;
	l->deliverer.root_fd = d->root_fd;
	l->deliverer.conf = conf;
	l->deliverer.quota = quota_new();
	l->quota_link = quota_link_new(d, l->deliverer.quota);
	l->syncer = syncer_new(d->base, l->sync_fd);
	l->turn = event_new(d->base, -1, 0, on_turn, l);
	l->rest = event_new(d->base, -1, 0, on_rest, l);
	l->poll = event_new(d->base, -1, 0, on_poll, l);
	ASSERT(l->turn != NULL && l->rest != NULL && l->poll != NULL);
	LIST_INIT(&l->syncs);
	return ERR_OK;
}

void
local_drain(struct daemon *d)
{
	struct local *l = d->ctx;

	quota_link_flush(l->quota_link);
	on_poll(-1, 0, l);
}

void
local_stats(struct daemon *d, struct buf *out)
{
	static const char *const names[DELIVERY_STATUSES] = { "written", "temporary", "permanent" };
	const struct local *l = d->ctx;

	for (size_t i = 0; i < DELIVERY_STATUSES; i++)
		buf_printf(out, "relais_local_deliveries_total{result=\"%s\"} %llu\n", names[i],
			(unsigned long long)l->count.results[i]);
	buf_printf(out,
		"relais_local_octets_total %llu\n"
		"relais_local_batches_total %llu\n"
		"relais_local_syncs_total %llu\n"
		"relais_local_failed_syncs_total %llu\n",
		(unsigned long long)l->count.octets, (unsigned long long)l->count.batches,
		(unsigned long long)l->count.syncs, (unsigned long long)l->count.failed_syncs);
}

void
local_stop(struct daemon *d)
{
	struct local *l = d->ctx;

	store_deliverer_free(&l->deliverer.store);
}
