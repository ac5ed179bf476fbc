/* SPDX-License-Identifier: ISC */
/*
 * mailauth/reporter.c - dmarc-reporter: once a day it sends to each domain that asks for it what
 * came in its name.
 *
 * The data is ledger's and stays there until a report is in the queue: whatever dies meanwhile, a
 * day is told at least once. A repeated report has the same name and Report-ID as the first.
 *
 * Runs in:  dmarc-reporter, user relais-report, empty root, no files, no network.
 * Trusts:   ledger, qmgr and the signer, after decoding; nothing in records and rows.
 */
#include "reporter.h"

#include <stdlib.h>

#include "clock.h"
#include "dns_link.h"
#include "err.h"
#include "log.h"
#include "siphash.h"
#include "stats_rows.h"

#define ASK_TIMEOUT_MS 60000
#define AGAIN_S        1800 /* after a round in which something could not be sent */
#define START_S        60   /* what is overdue at the start */
#define SPREAD_S       3000 /* not all hosts of the world in the same minute */
#define DAY_S          86400u

static uint64_t
now_s(void)
{
	return clock_wall_us() / 1000000;
}

static void
after_s(struct reporter *r, uint64_t s)
{
	const struct timeval tv = { .tv_sec = (time_t)s };

	r->due_s = now_s() + s;
	event_add(r->timer, &tv);
}

/* ---- when ---- */

/* Of a day: seconds after midnight. */
static uint64_t
time_of_day(const struct reporter *r)
{
	static const struct siphash_key key = { { 1, 2 } };

	return reporter_conf(r)->report_hour * 3600 +
	       siphash(&key, bytes_from_str(r->d->common->hostname)) % SPREAD_S;
}

static uint64_t
until_next(const struct reporter *r)
{
	const uint64_t at = time_of_day(r), now = now_s() % DAY_S;

	return now < at ? at - now : at + DAY_S - now;
}

static void
wait_for_next(struct reporter *r, bool again)
{
	after_s(r, again ? AGAIN_S : until_next(r));
}

/* ---- a round ---- */

static void next_page(struct reporter *r);

static void
answer_asker(struct reporter *r, int err)
{
	if (r->asker == NULL)
		return;
	r->counts.err = err;
	dmarc_send_answer_encode(ipc_compose(r->asker), &r->counts);
	ipc_reply(r->asker, r->asker_id, DMARC_SEND_ANSWER, NULL, 0);
	r->asker = NULL;
}

static void
end_round(struct reporter *r, int err)
{
	r->running = false;
	buf_free(&r->after);
	arena_reset(&r->arena);
	if (err < 0)
		log_warning("reports wait: ledger: %s", err_text(err));
	if (r->counts.sent + r->counts.unwanted + r->counts.later > 0)
		log_info("reports: sent=%u, unwanted=%u, later=%u", r->counts.sent,
			r->counts.unwanted, r->counts.later);
	wait_for_next(r, err < 0 || r->counts.later > 0);
	answer_asker(r, err);
}

static void
on_turn(evutil_socket_t fd, short events, void *arg)
{
	struct reporter *r = arg;

	UNUSED(fd), UNUSED(events);
	while (r->at < r->n && r->page[r->at].open)
		r->at++; /* its day is not over */
	if (r->at < r->n && !r->d->leaving)
		reporter_job_start(r, &r->page[r->at++]);
	else if (r->last_page || r->d->leaving) /* the next process goes on */
		end_round(r, ERR_OK);
	else
		next_page(r);
}

void
reporter_outcome(struct reporter *r, enum reporter_outcome how)
{
	r->counts.sent += how == REPORT_SENT;
	r->counts.unwanted += how == REPORT_UNWANTED;
	r->counts.later += how == REPORT_LATER;
	r->sent += how == REPORT_SENT;
	r->unwanted += how == REPORT_UNWANTED;
	r->later += how == REPORT_LATER;
	event_active(r->turn, 0, 0);
}

/* The page outlives the answer. */
static void
keep_page(struct reporter *r, const struct dmarc_days_answer *m)
{
	arena_reset(&r->arena);
	r->at = 0;
	r->n = m->count;
	r->last_page = m->count < DMARC_DAYS_MAX;
	for (uint32_t i = 0; i < m->count; i++) {
		r->page[i] = m->rows[i];
		r->page[i].policy_domain = arena_bytes(&r->arena, m->rows[i].policy_domain);
		r->page[i].record = arena_bytes(&r->arena, m->rows[i].record);
	}
	if (m->count == 0)
		return;
	buf_clear(&r->after);
	buf_put_bytes(&r->after, m->rows[m->count - 1].cursor);
}

static void
on_page(void *arg, const struct ipc_answer *a)
{
	struct reporter *r = arg;
	struct ipc_reader in = ipc_reader(a->body);
	struct dmarc_days_answer *m;
	int err = a->err;

	if (err == ERR_OK) {
		m = xcalloc(1, sizeof(*m));
		err = a->type == DMARC_DAYS_ANSWER ? dmarc_days_answer_decode(&in, m) : ERR_PEER;
		if (err == ERR_OK)
			keep_page(r, m);
		free(m);
	}
	if (err < 0)
		end_round(r, err);
	else
		event_active(r->turn, 0, 0);
}

static void
next_page(struct reporter *r)
{
	dmarc_days_encode(link_compose(r->ledger), &(struct dmarc_days){ buf_bytes(&r->after) });
	link_request(r->ledger, DMARC_DAYS, NULL, 0, ASK_TIMEOUT_MS, on_page, r);
}

int
reporter_done_err(const struct ipc_answer *a)
{
	struct ipc_reader in = ipc_reader(a->body);
	struct dmarc_done done;

	if (a->err < 0)
		return a->err;
	return a->type == DMARC_DONE && dmarc_done_decode(&in, &done) == ERR_OK ? done.err
										: ERR_PEER;
}

static void
on_sealed(void *arg, const struct ipc_answer *a)
{
	struct reporter *r = arg;
	int err = reporter_done_err(a);

	if (err < 0)
		end_round(r, err);
	else
		next_page(r);
}

static void
start_round(struct reporter *r, bool now)
{
	r->running = true;
	r->unsigned_told = false;
	r->counts = (struct dmarc_send_answer){ 0 };
	event_del(r->timer);
	if (!now) {
		next_page(r);
		return;
	}
	UNUSED(link_compose(r->ledger));
	link_request(r->ledger, DMARC_SEAL, NULL, 0, ASK_TIMEOUT_MS, on_sealed, r);
}

static void
on_timer(evutil_socket_t fd, short events, void *arg)
{
	struct reporter *r = arg;

	UNUSED(fd), UNUSED(events);
	if (reporter_conf(r)->dmarc_reports)
		start_round(r, false);
	else
		wait_for_next(r, false);
}

static void
on_send(struct ipc_call *call, const void *msg)
{
	struct daemon *d = call->ctx;
	struct reporter *r = d->ctx;
	const struct dmarc_send *m = msg;
	const struct dmarc_send_answer busy = { .err = ERR_BUSY };

	if (r->running) {
		dmarc_send_answer_encode(ipc_compose(call->channel), &busy);
		ipc_reply(call->channel, call->id, DMARC_SEND_ANSWER, NULL, 0);
		return;
	}
	r->asker = call->channel;
	r->asker_id = call->id;
	start_round(r, m->now);
}

static const struct ipc_route routes[] = {
	{ DMARC_SEND, FROM(SERVICE_CLI), 0, 0, sizeof(struct dmarc_send), dmarc_send_decode,
		on_send },
};

/* ---- the life of the daemon ---- */

static void
ask_dns(void *ctx, uint16_t type, struct bytes name, mailauth_dns_fn *done, void *arg)
{
	struct reporter *r = ctx;

	dns_link_ask(r->resolver, DNS_QUERY, &(struct dns_query){ type, name, 0 }, 0, done, arg);
}

static int
on_run(struct daemon *d)
{
	struct reporter *r = xcalloc(1, sizeof(*r));

	d->ctx = r;
	r->d = d;
	r->dns = (struct mailauth_dns){ ask_dns, r };
	r->ids.instance = d->birth % (QUEUE_ID_INSTANCE_MAX + 1);
	r->ledger = daemon_link(d, SERVICE_LEDGER, CONTROL_ANY, NULL, 0);
	r->resolver = daemon_link(d, SERVICE_RESOLVER, CONTROL_ANY, NULL, 0);
	r->signer = daemon_link(d, SERVICE_SIGNER, CONTROL_ANY, NULL, 0);
	r->qmgr = daemon_link(d, SERVICE_QMGR, CONTROL_ANY, NULL, 0);
	r->timer = evtimer_new(d->base, on_timer, r);
	r->turn = evtimer_new(d->base, on_turn, r);
	if (now_s() % DAY_S > time_of_day(r))
		after_s(r, START_S);
	else
		wait_for_next(r, false);
	return ERR_OK;
}

static void
on_peer_down(struct daemon *d, struct ipc_channel *channel)
{
	struct reporter *r = d->ctx;

	if (r->asker == channel)
		r->asker = NULL;
}

/* New values are read where they are used; the hour now. What is due sooner stays so: what was
 * overdue at the start, or is to be tried again. */
static void
on_reload(struct daemon *d)
{
	struct reporter *r = d->ctx;

	if (!r->running && now_s() + until_next(r) < r->due_s)
		wait_for_next(r, false);
}

static void
on_stats(struct daemon *d, struct buf *out)
{
	const struct reporter *r = d->ctx;
	const struct stats_row rows[] = { { "sent_total", r->sent },
		{ "unwanted_total", r->unwanted }, { "later_total", r->later } };

	stats_rows_put(out, "dmarc_reporter", rows, NITEMS(rows));
}

static bool
is_busy(const struct daemon *d)
{
	return ((const struct reporter *)d->ctx)->running;
}

const struct daemon_spec reporter_spec = {
	.service = SERVICE_DMARC_REPORTER,
	.section = &mailauth_section,
	.routes = routes,
	.nroutes = NITEMS(routes),
	.run = on_run,
	.peer_down = on_peer_down,
	.is_busy = is_busy,
	.reload = on_reload,
	.stats = on_stats,
};
