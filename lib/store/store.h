/* SPDX-License-Identifier: ISC */
/*
 * lib/store/store.h - the mailbox: a Maildir++ with an index beside it (docs/mailbox.md).
 *
 * An account is one directory tree; a folder is one Maildir in it; a view is what one session
 * has been told of a folder: numbered messages that change only when the session asks
 * (store_refresh). Any number of processes may work in a folder at once, and programs that
 * know nothing of the index may rename, add or remove files.
 *
 * Runs in:  IMAP and POP3 sessions, local-delivery. One thread, blocking system calls.
 * Trusts:   nothing it reads from the disk: all lengths and checksums are checked, a damaged
 *           index is rebuilt from the files.
 * Returns:  enum err: ERR_OK or < 0, unless said otherwise. ERR_NOT_FOUND also means that
 *           the folder of an open view was deleted.
 *
 * Folder names are in IMAP's wire form: modified UTF-7 (RFC 3501 sec. 5.1.3), levels separated
 * by STORE_DELIMITER, INBOX in any case. On disk ".A.B", as Dovecot and mutt expect, with
 * '.' inside a level written "\2e".
 */
#ifndef RELAIS_STORE_H
#define RELAIS_STORE_H

#include "arena.h"
#include "buf.h"
#include "bytes.h"

#define STORE_DELIMITER    '/'
#define STORE_NAME_MAX     240 /* octets of a folder name: a directory's name is at most 255 */
#define STORE_KEYWORDS_MAX 64  /* different keywords in one folder */
#define STORE_KEYWORD_MAX  100 /* octets of one keyword */

/* ---- accounts -------------------------------------------------------------------------- */

struct store_account;

struct store_options {
	const char *hostname; /* for file names; '/', ',' and ':' are replaced. Copied */
};

/*
 * The account whose Maildir++ is the directory root_dirfd (duplicated; works in a chroot). The
 * INBOX is made if it is not there yet.
 */
MUST_USE int store_account_open(
	int root_dirfd, const struct store_options *options, struct store_account **out);
void store_account_close(struct store_account **account); /* after its views; NULL is fine */

/* ---- folders --------------------------------------------------------------------------- */

enum store_folder_attr {
	STORE_NOSELECT = 1 << 0, /* no such folder, but it has children (RFC 3501 \Noselect) */
	STORE_HAS_CHILDREN = 1 << 1,
	STORE_SUBSCRIBED = 1 << 2,
	STORE_USE_DRAFTS = 1 << 3, /* RFC 6154, by the conventional names */
	STORE_USE_SENT = 1 << 4,
	STORE_USE_TRASH = 1 << 5,
	STORE_USE_JUNK = 1 << 6,
	STORE_USE_ARCHIVE = 1 << 7,
	STORE_NONEXISTENT = 1 << 8 /* subscribed, but neither it nor a child exists */
};

struct store_folder {
	struct bytes name; /* "INBOX", "Lists/relais" */
	unsigned attrs;    /* enum store_folder_attr */
};

/* All folders, sorted, INBOX first, with parents that no longer exist (STORE_NOSELECT) and
 * subscriptions to folders that are gone (STORE_NONEXISTENT). Everything lives in a. */
MUST_USE int store_list(
	struct store_account *account, struct arena *a, struct store_folder **out, size_t *n);

/* Is the name allowed (RFC 3501 sec. 5.1; valid modified UTF-7; no empty level)? Pure.
 * returns: ERR_OK; ERR_SYNTAX; ERR_LIMIT (too long) */
MUST_USE int store_name_check(struct bytes name);

/* ERR_EXISTS; ERR_SYNTAX; ERR_LIMIT. A '/' at the end of name is ignored. Parents are not made:
 * they appear as STORE_NOSELECT. */
MUST_USE int store_folder_create(struct store_account *account, struct bytes name);
/* ERR_NOT_FOUND; ERR_DENIED (INBOX). Children stay. */
MUST_USE int store_folder_delete(struct store_account *account, struct bytes name);
/* With all children. INBOX: its messages move to the new folder, its children stay. */
MUST_USE int store_folder_rename(struct store_account *account, struct bytes from, struct bytes to);
MUST_USE int store_folder_subscribe(struct store_account *account, struct bytes name, bool on);
/* ERR_OK if it can be selected, else ERR_NOT_FOUND or ERR_SYNTAX */
MUST_USE int store_folder_exists(struct store_account *account, struct bytes name);

struct store_status {
	uint32_t messages;
	uint32_t recent;
	uint32_t unseen;
	uint32_t uidnext;
	uint32_t uidvalidity;
	uint64_t highestmodseq;
	uint64_t octets;       /* of all messages */
	uint32_t deleted;      /* messages with \Deleted */
	uint32_t first_unseen; /* sequence number, 0: none (only from store_view_status) */
};

/* The figures of a folder without keeping it open. */
MUST_USE int store_status(
	struct store_account *account, struct bytes name, struct store_status *out);

/* ---- views ----------------------------------------------------------------------------- */

struct store_view;

enum store_flag {
	STORE_SEEN = 1 << 0,
	STORE_ANSWERED = 1 << 1,
	STORE_FLAGGED = 1 << 2,
	STORE_DELETED = 1 << 3,
	STORE_DRAFT = 1 << 4
};
#define STORE_FLAGS_ALL 0x1f

enum store_open_flag {
	STORE_READ_ONLY = 1 << 0 /* EXAMINE: takes no \Recent, refuses changes (ERR_DENIED) */
};

MUST_USE int store_open(
	struct store_account *account, struct bytes name, unsigned flags, struct store_view **out);
/* Brings flags into the file names. NULL is fine; sets *view to NULL. */
void store_close(struct store_view **view);

struct store_message {
	uint32_t uid;
	unsigned flags;        /* enum store_flag */
	bool recent;           /* \Recent for this view */
	bool expunged;         /* another process has expunged it; numbers stay until refresh */
	uint64_t keywords;     /* bit i: store_keyword_name(view, i) */
	int64_t internal_date; /* seconds since 1970, UTC */
	uint64_t size;         /* RFC822.SIZE: with CRLF line ends */
	uint64_t modseq;
};

uint32_t store_count(const struct store_view *view);
/* seq: 1 to store_count(). The whole folder's flags need no file access. */
void store_message(struct store_view *view, uint32_t seq, struct store_message *out);
uint32_t store_uid(const struct store_view *view, uint32_t seq);
/* Sequence number of the first message with this UID or a higher one; count + 1: none. */
uint32_t store_seq_from_uid(const struct store_view *view, uint32_t uid);
/* Sequence number of exactly this UID, or 0. */
uint32_t store_seq_of_uid(const struct store_view *view, uint32_t uid);
void store_view_status(struct store_view *view, struct store_status *out);
bool store_view_read_only(const struct store_view *view);

/* Keywords of the folder: bits 0 to store_keyword_count() - 1. Names are compared without case;
 * borrowed until the next refresh. */
unsigned store_keyword_count(const struct store_view *view);
const char *store_keyword_name(const struct store_view *view, unsigned bit);
/* The bit of a keyword, made if create. ERR_NOT_FOUND; ERR_LIMIT (64 in use); ERR_SYNTAX. */
MUST_USE int store_keyword_bit(
	struct store_view *view, struct bytes name, bool create, unsigned *bit);

/* Nothing to do for a while: buffers are given back; what store_cached() and store_refresh()
 * returned is gone. */
void store_view_rest(struct store_view *view);

/* ---- what a message holds -------------------------------------------------------------- */

struct store_content {
	struct bytes text; /* the whole message with CRLF line ends */
	/* private */
	void *map;
	size_t map_size;
	uint8_t *copy;
};

/* ERR_NOT_FOUND: the file is gone (expunged by somebody). Files that others have renamed are
 * found. The text lives until store_content_close(). */
MUST_USE int store_content_open(struct store_view *view, uint32_t seq, struct store_content *out);
void store_content_close(struct store_content *content);

struct store_cached {
	struct bytes envelope;      /* wire text "(...)", RFC 3501 sec. 7.4.2 */
	struct bytes body;          /* BODY: without extension data */
	struct bytes bodystructure; /* BODYSTRUCTURE */
	struct bytes fields;        /* raw lines of the common header fields, see below */
	uint32_t header_octets;     /* length of the header with its empty line */
};

/* From the cache, or parsed now and put there. Borrowed until the next call for this view.
 * ERR_NOT_FOUND: the file is gone. */
MUST_USE int store_cached(struct store_view *view, uint32_t seq, struct store_cached *out);

/* May HEADER.FIELDS with these names be answered from store_cached.fields? (Those are all lines
 * of: Date From Sender Reply-To To Cc Bcc Subject Message-ID In-Reply-To References
 * Content-Type MIME-Version Content-Transfer-Encoding List-ID List-Post Priority X-Priority
 * Importance Disposition-Notification-To X-Spam-Status X-Spam-Flag Delivered-To.) */
bool store_fields_cached(const struct bytes *names, size_t n);

/* ---- changes --------------------------------------------------------------------------- */

enum store_flags_how {
	STORE_REPLACE,
	STORE_ADD,
	STORE_REMOVE
};

struct store_flags_change {
	enum store_flags_how how;
	unsigned flags;
	uint64_t keywords;
	uint64_t unchanged_since; /* RFC 7162: skip messages with a higher modseq; 0: none */
};

/*
 * Change the flags of these messages; durable on return. The view shows the new flags at
 * once; they are not listed again by store_refresh. UIDs that are gone are passed over.
 *
 * skipped: NULL, or room for n UIDs that failed unchanged_since; *n_skipped is set
 */
MUST_USE int store_change_flags(struct store_view *view, const uint32_t *uids, size_t n,
	const struct store_flags_change *change, uint32_t *skipped, size_t *n_skipped);

/* Remove these messages; with only_deleted those of them that have \Deleted. uids NULL: all.
 * Durable on return. The numbers in the view change with the next store_refresh. */
MUST_USE int store_expunge(
	struct store_view *view, const uint32_t *uids, size_t n, bool only_deleted);

enum store_refresh_flag {
	STORE_HOLD_EXPUNGED = 1 << 0 /* numbers must not change now (FETCH, STORE, SEARCH) */
};

struct store_changes {
	/* expunged: each number as valid when it is sent, in this order ("* n EXPUNGE") */
	const uint32_t *expunged;
	const uint32_t *expunged_uids;
	size_t n_expunged;
	/* changed flags: numbers after all the expunges, ascending */
	const uint32_t *changed;
	size_t n_changed;
	uint32_t exists;    /* count now */
	uint32_t first_new; /* first message not told before; exists + 1: none */
	uint32_t recent;    /* count of \Recent now */
	bool new_keywords;
};

/* Take up what others did. Borrowed until the next call for this view. */
MUST_USE int store_refresh(struct store_view *view, unsigned flags, struct store_changes *out);

/* Directories (borrowed fds) whose inotify events (create, move, delete, modify of a file in
 * them) call for store_refresh(). */
#define STORE_WATCH_DIRS 3
void store_watch_dirs(const struct store_view *view, int out[STORE_WATCH_DIRS]);

/* ---- new messages ---------------------------------------------------------------------- */

struct store_append;

struct store_new {
	unsigned flags;
	const struct bytes *keywords; /* names */
	size_t n_keywords;
	int64_t internal_date; /* 0: now */
};

struct store_placed {
	uint32_t uidvalidity;
	uint32_t uid;
};

/* A message that comes in pieces (CRLF line ends), into tmp/. ERR_NOT_FOUND: no such folder. */
MUST_USE int store_append_begin(
	struct store_account *account, struct bytes folder, struct store_append **out);
MUST_USE int store_append_write(struct store_append *append, struct bytes piece);
/* Durable on ERR_OK. Frees the append in any case and sets *append to NULL. */
MUST_USE int store_append_commit(struct store_append **append, const struct store_new *attributes,
	struct store_placed *placed);
void store_append_abort(struct store_append **append); /* NULL is fine */

struct store_copied {
	uint32_t uidvalidity; /* of the target */
	size_t n;
	uint32_t *from_uids; /* ascending, in the arena; UIDs already gone are left out */
	uint32_t *to_uids;
};

/* COPY (or MOVE, RFC 6851) by hard links; all or nothing; durable on ERR_OK. After a MOVE the
 * numbers in the view change with the next store_refresh. */
MUST_USE int store_copy(struct store_view *view, const uint32_t *uids, size_t n,
	struct bytes folder, bool move, struct arena *a, struct store_copied *out);

/* ---- POP3 ------------------------------------------------------------------------------ */

/* The exclusive lock of the maildrop (RFC 1939 sec. 4), held until unlock or the process' end.
 * ERR_BUSY: another session has it. */
MUST_USE int store_maildrop_lock(struct store_account *account);
void store_maildrop_unlock(struct store_account *account);

#define STORE_UIDL_SIZE 24
/* The stable unique-id of a message: 8 hex digits of UIDVALIDITY, 8 of UID. Returns out. */
char *store_uidl(const struct store_view *view, uint32_t seq, char out[STORE_UIDL_SIZE]);

/* ---- quota ----------------------------------------------------------------------------- */

struct store_usage {
	int64_t octets;
	int64_t messages;
};

/* What this account's use changed by through this handle since the last call. */
struct store_usage store_take_delta(struct store_account *account);
/* Count it all anew from the indexes. */
MUST_USE int store_recount(struct store_account *account, struct store_usage *out);

/* ---- local delivery -------------------------------------------------------------------- */

/*
 * A deliverer keeps the folders it used last open (lock, log, cache), so that a delivery costs a
 * handful of system calls. It never flushes: durable after a syncfs of the mail root, until when
 * the queue keeps the message.
 */
struct store_deliverer;

struct store_deliverer_options {
	const char *hostname;
	unsigned max_open; /* folders kept open, 4 fds each; 0: 64 */
};

/* mail_root_dirfd: duplicated. */
MUST_USE int store_deliverer_new(int mail_root_dirfd, const struct store_deliverer_options *options,
	struct store_deliverer **out);
void store_deliverer_free(struct store_deliverer **deliverer);

struct store_delivery {
	const char *home;    /* account's directory below the mail root; made if missing */
	struct bytes folder; /* BYTES_NONE: INBOX */
	bool create_folder; /* make the folder, and subscribe to it, if missing; else it goes to the
			       INBOX */
	/* Exactly once: the same unique in the same folder finds its own file, whatever happened
	 * to it since, and adds nothing. Letters, digits, '_', '-': "<queue id>_<recipient nr>". */
	struct bytes unique;
	int64_t arrival; /* seconds: in the file name, same for each try; also INTERNALDATE */
	/* true if an earlier try cannot be ruled out (after any restart, time-out or retry):
	 * looks for its own file first. A first try skips that. */
	bool repeated;
	unsigned flags;
	struct bytes prefix;  /* fields put in front: Return-Path, Delivered-To, Received */
	struct bytes content; /* the message if in memory, else: */
	int content_fd;       /* used when content.p is NULL */
	uint64_t content_offset, content_length;
};

struct store_delivered {
	int result;     /* enum err for this one; the rest is valid if ERR_OK */
	bool was_there; /* an earlier try had done it: no usage to count */
	uint32_t uid;
	uint64_t octets; /* size of the stored message: add to the account's usage */
};

/* One message. returns: out->result */
MUST_USE int store_deliver(struct store_deliverer *deliverer, const struct store_delivery *delivery,
	struct store_delivered *out);

/* Several; those that lie next to each other in the array and go to the same folder are done under
 * one lock. Each has its own result. */
void store_deliver_many(struct store_deliverer *deliverer, const struct store_delivery *deliveries,
	size_t n, struct store_delivered *out);

/* Is the INBOX of this home open here, and the one of that path still? Then nobody need look for it
 * on the way to the next store_deliver_many(), which looks no second time. */
bool store_deliverer_holds(struct store_deliverer *deliverer, const char *home);

/* Called when idle and before a sync: folds logs that have grown long and notes the state of the
 * directories, so that others need not compare them. Closes folders unused for long. */
void store_deliverer_rest(struct store_deliverer *deliverer);

#endif
