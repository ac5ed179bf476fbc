/* SPDX-License-Identifier: ISC */
/*
 * qmgr/files.h - message files on disk: made, read, added to, set aside. Every call may wait
 * for the disk; none keeps state, so any thread may call. Format: lib/queue/queue_file.h.
 */
#ifndef RELAIS_QMGR_FILES_H
#define RELAIS_QMGR_FILES_H

#include "queue_file.h"
#include "queue_state.h"

#define FILES_FOLDERS 256

/* The queue's folders, below its root. */
struct folders {
	int root, journal, message, corrupt, lent;
};

/* Make what is missing and open them. ERR_OK or an error with errno. */
MUST_USE int folders_open(struct folders *f, int root_fd);
void folders_close(struct folders *f);

/* What a file is made from. content_fd -1: content is in memory. */
struct file_source {
	uint64_t queue_id;
	struct bytes envelope, prefix, content, events;
	int content_fd;
	uint64_t content_offset, content_size; /* in content_fd, without the prefix */
};

/* Write message/xx/ID, not synced. Replaces what is there. On failure nothing stays. */
MUST_USE int file_write(const struct folders *f, const struct file_source *s);

/* The same, synced and named at the end: whole or not there, also after a power cut. */
MUST_USE int file_store(const struct folders *f, const struct file_source *s);

/* Write it anew with these events instead of those behind events_offset: synced, in place of the
 * old one, which stays on failure. *end: where the next event goes. */
MUST_USE int file_compact(const struct folders *f, uint64_t queue_id, uint64_t events_offset,
	struct bytes events, uint64_t *end);

/*
 * Files for doors, which cannot make any: lent/NUMBER, written by the door, adopted as a
 * message at its COMMIT. A door may have kept its descriptor, to alter the message after the
 * 250: a read lease is granted only while nobody has the file open for writing, so one that
 * is granted says that the door has let go; else the content is copied.
 */
MUST_USE int file_lend(const struct folders *f, uint64_t number);      /* an fd to write to */
MUST_USE int file_lent_read(const struct folders *f, uint64_t number); /* one to read it */
/* true if nobody can write to it any more (also: it is gone) */
bool file_lent_is_idle(const struct folders *f, uint64_t number);
void file_unlend(const struct folders *f, uint64_t number);
/* Of an earlier life: kept() is told of each that somebody still writes to; the others go. */
void files_lent_before(
	const struct folders *f, void (*kept)(void *arg, uint64_t number, int fd), void *arg);

enum file_adoption {
	FILE_TAKEN,        /* the file itself is the message */
	FILE_COPIED_OPEN,  /* somebody still has it open for writing */
	FILE_COPIED_LEASE, /* this file system knows no leases */
	FILE_COPIED_NAME,  /* it could not be renamed */
};

/* Make lent/NUMBER a message: whole, synced and named, or not there. s->content_fd, the
 * descriptor that came with COMMIT, is closed. */
MUST_USE int file_adopt(
	const struct folders *f, struct file_source *s, uint64_t number, enum file_adoption *how);

struct file_loaded {
	struct queue_file head;
	struct queue_state state;
	uint64_t events_end; /* where the next event goes */
	bool torn;           /* octets behind events_end: an event was cut by a crash */
};

/* Header, envelope and events; the state is the caller's to free. ERR_CORRUPT and
 * ERR_UNSUPPORTED: the file should be set aside. */
MUST_USE int file_load(const struct folders *f, uint64_t queue_id, struct file_loaded *l);

/* Append event records at *end, moving it. Not synced. */
MUST_USE int file_append(
	const struct folders *f, uint64_t queue_id, uint64_t *end, struct bytes records);

MUST_USE int file_open(const struct folders *f, uint64_t queue_id); /* for reading: an fd */
MUST_USE int file_remove(const struct folders *f, uint64_t queue_id);

/* aside.c: move it to corrupt/ and write down why. */
MUST_USE int file_set_aside(const struct folders *f, uint64_t queue_id, const char *reason);
/* Octets of another origin, the same. */
MUST_USE int octets_set_aside(
	const struct folders *f, const char *name, struct bytes octets, const char *reason);

/* Its name is durable when its folder is. */
MUST_USE int file_sync_folder(const struct folders *f, const char *name);
/* Take the CRC of a part of a file along; ERR_CORRUPT: the file is shorter. */
MUST_USE int file_crc(int fd, uint64_t at, uint64_t size, uint32_t *crc);

/* Does the content still have its CRC? ERR_OK, ERR_CORRUPT, ... */
MUST_USE int file_check_content(const struct folders *f, const struct queue_file *head);

#endif
