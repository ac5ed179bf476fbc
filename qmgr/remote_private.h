/* SPDX-License-Identifier: ISC */
/* qmgr/remote_private.h - between remote.c, remote_parked.c and remote_jobs.c. */
#ifndef RELAIS_QMGR_REMOTE_PRIVATE_H
#define RELAIS_QMGR_REMOTE_PRIVATE_H

#include "qmgr.h"

static inline struct job *
remote_job_of(struct dest_item *item)
{
	return (struct job *)((char *)item - offsetof(struct job, item));
}

/* ---- remote.c ---- */
void remote_pump_soon(struct qmgr *q); /* somebody's turn may have come */
/* All that waits at a destination that has died. */
void remote_suspend_all(struct qmgr *q, struct destination *d);

/* ---- remote_parked.c ---- */
uint64_t remote_sender(const struct qmgr *q, struct message *m); /* who has a fair share: a hash */
struct dest_owner remote_owner(const struct job *j);
bool remote_is_parked_id(void *ctx, const struct destination *d, uint64_t id);
/* Messages whose turn has come. true: more would come if there was room. */
bool remote_release_some(struct qmgr *q);

/* ---- remote_jobs.c ---- */
uint32_t remote_size(const struct job *j);
void remote_send(struct qmgr *q, const struct dest_batch *b);

/* ---- forward_sign.c ---- */
/* The domain that forwards it, if it is to be signed for one; else empty. */
struct bytes forward_sign_domain(const struct qmgr *q, const struct job *j);
/* Is that not done yet, and may be now? */
bool forward_sign_is_due(const struct qmgr *q, const struct job *j);
/* done() when it is, or cannot be. */
void forward_sign(struct qmgr *q, const struct job *j, void (*done)(void *arg), void *arg);
struct bytes forward_sign_fields(const struct job *j); /* or empty */

#endif
