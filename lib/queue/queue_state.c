/* SPDX-License-Identifier: ISC */
/*
 * lib/queue/queue_state.c - a message's state from its envelope and events.
 *
 * Runs in:  qmgr; tests and fuzzers. Pure.
 * Trusts:   the envelope and events passed their decoders; their numbers it checks itself.
 */
#include "queue_state.h"

#include <stdlib.h>

#include "err.h"

#define TARGETS_MAX    (1u << 20)
#define RUN_OCTETS_MAX (QUEUE_RECORD_BODY_MAX / 2)

int
queue_state_init(struct queue_state *s, struct bytes envelope)
{
	int r;

	memset(s, 0, sizeof(*s));
	r = envelope_decode(arena_bytes(&s->arena, envelope), &s->arena, &s->envelope);
	if (r < 0) {
		queue_state_free(s);
		return r;
	}
	s->n = s->cap = s->left = s->envelope.n_rcpts;
	s->rcpts = arena_zalloc(&s->arena, sizeof(*s->rcpts) * (s->n + 1));
	for (uint32_t i = 0; i < s->n; i++) {
		s->rcpts[i].address = s->envelope.rcpts[i].forward_path;
		s->rcpts[i].parent = RCPT_NO_PARENT;
	}
	return ERR_OK;
}

void
queue_state_free(struct queue_state *s)
{
	arena_reset(&s->arena);
	memset(s, 0, sizeof(*s));
}

static void
set_status(struct queue_state *s, struct queue_rcpt *r, enum rcpt_status status)
{
	if (!rcpt_is_done(r) && status >= RCPT_DELIVERED)
		s->left--;
	queue_state_suspend(s, r, false);
	r->status = (uint8_t)status;
}

void
queue_state_suspend(struct queue_state *s, struct queue_rcpt *r, bool suspended)
{
	s->suspended += (uint32_t)suspended - (uint32_t)r->suspended;
	r->suspended = suspended;
}

static void
set_answer(struct queue_state *s, struct queue_rcpt *r, const struct queue_event *e)
{
	const struct bytes from[] = { e->code, e->text, e->next_hop, e->remote_mta };
	struct bytes *const to[] = { &r->code, &r->text, &r->next_hop, &r->remote_mta };

	/* the same words again (a retry) take no memory again */
	for (size_t i = 0; i < NITEMS(from); i++)
		if (!bytes_equal(*to[i], from[i]))
			*to[i] = arena_bytes(&s->arena, from[i]);
}

static int
expand(struct queue_state *s, uint32_t parent, const struct queue_event *e)
{
	if (s->n + e->n_targets > s->cap) {
		uint32_t cap = s->n + e->n_targets + s->n / 2;
		struct queue_rcpt *more;

		if (s->n > TARGETS_MAX)
			return ERR_LIMIT;
		more = arena_zalloc(&s->arena, sizeof(*more) * cap);
		memcpy(more, s->rcpts, sizeof(*more) * s->n);
		s->rcpts = more;
		s->cap = cap;
	}
	for (uint32_t i = 0; i < e->n_targets; i++) {
		s->rcpts[s->n++] = (struct queue_rcpt){
			.address = arena_bytes(&s->arena, e->targets[i].address),
			.account = arena_bytes(&s->arena, e->targets[i].account),
			.reverse_path = arena_bytes(&s->arena, e->targets[i].reverse_path),
			.parent = parent,
		};
		s->left++;
	}
	set_status(s, &s->rcpts[parent], RCPT_EXPANDED);
	return ERR_OK;
}

/* What the operator wants looked up anew: see QUEUE_EVENT_REQUEUED. */
static int
requeue(struct queue_state *s, struct queue_rcpt *r)
{
	if (r->status == RCPT_EXPANDED) {
		r->status = RCPT_PENDING;
		r->reported = false;
		r->attempts = 0;
		s->left++;
	} else if (!rcpt_is_done(r) && r->parent != RCPT_NO_PARENT) {
		set_status(s, r, RCPT_DROPPED);
	}
	r->next_s = 0;
	return ERR_OK;
}

static int
apply_to_rcpt(struct queue_state *s, const struct queue_event *e)
{
	struct queue_rcpt *r;

	if (e->rcpt >= s->n)
		return ERR_SYNTAX;
	r = &s->rcpts[e->rcpt];
	if (e->kind == QUEUE_EVENT_REQUEUED)
		return requeue(s, r);
	if (rcpt_is_done(r))
		return ERR_OK; /* recorded twice */
	if (e->attempts != 0)
		r->attempts = (uint16_t)(e->attempts < UINT16_MAX ? e->attempts : UINT16_MAX);
	else if (r->attempts < UINT16_MAX && (e->flags & QUEUE_EVENT_UNTRIED) == 0)
		r->attempts++;
	switch ((enum queue_event_kind)e->kind) {
	case QUEUE_EVENT_DELIVERED:
		set_answer(s, r, e);
		set_status(s, r, RCPT_DELIVERED);
		r->relayed = (e->flags & QUEUE_EVENT_RELAYED) != 0;
		return ERR_OK;
	case QUEUE_EVENT_BOUNCED:
		set_answer(s, r, e);
		set_status(s, r, RCPT_BOUNCED);
		return ERR_OK;
	case QUEUE_EVENT_DEFERRED:
		set_answer(s, r, e);
		set_status(s, r, RCPT_DEFERRED);
		queue_state_suspend(s, r, (e->flags & QUEUE_EVENT_SUSPENDED) != 0);
		r->next_s = e->next_s;
		return ERR_OK;
	default:
		return expand(s, e->rcpt, e);
	}
}

int
queue_state_apply(struct queue_state *s, const struct queue_event *e, uint64_t seq)
{
	if (seq != 0 && seq <= s->last_seq)
		return ERR_OK;
	if (seq != 0)
		s->last_seq = seq;
	switch ((enum queue_event_kind)e->kind) {
	case QUEUE_EVENT_HELD:
		s->held = true;
		return ERR_OK;
	case QUEUE_EVENT_RELEASED:
		s->held = false;
		return ERR_OK;
	case QUEUE_EVENT_FLUSHED:
		for (uint32_t i = 0; i < s->n; i++) {
			s->rcpts[i].next_s = 0;
			queue_state_suspend(s, &s->rcpts[i], false);
		}
		return ERR_OK;
	case QUEUE_EVENT_REMOVED:
		s->removed = true;
		return ERR_OK;
	case QUEUE_EVENT_REPORTED:
		for (uint32_t i = 0; i < s->n; i++)
			s->rcpts[i].reported |= rcpt_is_done(&s->rcpts[i]);
		return ERR_OK;
	case QUEUE_EVENT_WARNED:
		s->warned = true;
		return ERR_OK;
	default:
		return apply_to_rcpt(s, e);
	}
}

static void
write_event(struct buf *out, const struct queue_event *e, uint64_t seq)
{
	size_t begin = queue_record_begin(out);

	queue_event_put(out, e);
	queue_record_end(out, begin, QUEUE_RECORD_EVENT, seq, 0);
}

static void
write_requeued(const struct queue_state *s, struct buf *out, uint32_t rcpt, uint64_t seq)
{
	const struct queue_event e = {
		.queue_id = s->envelope.queue_id, .rcpt = rcpt, .kind = QUEUE_EVENT_REQUEUED
	};

	write_event(out, &e, seq);
}

/* Targets whose alias is looked up anew, and those that were expanded and are not any more. */
static void
write_requeues(const struct queue_state *s, struct buf *out, uint64_t seq, bool *expanded)
{
	for (uint32_t i = s->envelope.n_rcpts; i < s->n; i++) {
		const uint32_t parent = s->rcpts[i].parent;

		if (s->rcpts[i].status == RCPT_DROPPED)
			write_requeued(s, out, i, seq);
		if (expanded[parent] && s->rcpts[parent].status != RCPT_EXPANDED)
			write_requeued(s, out, parent, seq);
		expanded[parent] = false;
	}
}

/* The targets of a recipient stand one behind another: find the next run. There may be several
 * of a recipient that was requeued. */
static void
write_expansions(const struct queue_state *s, struct buf *out, uint64_t seq, bool *expanded)
{
	uint32_t i = s->envelope.n_rcpts;

	while (i < s->n) {
		const uint32_t parent = s->rcpts[i].parent;
		struct arena a = ARENA_INIT;
		struct queue_event e = { .queue_id = s->envelope.queue_id,
			.rcpt = parent,
			.kind = QUEUE_EVENT_EXPANDED };
		uint32_t end = i;
		uint64_t size = 0;

		while (end < s->n && s->rcpts[end].parent == parent &&
			end - i < QUEUE_EVENT_TARGETS_MAX && size < RUN_OCTETS_MAX) {
			size += s->rcpts[end].address.n + s->rcpts[end].account.n +
				s->rcpts[end].reverse_path.n;
			end++;
		}
		e.n_targets = end - i;
		e.targets = arena_zalloc(&a, sizeof(*e.targets) * e.n_targets);
		for (uint32_t k = 0; k < e.n_targets; k++) {
			e.targets[k].address = s->rcpts[i + k].address;
			e.targets[k].account = s->rcpts[i + k].account;
			e.targets[k].reverse_path = s->rcpts[i + k].reverse_path;
		}
		if (expanded[parent])
			write_requeued(s, out, parent, seq);
		expanded[parent] = true;
		write_event(out, &e, seq);
		arena_reset(&a);
		i = end;
	}
}

static void
write_message_event(const struct queue_state *s, struct buf *out, uint32_t kind, uint64_t seq)
{
	const struct queue_event e = {
		.queue_id = s->envelope.queue_id, .rcpt = QUEUE_EVENT_MESSAGE, .kind = kind
	};

	write_event(out, &e, seq);
}

/* The recipients that were tried and were (or were not) reported. */
static void
write_rcpts(const struct queue_state *s, struct buf *out, uint64_t seq, bool reported)
{
	static const uint8_t kinds[RCPT_STATUSES] = { [RCPT_DEFERRED] = QUEUE_EVENT_DEFERRED,
		[RCPT_DELIVERED] = QUEUE_EVENT_DELIVERED,
		[RCPT_BOUNCED] = QUEUE_EVENT_BOUNCED };
	struct queue_event e = { .queue_id = s->envelope.queue_id };

	for (uint32_t i = 0; i < s->n; i++) {
		const struct queue_rcpt *r = &s->rcpts[i];

		if (kinds[r->status] == 0 || r->reported != reported)
			continue;
		e.rcpt = i;
		e.kind = kinds[r->status];
		e.next_s = r->next_s;
		e.attempts = r->attempts;
		e.code = r->code;
		e.text = r->text;
		e.flags = (r->relayed ? QUEUE_EVENT_RELAYED : 0u) |
			  (r->suspended ? QUEUE_EVENT_SUSPENDED : 0u) |
			  (r->attempts == 0 ? QUEUE_EVENT_UNTRIED : 0u);
		e.next_hop = r->next_hop;
		e.remote_mta = r->remote_mta;
		write_event(out, &e, seq);
	}
}

static bool
is_any_reported(const struct queue_state *s)
{
	for (uint32_t i = 0; i < s->n; i++)
		if (s->rcpts[i].reported)
			return true;
	return false;
}

/* seq is the same for all of one writing: a reader applies them by position. */
void
queue_state_write(const struct queue_state *s, struct buf *out, uint64_t seq)
{
	bool *expanded = xcalloc(s->n + 1, sizeof(*expanded));

	write_expansions(s, out, seq, expanded);
	write_requeues(s, out, seq, expanded);
	free(expanded);
	write_rcpts(s, out, seq, true);
	if (is_any_reported(s))
		write_message_event(s, out, QUEUE_EVENT_REPORTED, seq);
	write_rcpts(s, out, seq, false);
	if (s->warned)
		write_message_event(s, out, QUEUE_EVENT_WARNED, seq);
	if (s->held)
		write_message_event(s, out, QUEUE_EVENT_HELD, seq);
}

uint64_t
queue_state_next(const struct queue_state *s)
{
	uint64_t next = UINT64_MAX;

	for (uint32_t i = 0; i < s->n; i++) {
		const struct queue_rcpt *r = &s->rcpts[i];

		if (!rcpt_is_done(r) && (r->status == RCPT_PENDING || r->next_s < next))
			next = r->status == RCPT_PENDING ? 0 : r->next_s;
	}
	return next;
}

uint32_t
queue_state_attempts(const struct queue_state *s)
{
	uint32_t most = 0;

	for (uint32_t i = 0; i < s->n; i++)
		if (!rcpt_is_done(&s->rcpts[i]) && s->rcpts[i].attempts > most)
			most = s->rcpts[i].attempts;
	return most;
}
