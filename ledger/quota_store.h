/* SPDX-License-Identifier: ISC */
/*
 * ledger/quota_store.h - the use of quotas on disk: a transactional Berkeley DB environment with
 * one owner process.
 *
 * A commit is written to the log without a flush: a crash of the process loses nothing that
 * was committed, a power cut may lose the last moments (use can be counted anew from the
 * mailbox, so that is enough). Checkpoints keep recovery short.
 *
 * Runs in:  ledger, user relais-state, root folder: the environment.
 * Trusts:   its files, after a check of every page at the start.
 */
#ifndef RELAIS_QUOTA_STORE_H
#define RELAIS_QUOTA_STORE_H

#include "bytes.h"

struct quota_store;

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

struct quota_store_options {
	const char *folder; /* not "/", which Berkeley DB misreads: "." in the jail */
	uint64_t cache_octets;
	unsigned owner_wait_ms; /* the one before us may still be finishing (a reload) */
	void (*complain)(const char *text); /* what Berkeley DB has to say; may be NULL */
};

/*
 * Open, recover, read everything once. What can't be recovered is moved to "corrupt.N" in the
 * folder, and an empty store is begun: *anew becomes true and the use should be recounted.
 * returns: ERR_OK; ERR_IO, ERR_NO_SPACE, ERR_DENIED, ERR_BUSY (another process owns it)
 */
MUST_USE int quota_store_open(
	const struct quota_store_options *options, struct quota_store **out, bool *anew);

/* A checkpoint, then close. NULL is fine; sets NULL. */
void quota_store_close(struct quota_store **s);

/* All zero for an account that isn't there. returns: ERR_OK; ERR_IO; ERR_CORRUPT */
MUST_USE int quota_store_get(struct quota_store *s, struct bytes account, struct quota_use *out);

/*
 * All the changes or none, in order, as one transaction. Use stays at or above zero.
 * returns: ERR_OK; ERR_NO_SPACE, ERR_IO: nothing was changed; ERR_CORRUPT: this process can't go
 * on with the environment, the next one will recover it
 */
MUST_USE int quota_store_commit(struct quota_store *s, struct quota_change *changes, size_t n);

/* Up to max accounts behind after, in order. Returns how many; < 0 as quota_store_get(). */
typedef void quota_row_fn(void *arg, struct bytes account, const struct quota_use *use);
MUST_USE int quota_store_list(
	struct quota_store *s, struct bytes after, unsigned max, quota_row_fn *row, void *arg);

/* Write changed pages back and let old logs go. Costs nothing if nothing was committed. */
MUST_USE int quota_store_checkpoint(struct quota_store *s);

#endif
