/* SPDX-License-Identifier: ISC */
/*
 * qmgr/message.c - a message in memory: loaded, its events, its end.
 *
 * Runs in:  qmgr; user relais-queue, root: the queue.
 * Trusts:   what its decoders let through.
 */
#include <stdlib.h>
#include <unistd.h>

#include "clock.h"
#include "dsn.h"
#include "err.h"
#include "log.h"
#include "qmgr.h"
#include "sys.h"

#define RETRY_LOAD_S 30

struct message *
message_new(struct qmgr *q)
{
	struct message *m = xcalloc(1, sizeof(*m));

	m->memfd = m->file_fd = -1;
	TAILQ_INSERT_TAIL(&q->loaded, m, link);
	q->n_loaded++;
	return m;
}

static void
set_keys(struct qmgr *q, const struct message *m)
{
	struct key_facts facts;

	key_facts(&m->state, &facts);
	entry_set_keys(&q->index, m->entry, &facts);
}

void
message_free(struct qmgr *q, struct message *m)
{
	ASSERT(m->jobs == 0);
	content_drop(q, m);
	if (m->entry != NULL) {
		m->entry->msg = NULL;
		if (m->state.left > 0)
			set_keys(q, m);
	}
	TAILQ_REMOVE(&q->loaded, m, link);
	q->n_loaded--;
	queue_state_free(&m->state);
	buf_free(&m->late);
	free(m);
}

/* ---- loading ---- */

static void
take_header(struct message *m, const struct file_loaded *l)
{
	m->content_offset = l->head.content_offset;
	m->content_size = l->head.content_size;
	m->content_crc = l->head.content_crc;
	m->events_offset = l->head.events_offset;
	m->events_end = l->events_end;
}

static int
load_file(struct qmgr *q, struct message *m, uint64_t id)
{
	struct file_loaded l;
	int r = file_load(&q->folders, id, &l);

	if (r < 0)
		return r;
	m->state = l.state;
	take_header(m, &l);
	return ERR_OK;
}

int
message_header(struct qmgr *q, struct message *m)
{
	struct file_loaded l;
	int r;

	if (m->events_end != 0)
		return ERR_OK;
	if ((r = file_load(&q->folders, m->entry->id, &l)) < 0)
		return r;
	take_header(m, &l);
	queue_state_free(&l.state);
	return ERR_OK;
}

/* With its content; the state only if it is not there. The prefix is part of the content then. */
int
message_load_journal(struct qmgr *q, struct message *m, const struct entry *e, bool state)
{
	struct buf octets = BUF_INIT;
	struct queue_record record;
	struct queue_message head;
	int r = journal_fetch(&q->journal, e->place, &octets, &record);

	if (r == ERR_OK && record.type != QUEUE_RECORD_MESSAGE)
		r = ERR_CORRUPT;
	if (r == ERR_OK)
		r = queue_message_parse(record.body, &head);
	if (r == ERR_OK && head.queue_id != e->id)
		r = ERR_CORRUPT;
	if (r == ERR_OK && state)
		r = queue_state_init(&m->state, head.envelope);
	if (r == ERR_OK)
		r = content_hold_octets(q, m, head.content);
	m->prefix = BYTES_NONE;
	buf_free(&octets);
	return r;
}

int
message_load(struct qmgr *q, struct entry *e)
{
	struct message *m;
	int r;

	if (e->msg != NULL)
		return ERR_OK;
	m = message_new(q);
	r = (e->flags & ENTRY_IN_FILE) != 0 ? load_file(q, m, e->id)
					    : message_load_journal(q, m, e, true);
	if (r < 0) {
		message_free(q, m);
		return r;
	}
	m->entry = e;
	e->msg = m;
	entry_learn(q, e, &m->state, m->content_size);
	return ERR_OK;
}

/* Kept for a person to look at: the file, or what the journal has. */
static void
set_aside(struct qmgr *q, struct entry *e, const char *id, int err)
{
	struct buf octets = BUF_INIT;
	struct queue_record r;
	int result = ERR_OK;

	if (e->flags & ENTRY_LINKED) {
		if (journal_fetch(&q->journal, e->place, &octets, &r) < 0)
			log_debug("%s: set aside as it is", id);
		result = octets_set_aside(&q->folders, id, buf_bytes(&octets), err_text(err));
		buf_free(&octets);
	} else if (err != ERR_NOT_FOUND) {
		result = file_set_aside(&q->folders, e->id, err_text(err));
	}
	if (result < 0)
		log_error("%s: cannot be set aside: %s", id, err_text(result));
}

void
message_unreadable(struct qmgr *q, struct entry *e, int err)
{
	char id[QUEUE_ID_TEXT_SIZE];

	queue_id_text(e->id, id);
	if (err != ERR_CORRUPT && err != ERR_UNSUPPORTED && err != ERR_NOT_FOUND &&
		err != ERR_SYNTAX && err != ERR_LIMIT) {
		log_error("%s: cannot be read now (%s)", id, err_text(err));
		index_enter(&q->index, e, ENTRY_DEFERRED);
		index_schedule(&q->index, e, (uint32_t)(now_s() + RETRY_LOAD_S));
		schedule_due(q);
		return;
	}
	log_error("%s: cannot be read (%s), set aside in queue/corrupt", id, err_text(err));
	q->stats.corrupt++;
	remote_unpark(q, e);
	set_aside(q, e, id, err);
	if (e->flags & ENTRY_LINKED) {
		TAILQ_REMOVE(&q->in_journal, e, link);
		journal_done(&q->journal, e->place.segment);
	}
	q->stats.octets -= e->size;
	if (e->msg != NULL)
		message_free(q, e->msg);
	index_remove(&q->index, e);
}

/* ---- events ---- */

static void
add_to_file(struct qmgr *q, struct message *m, struct bytes body, uint64_t seq)
{
	struct buf record = BUF_INIT;
	size_t begin = queue_record_begin(&record);
	int r;

	buf_put_bytes(&record, body);
	queue_record_end(&record, begin, QUEUE_RECORD_EVENT, seq, 0);
	if (m->entry->flags & ENTRY_MOVING) {
		buf_put_bytes(&m->late, buf_bytes(&record));
	} else if (m->entry->flags & ENTRY_IN_FILE) {
		r = message_header(q, m);
		if (r == ERR_OK)
			r = file_append(
				&q->folders, m->entry->id, &m->events_end, buf_bytes(&record));
		/* the journal has it until its segment is wanted back */
		if (r < 0 && log_pace(&q->told.event))
			log_error("an event could not be written to a message's file: %s",
				err_text(r));
		mover_file_dirty(q);
	}
	buf_free(&record);
}

void
message_add_late(struct qmgr *q, struct message *m)
{
	if (m->late.len == 0)
		return;
	if (message_header(q, m) < 0 ||
		file_append(&q->folders, m->entry->id, &m->events_end, buf_bytes(&m->late)) < 0)
		log_error("an event could not be written to a message's file");
	buf_free(&m->late);
	mover_file_dirty(q);
}

void
message_is_busy(struct qmgr *q, struct message *m)
{
	m->jobs++;
	q->active_rcpts++;
	index_unschedule(&q->index, m->entry);
	index_enter(&q->index, m->entry, ENTRY_ACTIVE);
}

void
message_event(struct qmgr *q, struct message *m, struct queue_event *e)
{
	struct buf body = BUF_INIT;
	uint64_t seq;

	e->queue_id = m->entry->id;
	e->time_us = clock_wall_us();
	queue_event_put(&body, e);
	seq = record_append(q, QUEUE_RECORD_EVENT, buf_bytes(&body));
	/* a recipient of this state: what is wrong with it is a fault of ours */
	ASSERT(queue_state_apply(&m->state, e, 0) == ERR_OK);
	if (m->state.left > 0 || e->kind >= QUEUE_EVENT_HELD)
		add_to_file(q, m, buf_bytes(&body), seq);
	m->entry->rcpts_left = m->state.left;
	buf_free(&body);
}

/* ---- where it goes from here ---- */

void
message_settle(struct qmgr *q, struct message *m)
{
	struct entry *e = m->entry;
	uint32_t attempts;
	enum dsn_progress told;
	uint64_t next, report;

	ASSERT(m->jobs == 0);
	if (m->returned && !m->deleted)
		operator_bounce_rest(q, m);
	if (compact_is_due(q, m)) {
		compact_start(q, m);
		return;
	}
	attempts = queue_state_attempts(&m->state);
	told = m->deleted ? DSN_TOLD : dsn_send(q, m);
	if (told == DSN_UNDER_WAY)
		return;
	if (m->deleted || (m->state.left == 0 && told == DSN_TOLD)) {
		message_finish(q, e, m->deleted ? "deleted by the operator" : "");
		return;
	}
	e->rcpts_left = m->state.left;
	e->attempts = (uint16_t)(attempts < UINT16_MAX ? attempts : UINT16_MAX);
	next = m->state.suspended > 0 ? remote_next_s(q, m) : queue_state_next(&m->state);
	if (m->state.suspended == 0)
		remote_unpark(q, e);
	if ((report = dsn_next_s(q, m)) < next)
		next = report;
	if (e->flags & ENTRY_FLUSHED) /* by the operator, while jobs were out */
		next = 0;
	if (m->state.held) {
		index_unschedule(&q->index, e);
		index_enter(&q->index, e, ENTRY_HELD);
	} else if (next <= now_s()) {
		schedule_ready(q, e);
		return;
	} else {
		index_enter(&q->index, e, ENTRY_DEFERRED);
		index_schedule(&q->index, e, (uint32_t)next);
		schedule_due(q);
	}
	e->flags &= (uint8_t)~ENTRY_LOGGED;
	content_drop(q, m);
	/* with events in the journal only, the state must stay in memory until it moves */
	if ((e->flags & (ENTRY_IN_FILE | ENTRY_MOVING)) == ENTRY_IN_FILE)
		message_free(q, m);
}

void
message_finish(struct qmgr *q, struct entry *e, const char *why)
{
	struct queue_event gone = { .queue_id = e->id,
		.time_us = clock_wall_us(),
		.rcpt = QUEUE_EVENT_MESSAGE,
		.kind = QUEUE_EVENT_REMOVED,
		.text = bytes_from_str(why) };
	struct buf body = BUF_INIT;

	remote_unpark(q, e);
	queue_event_put(&body, &gone);
	record_append(q, QUEUE_RECORD_EVENT, buf_bytes(&body));
	buf_free(&body);
	if (e->flags & ENTRY_MOVING) {
		/* its file is being made: mover.c ends it */
		e->msg->deleted = true;
		index_enter(
			&q->index, e, ENTRY_ACTIVE); /* whoever finds it in the ring lets it be */
		return;
	}
	if (e->flags & ENTRY_IN_FILE)
		remove_file_soon(q, e->id);
	if (e->flags & ENTRY_LINKED) {
		TAILQ_REMOVE(&q->in_journal, e, link);
		journal_done(&q->journal, e->place.segment);
	}
	line_removed(e->id);
	q->stats.octets -= e->size;
	if (e->msg != NULL)
		message_free(q, e->msg);
	index_remove(&q->index, e);
}
