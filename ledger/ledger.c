/* SPDX-License-Identifier: ISC */
/*
 * ledger/ledger.c - the one owner of durable changing state: the daemon, and the use of quotas.
 * Logins and bans are in guard.c, limits of sending in sender.c.
 *
 * Changes gather for a moment and are committed together; DONE is sent after the commit that
 * holds the change. Subscribers are told of every account that is near its limit, or was until
 * this change.
 *
 * Runs in:  ledger, user relais-state, root folder: its Berkeley DB environment.
 * Trusts:   local-delivery and the spawners with the use of all accounts.
 */
#include "ledger.h"

#include <stdlib.h>
#include <sys/queue.h>
#include <unistd.h>

#include "clock.h"
#include "dmarc_report_msg.h"
#include "err.h"
#include "ledger_private.h"
#include "log.h"
#include "quota_store.h"

#define BATCH_MAX      1024
#define SCAN_ROWS      2000 /* of a new subscriber's scan, in one turn of the loop */
#define RETRY_MS       1000 /* after a commit that failed for want of space */
#define OWNER_WAIT_MS  10000
#define COMPLAIN_MS    1000
#define BACKLOG_OCTETS (1024 * 1024)

/* A change that waits for the commit, and who wants to hear of it. */
struct waiting {
	struct ipc_channel *channel; /* NULL: nobody, or gone */
	uint32_t id;
	uint32_t account_len;
	char account[LEDGER_ACCOUNT_MAX];
};

struct subscriber {
	LIST_ENTRY(subscriber) link;
	struct ipc_channel *channel;
	bool scanning;
	bool all;         /* tell of every account, not only of those that are near */
	struct buf after; /* how far the scan came */
};

struct ledger {
	struct daemon *daemon;
	struct database *store;
	struct guard *guard;
	struct sender *sender;
	struct dmarc_data *dmarc;
	struct quota_change batch[BATCH_MAX];
	struct waiting waiting[BATCH_MAX];
	size_t count;
	uint64_t commits, changes, failures, complained_ms;
	struct event *commit_timer, *checkpoint_timer, *scan_event;
	LIST_HEAD(, subscriber) subscribers;
};

static struct ledger *
of(const struct ipc_call *call)
{
	struct daemon *daemon = call->ctx;

	return daemon->ctx;
}

void
ledger_after_ms(struct event *timer, uint64_t ms)
{
	struct timeval tv = { .tv_sec = (time_t)(ms / 1000),
		.tv_usec = (suseconds_t)(ms % 1000 * 1000) };

	event_add(timer, &tv);
}

struct guard *
ledger_guard(const struct ipc_call *call)
{
	return of(call)->guard;
}

struct sender *
ledger_sender(const struct ipc_call *call)
{
	return of(call)->sender;
}

struct dmarc_data *
ledger_dmarc(const struct ipc_call *call)
{
	return of(call)->dmarc;
}

_Noreturn void
ledger_give_up(int r)
{
	log_error("database: %s; recovery by a new process", err_text(r));
	log_flush();
	_exit(1);
}

static bool
is_near(const struct quota_use *u)
{
	return ledger_is_near(u->octets, u->limit_octets) ||
	       ledger_is_near(u->messages, u->limit_messages);
}

static void
send_use(struct ipc_channel *channel, struct bytes account, const struct quota_use *u)
{
	struct ledger_use m = { account, u->octets, u->messages, u->limit_octets,
		u->limit_messages };

	ledger_use_encode(ipc_compose(channel), &m);
	ipc_send(channel, LEDGER_USE, NULL, 0);
}

void
ledger_write_failed(struct daemon *daemon, int r, const char *what)
{
	struct ledger *l = daemon->ctx;
	uint64_t now = clock_mono_ms();

	if (r == ERR_CORRUPT)
		ledger_give_up(r);
	if (l->complained_ms != 0 && now - l->complained_ms < COMPLAIN_MS)
		return;
	l->complained_ms = now;
	log_error("%s could not be written or read: %s", what, err_text(r));
}

void
ledger_send_done(struct ipc_channel *channel, uint32_t id, int err)
{
	struct ledger_done done = { err };

	ledger_done_encode(ipc_compose(channel), &done);
	ipc_reply(channel, id, LEDGER_DONE, NULL, 0);
}

static void
tell_subscribers(struct ledger *l, const struct quota_change *c)
{
	struct subscriber *s;

	if (!is_near(&c->before) && !is_near(&c->after))
		return;
	LIST_FOREACH (s, &l->subscribers, link) {
		if (ipc_backlog(s->channel) <= BACKLOG_OCTETS) {
			send_use(s->channel, c->account, &c->after);
			continue;
		}
		/* it does not read: it is told all again, also of those that are near no
		 * longer, when it does */
		buf_clear(&s->after);
		s->scanning = s->all = true;
		ledger_after_ms(l->scan_event, 1);
	}
}

/* Commit what has gathered. What can't be written stays, and is tried again. */
static int
commit(struct ledger *l)
{
	int r;

	if (l->count == 0)
		return ERR_OK;
	r = quota_store_commit(l->store, l->batch, l->count);
	if (r == ERR_CORRUPT)
		ledger_give_up(r);
	if (r < 0) {
		if (l->failures++ % 60 == 0)
			log_error("commit of %zu changes failed: %s; trying again", l->count,
				err_text(r));
		ledger_after_ms(l->commit_timer, RETRY_MS);
		return r;
	}
	l->failures = 0;
	l->commits++;
	l->changes += l->count;
	for (size_t i = 0; i < l->count; i++) {
		tell_subscribers(l, &l->batch[i]);
		if (l->waiting[i].channel != NULL)
			ledger_send_done(l->waiting[i].channel, l->waiting[i].id, ERR_OK);
	}
	l->count = 0;
	event_del(l->commit_timer);
	return ERR_OK;
}

static void
on_commit_timer(evutil_socket_t fd, short events, void *arg)
{
	UNUSED(fd), UNUSED(events);
	(void)commit(arg);
}

/* Room for one change more; NULL if the store has been failing for too long. */
static struct quota_change *
gather(struct ledger *l, struct bytes account, struct ipc_channel *channel, uint32_t id)
{
	const struct ledger_conf *conf = l->daemon->conf;
	struct waiting *w;
	struct quota_change *c;

	if (l->count == BATCH_MAX && commit(l) < 0) {
		log_warning("a change of %.*s is lost; count its use anew", (int)account.n,
			(const char *)account.p);
		return NULL;
	}
	if (l->count == 0)
		ledger_after_ms(l->commit_timer, conf->commit_interval);
	w = &l->waiting[l->count];
	c = &l->batch[l->count++];
	w->channel = channel;
	w->id = id;
	w->account_len = (uint32_t)account.n;
	memcpy(w->account, account.p, account.n);
	*c = (struct quota_change){ .account = bytes_make(w->account, w->account_len) };
	return c;
}

static void
on_add(struct ipc_call *call, const void *msg)
{
	const struct ledger_add *m = msg;
	bool answer = m->answer && call->id != 0;
	struct quota_change *c =
		gather(of(call), m->account, answer ? call->channel : NULL, call->id);

	if (c == NULL) {
		if (answer)
			ledger_send_done(call->channel, call->id, ERR_NO_SPACE);
		return;
	}
	c->octets = m->octets;
	c->messages = m->messages;
	c->limit_octets = m->limit_octets;
	c->limit_messages = m->limit_messages;
}

static void
on_set(struct ipc_call *call, const void *msg)
{
	const struct ledger_set *m = msg;
	bool answer = call->id != 0;
	struct quota_change *c =
		gather(of(call), m->account, answer ? call->channel : NULL, call->id);

	if (c == NULL) {
		if (answer)
			ledger_send_done(call->channel, call->id, ERR_NO_SPACE);
		return;
	}
	c->set = true;
	c->forget = m->forget;
	c->octets = (int64_t)(m->octets > INT64_MAX ? INT64_MAX : m->octets);
	c->messages = (int64_t)(m->messages > INT64_MAX ? INT64_MAX : m->messages);
	c->limit_octets = m->limit_octets;
	c->limit_messages = m->limit_messages;
}

static void
on_get(struct ipc_call *call, const void *msg)
{
	const struct ledger_get *m = msg;
	struct ledger *l = of(call);
	struct ledger_use answer = { .account = m->account };
	struct quota_use u;
	int r;

	(void)commit(l); /* what was reported before counts */
	r = quota_store_get(l->store, m->account, &u);
	if (r < 0)
		ledger_give_up(r);
	answer.octets = u.octets;
	answer.messages = u.messages;
	answer.limit_octets = u.limit_octets;
	answer.limit_messages = u.limit_messages;
	ledger_use_encode(ipc_compose(call->channel), &answer);
	ipc_reply(call->channel, call->id, LEDGER_GET_ANSWER, NULL, 0);
}

/* Rows of a LIST answer; names are copied, the cursor's memory is not ours. */
struct listing {
	struct ledger_list_answer answer;
	struct arena arena;
};

static void
list_row(void *arg, struct bytes account, const struct quota_use *u)
{
	struct listing *l = arg;
	struct ledger_use *row = &l->answer.rows[l->answer.count++];

	*row = (struct ledger_use){ arena_bytes(&l->arena, account), u->octets, u->messages,
		u->limit_octets, u->limit_messages };
}

static void
on_list(struct ipc_call *call, const void *msg)
{
	const struct ledger_list *m = msg;
	struct ledger *l = of(call);
	struct listing listing = { { 0 }, ARENA_INIT };
	int r;

	(void)commit(l);
	r = quota_store_list(l->store, m->after, LEDGER_ROWS_MAX, list_row, &listing);
	if (r < 0)
		ledger_give_up(r);
	ledger_list_answer_encode(ipc_compose(call->channel), &listing.answer);
	ipc_reply(call->channel, call->id, LEDGER_LIST_ANSWER, NULL, 0);
	arena_reset(&listing.arena);
}

/* ---- subscribers ---- */

static void
scan_row(void *arg, struct bytes account, const struct quota_use *u)
{
	struct subscriber *s = arg;

	if (s->all || is_near(u))
		send_use(s->channel, account, u);
	buf_clear(&s->after);
	buf_put_bytes(&s->after, account);
}

/* A few thousand rows each turn, so that a million accounts stop nobody. */
static void
on_scan(evutil_socket_t fd, short events, void *arg)
{
	struct ledger *l = arg;
	struct subscriber *s;
	bool more = false;
	int r;

	UNUSED(fd), UNUSED(events);
	LIST_FOREACH (s, &l->subscribers, link) {
		if (!s->scanning)
			continue;
		if (ipc_backlog(s->channel) > BACKLOG_OCTETS) {
			more = true;
			continue;
		}
		r = quota_store_list(l->store, buf_bytes(&s->after), SCAN_ROWS, scan_row, s);
		if (r < 0)
			ledger_give_up(r);
		s->scanning = r == SCAN_ROWS;
		s->all = s->all && s->scanning;
		more |= s->scanning;
	}
	if (more)
		ledger_after_ms(l->scan_event, 1);
}

static void
on_subscribe(struct ipc_call *call, const void *msg)
{
	struct ledger *l = of(call);
	struct subscriber *s;

	UNUSED(msg);
	LIST_FOREACH (s, &l->subscribers, link)
		if (s->channel == call->channel)
			return;
	s = xcalloc(1, sizeof(*s));
	s->channel = call->channel;
	s->scanning = true;
	LIST_INSERT_HEAD(&l->subscribers, s, link);
	ledger_after_ms(l->scan_event, 0);
}

/* Who turns banned addresses away. */
#define DOORS                                                                                      \
	(FROM(SERVICE_SMTPD) | FROM(SERVICE_SUBMISSION) | FROM(SERVICE_IMAP_LOGIN) |               \
		FROM(SERVICE_POP3_LOGIN) | FROM(SERVICE_DIRECTORY))

#define REPORTERS                                                                                  \
	(FROM(SERVICE_LOCAL_DELIVERY) | FROM(SERVICE_SYSTEM_DELIVERY) |                            \
		FROM(SERVICE_IMAP_SPAWNER) | FROM(SERVICE_POP3_SPAWNER) | FROM(SERVICE_CLI))

/* Who decides by what is told: directory at RCPT, the deliverers at delivery. */
#define SUBSCRIBERS                                                                                \
	(FROM(SERVICE_DIRECTORY) | FROM(SERVICE_LOCAL_DELIVERY) | FROM(SERVICE_SYSTEM_DELIVERY))

/* Who reads what aggregate reports are made of. */
#define DMARC_READERS (FROM(SERVICE_DMARC_REPORTER) | FROM(SERVICE_CLI))

static const struct ipc_route routes[] = {
	/* request	from		states	fds	struct, decoder		handler */
	{ LEDGER_ADD, REPORTERS, 0, 0, sizeof(struct ledger_add), ledger_add_decode, on_add },
	{ LEDGER_SET, REPORTERS, 0, 0, sizeof(struct ledger_set), ledger_set_decode, on_set },
	{ LEDGER_GET, REPORTERS, 0, 0, sizeof(struct ledger_get), ledger_get_decode, on_get },
	{ LEDGER_LIST, FROM(SERVICE_CLI), 0, 0, sizeof(struct ledger_list), ledger_list_decode,
		on_list },
	{ LEDGER_BANS_SUBSCRIBE, DOORS, 0, 0, 0, ipc_empty_decode, guard_on_subscribe },
	{ LEDGER_SUBSCRIBE, SUBSCRIBERS, 0, 0, 0, ipc_empty_decode, on_subscribe },

	{ LEDGER_TRY, FROM(SERVICE_DIRECTORY), 0, 0, sizeof(struct ledger_try), ledger_try_decode,
		guard_on_try },
	{ LEDGER_TRIED, FROM(SERVICE_DIRECTORY), 0, 0, sizeof(struct ledger_tried),
		ledger_tried_decode, guard_on_tried },
	{ LEDGER_LAST_USE, FROM(SERVICE_CLI), 0, 0, sizeof(struct ledger_last_use),
		ledger_last_use_decode, guard_on_last_use },
	{ LEDGER_BAN_LIST, FROM(SERVICE_CLI), 0, 0, sizeof(struct ledger_ban_list),
		ledger_ban_list_decode, guard_on_ban_list },
	{ LEDGER_BAN_ADD, FROM(SERVICE_CLI), 0, 0, sizeof(struct ledger_ban_add),
		ledger_ban_add_decode, guard_on_ban_add },
	{ LEDGER_BAN_DEL, FROM(SERVICE_CLI), 0, 0, sizeof(struct ledger_ban_del),
		ledger_ban_del_decode, guard_on_ban_del },

	{ LEDGER_SEND, FROM(SERVICE_DIRECTORY), 0, 0, sizeof(struct ledger_send),
		ledger_send_decode, sender_on_send },
	{ LEDGER_INCIDENTS_SUBSCRIBE, FROM(SERVICE_QMGR), 0, 0, 0, ipc_empty_decode,
		sender_on_subscribe },
	{ LEDGER_INCIDENT_TOLD, FROM(SERVICE_QMGR), 0, 0, sizeof(struct ledger_incident_told),
		ledger_incident_told_decode, sender_on_told },
	{ LEDGER_INCIDENT_LIST, FROM(SERVICE_CLI), 0, 0, sizeof(struct ledger_incident_list),
		ledger_incident_list_decode, sender_on_list },
	{ LEDGER_INCIDENT_END, FROM(SERVICE_CLI), 0, 0, sizeof(struct ledger_incident_end),
		ledger_incident_end_decode, sender_on_end },

	{ DMARC_ROW, FROM(SERVICE_SMTPD), 0, 0, sizeof(struct dmarc_row), dmarc_row_decode,
		dmarc_on_row },
	{ DMARC_DAYS, DMARC_READERS, 0, 0, sizeof(struct dmarc_days), dmarc_days_decode,
		dmarc_on_days },
	{ DMARC_ROWS, DMARC_READERS, 0, 0, sizeof(struct dmarc_rows), dmarc_rows_decode,
		dmarc_on_rows },
	{ DMARC_SEAL, FROM(SERVICE_DMARC_REPORTER), 0, 0, 0, ipc_empty_decode, dmarc_on_seal },
	{ DMARC_SENT, FROM(SERVICE_DMARC_REPORTER), 0, 0, sizeof(struct dmarc_sent),
		dmarc_sent_decode, dmarc_on_sent },
};

/* ---- the life of the daemon ---- */

static void
on_checkpoint_timer(evutil_socket_t fd, short events, void *arg)
{
	struct ledger *l = arg;
	const struct ledger_conf *conf = l->daemon->conf;
	int r = database_checkpoint(l->store);

	UNUSED(fd), UNUSED(events);
	if (r == ERR_CORRUPT)
		ledger_give_up(r);
	if (r < 0)
		log_error("checkpoint failed: %s; trying again", err_text(r));
	ledger_after_ms(l->checkpoint_timer, conf->checkpoint_interval);
}

static void
complain(const char *text)
{
	log_warning("database: %s", text);
}

static int
on_run(struct daemon *daemon)
{
	const struct ledger_conf *conf = daemon->conf;
	struct ledger *l = xcalloc(1, sizeof(*l));
	/* "." in the jail: Berkeley DB makes an empty name of the folder of "/__db.001" */
	struct database_options options = { .folder = daemon->privileged ? "." : daemon->root,
		.cache_octets = conf->cache_size,
		.owner_wait_ms = OWNER_WAIT_MS,
		.complain = complain };
	bool anew;
	int r;

	daemon->ctx = l;
	l->daemon = daemon;
	LIST_INIT(&l->subscribers);
	if ((r = database_open(&options, &l->store, &anew)) < 0) {
		log_error("the database can't be opened: %s", err_text(r));
		return r;
	}
	if (anew)
		log_error("the database was damaged and is set aside (corrupt.N): all use begins "
			  "at zero; run \"relais quota recount\"");
	if ((r = guard_start(daemon, l->store, &l->guard)) < 0 ||
		(r = sender_start(daemon, l->store, &l->sender)) < 0 ||
		(r = dmarc_data_start(daemon, l->store, &l->dmarc)) < 0) {
		log_error("the database can't be read: %s", err_text(r));
		return r;
	}
	l->commit_timer = evtimer_new(daemon->base, on_commit_timer, l);
	l->checkpoint_timer = evtimer_new(daemon->base, on_checkpoint_timer, l);
	l->scan_event = evtimer_new(daemon->base, on_scan, l);
	ledger_after_ms(l->checkpoint_timer, conf->checkpoint_interval);
	return ERR_OK;
}

static void
on_peer_down(struct daemon *daemon, struct ipc_channel *peer)
{
	struct ledger *l = daemon->ctx;
	struct subscriber *s, *next;

	guard_peer_down(l->guard, peer);
	sender_peer_down(l->sender, peer);
	for (size_t i = 0; i < l->count; i++)
		if (l->waiting[i].channel == peer)
			l->waiting[i].channel = NULL;
	for (s = LIST_FIRST(&l->subscribers); s != NULL; s = next) {
		next = LIST_NEXT(s, link);
		if (s->channel != peer)
			continue;
		LIST_REMOVE(s, link);
		buf_free(&s->after);
		free(s);
	}
}

static void
on_reload(struct daemon *daemon)
{
	const struct ledger *l = daemon->ctx;

	/* other values are read where they are used; sizes at the start */
	guard_reload(l->guard);
}

static void
on_stats(struct daemon *daemon, struct buf *out)
{
	const struct ledger *l = daemon->ctx;

	buf_printf(out, "relais_ledger_commit_total %llu\n", (unsigned long long)l->commits);
	buf_printf(out, "relais_ledger_change_total %llu\n", (unsigned long long)l->changes);
	buf_printf(out, "relais_ledger_waiting %zu\n", l->count);
	guard_stats(l->guard, out);
	sender_stats(l->sender, out);
	dmarc_data_stats(l->dmarc, out);
}

static void
on_stop(struct daemon *daemon)
{
	struct ledger *l = daemon->ctx;
	struct subscriber *s;

	if (l == NULL)
		return;
	if (l->store != NULL && commit(l) < 0)
		log_error("%zu changes could not be written; count use anew", l->count);
	guard_stop(&l->guard);
	sender_stop(&l->sender);
	dmarc_data_stop(&l->dmarc);
	database_close(&l->store);
	while ((s = LIST_FIRST(&l->subscribers)) != NULL) {
		LIST_REMOVE(s, link);
		buf_free(&s->after);
		free(s);
	}
	if (l->commit_timer != NULL) {
		event_free(l->commit_timer);
		event_free(l->checkpoint_timer);
		event_free(l->scan_event);
	}
	free(l);
	daemon->ctx = NULL;
}

const struct daemon_spec ledger_spec = {
	.service = SERVICE_LEDGER,
	.section = &ledger_section,
	.routes = routes,
	.nroutes = NITEMS(routes),
	.run = on_run,
	.peer_down = on_peer_down,
	.reload = on_reload,
	.stats = on_stats,
	.folder = "state",
	.stop = on_stop,
};
