/* SPDX-License-Identifier: ISC */
/*
 * resolver/resolver.h - private to the daemon: callers, the questions under way, who waits.
 *
 *   resolver.c     the process: its start, callers, draining, numbers
 *   question.c     questions under way; who waits for them, and how long
 *   engine.c       libunbound; fresh.c: engines that remember nothing
 *   answer.c       from its results to answers; query_name.c: names; forwarders.c: who is asked
 */
#ifndef RELAIS_RESOLVER_H
#define RELAIS_RESOLVER_H

#include <sys/queue.h>

#include "answer.h"
#include "counts.h"
#include "daemon.h"
#include "forwarders.h"
#include "fresh.h"
#include "log_pace.h"
#include "query_name.h"
#include "resolver_conf.h"
#include "siphash.h"

struct resolver;

/* Someone who asked, until he is answered. */
struct waiter {
	TAILQ_ENTRY(waiter) due;      /* all of them, the first to give up first */
	TAILQ_ENTRY(waiter) together; /* those of one question */
	TAILQ_ENTRY(waiter) of_peer;
	struct question *question;
	struct peer *peer;
	uint64_t due_ms;
	uint64_t network; /* for whom, as in dns_query */
	uint32_t id;      /* of the request */
};

/* One question under way, whoever asks it. */
struct question {
	struct engine_question engine; /* first: the engine hands it back */
	LIST_ENTRY(question) bucket;
	TAILQ_ENTRY(question) late; /* nobody waits any more */
	LIST_ENTRY(question) of_peer;
	TAILQ_HEAD(, waiter) waiters;
	struct resolver *resolver;
	struct peer *peer; /* who asked it first; NULL: he left */
	uint64_t late_ms;  /* since when nobody waits; 0: somebody does */
	uint64_t network;  /* for whom it was asked first */
	uint16_t type;
	bool fresh;    /* past the cache */
	bool starting; /* within engine_ask() */
	bool answered;
	char name[];
};

struct peer {
	LIST_ENTRY(peer) link;
	struct ipc_channel *channel;
	TAILQ_HEAD(, waiter) waiters;
	LIST_HEAD(, question) questions;
	size_t nwaiters, nquestions;
};

LIST_HEAD(question_bucket, question);

struct resolver_numbers {
	uint64_t questions, fresh, cache_hits, joined;
	uint64_t answers[DNS_STATUS_COUNT], secure, late;
};

struct resolver {
	struct daemon *d;
	const struct resolver_conf *conf;
	struct engine *engine;
	struct fresh fresh;
	struct arena arena; /* what is read at the start */
	struct forwarders forwarders;
	struct bytes anchor;
	LIST_HEAD(, peer) peers;

	struct siphash_key key;
	struct question_bucket *buckets;
	size_t nbuckets, nquestions, nwaiters;
	struct counts asked, waited; /* questions and waiters of each network */
	TAILQ_HEAD(, waiter) waiters;
	TAILQ_HEAD(, question) late;
	struct event *timer;
	uint64_t drain_ms; /* when it has to be over */

	struct arena answer; /* of the moment */
	unsigned silent;     /* time-outs since the last answer */
	bool silence_told;
	struct log_pace bogus, no_dnssec;
	struct resolver_numbers numbers;
};

/* ---- question.c ---- */
void questions_init(struct resolver *r);
void questions_free(struct resolver *r);

struct question_asked {
	struct peer *peer;
	uint32_t id; /* of the request */
	const char *name;
	uint16_t type;
	uint64_t network;
	bool fresh;
};

/* Ask it, or join those who have: DNS_OK: an answer will come, or has; else the answer. */
MUST_USE enum dns_status question_ask(struct resolver *r, const struct question_asked *asked);

/* The peer is leaving. */
void question_forget_peer(struct resolver *r, struct peer *p);

/* ---- resolver.c ---- */
void resolver_reply(struct resolver *r, struct peer *p, uint32_t id, const struct dns_answer *a);

extern const struct daemon_spec resolver_spec;

#endif
