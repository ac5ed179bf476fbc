/* SPDX-License-Identifier: ISC */
/*
 * lib/daemon/bans.h - the banned addresses, as a door knows them: told by ledger in advance, so
 * that one who is banned costs an accept and a look in memory.
 *
 * A door whose daemon_spec has a .banned reply needs nothing more: doors.c asks. While ledger
 * is away what was told goes on to hold, each ban until its end; without ledger from the
 * start nobody is banned here (and directory still refuses).
 */
#ifndef RELAIS_BANS_H
#define RELAIS_BANS_H

#include "daemon.h"
#include "ip_block.h"

struct bans;

/* Makes a link to ledger and keeps it up; lives as long as the daemon. */
struct bans *bans_new(struct daemon *d);

/* Is a client of this address to be turned away? Not one of a UNIX socket. Counts it. */
bool bans_has(struct bans *b, const struct sockaddr_storage *addr);

/* Counters, in the form of daemon_spec's stats. */
void bans_stats(const struct bans *b, struct buf *out);

#endif
