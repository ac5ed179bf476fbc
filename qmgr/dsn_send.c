/* SPDX-License-Identifier: ISC */
/*
 * qmgr/dsn_send.c - reports are made, go into the queue, and are recorded as made when they are
 * there.
 *
 * The record (REPORTED, WARNED) and what follows from it, the message's end, come only when the
 * reports are durable: a report is made twice at worst, never not at all. Meanwhile nothing else
 * happens to the message.
 *
 * Runs in:  qmgr.
 * Sources:  RFC 3461 sec. 4.3 and 6, RFC 5321 sec. 6.1.
 */
#include <stdlib.h>

#include "clock.h"
#include "dsn_private.h"
#include "err.h"
#include "log.h"

#define HEADERS_MAX 65536 /* octets that are read to return a header */
#define RCPTS_MAX   2000  /* that one report tells of: some 500 KiB */
#define AGAIN_S     60    /* after a report could not be made */

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

static void on_stored(struct qmgr *q, void *arg, int err);

struct submitted { /* until it is durable */
	struct message *of;
	uint64_t id;
	enum dsn_kind kind;
	bool to_postmaster;
};

static void
tell_failure(struct qmgr *q, const struct message *m, int err)
{
	char id[QUEUE_ID_TEXT_SIZE];

	if (log_pace(&q->told.report))
		log_warning("%s: a notification could not be made (%s); again later",
			queue_id_text(m->entry->id, id), err_text(err));
}

static void
tell_success(const struct submitted *s)
{
	static const char *const names[DSN_KINDS] = { [DSN_FAILURE] = "non-delivery",
		[DSN_DELAY] = "delay",
		[DSN_SUCCESS] = "delivery status" };
	char id[QUEUE_ID_TEXT_SIZE], of_id[QUEUE_ID_TEXT_SIZE];

	log_info("%s: %s %s notification: %s", queue_id_text(s->of->entry->id, of_id),
		s->to_postmaster ? "postmaster" : "sender", names[s->kind],
		queue_id_text(s->id, id));
}

static void
submit(struct report *p, struct bytes to, const struct dsn_rcpt *rcpts, uint32_t n)
{
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
	struct submitted *s;
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

	p->m->reports.pending++;
	if ((r = read_original(p, &d, &a)) == ERR_OK) {
		dsn_build(&content, &d);
		s = xcalloc(1, sizeof(*s));
		*s = (struct submitted){ p->m, e.queue_id, p->kind, d.to_postmaster };
		r = own_send(p->q, &e, buf_bytes(&content), on_stored, s);
		if (r < 0)
			free(s);
	}
	if (r < 0) {
		tell_failure(p->q, p->m, r);
		p->m->reports.failed = true;
		p->m->reports.pending--;
	}
	buf_free(&content);
	arena_reset(&a);
}

/* Of a recipient that nobody has said anything of. */
static const struct {
	const char *code, *text;
} unsaid[DSN_KINDS] = {
	[DSN_FAILURE] = { "5.0.0", "not delivered" },
	[DSN_DELAY] = { "4.0.0", "not tried yet" },
	[DSN_SUCCESS] = { "2.0.0", "delivered" },
};

/* One message for all that the same one is told of, from the first of them on, or as many as are
 * told of in one. */
static void
tell(struct report *p, uint32_t first)
{
	const struct queue_state *s = &p->m->state;
	const struct bytes to = dsn_whom(p, first);
	const uint32_t most = s->n - first < RCPTS_MAX ? s->n - first : RCPTS_MAX;
	struct dsn_rcpt *rcpts = xcalloc(most, sizeof(*rcpts));
	uint32_t n = 0;

	for (uint32_t i = first; i < s->n && n < most; i++) {
		const struct queue_rcpt *r = &s->rcpts[i];
		bool alone;
		uint32_t original;

		if (p->told[i] || !bytes_equal(dsn_whom(p, i), to))
			continue;
		p->told[i] = true;
		original = dsn_original(s, i, &alone);
		rcpts[n++] = (struct dsn_rcpt){ .action = dsn_action(p, r),
			.address = r->address,
			.orcpt = dsn_has_owner(r) ? BYTES_NONE : s->envelope.rcpts[original].orcpt,
			.given = original == i ? BYTES_NONE : s->rcpts[original].address,
			.code = r->code.n > 0 ? r->code : bytes_from_str(unsaid[p->kind].code),
			.text = r->text.n > 0 ? r->text : bytes_from_str(unsaid[p->kind].text),
			.remote = r->remote_mta };
	}
	submit(p, to, rcpts, n);
	free(rcpts);
}

/* ---- all of a message ---- */

struct outcome {
	bool sent;   /* somebody is told */
	bool silent; /* failures that nobody is told of */
};

static void
count_targets(struct report *p)
{
	const struct queue_state *s = &p->m->state;

	p->targets = xcalloc(s->n, sizeof(*p->targets));
	for (uint32_t i = 0; i < s->n; i++)
		if (s->rcpts[i].parent != RCPT_NO_PARENT)
			p->targets[s->rcpts[i].parent] +=
				dsn_has_owner(&s->rcpts[i]) ? 2
							    : 1; /* a list is never one to one */
}

static struct outcome
tell_all(struct qmgr *q, struct message *m, enum dsn_kind kind)
{
	struct report p = { .q = q, .m = m, .kind = kind };
	struct outcome out = { 0 };

	if (kind == DSN_SUCCESS)
		count_targets(&p);
	for (uint32_t i = 0; i < m->state.n && !m->reports.failed; i++) {
		if (!dsn_has_news(&p, i))
			continue;
		if (dsn_whom(&p, i).n == 0) {
			out.silent = true;
			continue;
		}
		if (p.told == NULL)
			p.told = xcalloc(m->state.n, sizeof(*p.told));
		if (p.told[i])
			continue;
		out.sent = true;
		tell(&p, i);
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
	return m->reports.again_s != 0 ? m->reports.again_s : delay_due_s(q, m);
}

/* ---- what is recorded ---- */

static void
record(struct qmgr *q, struct message *m, enum queue_event_kind kind)
{
	struct queue_event e = { .rcpt = QUEUE_EVENT_MESSAGE, .kind = kind };

	message_event(q, m, &e);
}

/* All reports that were begun are durable, or one could not be made. */
static void
conclude(struct qmgr *q, struct message *m)
{
	const struct reports r = m->reports;
	const uint64_t now = now_s();

	m->reports = (struct reports){ 0 };
	if (m->deleted)
		return;
	if (r.failed) {
		/* those that are there are made again then: not too often */
		m->reports.again_s = r.made ? backoff_next_s(&q->backoff,
						      m->state.envelope.arrival_us / 1000000, now)
					    : now + AGAIN_S;
		return;
	}
	if (r.reported)
		record(q, m, QUEUE_EVENT_REPORTED);
	if (r.warned)
		record(q, m, QUEUE_EVENT_WARNED);
}

static void
on_stored(struct qmgr *q, void *arg, int err)
{
	struct submitted *s = arg;
	struct message *m = s->of;

	if (err < 0) {
		tell_failure(q, m, err);
		m->reports.failed = true;
	} else {
		tell_success(s);
		m->reports.made = true;
	}
	free(s);
	if (--m->reports.pending > 0)
		return;
	conclude(q, m);
	q->active_rcpts--;
	m->jobs--;
	message_settle(q, m);
	schedule_run(q);
}

enum dsn_progress
dsn_send(struct qmgr *q, struct message *m)
{
	struct outcome done, more;

	ASSERT(m->reports.pending == 0);
	if (now_s() < m->reports.again_s)
		return DSN_LATER;
	m->reports = (struct reports){ .pending = 1 }; /* so that it does not conclude too early */
	done = tell_all(q, m, DSN_FAILURE);
	if (wants(m, DSN_SUCCESS)) {
		more = tell_all(q, m, DSN_SUCCESS);
		done.sent |= more.sent;
	}
	m->reports.reported = done.sent || (done.silent && m->state.left > 0);
	if (delay_due_s(q, m) <= now_s()) {
		tell_all(q, m, DSN_DELAY);
		m->reports.warned = true;
	}
	if (--m->reports.pending > 0) {
		message_is_busy(q, m);
		return DSN_UNDER_WAY;
	}
	conclude(q, m);
	return m->reports.again_s != 0 ? DSN_LATER : DSN_TOLD;
}
