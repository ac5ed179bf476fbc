/* SPDX-License-Identifier: ISC */
/* qmgr/dsn_private.h - between dsn.c and dsn_send.c: who is told of what. */
#ifndef RELAIS_QMGR_DSN_PRIVATE_H
#define RELAIS_QMGR_DSN_PRIVATE_H

#include "dsn.h"
#include "qmgr.h"

/* One report, or several: who is told of whom, and what for. */
struct report {
	struct qmgr *q;
	struct message *m;
	enum dsn_kind kind;
	uint32_t *targets; /* DSN_SUCCESS: of each recipient, how many */
	bool *told;
};

/* Is there something to tell of a recipient, whoever wants to hear it? */
bool dsn_has_news(const struct report *p, uint32_t i);
/* Who is told of it; empty: nobody. */
struct bytes dsn_whom(const struct report *p, uint32_t i);
enum dsn_action dsn_action(const struct report *p, const struct queue_rcpt *r);

bool dsn_has_owner(const struct queue_rcpt *r);
uint32_t dsn_original(const struct queue_state *s, uint32_t i, bool *alone);

#endif
