/* SPDX-License-Identifier: ISC */
/*
 * qmgr/remote_parked.c - messages parked at their destinations, and taken back; whose share of a
 * destination a message has.
 *
 * Runs in:  qmgr.
 */
#include <arpa/inet.h>

#include "clock.h"
#include "qmgr.h"
#include "remote_private.h"

#define RELEASE_TOGETHER 200
#define RELEASE_MOST     100 /* recipients of one message */

/* ---- whose share ---- */

static uint64_t
hash(const struct qmgr *q, struct bytes b)
{
	return siphash(&q->remote.all.key, b);
}

/* Of an IPv6 address the /64: who has one has all of it. */
static uint64_t
hash_client(const struct qmgr *q, struct bytes address)
{
	char text[INET6_ADDRSTRLEN];
	struct in6_addr six;

	if (inet_pton(AF_INET6, bytes_to_str(address, text, sizeof(text)), &six) == 1)
		return hash(q, bytes_make(&six, sizeof(six) / 2));
	return hash(q, address);
}

/* An address costs more than a reverse-path to have many of. */
uint64_t
remote_sender(const struct qmgr *q, struct message *m)
{
	const struct envelope *e = &m->state.envelope;

	if (m->sender == 0)
		m->sender = e->login.n > 0            ? hash(q, e->login)
			    : e->client_address.n > 0 ? hash_client(q, e->client_address)
						      : hash(q, e->reverse_path);
	return m->sender;
}

struct dest_owner
remote_owner(const struct job *j)
{
	return (struct dest_owner){ .sender = remote_sender(j->q, j->msg),
		.message = j->msg->entry->id,
		.kind = hash(j->q, j->reverse_path) ^ hash(j->q, forward_sign_domain(j->q, j)) };
}

/* ---- parked messages ---- */

bool
remote_is_parked_id(void *ctx, const struct destination *d, uint64_t id)
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
	destination_park(ds, d, remote_sender(q, m), m->entry->id, clock_mono_us());
	remote_pump_soon(q);
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

bool
remote_release_some(struct qmgr *q)
{
	struct destinations *ds = &q->remote.all;
	struct destination *d;
	uint64_t id;

	for (unsigned n = 0; n < RELEASE_TOGETHER; n++) {
		if (q->active_rcpts >= RETRIED_RCPTS_MAX || q->n_loaded >= 2 * LOADED_MAX)
			break;
		if ((d = destinations_release(ds, clock_mono_us(), &id)) == NULL)
			break;
		if (!release(q, d, index_find(&q->index, id)))
			destination_passed_by(ds, d, 0, clock_mono_us());
	}
	return !TAILQ_EMPTY(&ds->releasing);
}

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
