/* SPDX-License-Identifier: ISC */
/*
 * qmgr/operator_stats.c - STATS: counters; SHAPE: how many wait for which domain how long.
 *
 * Runs in:  qmgr. Trusts: master's word that it is the operator.
 */
#include <stdlib.h>

#include "clock.h"
#include "err.h"
#include "operator.h"

/* ---- STATS ---- */

void
operator_fill_stats(struct qmgr *q, struct queue_stats_answer *s)
{
	*s = q->stats;
	s->messages = q->index.live;
	s->deferred = q->index.counts[ENTRY_DEFERRED];
	s->held = q->index.counts[ENTRY_HELD];
	s->active = q->index.counts[ENTRY_ACTIVE] + q->index.counts[ENTRY_READY];
	s->segments = q->journal.n_segments;
	s->segments_busy = s->segments - journal_free_segments(&q->journal);
	s->memory_octets = q->memory;
}

void
operator_stats(struct ipc_call *call, const void *msg)
{
	struct daemon *d = call->ctx;
	struct queue_stats_answer a;

	operator_fill_stats(d->ctx, &a);
	queue_stats_answer_encode(ipc_compose(call->channel), &a);
	ipc_reply(call->channel, call->id, QUEUE_STATS_ANSWER, NULL, 0);
}

/* ---- SHAPE ---- */

/* Counts by domains' numbers; a domain with a count is kept until the end. */
struct shape {
	struct qmgr *q;
	struct ipc_channel *channel; /* NULL: the operator has left */
	uint32_t call_id;
	struct queue_shape m;
	uint64_t at, now_us;
	struct event *next;
	struct shape_row {
		uint64_t total;
		uint32_t ages[QUEUE_SHAPE_AGES];
	} * rows;
	uint32_t n_rows;
	struct queue_shape_answer a;
	TAILQ_ENTRY(shape) link;
};

static void
count(struct shape *s, uint32_t domain, unsigned column, uint32_t n)
{
	struct shape_row *row;

	if (domain >= s->n_rows) {
		const uint32_t more = domain + domain / 2 + 64;

		s->rows = xrealloc(s->rows, more * sizeof(*s->rows));
		memset(s->rows + s->n_rows, 0, (more - s->n_rows) * sizeof(*s->rows));
		s->n_rows = more;
	}
	row = &s->rows[domain];
	if (row->total == 0) {
		s->a.n_domains++;
		domains_keep(&s->q->index.domains, domain);
	}
	row->total += n;
	row->ages[column] += n;
	s->a.total[column] += n;
}

static void
count_name(struct shape *s, struct bytes domain, unsigned column, uint32_t n)
{
	struct domains *d = &s->q->index.domains;
	const uint32_t number = domains_take(d, domain);

	count(s, number, column, n);
	domains_release(d, number);
}

/* By the message itself, which is in memory. */
static void
count_state(struct shape *s, const struct queue_state *state, unsigned column)
{
	if (s->m.senders) {
		count_name(s, address_domain(state->envelope.reverse_path), column, state->left);
		return;
	}
	for (uint32_t i = 0; i < state->n; i++)
		if (!rcpt_is_done(&state->rcpts[i]))
			count_name(s, address_domain(state->rcpts[i].address), column, 1);
}

/* true: its file was read for this */
static bool
count_entry(struct shape *s, struct entry *e)
{
	const uint64_t at = queue_id_time_us(e->id);
	const unsigned column = queue_shape_column(s->now_us > at ? (s->now_us - at) / 1000000 : 0);
	const uint32_t domain = s->m.senders ? e->from_domain : e->to_domain;

	if (e->state == ENTRY_COMMITTING ||
		(s->m.states != 0 && (s->m.states & 1u << entry_told_state(e)) == 0))
		return false;
	if (e->flags & ENTRY_UNREAD) {
		s->a.unread++;
		return false;
	}
	if (e->msg != NULL) {
		count_state(s, &e->msg->state, column);
		return false;
	}
	if (domain != DOMAINS_SEVERAL) {
		count(s, domain, column, e->rcpts_left);
		return false;
	}
	if (message_load(s->q, e) < 0)
		return true;
	count_state(s, &e->msg->state, column);
	operator_unload(s->q, e, true);
	return true;
}

/* Those with the most into the answer, in order: it is short, so each is put at its place. */
static void
choose(struct shape *s, uint32_t *chosen)
{
	const uint32_t max = s->m.max < QUEUE_SHAPE_MAX ? s->m.max : QUEUE_SHAPE_MAX;
	uint32_t n = 0;

	for (uint32_t i = 0; i < s->n_rows; i++) {
		uint32_t at = n;

		if (s->rows[i].total == 0)
			continue;
		while (at > 0 && s->rows[chosen[at - 1]].total < s->rows[i].total)
			at--;
		if (at >= max)
			continue;
		if (n < max)
			n++;
		memmove(chosen + at + 1, chosen + at, (n - at - 1) * sizeof(*chosen));
		chosen[at] = i;
	}
	s->a.n = n;
}

static void
shape_answer(struct shape *s)
{
	uint32_t chosen[QUEUE_SHAPE_MAX];

	choose(s, chosen);
	for (uint32_t i = 0; i < s->a.n; i++) {
		s->a.rows[i].domain = domains_name(&s->q->index.domains, chosen[i]);
		for (unsigned k = 0; k < QUEUE_SHAPE_AGES; k++)
			s->a.rows[i].ages[k] = s->rows[chosen[i]].ages[k];
	}
	queue_shape_answer_encode(ipc_compose(s->channel), &s->a);
	ipc_reply(s->channel, s->call_id, QUEUE_SHAPE_ANSWER, NULL, 0);
}

static void
shape_free(struct shape *s)
{
	TAILQ_REMOVE(&s->q->shapes, s, link);
	for (uint32_t i = 0; i < s->n_rows; i++)
		if (s->rows[i].total > 0)
			domains_release(&s->q->index.domains, i);
	free(s->rows);
	event_free(s->next);
	free(s);
}

static void
on_shape_turn(evutil_socket_t fd, short what, void *arg)
{
	struct shape *s = arg;
	struct index *x = &s->q->index;
	struct turn turn = turn_begin();
	struct entry *e = NULL;
	bool over = s->channel == NULL;

	while (!over && (e = index_next(x, s->at)) != NULL) {
		s->at = e->id;
		over = turn_is_over(&turn, count_entry(s, e));
	}
	if (s->channel != NULL && e != NULL) {
		turn_again(s->q, &turn, s->next);
		return;
	}
	if (s->channel != NULL)
		shape_answer(s);
	shape_free(s);
}

void
operator_shape(struct ipc_call *call, const void *msg)
{
	struct daemon *d = call->ctx;
	struct shape *s = xcalloc(1, sizeof(*s));

	s->q = d->ctx;
	s->m = *(const struct queue_shape *)msg;
	s->channel = call->channel;
	s->call_id = call->id;
	s->now_us = clock_wall_us();
	s->next = evtimer_new(s->q->d->base, on_shape_turn, s);
	ASSERT(s->next != NULL);
	TAILQ_INSERT_TAIL(&s->q->shapes, s, link);
	on_shape_turn(-1, 0, s);
}

void
shapes_peer_down(struct qmgr *q, const struct ipc_channel *channel)
{
	struct shape *s;

	TAILQ_FOREACH (s, &q->shapes, link)
		if (s->channel == channel)
			s->channel = NULL;
}
