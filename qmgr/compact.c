/* SPDX-License-Identifier: ISC */
/*
 * qmgr/compact.c - a message's file whose events have become many more than its state needs (very
 * many recipients, tried very often) is written anew with as few as lead to that state.
 *
 * Like the mover's files: whole under another name, synced, then renamed, so a power cut finds the
 * old one or the new one; events that come meanwhile are added behind, and the journal has them
 * until files are synced.
 *
 * Runs in:  qmgr; the writing in a thread.
 */
#include <stdlib.h>

#include "err.h"
#include "log.h"
#include "qmgr.h"

#define EVENT_OCTETS 130 /* of an event without its strings, about */

struct compacting {
	struct worker_job job;
	struct qmgr *q;
	struct message *m; /* stays: it counts as one of its jobs */
	uint64_t id, events_offset, end;
	struct buf events;
	int result;
};

static uint64_t
octets_needed(const struct queue_state *s)
{
	uint64_t n = 0;

	for (uint32_t i = 0; i < s->n; i++) {
		const struct queue_rcpt *r = &s->rcpts[i];

		n += EVENT_OCTETS + r->code.n + r->text.n + r->next_hop.n + r->remote_mta.n;
		if (r->parent != RCPT_NO_PARENT)
			n += r->address.n + r->account.n + r->reverse_path.n;
	}
	return n;
}

bool
compact_is_due(const struct qmgr *q, const struct message *m)
{
	const uint64_t has = m->events_end - m->events_offset;

	return (m->entry->flags & (ENTRY_IN_FILE | ENTRY_MOVING)) == ENTRY_IN_FILE &&
	       m->events_end != 0 && has > q->compact_least && !m->compact_failed && !m->deleted &&
	       m->state.left > 0 && q->stash.len == 0 && !qmgr_is_ending(q) &&
	       has > 2 * octets_needed(&m->state);
}

static void
compact_work(struct worker_job *job)
{
	struct compacting *c = job->ctx;

	c->result = file_compact(
		&c->q->folders, c->id, c->events_offset, buf_bytes(&c->events), &c->end);
}

static void
compact_done(struct worker_job *job)
{
	struct compacting *c = job->ctx;
	struct message *m = c->m;
	struct qmgr *q = c->q;

	m->entry->flags &= (uint8_t)~ENTRY_MOVING;
	if (c->result == ERR_OK) {
		m->events_end = c->end;
	} else {
		m->compact_failed = true;
		if (log_pace(&q->told.move))
			log_error("a message's events could not be written anew: %s",
				err_text(c->result));
	}
	message_add_late(q, m);
	m->jobs--;
	q->active_rcpts--;
	message_settle(q, m);
	buf_free(&c->events);
	free(c);
	schedule_run(q);
}

void
compact_start(struct qmgr *q, struct message *m)
{
	struct compacting *c = xcalloc(1, sizeof(*c));

	*c = (struct compacting){ .job = { .work = compact_work, .done = compact_done, .ctx = c },
		.q = q,
		.m = m,
		.id = m->entry->id,
		.events_offset = m->events_offset };
	queue_state_write(&m->state, &c->events, q->journal.next_seq - 1);
	message_is_busy(q, m);
	m->entry->flags |= ENTRY_MOVING;
	worker_submit(q->filer, &c->job);
}
