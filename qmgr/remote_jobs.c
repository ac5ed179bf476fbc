/* SPDX-License-Identifier: ISC */
/*
 * qmgr/remote_jobs.c - jobs for smtp-client: recipients of one message that have one next hop; the
 * result goes to each of them, and tells how the destination fares.
 *
 * The jobs of a destination go to one process, so that its connections are used again; with a
 * wide window to some more.
 *
 * Runs in:  qmgr. Trusts: answers of smtp-client, after decoding.
 */
#include <stdio.h>
#include <stdlib.h>

#include "clock.h"
#include "dsn.h"
#include "err.h"
#include "log.h"
#include "outbound_msg.h"
#include "qmgr.h"
#include "remote_private.h"

#define JOB_TIMEOUT_MS 7200000 /* smtp-client's own are far below: it was lost */
#define BUSY_TRIES     3
#define SPREAD         8 /* jobs of a destination before one more process is used */
#define RELAY_TEXT_MAX (OUTBOUND_HOST_MAX + OUTBOUND_ADDRESS_MAX + 16)

/* A job that is out. */
struct flight {
	struct qmgr *q;
	struct destination *destination;
	uint64_t number, sent_us;
	unsigned n, slot;
	struct job *jobs[DEST_BATCH_MAX];
};

static void on_sent(void *arg, const struct ipc_answer *answer);

static struct outbound_rcpt
outbound_rcpt_of(const struct job *j, uint32_t number)
{
	const struct dsn_params params = dsn_params(j->msg, j->rcpt);

	return (struct outbound_rcpt){ .number = number,
		.notify = params.notify,
		.forward_path = j->address,
		.orcpt = params.orcpt };
}

/* What it takes of a job's octets. */
uint32_t
remote_size(const struct job *j)
{
	const struct outbound_rcpt r = outbound_rcpt_of(j, 0);

	return (uint32_t)outbound_rcpt_size(&r);
}

/* ---- jobs go ---- */

/* Which of the processes for this destination has the fewest of its jobs: one while the window is
 * small, so that connections are used again, and no more of them are open than need be. */
static unsigned
slot_of(const struct remote *re, const struct destination *d)
{
	const unsigned wide = d->window / 256 / SPREAD + 1;
	const unsigned among = wide < re->n ? wide : re->n;
	unsigned best = 0;

	for (unsigned i = 1; i < among && i < DEST_SLOTS; i++)
		if (d->out[i] < d->out[best])
			best = i;
	return best;
}

/* That process; or, if it is not there, any that is. */
static struct link *
link_of(const struct remote *re, const struct destination *d, unsigned slot)
{
	const unsigned home = d->number + slot;

	for (unsigned i = 0; i < re->n; i++)
		if (link_is_up(re->links[(home + i) % re->n]))
			return re->links[(home + i) % re->n];
	return re->links[re->n > 0 ? home % re->n : 0];
}

static uint32_t
flags_of(const struct envelope *e)
{
	static const struct {
		uint32_t envelope, outbound;
	} rows[] = { { ENVELOPE_8BITMIME, OUTBOUND_8BITMIME },
		{ ENVELOPE_SMTPUTF8, OUTBOUND_SMTPUTF8 },
		{ ENVELOPE_BINARYMIME, OUTBOUND_BINARYMIME },
		{ ENVELOPE_RET_FULL, OUTBOUND_RET_FULL },
		{ ENVELOPE_RET_HDRS, OUTBOUND_RET_HDRS } };
	uint32_t flags = 0;

	for (size_t i = 0; i < NITEMS(rows); i++)
		if (e->flags & rows[i].envelope)
			flags |= rows[i].outbound;
	return flags;
}

/* Fields in front, and what the content has in memory in front of itself. */
static struct bytes
prefix_of(const struct job *first, const struct content *content, struct buf *out)
{
	const struct bytes fields = forward_sign_fields(first);

	if (fields.n == 0 || fields.n + content->prefix.n > OUTBOUND_PREFIX_MAX)
		return content->prefix;
	buf_put_bytes(out, fields);
	buf_put_bytes(out, content->prefix);
	return buf_bytes(out);
}

static void
send_flight(struct flight *f, const struct content *content, int fd)
{
	struct qmgr *q = f->q;
	const unsigned slot = slot_of(&q->remote, f->destination);
	struct link *l = link_of(&q->remote, f->destination, slot);
	const struct job *first = f->jobs[0];
	const struct message *m = first->msg;
	struct buf prefix = BUF_INIT;
	struct outbound_job job = { .job_id = m->entry->id,
		.queue_id = m->entry->id,
		.arrival_us = m->state.envelope.arrival_us,
		.flags = flags_of(&m->state.envelope),
		.next_hop = f->destination->next_hop,
		.reverse_path = first->reverse_path,
		.envid = m->state.envelope.envid,
		.prefix = prefix_of(first, content, &prefix),
		.content = content->source };

	f->slot = slot;
	f->destination->out[slot]++;
	f->sent_us = clock_wall_us();
	for (uint32_t i = 0; i < f->n; i++) {
		f->jobs[i]->sent_us = f->sent_us;
		job.rcpts[job.n_rcpts++] = outbound_rcpt_of(f->jobs[i], i);
	}
	outbound_job_encode(link_compose(l), &job);
	buf_free(&prefix);
	q->remote.jobs++;
	link_request(l, fd >= 0 ? OUTBOUND_SEND_FD : OUTBOUND_SEND, &fd, fd >= 0, JOB_TIMEOUT_MS,
		on_sent, f);
}

/* It cannot be sent, for a reason of ours: the destination has no part in it. */
static void
give_up(struct flight *f, int err)
{
	const struct dest_result lost = { .number = f->number, .outcome = DEST_LOST };

	destination_result(&f->q->remote.all, f->destination, &lost, clock_mono_us());
	for (uint32_t i = 0; i < f->n; i++) {
		struct job *j = f->jobs[i];

		if (j->msg->deleted)
			job_end(j);
		else
			job_deferred(j, "4.3.0", err_text(err));
	}
	free(f);
}

static void
go(void *arg)
{
	struct flight *f = arg;
	struct message *m = f->jobs[0]->msg;
	struct content content;
	int fd = -1, found = m->deleted ? ERR_NOT_FOUND : content_find(f->q, m, &content);

	if (found == ERR_OK && content.source.in_fd &&
		(fd = content_fd_to_send(f->q, m, content.fd)) < 0)
		found = ERR_RESOURCE;
	if (found < 0)
		give_up(f, found);
	else
		send_flight(f, &content, fd);
}

void
remote_send(struct qmgr *q, const struct dest_batch *b)
{
	struct flight *f = xcalloc(1, sizeof(*f));

	f->q = q;
	f->destination = b->destination;
	f->number = b->number;
	for (; f->n < b->n; f->n++)
		f->jobs[f->n] = remote_job_of(b->items[f->n]);
	if (forward_sign_is_due(q, f->jobs[0]))
		forward_sign(q, f->jobs[0], go, f);
	else
		go(f);
}

/* ---- jobs come back ---- */

static char *
relay_text(const struct outbound_host *h, char *out, size_t size)
{
	int n = snprintf(out, size, "%.*s[%.*s]", (int)h->name.n, (const char *)h->name.p,
		(int)h->address.n, (const char *)h->address.p);

	if (h->port != 0 && n > 0 && (size_t)n < size)
		snprintf(out + n, size - (size_t)n, ":%u", h->port);
	return out;
}

/* It asked for fewer connections, and others are left: the same again, in front. */
static bool
is_sent_again(struct job *j, struct destination *d)
{
	const uint64_t now = clock_mono_us();
	struct dest_owner owner;

	if (++j->tries > BUSY_TRIES || d->flying == 0 || destination_is_dead(d, now) ||
		j->msg->deleted)
		return false;
	owner = remote_owner(j);
	j->sent_us = 0;
	j->relay = NULL;
	j->remote_mta = BYTES_NONE;
	destination_return(&j->q->remote.all, d, &owner, &j->item, now);
	return true;
}

static void
finish_rcpt(struct flight *f, const struct outbound_result *r, const struct outbound_rcpt_result *a)
{
	struct job *j = f->jobs[a->number];
	const struct outbound_host *h = a->host < r->n_hosts ? &r->hosts[a->host] : NULL;
	char code[OUTBOUND_CODE_MAX + 1], text[OUTBOUND_TEXT_MAX + 1], relay[RELAY_TEXT_MAX];

	f->jobs[a->number] = NULL;
	bytes_to_str(a->code, code, sizeof(code));
	bytes_to_str(a->text, text, sizeof(text));
	if (h != NULL) {
		j->remote_mta = h->name;
		j->relay = relay_text(h, relay, sizeof(relay));
	}
	j->connect_us = r->resolve_us + r->connect_us;
	switch (a->status) {
	case OUTBOUND_SENT:
		j->event_flags = a->relayed ? QUEUE_EVENT_RELAYED : 0;
		job_done(j, code, text);
		break;
	case OUTBOUND_PERMANENT:
		job_bounced(j, code, text);
		break;
	default:
		if (r->hop == OUTBOUND_BUSY && is_sent_again(j, f->destination))
			break;
		j->msg->entry->flags |= ENTRY_TRIED;
		if (r->hop != OUTBOUND_REACHED &&
			destination_is_dead(f->destination, clock_mono_us()))
			j->event_flags = QUEUE_EVENT_SUSPENDED;
		job_deferred(j, code, text);
		break;
	}
}

static struct dest_result
judge(const struct flight *f, const struct outbound_result *r)
{
	static const enum dest_outcome outcomes[OUTBOUND_HOPS] = {
		[OUTBOUND_REACHED] = DEST_REACHED,
		[OUTBOUND_UNREACHABLE] = DEST_UNREACHABLE,
		[OUTBOUND_BUSY] = DEST_BUSY,
		[OUTBOUND_REFUSED] = DEST_REACHED, /* so it is known: nothing to wait for */
	};
	const uint64_t now = clock_wall_us();

	return (struct dest_result){ .number = f->number,
		.outcome = outcomes[r->hop],
		.took_us = now > f->sent_us ? now - f->sent_us : 0,
		.code = r->rcpts[0].code,
		.reason = r->rcpts[0].text };
}

/* Does it answer what was asked? Each recipient once the decoder has seen to. */
static bool
fits(const struct flight *f, const struct outbound_result *r)
{
	for (uint32_t i = 0; i < r->n_rcpts; i++)
		if (r->rcpts[i].number >= f->n)
			return false;
	return r->n_rcpts == f->n && r->job_id == f->jobs[0]->msg->entry->id;
}

static void
lost(struct flight *f)
{
	const struct dest_result r = { .number = f->number, .outcome = DEST_LOST };

	destination_result(&f->q->remote.all, f->destination, &r, clock_mono_us());
	for (unsigned i = 0; i < f->n; i++)
		job_again(f->jobs[i], "smtp-client was lost");
}

static void
on_sent(void *arg, const struct ipc_answer *answer)
{
	struct flight *f = arg;
	struct qmgr *q = f->q;
	struct ipc_reader in = ipc_reader(answer->body);
	struct outbound_result r;
	struct dest_result judged;

	f->destination->out[f->slot]--;
	if (answer->err < 0 || answer->type != OUTBOUND_RESULT ||
		outbound_result_decode(&in, &r) < 0 || !fits(f, &r)) {
		lost(f);
	} else {
		judged = judge(f, &r);
		q->remote.unreached += r.hop == OUTBOUND_UNREACHABLE;
		if (destination_result(&q->remote.all, f->destination, &judged, clock_mono_us()))
			remote_suspend_all(q, f->destination);
		for (uint32_t i = 0; i < r.n_rcpts; i++)
			finish_rcpt(f, &r, &r.rcpts[i]);
	}
	free(f);
	remote_pump_soon(q);
}
