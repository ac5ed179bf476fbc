/* SPDX-License-Identifier: ISC */
/*
 * qmgr/operator_orders.c - what the operator orders: hold, release, flush, retry, delete, bounce
 * and requeue one message, or all that a filter lets through.
 *
 * Orders for many go in slices, so that mail goes on meanwhile; after ORDER_US the answer tells
 * what was done so far and where to ask on.
 *
 * Runs in:  qmgr. Trusts: master's word that it is the operator.
 */
#include <stdlib.h>

#include "clock.h"
#include "err.h"
#include "log.h"
#include "operator.h"

/* ---- one message ---- */

static void
tell(const struct entry *e, const char *what)
{
	char id[QUEUE_ID_TEXT_SIZE];

	log_info("%s: %s by the operator", queue_id_text(e->id, id), what);
}

static void
settle(struct qmgr *q, struct entry *e)
{
	if (e->msg->jobs == 0 && e->state != ENTRY_READY)
		message_settle(q, e->msg);
}

static int
set_held(struct qmgr *q, struct entry *e, bool held)
{
	struct queue_event event = { .rcpt = QUEUE_EVENT_MESSAGE,
		.kind = held ? QUEUE_EVENT_HELD : QUEUE_EVENT_RELEASED };

	if (e->msg->state.held == held)
		return ERR_EXISTS;
	tell(e, held ? "held" : "released");
	message_event(q, e->msg, &event);
	settle(q, e);
	return ERR_OK;
}

static int
order_hold(struct qmgr *q, struct entry *e)
{
	return set_held(q, e, true);
}

static int
order_release(struct qmgr *q, struct entry *e)
{
	return set_held(q, e, false);
}

static int
order_flush(struct qmgr *q, struct entry *e)
{
	if (entry_told_state(e) == QUEUE_STATE_HOLD)
		return ERR_DENIED; /* release it first */
	e->flags |= ENTRY_FLUSHED;
	if (e->state == ENTRY_DEFERRED)
		schedule_ready(q, e);
	return ERR_OK;
}

static int
order_retry(struct qmgr *q, struct entry *e)
{
	const uint64_t id = e->id;

	if (e->msg->state.held && set_held(q, e, false) == ERR_OK &&
		(e = index_find(&q->index, id)) == NULL)
		return ERR_OK; /* it only waited for its report */
	return order_flush(q, e);
}

static int
order_delete(struct qmgr *q, struct entry *e)
{
	q->stats.deleted++;
	tell(e, "deleted");
	if (e->msg->jobs > 0)
		e->msg->deleted = true; /* ends when they are back */
	else
		message_finish(q, e, "deleted by the operator");
	return ERR_OK;
}

void
operator_bounce_rest(struct qmgr *q, struct message *m)
{
	struct queue_event event = { .kind = QUEUE_EVENT_BOUNCED,
		.code = BYTES_LITERAL("5.7.0"),
		.text = BYTES_LITERAL("returned by the operator of the mail system") };

	for (uint32_t i = 0; i < m->state.n; i++) {
		const struct queue_rcpt *r = &m->state.rcpts[i];

		if (rcpt_is_done(r) || (r->flags & RCPT_BUSY) != 0)
			continue;
		event.rcpt = i;
		q->stats.bounced++;
		line_returned(m, i, "5.7.0", "returned by the operator of the mail system");
		message_event(q, m, &event);
	}
}

/* Those on their way come back first: message_settle(). */
static int
order_bounce(struct qmgr *q, struct entry *e)
{
	if (e->msg->reports.pending == 0) /* or they would count as told of */
		operator_bounce_rest(q, e->msg);
	if (e->msg->jobs > 0)
		e->msg->returned = true;
	else
		message_settle(q, e->msg);
	return ERR_OK;
}

static uint32_t
root_of(const struct queue_state *s, uint32_t i)
{
	while (s->rcpts[i].parent != RCPT_NO_PARENT)
		i = s->rcpts[i].parent;
	return i;
}

/* What aliases made of recipients, and is not delivered, is forgotten, and the aliases are looked
 * up again; who has it already does not get it again (expand.c). */
static int
order_requeue(struct qmgr *q, struct entry *e)
{
	struct queue_event event = { .kind = QUEUE_EVENT_REQUEUED };
	struct queue_state *s = &e->msg->state;

	if (s->held)
		return ERR_DENIED;
	if (s->left == 0)
		return ERR_EXISTS; /* nothing to look up: it waits for its report */
	tell(e, "requeued");
	for (uint32_t i = 0; i < s->n; i++) {
		const uint32_t root = root_of(s, i);

		if (rcpt_is_done(&s->rcpts[i]) || (s->rcpts[i].flags & RCPT_BUSY) != 0)
			continue;
		if (root != i && s->rcpts[root].status == RCPT_EXPANDED) {
			event.rcpt = root; /* first: a power cut in between loses nothing */
			message_event(q, e->msg, &event);
		}
		event.rcpt = i;
		message_event(q, e->msg, &event);
	}
	settle(q, e);
	return order_flush(q, e);
}

static const struct order_row {
	/* ERR_OK: done; ERR_EXISTS: it is so already; ERR_DENIED: it is held */
	int (*run)(struct qmgr *q, struct entry *e);
	bool loaded;       /* the message must be in memory */
	bool busy_matters; /* what is under way goes its way: told */
	bool revives;      /* destinations that gave no answer are tried again */
} rows[QUEUE_ORDER_VERBS] = {
	[QUEUE_ORDER_HOLD] = { order_hold, true, true, false },
	[QUEUE_ORDER_RELEASE] = { order_release, true, false, false },
	[QUEUE_ORDER_FLUSH] = { order_flush, false, false, true },
	[QUEUE_ORDER_DELETE] = { order_delete, true, true, false },
	[QUEUE_ORDER_RETRY] = { order_retry, true, false, true },
	[QUEUE_ORDER_BOUNCE] = { order_bounce, true, true, false },
	[QUEUE_ORDER_REQUEUE] = { order_requeue, true, false, true },
};

static int
order_one(struct order *o, struct entry *e)
{
	const struct order_row *row = &rows[o->verb];
	const uint64_t id = e->id;
	const bool loaded = row->loaded && e->msg == NULL;
	bool busy;
	int r;

	if (row->loaded && (r = message_load(o->q, e)) < 0)
		return r;
	if (e->msg != NULL && e->msg->deleted)
		return ERR_NOT_FOUND;
	busy = row->busy_matters && e->msg != NULL && e->msg->jobs > 0;
	r = row->run(o->q, e);
	if (r == ERR_OK) {
		o->a.n++;
		o->a.n_busy += busy;
	}
	if (loaded && (e = index_find(&o->q->index, id)) != NULL)
		operator_unload(o->q, e, true);
	return r;
}

/* ---- its end ---- */

static void
order_free(struct order *o)
{
	if (o->next != NULL)
		event_free(o->next);
	filter_free(&o->filter);
	free(o);
}

/* What was ordered is told as done when it is durable: flush.c calls back. */
static void
order_done(struct order *o)
{
	TAILQ_INSERT_TAIL(&o->q->orders_gathered, o, link);
	flush_soon(o->q);
}

void
operator_flushed(struct order_list *orders, int err)
{
	struct order *o;

	while ((o = TAILQ_FIRST(orders)) != NULL) {
		TAILQ_REMOVE(orders, o, link);
		if (err < 0)
			o->a.err = err;
		if (o->channel != NULL) {
			queue_order_answer_encode(ipc_compose(o->channel), &o->a);
			ipc_reply(o->channel, o->call_id, QUEUE_ORDER_ANSWER, NULL, 0);
		}
		order_free(o);
	}
}

void
operator_peer_down(struct qmgr *q, struct ipc_channel *channel)
{
	struct order_list *lists[] = { &q->orders, &q->orders_gathered, &q->orders_flying };
	struct order *o;

	for (size_t i = 0; i < NITEMS(lists); i++)
		TAILQ_FOREACH (o, lists[i], link)
			if (o->channel == channel)
				o->channel = NULL;
	listings_peer_down(q, channel);
	shapes_peer_down(q, channel);
}

/* ---- many ---- */

static void
order_means(struct order *o, struct entry *e, bool *loaded)
{
	const uint64_t id = e->id;

	if (!operator_means(o->q, &o->filter, e, loaded))
		return;
	o->a.n_held += order_one(o, e) == ERR_DENIED;
	if (*loaded && (e = index_find(&o->q->index, id)) != NULL)
		operator_unload(o->q, e, true);
}

static void
on_slice(evutil_socket_t fd, short what, void *arg)
{
	struct order *o = arg;
	struct index *x = &o->q->index;
	struct turn turn = turn_begin();
	struct entry *e;
	bool over = false;

	filter_turn(&o->filter, x);
	while ((e = index_next(x, o->at)) != NULL && !over) {
		const uint64_t n = o->a.n;
		bool loaded;

		o->at = e->id;
		order_means(o, e, &loaded);
		over = turn_is_over(&turn, loaded || o->a.n != n);
	}
	if (e != NULL && (!o->asked || clock_mono_us() < o->until_us)) {
		turn_again(o->q, &turn, o->next);
		return;
	}
	o->a.next_id = e == NULL ? 0 : o->at + 1;
	TAILQ_REMOVE(&o->q->orders, o, link);
	order_done(o);
}

static struct order *
order_new(struct qmgr *q, uint32_t verb, const struct queue_filter *filter)
{
	struct order *o = xcalloc(1, sizeof(*o));

	o->q = q;
	o->verb = verb;
	filter_init(&o->filter, filter);
	return o;
}

static void
order_many(struct order *o)
{
	o->until_us = clock_mono_us() + ORDER_US;
	o->next = evtimer_new(o->q->d->base, on_slice, o);
	ASSERT(o->next != NULL);
	TAILQ_INSERT_TAIL(&o->q->orders, o, link);
	on_slice(-1, 0, o);
}

void
operator_hold_login(struct qmgr *q, struct bytes login)
{
	const struct queue_filter f = { .login = bytes_head(login, QUEUE_LOGIN_MAX) };

	order_many(order_new(q, QUEUE_ORDER_HOLD, &f));
}

void
operator_order(struct ipc_call *call, const void *msg)
{
	const struct queue_order *m = msg;
	struct daemon *d = call->ctx;
	struct qmgr *q = d->ctx;
	struct order *o = order_new(q, m->verb, &m->filter);
	struct entry *e;

	o->channel = call->id == 0 ? NULL : call->channel;
	o->asked = call->id != 0;
	o->call_id = call->id;
	o->at = m->from_id == 0 ? 0 : m->from_id - 1;
	if (m->queue_id == 0) {
		order_many(o);
		return;
	}
	e = index_find(&q->index, m->queue_id);
	o->a.err = e == NULL || e->state == ENTRY_COMMITTING ? ERR_NOT_FOUND : order_one(o, e);
	if (o->a.err == ERR_EXISTS)
		o->a.err = ERR_OK;
	order_done(o);
}
