/* SPDX-License-Identifier: ISC */
/*
 * qmgr/sync.c - delivered in company: what the deliverers have written is made durable by
 * one sync of the mail root for all, and only then recorded as delivered.
 *
 * A SYNC covers what was answered "written" before it was asked for. Until it succeeds the
 * queue's own copy is the durable one; if it fails, the recipients are delivered again (the
 * deliverer finds its own file by its name, so there is one).
 *
 * Runs in:  qmgr.
 */
#include <stdlib.h>

#include "clock.h"
#include "err.h"
#include "log.h"
#include "qmgr.h"

static void sync_ask(struct syncer *s);

/* Flushes of the journal stand still beside a sync (one disk, mostly one file system's log): it
 * gets a tenth of the time. Nobody waits for it: the mail can be read already. */
static uint64_t
interval_us(const struct syncer *s)
{
	const uint64_t us = s->took_us * 10;

	return us < SYNC_INTERVAL_MS * 1000 ? SYNC_INTERVAL_MS * 1000
	       : us > SYNC_SELDOM_MS * 1000 ? SYNC_SELDOM_MS * 1000
					    : us;
}

static void
arm(struct syncer *s)
{
	const uint64_t us = interval_us(s);
	const struct timeval wait = { (time_t)(us / 1000000), (suseconds_t)(us % 1000000) };

	if (!evtimer_pending(s->timer, NULL))
		evtimer_add(s->timer, &wait);
}

static void
on_synced(void *arg, const struct ipc_answer *answer)
{
	struct syncer *s = arg;
	struct ipc_reader in = ipc_reader(answer->body);
	struct delivery_sync_result result;
	struct job_list done = TAILQ_HEAD_INITIALIZER(done);
	struct job *j;
	const bool ok = answer->err == ERR_OK && answer->type == DELIVERY_SYNC_RESULT &&
			delivery_sync_result_decode(&in, &result) == ERR_OK &&
			result.status == DELIVERY_WRITTEN;

	s->flying = false;
	s->took_us = clock_mono_us() - s->asked_us;
	TAILQ_CONCAT(&done, &s->syncing, link);
	if (!ok && answer->err == ERR_OK && log_pace(&s->q->told.mailboxes))
		log_error("the mailboxes could not be synced: deliveries are repeated");
	while ((j = TAILQ_FIRST(&done)) != NULL) {
		TAILQ_REMOVE(&done, j, link);
		if (ok)
			job_delivered(j);
		else
			job_again(j, "not synced");
	}
	if (s->n_written >= SYNC_AFTER)
		sync_ask(s);
	else if (s->n_written > 0)
		arm(s);
}

static void
sync_ask(struct syncer *s)
{
	struct outlet *o = s->outlets;

	if (s->flying || s->n_written == 0 || s->n == 0)
		return;
	for (unsigned i = 0; i < s->n; i++) { /* any of them serves: one that is there */
		o = &s->outlets[s->next++ % s->n];
		if (link_is_up(o->link))
			break;
	}
	evtimer_del(s->timer);
	s->flying = true;
	s->asked_us = clock_mono_us();
	s->n_written = 0;
	TAILQ_CONCAT(&s->syncing, &s->written, link);
	buf_clear(link_compose(o->link));
	link_request(o->link, DELIVERY_SYNC, NULL, 0, REQUEST_TIMEOUT_MS, on_synced, s);
}

static void
on_timer(evutil_socket_t fd, short what, void *arg)
{
	sync_ask(arg);
}

static void
on_gathered(evutil_socket_t fd, short what, void *arg)
{
	deliver_gathered(arg);
}

void
sync_written(struct job *j)
{
	struct syncer *s = j->outlet->syncer;

	TAILQ_INSERT_TAIL(&s->written, j, link);
	if (++s->n_written >= SYNC_AFTER || qmgr_is_ending(s->q))
		sync_ask(s);
	else
		arm(s);
}

void
sync_init(struct qmgr *q, struct syncer *s, enum service service)
{
	s->q = q;
	s->n = q->d->instances[service];
	s->outlets = xcalloc(s->n + 1, sizeof(*s->outlets));
	TAILQ_INIT(&s->written);
	TAILQ_INIT(&s->syncing);
	s->timer = evtimer_new(q->d->base, on_timer, s);
	s->gather = evtimer_new(q->d->base, on_gathered, s);
	ASSERT(s->timer != NULL && s->gather != NULL);
	for (unsigned i = 0; i < s->n; i++) {
		struct outlet *o = &s->outlets[i];

		o->q = q;
		o->syncer = s;
		o->link = daemon_link(q->d, service, i, NULL, 0);
		TAILQ_INIT(&o->waiting);
		link_open(o->link);
	}
}
