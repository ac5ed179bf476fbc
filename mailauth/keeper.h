/* SPDX-License-Identifier: ISC */
/*
 * mailauth/keeper.h - private to dkim-keeper, the owner of DKIM keys.
 *
 *   keeper.c         the process; what signers and the operator ask
 *   keeper_watch.c   the passing of time, what DNS says, changes of state
 *   keeper_orders.c  new keys and the operator's other orders
 *   keeper_life.c, keeper_keys.c, keeper_file.c   the rules, the set, the disk
 */
#ifndef RELAIS_KEEPER_H
#define RELAIS_KEEPER_H

#include <sys/queue.h>

#include "daemon.h"
#include "keeper_keys.h"
#include "log_pace.h"

struct keeper_signer {
	TAILQ_ENTRY(keeper_signer) link;
	struct ipc_channel *channel;
};

struct keeper {
	struct daemon *d;
	struct link *resolver;
	struct keeper_keys keys;
	struct keeper_times times;
	TAILQ_HEAD(, keeper_signer) signers; /* who fetched keys hears of changes */
	struct event *tick;
	unsigned asking;       /* questions to DNS under way */
	uint64_t patience_s;   /* a write failed: none by itself before that */
	uint64_t complained_s; /* when keys were last told of that wait for their record */
	struct log_pace silence;
	uint64_t lookups, unknowns, changes, made, failed_writes;
};

/* ---- keeper.c ---- */
void keeper_times_set(struct keeper *k);
uint64_t keeper_now_s(void);

/* Signers hear what signs for the domain now. */
void keeper_tell(struct keeper *k, struct bytes domain);

/* ---- keeper_watch.c ---- */
void keeper_watch_start(struct keeper *k);

/* Another state for a key, durably; its consequences for others of its domain. The signers are
 * told. < 0: it could not be written, nothing has changed. */
MUST_USE int keeper_enter(struct keeper *k, struct keeper_key *key, enum dkim_key_state state);

/* ---- keeper_orders.c ---- */
/* New keys for a domain, of each type that has none waiting. base: of the selectors; empty: the
 * next free one. ERR_EXISTS: a selector is there already. */
MUST_USE int keeper_make(struct keeper *k, struct bytes domain, struct bytes base);
int keeper_forget(struct keeper *k, struct keeper_key *key);
void keeper_on_order(struct ipc_call *call, const void *msg);

extern const struct daemon_spec keeper_spec;

#endif
