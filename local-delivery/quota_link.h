/* SPDX-License-Identifier: ISC */
/*
 * local-delivery/quota_link.h - private: ledger and quota.c, brought together.
 */
#ifndef RELAIS_QUOTA_LINK_H
#define RELAIS_QUOTA_LINK_H

#include "daemon.h"
#include "delivery.h"

struct quota_link;

/* Subscribes at ledger to who is near a limit, and keeps at it. q is borrowed. */
struct quota_link *quota_link_new(struct daemon *d, struct quota *q);

/* Something was delivered: what is untold goes out soon. */
void quota_link_poke(struct quota_link *l);

/* Tell everything now; idle: nothing is untold or under way any more. */
void quota_link_flush(struct quota_link *l);
bool quota_link_idle(const struct quota_link *l);

#endif
