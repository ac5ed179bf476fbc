/* SPDX-License-Identifier: ISC */
/*
 * lib/ipc/queue_msg.h - all that may be asked of qmgr: the doors commit messages and borrow
 * files. What the operator's command may ask: queue_operator_msg.h.
 *
 * Receiving service: qmgr. Each request has one answer of the type that follows it.
 */
#ifndef RELAIS_QUEUE_MSG_H
#define RELAIS_QUEUE_MSG_H

#include "content_source.h"
#include "ipc.h"
#include "queue_operator_msg.h"

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
	QUEUE_ORDER, /* hold, release, flush, delete, ... */
	QUEUE_ORDER_ANSWER,
	QUEUE_STATS, /* empty body */
	QUEUE_STATS_ANSWER,
	QUEUE_SHAPE, /* domains and ages */
	QUEUE_SHAPE_ANSWER
};

#define QUEUE_MEMFD_MAX           (128u << 10) /* content above this goes to a lent file */
#define QUEUE_ENVELOPE_INLINE_MAX (28u << 10)
#define QUEUE_PREFIX_MAX          (12u << 10)
#define QUEUE_CONTENT_MAX         (2047u << 20)
#define QUEUE_TEXT_MAX            512
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

/* Two fds: a file in the queue, to be written from content_offset on, and the same to be read, for
 * those who may only look; forgotten (and its space free) a minute or two after it was closed
 * without a COMMIT. No fd if err is set. */
struct queue_lend_answer {
	int err;
	uint64_t content_offset;
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

#endif
