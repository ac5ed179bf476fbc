/* SPDX-License-Identifier: ISC */
/*
 * session/spawner.h - the session spawner: one process for each protocol that turns a token and a
 * stream into a jailed session process.
 *
 * A program of it is one spec and a main:
 *
 *	static const struct spawner_spec spec = { SESSION_IMAP, "imap", imap_session_run, limits,
 *		true };
 *	static int start(struct daemon *d) { return spawner_start(d, &spec); }
 *	static const struct daemon_spec daemon = { .service = SERVICE_IMAP_SPAWNER, .start = start,
 *		SPAWNER_ROWS, ... };
 */
#ifndef RELAIS_SPAWNER_H
#define RELAIS_SPAWNER_H

#include "daemon.h"
#include "session_link.h"

struct spawner_limits {
	uint64_t sessions; /* in all */
	uint64_t sessions_per_account;
};

struct spawner_spec {
	enum session_protocol protocol;
	const char *name; /* of its sessions in the log */
	session_run_fn *run;
	struct spawner_limits (*limits)(const void *conf);
	bool charsets; /* its sessions search texts: loaded once, before the jail */
};

/* What directory and the login halves may ask. */
#define SPAWNER_ROUTES 2
extern const struct ipc_route spawner_routes[SPAWNER_ROUTES];

MUST_USE int spawner_start(struct daemon *d, const struct spawner_spec *spec);
int spawner_run(struct daemon *d);
bool spawner_is_busy(const struct daemon *d);
void spawner_drain(struct daemon *d);
void spawner_reload(struct daemon *d);
void spawner_log_replaced(struct daemon *d);
void spawner_stats(struct daemon *d, struct buf *out);

#define SPAWNER_ROWS                                                                               \
	.routes = spawner_routes, .nroutes = SPAWNER_ROUTES, .run = spawner_run,                   \
	.is_busy = spawner_is_busy, .drain = spawner_drain, .reload = spawner_reload,              \
	.log_replaced = spawner_log_replaced, .stats = spawner_stats

#endif
