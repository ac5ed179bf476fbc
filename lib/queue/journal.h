/* SPDX-License-Identifier: ISC */
/*
 * lib/queue/journal.h - the journal's segments on disk: append, flush together, recycle.
 *
 * A segment is a file NUMBER.seg of fixed size, zero-written once, then reused for ever: an
 * append changes no file-system metadata, so a flush is one write of data. Segments form a
 * ring by age: only the oldest is released, so what an event refers to is gone before the
 * event is.
 *
 * One thread appends; journal_batch_write() and journal_make_segment() may run in another.
 * docs/queue.md says why a power cut at any point loses nothing that was confirmed.
 */
#ifndef RELAIS_JOURNAL_H
#define RELAIS_JOURNAL_H

#include "queue_record.h"

#define JOURNAL_HEADER       64 /* octets in front of a segment's first record */
#define JOURNAL_SEGMENTS_MAX 1024
#define JOURNAL_SEGMENT_MIN  (UINT64_C(1) << 18)
#define JOURNAL_BATCH_WRITES 4
#define JOURNAL_BATCH_MAX    (UINT64_C(8) << 20) /* octets gathered for one flush, about */

enum segment_state {
	SEGMENT_UNUSED,   /* a slot without a file */
	SEGMENT_FREE,     /* may be begun */
	SEGMENT_CURRENT,  /* appended to */
	SEGMENT_FULL,     /* read only, something in it is still needed */
	SEGMENT_BAD,      /* a flush failed: never appended to again */
	SEGMENT_RELEASED, /* not needed; free as soon as the CHECKPOINT saying so is durable */
};

struct journal_segment {
	enum segment_state state;
	bool files_dirty; /* has events of message files that are not synced yet */
	int fd;
	uint32_t live; /* messages that need it */
	uint64_t number;
	uint64_t first_seq, checkpoint_seq;
	uint64_t end; /* where the next record goes */
};

struct journal_place {
	uint16_t segment;
	uint32_t offset8; /* of the record, in units of 8 octets */
};

struct journal_write {
	int fd;
	uint16_t segment;
	uint64_t offset;
	struct buf data;
};

/* What one flush makes durable. */
struct journal_batch {
	struct journal_write writes[JOURNAL_BATCH_WRITES];
	unsigned n;
	uint64_t octets, last_seq;
	struct buf done; /* u16 segments that a message needs no longer, once this is durable */
};

struct journal {
	int dirfd;
	uint64_t segment_size;
	unsigned max_segments;
	uint64_t next_seq, flushed_seq;
	uint64_t next_number;
	unsigned n_segments; /* with a file */
	unsigned slots;      /* no slot at or above this has been used */
	int current;         /* slot, or -1 */
	struct journal_segment segments[JOURNAL_SEGMENTS_MAX];
	struct journal_batch batches[2];
	struct journal_batch *filling, *flying; /* flying: NULL if none */
	size_t begun;                           /* where the record begun begins */
};

/* What a scan found that is not as it was written. */
struct journal_damage {
	uint64_t segment_number;
	uint64_t offset;
	struct bytes octets;
	const char *reason;
};

struct journal_scan {
	void *ctx;
	/* each record in the order of its sequence number; map: the segment's octets; place: where
	 */
	int (*record)(void *ctx, const struct queue_record *r, struct journal_place place);
	void (*damage)(void *ctx, const struct journal_damage *d);
	void (*progress)(void *ctx, uint64_t octets_done, uint64_t octets_total);
};

/* Open what is there. dirfd: the folder, borrowed. ERR_OK or an error with errno. */
MUST_USE int journal_open(
	struct journal *j, int dirfd, uint64_t segment_size, unsigned max_segments);
void journal_close(struct journal *j);

/* Read everything, oldest first, cutting the torn tail. Once, before anything is appended. */
MUST_USE int journal_read(struct journal *j, const struct journal_scan *scan);

/* After recovery, when nothing in the segments is needed any more: all become free. */
void journal_reset(struct journal *j);

/* A new segment file, zero-written and synced: its fd, or an error. Any thread. */
MUST_USE int journal_make_segment(int dirfd, uint64_t number, uint64_t size);
/* Take it in (fd is the journal's from now on). */
void journal_add_segment(struct journal *j, uint64_t number, int fd);
/* Free segments, and if another may be made. */
unsigned journal_free_segments(const struct journal *j);
bool journal_may_grow(const struct journal *j);
/* true if there is none to append to and may be none: all were closed after failed flushes */
bool journal_is_stuck(const struct journal *j);

/* true if such a MESSAGE can be appended at all; larger ones go to a file. */
bool journal_fits(const struct journal *j, uint64_t body);

/*
 * Begin a record of at most body octets: put them into *out, then journal_end(). Messages
 * leave the last free segment to events, which must always find room.
 * returns: ERR_OK; ERR_NO_SPACE: every segment is needed; ERR_BUSY: the batch is full, flush
 *          first; ERR_LIMIT: larger than a record may be
 */
MUST_USE int journal_begin(struct journal *j, enum queue_record_type type, uint64_t body,
	struct buf **out, struct journal_place *place);
uint64_t journal_end(struct journal *j, enum queue_record_type type); /* its sequence number */
void journal_cancel(struct journal *j);

/* A message needs its segment; needs it no longer as soon as what was appended is durable. */
void journal_need(struct journal *j, uint16_t segment);
void journal_done(struct journal *j, uint16_t segment);

/* The message's record was never durable, and is refused: it needs its segment no more. */
void journal_undo(struct journal *j, uint16_t segment);
/* Remove the segments of failed flushes that nothing needs and nothing in which was ever
 * durable. After journal_failed() and the undoing. */
void journal_drop_hollow(struct journal *j);

/* What was gathered, to be written now; NULL: nothing, or a flush is under way. */
struct journal_batch *journal_take(struct journal *j);
/* Write and flush it: ERR_OK, or what the system call said. Any thread. */
MUST_USE int journal_batch_write(struct journal_batch *b);
/* The flush went well. */
void journal_flushed(struct journal *j);

/*
 * The flush failed, and that is final for the segments it touched. Calls again() for every
 * record not durable, of this batch and of what was gathered since, then forgets them; new
 * records go to another segment. again() copies what it wants to append later.
 */
void journal_failed(
	struct journal *j, void (*again)(void *ctx, const struct queue_record *r), void *ctx);

/* The oldest segment in use, or -1; and give it free if nothing needs it. */
int journal_oldest(const struct journal *j);
/* true if one was released; call until false */
bool journal_release(struct journal *j);

/* true: a segment is free as soon as what was appended is durable */
bool journal_is_releasing(const struct journal *j);

/* Read back the record at a place into out: ERR_OK, ERR_CORRUPT, ... r borrows from out. */
MUST_USE int journal_fetch(const struct journal *j, struct journal_place place, struct buf *out,
	struct queue_record *r);

#endif
