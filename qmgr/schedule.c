/* SPDX-License-Identifier: ISC */
/*
 * qmgr/schedule.c - which message is next: a ring of those that are ready, a heap of those
 * that wait. Nothing is polled: one timer stands at the first that is due.
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

/* ---- the ring ---- */

static void
ring_put(struct qmgr *q, uint64_t id)
{
	if (q->ready_n == q->ready_cap) {
		size_t cap = q->ready_cap == 0 ? 1024 : q->ready_cap * 2;
		uint64_t *ring = xmalloc(cap * sizeof(*ring));

		for (size_t i = 0; i < q->ready_n; i++)
			ring[i] = q->ready[(q->ready_first + i) % q->ready_cap];
		free(q->ready);
		q->ready = ring;
		q->ready_first = 0;
		q->ready_cap = cap;
	}
	q->ready[(q->ready_first + q->ready_n++) % q->ready_cap] = id;
}

static uint64_t
ring_take(struct qmgr *q)
{
	const uint64_t id = q->ready[q->ready_first];

	q->ready_first = (q->ready_first + 1) % q->ready_cap;
	q->ready_n--;
	return id;
}

void
schedule_ready(struct qmgr *q, struct entry *e)
{
	index_unschedule(&q->index, e);
	e->state = ENTRY_READY;
	ring_put(q, e->id);
	schedule_run(q);
}

/* Those in memory that wait for the mover count, too. */
static bool
may_start(const struct qmgr *q)
{
	return q->active_rcpts < ACTIVE_RCPTS_MAX && q->n_loaded < 2 * LOADED_MAX;
}

void
schedule_run(struct qmgr *q)
{
	if (q->ready_n > 0 && may_start(q) && !q->d->draining)
		event_active(q->run, EV_TIMEOUT, 1);
}

/* ---- starting one ---- */

static bool
rcpt_is_due(const struct queue_rcpt *r, uint64_t now)
{
	return !rcpt_is_done(r) && (r->flags & RCPT_BUSY) == 0 &&
	       (r->status == RCPT_PENDING || r->next_s <= now);
}

static void
start(struct qmgr *q, struct entry *e)
{
	const uint64_t now = now_s();
	struct message *m;
	unsigned n = 0;
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
		ASSERT(queue_state_apply(&m->state,
			       &(struct queue_event){ .kind = QUEUE_EVENT_FLUSHED }, 0) == ERR_OK);
	}
	m->active_us = clock_wall_us();
	e->state = ENTRY_ACTIVE;
	if ((e->flags & ENTRY_LOGGED) == 0)
		line_active(m);
	e->flags |= ENTRY_LOGGED;
	m->jobs++; /* so that it does not settle under our hands */
	for (uint32_t i = 0; i < m->state.n && n < MESSAGE_RCPTS_MAX; i++)
		if (rcpt_is_due(&m->state.rcpts[i], now)) {
			deliver_rcpt(q, m, i);
			n++;
		}
	if (--m->jobs == 0)
		message_settle(q, m);
}

static void
on_run(evutil_socket_t fd, short what, void *arg)
{
	struct qmgr *q = arg;
	unsigned n = 0;

	while (q->ready_n > 0 && may_start(q) && n++ < RUN_AT_ONCE) {
		struct entry *e = index_find(&q->index, ring_take(q));

		if (e != NULL && e->state == ENTRY_READY)
			start(q, e);
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

	if (e == NULL || q->d->draining)
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
