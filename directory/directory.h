/* SPDX-License-Identifier: ISC */
/*
 * directory/directory.h - the service: its state, and what main.c needs of it.
 *
 * Runs in:  directory, user relais-dir, root folder: the compiled tables, read-only; threads.
 * Trusts:   the tables; nothing of what is asked; of ledger that it tells the truth on use.
 */
#ifndef RELAIS_DIRECTORY_H
#define RELAIS_DIRECTORY_H

#include <sys/queue.h>

#include "daemon.h"
#include "directory_msg.h"
#include "near_quota.h"
#include "passwords.h"
#include "resolve.h"

struct auth;

struct directory {
	struct daemon *daemon;
	struct directory_tables tables;
	struct arena config;  /* what tables borrows of the configuration, folded */
	struct arena request; /* dropped after each answer */
	uint64_t refreshed_ms;
	struct near_quota *near_quota;
	struct passwords *passwords;
	struct event *passwords_event;
	struct link *ledger, *imap_spawner, *pop3_spawner;
	LIST_HEAD(, auth) auths; /* under way */
	uint64_t rcpts, resolves, logins, logins_failed;
};

/* The tables as they are now; looks for new ones at most every 50 ms. */
struct directory_tables *directory_tables(struct directory *d);

/* auth.c: handler of DIRECTORY_AUTH, and what else it needs. */
void directory_on_auth(struct ipc_call *call, const void *msg);
MUST_USE int directory_auth_start(struct directory *d);
void directory_auth_peer_down(struct directory *d, const struct ipc_channel *peer);
void directory_auth_stop(struct directory *d);

extern const struct daemon_spec directory_spec;

#endif
