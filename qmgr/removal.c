/* SPDX-License-Identifier: ISC */
/*
 * qmgr/removal.c - files of messages that are gone: removed by a thread, again if that fails. The
 * journal has the message's end as long as its file may be there.
 *
 * Runs in:  qmgr; the removing in a thread.
 */
#include <stdlib.h>

#include "err.h"
#include "log.h"
#include "qmgr.h"

struct removing {
	struct worker_job job;
	LIST_ENTRY(removing) link; /* those to be tried again */
	struct qmgr *q;
	uint64_t id;
	int result;
};

static void
remove_work(struct worker_job *job)
{
	struct removing *r = job->ctx;

	r->result = file_remove(&r->q->folders, r->id);
}

static void
remove_again(evutil_socket_t fd, short what, void *arg)
{
	struct removing *r = arg;

	LIST_REMOVE(r, link);
	worker_submit(r->q->filer, &r->job);
}

static void
remove_done(struct worker_job *job)
{
	struct removing *r = job->ctx;

	mover_file_dirty(r->q);
	if (r->result < 0 && r->result != ERR_NOT_FOUND && !r->q->stopping) {
		const struct timeval later = { 10, 0 };

		log_error("a message's file could not be removed: %s", err_text(r->result));
		LIST_INSERT_HEAD(&r->q->removals, r, link);
		event_base_once(r->q->d->base, -1, EV_TIMEOUT, remove_again, r, &later);
		return;
	}
	free(r);
}

void
remove_file_soon(struct qmgr *q, uint64_t queue_id)
{
	struct removing *r = xcalloc(1, sizeof(*r));

	r->job.work = remove_work;
	r->job.done = remove_done;
	r->job.ctx = r;
	r->q = q;
	r->id = queue_id;
	worker_submit(q->filer, &r->job);
}

void
removals_stop(struct qmgr *q)
{
	struct removing *r;

	while ((r = LIST_FIRST(&q->removals)) != NULL) { /* the journal has their end */
		LIST_REMOVE(r, link);
		free(r);
	}
}
