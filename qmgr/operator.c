/* SPDX-License-Identifier: ISC */
/*
 * qmgr/operator.c - what the operator asks and orders.
 *
 * Orders for all messages go in slices, so that mail goes on meanwhile.
 *
 * Runs in:  qmgr. Trusts: master's word that it is the operator.
 */
#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

#include "clock.h"
#include "err.h"
#include "log.h"
#include "qmgr.h"
#include "sys.h"

#define SLICE 100

/* ---- LIST ---- */

enum queue_told_state
entry_told_state(const struct entry *e)
{
	if (e->state == ENTRY_HELD || (e->msg != NULL && e->msg->state.held))
		return QUEUE_STATE_HOLD;
	return e->state == ENTRY_DEFERRED ? QUEUE_STATE_DEFERRED : QUEUE_STATE_ACTIVE;
}

/* Details come from the message; read for this if it is not in memory. */
static void
fill_details(struct qmgr *q, struct entry *e, struct queue_list_entry *out, struct arena *a)
{
	const bool loaded = e->msg != NULL;
	const struct queue_state *s;

	if (message_load(q, e) < 0)
		return;
	s = &e->msg->state;
	out->arrival_us = s->envelope.arrival_us;
	out->reverse_path = arena_bytes(a, s->envelope.reverse_path);
	for (uint32_t i = 0; i < s->n && out->n_rcpts < NITEMS(out->rcpts); i++) {
		if (rcpt_is_done(&s->rcpts[i]))
			continue;
		out->rcpts[out->n_rcpts].address = arena_bytes(a, s->rcpts[i].address);
		out->rcpts[out->n_rcpts++].reason = arena_bytes(a, s->rcpts[i].text);
	}
	if (!loaded)
		message_free(q, e->msg);
}

void
operator_list(struct ipc_call *call, const void *msg)
{
	const struct queue_list *m = msg;
	struct daemon *d = call->ctx;
	struct qmgr *q = d->ctx;
	struct queue_list_answer *a = xcalloc(1, sizeof(*a));
	struct arena arena = ARENA_INIT;
	const uint32_t max = m->max < QUEUE_LIST_MAX ? m->max : QUEUE_LIST_MAX;
	struct entry *e = index_next(&q->index, m->after_id);

	a->total = q->index.live;
	for (; e != NULL && a->n < max; e = index_next(&q->index, e->id)) {
		struct queue_list_entry *out = &a->entries[a->n];

		if (e->state == ENTRY_COMMITTING)
			continue;
		a->n++;
		out->queue_id = e->id;
		out->arrival_us = queue_id_time_us(e->id);
		out->size = e->size;
		out->state = entry_told_state(e);
		out->next_s = out->state == QUEUE_STATE_DEFERRED ? e->due_s : 0;
		out->attempts = e->attempts;
		out->rcpts_left = e->rcpts_left;
		fill_details(q, e, out, &arena);
	}
	a->more = e != NULL;
	queue_list_answer_encode(ipc_compose(call->channel), a);
	ipc_reply(call->channel, call->id, QUEUE_LIST_ANSWER, NULL, 0);
	arena_reset(&arena);
	free(a);
}

/* ---- SHOW ---- */

static void
put_time(struct buf *out, const char *name, uint64_t seconds)
{
	char date[CLOCK_DATE_SIZE];

	buf_printf(out, "%s: %s\n", name, clock_rfc5322_date((time_t)seconds, date));
}

static void
put_value(struct buf *out, const char *name, struct bytes value)
{
	if (value.n == 0)
		return;
	buf_printf(out, "%s: ", name);
	for (size_t i = 0; i < value.n; i++)
		buf_put_u8(out, value.p[i] < 0x20 || value.p[i] == 0x7f ? '?' : value.p[i]);
	buf_put_u8(out, '\n');
}

static void
put_rcpt(struct buf *out, const struct queue_state *s, const struct queue_rcpt *r)
{
	static const char *const statuses[RCPT_STATUSES] = { "waiting", "deferred", "delivered",
		"bounced", "expanded" };

	put_value(out, "recipient", r->address);
	if (r->parent != RCPT_NO_PARENT)
		put_value(out, "  of", s->rcpts[r->parent].address);
	buf_printf(out, "  status: %s, %u attempts\n", statuses[r->status], r->attempts);
	if (r->status == RCPT_DEFERRED)
		put_time(out, "  next", r->next_s);
	put_value(out, "  code", r->code);
	put_value(out, "  text", r->text);
}

static void
put_state(struct buf *out, const struct entry *e)
{
	static const char *const states[] = { "", "active", "deferred", "hold" };
	const struct queue_state *s = &e->msg->state;
	char id[QUEUE_ID_TEXT_SIZE];

	buf_printf(out, "id: %s\n", queue_id_text(e->id, id));
	buf_printf(out, "state: %s\n", states[entry_told_state(e)]);
	buf_printf(out, "kept in: %s\n", e->flags & ENTRY_IN_FILE ? "file" : "journal");
	put_time(out, "arrival", s->envelope.arrival_us / 1000000);
	buf_printf(out, "size: %llu\n", (unsigned long long)e->size);
	buf_put_str(out, "reverse-path: <");
	buf_put_bytes(out, s->envelope.reverse_path);
	buf_put_str(out, ">\n");
	put_value(out, "client", s->envelope.client_address);
	put_value(out, "client name", s->envelope.client_name);
	put_value(out, "helo", s->envelope.helo);
	put_value(out, "protocol", s->envelope.protocol);
	put_value(out, "session", s->envelope.session_id);
	put_value(out, "login", s->envelope.login);
	for (uint32_t i = 0; i < s->n; i++)
		put_rcpt(out, s, &s->rcpts[i]);
}

/* One fd with prefix and content: a memfd with both, or the file. */
static int
whole_content(struct qmgr *q, struct message *m, struct queue_show_answer *a)
{
	struct buf all = BUF_INIT;
	struct content c;
	int copy, r = content_find(q, m, &c);

	if (r < 0)
		return r;
	if (c.source.in_fd && c.prefix.n == 0) {
		a->content_offset = c.source.offset;
		a->content_size = c.source.size;
		copy = fcntl(c.fd, F_DUPFD_CLOEXEC, 0);
		return copy < 0 ? ERR_RESOURCE : copy;
	}
	buf_put_bytes(&all, c.prefix);
	if ((r = content_read(&c, UINT64_MAX, &all)) == ERR_OK && (r = sys_memfd("show")) >= 0) {
		copy = r;
		if ((r = sys_write_all(copy, buf_bytes(&all))) < 0)
			close(copy);
		else
			r = copy;
	}
	a->content_size = all.len;
	buf_free(&all);
	return r;
}

static int
show(struct qmgr *q, struct entry *e, struct queue_show_answer *a, int fds[2])
{
	struct buf text = BUF_INIT;
	int r;

	if ((fds[0] = whole_content(q, e->msg, a)) < 0)
		return fds[0];
	put_state(&text, e);
	a->state_size = text.len;
	fds[1] = sys_memfd("state");
	r = fds[1] < 0 ? fds[1] : sys_write_all(fds[1], buf_bytes(&text));
	buf_free(&text);
	if (r < 0) {
		close(fds[0]);
		if (fds[1] >= 0)
			close(fds[1]);
	}
	return r;
}

void
operator_show(struct ipc_call *call, const void *msg)
{
	const struct queue_show *m = msg;
	struct daemon *d = call->ctx;
	struct qmgr *q = d->ctx;
	struct queue_show_answer a = { 0 };
	struct entry *e = index_find(&q->index, m->queue_id);
	const bool loaded = e != NULL && e->msg != NULL;
	int fds[2] = { -1, -1 };

	if (e == NULL || e->state == ENTRY_COMMITTING)
		a.err = ERR_NOT_FOUND;
	else if ((a.err = message_load(q, e)) == ERR_OK)
		a.err = show(q, e, &a, fds);
	if (e != NULL && e->msg != NULL && !loaded)
		message_free(q, e->msg);
	queue_show_answer_encode(ipc_compose(call->channel), &a);
	ipc_reply(call->channel, call->id, QUEUE_SHOW_ANSWER, fds, a.err < 0 ? 0 : 2);
}

/* ---- orders ---- */

static void
set_held(struct qmgr *q, struct entry *e, bool held)
{
	struct queue_event event = { .rcpt = QUEUE_EVENT_MESSAGE,
		.kind = held ? QUEUE_EVENT_HELD : QUEUE_EVENT_RELEASED };

	message_event(q, e->msg, &event);
	if (e->msg->jobs == 0 && e->state != ENTRY_READY)
		message_settle(q, e->msg);
}

static int
flush_one(struct qmgr *q, struct entry *e)
{
	if (e->state == ENTRY_HELD || (e->msg != NULL && e->msg->state.held))
		return ERR_DENIED; /* release it first */
	e->flags |= ENTRY_FLUSHED;
	if (e->state == ENTRY_DEFERRED)
		schedule_ready(q, e);
	return ERR_OK;
}

/* ERR_OK if it was done to this one; ERR_EXISTS if it is so already. */
static int
order_one(struct qmgr *q, struct entry *e, enum queue_order_verb verb)
{
	char id[QUEUE_ID_TEXT_SIZE];
	int r;

	if (verb == QUEUE_ORDER_FLUSH)
		return flush_one(q, e);
	if ((r = message_load(q, e)) < 0)
		return r;
	if (e->msg->deleted)
		return ERR_NOT_FOUND;
	if (verb == QUEUE_ORDER_DELETE) {
		q->stats.deleted++;
		log_info("%s: deleted by the operator", queue_id_text(e->id, id));
		if (e->msg->jobs > 0)
			e->msg->deleted = true; /* ends when they are back */
		else
			message_finish(q, e, "deleted by the operator");
		return ERR_OK;
	}
	if (e->msg->state.held == (verb == QUEUE_ORDER_HOLD))
		r = ERR_EXISTS;
	else
		set_held(q, e, verb == QUEUE_ORDER_HOLD);
	return r;
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
		if (o->next != NULL)
			event_free(o->next);
		free(o);
	}
}

/* Is it one that the login sent? The hash finds the few that are read to be sure. */
static bool
is_of_login(struct qmgr *q, struct entry *e, struct bytes login)
{
	const bool loaded = e->msg != NULL;
	bool is;

	if (((e->flags & ENTRY_UNREAD) == 0 && e->login != login_hash(login)) ||
		message_load(q, e) < 0)
		return false;
	is = bytes_equal(e->msg->state.envelope.login, login);
	if (!is && !loaded)
		message_free(q, e->msg);
	return is;
}

static void
on_slice(evutil_socket_t fd, short what, void *arg)
{
	struct order *o = arg;
	struct entry *e = NULL;

	for (unsigned i = 0; i < SLICE; i++) {
		if ((e = index_next(&o->q->index, o->at)) == NULL)
			break;
		o->at = e->id;
		if (e->state != ENTRY_COMMITTING &&
			(o->m.login.n == 0 || is_of_login(o->q, e, o->m.login)) &&
			order_one(o->q, e, (enum queue_order_verb)o->m.verb) == ERR_OK)
			o->a.n++;
	}
	if (e != NULL) {
		const struct timeval soon = { 0, 1000 };

		evtimer_add(o->next, &soon);
		return;
	}
	TAILQ_REMOVE(&o->q->orders, o, link);
	order_done(o);
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
}

static struct order *
order_new(struct qmgr *q, const struct queue_order *m)
{
	struct order *o = xcalloc(1, sizeof(*o));

	ASSERT(m->login.n <= sizeof(o->login));
	o->q = q;
	o->m = *m;
	if (m->login.n > 0)
		memcpy(o->login, m->login.p, m->login.n);
	o->m.login = bytes_make(o->login, m->login.n);
	return o;
}

/* All messages, or all of a login, a slice at a time. */
static void
order_many(struct order *o)
{
	o->next = evtimer_new(o->q->d->base, on_slice, o);
	ASSERT(o->next != NULL);
	TAILQ_INSERT_TAIL(&o->q->orders, o, link);
	on_slice(-1, 0, o);
}

void
operator_hold_login(struct qmgr *q, struct bytes login)
{
	const struct queue_order m = { .verb = QUEUE_ORDER_HOLD,
		.login = bytes_head(login, QUEUE_LOGIN_MAX) };

	order_many(order_new(q, &m));
}

void
operator_order(struct ipc_call *call, const void *msg)
{
	const struct queue_order *m = msg;
	struct daemon *d = call->ctx;
	struct qmgr *q = d->ctx;
	struct order *o = order_new(q, m);
	struct entry *e;

	o->channel = call->id == 0 ? NULL : call->channel;
	o->call_id = call->id;
	if (m->queue_id == 0) {
		order_many(o);
		return;
	}
	e = index_find(&q->index, m->queue_id);
	o->a.err = e == NULL || e->state == ENTRY_COMMITTING
			   ? ERR_NOT_FOUND
			   : order_one(q, e, (enum queue_order_verb)m->verb);
	o->a.n = o->a.err == ERR_OK;
	if (o->a.err == ERR_EXISTS)
		o->a.err = ERR_OK;
	order_done(o);
}

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
