/* SPDX-License-Identifier: ISC */
/*
 * directory/near_quota.h - the accounts that are near or over their quota, as ledger tells.
 *
 * Only those: an account that isn't here has room. The limit itself is not kept, it comes from
 * the tables at each question, so a limit that was raised counts at once.
 */
#ifndef RELAIS_NEAR_QUOTA_H
#define RELAIS_NEAR_QUOTA_H

#include "ledger_msg.h"

struct near_quota;

struct near_quota *near_quota_new(void);
void near_quota_free(struct near_quota **n);
void near_quota_clear(struct near_quota *n);

/* Note what ledger says; forgets the account if it isn't near its limit any more. */
void near_quota_tell(struct near_quota *n, const struct ledger_use *use);

/* account_use_fn of resolve.h; arg is the struct near_quota. */
bool near_quota_use(void *arg, struct bytes account, uint64_t *octets, uint64_t *messages);

size_t near_quota_count(const struct near_quota *n);

#endif
