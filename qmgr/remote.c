/* SPDX-License-Identifier: ISC */
/*
 * qmgr/remote.c - recipients on other hosts: each goes to its destination and waits there for its
 * turn, or until the destination is to be had.
 *
 * Runs in:  qmgr. Trusts: answers of directory, after decoding.
 */
#include <stdio.h>
#include <stdlib.h>

#include "clock.h"
#include "err.h"
#include "outbound_msg.h"
#include "qmgr.h"
#include "remote_private.h"
#include "stats_rows.h"

#define PUMP_MOST        200 /* jobs sent before others have their turn */
#define GATHER_REMOTE_MS 4
#define WAKE_MOST_US     UINT64_C(60000000)
#define RELEASE_WAIT_US  UINT64_C(100000) /* while there is no room for what is parked */

void
remote_pump_soon(struct qmgr *q)
{
	if (!qmgr_is_ending(q))
		event_active(q->remote.pump, EV_TIMEOUT, 1);
}

/* ---- what becomes of a job's recipients ---- */

/* It waits for its destination: noted once, however often it is looked at. */
static void
suspend(struct job *j, const char *code, const char *text)
{
	struct message *m = j->msg;
	struct queue_rcpt *r = job_rcpt(j);
	const uint64_t now = now_s(), arrival = m->state.envelope.arrival_us / 1000000;

	j->event_flags = QUEUE_EVENT_SUSPENDED | QUEUE_EVENT_UNTRIED;
	if (r->status != RCPT_DEFERRED || !bytes_equal(r->next_hop, j->next_hop) ||
		backoff_expired(&j->q->backoff, arrival, now)) {
		job_deferred(j, code, text);
		return;
	}
	queue_state_suspend(&m->state, r, true);
	r->next_s = backoff_next_s(&j->q->backoff, arrival, now);
	job_end(j);
}

static void
suspend_dead(struct job *j, const struct destination *d)
{
	char text[DEST_REASON_MAX + 64];

	snprintf(text, sizeof(text), "delivery temporarily suspended: %s",
		d->reason != NULL ? d->reason : "the destination cannot be reached");
	suspend(j, d->code[0] != 0 ? d->code : "4.4.1", text);
}

void
remote_suspend_all(struct qmgr *q, struct destination *d)
{
	struct dest_item_list items = TAILQ_HEAD_INITIALIZER(items);
	struct dest_item *item;

	destination_take_back(&q->remote.all, d, &items, clock_mono_us());
	while ((item = TAILQ_FIRST(&items)) != NULL) {
		TAILQ_REMOVE(&items, item, link);
		suspend_dead(remote_job_of(item), d);
	}
}

/* ---- to a destination ---- */

static void
keep_target(struct job *j, const struct directory_target *t)
{
	const struct queue_rcpt *r = job_rcpt(j);
	const struct bytes parts[] = { t->address, t->next_hop,
		r->reverse_path.n > 0 ? r->reverse_path : t->reverse_path };
	struct bytes *const kept[] = { &j->address, &j->next_hop, &j->reverse_path };
	struct bytes at;

	buf_clear(&j->target);
	for (size_t i = 0; i < NITEMS(parts); i++)
		buf_put_bytes(&j->target, parts[i]);
	at = buf_bytes(&j->target);
	for (size_t i = 0; i < NITEMS(parts); i++) {
		*kept[i] = bytes_head(at, parts[i].n);
		at = bytes_skip(at, parts[i].n);
	}
	if (j->msg->state.envelope.reverse_path.n == 0) /* stays null (RFC 5321 sec. 4.5.5) */
		j->reverse_path = BYTES_NONE;
	else if (j->reverse_path.n == 0)
		j->reverse_path = j->msg->state.envelope.reverse_path;
}

/* Waits there, and counts no longer as one that is being started. */
static void
taken(struct job *j, const struct destination *d)
{
	const struct timeval wait = { 0, GATHER_REMOTE_MS * 1000 };
	struct remote *re = &j->q->remote;

	if (!j->remote) {
		j->remote = true;
		j->q->active_rcpts--;
		re->rcpts++;
	}
	if (d->items >= DEST_BATCH_MAX)
		remote_pump_soon(j->q);
	else if (!evtimer_pending(re->gather, NULL))
		evtimer_add(re->gather, &wait);
}

void
remote_to(struct job *j, const struct directory_target *t)
{
	struct destinations *ds = &j->q->remote.all;
	const struct queue_rcpt *r = job_rcpt(j);
	const uint64_t now = clock_mono_us();
	struct destination *d, *before;
	struct dest_owner owner;

	keep_target(j, t);
	if (r->next_hop.n > 0 && !bytes_equal(r->next_hop, j->next_hop) &&
		(before = destination_find(ds, r->next_hop)) != NULL)
		destination_passed_by(ds, before, remote_sender(j->q, j->msg), now);
	if (j->q->remote.n == 0) {
		job_deferred(j, "4.3.5", "no service sends mail to other hosts");
		return;
	}
	if ((d = destination_get(ds, j->next_hop, now)) == NULL) {
		job_deferred(j, "4.3.2", "too many destinations at once");
		return;
	}
	owner = remote_owner(j);
	j->item.size = remote_size(j);
	switch (destination_offer(ds, d, &owner, &j->item, now)) {
	case DEST_TAKEN:
		taken(j, d);
		break;
	case DEST_IS_DEAD:
		suspend_dead(j, d);
		break;
	default:
		j->silent = true;
		suspend(j, "4.4.5", "waits behind other mail to the same destination");
		break;
	}
}

/* ---- whose turn it is ---- */

static void
arm_wake(struct qmgr *q, bool for_room)
{
	const uint64_t now = clock_mono_us(), at = destinations_wake_us(&q->remote.all);
	uint64_t us = at > now ? at - now : 0;
	struct timeval wait;

	if (us > WAKE_MOST_US)
		us = WAKE_MOST_US;
	if (for_room && us > RELEASE_WAIT_US)
		us = RELEASE_WAIT_US;
	wait = (struct timeval){ (time_t)(us / 1000000), (suseconds_t)(us % 1000000) };
	if (at == UINT64_MAX && !for_room)
		evtimer_del(q->remote.wake);
	else
		evtimer_add(q->remote.wake, &wait);
}

static void
on_pump(evutil_socket_t fd, short what, void *arg)
{
	struct qmgr *q = arg;
	struct destinations *ds = &q->remote.all;
	const unsigned most = (unsigned)q->conf->destination_recipients;
	struct dest_batch b;
	unsigned n = 0;

	if (qmgr_is_ending(q))
		return;
	destinations_wake(ds, clock_mono_us());
	for (; n < PUMP_MOST; n++) {
		if (!destinations_next(ds, most, OUTBOUND_RCPTS_OCTETS, clock_mono_us(), &b))
			break;
		remote_send(q, &b);
	}
	if (n == PUMP_MOST)
		remote_pump_soon(q);
	arm_wake(q, remote_release_some(q));
}

/* ---- the rest ---- */

bool
remote_is_idle(const struct qmgr *q)
{
	return q->remote.all.flying == 0;
}

void
remote_stats(const struct qmgr *q, struct buf *out)
{
	const struct remote *re = &q->remote;
	const struct stats_row rows[] = {
		{ "destinations", re->all.n },
		{ "destinations_dead", re->all.dead },
		{ "remote_jobs", re->all.flying },
		{ "remote_waiting", re->all.items },
		{ "remote_parked", re->all.parked },
		{ "remote_jobs_total", re->jobs },
		{ "remote_unreachable_total", re->unreached },
	};

	stats_rows_put(out, "queue", rows, NITEMS(rows));
}

void
remote_take_conf(struct qmgr *q)
{
	const struct qmgr_conf *c = q->conf;
	const uint64_t first = c->destination_concurrency, most = c->destination_concurrency_max;
	const uint64_t retry_ms = c->destination_retry < c->minimal_backoff ? c->destination_retry
									    : c->minimal_backoff;

	q->remote.conf =
		(struct destination_conf){ .window_first = (uint32_t)(first < most ? first : most),
			.window_max = (uint32_t)most,
			.jobs_max = (uint32_t)c->outbound_jobs,
			.retry_us = retry_ms * 1000,
			.retry_max_us = c->maximal_backoff * 1000 };
}

void
remote_init(struct qmgr *q)
{
	struct remote *re = &q->remote;

	remote_take_conf(q);
	destinations_init(&re->all, &re->conf, remote_is_parked_id, q);
	re->pump = event_new(q->d->base, -1, 0, on_pump, q);
	re->gather = evtimer_new(q->d->base, on_pump, q);
	re->wake = evtimer_new(q->d->base, on_pump, q);
	ASSERT(re->pump != NULL && re->gather != NULL && re->wake != NULL);
	re->n = q->d->instances[SERVICE_SMTP_CLIENT];
	re->links = xcalloc(re->n + 1, sizeof(struct link *));
	for (unsigned i = 0; i < re->n; i++) {
		re->links[i] = daemon_link(q->d, SERVICE_SMTP_CLIENT, i, NULL, 0);
		link_open(re->links[i]);
	}
}

/* What waits is in the queue, and is tried at the next start. */
void
remote_stop(struct qmgr *q)
{
	struct remote *re = &q->remote;
	struct dest_item_list items = TAILQ_HEAD_INITIALIZER(items);
	struct dest_item *item, *next;

	for (uint32_t i = 0; i < re->all.numbered_cap; i++)
		if (re->all.numbered[i] != NULL)
			destination_take_back(
				&re->all, re->all.numbered[i], &items, clock_mono_us());
	for (item = TAILQ_FIRST(&items); item != NULL; item = next) {
		struct job *j = remote_job_of(item);

		next = TAILQ_NEXT(item, link);
		buf_free(&j->target);
		free(j);
	}
	destinations_free(&re->all);
	event_free(re->pump);
	event_free(re->gather);
	event_free(re->wake);
}
