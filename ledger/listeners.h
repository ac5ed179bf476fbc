/* SPDX-License-Identifier: ISC */
/*
 * ledger/listeners.h - the channels that asked to be told of something: doors of bans, qmgr of
 * incidents. Each is in the list once, until its peer leaves.
 */
#ifndef RELAIS_LISTENERS_H
#define RELAIS_LISTENERS_H

#include <stdbool.h>
#include <sys/queue.h>

struct ipc_channel;

struct listener {
	LIST_ENTRY(listener) link;
	struct ipc_channel *channel;
	bool stale; /* the owner's: it did not read, and is told all again when it does */
};

LIST_HEAD(listeners, listener);

/* NULL: it listens already */
struct listener *listeners_add(struct listeners *all, struct ipc_channel *channel);
void listeners_remove(struct listeners *all, const struct ipc_channel *peer);
void listeners_clear(struct listeners *all);

#endif
