/* SPDX-License-Identifier: ISC */
/*
 * resolver/resolver.c - the only process that speaks DNS: its start, callers, draining, numbers.
 *
 * /etc/resolv.conf and the trust anchor are read in start(), outside the jail; so a reload, or a
 * change of theirs, means a new process, and the old one leaves each caller as soon as it owes him
 * nothing.
 *
 * Runs in:  resolver, user relais-dns, empty root, no files; may use the network.
 * Trusts:   the configuration; callers no further than that they may ask.
 */
#include "resolver.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>

#include "clock.h"
#include "log.h"
#include "stats_rows.h"

#define FILE_MAX_SIZE (64 * 1024)
#define OTHER_SOCKETS 300 /* callers, TCP, libunbound's own */
#define SOCKETS_LEAST 64
#define SOCKETS_MOST  8192
#define STREAMS       100

/* ---- start ---- */

static int
read_file(const char *path, struct arena *a, struct bytes *out)
{
	FILE *f = fopen(path, "re");
	char *text;
	size_t n;

	if (f == NULL)
		return ERR_NOT_FOUND;
	text = arena_alloc(a, FILE_MAX_SIZE);
	n = fread(text, 1, FILE_MAX_SIZE, f);
	*out = bytes_make(text, n);
	if (ferror(f) || n == FILE_MAX_SIZE) {
		fclose(f);
		return ERR_IO;
	}
	fclose(f);
	return ERR_OK;
}

static void
read_forwarders(struct resolver *r)
{
	struct bytes text = BYTES_NONE;

	(void)read_file(
		RESOLVER_SYSTEM_FILE, &r->arena, &text); /* without it: this host is asked */
	forwarders_of(&r->conf->forwarders, text, &r->arena, &r->forwarders);
	if (r->forwarders.bad != NULL)
		log_error("forwarders: \"%.100s\" is no address: left out", r->forwarders.bad);
	if (r->forwarders.cut)
		log_warning("forwarders: only the first %d are asked", FORWARDERS_MAX);
}

static int
on_start(struct daemon *d)
{
	struct resolver *r = xcalloc(1, sizeof(*r));

	d->ctx = r;
	r->d = d;
	r->conf = d->conf;
	LIST_INIT(&r->peers);
	read_forwarders(r);
	if (r->conf->trust_anchor[0] != 0 &&
		read_file(r->conf->trust_anchor, &r->arena, &r->anchor) < 0) {
		r->anchor = BYTES_NONE;
		log_error("trust_anchor %s cannot be read: DNSSEC is not verified, no answer is "
			  "secure",
			r->conf->trust_anchor);
	}
	return ERR_OK;
}

/* As many as the jail's limit allows, but no more than are of use. */
static unsigned
sockets_at_once(void)
{
	struct rlimit files;

	if (getrlimit(RLIMIT_NOFILE, &files) != 0 || files.rlim_cur < OTHER_SOCKETS + SOCKETS_LEAST)
		return SOCKETS_LEAST;
	if (files.rlim_cur > OTHER_SOCKETS + SOCKETS_MOST)
		return SOCKETS_MOST;
	return (unsigned)files.rlim_cur - OTHER_SOCKETS;
}

static int
on_run(struct daemon *d)
{
	struct resolver *r = d->ctx;
	const struct engine_setup setup = { .conf = r->conf,
		.forwarders = r->forwarders.v,
		.nforwarders = r->forwarders.n,
		.anchor = r->anchor,
		.sockets = sockets_at_once(),
		.streams = STREAMS };

	questions_init(r);
	r->engine = engine_new(d->base, &setup);
	if (r->engine == NULL)
		return ERR_UNSUPPORTED;
	fresh_init(&r->fresh, d->base, &setup);
	log_info("asking %s%s%s", r->forwarders.n > 0 ? r->forwarders.v[0] : "the root servers",
		r->forwarders.n > 1 ? " and others" : "",
		r->anchor.n > 0 ? ", verifying DNSSEC" : "");
	return ERR_OK;
}

/* ---- questions ---- */

void
resolver_reply(struct resolver *r, struct peer *p, uint32_t id, const struct dns_answer *a)
{
	r->numbers.answers[a->status]++;
	r->numbers.secure += a->secure;
	dns_answer_encode(ipc_compose(p->channel), a);
	ipc_reply(p->channel, id, DNS_ANSWER, NULL, 0);
}

static void
take_query(struct ipc_call *call, const struct dns_query *m, bool fresh)
{
	struct daemon *d = call->ctx;
	struct resolver *r = d->ctx;
	struct peer *p = ipc_owner(call->channel);
	struct dns_answer a = { .status = DNS_BAD_NAME };
	struct query_name name;

	r->numbers.questions++;
	query_name_clean(m->name, &name);
	if (!answer_type_is_sane(m->type)) {
		a.why = BYTES_LITERAL("no type that records have");
	} else if (name.localhost) {
		answer_localhost(m->type, name.text, &a);
	} else {
		a.status = name.status;
		a.why = bytes_from_str(name.why);
		if (name.status == DNS_OK)
			a.status = question_ask(r, &(struct question_asked){ p, call->id, name.text,
							   m->type, m->network, fresh });
		if (a.status == DNS_OK)
			return; /* the answer comes, or has come */
		if (a.status != DNS_BAD_NAME && a.status != DNS_BUSY)
			a.canonical = bytes_from_str(name.text);
	}
	resolver_reply(r, p, call->id, &a);
}

static void
on_query(struct ipc_call *call, const void *msg)
{
	take_query(call, msg, false);
}

static void
on_query_fresh(struct ipc_call *call, const void *msg)
{
	struct daemon *d = call->ctx;
	struct resolver *r = d->ctx;

	r->numbers.fresh++;
	take_query(call, msg, true);
}

#define ASKERS                                                                                     \
	(FROM(SERVICE_CLI) | FROM(SERVICE_SMTPD) | FROM(SERVICE_SUBMISSION) |                      \
		FROM(SERVICE_SMTP_CLIENT) | FROM(SERVICE_VERIFIER) | FROM(SERVICE_DKIM_KEEPER) |   \
		FROM(SERVICE_DMARC_REPORTER))

static const struct ipc_route routes[] = {
	/* request	from	states	fds	struct, decoder		handler */
	{ DNS_QUERY, ASKERS, 0, 0, sizeof(struct dns_query), dns_query_decode, on_query },
	{ DNS_QUERY_FRESH, FROM(SERVICE_CLI) | FROM(SERVICE_DKIM_KEEPER), 0, 0,
		sizeof(struct dns_query), dns_query_decode, on_query_fresh },
};

/* ---- callers ---- */

static void
on_peer_up(struct daemon *d, struct ipc_channel *channel)
{
	struct resolver *r = d->ctx;
	struct peer *p = xcalloc(1, sizeof(*p));

	p->channel = channel;
	ipc_set_owner(channel, p);
	TAILQ_INIT(&p->waiters);
	LIST_INIT(&p->questions);
	LIST_INSERT_HEAD(&r->peers, p, link);
}

static void
peer_leaves(struct resolver *r, struct peer *p)
{
	question_forget_peer(r, p);
	LIST_REMOVE(p, link);
	free(p);
}

static void
on_peer_down(struct daemon *d, struct ipc_channel *channel)
{
	struct resolver *r = d->ctx;

	peer_leaves(r, ipc_owner(channel));
}

/* ---- the end ---- */

/* Callers who are owed nothing are let go: they find the new process. */
static bool
is_drained(struct daemon *d)
{
	struct resolver *r = d->ctx;
	struct peer *p, *next;

	for (p = LIST_FIRST(&r->peers); p != NULL; p = next) {
		next = LIST_NEXT(p, link);
		if (p->nwaiters > 0)
			continue;
		ipc_channel_free(&p->channel);
		peer_leaves(r, p);
	}
	return LIST_EMPTY(&r->peers) || clock_mono_ms() >= r->drain_ms;
}

static void
on_drain(struct daemon *d)
{
	struct resolver *r = d->ctx;

	r->drain_ms = clock_mono_ms() + r->conf->timeout + 1000;
	daemon_drain_until(d, is_drained);
}

static void
on_stats(struct daemon *d, struct buf *out)
{
	const struct resolver *r = d->ctx;
	const struct resolver_numbers *n = &r->numbers;
	const struct stats_row rows[] = { { "questions_total", n->questions },
		{ "cache_hits_total", n->cache_hits }, { "joined_total", n->joined },
		{ "fresh_questions_total", n->fresh }, { "late_answers_total", n->late },
		{ "secure_answers_total", n->secure }, { "under_way", r->nquestions },
		{ "waiting", r->nwaiters } };

	stats_rows_put(out, "dns", rows, NITEMS(rows));
	for (unsigned i = 0; i < DNS_STATUS_COUNT; i++)
		buf_printf(out, "relais_dns_answers_total{status=\"%s\"} %llu\n",
			dns_status_name((enum dns_status)i), (unsigned long long)n->answers[i]);
}

static void
on_stop(struct daemon *d)
{
	struct resolver *r = d->ctx;

	if (r == NULL)
		return;
	engine_free(&r->engine);
	fresh_free(&r->fresh);
	questions_free(r);
	arena_reset(&r->arena);
	arena_reset(&r->answer);
	free(r);
	d->ctx = NULL;
}

const struct daemon_spec resolver_spec = {
	.service = SERVICE_RESOLVER,
	.section = &resolver_section,
	.routes = routes,
	.nroutes = NITEMS(routes),
	.start = on_start,
	.run = on_run,
	.peer_up = on_peer_up,
	.peer_down = on_peer_down,
	.drain = on_drain,
	.stats = on_stats,
	.stop = on_stop,
};
