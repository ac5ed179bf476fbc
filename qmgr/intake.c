/* SPDX-License-Identifier: ISC */
/*
 * qmgr/intake.c - messages come in: COMMIT.
 *
 * A small message's envelope and content are copied into the journal's next batch; a large
 * one gets its file first (store.c). The answer comes after the flush (flush.c).
 *
 * Runs in:  qmgr; user relais-queue, root: the queue.
 * Trusts:   nothing from the doors but their service's name, which master vouches for.
 */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>

#include "clock.h"
#include "err.h"
#include "log.h"
#include "qmgr.h"
#include "sys.h"

#define SEALS (F_SEAL_WRITE | F_SEAL_SHRINK)

static const struct {
	int err;
	const char *text;
} answers[] = {
	{ ERR_NO_SPACE, "4.3.1 Insufficient system storage" },
	{ ERR_BUSY, "4.3.2 The queue is busy, try again" },
	{ ERR_EXISTS, "4.3.0 Queue id in use, try again" },
	{ ERR_IO, "4.3.0 The queue could not store the message, try again" },
	{ ERR_RESOURCE, "4.3.1 Out of resources, try again" },
	{ ERR_DENIED, "5.7.1 The queue does not take this message from here" },
	{ ERR_SYNTAX, "5.3.0 The queue could not read the envelope" },
	{ ERR_LIMIT, "5.3.4 Message too large for the queue" },
};

static void
answer(struct ipc_channel *channel, uint32_t id, uint64_t queue_id, int err)
{
	struct queue_commit_answer a = { .err = err };
	char text[QUEUE_TEXT_MAX], name[QUEUE_ID_TEXT_SIZE];

	if (channel == NULL || id == 0)
		return;
	snprintf(text, sizeof(text), "4.3.0 The queue could not store the message (%s)",
		err_text(err));
	for (size_t i = 0; i < NITEMS(answers); i++)
		if (answers[i].err == err)
			snprintf(text, sizeof(text), "%s", answers[i].text);
	if (err == ERR_OK)
		snprintf(text, sizeof(text), "2.0.0 Ok: queued as %s",
			queue_id_text(queue_id, name));
	if (err == ERR_EXISTS)
		a.err = ERR_BUSY;
	a.text = bytes_from_str(text);
	queue_commit_answer_encode(ipc_compose(channel), &a);
	ipc_reply(channel, id, QUEUE_COMMIT_ANSWER, NULL, 0);
}

/* ---- the end of a COMMIT ---- */

/* It was not stored: undo what was done, also what a later start would find. */
static void
commit_undo(struct qmgr *q, struct commit *c)
{
	struct entry *e = c->msg->entry;

	q->stats.refused++;
	if (c->in_journal || c->filed) {
		struct queue_event gone = { .queue_id = e->id,
			.time_us = clock_wall_us(),
			.rcpt = QUEUE_EVENT_MESSAGE,
			.kind = QUEUE_EVENT_REMOVED,
			.text = BYTES_LITERAL("refused: not durable") };
		struct buf body = BUF_INIT;

		queue_event_put(&body, &gone);
		record_append(q, QUEUE_RECORD_EVENT, buf_bytes(&body));
		buf_free(&body);
	}
	if (c->in_journal)
		journal_undo(&q->journal, c->segment);
	if (c->filed)
		remove_file_soon(q, e->id);
	message_free(q, c->msg);
	index_remove(&q->index, e);
}

/* It is durable: its turn may come. */
static void
commit_stored(struct qmgr *q, struct commit *c)
{
	struct entry *e = c->msg->entry;

	q->stats.committed++;
	q->stats.octets += e->size;
	line_message_id(e->id, content_held(c->msg), c->msg->memfd, 0);
	if (e->flags & ENTRY_IN_FILE) {
		journal_done(&q->journal, c->segment);
	} else {
		e->flags |= ENTRY_LINKED;
		TAILQ_INSERT_TAIL(&q->in_journal, e, link);
	}
	if (q->n_loaded > LOADED_MAX || q->memory > q->conf->memory_limit ||
		q->n_memfds > q->memfds_max)
		message_free(q, c->msg); /* it is read back when its turn comes */
	schedule_ready(q, e);
}

void
commit_finish(struct qmgr *q, struct commit *c, int err)
{
	q->n_waiting--;
	answer(c->channel, c->call_id, c->msg->entry->id, err);
	if (c->done != NULL)
		c->done(q, c->arg, err); /* who names it in a line does so before its own lines */
	if (err < 0)
		commit_undo(q, c);
	else
		commit_stored(q, c);
	free(c);
}

/* The doors wait a little rather than refuse, when room is being made. */
static bool
may_park(const struct qmgr *q, int err)
{
	/* each keeps a descriptor: a door that floods must not use them all up */
	if (q->n_parked >= PARKED_MAX)
		return false;
	if (err == ERR_BUSY)
		return true;
	return err == ERR_NO_SPACE &&
	       (q->making_segment || q->moving || q->syncing_files || q->journal.flying != NULL ||
		       journal_is_releasing(&q->journal));
}

void
commit_append(struct qmgr *q, struct commit *c)
{
	int r = record_message(q, c);

	if (r == ERR_NO_SPACE)
		mover_check(q); /* so that room is being made */
	if (r == ERR_OK) {
		TAILQ_INSERT_TAIL(&q->gathered, c, link);
		q->n_gathered++;
		flush_soon(q);
	} else if (may_park(q, r)) {
		TAILQ_INSERT_TAIL(&q->parked, c, link);
		q->n_parked++;
		if (r == ERR_BUSY || journal_is_releasing(&q->journal))
			flush_soon(q);
	} else {
		if (r == ERR_NO_SPACE && q->flush_failures > 0) {
			r = q->flush_error; /* not full: broken */
		} else if (r == ERR_NO_SPACE && !q->journal_full) {
			q->journal_full = true;
			log_warning("the journal is full: every segment is needed; new mail is "
				    "refused until messages are delivered or moved");
		}
		commit_finish(q, c, r);
		mover_check(q);
	}
}

void
commit_unpark(struct qmgr *q)
{
	struct commit_list parked = TAILQ_HEAD_INITIALIZER(parked);
	struct commit *c;

	TAILQ_CONCAT(&parked, &q->parked, link);
	q->n_parked = 0;
	while ((c = TAILQ_FIRST(&parked)) != NULL) {
		TAILQ_REMOVE(&parked, c, link);
		commit_append(q, c);
	}
}

/* ---- the beginning ---- */

/* The fd is what was said: a memfd that is sealed (only a memfd has seals; that it is long
 * enough shows when it is read), or a file that holds the content. */
static int
check_content(const struct queue_commit *m, int fd)
{
	struct stat st;
	int seals;

	if (!m->lent) {
		seals = fcntl(fd, F_GET_SEALS);
		return m->content.offset == 0 && seals >= 0 && (seals & SEALS) == SEALS
			       ? ERR_OK
			       : ERR_SYNTAX;
	}
	if (fstat(fd, &st) != 0 || !S_ISREG(st.st_mode) ||
		(uint64_t)st.st_size < m->content.offset + m->content.size)
		return ERR_SYNTAX;
	return m->content.offset == QUEUE_FILE_LENT_OFFSET ? ERR_OK : ERR_SYNTAX;
}

static int
take_commit(struct qmgr *q, struct commit *c, const struct queue_commit *m, struct bytes envelope,
	int fd)
{
	struct message *msg = c->msg;
	int r;

	if ((r = queue_state_init(&msg->state, envelope)) < 0)
		return r;
	if (msg->state.envelope.queue_id != m->queue_id || msg->state.n == 0)
		return ERR_SYNTAX;
	if (m->content.in_fd && (r = check_content(m, fd)) < 0)
		return r;
	if (c->channel != NULL &&
		(r = ticket_check(q, ipc_peer(c->channel), &msg->state.envelope, m->ticket)) < 0)
		return r;
	msg->prefix = arena_bytes(&msg->state.arena, m->prefix);
	msg->entry = index_add(&q->index, m->queue_id);
	if (msg->entry == NULL)
		return ERR_EXISTS;
	msg->entry->msg = msg;
	index_enter(&q->index, msg->entry, ENTRY_COMMITTING);
	msg->entry->login = login_hash(msg->state.envelope.login);
	msg->entry->size = m->prefix.n + m->content.size;
	msg->entry->rcpts_left = msg->state.left;
	q->n_waiting++;
	return ERR_OK;
}

static void
start_commit(struct ipc_call *call, const struct queue_commit *m, struct bytes envelope)
{
	struct daemon *d = call->ctx;
	struct qmgr *q = d->ctx;
	struct commit *c = xcalloc(1, sizeof(*c));
	const bool in_fd = m->content.in_fd;
	uint64_t lent = 0;
	int r = ERR_OK;

	c->q = q;
	c->channel = call->channel;
	c->call_id = call->id;
	c->msg = message_new(q);
	if (m->lent && (!in_fd || (lent = lent_take(q, call->channel, call->fds[0])) == 0))
		r = ERR_DENIED; /* not one that was lent to this door */
	if (r == ERR_OK)
		r = take_commit(q, c, m, envelope, in_fd ? call->fds[0] : -1);
	if (r < 0) {
		if (lent != 0)
			file_unlend(&q->folders, lent);
		answer(c->channel, c->call_id, m->queue_id, r);
		q->stats.refused++;
		message_free(q, c->msg);
		free(c);
		return;
	}
	content_hold(q, c->msg, &m->content, in_fd ? ipc_take_fd(call, 0) : -1);
	if (lent != 0 ||
		!journal_fits(&q->journal, 64 + envelope.n + m->prefix.n + m->content.size))
		store_file(q, c, m->content.offset, lent);
	else
		commit_append(q, c);
}

void
intake_commit(struct ipc_call *call, const void *msg)
{
	const struct queue_commit *m = msg;

	start_commit(call, m, m->envelope);
}

/* The envelope comes in a memfd of its own. */
void
intake_commit_large(struct ipc_call *call, const void *msg)
{
	const struct queue_commit *m = msg;
	struct buf envelope = BUF_INIT;
	struct stat st;
	ssize_t got = -1;

	if (fstat(call->fds[1], &st) == 0 && st.st_size > 0 &&
		(uint64_t)st.st_size <= ENVELOPE_SIZE_MAX) {
		got = sys_pread_full(call->fds[1], buf_room(&envelope, (size_t)st.st_size),
			(size_t)st.st_size, 0);
		if (got > 0)
			buf_added(&envelope, (size_t)got);
	}
	if (got <= 0)
		answer(call->channel, call->id, m->queue_id, ERR_SYNTAX);
	else
		start_commit(call, m, buf_bytes(&envelope));
	buf_free(&envelope);
}

void
intake_peer_down(struct qmgr *q, struct ipc_channel *channel)
{
	struct commit_list *lists[] = { &q->parked, &q->gathered, &q->flying, &q->storing };
	struct commit *c;

	for (size_t i = 0; i < NITEMS(lists); i++)
		TAILQ_FOREACH (c, lists[i], link)
			if (c->channel == channel)
				c->channel = NULL;
}

/* ---- of our own making ---- */

int
intake_own(struct qmgr *q, uint64_t id, struct bytes envelope, struct bytes content,
	own_done_fn *done, void *arg)
{
	struct commit *c = xcalloc(1, sizeof(*c));
	struct queue_commit m = { .queue_id = id, .content.size = content.n };
	int r;

	c->q = q;
	c->done = done;
	c->arg = arg;
	c->msg = message_new(q);
	if ((r = content_hold_octets(q, c->msg, content)) < 0 ||
		(r = take_commit(q, c, &m, envelope, -1)) < 0) {
		message_free(q, c->msg);
		free(c);
	} else if (journal_fits(&q->journal, 64 + envelope.n + content.n)) {
		commit_append(q, c);
	} else {
		store_file(q, c, 0, 0);
	}
	return r;
}
