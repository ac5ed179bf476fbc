/* SPDX-License-Identifier: ISC */
/*
 * qmgr/remote.h - mail to other hosts: recipients of one message with one next hop become a
 * job for a process of smtp-client (outbound_msg.h). Whose turn it is: destination.h.
 */
#ifndef RELAIS_QMGR_REMOTE_H
#define RELAIS_QMGR_REMOTE_H

#include "destination.h"
#include "directory_msg.h"

struct entry;
struct job;
struct link;
struct message;
struct qmgr;
struct queue_rcpt;

struct remote {
	struct destination_conf conf;
	struct destinations all;
	unsigned n; /* processes of smtp-client */
	struct link **links;
	unsigned rcpts;           /* recipients that wait at a destination or are out */
	struct event *pump;       /* at the end of this turn */
	struct event *gather;     /* soon: recipients of one message come one after another */
	struct event *wake;       /* when a destination is to be looked at again */
	uint64_t jobs, unreached; /* sent so far; that found nobody */
};

void remote_init(struct qmgr *q);
void remote_take_conf(struct qmgr *q);
void remote_stop(struct qmgr *q);
bool remote_is_idle(const struct qmgr *q); /* no job is out */
void remote_stats(const struct qmgr *q, struct buf *out);

/* The job of one recipient goes there. */
void remote_to(struct job *j, const struct directory_target *t);

/* When a message that has suspended recipients is to be looked at again, seconds since 1970. It
 * is parked at one of their destinations, and woken with it. */
uint64_t remote_next_s(struct qmgr *q, struct message *m);
/* Does this recipient wait where its message is parked? */
bool remote_is_parked(const struct qmgr *q, const struct message *m, const struct queue_rcpt *r);
/* Nothing else wakes it before that: it is too old then. Seconds since 1970. */
uint64_t remote_parked_until_s(const struct qmgr *q, const struct message *m);
/* The message leaves the queue, or nothing of it waits there any more. */
void remote_unpark(struct qmgr *q, struct entry *e);
/* The operator says: now. Its destinations, if dead, are tried. */
void remote_hurry(struct qmgr *q, const struct message *m);
/* When a message is tried again, for the operator: seconds since 1970. */
uint64_t remote_told_next_s(const struct qmgr *q, const struct entry *e);

#endif
