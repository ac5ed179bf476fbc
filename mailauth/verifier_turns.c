/* SPDX-License-Identifier: ISC */
/*
 * mailauth/verifier_turns.c - whose request is next: clients' networks take turns, and when places
 * get scarce none has more than its share (counts_share()). So who sends from many connections at
 * once, about domains whose DNS keeps silent, makes himself wait.
 *
 * Runs in:  mailauth-verify.
 * Trusts:   nothing: networks are chosen by clients.
 */
#include <stdlib.h>

#include "counts.h"
#include "ip_block.h"
#include "random.h"
#include "verifier.h"

#define OVERLOAD 8 /* so many times `jobs` may be here */

void
turns_init(struct verifier *v)
{
	random_fill(&v->network_key, sizeof(v->network_key));
	TAILQ_INIT(&v->turns);
}

static struct network *
network_of(struct verifier *v, uint64_t number)
{
	const uint64_t hash =
		siphash(&v->network_key, bytes_make((const uint8_t *)&number, sizeof(number)));
	struct network_list *bucket = &v->networks[hash % NETWORK_BUCKETS];
	struct network *n;

	LIST_FOREACH (n, bucket, bucket)
		if (n->number == number)
			return n;
	n = xcalloc(1, sizeof(*n));
	n->number = number;
	TAILQ_INIT(&n->waiting);
	LIST_INSERT_HEAD(bucket, n, bucket);
	return n;
}

void
turns_enter(struct job *j, struct bytes client)
{
	struct ip_block b;

	if (ip_block_parse(client, &b) < 0)
		b.family = 0;
	j->network = network_of(j->v, ip_block_network(&b));
	j->network->jobs++;
}

static void
stop_waiting(struct job *j)
{
	struct network *n = j->network;

	TAILQ_REMOVE(&n->waiting, j, turn_link);
	j->waiting = false;
	if (TAILQ_EMPTY(&n->waiting))
		TAILQ_REMOVE(&j->v->turns, n, turn);
}

void
turns_leave(struct job *j)
{
	struct network *n = j->network;

	if (j->waiting)
		stop_waiting(j);
	n->started -= j->started;
	j->v->nstarted -= j->started;
	if (--n->jobs > 0)
		return;
	LIST_REMOVE(n, bucket);
	free(n);
}

/* Itself it is counted already. */
bool
turns_has_place(const struct job *j)
{
	return counts_share(j->network->jobs - 1, j->v->njobs - 1, j->v->conf->jobs * OVERLOAD);
}

void
turns_wait(struct job *j)
{
	struct network *n = j->network;

	if (TAILQ_EMPTY(&n->waiting))
		TAILQ_INSERT_TAIL(&j->v->turns, n, turn);
	TAILQ_INSERT_TAIL(&n->waiting, j, turn_link);
	j->waiting = true;
}

/* Few have all of their share: the walk is short. */
static struct network *
next_network(const struct verifier *v)
{
	struct network *n;

	if (v->held >= VERIFIER_HELD_MAX)
		return NULL;
	TAILQ_FOREACH (n, &v->turns, turn)
		if (counts_share(n->started, v->nstarted, v->conf->jobs))
			return n;
	return NULL;
}

bool
turns_may_start(const struct verifier *v)
{
	return next_network(v) != NULL;
}

struct job *
turns_next(struct verifier *v)
{
	struct network *n = next_network(v);
	struct job *j;

	if (n == NULL)
		return NULL;
	j = TAILQ_FIRST(&n->waiting);
	stop_waiting(j);
	j->started = true;
	n->started++;
	v->nstarted++;
	if (!TAILQ_EMPTY(&n->waiting)) { /* behind the others */
		TAILQ_REMOVE(&v->turns, n, turn);
		TAILQ_INSERT_TAIL(&v->turns, n, turn);
	}
	return j;
}
