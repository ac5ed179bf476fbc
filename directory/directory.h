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
#include "local_owner.h"
#include "lookups.h"
#include "near_quota.h"
#include "pam.h"
#include "passwords.h"
#include "resolve.h"
#include "send_ticket.h"

struct auth;
struct auth_clients;
struct guess;
struct logins;
struct sasl_library;
struct sasl_table;
struct send;
struct local;
struct local_users;
struct question;
struct kept;

struct directory {
	struct daemon *daemon;
	struct directory_tables tables;
	struct arena config;     /* what tables borrows of the configuration, folded */
	struct pam *pam;         /* NULL: system users cannot log in */
	struct lookups *lookups; /* NULL: no database, all is in the compiled tables */
	struct event *lookups_event;
	char *conninfo;                   /* of the database, until the lookups have it */
	LIST_HEAD(, question) questions;  /* under way (questions.c) */
	TAILQ_HEAD(kept_list, kept) kept; /* expansions of several pages */
	unsigned n_kept;
	uint64_t kept_serial;
	struct srs_secrets srs_secrets;
	struct timespec srs_mtime; /* of their file */
	ino_t srs_inode;
	uint64_t refreshed_ms;
	struct near_quota *near_quota;
	struct passwords *passwords;
	struct event *passwords_event;
	struct link *ledger, *imap_spawner, *pop3_spawner;
	LIST_HEAD(, auth) auths; /* under way */
	size_t nauths;
	struct auth_clients *auth_clients;
	struct guess *guess;
	struct sasl_library *sasl;
	struct sasl_table *exchanges;
	struct event *sasl_tick;
	struct logins *handles; /* of submission's clients */
	LIST_HEAD(, send) sends_under_way;
	size_t nsends_under_way;
	struct send_ticket_key ticket_key, sign_key; /* shared with qmgr, with the signers */
	LIST_HEAD(, local) locals;                   /* under way */
	struct arena local_names;
	const char *local_hosts[LOCAL_HOSTS];
	struct local_users *local_users; /* as they were at the start */
	uint32_t *trusted_uids;          /* may send as anybody, besides root */
	size_t ntrusted_uids;
	uint64_t sends, sends_refused;
	uint64_t rcpts, resolves, hops, logins, logins_failed;
};

/* The compiled tables as they are now; looks for new ones at most every 50 ms. A database is
 * not asked: questions on addresses and accounts go through directory_look_up(). */
struct directory_tables *directory_tables(struct directory *d);

/*
 * Look something up, in a database too if there is one: work(tables, arg), then done(arg) in
 * the event loop. Without a database both are called before this returns; with one, work is
 * called in a thread (it touches the tables and arg alone) and done later. arg must live until
 * then, whoever asked. false: too many wait, neither is called: temporary failure.
 */
MUST_USE bool directory_look_up(
	struct directory *d, lookup_work_fn *work, lookup_done_fn *done, void *arg);

/* questions.c: handlers of RCPT, RESOLVE and HOP. */
void directory_on_rcpt(struct ipc_call *call, const void *msg);
void directory_on_resolve(struct ipc_call *call, const void *msg);
void directory_on_hop(struct ipc_call *call, const void *msg);
void directory_questions_peer_down(struct directory *d, const struct ipc_channel *peer);
void directory_questions_stop(struct directory *d);

/* auth.c: handler of AUTH, and what else it needs. Handles go when their channel goes. */
void directory_on_auth(struct ipc_call *call, const void *msg);
MUST_USE int directory_auth_start(struct directory *d);
void directory_auth_peer_down(struct directory *d, const struct ipc_channel *peer);
void directory_auth_stop(struct directory *d);

/* sasl.c: exchanges. prepare() before the jail; stop() after directory_auth_stop(). */
void directory_on_sasl_start(struct ipc_call *call, const void *msg);
void directory_on_sasl_step(struct ipc_call *call, const void *msg);
void directory_on_sasl_cancel(struct ipc_call *call, const void *msg);
MUST_USE int directory_sasl_prepare(struct directory *d);
void directory_sasl_start(struct directory *d);
void directory_sasl_stop(struct directory *d);
unsigned directory_sasl_count(const struct directory *d); /* exchanges open */

/* send.c: who may send what, tickets. */
void directory_on_send(struct ipc_call *call, const void *msg);
void directory_on_logout(struct ipc_call *call, const void *msg);
void directory_on_ticket_key(struct ipc_call *call, const void *msg);
void directory_send_start(struct directory *d);
void directory_send_peer_down(struct directory *d, const struct ipc_channel *peer);
void directory_send_stop(struct directory *d);

/* local_login.c: users of this machine. prepare() before the jail: it knows who is trusted. */
void directory_on_local(struct ipc_call *call, const void *msg);
void directory_local_prepare(struct directory *d);
void directory_local_peer_down(struct directory *d, const struct ipc_channel *peer);
void directory_local_stop(struct directory *d);

extern const struct daemon_spec directory_spec;

#endif
