/* SPDX-License-Identifier: ISC */
/*
 * qmgr/mover.c - from the journal to files: what waits longer than a minute, and what
 * stands in the way of a segment that is wanted back. Many at once, with one sync.
 *
 * The order that a power cut cannot harm: the file is written and synced; then MOVED is
 * recorded and flushed; only then the segment needs the message no longer. A file that is
 * there without its MOVED record is half made, and recovery makes it again.
 *
 * Runs in:  qmgr; the writing in a thread.
 */
#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

#include "clock.h"
#include "err.h"
#include "log.h"
#include "qmgr.h"
#include "sys.h"

#define RETRY_US       UINT64_C(1000000)
#define STUCK_RETRY_US (UINT64_C(60) * 1000000)
#define OCTETS_MAX     (UINT64_C(64) << 20) /* of one move */
#define FREE_WANTED    2                    /* segments; messages leave the last one to events */

/* After a failure: again in a while. */
static void
try_later(struct qmgr *q)
{
	const struct timeval later = { RETRY_US / 1000000 + 1, 0 };

	q->next_move_us = clock_mono_us() + RETRY_US;
	evtimer_add(q->move_again, &later);
}

/* ---- moving ---- */

struct moved {
	uint64_t id;
	struct file_source source;
	struct buf envelope, events, content;
	int content_fd; /* a copy: the message may let go of its own */
	int result;
};

struct move {
	struct worker_job job;
	struct qmgr *q;
	unsigned n;
	struct moved m[MOVE_TOGETHER];
};

static void
move_work(struct worker_job *job)
{
	struct move *mv = job->ctx;
	int r;

	for (unsigned i = 0; i < mv->n; i++)
		mv->m[i].result = file_write(&mv->q->folders, &mv->m[i].source);
	r = sys_syncfs(mv->q->folders.message);
	for (unsigned i = 0; i < mv->n && r < 0; i++)
		if (mv->m[i].result == ERR_OK) {
			mv->m[i].result = r;
			/* or a start much later would take it for a message */
			if (file_remove(&mv->q->folders, mv->m[i].id) < 0)
				continue;
		}
}

/* The message is a file from here on. */
static void
moved_well(struct qmgr *q, struct entry *e)
{
	struct buf body = BUF_INIT;
	struct message *m = e->msg;

	buf_put_u64(&body, e->id);
	record_append(q, QUEUE_RECORD_MOVED, buf_bytes(&body));
	buf_free(&body);
	journal_done(&q->journal, e->place.segment);
	TAILQ_REMOVE(&q->in_journal, e, link);
	e->flags &= (uint8_t)~ENTRY_LINKED;
	e->flags |= ENTRY_IN_FILE;
	q->stats.moved++;
	if (m == NULL)
		return;
	m->events_end = 0; /* read from the header when wanted */
	message_add_late(q, m);
	if (m->jobs == 0 &&
		(e->state == ENTRY_DEFERRED || e->state == ENTRY_HELD || e->state == ENTRY_READY) &&
		!m->deleted)
		message_free(q, m);
}

static void
move_done(struct worker_job *job)
{
	struct move *mv = job->ctx;
	struct qmgr *q = mv->q;
	int err = ERR_OK;

	q->moving = false;
	for (unsigned i = 0; i < mv->n; i++) {
		struct moved *m = &mv->m[i];
		struct entry *e = index_find(&q->index, m->id);

		ASSERT(e != NULL && (e->flags & ENTRY_MOVING) != 0);
		e->flags &= (uint8_t)~ENTRY_MOVING;
		if (m->result == ERR_OK)
			moved_well(q, e);
		else
			err = m->result;
		if (e->msg != NULL && m->result < 0)
			buf_free(&e->msg->late);
		if (e->msg != NULL && e->msg->deleted && e->msg->jobs == 0)
			message_finish(q, e, "");
		if (m->content_fd >= 0)
			close(m->content_fd);
		buf_free(&m->envelope);
		buf_free(&m->events);
		buf_free(&m->content);
	}
	if (err < 0) {
		if (log_pace(&q->told.move))
			log_error("messages could not be moved out of the journal: %s",
				err_text(err));
		try_later(q);
	}
	free(mv);
	flush_soon(q);
	mover_check(q);
	schedule_run(q);
	commit_unpark(q);
}

/* From the record in the journal, for a message that is not in memory. */
static int
source_from_journal(struct qmgr *q, const struct entry *e, struct moved *m)
{
	struct queue_record record;
	struct queue_message head = { 0 };
	int r = journal_fetch(&q->journal, e->place, &m->content, &record);

	if (r == ERR_OK)
		r = queue_message_parse(record.body, &head);
	if (r < 0)
		return r;
	m->source.envelope = head.envelope;
	m->source.prefix = bytes_head(head.content, head.prefix_size);
	m->source.content = bytes_skip(head.content, head.prefix_size);
	return ERR_OK;
}

static int
source_of(struct qmgr *q, const struct entry *e, struct moved *m)
{
	struct message *msg = e->msg;
	int r = ERR_OK;

	m->id = e->id;
	m->content_fd = -1;
	m->source = (struct file_source){ .queue_id = e->id, .content_fd = -1 };
	if (msg == NULL || !content_is_held(msg))
		r = source_from_journal(q, e, m);
	if (r < 0 || msg == NULL)
		return r;
	envelope_encode(&m->envelope, &msg->state.envelope);
	m->source.envelope = buf_bytes(&m->envelope);
	queue_state_write(&msg->state, &m->events, q->journal.next_seq - 1);
	m->source.events = buf_bytes(&m->events);
	if (!content_is_held(msg))
		return ERR_OK;
	/* what lives with the message may go meanwhile */
	buf_put_bytes(&m->content, msg->prefix);
	if (msg->octets != NULL) {
		buf_put(&m->content, msg->octets, (size_t)msg->held_size);
	} else {
		m->content_fd = fcntl(msg->memfd, F_DUPFD_CLOEXEC, 0);
		if (m->content_fd < 0)
			return ERR_RESOURCE;
	}
	m->source.prefix = bytes_head(buf_bytes(&m->content), msg->prefix.n);
	m->source.content = bytes_skip(buf_bytes(&m->content), msg->prefix.n);
	m->source.content_fd = m->content_fd;
	m->source.content_size = msg->held_size;
	return ERR_OK;
}

/* One that the journal cannot give back must not keep its segment for ever. */
static bool
source_or_aside(struct qmgr *q, struct entry *e, struct moved *m)
{
	int r = source_of(q, e, m);

	if (r == ERR_OK)
		return true;
	buf_free(&m->envelope);
	buf_free(&m->events);
	buf_free(&m->content);
	if (!err_is_temporary(r) && (e->msg == NULL || e->msg->jobs == 0))
		message_unreadable(q, e, r);
	return false;
}

/* Those committed before the limit, or all of one segment (>= 0). */
static void
move_some(struct qmgr *q, int segment, uint64_t before_us)
{
	struct move *mv = xcalloc(1, sizeof(*mv));
	uint64_t octets = 0;
	struct entry *e, *next;

	mv->job.work = move_work;
	mv->job.done = move_done;
	mv->job.ctx = mv;
	mv->q = q;
	for (e = TAILQ_FIRST(&q->in_journal); e != NULL; e = next) {
		next = TAILQ_NEXT(e, link);
		if (mv->n == MOVE_TOGETHER || octets > OCTETS_MAX)
			break;
		if (segment >= 0 ? e->place.segment != segment
				 : queue_id_time_us(e->id) > before_us)
			break; /* they stand in the order in which they came */
		if (e->msg != NULL && e->msg->deleted)
			continue;
		if (!source_or_aside(q, e, &mv->m[mv->n]))
			continue;
		e->flags |= ENTRY_MOVING;
		octets += e->size;
		mv->n++;
	}
	if (mv->n == 0) {
		free(mv);
		return;
	}
	q->moving = true;
	worker_submit(q->filer, &mv->job);
}

/* ---- segments ---- */

struct making {
	struct worker_job job;
	struct qmgr *q;
	uint64_t number, size;
	int fd;
};

static void
make_work(struct worker_job *job)
{
	struct making *mk = job->ctx;

	mk->fd = journal_make_segment(mk->q->folders.journal, mk->number, mk->size);
}

static void
make_done(struct worker_job *job)
{
	struct making *mk = job->ctx;
	struct qmgr *q = mk->q;

	q->making_segment = false;
	if (mk->fd < 0) {
		if (log_pace(&q->told.segment))
			log_error("no further journal segment could be made: %s", err_text(mk->fd));
		try_later(q);
	} else {
		journal_add_segment(&q->journal, mk->number, mk->fd);
		q->journal_full = false;
		if (q->stash.len > 0)
			flush_soon(q);
	}
	free(mk);
	mover_check(q);
	commit_unpark(q);
}

static void
make_segment(struct qmgr *q)
{
	struct making *mk = xcalloc(1, sizeof(*mk));

	mk->job.work = make_work;
	mk->job.done = make_done;
	mk->job.ctx = mk;
	mk->q = q;
	mk->number = q->journal.next_number++;
	mk->size = q->journal.segment_size;
	q->making_segment = true;
	worker_submit(q->filer, &mk->job);
}

/* ---- events in files, synced before the journal forgets them ---- */

struct syncing {
	struct worker_job job;
	struct qmgr *q;
	int result;
};

static void
sync_work(struct worker_job *job)
{
	struct syncing *s = job->ctx;

	s->result = sys_syncfs(s->q->folders.message);
}

static void
sync_done(struct worker_job *job)
{
	struct syncing *s = job->ctx;
	struct qmgr *q = s->q;

	q->syncing_files = false;
	if (s->result < 0) {
		if (log_pace(&q->told.files))
			log_error("message files could not be synced: %s", err_text(s->result));
		try_later(q);
	}
	for (unsigned i = 0; s->result == ERR_OK && i < q->journal.slots; i++)
		if (q->dirty_at_sync[i] && !q->dirty_since[i])
			q->journal.segments[i].files_dirty = false;
	free(s);
	while (journal_release(&q->journal)) {
		q->journal_full = false;
		flush_soon(q); /* free when that is durable */
	}
	mover_check(q);
	commit_unpark(q);
}

static void
sync_files(struct qmgr *q)
{
	struct syncing *s = xcalloc(1, sizeof(*s));

	s->job.work = sync_work;
	s->job.done = sync_done;
	s->job.ctx = s;
	s->q = q;
	for (unsigned i = 0; i < q->journal.slots; i++) {
		q->dirty_at_sync[i] = q->journal.segments[i].files_dirty;
		q->dirty_since[i] = false;
	}
	q->syncing_files = true;
	worker_submit(q->filer, &s->job);
}

/* A file was added to or removed: no segment in use may go before the next sync. */
void
mover_file_dirty(struct qmgr *q)
{
	for (unsigned i = 0; i < q->journal.slots; i++)
		if (q->journal.segments[i].state > SEGMENT_FREE) {
			q->journal.segments[i].files_dirty = true;
			q->dirty_since[i] = true;
		}
}

/* ---- what is to be done ---- */

void
mover_check(struct qmgr *q)
{
	const int oldest = journal_oldest(&q->journal);
	const struct journal_segment *s = oldest < 0 ? NULL : &q->journal.segments[oldest];

	if (q->stopping || clock_mono_us() < q->next_move_us)
		return;
	if (q->n_loaded > LOADED_MAX && !q->moving) /* what waits need not be in memory */
		move_some(q, -1, UINT64_MAX);
	if (journal_free_segments(&q->journal) >= FREE_WANTED)
		return;
	if (journal_may_grow(&q->journal) || journal_is_stuck(&q->journal)) {
		if (!q->making_segment && clock_mono_us() >= q->next_make_us)
			make_segment(q);
		return;
	}
	if (s == NULL || s->state == SEGMENT_CURRENT)
		return;
	if (s->live > 0) {
		if (!q->moving)
			move_some(q, oldest, 0);
	} else if (s->files_dirty) {
		if (!q->syncing_files)
			sync_files(q);
	} else if (journal_release(&q->journal)) {
		flush_soon(q); /* free as soon as that is durable */
	}
}

/* After the third failure in a row the next segment will fail as well: not at once. */
void
mover_flush_failed(struct qmgr *q)
{
	const struct timeval later = { RETRY_US / 1000000 + 1, 0 };

	if (q->flush_failures < 3)
		return;
	q->next_make_us =
		clock_mono_us() + (journal_is_stuck(&q->journal) ? STUCK_RETRY_US : RETRY_US);
	if (!evtimer_pending(q->move_again, NULL))
		evtimer_add(q->move_again, &later);
}

static void
on_timer(evutil_socket_t fd, short what, void *arg)
{
	struct qmgr *q = arg;
	const struct timeval again = { 10, 0 };

	mover_check(q);
	if (!q->moving && clock_mono_us() >= q->next_move_us)
		move_some(q, -1, clock_wall_us() - MOVE_AFTER_S * UINT64_C(1000000));
	evtimer_add(q->move_timer, &again);
}

static void
on_again(evutil_socket_t fd, short what, void *arg)
{
	mover_check(arg);
	commit_unpark(arg);
}

int
mover_init(struct qmgr *q)
{
	q->move_timer = evtimer_new(q->d->base, on_timer, q);
	q->move_again = evtimer_new(q->d->base, on_again, q);
	if (q->move_timer == NULL || q->move_again == NULL)
		return ERR_RESOURCE;
	on_timer(-1, 0, q);
	return ERR_OK;
}
