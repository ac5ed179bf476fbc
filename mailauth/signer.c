/* SPDX-License-Identifier: ISC */
/*
 * mailauth/signer.c - mailauth-sign: makes the DKIM signatures of what leaves. It holds the keys
 * that sign, in memory, as dkim-keeper told them; it goes on with these when the keeper is away.
 *
 * Runs in:  mailauth-sign, user relais-sign, empty root, no files, no network.
 * Trusts:   dkim-keeper and directory, after decoding; of those who ask nothing (signer_check.c).
 */
#include "signer.h"

#include <event2/event.h>
#include <openssl/crypto.h>
#include <stdlib.h>
#include <sys/prctl.h>

#include "directory_msg.h"
#include "err.h"
#include "guard.h"
#include "log.h"
#include "stats_rows.h"

#define FETCH_TIMEOUT_MS 30000
#define ASK_TIMEOUT_MS   10000
#define ASK_AGAIN_MS     1000 /* for the ticket key, at most so often */

/* ---- keys ---- */

static void fetch(struct signer *s, struct bytes after);

static void
take(struct signer *s, const struct dkim_keeper_keys *m)
{
	for (uint32_t i = 0; i < m->count; i++)
		signer_keys_take(&s->keys, &m->sets[i]);
}

static void
on_fetch_again(evutil_socket_t fd, short what, void *arg)
{
	struct signer *s = arg;

	UNUSED(fd);
	UNUSED(what);
	signer_keys_begin(&s->keys);
	fetch(s, BYTES_NONE);
}

static void
on_fetched(void *arg, const struct ipc_answer *a)
{
	const struct timeval wait = { 1, 0 };
	struct signer *s = arg;
	struct ipc_reader in = ipc_reader(a->body);
	struct dkim_keeper_keys m;

	if (a->err == ERR_PEER) /* it begins anew when the keeper is there again */
		return;
	if (a->err < 0 || a->type != DKIM_KEEPER_KEYS || dkim_keeper_keys_decode(&in, &m) < 0) {
		if (log_pace(&s->keyless_pace))
			log_error("dkim-keeper gave no keys (%u times): %s",
				log_pace_times(&s->keyless_pace),
				a->err < 0 ? err_text(a->err) : "its answer can't be read");
		event_base_once(s->d->base, -1, EV_TIMEOUT, on_fetch_again, s, &wait);
		return;
	}
	take(s, &m);
	if (m.more && m.count > 0) {
		fetch(s, m.sets[m.count - 1].domain);
		return;
	}
	signer_keys_end(&s->keys);
	if (!s->loaded)
		log_info("keys of %zu domains", s->keys.n);
	s->loaded = true;
}

static void
fetch(struct signer *s, struct bytes after)
{
	dkim_keeper_fetch_encode(link_compose(s->keeper), &(struct dkim_keeper_fetch){ after });
	link_request(s->keeper, DKIM_KEEPER_FETCH, NULL, 0, FETCH_TIMEOUT_MS, on_fetched, s);
}

static void
on_keeper_up(void *arg, struct link *l)
{
	struct signer *s = arg;

	UNUSED(l);
	signer_keys_begin(&s->keys);
	fetch(s, BYTES_NONE);
}

/* A change, pushed. */
static void
on_keys(struct ipc_call *call, const void *msg)
{
	struct link *l = call->ctx;

	take(link_ctx(l), msg);
}

static const struct ipc_route keeper_routes[] = {
	{ DKIM_KEEPER_KEYS, FROM(SERVICE_DKIM_KEEPER), 0, 0, sizeof(struct dkim_keeper_keys),
		dkim_keeper_keys_decode, on_keys },
};

/* ---- the ticket key ---- */

static void
on_ticket_key(void *arg, const struct ipc_answer *a)
{
	struct signer *s = arg;
	struct ipc_reader in = ipc_reader(a->body);
	struct directory_ticket_key m;

	if (a->err < 0 || a->type != DIRECTORY_TICKET_KEY_ANSWER ||
		directory_ticket_key_decode(&in, &m) < 0)
		return;
	s->ticket_key.id = m.id;
	memcpy(s->ticket_key.key, m.key.p, sizeof(s->ticket_key.key));
}

void
signer_ask_ticket_key(struct signer *s)
{
	const uint64_t now = clock_mono_ms();

	if (s->ticket_asked_ms != 0 && now - s->ticket_asked_ms < ASK_AGAIN_MS)
		return;
	s->ticket_asked_ms = now;
	UNUSED(link_compose(s->directory));
	link_request(s->directory, DIRECTORY_TICKET_KEY, NULL, 0, ASK_TIMEOUT_MS, on_ticket_key, s);
}

static void
on_directory_up(void *arg, struct link *l)
{
	struct signer *s = arg;

	UNUSED(l);
	s->ticket_asked_ms = 0; /* a new process, a new key */
	signer_ask_ticket_key(s);
}

/* ---- who asks ---- */

#define ASKERS (FROM(SERVICE_SUBMISSION) | FROM(SERVICE_QMGR) | FROM(SERVICE_DMARC_REPORTER))

static const struct ipc_route routes[] = {
	/* request	from	states	fds	struct, decoder		handler */
	{ SIGNER_SIGN, ASKERS, 0, 0, sizeof(struct signer_sign), signer_sign_decode,
		signer_on_sign },
	{ SIGNER_SIGN_FD, ASKERS, 0, 1, sizeof(struct signer_sign), signer_sign_fd_decode,
		signer_on_sign },
};

/* ---- the life of the daemon ---- */

static void
on_work(evutil_socket_t fd, short what, void *arg)
{
	UNUSED(fd);
	UNUSED(what);
	signer_job_turn(arg);
}

static int
on_start(struct daemon *d)
{
	UNUSED(d);
	return guard_install(SIGNER_DIED);
}

static int
on_run(struct daemon *d)
{
	struct signer *s = xcalloc(1, sizeof(*s));

	(void)prctl(PR_SET_DUMPABLE, 0);
	OPENSSL_init_crypto(OPENSSL_INIT_NO_LOAD_CONFIG, NULL);
	d->ctx = s;
	s->d = d;
	TAILQ_INIT(&s->jobs);
	s->work = evtimer_new(d->base, on_work, s);
	ASSERT(s->work != NULL);
	s->keeper = daemon_link(
		d, SERVICE_DKIM_KEEPER, CONTROL_ANY, keeper_routes, NITEMS(keeper_routes));
	link_set_ctx(s->keeper, s);
	link_on_up(s->keeper, on_keeper_up, s);
	link_open(s->keeper);
	send_ticket_key_take(&s->ticket_key, d->secret);
	s->directory = daemon_link(d, SERVICE_DIRECTORY, CONTROL_ANY, NULL, 0);
	link_on_up(s->directory, on_directory_up, s);
	link_open(s->directory);
	return ERR_OK;
}

static void
on_peer_down(struct daemon *d, struct ipc_channel *channel)
{
	signer_jobs_peer_down(d->ctx, channel);
}

static bool
is_drained(struct daemon *d)
{
	const struct signer *s = d->ctx;

	return s->njobs == 0;
}

static void
on_drain(struct daemon *d)
{
	daemon_drain_until(d, is_drained);
}

static void
on_stats(struct daemon *d, struct buf *out)
{
	const struct signer *s = d->ctx;
	const struct stats_row rows[] = { { "message_total", s->signed_total },
		{ "signature_total", s->signatures }, { "no_key_total", s->no_key },
		{ "refused_total", s->refused }, { "unsignable_total", s->unsignable },
		{ "busy_total", s->busy }, { "failed_total", s->failed }, { "waiting", s->njobs },
		{ "domains", s->keys.n } };

	stats_rows_put(out, "sign", rows, NITEMS(rows));
}

static void
on_stop(struct daemon *d)
{
	struct signer *s = d->ctx;

	if (s == NULL)
		return;
	signer_keys_free(&s->keys); /* wipes them */
	OPENSSL_cleanse(&s->ticket_key, sizeof(s->ticket_key));
}

const struct daemon_spec signer_spec = {
	.service = SERVICE_SIGNER,
	.section = &mailauth_section,
	.routes = routes,
	.nroutes = NITEMS(routes),
	.start = on_start,
	.run = on_run,
	.peer_down = on_peer_down,
	.drain = on_drain,
	.stats = on_stats,
	.stop = on_stop,
};
