/* SPDX-License-Identifier: ISC */
/*
 * session/quota.c - sessions' reports of use go to ledger under the account's name that the
 * spawner knows; a session can't speak for another.
 *
 * A report whose ledger dies while it is under way may be lost or counted; a recount of the
 * mailbox puts that right. Ledger not running is waited for, and what a session reports
 * meanwhile is summed up: no session keeps the spawner or ledger busy by talking.
 *
 * Runs in:  the session spawners.
 */
#include <stdlib.h>

#include "ledger_msg.h"
#include "log.h"
#include "spawner_private.h"

#define REPORT_TIMEOUT_MS 60000
#define ASK_TIMEOUT_MS    1000 /* the session waits for SESSION_LINK_WAIT_MS */

#define TELLING_MAX 4 /* reports of one session under way, ... */
#define ASKING_MAX  4 /* ... and questions: it waits for its answer before the next */

struct question { /* a QUOTA_GET under way; its session may end meanwhile */
	struct spawner *spawner;
	uint64_t serial;
	uint32_t id;
};

struct report { /* the same of an ADD or SET */
	struct spawner *spawner;
	uint64_t serial;
};

static void tell(struct spawned *c);

static uint64_t
limit_of(const struct spawned *c)
{
	return c->quota_octets; /* 0: none; as ledger has it */
}

static struct spawned *
session_by_serial(struct spawner *s, uint64_t serial)
{
	struct spawned *c;

	TAILQ_FOREACH (c, &s->sessions, link)
		if (c->serial == serial)
			break;
	return c;
}

static void
on_reported(void *arg, const struct ipc_answer *answer)
{
	struct report *r = arg;
	struct spawned *c = session_by_serial(r->spawner, r->serial);

	if (answer->err < 0)
		log_warning("%s: a change of quota use may not have reached ledger: %s",
			r->spawner->spec->name, err_text(answer->err));
	free(r);
	if (c == NULL)
		return;
	c->news.telling--;
	if (c->news.due && c->news.telling == 0)
		tell(c);
}

static void
tell(struct spawned *c)
{
	struct quota_news *n = &c->news;
	struct link *ledger = c->spawner->ledger;
	struct report *r = xmalloc(sizeof(*r));
	uint16_t type = n->recounted ? LEDGER_SET : LEDGER_ADD;

	*r = (struct report){ c->spawner, c->serial };
	if (n->recounted)
		ledger_set_encode(link_compose(ledger),
			&(struct ledger_set){ .account = bytes_from_str(c->account),
				.octets = (uint64_t)n->octets,
				.messages = (uint64_t)n->messages,
				.limit_octets = limit_of(c) });
	else
		ledger_add_encode(link_compose(ledger),
			&(struct ledger_add){ .account = bytes_from_str(c->account),
				.octets = n->octets,
				.messages = n->messages,
				.limit_octets = limit_of(c),
				.answer = true });
	n->due = n->recounted = false;
	n->octets = n->messages = 0;
	n->telling++;
	link_request(ledger, type, NULL, 0, REPORT_TIMEOUT_MS, on_reported, r);
}

/* One at a time; what comes meanwhile is told together. */
static void
tell_when_heard(struct spawned *c)
{
	c->news.due = true;
	if (c->news.telling == 0)
		tell(c);
}

void
quota_last_words(struct spawned *c)
{
	if (c->news.due)
		tell(c);
}

static int64_t
add(const struct quota_news *n, int64_t have, int64_t delta)
{
	int64_t sum;

	if (__builtin_add_overflow(have, delta, &sum))
		sum = delta < 0 ? -INT64_MAX : INT64_MAX;
	return n->recounted && sum < 0 ? 0 : sum;
}

void
on_quota_add(struct ipc_call *call, const void *msg)
{
	const struct session_quota_add_msg *m = msg;
	struct spawned *c = call->ctx;
	struct quota_news *n = &c->news;

	n->octets = add(n, n->octets, m->octets);
	n->messages = add(n, n->messages, m->messages);
	tell_when_heard(c);
}

void
on_quota_set(struct ipc_call *call, const void *msg)
{
	const struct session_quota_set_msg *m = msg;
	struct spawned *c = call->ctx;

	c->news.recounted = true;
	c->news.octets = m->octets > INT64_MAX ? INT64_MAX : (int64_t)m->octets;
	c->news.messages = m->messages > INT64_MAX ? INT64_MAX : (int64_t)m->messages;
	tell_when_heard(c);
}

static void
answer_get(struct spawned *c, uint32_t id, const struct session_quota_msg *m)
{
	session_quota_encode(ipc_compose(c->channel), m);
	ipc_reply(c->channel, id, SESSION_QUOTA, NULL, 0);
}

static void
on_use(void *arg, const struct ipc_answer *answer)
{
	struct question *q = arg;
	struct spawned *c = session_by_serial(q->spawner, q->serial);
	struct ipc_reader in = ipc_reader(answer->body);
	struct session_quota_msg m = { .status = answer->err };
	struct ledger_use use;

	if (answer->err == ERR_OK &&
		(answer->type != LEDGER_GET_ANSWER || ledger_use_decode(&in, &use) < 0))
		m.status = ERR_PEER;
	if (c != NULL)
		c->news.asking--;
	if (c != NULL && c->channel != NULL) {
		m.limit_octets = c->quota_octets;
		m.limit_messages = c->quota_messages;
		if (m.status == ERR_OK) {
			m.used_octets = use.octets;
			m.used_messages = use.messages;
		}
		answer_get(c, q->id, &m);
	}
	free(q);
}

void
on_quota_get(struct ipc_call *call, const void *msg)
{
	struct spawned *c = call->ctx;
	struct question *q;

	UNUSED(msg);
	if (c->news.asking >= ASKING_MAX) {
		answer_get(c, call->id, &(struct session_quota_msg){ .status = ERR_BUSY });
		return;
	}
	if (c->news.due && c->news.telling < TELLING_MAX)
		tell(c); /* so that the answer includes it */
	c->news.asking++;
	q = xmalloc(sizeof(*q));
	*q = (struct question){ c->spawner, c->serial, call->id };
	ledger_get_encode(link_compose(c->spawner->ledger),
		&(struct ledger_get){ .account = bytes_from_str(c->account) });
	link_request(c->spawner->ledger, LEDGER_GET, NULL, 0, ASK_TIMEOUT_MS, on_use, q);
}
