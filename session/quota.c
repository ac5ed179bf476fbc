/* SPDX-License-Identifier: ISC */
/*
 * session/quota.c - sessions' reports of use go to ledger under the account's name that the
 * spawner knows; a session can't speak for another.
 *
 * A report whose ledger dies while it is under way may be lost or counted; a recount of the
 * mailbox puts that right. Ledger not running is waited for.
 *
 * Runs in:  the session spawners.
 */
#include <stdlib.h>

#include "ledger_msg.h"
#include "log.h"
#include "spawner_private.h"

#define REPORT_TIMEOUT_MS 60000
#define ASK_TIMEOUT_MS    1000 /* the session waits for SESSION_LINK_WAIT_MS */

struct question { /* a QUOTA_GET under way; its session may end meanwhile */
	struct spawner *spawner;
	uint64_t serial;
	uint32_t id;
};

static uint64_t
limit_of(const struct spawned *c)
{
	return c->quota_octets; /* 0: none; as ledger has it */
}

static void
on_reported(void *arg, const struct ipc_answer *answer)
{
	struct spawner *s = arg;

	if (answer->err < 0)
		log_warning("%s: a change of quota use may not have reached ledger: %s",
			s->spec->name, err_text(answer->err));
}

void
on_quota_add(struct ipc_call *call, const void *msg)
{
	const struct session_quota_add_msg *m = msg;
	struct spawned *c = call->ctx;

	ledger_add_encode(link_compose(c->spawner->ledger),
		&(struct ledger_add){ .account = bytes_from_str(c->account),
			.octets = m->octets,
			.messages = m->messages,
			.limit_octets = limit_of(c),
			.answer = true });
	link_request(c->spawner->ledger, LEDGER_ADD, NULL, 0, REPORT_TIMEOUT_MS, on_reported,
		c->spawner);
}

void
on_quota_set(struct ipc_call *call, const void *msg)
{
	const struct session_quota_set_msg *m = msg;
	struct spawned *c = call->ctx;

	ledger_set_encode(link_compose(c->spawner->ledger),
		&(struct ledger_set){ .account = bytes_from_str(c->account),
			.octets = m->octets,
			.messages = m->messages,
			.limit_octets = limit_of(c) });
	link_request(c->spawner->ledger, LEDGER_SET, NULL, 0, REPORT_TIMEOUT_MS, on_reported,
		c->spawner);
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
	if (c != NULL && c->channel != NULL) {
		m.limit_octets = c->quota_octets;
		m.limit_messages = c->quota_messages;
		if (m.status == ERR_OK) {
			m.used_octets = use.octets;
			m.used_messages = use.messages;
		}
		session_quota_encode(ipc_compose(c->channel), &m);
		ipc_reply(c->channel, q->id, SESSION_QUOTA, NULL, 0);
	}
	free(q);
}

void
on_quota_get(struct ipc_call *call, const void *msg)
{
	struct spawned *c = call->ctx;
	struct question *q = xmalloc(sizeof(*q));

	*q = (struct question){ c->spawner, c->serial, call->id };
	ledger_get_encode(link_compose(c->spawner->ledger),
		&(struct ledger_get){ .account = bytes_from_str(c->account) });
	link_request(c->spawner->ledger, LEDGER_GET, NULL, 0, ASK_TIMEOUT_MS, on_use, q);
}
