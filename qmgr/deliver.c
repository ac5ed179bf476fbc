/* SPDX-License-Identifier: ISC */
/*
 * qmgr/deliver.c - one recipient's job: how it begins and ends, and the way into a mailbox
 * here: a deliverer writes it there; or it waits, or it fails.
 *
 * Jobs for one account always go to the same deliverer, so that two never wait for each
 * other at one mailbox. A deliverer has at most DELIVER_WINDOW jobs at once; the rest wait
 * here.
 *
 * Runs in:  qmgr. Trusts: answers of the deliverers, after decoding.
 */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "clock.h"
#include "err.h"
#include "fnv.h"
#include "log.h"
#include "qmgr.h"

#define AGAIN_S 1

static void deliver_soon(struct outlet *o);

/* ---- a job's beginning and end ---- */

struct job *
job_new(struct qmgr *q, struct message *m, uint32_t rcpt)
{
	struct job *j = xcalloc(1, sizeof(*j));

	j->q = q;
	j->msg = m;
	j->rcpt = rcpt;
	j->start_us = clock_wall_us();
	m->jobs++;
	q->active_rcpts++;
	m->state.rcpts[rcpt].flags |= RCPT_BUSY;
	return j;
}

void
job_end(struct job *j)
{
	struct qmgr *q = j->q;
	struct message *m = j->msg;
	const bool remote = j->remote;

	job_rcpt(j)->flags &= (uint8_t)~RCPT_BUSY;
	buf_free(&j->target);
	free(j);
	if (remote)
		q->remote.rcpts--;
	else
		q->active_rcpts--;
	if (--m->jobs == 0)
		message_settle(q, m);
	else if (m->more && m->jobs <= MESSAGE_RCPTS_MAX / 2)
		schedule_more(q, m);
	schedule_run(q);
}

static void
record(struct job *j, enum queue_event_kind kind, uint64_t next_s, const char *code,
	const char *text)
{
	struct queue_event e = { .rcpt = j->rcpt,
		.kind = kind,
		.next_s = next_s,
		.code = bytes_from_str(code),
		.text = bytes_from_str(text),
		.flags = j->event_flags,
		.next_hop = j->next_hop,
		.remote_mta = j->remote_mta };

	message_event(j->q, j->msg, &e);
}

void
job_done(struct job *j, const char *code, const char *text)
{
	const uint64_t arrival = j->msg->state.envelope.arrival_us, now = clock_wall_us();

	j->q->stats.delivered++;
	histogram_add(&j->q->watched.delivery, now > arrival ? now - arrival : 0);
	line_result(j, "sent", code, text);
	if (!j->msg->deleted)
		record(j, QUEUE_EVENT_DELIVERED, 0, code, text);
	job_end(j);
}

void
job_delivered(struct job *j)
{
	job_done(j, j->code, j->text);
}

void
job_bounced(struct job *j, const char *code, const char *text)
{
	j->q->stats.bounced++;
	line_result(j, "bounced", code, text);
	if (!j->msg->deleted) /* the sender is told when all jobs are in (message_settle) */
		record(j, QUEUE_EVENT_BOUNCED, 0, code, text);
	job_end(j);
}

static uint64_t
next_attempt_s(struct job *j, uint64_t arrival_s, uint64_t now)
{
	const struct backoff *b = &j->q->backoff;

	return j->busy ? backoff_soon_s(b, arrival_s, now, job_rcpt(j)->attempts)
		       : backoff_next_s(b, arrival_s, now);
}

void
job_deferred(struct job *j, const char *code, const char *text)
{
	const uint64_t now = now_s(), arrival = j->msg->state.envelope.arrival_us / 1000000;
	char expired[QUEUE_EVENT_TEXT_MAX + 64];

	if (backoff_expired(&j->q->backoff, arrival, now)) {
		j->q->stats.expired++;
		snprintf(expired, sizeof(expired), "delivery time expired: %s", text);
		j->event_flags = 0;
		job_bounced(j, "5.4.7", expired);
		return;
	}
	j->q->stats.deferrals += !j->silent;
	if (!j->silent)
		line_result(j, "deferred", code, text);
	if (!j->msg->deleted)
		record(j, QUEUE_EVENT_DEFERRED, next_attempt_s(j, arrival, now), code, text);
	job_end(j);
}

/* No attempt was made that would count; nothing is recorded. */
void
job_again(struct job *j, const char *why)
{
	struct queue_rcpt *r = job_rcpt(j);

	log_debug("recipient tried again soon: %s", why);
	j->msg->entry->flags |= ENTRY_TRIED;
	r->status = RCPT_DEFERRED;
	r->next_s = now_s() + AGAIN_S;
	job_end(j);
}

/* ---- DELIVER ---- */

static void
on_delivered(void *arg, const struct ipc_answer *answer)
{
	struct job *j = arg;
	struct outlet *o = j->outlet;
	struct ipc_reader in = ipc_reader(answer->body);
	struct delivery_result result;

	o->flying--;
	if (answer->err < 0 || answer->type != DELIVERY_DELIVER_RESULT ||
		delivery_result_decode(&in, &result) < 0) {
		job_again(j, "the deliverer was lost");
		deliver_soon(o);
		return;
	}
	bytes_to_str(result.code, j->code, sizeof(j->code));
	bytes_to_str(result.text, j->text, sizeof(j->text));
	switch (result.status) {
	case DELIVERY_WRITTEN:
		j->written_us = clock_wall_us();
		sync_written(j);
		break;
	case DELIVERY_PERMANENT:
		job_bounced(j, j->code, j->text);
		break;
	default:
		j->busy = result.status == DELIVERY_BUSY;
		j->msg->entry->flags |= ENTRY_TRIED;
		job_deferred(j, j->code, j->text);
		break;
	}
	deliver_soon(o);
}

/* The only recipient gets the memfd itself: should it be wanted again, the journal has the
 * content. */
int
content_fd_to_send(struct qmgr *q, struct message *m, int fd)
{
	if (fd != m->memfd || m->state.n > 1 || (m->entry->flags & ENTRY_IN_FILE) != 0)
		return fcntl(fd, F_DUPFD_CLOEXEC, 0);
	m->memfd = -1;
	q->n_memfds--;
	q->memory -= m->held_size;
	return fd;
}

static uint32_t
flags_of(const struct job *j)
{
	const struct message *m = j->msg;
	uint32_t flags = j->flags;

	if (m->state.envelope.flags & ENVELOPE_8BITMIME)
		flags |= DELIVERY_8BITMIME;
	if (m->state.envelope.flags & ENVELOPE_SMTPUTF8)
		flags |= DELIVERY_SMTPUTF8;
	if (m->state.envelope.flags & ENVELOPE_JUNK)
		flags |= DELIVERY_JUNK;
	if ((m->entry->flags & ENTRY_TRIED) == 0 && job_rcpt(j)->attempts == 0)
		flags |= DELIVERY_FIRST_TRY;
	return flags;
}

static void
deliver_send(struct outlet *o, struct job *j)
{
	const struct message *m = j->msg;
	const struct envelope *e = &m->state.envelope;
	const struct queue_rcpt *r = job_rcpt(j);
	struct content content;
	int fd = -1, found = content_find(j->q, j->msg, &content);

	if (found == ERR_OK && content.source.in_fd &&
		(fd = content_fd_to_send(j->q, j->msg, content.fd)) < 0)
		found = ERR_RESOURCE;
	if (found < 0) {
		job_deferred(j, "4.3.0", err_text(found));
		return;
	}
	j->sent_us = clock_wall_us();
	o->flying++;
	delivery_job_encode(link_compose(o->link),
		&(struct delivery_job){ .job_id = m->entry->id,
			.queue_id = m->entry->id,
			.arrival_us = e->arrival_us,
			.quota_octets = j->quota_octets,
			.recipient = j->rcpt,
			.uid = j->uid,
			.gid = j->gid,
			.flags = flags_of(j),
			.account = j->account,
			.home = j->home,
			.detail = j->detail,
			.reverse_path = r->reverse_path.n > 0 ? r->reverse_path : e->reverse_path,
			.original_path = r->parent == RCPT_NO_PARENT
						 ? r->address
						 : m->state.rcpts[r->parent].address,
			.forward_path = j->address,
			.prefix = content.prefix,
			.content = content.source });
	link_request(o->link, fd >= 0 ? DELIVERY_DELIVER_FD : DELIVERY_DELIVER, &fd, fd >= 0,
		REQUEST_TIMEOUT_MS, on_delivered, j);
}

static void
deliver_pump(struct outlet *o)
{
	struct job *j;

	while (o->flying < DELIVER_WINDOW && (j = TAILQ_FIRST(&o->waiting)) != NULL) {
		TAILQ_REMOVE(&o->waiting, j, link);
		o->n_waiting--;
		deliver_send(o, j);
	}
}

/* Each waking of a deliverer costs as much as half a message: jobs go several at once. Nobody
 * waits for them: the client has its 250. */
static void
deliver_soon(struct outlet *o)
{
	const struct timeval wait = { 0, GATHER_MS * 1000 };
	struct event *timer = o->syncer->gather;

	if (o->n_waiting >= GATHER_JOBS || qmgr_is_ending(o->q))
		deliver_pump(o);
	else if (o->n_waiting > 0 && !evtimer_pending(timer, NULL))
		evtimer_add(timer, &wait);
}

void
deliver_gathered(struct syncer *s)
{
	for (unsigned i = 0; i < s->n; i++)
		deliver_pump(&s->outlets[i]);
}

void
deliver_to(struct job *j, const struct directory_target *t, uint32_t flags)
{
	struct syncer *s = t->system_user ? &j->q->system : &j->q->local;
	const struct bytes parts[] = { t->account, t->home, t->detail, t->address };
	struct bytes at;

	if (s->n == 0) {
		job_deferred(j, "4.3.5", "no service delivers to this kind of mailbox");
		return;
	}
	buf_clear(&j->target);
	for (size_t i = 0; i < NITEMS(parts); i++)
		buf_put_bytes(&j->target, parts[i]);
	at = buf_bytes(&j->target);
	j->account = bytes_head(at, t->account.n);
	at = bytes_skip(at, t->account.n);
	j->home = bytes_head(at, t->home.n);
	at = bytes_skip(at, t->home.n);
	j->detail = bytes_head(at, t->detail.n);
	at = bytes_skip(at, t->detail.n);
	j->address = at;
	j->flags = flags;
	j->uid = t->uid;
	j->gid = t->gid;
	j->quota_octets = t->quota_octets;
	j->outlet = &s->outlets[fnv(FNV_START, j->account) % s->n];
	TAILQ_INSERT_TAIL(&j->outlet->waiting, j, link);
	j->outlet->n_waiting++;
	deliver_soon(j->outlet);
}

int
deliver_init(struct qmgr *q)
{
	TAILQ_INIT(&q->expanding);
	TAILQ_INIT(&q->expanding_flying);
	q->resolved = xcalloc(1, sizeof(*q->resolved));
	q->directory = daemon_link(q->d, SERVICE_DIRECTORY, CONTROL_ANY, NULL, 0);
	ticket_init(q);
	link_open(q->directory);
	sync_init(q, &q->local, SERVICE_LOCAL_DELIVERY);
	sync_init(q, &q->system, SERVICE_SYSTEM_DELIVERY);
	remote_init(q);
	return ERR_OK;
}
