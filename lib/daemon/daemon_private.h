/* SPDX-License-Identifier: ISC */
/* lib/daemon/daemon_private.h - what the skeleton's own files share. */
#ifndef RELAIS_DAEMON_PRIVATE_H
#define RELAIS_DAEMON_PRIVATE_H

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

struct daemon_private {
	struct daemon d;
	struct arena arena; /* configuration and names: as long as the process lives */
	struct ipc_channel *control;
	struct door *doors; /* doors.c */
	struct bans *bans;  /* doors.c; NULL: nobody is banned */
	struct peer *peers; /* as many as there are processes that may call us */
	size_t npeers;
	struct common_conf *common;
	void *conf;
	struct event *keep; /* so that the loop has something to wait for */
	struct event *log;  /* gathered lines have waited long enough */
	bool finished;
	uint64_t turns; /* of the event loop */
	int status;
	bool (*is_drained)(struct daemon *d); /* set while it is asked */
};

/* doors.c: listening sockets */
void doors_add(struct daemon_private *p, int fd, struct bytes label, struct bytes address);
void doors_open(struct daemon_private *p); /* begin to accept */
void doors_close(struct daemon_private *p);
void doors_stats(const struct daemon_private *p, struct buf *out);

#endif
