/* SPDX-License-Identifier: ISC */
/* lib/daemon/daemon_private.h - what the skeleton's own files share. */
#ifndef RELAIS_DAEMON_PRIVATE_H
#define RELAIS_DAEMON_PRIVATE_H

#include <sys/queue.h>

#include "bans.h"
#include "daemon.h"

struct door;

/* Channels that one process may have with us. It needs one; for a moment two, while it learns
 * that the first is lost. The operator's commands come all as one. */
#define PEER_CHANNELS_MAX 64

struct peer { /* a process that was introduced */
	enum service service;
	unsigned instance;
	unsigned channels;
};

struct caller { /* a channel on which we are asked */
	LIST_ENTRY(caller) link;
	struct ipc_channel *channel;
};

struct daemon_private {
	struct daemon d;
	struct arena arena; /* configuration and names: as long as the process lives */
	struct ipc_channel *control;
	struct door *doors; /* doors.c */
	struct bans *bans;  /* doors.c; NULL: nobody is banned */
	struct peer *peers; /* as many as there are processes that may call us */
	size_t npeers;
	LIST_HEAD(, caller) callers; /* leave.c; without the operator's commands */
	struct event *leave;         /* leave.c: is it time? */
	uint64_t told_ms;            /* since when the callers know */
	unsigned leave_wait_ms;      /* until the next look */
	bool sole;                   /* our successor waits until we have gone */
	struct common_conf *common;
	void *conf;
	struct event *keep; /* so that the loop has something to wait for */
	struct event *log;  /* gathered lines have waited long enough */
	bool finished;
	uint64_t turns; /* of the event loop */
	int status;
	bool (*is_drained)(struct daemon *d); /* set while it is asked */
};

/* daemon.c */
void daemon_begin_drain(struct daemon_private *p);

/* leave.c: another process of the service takes over */
void leave_begin(struct daemon_private *p, bool sole);
void leave_caller_up(struct daemon_private *p, struct ipc_channel *channel);
void leave_caller_down(struct daemon_private *p, const struct ipc_channel *channel);

/* doors.c: listening sockets */
void doors_add(struct daemon_private *p, int fd, struct bytes label, struct bytes address);
void doors_open(struct daemon_private *p); /* begin to accept */
void doors_close(struct daemon_private *p);
void doors_stats(const struct daemon_private *p, struct buf *out);

#endif
