/* SPDX-License-Identifier: ISC */
/*
 * lib/store/folder.h - one Maildir and the index beside it: the files, the lock, the log.
 *
 * Rules:
 *   - Who changes anything holds the folder's lock (flock on the directory) and has taken up
 *     the whole log before. Readers take no lock.
 *   - A change is a list of log records: gathered in pending, written by folder_commit() in
 *     one go, and then applied to the state exactly as other processes will apply them.
 *   - The record of a new message is written before the file gets its final name: a UID
 *     whose writer died between is lost, never used twice.
 */
#ifndef RELAIS_STORE_FOLDER_H
#define RELAIS_STORE_FOLDER_H

#include "cache_file.h"
#include "state.h"

#define UID_BLOCK        256 /* UIDs reserved at once in .uidvalidity */
#define FOLDER_MODE      0700
#define FOLDER_FILE_MODE 0600

struct folder {
	int dirfd;            /* owned, as are all */
	int log_fd, cache_fd; /* the cache -1 until needed */
	int lock_depth;
	struct state state;
	uint64_t log_end; /* applied up to here */
	struct log_hints hints;
	struct buf pending;       /* records to be written */
	uint64_t modseq;          /* of the pending records */
	bool rebuilding;          /* from files: the UIDs in their names count */
	uint32_t uid_floor;       /* while rebuilding: UIDs up to here may have been seen */
	uint32_t settled_uidnext; /* told, and durable */
	struct buf window;        /* a piece of the cache, from window_off on */
	uint64_t window_off;
	bool cache_checked; /* its header is right */
	bool foreign;       /* as folder_open_foreign() says */
	uint64_t minute_us; /* foreign: a minute began at this time, and of it so much */
	uint64_t waited_us; /* was spent waiting for locks of this folder */
};

/* Takes dirfd over in any case. Makes or rebuilds the index if need be. */
MUST_USE int folder_open(int dirfd, struct folder **out);
/* The same in a process that the mailbox' owner has no power over: the snapshot is copied, not
 * mapped, for the owner could change or cut the file after it was checked; locks that the owner
 * keeps are waited for a second in each minute (patient; else the first minute has none); what
 * is larger than any honest index is not read. */
#define FOREIGN_MINUTE_US (60 * 1000000ULL)
MUST_USE int folder_open_foreign(int dirfd, bool patient, struct folder **out);
void folder_close(struct folder **f);

/* Make cur, new, tmp below dirfd if they are not there. */
MUST_USE int folder_make_maildir(int dirfd);

/* The lock; nests. Waits up to 30 s (ERR_BUSY). On ERR_OK the state is what the log says. */
MUST_USE int folder_lock(struct folder *f);
void folder_unlock(struct folder *f);

/* Take up the log's tail, no lock needed. ERR_NOT_FOUND: the folder was deleted. */
MUST_USE int folder_update(struct folder *f);

/* The same, and what foreign programs did to the directories (under the lock then). */
MUST_USE int folder_check(struct folder *f);

/* All that is told of this state is durable: no UID anybody saw can be given out again. */
MUST_USE int folder_settle(struct folder *f);

/* ---- changes, under the lock ------------------------------------------------------------ */

/* Begin a record of the change in hand (all of them share one modseq). */
size_t folder_record(struct folder *f, enum log_type type);
void folder_record_end(struct folder *f, size_t began);

/* Write what is pending, apply it; with sync it is durable on ERR_OK. Without pending: nothing. */
MUST_USE int folder_commit(struct folder *f, bool sync);
/* Make durable what was committed without sync. Locked. */
MUST_USE int folder_sync_log(struct folder *f);
void folder_forget(struct folder *f); /* drop what is pending */

/* n UIDs from the returned one on (0 and an error in *r): to be used by coming records. */
uint32_t folder_reserve(struct folder *f, uint32_t n, int *r);

/* A new snapshot, an empty log, the cache without what is gone. */
MUST_USE int folder_fold(struct folder *f);

/* Remove what dead writers left in tmp/ more than 36 hours ago. Once for each fold. */
void folder_sweep_tmp(struct folder *f, int64_t now);
/* Is it time? For one who is about to leave, and for one who has work to do. */
bool folder_may_fold(const struct folder *f);
bool folder_wants_fold(const struct folder *f);

/* Steps of it, for a rebuild: write relais.index.tmp; rename it and begin its log, all
 * durable; begin a log for the state as it is in memory. */
MUST_USE int folder_write_snapshot(struct folder *f, uint64_t generation);
MUST_USE int folder_install(struct folder *f, uint64_t generation);
MUST_USE int folder_start_log(struct folder *f);
MUST_USE int folder_replace_log(struct folder *f); /* the same, durable */
/* Forget the state and load what is on disk, made anew if need be. */
MUST_USE int folder_reload(struct folder *f);

/* ---- parts in files of their own --------------------------------------------------------- */

/* rebuild.c: the index anew from files, and from what can still be read of it. Locked. */
MUST_USE int folder_rebuild(struct folder *f);

/* The snapshot on disk in the state. A file that cannot be one (its size, holes) costs no memory.
 * ERR_OK; ERR_NOT_FOUND; ERR_CORRUPT; ERR_UNSUPPORTED; ERR_RESOURCE */
MUST_USE int folder_load_snapshot(struct folder *f);

/* How long a log of this folder is read: what is longer was not written by us. */
uint64_t folder_log_limit(const struct folder *f);

/* Apply records to a state; how many octets of them is added to *end. ERR_CORRUPT: one that
 * checks but cannot be right here. */
MUST_USE int folder_apply_records(struct state *s, struct bytes in, uint64_t *end);

/* merge.c: compare directories and index, take up what differs. Locked. */
enum merge_scope {
	MERGE_NEW = 1,
	MERGE_ALL = 3
};
MUST_USE int folder_merge(struct folder *f, enum merge_scope scope);
/* The directories' times, 0 on error. */
void folder_mtimes(struct folder *f, int64_t *new_ns, int64_t *cur_ns);
int folder_write_hints(struct folder *f);
void folder_read_hints(struct folder *f);

/* rest.c: flags into file names, read messages from new/ to cur/. Takes the lock. */
void folder_rest(struct folder *f);

/* uidfile.c: .uidvalidity as mbsync has it, "<uidvalidity>\n<highest UID>\n". Waits for its
 * lock (ERR_BUSY). With raise > 0 the bound becomes at least raise. If there is none it is made
 * with *uidvalidity (0: a new one) and bound raise. */
#define UIDFILE_WAIT_US (10 * 1000000ULL) /* mbsync lets go after two idle seconds */
MUST_USE int uidfile_raise(int dirfd, uint64_t patience_us, uint32_t raise, uint32_t *uidvalidity,
	uint32_t *bound_before, uint32_t *bound);
/* The same for a folder, with the patience it has. */
MUST_USE int folder_raise_uids(struct folder *f, uint32_t raise, uint32_t *uidvalidity,
	uint32_t *bound_before, uint32_t *bound);
MUST_USE int uidfile_sync(int dirfd);

/* keywords.c: dovecot-keywords. */
void keywords_save(const struct folder *f);
void keywords_load(struct folder *f); /* those in the file as pending records */

/* cache.c */
/* The cached record of a message, or ERR_NOT_FOUND. Borrowed until the next call. */
MUST_USE int cache_get(struct folder *f, const struct index_record *r, struct store_cached *out);
/* Append a record; where it lies goes to *off, *len (len 0: not cached). Locked. */
void cache_put(struct folder *f, struct bytes record, uint64_t *off, uint32_t *len);
void cache_drop(struct folder *f);
/* New file with what the living need; changes their records in the state. Locked. */
void cache_compact(struct folder *f);
/* Parse a message (CRLF line ends); the texts lie in scratch. */
void cache_make(
	struct bytes message, struct arena *a, struct buf *scratch, struct store_cached *out);

/* names.c: paths of messages. */
#define FOLDER_PATH_SIZE 264
/* "new/NAME" or "cur/NAME" */
void folder_path(const struct folder *f, const struct index_record *r, char out[FOLDER_PATH_SIZE]);
/* A descriptor of a message's file, wherever it went. ERR_NOT_FOUND: gone. The record
 * may have moved: look it up again. */
MUST_USE int folder_open_message(struct folder *f, uint32_t uid);

#endif
