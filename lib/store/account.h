/* SPDX-License-Identifier: ISC */
/* lib/store/account.h - inside lib/store: an account and a view, and what they share. */
#ifndef RELAIS_STORE_ACCOUNT_H
#define RELAIS_STORE_ACCOUNT_H

#include <sys/stat.h>

#include "folder.h"

#define STORE_HOST_MAX 64

struct store_account {
	int rootfd;
	int maildrop_fd; /* the POP3 lock, or -1 */
	char host[STORE_HOST_MAX + 1];
	struct store_usage delta;
	unsigned names_made;
};

struct uid_range {
	uint32_t from, to; /* inclusive */
};

struct store_view {
	struct store_account *account;
	struct folder *f;
	bool read_only;
	int newfd, curfd;
	uint32_t *uids; /* by sequence number - 1: what the session was told */
	size_t n, cap;
	uint64_t told_modseq; /* changes up to here were told */
	unsigned told_keywords;
	uint64_t *own; /* modseqs of our own changes, not to be told */
	size_t n_own, cap_own;
	struct uid_range *recent;
	size_t n_recent;
	struct buf expunged, expunged_uids, changed; /* lists of the last refresh */
	uint64_t seen_generation, seen_end;          /* of the log, at the last refresh */
	bool held;                                   /* expunged ones are still to be told */
	struct buf scratch;
	struct arena arena;
};

/* A host name fit for file names. */
void account_set_host(char out[STORE_HOST_MAX + 1], const char *hostname);

/* Open a folder by name. ERR_NOT_FOUND; ERR_SYNTAX */
MUST_USE int account_open_folder(
	struct store_account *account, struct bytes name, struct folder **out);

/* Make the Maildir "dir" below rootfd, with a UIDVALIDITY no folder here ever had.
 * ERR_EXISTS */
MUST_USE int account_make_folder(int rootfd, const char *dir, bool durable);

/* As store_folder_subscribe(); without wait ERR_BUSY while another does it. */
MUST_USE int account_subscribe(
	struct store_account *account, struct bytes name, bool on, bool wait);

/* A new unique key "<seconds>.<unique>.<host>". */
void account_new_key(struct store_account *account, int64_t seconds, struct buf *out);

/* Flush directories of a folder: MERGE_NEW for new/, MERGE_ALL for both. */
MUST_USE int folder_sync_directories(struct folder *f, enum merge_scope scope);

/* A message about to be appended: its log record. Locked; file is in new/ or cur/ as state says. */
void folder_put_append(
	struct folder *f, struct index_record record, struct bytes name, size_t key_len);

/* The bits of keywords by name in this folder, made if need be (as pending records that are
 * committed here). Those that find no room are left out. Locked. */
MUST_USE int folder_map_keywords(
	struct folder *f, const struct bytes *names, size_t n, uint64_t *bits);

/* Line ends that have no CR. */
uint32_t count_bare_lf(struct bytes text, uint8_t before);

/* Is a file shorter than it was written, after a power cut a moment ago? The queue will deliver
 * it again; until then nobody is shown the piece. Later one takes files as they are. */
bool file_is_torn(const struct stat *st, uint64_t written);

#endif
