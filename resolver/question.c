/* SPDX-License-Identifier: ISC */
/*
 * resolver/question.c - the questions under way: each is asked once, whoever wants to know; those
 * who wait give up in time.
 *
 * libunbound may need a minute to find out that nobody answers. Callers are told after
 * resolver.timeout; the question stays, so that a late answer reaches those who ask again, and the
 * cache. One that takes longer than LATE_MS beyond that is cancelled.
 *
 * Bounds: different questions in all, and for each caller what it waits for and what it has
 * brought up, so that none can use up what is there. What doors and mailauth-verify ask for,
 * clients' names and records of who claims to have sent a message, strangers choose, and may own
 * the servers: it gets no more than half, and of that and of what the caller may ask the network of
 * one client no more than its share (counts_share()).
 *
 * Runs in:  resolver. Trusts: nobody.
 */
#include <stdlib.h>

#include "clock.h"
#include "log.h"
#include "random.h"
#include "resolver.h"

#define LATE_MS      60000
#define SILENCE_TOLD 10 /* questions without an answer, one after the other */

/* ---- the table ---- */

static struct question_bucket *
bucket_of(const struct resolver *r, const char *name, uint16_t type)
{
	uint64_t h = siphash(&r->key, bytes_from_str(name)) + type;

	return &r->buckets[h & (r->nbuckets - 1)];
}

static struct question *
find(const struct resolver *r, const struct question_asked *asked)
{
	struct question *q;

	LIST_FOREACH (q, bucket_of(r, asked->name, asked->type), bucket) {
		if (q->type == asked->type && q->fresh == asked->fresh &&
			strcmp(q->name, asked->name) == 0)
			return q;
	}
	return NULL;
}

/* ---- what a client's network has, if it is for one ---- */

static uint32_t
network_has(struct counts *c, uint64_t network)
{
	const struct counts_key key = counts_key_of_network(network);

	return network == 0 ? 0 : counts_of(c, &key);
}

static void
network_gets(struct counts *c, uint64_t network)
{
	const struct counts_key key = counts_key_of_network(network);

	if (network != 0)
		counts_add(c, &key);
}

static void
network_loses(struct counts *c, uint64_t network)
{
	const struct counts_key key = counts_key_of_network(network);

	if (network != 0)
		counts_remove(c, &key);
}

static struct question *
question_new(struct resolver *r, const struct question_asked *asked)
{
	const size_t n = strlen(asked->name) + 1;
	struct question *q = xcalloc(1, sizeof(*q) + n);

	q->resolver = r;
	TAILQ_INIT(&q->waiters);
	q->type = asked->type;
	q->fresh = asked->fresh;
	q->network = asked->network;
	q->peer = asked->peer;
	memcpy(q->name, asked->name, n);
	LIST_INSERT_HEAD(bucket_of(r, asked->name, asked->type), q, bucket);
	LIST_INSERT_HEAD(&asked->peer->questions, q, of_peer);
	asked->peer->nquestions++;
	r->nquestions++;
	network_gets(&r->asked, q->network);
	return q;
}

static void
question_free(struct question *q)
{
	struct resolver *r = q->resolver;

	ASSERT(TAILQ_EMPTY(&q->waiters));
	LIST_REMOVE(q, bucket);
	if (q->late_ms != 0)
		TAILQ_REMOVE(&r->late, q, late);
	if (q->peer != NULL) {
		LIST_REMOVE(q, of_peer);
		q->peer->nquestions--;
	}
	r->nquestions--;
	network_loses(&r->asked, q->network);
	free(q);
}

/* ---- those who wait ---- */

static void
schedule(struct resolver *r)
{
	const struct waiter *w = TAILQ_FIRST(&r->waiters);
	const struct question *q = TAILQ_FIRST(&r->late);
	uint64_t now = clock_mono_ms(), at = UINT64_MAX;

	if (w != NULL)
		at = w->due_ms;
	if (q != NULL && q->late_ms + LATE_MS < at)
		at = q->late_ms + LATE_MS;
	if (at == UINT64_MAX) {
		event_del(r->timer);
		return;
	}
	at = at > now ? at - now : 0;
	event_add(r->timer,
		&(struct timeval){ (time_t)(at / 1000), (suseconds_t)(at % 1000) * 1000 });
}

static void
waiter_new(struct resolver *r, const struct question_asked *asked, struct question *q)
{
	struct waiter *w = xcalloc(1, sizeof(*w));
	struct peer *p = asked->peer;

	w->question = q;
	w->peer = p;
	w->id = asked->id;
	w->network = asked->network;
	w->due_ms = clock_mono_ms() + r->conf->timeout; /* the same for all: the last one is last */
	TAILQ_INSERT_TAIL(&r->waiters, w, due);
	TAILQ_INSERT_TAIL(&q->waiters, w, together);
	TAILQ_INSERT_TAIL(&p->waiters, w, of_peer);
	p->nwaiters++;
	r->nwaiters++;
	network_gets(&r->waited, w->network);
	if (q->late_ms != 0) {
		TAILQ_REMOVE(&r->late, q, late);
		q->late_ms = 0;
	}
}

static void
waiter_free(struct resolver *r, struct waiter *w)
{
	TAILQ_REMOVE(&r->waiters, w, due);
	TAILQ_REMOVE(&w->question->waiters, w, together);
	TAILQ_REMOVE(&w->peer->waiters, w, of_peer);
	w->peer->nwaiters--;
	r->nwaiters--;
	network_loses(&r->waited, w->network);
	free(w);
}

/* Nobody waits for it any more; its answer is welcome all the same, but from an engine that is to
 * be forgotten itself. */
static void
now_late(struct resolver *r, struct question *q)
{
	if (q->late_ms != 0 || !TAILQ_EMPTY(&q->waiters))
		return;
	if (q->fresh) {
		engine_cancel(&q->engine);
		question_free(q);
		return;
	}
	q->late_ms = clock_mono_ms();
	TAILQ_INSERT_TAIL(&r->late, q, late);
}

/* ---- answers ---- */

static void
heard(struct resolver *r)
{
	if (r->silence_told)
		log_info("answers come again");
	r->silent = 0;
	r->silence_told = false;
}

static void
not_heard(struct resolver *r)
{
	if (++r->silent < SILENCE_TOLD || r->silence_told)
		return;
	r->silence_told = true;
	log_warning("the last %u questions had no answer in time (%s%s)", r->silent,
		r->forwarders.n > 0 ? "asked: " : "asked from the root servers on",
		r->forwarders.n > 0 ? r->forwarders.v[0] : "");
}

static void
tell_bogus(struct resolver *r, const struct question *q, struct bytes why)
{
	struct buf type = BUF_INIT;

	dns_type_put(&type, q->type);
	/* the root itself cannot be proven: it is not one zone that is wrong, but the way */
	if (bytes_search(why, BYTES_LITERAL("for trust anchor")) != BYTES_NOT_FOUND &&
		log_pace(&r->no_dnssec))
		log_error(
			"the forwarders do not pass DNSSEC on, or the trust anchor is not theirs: "
			"nothing can be proven, so nothing is found; see the options forwarders "
			"and trust_anchor");
	if (log_pace(&r->bogus))
		log_warning("DNSSEC: the answer for %.200s %s is bogus: %.*s (%u since it was last "
			    "told)",
			q->name, buf_str(&type), (int)why.n, (const char *)why.p,
			log_pace_times(&r->bogus));
	buf_free(&type);
}

static void
answer_all(struct question *q, const struct dns_answer *a)
{
	struct resolver *r = q->resolver;
	struct waiter *w;

	while ((w = TAILQ_FIRST(&q->waiters)) != NULL) {
		struct peer *p = w->peer;
		uint32_t id = w->id;

		waiter_free(r, w);
		resolver_reply(r, p, id, a);
	}
}

static void
on_answer(struct engine_question *e, const struct engine_result *result)
{
	struct question *q = (struct question *)(void *)e;
	struct resolver *r = q->resolver;
	struct dns_answer a;

	answer_make(result, q->type, q->name, &r->answer, &a);
	if (a.status == DNS_BOGUS)
		tell_bogus(r, q, a.why);
	if (a.status == DNS_TIMEOUT)
		not_heard(r);
	else if (a.status != DNS_SERVFAIL && !q->starting)
		heard(r);
	if (q->late_ms != 0)
		r->numbers.late++;
	if (q->starting)
		r->numbers.cache_hits++;
	answer_all(q, &a);
	arena_reset(&r->answer);
	q->answered = true;
	if (!q->starting)
		question_free(q);
}

static void
on_timer(evutil_socket_t fd, short what, void *arg)
{
	struct resolver *r = arg;
	const uint64_t now = clock_mono_ms();
	struct waiter *w;
	struct question *q;

	UNUSED(fd);
	UNUSED(what);
	while ((w = TAILQ_FIRST(&r->waiters)) != NULL && w->due_ms <= now) {
		struct peer *p = w->peer;
		uint32_t id = w->id;
		struct dns_answer a = { .status = DNS_TIMEOUT };

		q = w->question;
		a.canonical = bytes_from_str(q->name);
		waiter_free(r, w);
		not_heard(r);
		resolver_reply(r, p, id, &a);
		now_late(r, q);
	}
	while ((q = TAILQ_FIRST(&r->late)) != NULL && q->late_ms + LATE_MS <= now) {
		engine_cancel(&q->engine);
		question_free(q);
	}
	schedule(r);
}

/* ---- questions ---- */

/* What is for nobody outside (0 of them) has no share to keep. */
static bool
is_allowed(struct resolver *r, const struct question_asked *asked)
{
	const struct peer *p = asked->peer;
	const size_t most = r->conf->questions_per_caller;

	return counts_share(network_has(&r->waited, asked->network), p->nwaiters, most) &&
	       counts_share(network_has(&r->asked, asked->network), p->nquestions, most);
}

static bool
has_room(struct resolver *r, const struct question_asked *asked)
{
	const uint32_t strangers =
		FROM(SERVICE_SMTPD) | FROM(SERVICE_SUBMISSION) | FROM(SERVICE_VERIFIER);
	const bool half = (strangers & FROM(ipc_peer(asked->peer->channel))) != 0;

	return counts_share(network_has(&r->asked, asked->network), r->nquestions,
		half ? r->conf->questions / 2 : r->conf->questions);
}

enum dns_status
question_ask(struct resolver *r, const struct question_asked *asked)
{
	const bool first = r->nwaiters == 0;
	struct engine *e = r->engine;
	struct question *q;
	int err;

	if (!is_allowed(r, asked))
		return DNS_BUSY;
	q = find(r, asked);
	if (q != NULL) {
		r->numbers.joined++;
		waiter_new(r, asked, q);
		if (first)
			schedule(r);
		return DNS_OK;
	}
	if (!has_room(r, asked))
		return DNS_BUSY;
	if (asked->fresh && (e = fresh_engine(&r->fresh, clock_mono_ms())) == NULL)
		return DNS_SERVFAIL;
	q = question_new(r, asked);
	waiter_new(r, asked, q);
	q->engine.done = on_answer;
	q->starting = true;
	err = engine_ask(e, q->name, q->type, &q->engine);
	q->starting = false;
	if (err < 0 && !q->answered) {
		waiter_free(r, TAILQ_FIRST(&q->waiters));
		question_free(q);
		return err == ERR_SYNTAX ? DNS_BAD_NAME : DNS_SERVFAIL;
	}
	if (q->answered)
		question_free(q);
	else if (first)
		schedule(r);
	return DNS_OK;
}

void
question_forget_peer(struct resolver *r, struct peer *p)
{
	struct waiter *w, *next;
	struct question *q;

	for (w = TAILQ_FIRST(&p->waiters); w != NULL; w = next) {
		next = TAILQ_NEXT(w, of_peer);
		q = w->question;
		waiter_free(r, w);
		now_late(r, q);
	}
	while ((q = LIST_FIRST(&p->questions)) != NULL) {
		LIST_REMOVE(q, of_peer);
		q->peer = NULL;
	}
	schedule(r);
}

void
questions_init(struct resolver *r)
{
	r->nbuckets = 1024;
	while (r->nbuckets < r->conf->questions)
		r->nbuckets *= 2;
	r->buckets = xcalloc(r->nbuckets, sizeof(*r->buckets));
	random_fill(&r->key, sizeof(r->key));
	TAILQ_INIT(&r->waiters);
	TAILQ_INIT(&r->late);
	counts_init(&r->asked);
	counts_init(&r->waited);
	r->timer = evtimer_new(r->d->base, on_timer, r);
	ASSERT(r->timer != NULL);
}

/* After engine_free(): nobody is answered any more. */
void
questions_free(struct resolver *r)
{
	struct waiter *w, *next;
	struct question *q, *next_q;

	for (w = TAILQ_FIRST(&r->waiters); w != NULL; w = next) {
		next = TAILQ_NEXT(w, due);
		waiter_free(r, w);
	}
	for (size_t i = 0; i < r->nbuckets; i++)
		for (q = LIST_FIRST(&r->buckets[i]); q != NULL; q = next_q) {
			next_q = LIST_NEXT(q, bucket);
			question_free(q);
		}
	free(r->buckets);
	counts_free(&r->asked);
	counts_free(&r->waited);
	event_free(r->timer);
}
