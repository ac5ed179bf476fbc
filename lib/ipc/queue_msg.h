/* SPDX-License-Identifier: ISC */
/*
 * lib/ipc/queue_msg.h - all that may be asked of qmgr: the doors commit messages and borrow
 * files; the operator's command lists, shows, holds, releases, flushes and deletes.
 *
 * Receiving service: qmgr. Each request has one answer of the type that follows it.
 */
#ifndef RELAIS_QUEUE_MSG_H
#define RELAIS_QUEUE_MSG_H

#include "content_source.h"
#include "ipc.h"

enum queue_msg_type {
	QUEUE_COMMIT = IPC_QUEUE, /* smtpd, submission; content inside */
	QUEUE_COMMIT_FD,          /* the same with the content in an fd */
	QUEUE_COMMIT_LARGE,       /* and with the envelope in a second one */
	QUEUE_COMMIT_ANSWER,      /* to all three */
	QUEUE_LEND,               /* smtpd, submission; empty body */
	QUEUE_LEND_ANSWER,
	QUEUE_LIST, /* the operator, and what follows too */
	QUEUE_LIST_ANSWER,
	QUEUE_SHOW,
	QUEUE_SHOW_ANSWER,
	QUEUE_ORDER, /* hold, release, flush, delete */
	QUEUE_ORDER_ANSWER,
	QUEUE_STATS, /* empty body */
	QUEUE_STATS_ANSWER
};

#define QUEUE_MEMFD_MAX           (128u << 10) /* content above this goes to a lent file */
#define QUEUE_ENVELOPE_INLINE_MAX (28u << 10)
#define QUEUE_PREFIX_MAX          (12u << 10)
#define QUEUE_CONTENT_MAX         (2047u << 20)
#define QUEUE_TEXT_MAX            512
#define QUEUE_LOGIN_MAX           320 /* local@domain */
#define QUEUE_TICKET_MAX          128 /* directory's word that the login may send this */

/*
 * COMMIT: take over responsibility for a message (RFC 5321 sec. 6.1).
 *
 * Up to CONTENT_INLINE_MAX octets of content travel inside. More: COMMIT_FD; the fd is a memfd
 * sealed against writing and shrinking (content begins at 0), or the lent file. With more than
 * QUEUE_ENVELOPE_INLINE_MAX octets of envelope: COMMIT_LARGE, where `envelope` is empty and a
 * second fd, a sealed memfd, holds it. The channel takes and closes the fds it is given, so give
 * it a dup() of what is still needed.
 */
struct queue_commit {
	uint64_t queue_id;             /* the envelope says the same */
	struct bytes envelope;         /* envelope_encode() */
	struct bytes prefix;           /* fields in front of the content (Received), with CRLF */
	struct content_source content; /* without the prefix */
	bool lent;                     /* the fd is a file from LEND */
	/* From submission only, and then never empty: what SEND's answer gave for the envelope's
	 * login, queue id and reverse-path. A wrong one is refused (ERR_DENIED: 5yz; ERR_BUSY
	 * while qmgr does not know directory's key yet, or when it is too old: 4yz). */
	struct bytes ticket;
};

/* Sent after the flush. Only ERR_OK allows a 250. */
struct queue_commit_answer {
	int err;           /* err_is_temporary() decides 4yz or 5yz; ERR_NO_SPACE: 452 */
	struct bytes text; /* for the reply, without code; "queued as ID" if ERR_OK */
};

/* fd: a file in the queue, to be written from content_offset on; forgotten (and its space
 * free) a minute or two after it was closed without a COMMIT. No fd if err is set. */
struct queue_lend_answer {
	int err;
	uint64_t content_offset;
};

enum queue_told_state {
	QUEUE_STATE_ACTIVE = 1, /* being delivered, or about to be */
	QUEUE_STATE_DEFERRED,   /* waits for its next attempt */
	QUEUE_STATE_HOLD        /* waits for the operator */
};

struct queue_list {
	uint64_t after_id; /* begin behind this id; 0: at the first */
	uint32_t max;      /* entries wanted; fewer come when the frame is full */
};

#define QUEUE_LIST_MAX 200

/* A recipient not yet done, in LIST. */
struct queue_list_rcpt {
	struct bytes address;
	struct bytes reason; /* of the last failure, or empty */
};

struct queue_list_entry {
	uint64_t queue_id;
	uint64_t arrival_us;
	uint64_t size;   /* octets, prefix included */
	uint64_t next_s; /* when it is tried next, seconds since 1970; 0: now or held */
	uint32_t state;  /* enum queue_told_state */
	uint32_t attempts;
	uint32_t rcpts_left;
	struct bytes reverse_path;
	uint32_t n_rcpts; /* of those left, as many as are told here (at most 3) */
	struct queue_list_rcpt rcpts[3];
};

struct queue_list_answer {
	uint64_t total; /* messages in the queue */
	bool more;      /* ask again behind the last id */
	uint32_t n;
	struct queue_list_entry entries[QUEUE_LIST_MAX];
};

struct queue_show {
	uint64_t queue_id;
};

/* fds: the content (prefix included), then a memfd with `state`: lines of text for a
 * person (envelope, recipients with their states, events). None if err is set. */
struct queue_show_answer {
	int err;
	uint64_t content_offset;
	uint64_t content_size;
	uint64_t state_size;
};

enum queue_order_verb {
	QUEUE_ORDER_HOLD = 1,
	QUEUE_ORDER_RELEASE,
	QUEUE_ORDER_FLUSH, /* try now */
	QUEUE_ORDER_DELETE
};

struct queue_order {
	uint32_t verb;
	uint64_t queue_id;  /* 0: all messages, or all of the login */
	struct bytes login; /* not empty (then queue_id is 0): what this login has sent */
};

struct queue_order_answer {
	int err;
	uint64_t n; /* messages it was done to */
};

struct queue_stats_answer {
	uint64_t messages, active, deferred, held;
	uint64_t committed, refused, delivered, deferrals, bounced, expired, deleted;
	uint64_t octets;           /* of all messages in the queue */
	uint64_t flushes, flushed; /* journal flushes, and commits they carried */
	uint64_t moved;            /* messages moved from the journal to a file */
	uint64_t segments, segments_busy;
	uint64_t memory_octets; /* content kept in memory */
	uint64_t corrupt;       /* parts set aside since the start */
	uint64_t forged;        /* messages refused for their tickets */
};

/* Encoders append the body to out; limits above must hold. Decoders: ERR_OK, or ERR_SYNTAX if
 * anything was short, too long, out of range or left over; strings borrow from the frame. */
void queue_commit_encode(struct buf *out, const struct queue_commit *m);
MUST_USE int queue_commit_decode(struct ipc_reader *in, void *m);
MUST_USE int queue_commit_fd_decode(struct ipc_reader *in, void *m); /* FD and LARGE */
void queue_commit_answer_encode(struct buf *out, const struct queue_commit_answer *m);
MUST_USE int queue_commit_answer_decode(struct ipc_reader *in, void *m);
void queue_lend_answer_encode(struct buf *out, const struct queue_lend_answer *m);
MUST_USE int queue_lend_answer_decode(struct ipc_reader *in, void *m);
void queue_list_encode(struct buf *out, const struct queue_list *m);
MUST_USE int queue_list_decode(struct ipc_reader *in, void *m);
void queue_list_answer_encode(struct buf *out, const struct queue_list_answer *m);
MUST_USE int queue_list_answer_decode(struct ipc_reader *in, void *m);
void queue_show_encode(struct buf *out, const struct queue_show *m);
MUST_USE int queue_show_decode(struct ipc_reader *in, void *m);
void queue_show_answer_encode(struct buf *out, const struct queue_show_answer *m);
MUST_USE int queue_show_answer_decode(struct ipc_reader *in, void *m);
void queue_order_encode(struct buf *out, const struct queue_order *m);
MUST_USE int queue_order_decode(struct ipc_reader *in, void *m);
void queue_order_answer_encode(struct buf *out, const struct queue_order_answer *m);
MUST_USE int queue_order_answer_decode(struct ipc_reader *in, void *m);
void queue_stats_answer_encode(struct buf *out, const struct queue_stats_answer *m);
MUST_USE int queue_stats_answer_decode(struct ipc_reader *in, void *m);

#endif
