/* SPDX-License-Identifier: ISC */
/*
 * qmgr/expand.c - where a recipient's mail goes: directory is asked, its pages of targets are
 * gathered, an alias becomes recipients of their own, and each target its way.
 *
 * Runs in:  qmgr. Trusts: answers of directory, after decoding.
 */
#include <stdio.h>
#include <stdlib.h>

#include "clock.h"
#include "err.h"
#include "fnv.h"
#include "qmgr.h"

/* Targets that come by pages, until all are here; and while their record is being flushed. */
struct expansion {
	struct arena arena;
	uint64_t serial;
	uint32_t n, total;
	uint32_t first; /* number of the first as a recipient */
	struct directory_target *targets;
};

static void
expansion_free(struct expansion **x)
{
	if (*x == NULL)
		return;
	arena_reset(&(*x)->arena);
	free(*x);
	*x = NULL;
}

/* The tables may have words of their own. */
static void
verdict_ends(
	struct job *j, enum directory_verdict v, struct bytes own_enhanced, struct bytes own_text)
{
	const struct directory_reply reply = directory_verdict_reply(v);
	char enhanced[DIRECTORY_ENHANCED_MAX + 1], text[DIRECTORY_REASON_MAX + 1];

	bytes_to_str(own_enhanced.n > 0 ? own_enhanced : bytes_from_str(reply.enhanced), enhanced,
		sizeof(enhanced));
	bytes_to_str(own_text.n > 0 ? own_text : bytes_from_str(reply.text), text, sizeof(text));
	if (reply.code / 100 == 5)
		job_bounced(j, enhanced, text);
	else
		job_deferred(j, enhanced, text);
}

static void
go_to_target(struct job *j, const struct directory_target *t)
{
	switch (t->kind) {
	case DIRECTORY_TARGET_ACCOUNT:
		deliver_to(j, t, 0);
		break;
	case DIRECTORY_TARGET_COMMAND:
		deliver_to(j, t, DELIVERY_COMMAND);
		break;
	case DIRECTORY_TARGET_FILE:
		deliver_to(j, t, DELIVERY_FILE);
		break;
	case DIRECTORY_TARGET_REMOTE:
		remote_to(j, t);
		break;
	default:
		verdict_ends(j, t->verdict, t->enhanced, t->text);
		break;
	}
}

/* ---- aliases ---- */

static void
keep_targets(struct expansion *x, const struct directory_target *targets, uint32_t n)
{
	for (uint32_t i = 0; i < n && x->n < x->total; i++) {
		struct directory_target *t = &x->targets[x->n++];

		*t = targets[i];
		t->address = arena_bytes(&x->arena, t->address);
		t->account = arena_bytes(&x->arena, t->account);
		t->home = arena_bytes(&x->arena, t->home);
		t->detail = arena_bytes(&x->arena, t->detail);
		t->reverse_path = arena_bytes(&x->arena, t->reverse_path);
		t->next_hop = arena_bytes(&x->arena, t->next_hop);
		t->enhanced = arena_bytes(&x->arena, t->enhanced);
		t->text = arena_bytes(&x->arena, t->text);
	}
}

static struct expansion *
expansion_new(uint32_t total)
{
	struct expansion *x = xcalloc(1, sizeof(*x));

	x->total = total;
	x->targets = arena_zalloc(&x->arena, sizeof(*x->targets) * total);
	return x;
}

/* An alias: its targets are recorded as recipients of their own, and that is durable, before
 * any is delivered. So a retry never repeats one that has it already, and a start after a
 * power cut gives each the number that it had, whatever the alias has become since. */
static void
expand(struct job *j, const struct directory_target *targets, uint32_t n)
{
	struct qmgr *q = j->q;
	struct message *m = j->msg;
	struct queue_event e = { .rcpt = j->rcpt, .kind = QUEUE_EVENT_EXPANDED, .n_targets = n };
	uint64_t size = 0;

	e.targets = xcalloc(n, sizeof(*e.targets));
	for (uint32_t i = 0; i < n; i++) {
		e.targets[i].address = targets[i].address;
		e.targets[i].account = targets[i].account;
		/* what may not be answered stays so (RFC 5321 sec. 4.5.5) */
		if (m->state.envelope.reverse_path.n > 0)
			e.targets[i].reverse_path = targets[i].reverse_path;
		size += 12 + targets[i].address.n + targets[i].account.n +
			targets[i].reverse_path.n;
	}
	if (n > QUEUE_EVENT_TARGETS_MAX || m->state.n + n > QUEUE_STATE_RCPTS_MAX ||
		!journal_fits(&q->journal, size + 256)) {
		free(e.targets);
		job_bounced(j, "5.4.6", "the alias has too many members");
		return;
	}
	j->expansion = expansion_new(n);
	j->expansion->first = m->state.n;
	keep_targets(j->expansion, targets, n);
	message_event(q, m, &e);
	free(e.targets);
	TAILQ_INSERT_TAIL(&q->expanding, j, link);
	flush_soon(q); /* then deliver_expanded() */
}

void
deliver_expanded(struct job_list *durable)
{
	struct job_list here = TAILQ_HEAD_INITIALIZER(here);
	struct job *j, *next;

	TAILQ_CONCAT(&here, durable, link);
	for (j = TAILQ_FIRST(&here); j != NULL; j = next) {
		struct expansion *x = j->expansion;
		struct message *m = j->msg;
		struct qmgr *q = j->q;
		uint32_t i = 0;

		next = TAILQ_NEXT(j, link);
		j->expansion = NULL;
		m->jobs++; /* until the last of them has begun */
		m->starting = true;
		for (; i < x->n && !m->deleted && m->jobs <= MESSAGE_RCPTS_MAX; i++)
			go_to_target(job_new(q, m, x->first + i), &x->targets[i]);
		m->starting = false;
		m->more |= i < x->n; /* the others have their turn when these are back */
		job_end(j);
		if (--m->jobs == 0)
			message_settle(q, m);
		expansion_free(&x);
	}
}

static bool
is_same(const struct queue_rcpt *r, const struct directory_target *t)
{
	return bytes_equal(r->account, t->account) &&
	       (t->account.n > 0 || bytes_equal(r->address, t->address));
}

/* Targets by a key of theirs; recipients are many, so each is looked up once. */
struct targets_by {
	uint32_t n_buckets;
	uint32_t *first, *next; /* numbers of targets from 1 on */
};

static uint32_t
bucket_of(const struct targets_by *by, struct bytes key)
{
	const uint32_t h = fnv_nocase(FNV_START, key);

	return (h ^ h >> 16) % by->n_buckets;
}

static struct bytes
self_of(struct bytes account, struct bytes address)
{
	return account.n > 0 ? account : address;
}

static struct targets_by
targets_by(const struct directory_target *targets, uint32_t n, bool address)
{
	struct targets_by by = { .n_buckets = n + 1 };

	by.first = xcalloc(by.n_buckets, sizeof(*by.first));
	by.next = xcalloc(n + 1, sizeof(*by.next));
	for (uint32_t i = 0; i < n; i++) {
		const struct directory_target *t = &targets[i];
		const uint32_t at =
			bucket_of(&by, address ? t->address : self_of(t->account, t->address));

		by.next[i] = by.first[at];
		by.first[at] = i + 1;
	}
	return by;
}

static void
targets_by_free(struct targets_by *by)
{
	free(by->first);
	free(by->next);
}

/* For which of the targets does another recipient of this message stand already? One that the
 * sender named, or a target of an alias. */
static void
mark_served(const struct job *j, const struct directory_target *targets, uint32_t n, bool *served)
{
	const struct queue_state *s = &j->msg->state;
	struct targets_by address = targets_by(targets, n, true),
			  self = targets_by(targets, n, false);

	for (uint32_t i = 0; i < s->n; i++) {
		const struct queue_rcpt *r = &s->rcpts[i];
		const bool named = i < s->envelope.n_rcpts;
		const struct targets_by *by = named ? &address : &self;
		const struct bytes key = named ? r->address : self_of(r->account, r->address);

		if (i == j->rcpt || r->status == RCPT_EXPANDED || r->status == RCPT_DROPPED)
			continue;
		for (uint32_t k = by->first[bucket_of(by, key)]; k != 0; k = by->next[k - 1])
			served[k - 1] |=
				named ? bytes_equal_nocase(r->address, targets[k - 1].address)
				      : is_same(r, &targets[k - 1]);
	}
	targets_by_free(&address);
	targets_by_free(&self);
}

/* Those of the targets that nobody else stands for. */
static void
expand_rest(struct job *j, const struct directory_target *targets, uint32_t n)
{
	struct directory_target *left = xcalloc(n + 1, sizeof(*left));
	bool *served = xcalloc(n + 1, sizeof(*served));
	uint32_t n_left = 0;

	mark_served(j, targets, n, served);
	for (uint32_t i = 0; i < n; i++)
		if (!served[i])
			left[n_left++] = targets[i];
	free(served);
	if (n_left == 0) {
		snprintf(j->code, sizeof(j->code), "2.0.0");
		snprintf(j->text, sizeof(j->text), "%s",
			n == 0 ? "discarded: the alias has no members"
			       : "discarded: all members get it as other recipients");
		job_delivered(j);
	} else {
		expand(j, left, n_left);
	}
	free(left);
}

/* A target of an alias, asked for again at a later attempt. Mostly it is among the answers. If
 * not, the tables have changed, and it is what it leads to now. */
static void
resolved_again(struct job *j, const struct directory_target *targets, uint32_t n)
{
	for (uint32_t i = 0; i < n; i++)
		if (is_same(job_rcpt(j), &targets[i])) {
			go_to_target(j, &targets[i]);
			return;
		}
	expand_rest(j, targets, n);
}

/* It was an alias before the operator requeued it. */
static bool
had_targets(const struct job *j)
{
	const struct queue_state *s = &j->msg->state;

	for (uint32_t i = s->envelope.n_rcpts; i < s->n; i++)
		if (s->rcpts[i].parent == j->rcpt)
			return true;
	return false;
}

static void
resolved(struct job *j, const struct directory_target *targets, uint32_t n)
{
	if (j->msg->deleted)
		job_end(j);
	else if (job_rcpt(j)->parent != RCPT_NO_PARENT)
		resolved_again(j, targets, n);
	else if (n == 1 && targets[0].reverse_path.n == 0 && !had_targets(j))
		go_to_target(j, &targets[0]);
	else
		expand_rest(j, targets, n);
}

/* ---- what directory says ---- */

static void ask_directory(struct job *j, uint32_t first);

/* One page of several: keep it, ask for the next. */
static void
keep_page(struct job *j, const struct directory_resolve_answer *a)
{
	struct expansion *x = j->expansion;

	if (x != NULL && (x->serial != a->serial || x->n != a->first || x->total != a->total)) {
		expansion_free(&j->expansion); /* the tables changed in between */
		ask_directory(j, 0);
		return;
	}
	if (x == NULL) {
		x = j->expansion = expansion_new(a->total);
		x->serial = a->serial;
	}
	keep_targets(x, a->targets, a->count);
	if (x->n < x->total) {
		ask_directory(j, x->n);
		return;
	}
	j->expansion = NULL;
	resolved(j, x->targets, x->n);
	expansion_free(&x);
}

static void
on_resolved(void *arg, const struct ipc_answer *answer)
{
	struct job *j = arg;
	struct ipc_reader in = ipc_reader(answer->body);
	struct directory_resolve_answer a;

	if (answer->err < 0 || answer->type != DIRECTORY_RESOLVE_ANSWER ||
		directory_resolve_answer_decode(&in, &a) < 0) {
		expansion_free(&j->expansion);
		job_again(j, "directory was lost");
	} else if (a.verdict != DIRECTORY_OK) {
		expansion_free(&j->expansion);
		verdict_ends(j, a.verdict, BYTES_NONE, BYTES_NONE);
	} else if (j->expansion == NULL && a.first == 0 && a.count == a.total) {
		if (a.count == 1 && a.targets[0].kind == DIRECTORY_TARGET_ACCOUNT &&
			a.targets[0].reverse_path.n == 0)
			resolve_cache_put(j->q->resolved, job_rcpt(j)->address, &a.targets[0],
				clock_mono_us());
		resolved(j, a.targets, a.count);
	} else if (a.count == 0 || a.total > QUEUE_EVENT_TARGETS_MAX) {
		expansion_free(&j->expansion);
		verdict_ends(j, a.count == 0 ? DIRECTORY_TEMPORARY : DIRECTORY_LOOP, BYTES_NONE,
			BYTES_NONE);
	} else {
		keep_page(j, &a);
	}
}

static void
ask_directory(struct job *j, uint32_t first)
{
	const struct queue_rcpt *r = job_rcpt(j);
	const struct bytes path =
		r->reverse_path.n > 0 ? r->reverse_path : j->msg->state.envelope.reverse_path;
	const struct directory_resolve m = { .address = r->address,
		.reverse_path = path.n <= DIRECTORY_ADDRESS_MAX ? path : BYTES_NONE,
		.first = first };
	struct link *l = j->q->directory;

	directory_resolve_encode(link_compose(l), &m);
	link_request(l, DIRECTORY_RESOLVE, NULL, 0, REQUEST_TIMEOUT_MS, on_resolved, j);
}

void
deliver_rcpt(struct qmgr *q, struct message *m, uint32_t rcpt)
{
	const struct bytes address = m->state.rcpts[rcpt].address;
	const struct directory_target *t = resolve_cache_get(q->resolved, address, clock_mono_us());
	struct job *j = job_new(q, m, rcpt);

	if (t != NULL)
		resolved(j, t, 1);
	else if (address.n > DIRECTORY_ADDRESS_MAX)
		verdict_ends(j, DIRECTORY_BAD, BYTES_NONE, BYTES_NONE);
	else
		ask_directory(j, 0);
}
