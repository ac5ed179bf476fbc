/* SPDX-License-Identifier: ISC */
/*
 * ledger/database.h - all of ledger's tables: one transactional Berkeley DB environment with one
 * owner process.
 *
 * A commit is written to the log without a flush: a crash of the process loses nothing that
 * was committed, a power cut may lose the last second (use can be counted anew, a ban is made
 * again). Checkpoints keep recovery short. Keys and values are octets; a value begins with
 * its format as a u32.
 *
 * Runs in:  ledger, user relais-state, root folder: the environment.
 * Trusts:   its files, after a check of every page at the start.
 */
#ifndef RELAIS_DATABASE_H
#define RELAIS_DATABASE_H

#include "buf.h"

#define DATABASE_KEY_MAX 512

enum database_table {
	TABLE_QUOTA,      /* account: its use */
	TABLE_BANS,       /* address block or login: a ban, and how often before */
	TABLE_KNOWN,      /* account: networks it logged in from */
	TABLE_LAST_USE,   /* account NUL credential: when and from where it was last right */
	TABLE_SENT,       /* account: what it sent in the last day, by hours */
	TABLE_RECIPIENTS, /* account: keyed hashes of those it wrote to */
	TABLE_INCIDENTS,  /* account: why it may not send */
	TABLE_KEYS,       /* name: a secret of ours */
	TABLE_DMARC_DAYS, /* day, part, policy domain: what it has */
	TABLE_DMARC_ROWS, /* the same and a hash: a row of an aggregate report */
	TABLES
};

struct database;
struct database_txn;

struct database_options {
	const char *folder; /* not "/", which Berkeley DB misreads: "." in the jail */
	uint64_t cache_octets;
	unsigned owner_wait_ms; /* the one before us may still be finishing (a reload) */
	void (*complain)(const char *text); /* what Berkeley DB has to say; may be NULL */
};

/*
 * Open, recover, read everything once. What can't be recovered is moved to "corrupt.N" in the
 * folder, and empty tables are begun: *anew becomes true.
 * returns: ERR_OK; ERR_IO, ERR_NO_SPACE, ERR_DENIED, ERR_BUSY (another process owns it)
 */
MUST_USE int database_open(
	const struct database_options *options, struct database **out, bool *anew);

/* A checkpoint, then close. NULL is fine; sets NULL. */
void database_close(struct database **db);

/*
 * Errors of all that follow: ERR_NO_SPACE, ERR_IO: nothing was changed; ERR_CORRUPT: this process
 * can't go on with the environment, the next one will recover it. A table's format number is
 * put in front of each value and checked at reading.
 */
MUST_USE int database_begin(struct database *db, struct database_txn **txn);
MUST_USE int database_commit(struct database *db, struct database_txn *txn);
/* err: why; comes back, or ERR_CORRUPT if even this failed */
MUST_USE int database_abort(struct database *db, struct database_txn *txn, int err);

/* value: emptied first. txn may be NULL. ERR_NOT_FOUND if there is none. */
MUST_USE int database_get(struct database *db, struct database_txn *txn, enum database_table t,
	struct bytes key, struct buf *value);

/* txn NULL: a transaction of its own. */
MUST_USE int database_put(struct database *db, struct database_txn *txn, enum database_table t,
	struct bytes key, struct bytes value);
MUST_USE int database_del(
	struct database *db, struct database_txn *txn, enum database_table t, struct bytes key);

/* Up to max rows behind the key after, in the order of keys. The bytes live during the call; row
 * may end it by an error. Returns how many; < 0 as above, or what row said. */
typedef int database_row_fn(void *arg, struct bytes key, struct bytes value);
MUST_USE int database_walk(struct database *db, enum database_table t, struct bytes after,
	unsigned max, database_row_fn *row, void *arg);

/* Write changed pages back and let old logs go. Costs nothing if nothing was committed. */
MUST_USE int database_checkpoint(struct database *db);

#endif
