/* SPDX-License-Identifier: ISC */
/*
 * ledger/guard.c - who may try to log in: directory asks before each check of a password and says
 * how it came out; what is banned is told to all doors at once.
 *
 * Runs in:  ledger.
 * Trusts:   directory with who tried what; the doors with nothing, they only listen.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "attempts.h"
#include "ban_list.h"
#include "clock.h"
#include "err.h"
#include "ip_set.h"
#include "ledger_private.h"
#include "listeners.h"
#include "log.h"
#include "login_record.h"

#define SWEEP_MS       500
#define BACKLOG_OCTETS (512 * 1024)

struct guard {
	struct daemon *daemon;
	struct database *db;
	struct attempts *attempts;
	struct ban_list *bans;
	struct ip_set *exempt;
	struct event *sweep;
	struct listeners listeners;
	uint64_t tries, wrong, refused, bans_made;
};

static uint64_t
wall_s(void)
{
	return clock_wall_us() / 1000000;
}

static struct attempts_policy
attempts_policy(const struct guard *g)
{
	const struct ledger_conf *c = g->daemon->conf;

	return (struct attempts_policy){ .window_ms = c->failure_window,
		.address_limit = c->address_failures,
		.network_limit = c->network_failures,
		.login_limit = c->login_failures,
		.delay_first_ms = c->delay_first,
		.delay_max_ms = c->delay_max };
}

static struct ban_policy
ban_policy(const struct guard *g)
{
	const struct ledger_conf *c = g->daemon->conf;

	return (struct ban_policy){ c->ban_time / 1000, c->ban_time_max / 1000,
		c->ban_memory / 1000 };
}

/* ---- telling the doors ---- */

static struct ledger_ban_brief
brief(const struct ban *b, uint64_t now_s)
{
	struct ledger_ban_brief row = { b->subject.block, 0 };

	if (ban_is_active(b, now_s))
		row.left_ms = b->until_s == 0 ? UINT64_MAX : (b->until_s - now_s) * 1000;
	return row;
}

/* One ban began, or is over (until now_s, or gone). */
static void
tell_doors(struct guard *g, const struct ban *b, bool over)
{
	struct ledger_bans m = { .count = 1 };
	struct listener *l;

	if (b->subject.block.family == 0)
		return;
	m.rows[0] = brief(b, wall_s());
	if (over)
		m.rows[0].left_ms = 0;
	LIST_FOREACH (l, &g->listeners, link) {
		l->stale |= ipc_backlog(l->channel) > BACKLOG_OCTETS;
		if (l->stale)
			continue;
		ledger_bans_encode(ipc_compose(l->channel), &m);
		ipc_send(l->channel, LEDGER_BANS, NULL, 0);
	}
}

struct batch {
	struct ipc_channel *channel;
	uint64_t now_s;
	struct ledger_bans m;
};

static void
send_batch(struct batch *b)
{
	ledger_bans_encode(ipc_compose(b->channel), &b->m);
	ipc_send(b->channel, LEDGER_BANS, NULL, 0);
	b->m.count = 0;
	b->m.reset = false;
}

static void
add_to_batch(void *arg, struct ban *ban)
{
	struct batch *b = arg;

	if (b->m.count == LEDGER_BANS_MAX)
		send_batch(b);
	b->m.rows[b->m.count++] = brief(ban, b->now_s);
}

/* All there are, in place of what it was told before. */
static void
tell_all(struct guard *g, struct listener *l)
{
	struct batch batch = { .channel = l->channel, .now_s = wall_s(), .m.reset = true };

	l->stale = false;
	ban_list_each_block(g->bans, batch.now_s, add_to_batch, &batch);
	send_batch(&batch);
}

void
guard_on_subscribe(struct ipc_call *call, const void *msg)
{
	struct guard *g = ledger_guard(call);
	struct listener *l = listeners_add(&g->listeners, call->channel);

	UNUSED(msg);
	if (l != NULL)
		tell_all(g, l);
}

/* ---- bans ---- */

static const char *
subject_text(const struct ledger_subject *s, char out[LEDGER_ACCOUNT_MAX + 16])
{
	char block[IP_BLOCK_TEXT];

	if (s->block.family != 0)
		snprintf(out, LEDGER_ACCOUNT_MAX + 16, "address [%s]",
			ip_block_text(&s->block, block));
	else
		snprintf(out, LEDGER_ACCOUNT_MAX + 16, "login <%.*s>", (int)s->login.n,
			(const char *)s->login.p);
	return out;
}

static void
forget_record(void *arg, struct ban *b)
{
	struct guard *g = arg;
	struct buf key = BUF_INIT;
	int r;

	ban_key(&b->subject, &key);
	r = database_del(g->db, NULL, TABLE_BANS, buf_bytes(&key));
	if (r < 0 && r != ERR_NOT_FOUND)
		ledger_write_failed(g->daemon, r, "the end of a ban");
	buf_free(&key);
}

/* A record had to make room for another. */
static void
on_gone(void *arg, struct ban *b)
{
	forget_record(arg, b);
	tell_doors(arg, b, true);
}

static int
keep_record(struct guard *g, const struct ban *b)
{
	struct buf key = BUF_INIT, value = BUF_INIT;
	int r;

	ban_key(&b->subject, &key);
	ban_value(b, &value);
	r = database_put(g->db, NULL, TABLE_BANS, buf_bytes(&key), buf_bytes(&value));
	buf_free(&key);
	buf_free(&value);
	return r;
}

static void
log_ban(const struct ban *b)
{
	char text[LEDGER_ACCOUNT_MAX + 16], time[48] = "without end";

	if (b->until_s != 0)
		snprintf(time, sizeof(time), "for %" PRIu64 " s", b->until_s - b->since_s);
	log_warning("ban: %s %s: %.*s (%" PRIu32 ". time)", subject_text(&b->subject, text), time,
		(int)b->reason_len, b->reason, b->times);
}

static void
punish(struct guard *g, const struct ledger_subject *subject, uint32_t failures, const char *reason)
{
	const struct ban_policy policy = ban_policy(g);
	uint64_t now = wall_s();
	bool was = ban_is_active(ban_list_get(g->bans, subject), now);
	struct ban *b =
		ban_list_punish(g->bans, &policy, subject, failures, reason, now, on_gone, g);
	int r = keep_record(g, b);

	if (r < 0)
		ledger_write_failed(g->daemon, r, "a ban");
	if (was)
		return;
	g->bans_made++;
	log_ban(b);
	tell_doors(g, b, false);
}

static const char *
protocol_name(enum ledger_protocol p)
{
	static const char *const names[LEDGER_PROTOCOLS] = {
		[LEDGER_IMAP] = "imap", [LEDGER_POP3] = "pop3", [LEDGER_SUBMISSION] = "submission"
	};

	return names[p] == NULL ? "?" : names[p];
}

static void
punish_all(struct guard *g, const struct attempt *t, const struct ledger_tried *m,
	const struct attempts_news *news)
{
	const struct {
		uint32_t failures;
		struct ledger_subject subject;
		const char *where;
	} rows[] = {
		{ news->address, { attempts_address_block(t->address), BYTES_NONE }, "" },
		{ news->network, { attempts_network_block(t->address), BYTES_NONE },
			" in the network" },
		{ news->login, { { 0 }, t->login }, " from unknown networks" },
	};
	char reason[LEDGER_REASON_MAX];

	for (size_t i = 0; i < NITEMS(rows); i++) {
		if (rows[i].failures == 0)
			continue;
		snprintf(reason, sizeof(reason), "%" PRIu32 " failed logins%s, the last by %s",
			rows[i].failures, rows[i].where, protocol_name(m->protocol));
		punish(g, &rows[i].subject, rows[i].failures, reason);
	}
}

static void
on_ended(void *arg, struct ban *b)
{
	char text[LEDGER_ACCOUNT_MAX + 16];

	log_info("ban: %s is over, %" PRIu64 " attempts were refused",
		subject_text(&b->subject, text), b->refused);
	tell_doors(arg, b, true);
}

static void
on_sweep(evutil_socket_t fd, short what, void *arg)
{
	struct guard *g = arg;
	const struct ban_policy policy = ban_policy(g);
	struct listener *l;

	UNUSED(fd), UNUSED(what);
	ban_list_sweep(g->bans, &policy, wall_s(), on_ended, forget_record, g);
	LIST_FOREACH (l, &g->listeners, link)
		if (l->stale && ipc_backlog(l->channel) == 0)
			tell_all(g, l);
}

/* ---- logins ---- */

static bool
is_exempt(const struct guard *g, const struct ip_block *address)
{
	unsigned cursor = 0;

	return ip_set_holding(g->exempt, address, &cursor) != NULL;
}

/* Who tries, as the counts want it. */
static struct attempt
attempt_of(struct guard *g, struct bytes client, struct bytes login)
{
	struct attempt t = { .login = login };
	struct ip_block network;
	int r;

	if (client.n > 0)
		(void)(ip_block_parse(client, &t.address) < 0); /* family stays 0 */
	network = attempts_network_block(t.address);
	if ((r = logins_known(g->db, login, &network, &t.known)) < 0)
		ledger_write_failed(g->daemon, r, "known networks");
	return t;
}

static struct ledger_try_answer
judge(struct guard *g, const struct ledger_try *m)
{
	const struct attempts_policy policy = attempts_policy(g);
	struct attempt t = attempt_of(g, m->client, m->login);
	struct ledger_try_answer answer = { LEDGER_TRY_GO, LEDGER_TRUST_KNOWN, 0 };
	struct ban *b;

	if (is_exempt(g, &t.address))
		return answer;
	if ((b = ban_list_holding(g->bans, &t.address, wall_s())) != NULL) {
		b->refused++;
		answer = (struct ledger_try_answer){ LEDGER_TRY_BANNED, LEDGER_TRUST_SUSPECT, 0 };
		return answer;
	}
	b = ban_list_get(g->bans, &(struct ledger_subject){ { 0 }, m->login });
	if (ban_is_active(b, wall_s()) && !t.known) {
		b->refused++;
		answer = (struct ledger_try_answer){ LEDGER_TRY_GUARDED, LEDGER_TRUST_SUSPECT,
			(uint32_t)policy.delay_first_ms };
		return answer;
	}
	attempts_try(g->attempts, &policy, &t, clock_mono_ms(), &answer);
	return answer;
}

void
guard_on_try(struct ipc_call *call, const void *msg)
{
	struct guard *g = ledger_guard(call);
	struct ledger_try_answer answer = judge(g, msg);

	g->tries++;
	g->refused += answer.verdict != LEDGER_TRY_GO;
	ledger_try_answer_encode(ipc_compose(call->channel), &answer);
	ipc_reply(call->channel, call->id, LEDGER_TRY_ANSWER, NULL, 0);
}

void
guard_on_tried(struct ipc_call *call, const void *msg)
{
	const struct ledger_tried *m = msg;
	struct guard *g = ledger_guard(call);
	const struct attempts_policy policy = attempts_policy(g);
	struct attempt t = attempt_of(g, m->client, m->login);
	struct ip_block network = attempts_network_block(t.address);
	struct attempts_news news = { 0 };
	int r;

	g->wrong += m->result == LEDGER_TRIED_WRONG;
	if (!is_exempt(g, &t.address))
		attempts_tried(
			g->attempts, &policy, &t, m->result, m->guess, clock_mono_ms(), &news);
	if (m->result == LEDGER_TRIED_RIGHT && (r = logins_right(g->db, m, &network, wall_s())) < 0)
		ledger_write_failed(g->daemon, r, "a login");
	punish_all(g, &t, m, &news);
}

void
guard_on_last_use(struct ipc_call *call, const void *msg)
{
	const struct ledger_last_use *m = msg;
	struct guard *g = ledger_guard(call);
	struct ledger_last_use_answer answer;
	struct buf room = BUF_INIT;
	int r = logins_last_use(g->db, m->account, &room, &answer);

	if (r < 0)
		ledger_write_failed(g->daemon, r, "last uses");
	ledger_last_use_answer_encode(ipc_compose(call->channel), &answer);
	ipc_reply(call->channel, call->id, LEDGER_LAST_USE_ANSWER, NULL, 0);
	buf_free(&room);
}

/* ---- the operator ---- */

struct listing {
	struct guard *g;
	uint64_t now_s;
	struct arena arena;
	struct ledger_ban_list_answer answer;
};

static int
list_row(void *arg, struct bytes key, struct bytes value)
{
	struct listing *l = arg;
	struct ledger_ban_row *row = &l->answer.rows[l->answer.count];
	struct ledger_subject subject;
	const struct ban *b;

	UNUSED(value);
	if (ban_subject(key, &subject) < 0)
		return ERR_CORRUPT;
	b = ban_list_get(l->g->bans, &subject);
	if (!ban_is_active(b, l->now_s))
		return ERR_OK;
	if (l->answer.count == LEDGER_BAN_ROWS_MAX)
		return ERR_LIMIT;
	*row = (struct ledger_ban_row){ .subject = b->subject,
		.cursor = arena_bytes(&l->arena, key),
		.reason = bytes_make(b->reason, b->reason_len),
		.since = b->since_s,
		.until = b->until_s,
		.failures = b->failures + b->refused,
		.times = b->times,
		.by_operator = b->by_operator };
	l->answer.count++;
	return ERR_OK;
}

void
guard_on_ban_list(struct ipc_call *call, const void *msg)
{
	const struct ledger_ban_list *m = msg;
	struct guard *g = ledger_guard(call);
	struct listing l = { .g = g, .now_s = wall_s(), .arena = ARENA_INIT };
	int r = database_walk(g->db, TABLE_BANS, m->after, UINT32_MAX, list_row, &l);

	if (r < 0 && r != ERR_LIMIT)
		ledger_write_failed(g->daemon, r, "the ban list");
	ledger_ban_list_answer_encode(ipc_compose(call->channel), &l.answer);
	ipc_reply(call->channel, call->id, LEDGER_BAN_LIST_ANSWER, NULL, 0);
	arena_reset(&l.arena);
}

void
guard_on_ban_add(struct ipc_call *call, const void *msg)
{
	const struct ledger_ban_add *m = msg;
	struct guard *g = ledger_guard(call);
	struct ban *b =
		ban_list_order(g->bans, &m->subject, m->seconds, m->reason, wall_s(), on_gone, g);
	int r = keep_record(g, b);

	if (r < 0)
		ledger_write_failed(g->daemon, r, "a ban");
	log_ban(b);
	tell_doors(g, b, false);
	ledger_send_done(call->channel, call->id, r);
}

void
guard_on_ban_del(struct ipc_call *call, const void *msg)
{
	const struct ledger_ban_del *m = msg;
	struct guard *g = ledger_guard(call);
	struct ban *b = ban_list_get(g->bans, &m->subject);
	char text[LEDGER_ACCOUNT_MAX + 16];

	if (!ban_is_active(b, wall_s())) {
		ledger_send_done(call->channel, call->id, ERR_NOT_FOUND);
		return;
	}
	log_info("ban: %s is lifted by the operator", subject_text(&b->subject, text));
	forget_record(g, b);
	tell_doors(g, b, true);
	(void)ban_list_del(g->bans, &m->subject);
	ledger_send_done(call->channel, call->id, ERR_OK);
}

/* ---- the life ---- */

static int
load_row(void *arg, struct bytes key, struct bytes value)
{
	struct guard *g = arg;

	if (ban_list_load(g->bans, key, value) < 0)
		log_warning("a ban's record can't be read and is left out");
	return ERR_OK;
}

void
guard_reload(struct guard *g)
{
	const struct ledger_conf *c = g->daemon->conf;
	struct ip_block b;

	ip_set_clear(g->exempt);
	for (size_t i = 0; i < c->ban_exempt.n; i++)
		if (ip_block_parse(bytes_from_str(c->ban_exempt.v[i]), &b) == ERR_OK)
			ip_set_put(g->exempt, &b, 1);
}

int
guard_start(struct daemon *d, struct database *db, struct guard **out)
{
	const struct ledger_conf *c = d->conf;
	struct timeval every = { 0, SWEEP_MS * 1000 };
	struct guard *g = xcalloc(1, sizeof(*g));
	int r;

	*out = g;
	g->daemon = d;
	g->db = db;
	g->attempts = attempts_new((size_t)c->attempt_table_size);
	g->bans = ban_list_new((size_t)c->ban_limit);
	g->exempt = ip_set_new();
	LIST_INIT(&g->listeners);
	guard_reload(g);
	if ((r = database_walk(db, TABLE_BANS, BYTES_NONE, UINT32_MAX, load_row, g)) < 0)
		return r;
	g->sweep = event_new(d->base, -1, EV_PERSIST, on_sweep, g);
	event_add(g->sweep, &every);
	return ERR_OK;
}

void
guard_stop(struct guard **gp)
{
	struct guard *g = *gp;

	*gp = NULL;
	if (g == NULL)
		return;
	listeners_clear(&g->listeners);
	if (g->sweep != NULL)
		event_free(g->sweep);
	attempts_free(&g->attempts);
	ban_list_free(&g->bans);
	ip_set_free(&g->exempt);
	free(g);
}

void
guard_peer_down(struct guard *g, const struct ipc_channel *peer)
{
	if (ipc_peer(peer) == SERVICE_DIRECTORY)
		attempts_forget_pending(g->attempts);
	listeners_remove(&g->listeners, peer);
}

void
guard_stats(const struct guard *g, struct buf *out)
{
	buf_printf(out, "relais_ledger_try_total %" PRIu64 "\n", g->tries);
	buf_printf(out, "relais_ledger_try_wrong_total %" PRIu64 "\n", g->wrong);
	buf_printf(out, "relais_ledger_try_refused_total %" PRIu64 "\n", g->refused);
	buf_printf(out, "relais_ledger_ban_total %" PRIu64 "\n", g->bans_made);
	buf_printf(out, "relais_ledger_ban_records %zu\n", ban_list_count(g->bans));
}
