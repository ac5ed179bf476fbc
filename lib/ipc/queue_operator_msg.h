/* SPDX-License-Identifier: ISC */
/*
 * lib/ipc/queue_operator_msg.h - what the operator's command may ask of qmgr: LIST, SHOW, orders,
 * STATS, SHAPE. Types: queue_msg.h.
 *
 * Whatever goes through all messages does so in turns: qmgr looks at as many as it can within
 * some milliseconds, answers what it found, and says where it stands; the asker asks on from
 * there. So mail goes on meanwhile, a first page comes at once, and nobody holds a cursor.
 */
#ifndef RELAIS_QUEUE_OPERATOR_MSG_H
#define RELAIS_QUEUE_OPERATOR_MSG_H

#include "ipc.h"

#define QUEUE_LOGIN_MAX  320 /* local@domain */
#define QUEUE_HOP_MAX    512 /* a next hop, as directory writes it */
#define QUEUE_WORDS_MAX  200 /* of a filter's reason */
#define QUEUE_ANSWER_MAX 512 /* a recipient's last reply */
#define QUEUE_DOMAIN_MAX 255

enum queue_told_state {
	QUEUE_STATE_ACTIVE = 1, /* being delivered, or about to be */
	QUEUE_STATE_DEFERRED,   /* waits for its next attempt */
	QUEUE_STATE_HOLD        /* waits for the operator */
};

/*
 * Which messages; what is empty or 0 says nothing, all others must hold. Letters' case does not
 * count. A recipient is meant that is not done yet, the same one by recipient, domain, next_hop
 * and reason.
 */
struct queue_filter {
	struct bytes sender;         /* reverse-path, or "@domain", or "<>" */
	struct bytes recipient;      /* address as tried or as the sender wrote it, or "@domain" */
	struct bytes domain;         /* of the recipient */
	struct bytes next_hop;       /* where it goes: known of those tried since qmgr's start */
	struct bytes reason;         /* occurs in its last reply or code */
	struct bytes login;          /* who sent it */
	uint64_t from_us;            /* arrived then or later */
	uint64_t until_us;           /* arrived before */
	uint64_t min_size, max_size; /* octets; max 0: any */
	uint32_t min_attempts;
	uint32_t states; /* bits 1 << enum queue_told_state */
};

struct queue_list {
	struct queue_filter filter;
	uint64_t from_id;   /* begin with this id, or the first behind it */
	uint32_t from_rcpt; /* and, if that is from_id, with this recipient */
	uint32_t max;       /* entries wanted; fewer come when the turn or the frame ends */
	uint32_t max_rcpts; /* of one message; what is over is counted only. 0: all of them */
};

#define QUEUE_LIST_MAX       200
#define QUEUE_LIST_RCPTS_MAX 1000 /* in one answer */

/* A recipient not yet done, in LIST. */
struct queue_list_rcpt {
	struct bytes address;
	struct bytes original; /* the alias or what else of ours it comes from, or empty */
	struct bytes code;     /* RFC 3463, of the last failure, or empty */
	struct bytes reason;   /* its text, or empty */
	struct bytes next_hop; /* if known */
	uint64_t next_s;       /* 0: now */
	uint32_t attempts;
	uint32_t number; /* among those of the message */
};

struct queue_list_entry {
	uint64_t queue_id;
	uint64_t arrival_us;
	uint64_t size;   /* octets, prefix included */
	uint64_t next_s; /* when it is tried next, seconds since 1970; 0: now or held */
	uint32_t state;  /* enum queue_told_state */
	uint32_t attempts;
	uint32_t rcpts_left;
	bool continued; /* its first recipients were in an answer before */
	struct bytes reverse_path;
	struct bytes login;
	/* Not empty: the destination of one of its recipients gives no answer, and is not asked
	 * before dead_until_s. */
	struct bytes dead_hop, dead_reason;
	uint64_t dead_until_s;
	uint32_t first_rcpt, n_rcpts; /* which of the answer's rcpts are its own */
};

struct queue_list_answer {
	uint64_t total; /* messages in the queue */
	bool more;      /* ask again from next_id and next_rcpt on */
	uint64_t next_id;
	uint32_t next_rcpt;
	uint32_t n, n_rcpts;
	struct queue_list_entry entries[QUEUE_LIST_MAX];
	struct queue_list_rcpt rcpts[QUEUE_LIST_RCPTS_MAX];
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
	QUEUE_ORDER_FLUSH,   /* try now, and destinations that gave no answer too; not held ones */
	QUEUE_ORDER_DELETE,  /* for ever, nobody is told */
	QUEUE_ORDER_RETRY,   /* released if held, then as FLUSH */
	QUEUE_ORDER_BOUNCE,  /* back to the sender, as if every recipient had failed for good */
	QUEUE_ORDER_REQUEUE, /* aliases and routes are looked up anew, then as FLUSH */
	QUEUE_ORDER_VERBS
};

struct queue_order {
	uint32_t verb;
	uint64_t queue_id;          /* 0: all messages that the filter lets through */
	struct queue_filter filter; /* of no meaning with a queue_id */
	uint64_t from_id;           /* begin there: next_id of the answer before */
};

/* Sent when what was done is durable. */
struct queue_order_answer {
	int err;
	uint64_t n;       /* messages it was done to */
	uint64_t n_busy;  /* of them being delivered just now: what is under way may arrive yet */
	uint64_t n_held;  /* not done: they are held */
	uint64_t next_id; /* 0: no more */
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

/* SHAPE: how many recipients wait, by domain and by how long already. */
#define QUEUE_SHAPE_AGES 10 /* up to 5, 10, 20, 40, ... 1280 minutes, and older */
#define QUEUE_SHAPE_MAX  100

struct queue_shape {
	bool senders;    /* by the sender's domain instead of the recipients' */
	uint32_t states; /* as in the filter */
	uint32_t max;    /* domains wanted */
};

struct queue_shape_row {
	struct bytes domain; /* empty: the null sender, or none */
	uint64_t ages[QUEUE_SHAPE_AGES];
};

/* The domains with the most, first. */
struct queue_shape_answer {
	uint64_t unread; /* messages whose files were not read yet since the start: not counted */
	uint64_t n_domains; /* in all */
	uint64_t total[QUEUE_SHAPE_AGES];
	uint32_t n;
	struct queue_shape_row rows[QUEUE_SHAPE_MAX];
};

/* The age's column, from 0. */
unsigned queue_shape_column(uint64_t age_s);

/* Encoders append the body to out; limits above must hold. Decoders: ERR_OK, or ERR_SYNTAX if
 * anything was short, too long, out of range or left over; strings borrow from the frame. */
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
void queue_shape_encode(struct buf *out, const struct queue_shape *m);
MUST_USE int queue_shape_decode(struct ipc_reader *in, void *m);
void queue_shape_answer_encode(struct buf *out, const struct queue_shape_answer *m);
MUST_USE int queue_shape_answer_decode(struct ipc_reader *in, void *m);

#endif
