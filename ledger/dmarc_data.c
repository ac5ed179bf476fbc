/* SPDX-License-Identifier: ISC */
/*
 * ledger/dmarc_data.c - data of DMARC aggregate reports: takes a row for each message from the
 * door, gives the sums to the reporter and the operator.
 *
 * Messages gather for a moment and are committed together. A day ends when a message or a question
 * comes after midnight, UTC.
 *
 * Runs in:  ledger, user relais-state.
 * Trusts:   dmarc-reporter with what it says was sent. A row's words are strangers'.
 */
#include <stdlib.h>

#include "arena.h"
#include "clock.h"
#include "dmarc_store.h"
#include "ledger_private.h"
#include "log.h"

#define WAITING_MAX  256
#define KEEP_DAYS    7
#define HOURLY_MS    3600000u
#define DROP_AT_ONCE 64 /* domains of old days, in one turn of the loop */

struct dmarc_data {
	struct daemon *daemon;
	struct database *db;
	struct dmarc_part part; /* that is open */
	uint64_t total;         /* rows and domains in the tables */
	uint64_t counted, dropped;
	struct event *commit_timer, *age_timer;
	size_t waiting;
	uint64_t when_s[WAITING_MAX];
	struct dmarc_row rows[WAITING_MAX]; /* borrow from arena */
	struct arena arena;
};

static uint64_t
now_s(void)
{
	return clock_wall_us() / 1000000;
}

static const struct ledger_conf *
conf_of(const struct dmarc_data *d)
{
	return d->daemon->conf;
}

/* Today's part. The clock may have been set back: an earlier day's parts are over. */
static struct dmarc_part
part_now(struct dmarc_data *d)
{
	uint32_t today = (uint32_t)(now_s() / DMARC_DAY_SECONDS);

	if (today > d->part.day)
		d->part = (struct dmarc_part){ today, 0 };
	return d->part;
}

/* ---- messages ---- */

static int
write_waiting(struct dmarc_data *d)
{
	const struct dmarc_limits limits = { conf_of(d)->dmarc_rows, conf_of(d)->dmarc_rows_total };
	uint64_t total = d->total, dropped = 0;
	struct database_txn *txn;
	int r = database_begin(d->db, &txn);

	if (r < 0)
		return r;
	for (size_t i = 0; i < d->waiting && r == ERR_OK; i++) {
		r = dmarc_store_add(
			d->db, txn, d->part, &d->rows[i], d->when_s[i], &limits, &total);
		dropped += r == ERR_LIMIT;
		r = r == ERR_LIMIT ? ERR_OK : r;
	}
	r = r < 0 ? database_abort(d->db, txn, r) : database_commit(d->db, txn);
	if (r < 0)
		return r;
	d->total = total;
	d->counted += d->waiting - dropped;
	if (dropped > 0 && d->dropped == 0)
		log_warning("dmarc: messages of further domains are not counted for reports: "
			    "dmarc_rows_total is reached");
	d->dropped += dropped;
	return ERR_OK;
}

static void
commit(struct dmarc_data *d)
{
	int r = d->waiting == 0 ? ERR_OK : write_waiting(d);

	if (r < 0) {
		ledger_write_failed(d->daemon, r, "data of DMARC reports");
		d->dropped += d->waiting;
	}
	d->waiting = 0;
	arena_reset(&d->arena);
	event_del(d->commit_timer);
}

static void
on_commit_timer(evutil_socket_t fd, short events, void *arg)
{
	UNUSED(fd), UNUSED(events);
	commit(arg);
}

/* Its strings into the arena. */
static void
keep_row(struct arena *a, const struct dmarc_row *from, struct dmarc_row *to)
{
	struct bytes *const strings[] = { &to->policy_domain, &to->record, &to->comment,
		&to->header_from, &to->envelope_from, &to->envelope_to, &to->spf_domain };

	*to = *from;
	for (size_t i = 0; i < NITEMS(strings); i++)
		*strings[i] = arena_bytes(a, *strings[i]);
	for (uint32_t i = 0; i < to->dkim_count; i++) {
		to->dkim[i].domain = arena_bytes(a, to->dkim[i].domain);
		to->dkim[i].selector = arena_bytes(a, to->dkim[i].selector);
	}
}

void
dmarc_on_row(struct ipc_call *call, const void *msg)
{
	struct dmarc_data *d = ledger_dmarc(call);
	struct dmarc_part before = d->part, part = part_now(d);

	if (d->waiting == WAITING_MAX || before.day != part.day) {
		d->part = before; /* what waits is of the day before */
		commit(d);
		d->part = part;
	}
	if (d->waiting == 0)
		ledger_after_ms(d->commit_timer, conf_of(d)->commit_interval);
	d->when_s[d->waiting] = now_s();
	keep_row(&d->arena, msg, &d->rows[d->waiting++]);
}

/* ---- the reporter, the operator ---- */

static void
send_done(struct ipc_call *call, int err)
{
	const struct dmarc_done done = { err };

	dmarc_done_encode(ipc_compose(call->channel), &done);
	ipc_reply(call->channel, call->id, DMARC_DONE, NULL, 0);
}

struct listing {
	struct arena arena;
	struct dmarc_part open;
	struct dmarc_days_answer days;
	struct dmarc_rows_answer rows;
};

static int
list_day(void *arg, const struct dmarc_day *day)
{
	struct listing *l = arg;
	struct dmarc_day *out = &l->days.rows[l->days.count++];

	*out = *day;
	out->open =
		day->day > l->open.day || (day->day == l->open.day && day->part >= l->open.part);
	out->cursor = arena_bytes(&l->arena, day->cursor);
	out->policy_domain = arena_bytes(&l->arena, day->policy_domain);
	out->record = arena_bytes(&l->arena, day->record);
	return ERR_OK;
}

void
dmarc_on_days(struct ipc_call *call, const void *msg)
{
	const struct dmarc_days *m = msg;
	struct dmarc_data *d = ledger_dmarc(call);
	struct listing l = { .arena = ARENA_INIT };
	int r;

	commit(d);
	l.open = part_now(d);
	r = dmarc_store_days(d->db, m->after, DMARC_DAYS_MAX, list_day, &l);
	if (r < 0)
		ledger_give_up(r);
	dmarc_days_answer_encode(ipc_compose(call->channel), &l.days);
	ipc_reply(call->channel, call->id, DMARC_DAYS_ANSWER, NULL, 0);
	arena_reset(&l.arena);
}

static int
list_row(void *arg, const struct dmarc_rows_row *row)
{
	struct listing *l = arg;
	struct dmarc_rows_row *out = &l->rows.rows[l->rows.count++];

	out->messages = row->messages;
	out->cursor = arena_bytes(&l->arena, row->cursor);
	out->row = arena_bytes(&l->arena, row->row);
	return ERR_OK;
}

void
dmarc_on_rows(struct ipc_call *call, const void *msg)
{
	struct dmarc_data *d = ledger_dmarc(call);
	struct listing l = { .arena = ARENA_INIT };
	int r;

	commit(d);
	r = dmarc_store_rows(d->db, msg, DMARC_ROWS_MAX, list_row, &l);
	if (r < 0)
		ledger_give_up(r);
	dmarc_rows_answer_encode(ipc_compose(call->channel), &l.rows);
	ipc_reply(call->channel, call->id, DMARC_ROWS_ANSWER, NULL, 0);
	arena_reset(&l.arena);
}

void
dmarc_on_seal(struct ipc_call *call, const void *msg)
{
	struct dmarc_data *d = ledger_dmarc(call);
	int r;

	UNUSED(msg);
	commit(d);
	(void)part_now(d);
	d->part.part++;
	if ((r = dmarc_store_open(d->db, d->part)) < 0)
		ledger_write_failed(d->daemon, r, "data of DMARC reports");
	send_done(call, r);
}

void
dmarc_on_sent(struct ipc_call *call, const void *msg)
{
	const struct dmarc_sent *m = msg;
	struct dmarc_data *d = ledger_dmarc(call);
	int r;

	commit(d);
	r = dmarc_store_drop(d->db, (struct dmarc_part){ m->day, m->part }, m->policy_domain,
		m->messages, &d->total);
	if (r < 0 && r != ERR_NOT_FOUND && r != ERR_BUSY)
		ledger_write_failed(d->daemon, r, "data of DMARC reports");
	send_done(call, r);
}

/* ---- age ---- */

struct old {
	uint32_t before;
	struct arena arena;
	size_t n;
	struct {
		struct dmarc_part part;
		struct bytes domain;
		uint64_t messages;
	} days[DROP_AT_ONCE];
};

static int
find_old(void *arg, const struct dmarc_day *day)
{
	struct old *o = arg;

	if (day->day >= o->before || o->n == DROP_AT_ONCE)
		return ERR_OK;
	o->days[o->n].part = (struct dmarc_part){ day->day, day->part };
	o->days[o->n].domain = arena_bytes(&o->arena, day->policy_domain);
	o->days[o->n++].messages = day->messages;
	return ERR_OK;
}

static void
on_age_timer(evutil_socket_t fd, short events, void *arg)
{
	struct dmarc_data *d = arg;
	struct old o = { .before = part_now(d).day - KEEP_DAYS, .arena = ARENA_INIT };
	int r = dmarc_store_days(d->db, BYTES_NONE, DROP_AT_ONCE, find_old, &o);

	UNUSED(fd), UNUSED(events);
	for (size_t i = 0; i < o.n && r >= 0; i++) {
		r = dmarc_store_drop(
			d->db, o.days[i].part, o.days[i].domain, UINT64_MAX, &d->total);
		if (r == ERR_OK)
			log_warning("dmarc: the report of day %u for %.*s (%llu messages) was "
				    "never sent; its data is dropped",
				o.days[i].part.day, (int)o.days[i].domain.n,
				(const char *)o.days[i].domain.p,
				(unsigned long long)o.days[i].messages);
	}
	if (r < 0)
		ledger_write_failed(d->daemon, r, "data of DMARC reports");
	ledger_after_ms(d->age_timer, o.n == DROP_AT_ONCE ? 100 : HOURLY_MS);
	arena_reset(&o.arena);
}

/* ---- life ---- */

int
dmarc_data_start(struct daemon *daemon, struct database *db, struct dmarc_data **out)
{
	struct dmarc_data *d = xcalloc(1, sizeof(*d));
	int r;

	*out = d;
	d->daemon = daemon;
	d->db = db;
	d->arena = ARENA_INIT;
	d->part.day = (uint32_t)(now_s() / DMARC_DAY_SECONDS);
	if ((r = dmarc_store_count(db, d->part.day, &d->total, &d->part.part)) < 0)
		return r;
	d->commit_timer = evtimer_new(daemon->base, on_commit_timer, d);
	d->age_timer = evtimer_new(daemon->base, on_age_timer, d);
	ledger_after_ms(d->age_timer, 1000);
	return ERR_OK;
}

void
dmarc_data_stop(struct dmarc_data **dp)
{
	struct dmarc_data *d = *dp;

	*dp = NULL;
	if (d == NULL)
		return;
	if (d->commit_timer != NULL) {
		commit(d);
		event_free(d->commit_timer);
		event_free(d->age_timer);
	}
	free(d);
}

void
dmarc_data_stats(const struct dmarc_data *d, struct buf *out)
{
	buf_printf(
		out, "relais_ledger_dmarc_messages_total %llu\n", (unsigned long long)d->counted);
	buf_printf(out, "relais_ledger_dmarc_dropped_total %llu\n", (unsigned long long)d->dropped);
	buf_printf(out, "relais_ledger_dmarc_rows %llu\n", (unsigned long long)d->total);
}
