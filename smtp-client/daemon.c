/* SPDX-License-Identifier: ISC */
/*
 * smtp-client/daemon.c - who may ask, the start, the orderly end, the counters.
 *
 * The end: jobs that come after DRAIN are not begun, and not answered: when this process ends,
 * qmgr sees that and sends them again, to its successor. Messages under way get stop_timeout to
 * finish; after it their sessions are broken off, and their recipients are TEMPORARY. So nothing
 * is sent twice because of a reload.
 *
 * Runs in:  smtp-client.
 */
#include <stdlib.h>

#include "client.h"
#include "clock.h"
#include "log.h"
#include "tls_level.h"

#define DRAIN_POLL_MS 20
#define GOODBYE_MS    1000 /* for replies to QUIT */

static const struct ipc_route routes[] = {
	{ OUTBOUND_SEND, FROM(SERVICE_QMGR), 0, 0, sizeof(struct outbound_job), outbound_job_decode,
		job_begin },
	{ OUTBOUND_SEND_FD, FROM(SERVICE_QMGR), 0, 1, sizeof(struct outbound_job),
		outbound_job_fd_decode, job_begin },
};

/* ---- start ---- */

/* Outside the jail: what it hides. */
static int
start(struct daemon *d)
{
	const struct smtp_client_conf *conf = d->conf;
	struct client *c = xcalloc(1, sizeof(*c));

	d->ctx = c;
	c->d = d;
	c->conf = conf;
	c->tls = tls_client_new();
	for (size_t i = 0; i < conf->tls_ca.n; i++)
		if (tls_client_trust(c->tls, conf->tls_ca.v[i]) < 0)
			log_warning("smtp_client.tls_ca: no certificate in %s", conf->tls_ca.v[i]);
	c->n_own = own_addresses(c->own);
	return ERR_OK;
}

static void
on_turn(evutil_socket_t fd, short what, void *arg)
{
	struct client *c = arg;
	struct job *j;

	UNUSED(fd), UNUSED(what);
	while ((j = TAILQ_FIRST(&c->queue)) != NULL && pool_room(c))
		job_room(j);
}

static void
sweep_jobs(struct client *c)
{
	const uint64_t now_us = clock_mono_us();
	struct job *j, *next;

	for (j = TAILQ_FIRST(&c->jobs); j != NULL; j = next) {
		next = TAILQ_NEXT(j, all);
		if (now_us - j->begun_us > c->conf->job_timeout * 1000)
			job_give_up(j, "4.4.7", "it took too long, and was broken off");
		else if (j->queued && now_us / 1000 - j->queued_ms > ROOM_WAIT_MS) {
			if (j->status == OUTBOUND_UNREACHABLE)
				j->status = OUTBOUND_BUSY;
			job_give_up(j, "4.3.2", "there was no room for one more connection");
		}
	}
}

static void
on_sweep(evutil_socket_t fd, short what, void *arg)
{
	UNUSED(fd), UNUSED(what);
	sweep_jobs(arg);
	on_turn(-1, 0, arg);
}

static void
on_directory_up(void *arg, struct link *l)
{
	struct client *c = arg;

	UNUSED(l);
	hop_cache_clear(c->hops); /* a new one: tables may have changed */
}

static int
run(struct daemon *d)
{
	struct client *c = d->ctx;
	const struct timeval second = { SWEEP_MS / 1000, 0 };

	/* the option's row takes these words only */
	ASSERT(tls_level_parse(bytes_from_str(c->conf->tls), &c->tls_level) == ERR_OK);
	TAILQ_INIT(&c->jobs);
	TAILQ_INIT(&c->queue);
	TAILQ_INIT(&c->idle);
	LIST_INIT(&c->connections);
	c->hops = hop_cache_new();
	c->trouble = trouble_new();
	c->turn = event_new(d->base, -1, 0, on_turn, c);
	c->sweep = event_new(d->base, -1, EV_PERSIST, on_sweep, c);
	ASSERT(c->turn != NULL && c->sweep != NULL);
	event_add(c->sweep, &second);
	c->directory = daemon_link(d, SERVICE_DIRECTORY, CONTROL_ANY, NULL, 0);
	c->resolver = daemon_link(d, SERVICE_RESOLVER, CONTROL_ANY, NULL, 0);
	link_on_up(c->directory, on_directory_up, c);
	link_open(c->directory);
	link_open(c->resolver);
	return ERR_OK;
}

static void
peer_down(struct daemon *d, struct ipc_channel *peer)
{
	job_peer_down(d->ctx, peer);
}

/* ---- the end ---- */

static unsigned
jobs_begun(const struct client *c)
{
	const struct job *j;
	unsigned n = 0;

	TAILQ_FOREACH (j, &c->jobs, all)
		n += !j->late;
	return n;
}

static void
break_off(struct client *c)
{
	struct job *j, *next;

	for (j = TAILQ_FIRST(&c->jobs); j != NULL; j = next) {
		next = TAILQ_NEXT(j, all);
		job_give_up(j, "4.3.2", "the system is being stopped");
	}
}

static void
on_drain(evutil_socket_t fd, short what, void *arg)
{
	struct client *c = arg;
	const struct timeval wait = { 0, DRAIN_POLL_MS * 1000 };
	const uint64_t now = clock_mono_ms();
	const bool idle = jobs_begun(c) == 0;

	UNUSED(fd), UNUSED(what);
	if (idle && c->drain_until_ms > now + GOODBYE_MS)
		c->drain_until_ms = now + GOODBYE_MS;
	if (!idle && now >= c->drain_until_ms)
		break_off(c);
	if ((idle && c->n_connections == 0) || now >= c->drain_until_ms + GOODBYE_MS)
		daemon_finished(c->d);
	else
		event_base_once(c->d->base, -1, EV_TIMEOUT, on_drain, c, &wait);
}

static void
drain(struct daemon *d)
{
	struct client *c = d->ctx;

	c->drain_until_ms = clock_mono_ms() + c->conf->stop_timeout;
	pool_quit_all(c);
	on_drain(-1, 0, c);
}

/* ---- counters ---- */

static void
put(struct buf *out, const char *name, uint64_t value)
{
	buf_printf(out, "relais_outbound_%s %llu\n", name, (unsigned long long)value);
}

static void
stats(struct daemon *d, struct buf *out)
{
	static const char *const results[OUTBOUND_STATUSES] = {
		"results_total{result=\"sent\"}",
		"results_total{result=\"temporary\"}",
		"results_total{result=\"permanent\"}",
	};
	static const char *const hops[OUTBOUND_HOPS] = {
		"jobs_done_total{hop=\"reached\"}",
		"jobs_done_total{hop=\"unreachable\"}",
		"jobs_done_total{hop=\"busy\"}",
		"jobs_done_total{hop=\"refused\"}",
	};
	static const char *const trust[TLS_TRUSTS] = {
		"tls_total{trust=\"anonymous\"}",
		"tls_total{trust=\"untrusted\"}",
		"tls_total{trust=\"trusted\"}",
		"tls_total{trust=\"verified\"}",
	};
	const struct client *c = d->ctx;
	const struct client_counts *n = &c->count;

	put(out, "jobs_total", n->jobs);
	put(out, "jobs", c->n_jobs);
	for (size_t i = 0; i < NITEMS(results); i++)
		put(out, results[i], n->results[i]);
	for (size_t i = 0; i < NITEMS(hops); i++)
		put(out, hops[i], n->hops[i]);
	put(out, "connections_total", n->connected);
	put(out, "connections_failed_total", n->connect_failed);
	put(out, "connections_reused_total", n->reused);
	put(out, "connections", c->n_connections);
	put(out, "connections_idle", c->n_idle);
	for (size_t i = 0; i < NITEMS(trust); i++)
		put(out, trust[i], n->trust[i]);
	put(out, "dane_verified_total", n->dane);
	put(out, "tls_failed_total", n->tls_failed);
	put(out, "tls_plain_again_total", n->tls_plain_again);
	put(out, "bytes_total", n->octets);
	put(out, "dkim_signatures_broken_total", n->signatures_broken);
	histogram_put(out, "relais_outbound_job_seconds", &n->took);
}

const struct daemon_spec smtp_client_spec = {
	.service = SERVICE_SMTP_CLIENT,
	.section = &smtp_client_section,
	.routes = routes,
	.nroutes = NITEMS(routes),
	.start = start,
	.run = run,
	.peer_down = peer_down,
	.drain = drain,
	.stats = stats,
};
