/* SPDX-License-Identifier: ISC */
/*
 * ledger/quota_store.h - the use of quotas in ledger's database.
 *
 * Runs in:  ledger.
 */
#ifndef RELAIS_QUOTA_STORE_H
#define RELAIS_QUOTA_STORE_H

#include "database.h"

struct quota_use {
	uint64_t octets, messages;
	uint64_t limit_octets, limit_messages; /* 0: none */
};

/* What one change does to an account. */
struct quota_change {
	struct bytes account;
	bool set;    /* use becomes octets, messages; else they are added */
	bool forget; /* the record goes */
	int64_t octets, messages;
	uint64_t limit_octets, limit_messages; /* UINT64_MAX: as they were */
	struct quota_use before, after;        /* filled in by quota_store_commit() */
};

/* All zero for an account that isn't there. returns: ERR_OK; ERR_IO; ERR_CORRUPT */
MUST_USE int quota_store_get(struct database *db, struct bytes account, struct quota_use *out);

/*
 * All the changes or none, in order, as one transaction. Use stays at or above zero.
 * returns: ERR_OK; ERR_NO_SPACE, ERR_IO: nothing was changed; ERR_CORRUPT: this process can't go
 * on with the environment, the next one will recover it
 */
MUST_USE int quota_store_commit(struct database *db, struct quota_change *changes, size_t n);

/* Up to max accounts behind after, in order. Returns how many; < 0 as quota_store_get(). */
typedef void quota_row_fn(void *arg, struct bytes account, const struct quota_use *use);
MUST_USE int quota_store_list(
	struct database *db, struct bytes after, unsigned max, quota_row_fn *row, void *arg);

#endif
