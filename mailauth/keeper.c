/* SPDX-License-Identifier: ISC */
/*
 * mailauth/keeper.c - dkim-keeper: the only process that has DKIM keys on disk. It makes them,
 * watches DNS for their records, and tells the signers which ones sign.
 *
 * Runs in:  dkim-keeper, user relais-dkim, root STATE/dkim, no network.
 * Trusts:   its folder. Signers ask only for what they get; orders are the operator's.
 */
#include "keeper.h"

#include <event2/event.h>
#include <stdlib.h>

#include "clock.h"
#include "err.h"
#include "log.h"
#include "stats_rows.h"

#define LOADED_TURN 500 /* keys, until master hears that we live */

static struct keeper *
of(const struct ipc_call *call)
{
	const struct daemon *daemon = call->ctx;

	return daemon->ctx;
}

uint64_t
keeper_now_s(void)
{
	return clock_wall_us() / 1000000;
}

static uint64_t
seconds(uint64_t ms)
{
	return (ms + 999) / 1000;
}

void
keeper_times_set(struct keeper *k)
{
	const struct mailauth_conf *conf = k->d->mailauth;

	k->times = (struct keeper_times){ .check = seconds(conf->dkim_check),
		.watch = seconds(conf->dkim_watch),
		.retire = seconds(conf->dkim_retire),
		.rotate = seconds(conf->dkim_rotate) };
}

/* ---- signers ---- */

void
keeper_tell(struct keeper *k, struct bytes domain)
{
	struct dkim_keeper_keys m = { .count = 1 };
	struct keeper_signer *s;

	m.sets[0] = keeper_keys_set(&k->keys, domain);
	TAILQ_FOREACH (s, &k->signers, link) {
		dkim_keeper_keys_encode(ipc_compose(s->channel), &m);
		ipc_send(s->channel, DKIM_KEEPER_KEYS, NULL, 0);
	}
}

static void
subscribe(struct keeper *k, struct ipc_channel *channel)
{
	struct keeper_signer *s;

	TAILQ_FOREACH (s, &k->signers, link)
		if (s->channel == channel)
			return;
	s = xcalloc(1, sizeof(*s));
	s->channel = channel;
	TAILQ_INSERT_TAIL(&k->signers, s, link);
}

static void
on_peer_down(struct daemon *d, struct ipc_channel *channel)
{
	struct keeper *k = d->ctx;
	struct keeper_signer *s;

	TAILQ_FOREACH (s, &k->signers, link) {
		if (s->channel != channel)
			continue;
		TAILQ_REMOVE(&k->signers, s, link);
		free(s);
		return;
	}
}

static bool
signs(const struct dkim_key_set *set)
{
	for (unsigned type = 0; type < DKIM_KEY_TYPES; type++)
		if (set->keys[type].selector.n > 0)
			return true;
	return false;
}

static void
on_fetch(struct ipc_call *call, const void *msg)
{
	const struct dkim_keeper_fetch *m = msg;
	struct keeper *k = of(call);
	struct dkim_keeper_keys answer = { .more = false };
	struct bytes last = m->after;

	subscribe(k, call->channel);
	for (size_t i = keeper_keys_at(&k->keys, last, BYTES_NONE); i < k->keys.n; i++) {
		struct bytes domain = bytes_from_str(k->keys.v[i]->domain);
		struct dkim_key_set set;

		if (bytes_equal(domain, last))
			continue;
		last = domain;
		set = keeper_keys_set(&k->keys, domain);
		if (!signs(&set))
			continue;
		if (answer.count == DKIM_SETS_MAX) {
			answer.more = true;
			break;
		}
		answer.sets[answer.count++] = set;
	}
	dkim_keeper_keys_encode(ipc_compose(call->channel), &answer);
	ipc_reply(call->channel, call->id, DKIM_KEEPER_KEYS, NULL, 0);
}

/* ---- the operator ---- */

static struct bytes
words_of(const struct keeper_key *key)
{
	static const char *const words[KEEPER_SIGHTS] = {
		[KEEPER_OURS] = "the record is there",
		[KEEPER_NOTHING] = "there is no such record",
		[KEEPER_OTHER] = "what is there is not this key's record, or not alone",
		[KEEPER_UNKNOWN] = "not looked at yet",
	};

	return bytes_from_str(words[key->life.seen]);
}

static void
on_list(struct ipc_call *call, const void *msg)
{
	const struct dkim_keeper_list *m = msg;
	struct keeper *k = of(call);
	struct dkim_keeper_list_answer answer = { .more = false };
	struct bytes from = m->after_domain.n > 0 ? m->after_domain : m->domain;

	for (size_t i = keeper_keys_at(&k->keys, from, m->after_selector); i < k->keys.n; i++) {
		const struct keeper_key *key = k->keys.v[i];

		if (m->domain.n > 0 && !bytes_is(m->domain, key->domain))
			break;
		if (bytes_is(m->after_domain, key->domain) &&
			bytes_is(m->after_selector, key->selector))
			continue;
		if (answer.count == DKIM_ROWS_MAX) {
			answer.more = true;
			break;
		}
		answer.rows[answer.count++] = (struct dkim_key_row){
			.domain = bytes_from_str(key->domain),
			.selector = bytes_from_str(key->selector),
			.type = key->type,
			.state = key->life.state,
			.created_s = key->life.created_s,
			.since_s = key->life.since_s,
			.checked_s = key->life.checked_s,
			.next_s = keeper_life_next(&key->life, &k->times),
			.seen = words_of(key),
			.record = buf_bytes(&key->record),
		};
	}
	dkim_keeper_list_answer_encode(ipc_compose(call->channel), &answer);
	ipc_reply(call->channel, call->id, DKIM_KEEPER_LIST_ANSWER, NULL, 0);
}

static const struct ipc_route routes[] = {
	/* request	from	states	fds	struct, decoder		handler */
	{ DKIM_KEEPER_FETCH, FROM(SERVICE_SIGNER), 0, 0, sizeof(struct dkim_keeper_fetch),
		dkim_keeper_fetch_decode, on_fetch },
	{ DKIM_KEEPER_LIST, FROM(SERVICE_CLI), 0, 0, sizeof(struct dkim_keeper_list),
		dkim_keeper_list_decode, on_list },
	{ DKIM_KEEPER_ORDER, FROM(SERVICE_CLI), 0, 0, sizeof(struct dkim_keeper_order),
		dkim_keeper_order_decode, keeper_on_order },
};

/* ---- the life of the daemon ---- */

static void
on_found(void *arg, struct keeper_key *key)
{
	struct keeper *k = arg;

	if (k->keys.n >= KEEPER_KEYS_MAX) {
		log_error("too many DKIM keys: %s of %s is left out", key->selector, key->domain);
		keeper_key_free(&key);
		return;
	}
	/* the longer the folder, the more even the looks at DNS */
	keeper_life_begin(&key->life, &k->times, keeper_now_s(), k->keys.n * 7);
	keeper_keys_insert(&k->keys, key);
	if (k->keys.n % LOADED_TURN == 0)
		daemon_still_starting(k->d);
}

static void
on_bad(void *arg, const char *name, int err)
{
	UNUSED(arg);
	log_error("DKIM key \"%s\" can't be read (%s); it is left as it is and signs nothing", name,
		err_text(err));
}

static int
on_run(struct daemon *d)
{
	struct keeper *k = xcalloc(1, sizeof(*k));
	int r;

	d->ctx = k;
	k->d = d;
	TAILQ_INIT(&k->signers);
	keeper_times_set(k);
	k->resolver = daemon_link(d, SERVICE_RESOLVER, CONTROL_ANY, NULL, 0);
	if ((r = keeper_files_read(d->root_fd, on_found, on_bad, k)) < 0) {
		log_error("the folder of DKIM keys can't be read: %m");
		return r;
	}
	log_info("%zu DKIM keys", k->keys.n);
	keeper_watch_start(k);
	return ERR_OK;
}

static void
on_reload(struct daemon *d)
{
	keeper_times_set(d->ctx);
}

static void
on_stats(struct daemon *d, struct buf *out)
{
	const struct keeper *k = d->ctx;
	uint64_t states[DKIM_KEY_STATES] = { 0 };

	for (size_t i = 0; i < k->keys.n; i++)
		states[k->keys.v[i]->life.state]++;
	const struct stats_row rows[] = { { "keys_pending", states[DKIM_PENDING] },
		{ "keys_published", states[DKIM_PUBLISHED] },
		{ "keys_active", states[DKIM_ACTIVE] }, { "keys_retiring", states[DKIM_RETIRING] },
		{ "keys_gone", states[DKIM_GONE] }, { "made_total", k->made },
		{ "change_total", k->changes }, { "lookup_total", k->lookups },
		{ "lookup_unknown_total", k->unknowns },
		{ "write_failed_total", k->failed_writes } };

	stats_rows_put(out, "dkim", rows, NITEMS(rows));
}

static void
on_stop(struct daemon *d)
{
	struct keeper *k = d->ctx;

	if (k != NULL)
		keeper_keys_free(&k->keys); /* wipes them */
}

const struct daemon_spec keeper_spec = {
	.service = SERVICE_DKIM_KEEPER,
	.section = &mailauth_section,
	.routes = routes,
	.nroutes = NITEMS(routes),
	.run = on_run,
	.peer_down = on_peer_down,
	.reload = on_reload,
	.stats = on_stats,
	.stop = on_stop,
};
