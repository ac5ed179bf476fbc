/* SPDX-License-Identifier: ISC */
/*
 * mailauth/verifier.c - SPF, DKIM and DMARC for the doors: the process.
 *
 * Thousands of requests wait for DNS at once in one thread; exactly one at a time is in the hands
 * of the libraries, and it is known which (guard.c). What is more than the option `jobs` waits its
 * turn (verifier_turns.c). A request that is not done in time is answered with what is known, the
 * rest is temperror.
 *
 * Runs in:  mailauth-verify, user relais-verify, empty root, no files, no network.
 * Trusts:   the configuration; those who ask that they send what they have.
 */
#include "verifier.h"

#include <stdlib.h>
#include <unistd.h>

#include "clock.h"
#include "guard.h"
#include "log.h"
#include "stats_rows.h"

#define CLOCK_MS 200

static const struct timeval clock_tick = { 0, CLOCK_MS * 1000 };

/* ---- jobs ---- */

/* One; the next at one of the next turns. */
static void
start_next(struct verifier *v)
{
	struct job *j = turns_next(v);

	if (j != NULL)
		job_start(j);
	if (turns_may_start(v))
		event_active(v->reader, EV_TIMEOUT, 1);
}

void
verifier_read_soon(struct job *j)
{
	struct verifier *v = j->v;

	if (!j->reading)
		TAILQ_INSERT_TAIL(&v->reading, j, turn_link);
	j->reading = true;
	event_active(v->reader, EV_TIMEOUT, 1);
}

void
verifier_job_free(struct job *j)
{
	struct verifier *v = j->v;

	for (size_t i = 0; i < NITEMS(j->spf); i++)
		spf_cancel(j->spf[i]);
	dkim_check_free(&j->dkim);
	dmarc_free(&j->dmarc);
	job_dns_forget(j);
	turns_leave(j);
	if (j->reading)
		TAILQ_REMOVE(&v->reading, j, turn_link);
	TAILQ_REMOVE(&v->jobs, j, link);
	v->njobs--;
	j->asker->jobs--;
	v->held -= j->held;
	if (j->fd >= 0)
		close(j->fd);
	buf_free(&j->trace);
	arena_reset(&j->arena);
	free(j);
	if (!TAILQ_EMPTY(&v->turns))
		event_active(v->reader, EV_TIMEOUT, 1);
}

/* One piece of one message, then others have their turn. */
static void
on_reader(evutil_socket_t fd, short what, void *arg)
{
	struct verifier *v = arg;
	struct job *j = TAILQ_FIRST(&v->reading);

	UNUSED(fd);
	UNUSED(what);
	if (j != NULL) {
		TAILQ_REMOVE(&v->reading, j, turn_link);
		j->reading = false;
		job_read(j);
	}
	start_next(v);
	if (!TAILQ_EMPTY(&v->reading))
		event_active(v->reader, EV_TIMEOUT, 1);
}

static void
on_clock(evutil_socket_t fd, short what, void *arg)
{
	struct verifier *v = arg;
	const uint64_t now = clock_mono_ms();
	struct job *j;

	UNUSED(fd);
	UNUSED(what);
	while ((j = TAILQ_FIRST(&v->jobs)) != NULL && j->until_ms <= now) {
		v->numbers.timeouts++;
		guard_enter(j->asker->channel, j->id);
		job_timeout(j);
		guard_leave();
	}
	if (j == NULL)
		event_del(v->clock);
}

/* ---- requests ---- */

static struct job *
job_new(struct ipc_call *call, struct bytes client)
{
	struct daemon *d = call->ctx;
	struct verifier *v = d->ctx;
	struct job *j = xcalloc(1, sizeof(*j));

	j->v = v;
	j->asker = ipc_owner(call->channel);
	j->asker->jobs++;
	j->id = call->id;
	j->until_ms = clock_mono_ms() + v->conf->timeout;
	j->fd = -1;
	job_dns_init(j);
	if (TAILQ_EMPTY(&v->jobs))
		event_add(v->clock, &clock_tick);
	TAILQ_INSERT_TAIL(&v->jobs, j, link);
	v->njobs++;
	turns_enter(j, client);
	return j;
}

/* Now, if it may; else when others have gone. */
static void
begin(struct job *j)
{
	struct verifier *v = j->v;

	if (!turns_has_place(j)) {
		v->numbers.overloads++;
		guard_enter(j->asker->channel, j->id);
		job_timeout(j);
		guard_leave();
		return;
	}
	turns_wait(j);
	start_next(v); /* this one, if nobody else waits */
}

static void
take_question(struct job *j, const struct mailauth_spf_question *m)
{
	j->client = arena_bytes(&j->arena, m->client);
	j->helo = arena_bytes(&j->arena, m->helo);
	j->mail_from = arena_bytes(&j->arena, m->mail_from);
}

static void
on_spf(struct ipc_call *call, const void *msg)
{
	const struct mailauth_spf_question *m = msg;
	struct job *j = job_new(call, m->client);

	j->is_spf = true;
	j->explain = m->explain;
	take_question(j, m);
	begin(j);
}

static void
on_verify(struct ipc_call *call, const void *msg)
{
	const struct mailauth_verify *m = msg;
	struct job *j = job_new(call, m->ask_spf ? m->about.client : BYTES_NONE);

	j->explain = m->explain;
	j->asks_spf = m->ask_spf;
	take_question(j, &m->about);
	j->spf_result.mail_from = (struct mailauth_spf){ .result = m->spf.result,
		.domain = arena_bytes(&j->arena, m->spf.domain) };
	if (m->content.in_fd) {
		j->fd = ipc_take_fd(call, 0);
		j->offset = m->content.offset;
		j->end = j->offset + m->content.size;
	} else {
		j->content = arena_bytes(&j->arena, m->content.octets);
	}
	begin(j);
}

#define ASKERS (FROM(SERVICE_SMTPD) | FROM(SERVICE_CLI) | FROM(SERVICE_DMARC_REPORTER))

static const struct ipc_route routes[] = {
	/* request	from	states	fds	struct, decoder		handler */
	{ MAILAUTH_SPF, FROM(SERVICE_CLI), 0, 0, sizeof(struct mailauth_spf_question),
		mailauth_spf_question_decode, on_spf },
	{ MAILAUTH_VERIFY, ASKERS, 0, 0, sizeof(struct mailauth_verify), mailauth_verify_decode,
		on_verify },
	{ MAILAUTH_VERIFY_FD, ASKERS, 0, 1, sizeof(struct mailauth_verify),
		mailauth_verify_fd_decode, on_verify },
};

/* ---- who asks ---- */

static void
on_peer_up(struct daemon *d, struct ipc_channel *channel)
{
	struct verifier *v = d->ctx;
	struct asker *a = xcalloc(1, sizeof(*a));

	a->channel = channel;
	ipc_set_owner(channel, a);
	LIST_INSERT_HEAD(&v->askers, a, link);
}

static void
asker_leaves(struct verifier *v, struct asker *a)
{
	struct job *j, *next;

	for (j = TAILQ_FIRST(&v->jobs); j != NULL; j = next) {
		next = TAILQ_NEXT(j, link);
		if (j->asker != a)
			continue;
		guard_enter(a->channel, j->id); /* what is under way in the libraries ends */
		verifier_job_free(j);
		guard_leave();
	}
	LIST_REMOVE(a, link);
	free(a);
}

static void
on_peer_down(struct daemon *d, struct ipc_channel *channel)
{
	asker_leaves(d->ctx, ipc_owner(channel));
}

/* ---- the process ---- */

static int
on_start(struct daemon *d)
{
	return guard_install(MAILAUTH_DIED);
}

static int
on_run(struct daemon *d)
{
	struct verifier *v = xcalloc(1, sizeof(*v));
	const struct dkim_verify_options options = {
		.signatures = (unsigned)d->mailauth->signature_limit,
		.rsa_bits_min = (unsigned)d->mailauth->rsa_bits_min,
		.body_octets = d->mailauth->content_limit,
	};

	d->ctx = v;
	v->d = d;
	v->conf = d->mailauth;
	LIST_INIT(&v->askers);
	TAILQ_INIT(&v->jobs);
	turns_init(v);
	TAILQ_INIT(&v->reading);
	v->piece = xmalloc(VERIFIER_PIECE);
	v->kept = answers_kept_new();
	v->spf = spf_engine_new();
	v->dkim = dkim_verifier_new(&options);
	v->clock = event_new(d->base, -1, EV_PERSIST, on_clock, v);
	v->reader = event_new(d->base, -1, 0, on_reader, v);
	ASSERT(v->clock != NULL && v->reader != NULL);
	v->resolver = daemon_link(d, SERVICE_RESOLVER, CONTROL_ANY, NULL, 0);
	link_open(v->resolver);
	return ERR_OK;
}

/* Those who are owed nothing are let go: they find the new process. */
static bool
is_drained(struct daemon *d)
{
	struct verifier *v = d->ctx;
	struct asker *a, *next;

	for (a = LIST_FIRST(&v->askers); a != NULL; a = next) {
		next = LIST_NEXT(a, link);
		if (a->jobs > 0)
			continue;
		ipc_channel_free(&a->channel);
		asker_leaves(v, a);
	}
	return LIST_EMPTY(&v->askers);
}

static void
on_drain(struct daemon *d)
{
	daemon_drain_until(d, is_drained);
}

static void
put_results(struct buf *out, const char *method, const uint64_t numbers[AUTH_RESULT_COUNT])
{
	for (unsigned i = 0; i < AUTH_RESULT_COUNT; i++)
		if (numbers[i] > 0)
			buf_printf(out, "relais_mailauth_%s_total{result=\"%s\"} %llu\n", method,
				auth_result_name((enum auth_result)i),
				(unsigned long long)numbers[i]);
}

static void
on_stats(struct daemon *d, struct buf *out)
{
	const struct verifier *v = d->ctx;
	const struct verifier_numbers *n = &v->numbers;
	const struct stats_row rows[] = { { "under_way", v->nstarted },
		{ "waiting", v->njobs - v->nstarted }, { "timeouts_total", n->timeouts },
		{ "overloads_total", n->overloads } };

	stats_rows_put(out, "mailauth", rows, NITEMS(rows));
	put_results(out, "spf", n->spf);
	put_results(out, "dkim", n->dkim);
	put_results(out, "dmarc", n->dmarc);
}

static void
on_stop(struct daemon *d)
{
	struct verifier *v = d->ctx;
	struct asker *a, *next;

	if (v == NULL)
		return;
	for (a = LIST_FIRST(&v->askers); a != NULL; a = next) {
		next = LIST_NEXT(a, link);
		asker_leaves(v, a);
	}
	spf_engine_free(v->spf);
	dkim_verifier_free(&v->dkim);
	event_free(v->clock);
	event_free(v->reader);
	answers_kept_free(v->kept);
	free(v->piece);
	free(v);
	d->ctx = NULL;
}

const struct daemon_spec verifier_spec = {
	.service = SERVICE_VERIFIER,
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
