/* SPDX-License-Identifier: ISC */
/*
 * qmgr/remote.c - recipients on other hosts: each waits at its destination; those of one message
 * leave together as a job for smtp-client, and its result goes to each of them.
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

#define PUMP_MOST        200 /* jobs sent before others have their turn */
#define RELEASE_MOST     100 /* recipients of one message */
#define GATHER_REMOTE_MS 4
#define JOB_TIMEOUT_MS   7200000 /* smtp-client's own are far below: it was lost */
#define BUSY_TRIES       3
#define SPREAD           8 /* jobs of a destination before one more process is used */
#define RELAY_TEXT_MAX   (OUTBOUND_HOST_MAX + OUTBOUND_ADDRESS_MAX + 16)
#define WAKE_MOST_US     UINT64_C(60000000)
#define RELEASE_WAIT_US  UINT64_C(100000) /* while there is no room for what is parked */

/* A job that is out. */
struct flight {
	struct qmgr *q;
	struct destination *destination;
	uint64_t number, sent_us;
	unsigned n;
	struct job *jobs[DEST_BATCH_MAX];
};

static void on_sent(void *arg, const struct ipc_answer *answer);

static struct job *
job_of(struct dest_item *item)
{
	return (struct job *)((char *)item - offsetof(struct job, item));
}

static void
pump_soon(struct qmgr *q)
{
	if (!q->d->draining)
		event_active(q->remote.pump, EV_TIMEOUT, 1);
}

/* ---- whose share ---- */

static uint64_t
hash(const struct qmgr *q, struct bytes b)
{
	return siphash(&q->remote.all.key, b);
}

/* An address costs more than a reverse-path to have many of; of IPv6 one has a whole /64. */
static struct bytes
network_of(struct bytes address)
{
	size_t colons = 0, n = 0;

	if (bytes_find(address, ':') == BYTES_NOT_FOUND)
		return address;
	for (; n < address.n && colons < 4; n++)
		colons += address.p[n] == ':';
	return bytes_head(address, n);
}

static uint64_t
sender_of(const struct qmgr *q, struct message *m)
{
	const struct envelope *e = &m->state.envelope;

	if (m->sender == 0)
		m->sender = hash(q, e->login.n > 0            ? e->login
				    : e->client_address.n > 0 ? network_of(e->client_address)
							      : e->reverse_path);
	return m->sender;
}

static struct dest_owner
owner_of(const struct job *j)
{
	return (struct dest_owner){ .sender = sender_of(j->q, j->msg),
		.message = j->msg->entry->id,
		.kind = hash(j->q, j->reverse_path) };
}

/* ---- parked messages ---- */

static bool
is_parked(void *ctx, const struct destination *d, uint64_t id)
{
	const struct qmgr *q = ctx;
	const struct entry *e = index_find(&q->index, id);

	return e != NULL && e->hop == d->number;
}

void
remote_unpark(struct qmgr *q, struct entry *e)
{
	struct destinations *ds = &q->remote.all;

	if (e->hop == 0)
		return;
	destination_unpark(ds, destination_numbered(ds, e->hop), clock_mono_us());
	e->hop = 0;
}

bool
remote_is_parked(const struct qmgr *q, const struct message *m, const struct queue_rcpt *r)
{
	const uint32_t hop = m->entry->hop;

	return r->suspended && hop != 0 &&
	       bytes_equal(destination_numbered(&q->remote.all, hop)->next_hop, r->next_hop);
}

/* At the first destination that a suspended recipient waits for, if at none yet. */
static void
park(struct qmgr *q, struct message *m, const struct queue_rcpt *r)
{
	struct destinations *ds = &q->remote.all;
	struct destination *d = m->entry->hop != 0 ? NULL : destination_find(ds, r->next_hop);

	if (d == NULL)
		return;
	m->entry->hop = d->number;
	destination_park(ds, d, sender_of(q, m), m->entry->id, clock_mono_us());
	pump_soon(q);
}

uint64_t
remote_parked_until_s(const struct qmgr *q, const struct message *m)
{
	return m->state.envelope.arrival_us / 1000000 + q->backoff.lifetime_s;
}

uint64_t
remote_next_s(struct qmgr *q, struct message *m)
{
	uint64_t next = UINT64_MAX;
	bool parked = false;

	for (uint32_t i = 0; i < m->state.n; i++) {
		const struct queue_rcpt *r = &m->state.rcpts[i];
		uint64_t at = r->status == RCPT_PENDING ? 0 : r->next_s;

		if (rcpt_is_done(r))
			continue;
		if (r->suspended) {
			park(q, m, r);
			if (remote_is_parked(q, m, r)) {
				parked = true;
				at = remote_parked_until_s(q, m);
			}
		}
		next = at < next ? at : next;
	}
	if (!parked)
		remote_unpark(q, m->entry);
	return next;
}

uint64_t
remote_told_next_s(const struct qmgr *q, const struct entry *e)
{
	const struct destination *d;
	const uint64_t now = clock_mono_us();

	if (e->hop == 0)
		return e->due_s;
	d = destination_numbered(&q->remote.all, e->hop);
	return now_s() + (d->until_us > now ? (d->until_us - now) / 1000000 : 0);
}

/* Its suspended recipients there are due, some at a time. How many. */
static unsigned
wake_rcpts(struct qmgr *q, struct message *m, const struct destination *d)
{
	unsigned n = 0;

	for (uint32_t i = 0; i < m->state.n; i++) {
		struct queue_rcpt *r = &m->state.rcpts[i];

		if (!r->suspended || rcpt_is_done(r) || !bytes_equal(r->next_hop, d->next_hop))
			continue;
		if (n == RELEASE_MOST) { /* the others wait on */
			park(q, m, r);
			break;
		}
		queue_state_suspend(&m->state, r, false);
		r->next_s = 0;
		n++;
	}
	return n;
}

/* Its turn has come. true: recipients of it will be offered. */
static bool
release(struct qmgr *q, struct destination *d, struct entry *e)
{
	struct message *m;
	unsigned n;
	int r;

	e->hop = 0;
	if (e->state == ENTRY_HELD || e->state == ENTRY_COMMITTING)
		return false;
	if ((r = message_load(q, e)) < 0) {
		message_unreadable(q, e, r);
		return false;
	}
	m = e->msg;
	n = wake_rcpts(q, m, d);
	if (e->state == ENTRY_DEFERRED) /* with nothing to do it settles at once */
		schedule_ready(q, e);
	else if (n > 0 && e->state == ENTRY_ACTIVE)
		schedule_more(q, m);
	return n > 0;
}

/* true: more would come if there was room */
static bool
release_some(struct qmgr *q)
{
	struct destinations *ds = &q->remote.all;
	struct destination *d;
	uint64_t id;

	for (unsigned n = 0; n < PUMP_MOST; n++) {
		if (q->active_rcpts >= RETRIED_RCPTS_MAX || q->n_loaded >= 2 * LOADED_MAX)
			break;
		if ((d = destinations_release(ds, clock_mono_us(), &id)) == NULL)
			break;
		if (!release(q, d, index_find(&q->index, id)))
			destination_passed_by(ds, d, 0, clock_mono_us());
	}
	return !TAILQ_EMPTY(&ds->releasing);
}

/* ---- what becomes of a job's recipients ---- */

/* It waits for its destination: noted once, however often it is looked at. */
static void
suspend(struct job *j, const char *code, const char *text)
{
	struct message *m = j->msg;
	struct queue_rcpt *r = job_rcpt(j);
	const uint64_t now = now_s(), arrival = m->state.envelope.arrival_us / 1000000;

	j->event_flags = QUEUE_EVENT_SUSPENDED | QUEUE_EVENT_UNTRIED;
	if (r->status != RCPT_DEFERRED || !bytes_equal(r->next_hop, j->next_hop) ||
		backoff_expired(&j->q->backoff, arrival, now)) {
		job_deferred(j, code, text);
		return;
	}
	queue_state_suspend(&m->state, r, true);
	r->next_s = backoff_next_s(&j->q->backoff, arrival, now);
	job_end(j);
}

static void
suspend_dead(struct job *j, const struct destination *d)
{
	char text[DEST_REASON_MAX + 64];

	snprintf(text, sizeof(text), "delivery temporarily suspended: %s",
		d->reason != NULL ? d->reason : "the destination cannot be reached");
	suspend(j, d->code[0] != 0 ? d->code : "4.4.1", text);
}

/* All that waits at one that has died. */
static void
suspend_all(struct qmgr *q, struct destination *d)
{
	struct dest_item_list items = TAILQ_HEAD_INITIALIZER(items);
	struct dest_item *item;

	destination_take_back(&q->remote.all, d, &items, clock_mono_us());
	while ((item = TAILQ_FIRST(&items)) != NULL) {
		TAILQ_REMOVE(&items, item, link);
		suspend_dead(job_of(item), d);
	}
}

/* ---- to a destination ---- */

static void
keep_target(struct job *j, const struct directory_target *t)
{
	const struct queue_rcpt *r = job_rcpt(j);
	const struct bytes parts[] = { t->address, t->next_hop,
		r->reverse_path.n > 0 ? r->reverse_path : t->reverse_path };
	struct bytes *const kept[] = { &j->address, &j->next_hop, &j->reverse_path };
	struct bytes at;

	buf_clear(&j->target);
	for (size_t i = 0; i < NITEMS(parts); i++)
		buf_put_bytes(&j->target, parts[i]);
	at = buf_bytes(&j->target);
	for (size_t i = 0; i < NITEMS(parts); i++) {
		*kept[i] = bytes_head(at, parts[i].n);
		at = bytes_skip(at, parts[i].n);
	}
	if (j->msg->state.envelope.reverse_path.n == 0) /* stays null (RFC 5321 sec. 4.5.5) */
		j->reverse_path = BYTES_NONE;
	else if (j->reverse_path.n == 0)
		j->reverse_path = j->msg->state.envelope.reverse_path;
}

static struct outbound_rcpt
outbound_rcpt_of(const struct job *j, uint32_t number)
{
	const struct dsn_params params = dsn_params(j->msg, j->rcpt);

	return (struct outbound_rcpt){ .number = number,
		.notify = params.notify,
		.forward_path = j->address,
		.orcpt = params.orcpt };
}

/* Waits there, and counts no longer as one that is being started. */
static void
taken(struct job *j, const struct destination *d)
{
	const struct timeval wait = { 0, GATHER_REMOTE_MS * 1000 };
	struct remote *re = &j->q->remote;

	if (!j->remote) {
		j->remote = true;
		j->q->active_rcpts--;
		re->rcpts++;
	}
	if (d->items >= DEST_BATCH_MAX)
		pump_soon(j->q);
	else if (!evtimer_pending(re->gather, NULL))
		evtimer_add(re->gather, &wait);
}

void
remote_to(struct job *j, const struct directory_target *t)
{
	struct destinations *ds = &j->q->remote.all;
	const struct queue_rcpt *r = job_rcpt(j);
	const uint64_t now = clock_mono_us();
	struct destination *d, *before;
	struct dest_owner owner;
	struct outbound_rcpt size;

	keep_target(j, t);
	if (r->next_hop.n > 0 && !bytes_equal(r->next_hop, j->next_hop) &&
		(before = destination_find(ds, r->next_hop)) != NULL)
		destination_passed_by(ds, before, sender_of(j->q, j->msg), now);
	if (j->q->remote.n == 0) {
		job_deferred(j, "4.3.5", "no service sends mail to other hosts");
		return;
	}
	if ((d = destination_get(ds, j->next_hop, now)) == NULL) {
		job_deferred(j, "4.3.2", "too many destinations at once");
		return;
	}
	owner = owner_of(j);
	size = outbound_rcpt_of(j, 0);
	j->item.size = (uint32_t)outbound_rcpt_size(&size);
	switch (destination_offer(ds, d, &owner, &j->item, now)) {
	case DEST_TAKEN:
		taken(j, d);
		break;
	case DEST_IS_DEAD:
		suspend_dead(j, d);
		break;
	default:
		j->silent = true;
		suspend(j, "4.4.5", "waits behind other mail to the same destination");
		break;
	}
}

/* ---- jobs go ---- */

/* One process while few jobs are out, so that connections are used again. */
static struct link *
link_of(struct remote *re, struct destination *d)
{
	const unsigned home = d->number, wide = d->window / 256 / SPREAD + 1;
	const unsigned among = wide < re->n ? wide : re->n;

	for (unsigned i = 0; i < re->n; i++) {
		struct link *l = re->links[(home + d->turn++ % among) % re->n];

		if (i >= among) /* none of those */
			l = re->links[(home + i) % re->n];
		if (link_is_up(l))
			return l;
	}
	return re->links[home % re->n];
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

static void
send_flight(struct flight *f, const struct content *content, int fd)
{
	struct qmgr *q = f->q;
	struct link *l = link_of(&q->remote, f->destination);
	const struct job *first = f->jobs[0];
	const struct message *m = first->msg;
	struct outbound_job job = { .job_id = m->entry->id,
		.queue_id = m->entry->id,
		.arrival_us = m->state.envelope.arrival_us,
		.flags = flags_of(&m->state.envelope),
		.next_hop = f->destination->next_hop,
		.reverse_path = first->reverse_path,
		.envid = m->state.envelope.envid,
		.prefix = content->prefix,
		.content = content->source };

	f->sent_us = clock_wall_us();
	for (uint32_t i = 0; i < f->n; i++) {
		f->jobs[i]->sent_us = f->sent_us;
		job.rcpts[job.n_rcpts++] = outbound_rcpt_of(f->jobs[i], i);
	}
	outbound_job_encode(link_compose(l), &job);
	q->remote.jobs++;
	link_request(l, fd >= 0 ? OUTBOUND_SEND_FD : OUTBOUND_SEND, &fd, fd >= 0, JOB_TIMEOUT_MS,
		on_sent, f);
}

/* It cannot be sent, for a reason of ours: the destination has no part in it. */
static void
give_up(struct qmgr *q, const struct dest_batch *b, int err)
{
	const struct dest_result lost = { .number = b->number, .outcome = DEST_LOST };

	destination_result(&q->remote.all, b->destination, &lost, clock_mono_us());
	for (uint32_t i = 0; i < b->n; i++) {
		struct job *j = job_of(b->items[i]);

		if (j->msg->deleted)
			job_end(j);
		else
			job_deferred(j, "4.3.0", err_text(err));
	}
}

static void
send_batch(struct qmgr *q, const struct dest_batch *b)
{
	struct message *m = job_of(b->items[0])->msg;
	struct content content;
	struct flight *f;
	int fd = -1, found = m->deleted ? ERR_NOT_FOUND : content_find(q, m, &content);

	if (found == ERR_OK && content.source.in_fd &&
		(fd = content_fd_to_send(q, m, content.fd)) < 0)
		found = ERR_RESOURCE;
	if (found < 0) {
		give_up(q, b, found);
		return;
	}
	f = xcalloc(1, sizeof(*f));
	f->q = q;
	f->destination = b->destination;
	f->number = b->number;
	for (; f->n < b->n; f->n++)
		f->jobs[f->n] = job_of(b->items[f->n]);
	send_flight(f, &content, fd);
}

static void
arm_wake(struct qmgr *q, bool for_room)
{
	const uint64_t now = clock_mono_us(), at = destinations_wake_us(&q->remote.all);
	uint64_t us = at > now ? at - now : 0;
	struct timeval wait;

	if (us > WAKE_MOST_US)
		us = WAKE_MOST_US;
	if (for_room && us > RELEASE_WAIT_US)
		us = RELEASE_WAIT_US;
	wait = (struct timeval){ (time_t)(us / 1000000), (suseconds_t)(us % 1000000) };
	if (at == UINT64_MAX && !for_room)
		evtimer_del(q->remote.wake);
	else
		evtimer_add(q->remote.wake, &wait);
}

static void
on_pump(evutil_socket_t fd, short what, void *arg)
{
	struct qmgr *q = arg;
	struct destinations *ds = &q->remote.all;
	const unsigned most = (unsigned)q->conf->destination_recipients;
	struct dest_batch b;
	unsigned n = 0;

	if (q->d->draining)
		return;
	destinations_wake(ds, clock_mono_us());
	for (; n < PUMP_MOST; n++) {
		if (!destinations_next(ds, most, OUTBOUND_RCPTS_OCTETS, clock_mono_us(), &b))
			break;
		send_batch(q, &b);
	}
	if (n == PUMP_MOST)
		pump_soon(q);
	arm_wake(q, release_some(q));
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
	owner = owner_of(j);
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

	if (answer->err < 0 || answer->type != OUTBOUND_RESULT ||
		outbound_result_decode(&in, &r) < 0 || !fits(f, &r)) {
		lost(f);
	} else {
		judged = judge(f, &r);
		q->remote.unreached += r.hop == OUTBOUND_UNREACHABLE;
		if (destination_result(&q->remote.all, f->destination, &judged, clock_mono_us()))
			suspend_all(q, f->destination);
		for (uint32_t i = 0; i < r.n_rcpts; i++)
			finish_rcpt(f, &r, &r.rcpts[i]);
	}
	free(f);
	pump_soon(q);
}

/* ---- the rest ---- */

void
remote_hurry(struct qmgr *q, const struct message *m)
{
	struct destinations *ds = &q->remote.all;
	struct bytes last = BYTES_NONE;

	for (uint32_t i = 0; i < m->state.n && m->state.suspended > 0; i++) {
		const struct queue_rcpt *r = &m->state.rcpts[i];
		struct destination *d;

		if (!r->suspended || bytes_equal(r->next_hop, last))
			continue;
		last = r->next_hop;
		if ((d = destination_find(ds, last)) != NULL)
			destination_hurry(ds, d, clock_mono_us());
	}
}

bool
remote_is_idle(const struct qmgr *q)
{
	return q->remote.all.flying == 0;
}

void
remote_stats(const struct qmgr *q, struct buf *out)
{
	const struct remote *re = &q->remote;
	const struct {
		const char *name;
		uint64_t value;
	} rows[] = {
		{ "destinations", re->all.n },
		{ "destinations_dead", re->all.dead },
		{ "remote_jobs", re->all.flying },
		{ "remote_waiting", re->all.items },
		{ "remote_parked", re->all.parked },
		{ "remote_jobs_total", re->jobs },
		{ "remote_unreachable_total", re->unreached },
	};

	for (size_t i = 0; i < NITEMS(rows); i++)
		buf_printf(out, "relais_queue_%s %llu\n", rows[i].name,
			(unsigned long long)rows[i].value);
}

void
remote_take_conf(struct qmgr *q)
{
	const struct qmgr_conf *c = q->conf;
	const uint64_t first = c->destination_concurrency, most = c->destination_concurrency_max;
	const uint64_t retry_ms = c->destination_retry < c->minimal_backoff ? c->destination_retry
									    : c->minimal_backoff;

	q->remote.conf =
		(struct destination_conf){ .window_first = (uint32_t)(first < most ? first : most),
			.window_max = (uint32_t)most,
			.jobs_max = (uint32_t)c->outbound_jobs,
			.retry_us = retry_ms * 1000,
			.retry_max_us = c->maximal_backoff * 1000 };
}

void
remote_init(struct qmgr *q)
{
	struct remote *re = &q->remote;

	remote_take_conf(q);
	destinations_init(&re->all, &re->conf, is_parked, q);
	re->pump = event_new(q->d->base, -1, 0, on_pump, q);
	re->gather = evtimer_new(q->d->base, on_pump, q);
	re->wake = evtimer_new(q->d->base, on_pump, q);
	ASSERT(re->pump != NULL && re->gather != NULL && re->wake != NULL);
	re->n = q->d->instances[SERVICE_SMTP_CLIENT];
	re->links = xcalloc(re->n + 1, sizeof(struct link *));
	for (unsigned i = 0; i < re->n; i++) {
		re->links[i] = daemon_link(q->d, SERVICE_SMTP_CLIENT, i, NULL, 0);
		link_open(re->links[i]);
	}
}

/* What waits is in the queue, and is tried at the next start. */
void
remote_stop(struct qmgr *q)
{
	struct remote *re = &q->remote;
	struct dest_item_list items = TAILQ_HEAD_INITIALIZER(items);
	struct dest_item *item;

	for (uint32_t i = 0; i < re->all.numbered_cap; i++)
		if (re->all.numbered[i] != NULL)
			destination_take_back(
				&re->all, re->all.numbered[i], &items, clock_mono_us());
	while ((item = TAILQ_FIRST(&items)) != NULL) {
		struct job *j = job_of(item);

		TAILQ_REMOVE(&items, item, link);
		buf_free(&j->target);
		free(j);
	}
	destinations_free(&re->all);
	event_free(re->pump);
	event_free(re->gather);
	event_free(re->wake);
}
