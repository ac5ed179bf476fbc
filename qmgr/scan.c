/* SPDX-License-Identifier: ISC */
/*
 * qmgr/scan.c - what the message files say, read in a thread while mail goes on.
 *
 * After the start the index knows every file by its name; here it learns size, state and when
 * it is due. Who needs to know one of them earlier (the operator) has it read at once
 * (message_load()), and what the thread says of it later is passed over: only an entry that
 * is UNREAD still learns.
 *
 * Runs in:  qmgr; the reading in a thread. Trusts: nothing in the files.
 */
#include <stdlib.h>

#include "clock.h"
#include "err.h"
#include "log.h"
#include "qmgr.h"

#define SCAN_TOGETHER  32 /* few: deliveries' content is checked by the same thread */
#define PROGRESS_EVERY (UINT64_C(10) * 1000000)

/* What a file said of its message. */
struct scanned {
	uint64_t id;
	int err;
	struct entry_facts facts;
	struct key_facts keys;
	uint8_t from[DOMAIN_TEXT_MAX], to[DOMAIN_TEXT_MAX]; /* what keys point to */
};

struct scan {
	struct worker_job job;
	struct qmgr *q;
	uint64_t at, n_read;
	uint64_t started_us, told_us;
	unsigned n;
	struct scanned rows[SCAN_TOGETHER];
};

static struct entry_facts
facts_of(const struct queue_state *s, uint64_t size)
{
	const uint64_t next = queue_state_next(s);
	const uint32_t attempts = queue_state_attempts(s);

	return (struct entry_facts){ .size = size,
		.due_s = next < UINT32_MAX ? (uint32_t)next : UINT32_MAX,
		.rcpts_left = s->left,
		.login = login_hash(s->envelope.login),
		.attempts = (uint16_t)(attempts < UINT16_MAX ? attempts : UINT16_MAX),
		.held = s->held };
}

static void
learn(struct qmgr *q, struct entry *e, const struct entry_facts *f)
{
	e->flags &= (uint8_t)~ENTRY_UNREAD;
	e->size = f->size;
	e->rcpts_left = f->rcpts_left;
	e->attempts = f->attempts;
	e->login = f->login;
	q->stats.octets += f->size;
	if (e->state != ENTRY_DEFERRED)
		return;           /* the operator has flushed it */
	if (f->rcpts_left == 0) { /* finished but for its last record */
		schedule_ready(q, e);
	} else if (f->held) {
		index_enter(&q->index, e, ENTRY_HELD);
	} else {
		index_schedule(&q->index, e, f->due_s);
		schedule_due(q);
	}
}

void
entry_learn(struct qmgr *q, struct entry *e, const struct queue_state *s, uint64_t size)
{
	const struct entry_facts f = facts_of(s, size);

	if (e->flags & ENTRY_UNREAD)
		learn(q, e, &f);
}

/* ---- all of them ---- */

static struct bytes
keep(struct bytes domain, uint8_t out[DOMAIN_TEXT_MAX])
{
	domain = bytes_head(domain, DOMAIN_TEXT_MAX);
	if (domain.n > 0)
		memcpy(out, domain.p, domain.n);
	return bytes_make(out, domain.n);
}

static void
keep_keys(struct scanned *row, const struct queue_state *s)
{
	key_facts(s, &row->keys);
	row->keys.from_domain = keep(row->keys.from_domain, row->from);
	row->keys.to_domain = keep(row->keys.to_domain, row->to);
}

static void
scan_work(struct worker_job *job)
{
	struct scan *s = job->ctx;

	for (unsigned i = 0; i < s->n; i++) {
		struct file_loaded l;

		s->rows[i].err = file_load(&s->q->folders, s->rows[i].id, &l);
		if (s->rows[i].err < 0)
			continue;
		s->rows[i].facts = facts_of(&l.state, l.head.content_size);
		keep_keys(&s->rows[i], &l.state);
		queue_state_free(&l.state);
	}
}

static void
scan_next(struct scan *s)
{
	struct qmgr *q = s->q;
	struct entry *e;

	s->n = 0;
	while (s->n < SCAN_TOGETHER && (e = index_next(&q->index, s->at)) != NULL) {
		s->at = e->id;
		if (e->flags & ENTRY_UNREAD)
			s->rows[s->n++].id = e->id;
	}
	if (s->n > 0 && !q->stopping) {
		worker_submit(q->reader, &s->job);
		return;
	}
	if (s->n_read > 0 && !q->stopping)
		log_info("queue: %llu message files read in %llu ms", (unsigned long long)s->n_read,
			(unsigned long long)((clock_mono_us() - s->started_us) / 1000));
	free(s);
}

static void
scan_done(struct worker_job *job)
{
	struct scan *s = job->ctx;
	struct qmgr *q = s->q;

	for (unsigned i = 0; i < s->n; i++) {
		struct entry *e = index_find(&q->index, s->rows[i].id);

		if (e == NULL || (e->flags & ENTRY_UNREAD) == 0 || q->stopping)
			continue;
		if (s->rows[i].err < 0)
			message_unreadable(q, e, s->rows[i].err);
		else {
			entry_set_keys(&q->index, e, &s->rows[i].keys);
			learn(q, e, &s->rows[i].facts);
		}
	}
	s->n_read += s->n;
	if (clock_mono_us() - s->told_us > PROGRESS_EVERY) {
		s->told_us = clock_mono_us();
		log_info("reading the queue: %llu of %zu message files",
			(unsigned long long)s->n_read, q->index.live);
	}
	scan_next(s);
}

void
scan_start(struct qmgr *q)
{
	struct scan *s = xcalloc(1, sizeof(*s));

	s->job.work = scan_work;
	s->job.done = scan_done;
	s->job.ctx = s;
	s->q = q;
	s->started_us = s->told_us = clock_mono_us();
	scan_next(s);
}
