/* SPDX-License-Identifier: ISC */
/*
 * qmgr/schedule.c - which message is next: rings of those that are ready, a heap of those that
 * wait. Nothing is polled: one timer stands at the first that is due.
 *
 * Runs in:  qmgr.
 */
#include <stdlib.h>

#include "clock.h"
#include "err.h"
#include "qmgr.h"

#define RUN_AT_ONCE 200 /* messages started before others have their turn */

uint64_t
now_s(void)
{
	return clock_wall_us() / 1000000;
}

/* ---- the rings ---- */

/* What was tried before stands in a line of its own, so that a million of those does not
 * keep the mail of this minute waiting. */
void
schedule_ready(struct qmgr *q, struct entry *e)
{
	const bool retried = (e->flags & ENTRY_TRIED) != 0 || e->attempts > 0;

	index_unschedule(&q->index, e);
	index_enter(&q->index, e, ENTRY_READY);
	ring_put(retried ? &q->retried : &q->fresh, e->id);
	schedule_run(q);
}

/* Those in memory that wait for the mover count, too. */
static bool
may_start(const struct qmgr *q, const struct ring *r)
{
	return r->n > 0 &&
	       q->active_rcpts < (r == &q->fresh ? ACTIVE_RCPTS_MAX : RETRIED_RCPTS_MAX) &&
	       q->n_loaded < 2 * LOADED_MAX;
}

void
schedule_run(struct qmgr *q)
{
	if ((may_start(q, &q->fresh) || may_start(q, &q->retried)) && !qmgr_is_ending(q))
		event_active(q->run, EV_TIMEOUT, 1);
}

/* ---- starting one ---- */

/* One that waits where its message is parked is woken from there, or when it is too old. */
static bool
rcpt_is_due(const struct qmgr *q, const struct message *m, const struct queue_rcpt *r, uint64_t now)
{
	if (rcpt_is_done(r) || (r->flags & RCPT_BUSY) != 0)
		return false;
	if (r->suspended && remote_is_parked(q, m, r))
		return now >= remote_parked_until_s(q, m);
	return r->status == RCPT_PENDING || r->next_s <= now;
}

void
schedule_deliver(struct qmgr *q, struct message *m)
{
	const uint64_t now = now_s();
	struct entry *e = m->entry;
	unsigned n = 0;
	uint32_t i = 0;

	if (m->jobs == 0)
		m->active_us = clock_wall_us();
	if ((e->flags & ENTRY_LOGGED) == 0)
		line_active(m);
	e->flags |= ENTRY_LOGGED;
	m->jobs++; /* so that it does not settle under our hands */
	m->starting = true;
	for (; i < m->state.n && n < MESSAGE_RCPTS_MAX && m->jobs <= MESSAGE_RCPTS_MAX; i++)
		if (rcpt_is_due(q, m, &m->state.rcpts[i], now)) {
			deliver_rcpt(q, m, i);
			n++;
		}
	m->starting = false;
	m->more = i < m->state.n;
	if (--m->jobs == 0)
		message_settle(q, m);
}

void
schedule_more(struct qmgr *q, struct message *m)
{
	if (!m->starting && !compact_is_due(q, m) && m->reports.pending == 0 && !m->deleted &&
		!m->returned && !m->state.held && !qmgr_is_ending(q) &&
		m->entry->state == ENTRY_ACTIVE && !verify_is_needed(m))
		schedule_deliver(q, m);
}

static void
start(struct qmgr *q, struct entry *e)
{
	struct message *m;
	int r;

	if ((r = message_load(q, e)) < 0) {
		message_unreadable(q, e, r);
		return;
	}
	m = e->msg;
	if (m->state.held) {
		message_settle(q, m);
		return;
	}
	if (e->flags & ENTRY_FLUSHED) { /* the operator said: now */
		e->flags &= (uint8_t)~ENTRY_FLUSHED;
		m->reports.again_s = 0;
		if (m->state.suspended > 0)
			remote_hurry(q, m);
		ASSERT(queue_state_apply(&m->state,
			       &(struct queue_event){ .kind = QUEUE_EVENT_FLUSHED }, 0) == ERR_OK);
	}
	index_enter(&q->index, e, ENTRY_ACTIVE);
	if (!verify_is_needed(m))
		schedule_deliver(q, m);
	else if ((r = verify_start(q, m)) < 0)
		message_unreadable(q, e, r);
}

static void
start_next(struct qmgr *q, struct ring *r)
{
	struct entry *e;

	if (!may_start(q, r))
		return;
	e = index_find(&q->index, ring_take(r));
	if (e != NULL && e->state == ENTRY_READY)
		start(q, e);
}

static void
on_run(evutil_socket_t fd, short what, void *arg)
{
	struct qmgr *q = arg;

	for (unsigned n = 0; n < RUN_AT_ONCE; n += 2) {
		start_next(q, &q->fresh);
		start_next(q, &q->retried);
	}
	schedule_run(q);
}

/* ---- those that wait ---- */

static void
on_due(evutil_socket_t fd, short what, void *arg)
{
	struct qmgr *q = arg;
	const uint64_t now = now_s();
	struct entry *e;

	while ((e = index_first_due(&q->index)) != NULL && e->due_s <= now)
		schedule_ready(q, e);
	schedule_due(q);
}

void
schedule_due(struct qmgr *q)
{
	const struct entry *e = index_first_due(&q->index);
	const uint64_t now = now_s();
	struct timeval wait = { 0, 0 };

	if (e == NULL || qmgr_is_ending(q))
		return;
	/* at most a minute: the wall clock may be set */
	if (e->due_s > now)
		wait.tv_sec = (time_t)(e->due_s - now < 60 ? e->due_s - now : 60);
	evtimer_add(q->due, &wait);
}

int
schedule_init(struct qmgr *q)
{
	q->run = event_new(q->d->base, -1, 0, on_run, q);
	q->due = evtimer_new(q->d->base, on_due, q);
	return q->run == NULL || q->due == NULL ? ERR_RESOURCE : ERR_OK;
}
