/* SPDX-License-Identifier: ISC */
/*
 * ledger/sender.c - directory asks for each submitted message: may this account send it? What is
 * no longer a busy day becomes an incident: the account is blocked, qmgr is told (it holds what
 * the account has in the queue and writes to the operator) until the operator ends it.
 *
 * Runs in:  ledger.
 * Trusts:   directory with whose message it is; qmgr with having told the operator.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "clock.h"
#include "err.h"
#include "incidents.h"
#include "ledger_private.h"
#include "listeners.h"
#include "log.h"
#include "random.h"
#include "sending.h"

struct sender {
	struct daemon *daemon;
	struct database *db;
	struct siphash_key key;
	struct pressure *pressure;
	uint32_t *fresh; /* LEDGER_HASHES_MAX */
	struct buf value, ring;
	struct listeners listeners;
	uint64_t asked, refused, incidents;
};

static uint64_t
wall_s(void)
{
	return clock_wall_us() / 1000000;
}

static struct sending_policy
policy_of(const struct sender *s)
{
	const struct ledger_conf *c = s->daemon->conf;

	return (struct sending_policy){ c->send_messages, c->send_recipients,
		c->send_new_recipients, c->send_incident_factor, c->send_remembered };
}

static bool
is_exempt(const struct sender *s, struct bytes login)
{
	const struct ledger_conf *c = s->daemon->conf;

	for (size_t i = 0; i < c->send_exempt.n; i++)
		if (bytes_equal(bytes_from_str(c->send_exempt.v[i]), login))
			return true;
	return false;
}

/* ---- incidents ---- */

static void
tell(struct ipc_channel *channel, struct bytes login, const struct incident *i, bool open)
{
	struct ledger_incident m = { login, open, i->told, i->since_s,
		bytes_make(i->text, i->text_len) };

	ledger_incident_encode(ipc_compose(channel), &m);
	ipc_send(channel, LEDGER_INCIDENT, NULL, 0);
}

static void
tell_all(struct sender *s, struct bytes login, const struct incident *i, bool open)
{
	struct listener *l;

	LIST_FOREACH (l, &s->listeners, link)
		tell(l->channel, login, i, open);
}

static void
open_incident(struct sender *s, const struct sending_policy *p, struct bytes login,
	const struct sent *sent, uint64_t refused)
{
	struct sent_sum sum = sent_sum(sent);
	struct incident i = { .since_s = wall_s(),
		.messages = sum.messages,
		.recipients = sum.recipients,
		.new_recipients = sum.new_recipients };
	int r;

	i.text_len = (size_t)snprintf(i.text, sizeof(i.text),
		"%" PRIu64 " new recipients wanted within an hour, the limit is %" PRIu64 " a day",
		sent->hours[SENDING_HOURS - 1].new_recipients + refused, p->new_recipients);
	if ((r = incident_put(s->db, login, &i)) < 0) {
		ledger_write_failed(s->daemon, r, "an incident");
		return;
	}
	s->incidents++;
	log_warning(
		"incident: login=<%.*s> may send nothing more: %s; see \"relais incident list\"",
		(int)login.n, (const char *)login.p, i.text);
	tell_all(s, login, &i, true);
}

static int
subscribed_row(void *arg, struct bytes login, const struct incident *i)
{
	tell(arg, login, i, true);
	return ERR_OK;
}

void
sender_on_subscribe(struct ipc_call *call, const void *msg)
{
	struct sender *s = ledger_sender(call);
	int r;

	UNUSED(msg);
	if (listeners_add(&s->listeners, call->channel) == NULL)
		return;
	if ((r = incident_walk(s->db, BYTES_NONE, subscribed_row, call->channel)) < 0)
		ledger_write_failed(s->daemon, r, "incidents");
}

void
sender_on_told(struct ipc_call *call, const void *msg)
{
	const struct ledger_incident_told *m = msg;
	struct sender *s = ledger_sender(call);
	struct incident i;
	int r = incident_get(s->db, m->login, &i);

	if (r == ERR_OK && !i.told) {
		i.told = true;
		r = incident_put(s->db, m->login, &i);
	}
	if (r < 0 && r != ERR_NOT_FOUND)
		ledger_write_failed(s->daemon, r, "an incident");
}

struct listing {
	struct arena arena;
	struct ledger_incident_list_answer answer;
};

static int
list_row(void *arg, struct bytes login, const struct incident *i)
{
	struct listing *l = arg;

	if (l->answer.count == LEDGER_INCIDENT_ROWS_MAX)
		return ERR_LIMIT;
	l->answer.rows[l->answer.count++] =
		(struct ledger_incident_row){ arena_bytes(&l->arena, login), i->told, i->since_s,
			i->messages, i->recipients, i->new_recipients, i->refused,
			arena_bytes(&l->arena, bytes_make(i->text, i->text_len)) };
	return ERR_OK;
}

void
sender_on_list(struct ipc_call *call, const void *msg)
{
	const struct ledger_incident_list *m = msg;
	struct sender *s = ledger_sender(call);
	struct listing l = { .arena = ARENA_INIT };
	int r = incident_walk(s->db, m->after, list_row, &l);

	if (r < 0 && r != ERR_LIMIT)
		ledger_write_failed(s->daemon, r, "incidents");
	ledger_incident_list_answer_encode(ipc_compose(call->channel), &l.answer);
	ipc_reply(call->channel, call->id, LEDGER_INCIDENT_LIST_ANSWER, NULL, 0);
	arena_reset(&l.arena);
}

/* The day begins anew: else the account would be over its limits until tomorrow. */
static int
end_incident(struct sender *s, struct bytes login, struct incident *i)
{
	int r = incident_get(s->db, login, i);

	if (r == ERR_OK)
		r = incident_del(s->db, login);
	if (r < 0)
		return r;
	pressure_forget(s->pressure, login);
	r = database_del(s->db, NULL, TABLE_SENT, login);
	return r == ERR_NOT_FOUND ? ERR_OK : r;
}

void
sender_on_end(struct ipc_call *call, const void *msg)
{
	const struct ledger_incident_end *m = msg;
	struct sender *s = ledger_sender(call);
	struct incident i;
	int r = m->only_ask ? incident_get(s->db, m->login, &i) : end_incident(s, m->login, &i);

	if (r == ERR_OK && !m->only_ask) {
		log_info("incident: login=<%.*s> is ended by the operator, %" PRIu64
			 " messages were refused",
			(int)m->login.n, (const char *)m->login.p, i.refused);
		tell_all(s, m->login, &i, false);
	} else if (r < 0 && r != ERR_NOT_FOUND)
		ledger_write_failed(s->daemon, r, "the end of an incident");
	ledger_send_done(call->channel, call->id, r);
}

/* ---- one message ---- */

/* true: the login is blocked, or that can't be known */
static bool
is_blocked(struct sender *s, const struct ledger_send *m, struct ledger_send_answer *answer)
{
	struct incident i;
	int r = incident_get(s->db, m->login, &i);

	if (r == ERR_NOT_FOUND)
		return false;
	answer->verdict = r == ERR_OK ? LEDGER_SEND_BLOCKED : LEDGER_SEND_LATER;
	if (r == ERR_OK && m->recipients > 0) {
		i.refused++;
		r = incident_put(s->db, m->login, &i);
	}
	if (r < 0)
		ledger_write_failed(s->daemon, r, "an incident");
	return true;
}

static int
read_records(struct sender *s, struct bytes login, struct sent *sent)
{
	int r = database_get(s->db, NULL, TABLE_SENT, login, &s->value);

	memset(sent, 0, sizeof(*sent));
	if (r == ERR_OK)
		r = sent_decode(buf_bytes(&s->value), sent);
	if (r < 0 && r != ERR_NOT_FOUND)
		return r;
	r = database_get(s->db, NULL, TABLE_RECIPIENTS, login, &s->ring);
	return r == ERR_NOT_FOUND ? ERR_OK : r;
}

/* Both records or none. */
static int
write_records(struct sender *s, const struct sending_policy *p, struct bytes login,
	const struct sent *sent, size_t nfresh)
{
	struct database_txn *txn;
	int r = database_begin(s->db, &txn);

	if (r < 0)
		return r;
	buf_clear(&s->value);
	sent_encode(sent, &s->value);
	r = database_put(s->db, txn, TABLE_SENT, login, buf_bytes(&s->value));
	if (r == ERR_OK && nfresh > 0) {
		sending_remember(&s->ring, s->fresh, nfresh, p->remembered);
		r = database_put(s->db, txn, TABLE_RECIPIENTS, login, buf_bytes(&s->ring));
	}
	return r < 0 ? database_abort(s->db, txn, r) : database_commit(s->db, txn);
}

static void
refuse(struct sender *s, const struct sending_policy *p, const struct ledger_send *m,
	const struct sent *sent, size_t nfresh, const struct ledger_send_answer *answer)
{
	bool new_ones = answer->verdict == LEDGER_SEND_NEW_RECIPIENTS;
	struct pressure_news news =
		pressure_add(s->pressure, m->login, s->fresh, new_ones ? nfresh : 0, wall_s());

	if (news.first)
		log_warning("send limit: login=<%.*s> is refused: %s (limit %" PRIu64 ")",
			(int)m->login.n, (const char *)m->login.p,
			ledger_send_text(answer->verdict), answer->limit);
	if (sending_is_incident(p, sent, news.refused))
		open_incident(s, p, m->login, sent, news.refused);
}

static void
decide(struct sender *s, const struct ledger_send *m, struct ledger_send_answer *answer)
{
	const struct sending_policy p = policy_of(s);
	struct sent sent;
	size_t nfresh;
	int r = read_records(s, m->login, &sent);

	if (r < 0) {
		ledger_write_failed(s->daemon, r, "what an account sent");
		answer->verdict = LEDGER_SEND_LATER;
		return;
	}
	nfresh = sending_new(&s->key, buf_bytes(&s->ring), m->hashes, s->fresh);
	sending_ask(&p, &sent, m->recipients, nfresh, wall_s(), answer);
	if (answer->verdict != LEDGER_SEND_OK) {
		refuse(s, &p, m, &sent, nfresh, answer);
		return;
	}
	if (m->recipients == 0)
		return;
	if ((r = write_records(s, &p, m->login, &sent, nfresh)) < 0) {
		ledger_write_failed(s->daemon, r, "what an account sent");
		answer->verdict = LEDGER_SEND_LATER;
	} else if (sending_is_incident(&p, &sent, 0))
		open_incident(s, &p, m->login, &sent, 0);
}

void
sender_on_send(struct ipc_call *call, const void *msg)
{
	const struct ledger_send *m = msg;
	struct sender *s = ledger_sender(call);
	struct ledger_send_answer answer = { .verdict = LEDGER_SEND_OK };

	s->asked++;
	if (!is_blocked(s, m, &answer) && !is_exempt(s, m->login))
		decide(s, m, &answer);
	s->refused += answer.verdict != LEDGER_SEND_OK;
	ledger_send_answer_encode(ipc_compose(call->channel), &answer);
	ipc_reply(call->channel, call->id, LEDGER_SEND_ANSWER, NULL, 0);
}

/* ---- the life ---- */

/* The secret of the hashes: made once, kept with them. */
static int
load_key(struct sender *s)
{
	const struct bytes name = BYTES_LITERAL("recipients");
	int r = database_get(s->db, NULL, TABLE_KEYS, name, &s->value);

	if (r == ERR_OK && s->value.len == sizeof(s->key)) {
		memcpy(&s->key, s->value.data, sizeof(s->key));
		return ERR_OK;
	}
	if (r < 0 && r != ERR_NOT_FOUND)
		return r;
	random_fill(&s->key, sizeof(s->key));
	return database_put(s->db, NULL, TABLE_KEYS, name, bytes_make(&s->key, sizeof(s->key)));
}

int
sender_start(struct daemon *d, struct database *db, struct sender **out)
{
	struct sender *s = xcalloc(1, sizeof(*s));

	*out = s;
	s->daemon = d;
	s->db = db;
	s->pressure = pressure_new();
	s->fresh = xcalloc(LEDGER_HASHES_MAX, sizeof(*s->fresh));
	LIST_INIT(&s->listeners);
	return load_key(s);
}

void
sender_stop(struct sender **sp)
{
	struct sender *s = *sp;

	*sp = NULL;
	if (s == NULL)
		return;
	listeners_clear(&s->listeners);
	pressure_free(&s->pressure);
	free(s->fresh);
	buf_free(&s->value);
	buf_free(&s->ring);
	free(s);
}

void
sender_peer_down(struct sender *s, const struct ipc_channel *peer)
{
	listeners_remove(&s->listeners, peer);
}

void
sender_stats(const struct sender *s, struct buf *out)
{
	buf_printf(out, "relais_ledger_send_total %" PRIu64 "\n", s->asked);
	buf_printf(out, "relais_ledger_send_refused_total %" PRIu64 "\n", s->refused);
	buf_printf(out, "relais_ledger_incident_total %" PRIu64 "\n", s->incidents);
}
