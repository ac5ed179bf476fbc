/* SPDX-License-Identifier: ISC */
/*
 * smtp-client/pool.c - connections that wait for more mail, and room for new ones.
 *
 * A connection is found by what its place wants (to the best hosts only: who came to a fall-back
 * host should not stay there), or by what its host must be, when another next hop leads to the same
 * host. At most idle_connections are kept, each for idle_timeout; the oldest goes first.
 *
 * Runs in:  smtp-client.
 */
#include "client.h"
#include "clock.h"

static struct connection *
take(struct connection *n)
{
	if (n != NULL)
		pool_remove(n);
	return n;
}

/* The one that came last: its peer has had the least time to think better of it. */
struct connection *
pool_find(struct client *c, struct bytes key)
{
	struct connection *n;

	TAILQ_FOREACH_REVERSE(n, &c->idle, connection_list, in_idle)
	if (n->key.n > 0 && bytes_equal(n->key, key))
		return take(n);
	return NULL;
}

struct connection *
pool_find_host(struct client *c, struct bytes host_key)
{
	struct connection *n;

	TAILQ_FOREACH_REVERSE(n, &c->idle, connection_list, in_idle)
	if (bytes_equal(n->host_key, host_key))
		return take(n);
	return NULL;
}

void
pool_remove(struct connection *n)
{
	if (!n->idle)
		return;
	n->idle = false;
	n->c->n_idle--;
	TAILQ_REMOVE(&n->c->idle, n, in_idle);
}

bool
pool_put(struct connection *n)
{
	struct client *c = n->c;

	ASSERT(!n->idle && n->job == NULL);
	if (c->d->draining || c->conf->idle_connections == 0 || c->conf->idle_timeout == 0 ||
		clock_mono_ms() - n->since_ms >= c->conf->reuse_time)
		return false;
	if (c->n_idle >= c->conf->idle_connections)
		connection_quit(take(TAILQ_FIRST(&c->idle)));
	n->idle = true;
	c->n_idle++;
	TAILQ_INSERT_TAIL(&c->idle, n, in_idle);
	return true;
}

bool
pool_room(struct client *c)
{
	if (c->n_connections < c->conf->connections)
		return true;
	if (TAILQ_EMPTY(&c->idle))
		return false;
	connection_free(TAILQ_FIRST(&c->idle)); /* no time for a QUIT */
	return true;
}

void
pool_quit_all(struct client *c)
{
	struct connection *n;

	while ((n = take(TAILQ_FIRST(&c->idle))) != NULL)
		connection_quit(n);
}
