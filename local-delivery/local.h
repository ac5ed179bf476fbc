/* SPDX-License-Identifier: ISC */
/* local-delivery/local.h - private: the daemon's functions, for main.c's spec and for tests. */
#ifndef RELAIS_LOCAL_H
#define RELAIS_LOCAL_H

#include "daemon.h"
#include "delivery.h"
#include "quota_link.h"

#define LOCAL_ROUTES 2
extern const struct ipc_route local_routes[LOCAL_ROUTES];

int local_start(struct daemon *d);
int local_run(struct daemon *d);
void local_peer_down(struct daemon *d, struct ipc_channel *peer);
void local_drain(struct daemon *d);
void local_stats(struct daemon *d, struct buf *out);
void local_stop(struct daemon *d);

#endif
