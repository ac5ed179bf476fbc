/* SPDX-License-Identifier: ISC */
/*
 * lib/queue/queue_state.h - what has become of a message and each of its recipients: the
 * events of its life applied to its envelope. Pure; docs/queue.md has the table.
 *
 * qmgr records an event and applies it; recovery applies the recorded events again and
 * comes to the same state. An event that was recorded twice changes nothing.
 */
#ifndef RELAIS_QUEUE_STATE_H
#define RELAIS_QUEUE_STATE_H

#include "envelope.h"
#include "queue_record.h"

enum rcpt_status {
	RCPT_PENDING,   /* not tried yet */
	RCPT_DEFERRED,  /* tried, to be tried again at next_s */
	RCPT_DELIVERED, /* done: */
	RCPT_BOUNCED,   /* done: failed for good */
	RCPT_EXPANDED,  /* done: its targets stand for it */
	RCPT_DROPPED,   /* done: a target whose alias is looked up anew */
	RCPT_STATUSES
};

#define RCPT_NO_PARENT UINT32_MAX

/* Recipients and targets; an EXPANDED may not make more. */
#define QUEUE_STATE_RCPTS_MAX (1u << 18)

struct queue_rcpt {
	struct bytes address;      /* forward-path, or the address of an alias' target */
	struct bytes account;      /* targets: which account behind the address */
	struct bytes reverse_path; /* targets: a list's owner; empty: the envelope's */
	uint32_t parent;           /* targets: the recipient of the envelope they come from */
	uint8_t status;            /* enum rcpt_status */
	uint8_t flags;             /* the scheduler's own */
	uint16_t attempts;
	bool reported;  /* done, and the sender was told (or need not be) */
	bool relayed;   /* delivered to a host that sends success reports itself */
	bool suspended; /* deferred: its next hop is not to be had; it is woken with that */
	uint64_t next_s;
	struct bytes code, text; /* of the last attempt */
	struct bytes next_hop;   /* mail to other hosts: where the last attempt went */
	struct bytes remote_mta; /* the host whose answer text quotes; empty: none answered */
};

struct queue_state {
	struct arena arena; /* all below lives here */
	struct envelope envelope;
	uint32_t n, cap; /* recipients and targets */
	uint32_t left;   /* of them not done */
	uint32_t suspended;
	struct queue_rcpt *rcpts;
	bool held, removed;
	bool warned;       /* its sender was told that it is late */
	uint64_t last_seq; /* of the events applied */
};

/* From the envelope's octets, which are copied. ERR_OK, or as envelope_decode(). */
MUST_USE int queue_state_init(struct queue_state *s, struct bytes envelope);
void queue_state_free(struct queue_state *s);

/*
 * Apply an event. Sequence numbers at or below last_seq are passed over (0: always applied).
 * returns: ERR_OK; ERR_SYNTAX: it names a recipient that is not there, or targets too many
 */
MUST_USE int queue_state_apply(struct queue_state *s, const struct queue_event *e, uint64_t seq);

/* The events that lead from the bare envelope to this state, as records with the number
 * seq, appended to out: what a message takes along into its own file. */
void queue_state_write(const struct queue_state *s, struct buf *out, uint64_t seq);

/* It waits for its next hop, or does so no longer. */
void queue_state_suspend(struct queue_state *s, struct queue_rcpt *r, bool suspended);

/* When the first recipient left is due: seconds since 1970, 0 now, UINT64_MAX none. */
uint64_t queue_state_next(const struct queue_state *s);

/* The most attempts of any recipient left. */
uint32_t queue_state_attempts(const struct queue_state *s);

/* true: nothing more will happen to it */
static inline bool
rcpt_is_done(const struct queue_rcpt *r)
{
	return r->status >= RCPT_DELIVERED;
}

#endif
