/* SPDX-License-Identifier: ISC */
/*
 * lib/ipc/ipc_private.h - a channel from inside.
 *
 *	ipc.c		packets out and in, the channel's life
 *	ipc_request.c	requests that wait for their answers
 */
#ifndef RELAIS_IPC_PRIVATE_H
#define RELAIS_IPC_PRIVATE_H

#include <sys/queue.h>

#include "ipc.h"
#include "packet.h"

struct out_packet {
	TAILQ_ENTRY(out_packet) link;
	struct buf data;
	unsigned nfds;
	int fds[IPC_PACKET_FDS_MAX];
};

TAILQ_HEAD(out_queue, out_packet);

struct request_slot {
	ipc_answer_fn *done; /* NULL: free */
	void *arg;
	uint64_t deadline_ms; /* 0: none */
	uint32_t id;
	uint32_t next_free;
};

struct ipc_channel {
	struct ipc_channel_spec spec;
	struct event *readable, *writable, *flush, *sweep;
	struct out_queue out;
	size_t backlog;
	unsigned unsent_fds;
	struct buf compose;
	void *owner;
	uint32_t state;
	struct request_slot *slots;
	uint32_t nslots, free_slot, generation, waiting;
	bool sweeping, flush_due;
	bool unread;   /* nothing is read until answers have left */
	unsigned busy; /* dispatching: free later */
	bool dead;     /* freed by its owner meanwhile */
	bool retired;  /* freed when the last request is answered */
};

/* ---- ipc.c ---- */

void ipc_put_frame(struct ipc_channel *c, uint16_t type, uint8_t flags, uint32_t id, const int *fds,
	unsigned nfds);
void ipc_destroy(struct ipc_channel *c);     /* its memory; nothing of it is used any more */
void ipc_end_if_idle(struct ipc_channel *c); /* may destroy it */

/* ---- ipc_request.c ---- */

/* Every request that waits gets this answer. */
void ipc_requests_fail(struct ipc_channel *c, int err);
void ipc_request_answered(struct ipc_channel *c, struct ipc_frame *f);
void ipc_requests_sweep(evutil_socket_t fd, short what, void *channel); /* whose time is over */

#endif
