/* SPDX-License-Identifier: ISC */
/*
 * metrics/metrics.h - who tells the suite's counters to those who watch it: in Prometheus' text
 * form by HTTP, on a socket of this machine and on ports of loopback.
 *
 * It asks master, as the operator's command does, and keeps what master said in the last minute:
 * so that `relais status` has rates at once. It holds nothing else, and answers the same to all.
 *
 *	metrics.c	the process
 *	collector.c	questions to master; the texts of the last minute
 *	client.c	connections
 *	http_request.c	what they ask
 *
 * Runs in:  metrics; user relais-metrics, empty root, no files, no new connections.
 * Trusts:   master's text; nothing of a client.
 */
#ifndef RELAIS_METRICS_H
#define RELAIS_METRICS_H

#include <sys/queue.h>

#include "daemon.h"
#include "metrics_conf.h"

#define KEPT_TEXTS      7
#define KEPT_EVERY_MS   10000
#define FRESH_ENOUGH_MS 1000 /* what was told so shortly before is told again */

struct text {
	struct buf octets;
	uint64_t taken_ms; /* 0: none */
};

struct client;

struct metrics {
	struct daemon *d;
	const struct metrics_conf *conf;
	struct text kept[KEPT_TEXTS]; /* a ring; every KEPT_EVERY_MS one */
	unsigned next;                /* where the next goes */
	struct text last;             /* in Prometheus' form */
	struct event *clock;
	bool asking;
	LIST_HEAD(, client) clients;
	uint64_t nclients, scrapes, refused;
};

extern const struct daemon_spec metrics_spec;

/* collector.c */
int collector_start(struct metrics *m);
void collector_stop(struct metrics *m);
/* Calls clients_told() when m->last is fresh, perhaps at once. */
void collector_want(struct metrics *m);
/* The oldest text, or NULL. */
const struct text *collector_before(const struct metrics *m);

/* client.c */
void client_accept(struct daemon *d, const struct daemon_client *client);
void clients_told(struct metrics *m, bool ok); /* all who wait get m->last, or 503 */
void clients_close(struct metrics *m);

#endif
