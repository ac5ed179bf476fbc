/* SPDX-License-Identifier: ISC */
/*
 * qmgr/verify.c - content that comes from a file is read once, and compared with its CRC,
 * before the first of its recipients gets it: nothing damaged is delivered, nothing by half.
 *
 * The thread's reading fills the page cache for the deliverer, so it costs no disk access of
 * its own. Content that never left memory was never doubtful; what the journal gives back
 * has the CRC of its record.
 *
 * Runs in:  qmgr; the reading in a thread. Trusts: nothing in the file.
 */
#include <stdlib.h>

#include "err.h"
#include "qmgr.h"

struct verifying {
	struct worker_job job;
	struct qmgr *q;
	struct message *m; /* stays: it counts as one of its jobs */
	struct queue_file head;
	int result;
};

bool
verify_is_needed(const struct message *m)
{
	return (m->entry->flags & ENTRY_IN_FILE) != 0 && !content_is_held(m) && !m->verified;
}

static void
verify_work(struct worker_job *job)
{
	struct verifying *v = job->ctx;

	v->result = file_check_content(&v->q->folders, &v->head);
}

static void
verify_done(struct worker_job *job)
{
	struct verifying *v = job->ctx;
	struct qmgr *q = v->q;
	struct message *m = v->m;

	m->verified = v->result == ERR_OK;
	m->jobs--;
	q->active_rcpts--;
	if (v->result < 0 && !m->deleted)
		message_unreadable(q, m->entry, v->result);
	else if (m->deleted || m->state.held || qmgr_is_ending(q))
		message_settle(q, m);
	else
		schedule_deliver(q, m);
	free(v);
	schedule_run(q);
}

int
verify_start(struct qmgr *q, struct message *m)
{
	struct verifying *v;
	int r = message_header(q, m);

	if (r < 0)
		return r;
	v = xcalloc(1, sizeof(*v));
	v->job.work = verify_work;
	v->job.done = verify_done;
	v->job.ctx = v;
	v->q = q;
	v->m = m;
	v->head = (struct queue_file){ .queue_id = m->entry->id,
		.content_offset = m->content_offset,
		.content_size = m->content_size,
		.content_crc = m->content_crc };
	m->jobs++;
	q->active_rcpts++;
	worker_submit(q->reader, &v->job);
	return ERR_OK;
}
