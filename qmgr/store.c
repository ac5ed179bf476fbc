/* SPDX-License-Identifier: ISC */
/*
 * qmgr/store.c - a large message gets its file before the record that tells of it: completed in the
 * file that was lent for it, or made, by a thread.
 *
 * Runs in:  qmgr; the writing in a thread. user relais-queue, root: the queue.
 * Trusts:   nothing that a door did to a lent file (adopt.c).
 */
#include <stdlib.h>

#include "err.h"
#include "log.h"
#include "qmgr.h"

struct storing {
	struct worker_job job;
	struct qmgr *q;
	struct commit *commit;
	struct file_source source;
	struct buf envelope;
	uint64_t lent; /* number of the file; 0: content is in memory */
	int result;
	enum file_adoption how;
};

static void
store_work(struct worker_job *job)
{
	struct storing *s = job->ctx;

	s->result = s->lent != 0 ? file_adopt(&s->q->folders, &s->source, s->lent, &s->how)
				 : file_store(&s->q->folders, &s->source);
}

/* The message is whole in any case; a copy says that something is not as it should be. */
static void
tell_adoption(struct qmgr *q, uint64_t id, enum file_adoption how)
{
	char text[QUEUE_ID_TEXT_SIZE];

	queue_id_text(id, text);
	if (how == FILE_COPIED_OPEN)
		log_warning("%s: its door still had the file open for writing; copied", text);
	else if (how == FILE_COPIED_NAME)
		log_warning("%s: the file lent for it could not be renamed; copied", text);
	else if (how == FILE_COPIED_LEASE && !q->leases_missed)
		log_warning("the queue's file system knows no leases: large messages are copied");
	q->leases_missed |= how == FILE_COPIED_LEASE;
}

static void
store_done(struct worker_job *job)
{
	struct storing *s = job->ctx;
	struct qmgr *q = s->q;
	struct commit *c = s->commit;

	TAILQ_REMOVE(&q->storing, c, link);
	c->filed = true;
	content_drop(q, c->msg);
	tell_adoption(q, c->msg->entry->id, s->how);
	if (s->result == ERR_OK) {
		c->msg->entry->flags |= ENTRY_IN_FILE;
		c->msg->verified = true; /* its CRC was taken a moment ago */
		/* offsets are read from the file's header when it is loaded again */
		commit_append(q, c);
	} else {
		commit_finish(q, c, s->result);
	}
	buf_free(&s->envelope);
	free(s);
}

void
store_file(struct qmgr *q, struct commit *c, uint64_t offset, uint64_t lent)
{
	struct storing *s = xcalloc(1, sizeof(*s));
	struct message *m = c->msg;

	s->job.work = store_work;
	s->job.done = store_done;
	s->job.ctx = s;
	s->q = q;
	s->commit = c;
	s->lent = lent;
	line_message_id(m->entry->id, content_held(m), m->memfd, offset);
	envelope_encode(&s->envelope, &m->state.envelope);
	s->source = (struct file_source){ .queue_id = m->entry->id,
		.envelope = buf_bytes(&s->envelope),
		.prefix = m->prefix,
		.content = content_held(m),
		.content_fd = m->memfd,
		.content_offset = offset,
		.content_size = m->held_size };
	if (lent != 0) { /* the thread closes it: no descriptor of ours may be open for writing */
		m->memfd = -1;
		q->n_memfds--;
		q->memory -= m->held_size;
	}
	TAILQ_INSERT_TAIL(&q->storing, c, link);
	worker_submit(q->filer, &s->job);
}
