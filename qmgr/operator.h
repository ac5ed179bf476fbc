/* SPDX-License-Identifier: ISC */
/* qmgr/operator.h - what the operator's questions and orders share. Private to operator*.c. */
#ifndef RELAIS_QMGR_OPERATOR_H
#define RELAIS_QMGR_OPERATOR_H

#include "filter.h"
#include "qmgr.h"

#define TURN_US  4000   /* going through the index: others wait so long at most */
#define READ_US  1500   /* the same, where files are read */
#define PAUSE_US 1000   /* between two turns of one order */
#define ORDER_US 300000 /* an order's turns: then it is answered and asked on */

/* A turn ends when its time is over. */
struct turn {
	uint64_t begun_us;
	unsigned n;
	bool read; /* files were read in it */
};

struct turn turn_begin(void);
/* true: stop here. read: a file was read for the last one. */
bool turn_is_over(struct turn *t, bool read);
/* Files are read with the mail standing still: until mail that is under way has had twice the time
 * of this turn. Microseconds, 0: nobody waits. */
uint64_t turn_rest_us(const struct qmgr *q, const struct turn *t);
/* The next one. */
void turn_again(const struct qmgr *q, const struct turn *t, struct event *next);

/* Is it one that the filter means? Messages not in memory are read if need be, and stay so
 * only if it is (*loaded: it was read for this). */
bool operator_means(struct qmgr *q, const struct filter *f, struct entry *e, bool *loaded);
/* Out of memory, if it was read for us and nothing needs it there. */
void operator_unload(struct qmgr *q, struct entry *e, bool loaded);

/* A recipient's next hop, if known. ctx: the message. */
struct bytes operator_hop(const void *ctx, uint32_t rcpt);

/* The destination that a message in memory waits for, if it gives no answer; when it is asked
 * again, seconds since 1970. NULL: none. */
const struct destination *operator_dead(struct qmgr *q, const struct entry *e, uint64_t *until_s);

void listings_peer_down(struct qmgr *q, const struct ipc_channel *channel);
void shapes_peer_down(struct qmgr *q, const struct ipc_channel *channel);

#endif
