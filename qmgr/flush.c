/* SPDX-License-Identifier: ISC */
/*
 * qmgr/flush.c - one flush for everyone waiting.
 *
 * What arrives in a turn of the event loop is appended in memory; at the end of the turn it
 * is written and flushed by a thread, while the next batch gathers. Only then come answers.
 *
 * Runs in:  qmgr; user relais-queue, root: the queue.
 */
#include "clock.h"
#include "err.h"
#include "log.h"
#include "qmgr.h"
#include "sys.h"

#define QUICK_US 1000 /* a flush shorter than this may be made in the event loop */

static void
record_stash(struct qmgr *q, enum queue_record_type type, struct bytes body)
{
	buf_put_u32(&q->stash, (uint32_t)type);
	buf_put_u32(&q->stash, (uint32_t)body.n);
	buf_put_bytes(&q->stash, body);
}

static uint64_t
try_append(struct qmgr *q, enum queue_record_type type, struct bytes body)
{
	struct journal_place place;
	struct buf *out;

	if (journal_begin(&q->journal, type, body.n, &out, &place) < 0)
		return 0;
	buf_put_bytes(out, body);
	return journal_end(&q->journal, type);
}

/* What had no room goes first: an event never overtakes another. */
static bool
stash_append(struct qmgr *q)
{
	struct bytes in;

	while ((in = buf_bytes(&q->stash)).p != NULL && in.n >= 8) {
		const uint32_t n = get_u32(in.p + 4);

		if (try_append(q, (enum queue_record_type)get_u32(in.p), bytes_make(in.p + 8, n)) ==
			0)
			return false;
		buf_consume(&q->stash, 8 + n);
		mover_file_dirty(q); /* what it says stands in a file perhaps, not synced */
	}
	buf_shrink(&q->stash);
	return true;
}

static void
flush_lazily(struct qmgr *q)
{
	const struct timeval later = { LAZY_FLUSH_MS / 1000, LAZY_FLUSH_MS % 1000 * 1000 };

	if (!evtimer_pending(q->lazy, NULL))
		evtimer_add(q->lazy, &later);
}

uint64_t
record_append(struct qmgr *q, enum queue_record_type type, struct bytes body)
{
	uint64_t seq = 0;

	flush_lazily(q);
	if (!stash_append(q) || (seq = try_append(q, type, body)) == 0)
		record_stash(q, type, body);
	return seq;
}

static int
put_content(struct qmgr *q, struct message *m, struct buf *out)
{
	struct content c;
	int r = content_find(q, m, &c);

	if (r < 0)
		return r;
	buf_put_bytes(out, c.prefix);
	r = content_read(&c, UINT64_MAX, out);
	return r == ERR_CORRUPT ? ERR_SYNTAX : r; /* the door said more than there is */
}

int
record_message(struct qmgr *q, struct commit *c)
{
	struct message *m = c->msg;
	const bool in_file = (m->entry->flags & ENTRY_IN_FILE) != 0;
	struct queue_message head = { .queue_id = m->entry->id,
		.flags = in_file ? QUEUE_MESSAGE_IN_FILE : 0 };
	struct buf envelope = BUF_INIT, *out;
	uint64_t body;
	int r;

	if (!stash_append(q))
		return ERR_NO_SPACE;
	if (!in_file) {
		envelope_encode(&envelope, &m->state.envelope);
		head.envelope = buf_bytes(&envelope);
		head.prefix_size = (uint32_t)m->prefix.n;
	}
	body = 20 + head.envelope.n + (in_file ? 0 : m->prefix.n + m->held_size);
	r = journal_begin(&q->journal, QUEUE_RECORD_MESSAGE, body, &out, &m->entry->place);
	if (r == ERR_OK) {
		queue_message_put_head(out, &head);
		if (!in_file && (r = put_content(q, m, out)) < 0) {
			journal_cancel(&q->journal);
			buf_free(&envelope);
			return r;
		}
		journal_end(&q->journal, QUEUE_RECORD_MESSAGE);
		c->segment = m->entry->place.segment;
		c->in_journal = true;
		journal_need(&q->journal, c->segment);
	}
	buf_free(&envelope);
	return r;
}

/* ---- the flush ---- */

static void
flush_work(struct worker_job *job)
{
	struct qmgr *q = job->ctx;

	const uint64_t started = clock_mono_us();

	q->flush_result = journal_batch_write(q->flush_batch);
	q->flush_us = clock_mono_us() - started;
}

static void
again(void *ctx, const struct queue_record *r)
{
	if (r->type == QUEUE_RECORD_EVENT || r->type == QUEUE_RECORD_MOVED)
		record_stash(ctx, (enum queue_record_type)r->type, r->body);
}

static void
tell_failure(struct qmgr *q, int err)
{
	q->flush_failures++;
	q->flush_error = err == ERR_NO_SPACE ? err : ERR_IO;
	if (log_pace(&q->told.flush))
		log_error("journal: flush failed (%s, %u times in a row); new mail is refused, %s",
			err_text(err), q->flush_failures,
			err == ERR_NO_SPACE ? "the disk is full" : "check the disk");
}

/* Neither what was flushed nor what gathered since is durable: tell all who wait. */
static void
flush_failed(struct qmgr *q, int err)
{
	struct commit_list failed = TAILQ_HEAD_INITIALIZER(failed);
	struct commit *c;

	tell_failure(q, err);
	journal_failed(&q->journal, again, q);
	TAILQ_CONCAT(&failed, &q->flying, link);
	TAILQ_CONCAT(&failed, &q->gathered, link);
	q->n_gathered = 0;
	while ((c = TAILQ_FIRST(&failed)) != NULL) {
		TAILQ_REMOVE(&failed, c, link);
		commit_finish(q, c, q->flush_error);
	}
	journal_drop_hollow(&q->journal);
	mover_flush_failed(q);
	flush_soon(q);
}

static void
flush_done(struct worker_job *job)
{
	struct qmgr *q = job->ctx;
	struct commit *c;

	if (q->flush_result < 0) {
		flush_failed(q, q->flush_result);
	} else {
		q->stats.flushes++;
		histogram_add(&q->watched.flush, q->flush_us);
		journal_flushed(&q->journal);
		if (q->flush_failures > 0)
			log_info("journal: flushed again, after %u failures", q->flush_failures);
		q->flush_failures = 0;
		while ((c = TAILQ_FIRST(&q->flying)) != NULL) {
			TAILQ_REMOVE(&q->flying, c, link);
			q->stats.flushed++;
			commit_finish(q, c, ERR_OK);
		}
		while (journal_release(&q->journal)) {
			q->journal_full = false;
			flush_soon(q); /* free when that is durable */
		}
	}
	mover_check(q);
	commit_unpark(q);
	operator_flushed(&q->orders_flying, q->flush_result);
	if (q->flush_result < 0) /* their records are written again */
		TAILQ_CONCAT(&q->expanding, &q->expanding_flying, link);
	deliver_expanded(&q->expanding_flying);
	if (q->stash.len > 0)
		flush_lazily(q);
	if (!TAILQ_EMPTY(&q->gathered) || !TAILQ_EMPTY(&q->parked) ||
		!TAILQ_EMPTY(&q->orders_gathered) || !TAILQ_EMPTY(&q->expanding))
		flush_soon(q);
}

static void
flush_start(struct qmgr *q)
{
	struct journal_batch *batch;

	UNUSED(stash_append(q));
	batch = journal_take(&q->journal);
	if (batch == NULL) {
		if (q->journal.flying == NULL) { /* nothing to be made durable */
			operator_flushed(&q->orders_gathered, ERR_OK);
			if (q->stash.len == 0)
				deliver_expanded(&q->expanding);
		}
		return; /* else the next comes when this one is done */
	}
	TAILQ_CONCAT(&q->orders_flying, &q->orders_gathered, link);
	if (q->stash.len == 0)
		TAILQ_CONCAT(&q->expanding_flying, &q->expanding, link);
	evtimer_del(q->pace);
	/* how many are there at once, forgotten slowly */
	q->crowd -= (q->crowd + 7) / 8;
	if (q->n_waiting > q->crowd)
		q->crowd = q->n_waiting;
	q->n_gathered = 0;
	q->flush_batch = batch; /* the thread's, until flush_done() */
	evtimer_del(q->lazy);
	TAILQ_CONCAT(&q->flying, &q->gathered, link);
	/* One alone, on a quick disk: two changes of thread cost more than they give. */
	if (q->n_waiting <= 1 && q->flush_us < QUICK_US) {
		flush_work(&q->flush_job);
		flush_done(&q->flush_job);
		return;
	}
	worker_submit(q->flusher, &q->flush_job);
}

static void
on_timer(evutil_socket_t fd, short what, void *arg)
{
	flush_start(arg);
}

/* Where many doors commit at once, a flush for a few of them would make the others wait for
 * it and cost as much: wait for half of those that are usually there, at most PACE_US. One
 * alone never waits. */
static bool
is_worth_waiting(struct qmgr *q)
{
	const struct timeval pace = { 0, PACE_US };

	if (q->n_gathered * 2 >= q->crowd || !TAILQ_EMPTY(&q->orders_gathered))
		return false;
	if (!evtimer_pending(q->pace, NULL))
		evtimer_add(q->pace, &pace);
	return true;
}

static void
on_turn(evutil_socket_t fd, short what, void *arg)
{
	if (!is_worth_waiting(arg))
		flush_start(arg);
}

void
flush_soon(struct qmgr *q)
{
	event_active(q->flush_turn, EV_TIMEOUT, 1);
}

int
flush_init(struct qmgr *q)
{
	TAILQ_INIT(&q->parked);
	TAILQ_INIT(&q->gathered);
	TAILQ_INIT(&q->flying);
	TAILQ_INIT(&q->storing);
	q->flush_job.work = flush_work;
	q->flush_job.done = flush_done;
	q->flush_job.ctx = q;
	q->flush_turn = event_new(q->d->base, -1, 0, on_turn, q);
	q->lazy = evtimer_new(q->d->base, on_timer, q);
	q->pace = evtimer_new(q->d->base, on_timer, q);
	if (q->flush_turn == NULL || q->lazy == NULL || q->pace == NULL)
		return ERR_RESOURCE;
	q->flusher = worker_new(q->d->base);
	q->filer = worker_new(q->d->base);
	q->reader = worker_new(q->d->base);
	return ERR_OK;
}

void
flush_stop(struct qmgr *q)
{
	struct journal_batch *b;

	q->stopping = true;
	worker_free(&q->reader);
	worker_free(&q->filer);
	worker_free(&q->flusher);
	if (!stash_append(q) && journal_may_grow(&q->journal)) {
		const uint64_t number = q->journal.next_number;
		int fd = journal_make_segment(q->folders.journal, number, q->journal.segment_size);

		if (fd >= 0)
			journal_add_segment(&q->journal, number, fd);
		UNUSED(stash_append(q));
	}
	b = journal_take(&q->journal);
	if (b != NULL && journal_batch_write(b) < 0)
		log_error("journal: the last flush failed");
	TAILQ_CONCAT(&q->orders, &q->orders_gathered, link);
	operator_flushed(&q->orders, ERR_OK);
}
