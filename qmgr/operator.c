/* SPDX-License-Identifier: ISC */
/*
 * qmgr/operator.c - LIST: what waits, by pages, and what the operator's questions share.
 *
 * A question looks at as many messages as it can within TURN_US; the operator's command asks on.
 * What is not in memory is read only if the index cannot say that it is not meant (filter.h).
 *
 * Runs in:  qmgr. Trusts: master's word that it is the operator.
 */
#include "operator.h"

#include <stdlib.h>

#include "clock.h"
#include "err.h"

/* ---- what all share ---- */

struct turn
turn_begin(void)
{
	return (struct turn){ .begun_us = clock_mono_us() };
}

bool
turn_is_over(struct turn *t, bool read)
{
	t->read |= read;
	return (read || ++t->n % 64 == 0) &&
	       clock_mono_us() >= t->begun_us + (t->read ? READ_US : TURN_US);
}

uint64_t
turn_rest_us(const struct qmgr *q, const struct turn *t)
{
	if (!t->read || (q->n_waiting == 0 && q->active_rcpts == 0 && q->fresh.n == 0))
		return 0;
	return 2 * (clock_mono_us() - t->begun_us);
}

void
turn_again(const struct qmgr *q, const struct turn *t, struct event *next)
{
	const uint64_t us = PAUSE_US + turn_rest_us(q, t);
	const struct timeval pause = { (time_t)(us / 1000000), (suseconds_t)(us % 1000000) };

	evtimer_add(next, &pause);
}

enum queue_told_state
entry_told_state(const struct entry *e)
{
	if (e->state == ENTRY_HELD || (e->msg != NULL && e->msg->state.held))
		return QUEUE_STATE_HOLD;
	return e->state == ENTRY_DEFERRED ? QUEUE_STATE_DEFERRED : QUEUE_STATE_ACTIVE;
}

struct bytes
operator_hop(const void *ctx, uint32_t rcpt)
{
	const struct message *m = ctx;

	return m->state.rcpts[rcpt].next_hop;
}

const struct destination *
operator_dead(struct qmgr *q, const struct entry *e, uint64_t *until_s)
{
	const struct destinations *ds = &q->remote.all;
	const struct destination *d = e->hop == 0 ? NULL : destination_numbered(ds, e->hop);
	const struct queue_state *s = &e->msg->state;
	const uint64_t now = clock_mono_us();

	for (uint32_t i = 0; i < s->n && s->suspended > 0 && d == NULL; i++)
		if (s->rcpts[i].suspended)
			d = destination_find(ds, s->rcpts[i].next_hop);
	if (d == NULL || d->state != DEST_DEAD)
		return NULL;
	*until_s = now_s() + (d->until_us > now ? (d->until_us - now) / 1000000 : 0);
	return d;
}

void
operator_unload(struct qmgr *q, struct entry *e, bool loaded)
{
	/* with events in the journal only, the state must stay until it moves */
	if (loaded && e->msg != NULL && e->msg->jobs == 0 && e->state != ENTRY_ACTIVE &&
		(e->flags & (ENTRY_IN_FILE | ENTRY_MOVING)) == ENTRY_IN_FILE)
		message_free(q, e->msg);
}

bool
operator_means(struct qmgr *q, const struct filter *f, struct entry *e, bool *loaded)
{
	const enum filter_verdict v = filter_entry(f, e, entry_told_state(e));
	bool is;

	*loaded = false;
	if (v != FILTER_READ)
		return v == FILTER_YES;
	*loaded = e->msg == NULL;
	if (message_load(q, e) < 0)
		return false;
	is = filter_state(f, &e->msg->state, e->size, entry_told_state(e), operator_hop, e->msg);
	if (!is)
		operator_unload(q, e, *loaded);
	return is;
}

/* ---- LIST ---- */

struct listing {
	struct qmgr *q;
	const struct queue_list *m; /* while it is gone through */
	struct queue_list_answer *a;
	struct arena arena;
	struct turn turn;
	/* the answer, kept until mail has had its time */
	struct ipc_channel *channel; /* NULL: the operator has left */
	uint32_t call_id;
	struct event *later;
	TAILQ_ENTRY(listing) link;
};

static void
fill_rcpt(struct listing *l, const struct message *m, uint32_t i, struct queue_list_rcpt *out)
{
	const struct queue_rcpt *r = &m->state.rcpts[i];

	out->number = i;
	out->address = arena_bytes(&l->arena, r->address);
	if (r->parent != RCPT_NO_PARENT)
		out->original = arena_bytes(&l->arena, m->state.rcpts[r->parent].address);
	out->code = arena_bytes(&l->arena, r->code);
	out->reason = arena_bytes(&l->arena, r->text);
	out->next_hop = arena_bytes(&l->arena, operator_hop(m, i));
	if (r->status == RCPT_DEFERRED)
		out->next_s = remote_is_parked(l->q, m, r) ? remote_told_next_s(l->q, m->entry)
							   : r->next_s;
	out->attempts = r->attempts;
}

/* The recipients from one on; the number where to go on, 0: all are told. */
static uint32_t
fill_rcpts(struct listing *l, const struct message *m, uint32_t from, struct queue_list_entry *out)
{
	struct queue_list_answer *a = l->a;

	out->first_rcpt = a->n_rcpts;
	for (uint32_t i = from; i < m->state.n; i++) {
		if (rcpt_is_done(&m->state.rcpts[i]))
			continue;
		if (l->m->max_rcpts != 0 && out->n_rcpts == l->m->max_rcpts)
			return 0;
		if (a->n_rcpts == QUEUE_LIST_RCPTS_MAX)
			return i;
		fill_rcpt(l, m, i, &a->rcpts[a->n_rcpts++]);
		out->n_rcpts++;
	}
	return 0;
}

/* Its destination, if that is why it waits. */
static void
fill_dead(struct listing *l, const struct entry *e, struct queue_list_entry *out)
{
	const struct destination *d = operator_dead(l->q, e, &out->dead_until_s);

	if (d == NULL)
		return;
	out->dead_hop = arena_bytes(&l->arena, d->next_hop);
	if (d->reason != NULL)
		out->dead_reason = arena_bytes(&l->arena, bytes_from_str(d->reason));
}

/* Details come from the message; read for this if it is not in memory. */
static uint32_t
fill(struct listing *l, struct entry *e, uint32_t from_rcpt)
{
	struct queue_list_entry *out = &l->a->entries[l->a->n++];
	const bool loaded = e->msg == NULL;
	const bool readable = message_load(l->q, e) == ERR_OK;
	uint32_t next = 0;

	out->queue_id = e->id;
	out->arrival_us = queue_id_time_us(e->id);
	out->size = e->size;
	out->state = entry_told_state(e);
	out->next_s = out->state == QUEUE_STATE_DEFERRED ? remote_told_next_s(l->q, e) : 0;
	out->attempts = e->attempts;
	out->rcpts_left = e->rcpts_left;
	out->continued = from_rcpt > 0;
	if (!readable)
		return 0;
	out->arrival_us = e->msg->state.envelope.arrival_us;
	out->attempts = queue_state_attempts(&e->msg->state);
	out->reverse_path = arena_bytes(&l->arena, e->msg->state.envelope.reverse_path);
	out->login = arena_bytes(&l->arena, e->msg->state.envelope.login);
	fill_dead(l, e, out);
	next = fill_rcpts(l, e->msg, from_rcpt, out);
	operator_unload(l->q, e, loaded);
	return next;
}

static bool
is_full(const struct listing *l)
{
	const uint32_t room = QUEUE_LIST_RCPTS_MAX - l->a->n_rcpts;
	const uint32_t want = l->m->max_rcpts == 0 ? 1 : l->m->max_rcpts;

	return l->a->n >= QUEUE_LIST_MAX || l->a->n >= l->m->max ||
	       room < (want < QUEUE_LIST_RCPTS_MAX ? want : QUEUE_LIST_RCPTS_MAX);
}

static void
list_turn(struct listing *l, struct filter *f)
{
	struct queue_list_answer *a = l->a;
	struct index *x = &l->q->index;
	struct entry *e = index_next(x, l->m->from_id == 0 ? 0 : l->m->from_id - 1);
	bool over = false;

	filter_turn(f, x);
	for (; e != NULL; e = index_next(x, e->id)) {
		bool means, loaded;

		if (over || is_full(l)) {
			a->more = true;
			a->next_id = e->id;
			return;
		}
		means = operator_means(l->q, f, e, &loaded);
		over = turn_is_over(&l->turn, loaded || means);
		if (!means)
			continue;
		a->next_rcpt = fill(l, e, e->id == l->m->from_id ? l->m->from_rcpt : 0);
		operator_unload(l->q, e, loaded);
		if (a->next_rcpt > 0) {
			a->more = true;
			a->next_id = e->id;
			return;
		}
	}
}

static void
list_answer(struct listing *l)
{
	if (l->channel != NULL) {
		queue_list_answer_encode(ipc_compose(l->channel), l->a);
		ipc_reply(l->channel, l->call_id, QUEUE_LIST_ANSWER, NULL, 0);
	}
	TAILQ_REMOVE(&l->q->listings, l, link);
	if (l->later != NULL)
		event_free(l->later);
	arena_reset(&l->arena);
	free(l->a);
	free(l);
}

static void
on_later(evutil_socket_t fd, short what, void *arg)
{
	list_answer(arg);
}

void
operator_list(struct ipc_call *call, const void *msg)
{
	const struct queue_list *m = msg;
	struct daemon *d = call->ctx;
	struct listing *l = xcalloc(1, sizeof(*l));
	struct filter f;

	*l = (struct listing){ .q = d->ctx,
		.m = m,
		.a = xcalloc(1, sizeof(*l->a)),
		.turn = turn_begin(),
		.channel = call->channel,
		.call_id = call->id };
	TAILQ_INSERT_TAIL(&l->q->listings, l, link);
	filter_init(&f, &m->filter);
	l->a->total = l->q->index.live;
	list_turn(l, &f);
	filter_free(&f);
	if (turn_rest_us(l->q, &l->turn) == 0) {
		list_answer(l);
		return;
	}
	l->later = evtimer_new(d->base, on_later, l);
	ASSERT(l->later != NULL);
	turn_again(l->q, &l->turn, l->later);
}

void
listings_peer_down(struct qmgr *q, const struct ipc_channel *channel)
{
	struct listing *l;

	TAILQ_FOREACH (l, &q->listings, link)
		if (l->channel == channel)
			l->channel = NULL;
}
