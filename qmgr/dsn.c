/* SPDX-License-Identifier: ISC */
/*
 * qmgr/dsn.c - delivery status notifications: who is told of what, and when.
 *
 * Runs in:  qmgr.
 * Sources:  RFC 3461 sec. 4, 5.2.7 and 6, RFC 5321 sec. 4.5.5 and 6.1.
 */
#include "dsn.h"

#include <stdlib.h>

#include "clock.h"
#include "err.h"
#include "log.h"
#include "qmgr.h"
#include "srs.h"

#define HEADERS_MAX 65536 /* octets that are read to return a header */
#define AGAIN_S     60    /* after a report could not be made */

bool
dsn_is_wanted(enum dsn_kind kind, uint32_t notify)
{
	static const uint32_t flags[DSN_KINDS] = { [DSN_FAILURE] = ENVELOPE_NOTIFY_FAILURE,
		[DSN_DELAY] = ENVELOPE_NOTIFY_DELAY,
		[DSN_SUCCESS] = ENVELOPE_NOTIFY_SUCCESS };

	return notify == 0 ? kind != DSN_SUCCESS : (notify & flags[kind]) != 0;
}

/* ---- what became of a recipient ---- */

/* A list's owner stands in for the sender, but for what SRS made of the sender's own. */
static bool
has_owner(const struct queue_rcpt *r)
{
	return r->reverse_path.n > 0 && !srs_is_one(r->reverse_path);
}

/* Targets of one recipient stand one behind another. */
static bool
is_sole_target(const struct queue_state *s, uint32_t i)
{
	const uint32_t parent = s->rcpts[i].parent;

	return s->rcpts[i - 1].parent != parent &&
	       (i + 1 == s->n || s->rcpts[i + 1].parent != parent);
}

/* The recipient of the envelope that this one stands for; *alone: and nobody else does. */
static uint32_t
original_rcpt(const struct queue_state *s, uint32_t i, bool *alone)
{
	*alone = true;
	while (s->rcpts[i].parent != RCPT_NO_PARENT) {
		*alone = *alone && is_sole_target(s, i) && !has_owner(&s->rcpts[i]);
		i = s->rcpts[i].parent;
	}
	return i;
}

struct dsn_params
dsn_params(const struct message *m, uint32_t rcpt)
{
	const struct queue_state *s = &m->state;
	struct dsn_params out = { 0 };
	bool alone;
	uint32_t i;

	if (has_owner(&s->rcpts[rcpt])) /* a list begins an envelope of its own */
		return out;
	i = original_rcpt(s, rcpt, &alone);
	out.notify = s->envelope.rcpts[i].notify;
	out.orcpt = s->envelope.rcpts[i].orcpt;
	/* success is told here, once: "expanded" */
	if (!alone && (out.notify & ENVELOPE_NOTIFY_SUCCESS) != 0) {
		out.notify &= ~(uint32_t)ENVELOPE_NOTIFY_SUCCESS;
		if (out.notify == 0)
			out.notify = ENVELOPE_NOTIFY_NEVER;
	}
	return out;
}

/* One report, or several: who is told of whom, and what for. */
struct report {
	struct qmgr *q;
	struct message *m;
	enum dsn_kind kind;
	uint32_t *targets; /* DSN_SUCCESS: of each recipient, how many */
	bool *told;
};

static bool
succeeded(const struct report *p, uint32_t i)
{
	const struct queue_rcpt *r = &p->m->state.rcpts[i];
	bool alone;

	if (r->reported)
		return false;
	if (r->status == RCPT_EXPANDED) /* one target speaks for itself */
		return p->targets[i] != 1;
	original_rcpt(&p->m->state, i, &alone);
	return r->status == RCPT_DELIVERED && !r->relayed && alone;
}

static bool
has_news(const struct report *p, uint32_t i)
{
	const struct queue_rcpt *r = &p->m->state.rcpts[i];

	switch (p->kind) {
	case DSN_FAILURE:
		return r->status == RCPT_BOUNCED && !r->reported;
	case DSN_DELAY:
		return !rcpt_is_done(r);
	default:
		return succeeded(p, i);
	}
}

static enum dsn_action
action_of(const struct report *p, const struct queue_rcpt *r)
{
	if (p->kind == DSN_FAILURE)
		return DSN_FAILED;
	if (p->kind == DSN_DELAY)
		return DSN_DELAYED;
	if (r->status == RCPT_EXPANDED)
		return DSN_EXPANDED;
	return r->remote_mta.n > 0 ? DSN_RELAYED : DSN_DELIVERED;
}

/* Who is told of a failed report of ours. */
static struct bytes
postmaster_of(const struct report *p, const struct queue_rcpt *r)
{
	const struct bytes to = bytes_from_str(p->q->conf->double_bounce_to);

	if (p->kind != DSN_FAILURE || (p->m->state.envelope.flags & ENVELOPE_LOCAL_ORIGIN) == 0 ||
		bytes_equal_nocase(r->address, to))
		return BYTES_NONE;
	return to;
}

/* Anybody can write anybody's name into MAIL: such a one is told of failures at most. */
static bool
may_be_told(const struct report *p, const struct envelope *e)
{
	return e->login.n > 0 || (p->kind == DSN_FAILURE && p->q->conf->bounce_to_strangers);
}

/* Who is told of a recipient; empty: nobody. */
static struct bytes
whom_to_tell(const struct report *p, uint32_t i)
{
	const struct envelope *e = &p->m->state.envelope;
	const struct queue_rcpt *r = &p->m->state.rcpts[i];
	bool alone;

	if (!has_news(p, i))
		return BYTES_NONE;
	if (e->reverse_path.n == 0)
		return postmaster_of(p, r);
	if (has_owner(r))
		return p->kind == DSN_FAILURE ? r->reverse_path : BYTES_NONE;
	i = original_rcpt(&p->m->state, i, &alone);
	if (!may_be_told(p, e) || !dsn_is_wanted(p->kind, e->rcpts[i].notify))
		return BYTES_NONE;
	return e->reverse_path;
}

/* ---- one report ---- */

/* ERR_OK, with an empty original if it is not to be had; an error that may pass. */
static int
read_original(struct report *p, struct dsn *d, struct arena *a)
{
	const struct envelope *e = &p->m->state.envelope;
	const uint64_t limit = p->q->conf->bounce_size_limit;
	struct buf all = BUF_INIT;
	struct content c;
	int r = content_find(p->q, p->m, &c);

	if (r == ERR_OK) {
		/* RET is for failures only (RFC 3461 sec. 4.3) */
		d->full = p->kind == DSN_FAILURE && (e->flags & ENVELOPE_RET_HDRS) == 0 &&
			  c.prefix.n + c.source.size <= limit;
		buf_put_bytes(&all, c.prefix);
		r = content_read(&c, d->full ? limit : HEADERS_MAX, &all);
	}
	if (r == ERR_OK)
		d->original = arena_bytes(a, buf_bytes(&all));
	buf_free(&all);
	if (r < 0 && err_is_temporary(r) &&
		!backoff_expired(&p->q->backoff, e->arrival_us / 1000000, now_s()))
		return r;
	d->full = d->full && r == ERR_OK;
	return ERR_OK;
}

static int
submit(struct report *p, struct bytes to, const struct dsn_rcpt *rcpts, uint32_t n)
{
	static const char *const names[DSN_KINDS] = { [DSN_FAILURE] = "non-delivery",
		[DSN_DELAY] = "delay",
		[DSN_SUCCESS] = "delivery status" };
	const struct envelope *of = &p->m->state.envelope;
	const uint64_t arrival_s = of->arrival_us / 1000000;
	char id[QUEUE_ID_TEXT_SIZE], of_id[QUEUE_ID_TEXT_SIZE];
	char date[CLOCK_DATE_SIZE], arrival[CLOCK_DATE_SIZE], until[CLOCK_DATE_SIZE];
	struct envelope_rcpt rcpt = { .forward_path = to, .notify = ENVELOPE_NOTIFY_NEVER };
	struct envelope e = { .queue_id = queue_id_make(&p->q->ids, clock_wall_us()),
		.arrival_us = clock_wall_us(),
		.flags =
			ENVELOPE_LOCAL_ORIGIN | ENVELOPE_8BITMIME | (of->flags & ENVELOPE_SMTPUTF8),
		.protocol = BYTES_LITERAL("local"),
		.session_id = of->session_id,
		.n_rcpts = 1,
		.rcpts = &rcpt };
	struct arena a = ARENA_INIT;
	struct buf content = BUF_INIT;
	struct dsn d = { .kind = p->kind,
		.hostname = p->q->d->common->hostname,
		.date = clock_rfc5322_date((time_t)now_s(), date),
		.arrival = clock_rfc5322_date((time_t)arrival_s, arrival),
		.until = clock_rfc5322_date((time_t)(arrival_s + p->q->backoff.lifetime_s), until),
		.id = queue_id_text(e.queue_id, id),
		.of_id = queue_id_text(p->m->entry->id, of_id),
		.envelope = of,
		.to = to,
		.to_postmaster = of->reverse_path.n == 0,
		.n = n,
		.rcpts = rcpts };
	int r;

	if ((r = read_original(p, &d, &a)) == ERR_OK) {
		dsn_build(&content, &d);
		r = intake_own(p->q, &e, buf_bytes(&content));
	}
	if (r == ERR_OK)
		log_info("%s: %s %s notification: %s", of_id,
			d.to_postmaster ? "postmaster" : "sender", names[p->kind], id);
	else
		log_warning("%s: no %s notification could be made (%s); again later", of_id,
			names[p->kind], err_text(r));
	buf_free(&content);
	arena_reset(&a);
	return r;
}

/* Of a recipient that nobody has said anything of. */
static const struct {
	const char *code, *text;
} unsaid[DSN_KINDS] = {
	[DSN_FAILURE] = { "5.0.0", "not delivered" },
	[DSN_DELAY] = { "4.0.0", "not tried yet" },
	[DSN_SUCCESS] = { "2.0.0", "delivered" },
};

/* One message for all that the same one is told of, from the first of them on. */
static int
tell(struct report *p, uint32_t first)
{
	const struct queue_state *s = &p->m->state;
	const struct bytes to = whom_to_tell(p, first);
	struct dsn_rcpt *rcpts = xcalloc(s->n - first, sizeof(*rcpts));
	uint32_t n = 0;
	int err;

	for (uint32_t i = first; i < s->n; i++) {
		const struct queue_rcpt *r = &s->rcpts[i];
		bool alone;
		uint32_t original;

		if (p->told[i] || !bytes_equal(whom_to_tell(p, i), to))
			continue;
		p->told[i] = true;
		original = original_rcpt(s, i, &alone);
		rcpts[n++] = (struct dsn_rcpt){ .action = action_of(p, r),
			.address = r->address,
			.orcpt = has_owner(r) ? BYTES_NONE : s->envelope.rcpts[original].orcpt,
			.given = original == i ? BYTES_NONE : s->rcpts[original].address,
			.code = r->code.n > 0 ? r->code : bytes_from_str(unsaid[p->kind].code),
			.text = r->text.n > 0 ? r->text : bytes_from_str(unsaid[p->kind].text),
			.remote = r->remote_mta };
	}
	err = submit(p, to, rcpts, n);
	free(rcpts);
	return err;
}

/* ---- all of a message ---- */

struct outcome {
	bool sent;   /* somebody is told */
	bool silent; /* failures that nobody is told of */
	bool failed; /* a report could not be made */
};

static void
count_targets(struct report *p)
{
	const struct queue_state *s = &p->m->state;

	p->targets = xcalloc(s->n, sizeof(*p->targets));
	for (uint32_t i = 0; i < s->n; i++)
		if (s->rcpts[i].parent != RCPT_NO_PARENT)
			p->targets[s->rcpts[i].parent] +=
				has_owner(&s->rcpts[i]) ? 2 : 1; /* a list is never one to one */
}

static struct outcome
tell_all(struct qmgr *q, struct message *m, enum dsn_kind kind)
{
	struct report p = { .q = q, .m = m, .kind = kind };
	struct outcome out = { 0 };

	if (kind == DSN_SUCCESS)
		count_targets(&p);
	for (uint32_t i = 0; i < m->state.n && !out.failed; i++) {
		if (!has_news(&p, i))
			continue;
		if (whom_to_tell(&p, i).n == 0) {
			out.silent = true;
			continue;
		}
		if (p.told == NULL)
			p.told = xcalloc(m->state.n, sizeof(*p.told));
		if (p.told[i])
			continue;
		if (tell(&p, i) < 0)
			out.failed = true;
		else
			out.sent = true;
	}
	free(p.told);
	free(p.targets);
	return out;
}

static bool
wants(const struct message *m, enum dsn_kind kind)
{
	const struct envelope *e = &m->state.envelope;

	if (e->login.n == 0 || e->reverse_path.n == 0)
		return false;
	for (uint32_t i = 0; i < e->n_rcpts; i++)
		if (dsn_is_wanted(kind, e->rcpts[i].notify))
			return true;
	return false;
}

static void
record(struct qmgr *q, struct message *m, enum queue_event_kind kind)
{
	struct queue_event e = { .rcpt = QUEUE_EVENT_MESSAGE, .kind = kind };

	message_event(q, m, &e);
}

static uint64_t
delay_due_s(const struct qmgr *q, const struct message *m)
{
	if (q->conf->delay_warning == 0 || m->state.warned || m->state.held || m->state.left == 0 ||
		!wants(m, DSN_DELAY))
		return UINT64_MAX;
	return (m->state.envelope.arrival_us + q->conf->delay_warning * 1000) / 1000000;
}

uint64_t
dsn_next_s(const struct qmgr *q, const struct message *m)
{
	const uint64_t due = m->state.left == 0 ? 0 : delay_due_s(q, m);
	const uint64_t now = now_s();

	return due > now ? due : now + AGAIN_S;
}

/* Reports and the record that they were made go in one flush: neither without the other. */
bool
dsn_send(struct qmgr *q, struct message *m)
{
	struct outcome done = tell_all(q, m, DSN_FAILURE), more;

	if (wants(m, DSN_SUCCESS) && !done.failed) {
		more = tell_all(q, m, DSN_SUCCESS);
		done.sent |= more.sent;
		done.failed = more.failed;
	}
	if (done.failed) /* those that were made are made again: better twice than never */
		return false;
	if (done.sent || (done.silent && m->state.left > 0))
		record(q, m, QUEUE_EVENT_REPORTED);
	if (delay_due_s(q, m) <= now_s()) {
		if (tell_all(q, m, DSN_DELAY).failed)
			return false;
		record(q, m, QUEUE_EVENT_WARNED);
	}
	return true;
}
