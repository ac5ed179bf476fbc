/* SPDX-License-Identifier: ISC */
/*
 * qmgr/deliver.c - one recipient's way: directory says whose mailbox it is, a deliverer
 * writes it there; or it waits, or it fails.
 *
 * Jobs for one account always go to the same deliverer, so that two never wait for each
 * other at one mailbox. A deliverer has at most DELIVER_WINDOW jobs at once; the rest wait
 * here.
 *
 * Runs in:  qmgr. Trusts: answers of directory and the deliverers, after decoding.
 */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "clock.h"
#include "err.h"
#include "log.h"
#include "qmgr.h"

#define AGAIN_S 1

static void deliver_soon(struct outlet *o);

static struct queue_rcpt *
rcpt_of(const struct job *j)
{
	return &j->msg->state.rcpts[j->rcpt];
}

/* ---- the end of a job ---- */

static void
job_end(struct job *j)
{
	struct qmgr *q = j->q;
	struct message *m = j->msg;

	rcpt_of(j)->flags &= (uint8_t)~RCPT_BUSY;
	buf_free(&j->target);
	free(j);
	q->active_rcpts--;
	if (--m->jobs == 0)
		message_settle(q, m);
	schedule_run(q);
}

static void
record(struct job *j, enum queue_event_kind kind, uint64_t next_s, const char *code,
	const char *text)
{
	struct queue_event e = { .rcpt = j->rcpt,
		.kind = kind,
		.next_s = next_s,
		.code = bytes_from_str(code),
		.text = bytes_from_str(text) };

	message_event(j->q, j->msg, &e);
}

void
job_delivered(struct job *j)
{
	j->q->stats.delivered++;
	line_result(j, "sent", j->code, j->text);
	if (!j->msg->deleted)
		record(j, QUEUE_EVENT_DELIVERED, 0, j->code, j->text);
	job_end(j);
}

void
job_bounced(struct job *j, const char *code, const char *text)
{
	j->q->stats.bounced++;
	line_result(j, "bounced", code, text);
	if (!j->msg->deleted) /* the sender is told when all jobs are in (message_settle) */
		record(j, QUEUE_EVENT_BOUNCED, 0, code, text);
	job_end(j);
}

void
job_deferred(struct job *j, const char *code, const char *text)
{
	const uint64_t now = now_s(), arrival = j->msg->state.envelope.arrival_us / 1000000;
	char expired[320];

	if (backoff_expired(&j->q->backoff, arrival, now)) {
		j->q->stats.expired++;
		snprintf(expired, sizeof(expired), "delivery time expired: %s", text);
		job_bounced(j, "5.4.7", expired);
		return;
	}
	j->q->stats.deferrals++;
	line_result(j, "deferred", code, text);
	if (!j->msg->deleted)
		record(j, QUEUE_EVENT_DEFERRED, backoff_next_s(&j->q->backoff, arrival, now), code,
			text);
	job_end(j);
}

/* No attempt was made that would count; nothing is recorded. */
void
job_again(struct job *j, const char *why)
{
	struct queue_rcpt *r = rcpt_of(j);

	log_debug("recipient tried again soon: %s", why);
	j->msg->entry->flags |= ENTRY_TRIED;
	r->status = RCPT_DEFERRED;
	r->next_s = now_s() + AGAIN_S;
	job_end(j);
}

/* ---- DELIVER ---- */

static void
on_delivered(void *arg, const struct ipc_answer *answer)
{
	struct job *j = arg;
	struct outlet *o = j->outlet;
	struct ipc_reader in = ipc_reader(answer->body);
	struct delivery_result result;

	o->flying--;
	if (answer->err < 0 || answer->type != DELIVERY_DELIVER_RESULT ||
		delivery_result_decode(&in, &result) < 0) {
		job_again(j, "the deliverer was lost");
		deliver_soon(o);
		return;
	}
	bytes_to_str(result.code, j->code, sizeof(j->code));
	bytes_to_str(result.text, j->text, sizeof(j->text));
	switch (result.status) {
	case DELIVERY_WRITTEN:
		j->written_us = clock_wall_us();
		sync_written(j);
		break;
	case DELIVERY_PERMANENT:
		job_bounced(j, j->code, j->text);
		break;
	default:
		j->msg->entry->flags |= ENTRY_TRIED;
		job_deferred(j, j->code, j->text);
		break;
	}
	deliver_soon(o);
}

/* The link closes what it sends. The only recipient gets the memfd itself: should it be
 * wanted again, the journal has the content. */
static int
fd_to_send(struct job *j, int fd)
{
	struct message *m = j->msg;

	if (fd != m->memfd || m->state.n > 1 || (m->entry->flags & ENTRY_IN_FILE) != 0)
		return fcntl(fd, F_DUPFD_CLOEXEC, 0);
	m->memfd = -1;
	j->q->n_memfds--;
	j->q->memory -= m->held_size;
	return fd;
}

static uint32_t
flags_of(const struct job *j)
{
	const struct message *m = j->msg;
	uint32_t flags = j->flags;

	if (m->state.envelope.flags & ENVELOPE_8BITMIME)
		flags |= DELIVERY_8BITMIME;
	if (m->state.envelope.flags & ENVELOPE_SMTPUTF8)
		flags |= DELIVERY_SMTPUTF8;
	if ((m->entry->flags & ENTRY_TRIED) == 0 && rcpt_of(j)->attempts == 0)
		flags |= DELIVERY_FIRST_TRY;
	return flags;
}

static void
deliver_send(struct outlet *o, struct job *j)
{
	const struct message *m = j->msg;
	const struct envelope *e = &m->state.envelope;
	const struct queue_rcpt *r = rcpt_of(j);
	struct content content;
	int fd = -1, found = content_find(j->q, j->msg, &content);

	if (found == ERR_OK && content.source.in_fd && (fd = fd_to_send(j, content.fd)) < 0)
		found = ERR_RESOURCE;
	if (found < 0) {
		job_deferred(j, "4.3.0", err_text(found));
		return;
	}
	j->sent_us = clock_wall_us();
	o->flying++;
	delivery_job_encode(link_compose(o->link),
		&(struct delivery_job){ .job_id = m->entry->id,
			.queue_id = m->entry->id,
			.arrival_us = e->arrival_us,
			.quota_octets = j->quota_octets,
			.recipient = j->rcpt,
			.uid = j->uid,
			.gid = j->gid,
			.flags = flags_of(j),
			.account = j->account,
			.home = j->home,
			.detail = j->detail,
			.reverse_path = r->reverse_path.n > 0 ? r->reverse_path : e->reverse_path,
			.original_path = r->parent == RCPT_NO_PARENT
						 ? r->address
						 : m->state.rcpts[r->parent].address,
			.forward_path = j->address,
			.prefix = content.prefix,
			.content = content.source });
	link_request(o->link, fd >= 0 ? DELIVERY_DELIVER_FD : DELIVERY_DELIVER, &fd, fd >= 0,
		REQUEST_TIMEOUT_MS, on_delivered, j);
}

static void
deliver_pump(struct outlet *o)
{
	struct job *j;

	while (o->flying < DELIVER_WINDOW && (j = TAILQ_FIRST(&o->waiting)) != NULL) {
		TAILQ_REMOVE(&o->waiting, j, link);
		o->n_waiting--;
		deliver_send(o, j);
	}
}

/* Each waking of a deliverer costs as much as half a message: jobs go several at once. Nobody
 * waits for them: the client has its 250. */
static void
deliver_soon(struct outlet *o)
{
	const struct timeval wait = { 0, GATHER_MS * 1000 };
	struct event *timer = o->syncer->gather;

	if (o->n_waiting >= GATHER_JOBS || o->q->d->draining)
		deliver_pump(o);
	else if (o->n_waiting > 0 && !evtimer_pending(timer, NULL))
		evtimer_add(timer, &wait);
}

void
deliver_gathered(struct syncer *s)
{
	for (unsigned i = 0; i < s->n; i++)
		deliver_pump(&s->outlets[i]);
}

/* FNV-1a: only to spread accounts over deliverers. */
static uint32_t
account_hash(struct bytes account)
{
	uint32_t h = 2166136261u;

	for (size_t i = 0; i < account.n; i++)
		h = (h ^ account.p[i]) * 16777619u;
	return h;
}

static void
deliver_to(struct job *j, const struct directory_target *t, uint32_t flags)
{
	struct syncer *s = t->system_user ? &j->q->system : &j->q->local;
	const struct bytes parts[] = { t->account, t->home, t->detail, t->address };
	struct bytes at;

	if (s->n == 0) {
		job_deferred(j, "4.3.5", "no service delivers to this kind of mailbox");
		return;
	}
	buf_clear(&j->target);
	for (size_t i = 0; i < NITEMS(parts); i++)
		buf_put_bytes(&j->target, parts[i]);
	at = buf_bytes(&j->target);
	j->account = bytes_head(at, t->account.n);
	at = bytes_skip(at, t->account.n);
	j->home = bytes_head(at, t->home.n);
	at = bytes_skip(at, t->home.n);
	j->detail = bytes_head(at, t->detail.n);
	at = bytes_skip(at, t->detail.n);
	j->address = at;
	j->flags = flags;
	j->uid = t->uid;
	j->gid = t->gid;
	j->quota_octets = t->quota_octets;
	j->outlet = &s->outlets[account_hash(j->account) % s->n];
	TAILQ_INSERT_TAIL(&j->outlet->waiting, j, link);
	j->outlet->n_waiting++;
	deliver_soon(j->outlet);
}

/* ---- what directory says ---- */

/* Targets that come by pages, until all are here; and while their record is being flushed. */
struct expansion {
	struct arena arena;
	uint64_t serial;
	uint32_t n, total;
	uint32_t first; /* number of the first as a recipient */
	struct directory_target *targets;
};

static void
expansion_free(struct job *j)
{
	if (j->expansion == NULL)
		return;
	arena_reset(&j->expansion->arena);
	free(j->expansion);
	j->expansion = NULL;
}

static void
verdict_ends(struct job *j, enum directory_verdict v)
{
	const struct directory_reply reply = directory_verdict_reply(v);

	if (reply.code / 100 == 5)
		job_bounced(j, reply.enhanced, reply.text);
	else
		job_deferred(j, reply.enhanced, reply.text);
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
		job_deferred(j, "4.4.4", "mail to other hosts is not sent yet");
		break;
	default:
		verdict_ends(j, t->verdict);
		break;
	}
}

static struct job *
job_new(struct qmgr *q, struct message *m, uint32_t rcpt)
{
	struct job *j = xcalloc(1, sizeof(*j));

	j->q = q;
	j->msg = m;
	j->rcpt = rcpt;
	j->start_us = clock_wall_us();
	m->jobs++;
	q->active_rcpts++;
	m->state.rcpts[rcpt].flags |= RCPT_BUSY;
	return j;
}

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
	if (n > QUEUE_EVENT_TARGETS_MAX || !journal_fits(&q->journal, size + 256)) {
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

		next = TAILQ_NEXT(j, link);
		j->expansion = NULL;
		m->jobs++; /* until the last of them has begun */
		for (uint32_t i = 0; i < x->n && !m->deleted; i++)
			go_to_target(job_new(q, m, x->first + i), &x->targets[i]);
		job_end(j);
		if (--m->jobs == 0)
			message_settle(q, m);
		arena_reset(&x->arena);
		free(x);
	}
}

static bool
is_same(const struct queue_rcpt *r, const struct directory_target *t)
{
	return bytes_equal(r->account, t->account) &&
	       (t->account.n > 0 || bytes_equal(r->address, t->address));
}

/* Does another recipient of this message stand for it already? One that the sender named, or a
 * target of an alias. */
static bool
is_served(const struct job *j, const struct directory_target *t)
{
	const struct queue_state *s = &j->msg->state;

	for (uint32_t i = 0; i < s->n; i++) {
		const struct queue_rcpt *r = &s->rcpts[i];

		if (i == j->rcpt || r->status == RCPT_EXPANDED)
			continue;
		if (i < s->envelope.n_rcpts ? bytes_equal_nocase(r->address, t->address)
					    : is_same(r, t))
			return true;
	}
	return false;
}

/* Those of the targets that nobody else stands for. */
static void
expand_rest(struct job *j, const struct directory_target *targets, uint32_t n)
{
	struct directory_target *left = xcalloc(n + 1, sizeof(*left));
	uint32_t n_left = 0;

	for (uint32_t i = 0; i < n; i++)
		if (!is_served(j, &targets[i]))
			left[n_left++] = targets[i];
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
		if (is_same(rcpt_of(j), &targets[i])) {
			go_to_target(j, &targets[i]);
			return;
		}
	expand_rest(j, targets, n);
}

static void
resolved(struct job *j, const struct directory_target *targets, uint32_t n)
{
	if (j->msg->deleted)
		job_end(j);
	else if (rcpt_of(j)->parent != RCPT_NO_PARENT)
		resolved_again(j, targets, n);
	else if (n == 1 && targets[0].reverse_path.n == 0)
		go_to_target(j, &targets[0]);
	else
		expand_rest(j, targets, n);
}

static void ask_directory(struct job *j, uint32_t first);

/* One page of several: keep it, ask for the next. */
static void
keep_page(struct job *j, const struct directory_resolve_answer *a)
{
	struct expansion *x = j->expansion;

	if (x != NULL && (x->serial != a->serial || x->n != a->first || x->total != a->total)) {
		expansion_free(j); /* the tables changed in between */
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
	arena_reset(&x->arena);
	free(x);
}

static void
on_resolved(void *arg, const struct ipc_answer *answer)
{
	struct job *j = arg;
	struct ipc_reader in = ipc_reader(answer->body);
	struct directory_resolve_answer a;

	if (answer->err < 0 || answer->type != DIRECTORY_RESOLVE_ANSWER ||
		directory_resolve_answer_decode(&in, &a) < 0) {
		expansion_free(j);
		job_again(j, "directory was lost");
	} else if (a.verdict != DIRECTORY_OK) {
		expansion_free(j);
		verdict_ends(j, a.verdict);
	} else if (j->expansion == NULL && a.first == 0 && a.count == a.total) {
		if (a.count == 1 && a.targets[0].kind == DIRECTORY_TARGET_ACCOUNT &&
			a.targets[0].reverse_path.n == 0)
			resolve_cache_put(j->q->resolved, rcpt_of(j)->address, &a.targets[0],
				clock_mono_us());
		resolved(j, a.targets, a.count);
	} else if (a.count == 0 || a.total > QUEUE_EVENT_TARGETS_MAX) {
		expansion_free(j);
		verdict_ends(j, a.count == 0 ? DIRECTORY_TEMPORARY : DIRECTORY_LOOP);
	} else {
		keep_page(j, &a);
	}
}

static void
ask_directory(struct job *j, uint32_t first)
{
	const struct directory_resolve m = { .address = rcpt_of(j)->address, .first = first };
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
		verdict_ends(j, DIRECTORY_BAD);
	else
		ask_directory(j, 0);
}

int
deliver_init(struct qmgr *q)
{
	TAILQ_INIT(&q->expanding);
	TAILQ_INIT(&q->expanding_flying);
	q->resolved = xcalloc(1, sizeof(*q->resolved));
	q->directory = daemon_link(q->d, SERVICE_DIRECTORY, CONTROL_ANY, NULL, 0);
	ticket_init(q);
	link_open(q->directory);
	sync_init(q, &q->local, SERVICE_LOCAL_DELIVERY);
	sync_init(q, &q->system, SERVICE_SYSTEM_DELIVERY);
	return ERR_OK;
}
