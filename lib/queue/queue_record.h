/* SPDX-License-Identifier: ISC */
/*
 * lib/queue/queue_record.h - the records of the journal, and of the events at the end of a
 * message file. docs/queue.md gives the format to the octet. Pure.
 *
 * header, 32 octets, little-endian:
 *	 0 u32 magic "RQr1"	 4 u32 CRC32C of octets 8 to the end of the body
 *	 8 u32 length of body	12 u32 type
 *	16 u64 sequence number	24 u64 flushed: all records up to this number were durable
 *				       when this one was written
 * then the body, then zeros up to a multiple of 8.
 */
#ifndef RELAIS_QUEUE_RECORD_H
#define RELAIS_QUEUE_RECORD_H

#include "arena.h"
#include "buf.h"

#define QUEUE_RECORD_HEADER   32
#define QUEUE_RECORD_BODY_MAX (4u << 20)

enum queue_record_type {
	QUEUE_RECORD_MESSAGE = 1,
	QUEUE_RECORD_EVENT,
	QUEUE_RECORD_MOVED,      /* u64 queue id: the file holds the message from here on */
	QUEUE_RECORD_CHECKPOINT, /* u64: records before this sequence number are of no use */
	QUEUE_RECORD_TYPES
};

struct queue_record {
	uint32_t type;
	uint64_t seq;
	uint64_t flushed;
	struct bytes body; /* borrowed */
};

/* Octets of a record with such a body, padding included. */
static inline uint64_t
queue_record_size(uint64_t body)
{
	return (QUEUE_RECORD_HEADER + body + 7) & ~(uint64_t)7;
}

/* Begin a record at the end of out; put the body; then end it. Returns where it begins. */
size_t queue_record_begin(struct buf *out);
void queue_record_end(struct buf *out, size_t begin, uint32_t type, uint64_t seq, uint64_t flushed);

/*
 * The record at the beginning of in.
 * returns: octets used, padding included; 0: in ends before the record does; ERR_CORRUPT
 */
MUST_USE int queue_record_parse(struct bytes in, struct queue_record *r);

/* ---- MESSAGE ---- */

enum queue_message_flag {
	QUEUE_MESSAGE_IN_FILE = 1 /* neither envelope nor content: message/xx/ID has them */
};

struct queue_message {
	uint64_t queue_id;
	uint32_t flags;
	uint32_t prefix_size;  /* the first octets of content were put in front by the door */
	struct bytes envelope; /* envelope.h */
	struct bytes content;
};

/* Octets of the body in front of the content, which is put last and may be put by parts. */
void queue_message_put_head(struct buf *out, const struct queue_message *m);
MUST_USE int queue_message_parse(struct bytes body, struct queue_message *m);

/* ---- EVENT ---- */

enum queue_event_kind {
	QUEUE_EVENT_DELIVERED = 1, /* recipient: code, text */
	QUEUE_EVENT_DEFERRED,      /* recipient: until next_s; code, text */
	QUEUE_EVENT_BOUNCED,       /* recipient: code, text; failed for good */
	QUEUE_EVENT_EXPANDED,      /* recipient: became the targets, numbered behind all others */
	QUEUE_EVENT_HELD,          /* message */
	QUEUE_EVENT_RELEASED,      /* message */
	QUEUE_EVENT_FLUSHED,       /* message: due now */
	QUEUE_EVENT_REMOVED,       /* message: nothing is left to do */
	QUEUE_EVENT_REPORTED,      /* message: DSNs tell of all that is done so far */
	QUEUE_EVENT_REQUEUED, /* recipient: an alias is looked up anew; its target is dropped */
	QUEUE_EVENT_WARNED,   /* message: a DSN tells that it is late */
	QUEUE_EVENT_KINDS
};

#define QUEUE_EVENT_CODE_MAX    15
#define QUEUE_EVENT_TEXT_MAX    512
#define QUEUE_EVENT_ADDRESS_MAX 1024
#define QUEUE_EVENT_TARGETS_MAX 5000
#define QUEUE_EVENT_HOP_MAX     512
#define QUEUE_EVENT_HOST_MAX    255
#define QUEUE_EVENT_MESSAGE     UINT32_MAX /* as rcpt: concerns the whole message */

enum queue_event_flag {
	QUEUE_EVENT_RELAYED = 1,   /* DELIVERED: to a host that reports itself (RFC 3461) */
	QUEUE_EVENT_SUSPENDED = 2, /* DEFERRED: it waits for its next hop, too */
	QUEUE_EVENT_UNTRIED = 4,   /* DEFERRED: without an attempt; none is counted */
	QUEUE_EVENT_FLAGS_ALL = 7
};

struct queue_event_target {
	struct bytes address;
	struct bytes account;      /* which of the accounts behind it; empty: not one of ours */
	struct bytes reverse_path; /* of mail to it in place of the envelope's; empty: that */
};

struct queue_event {
	uint64_t queue_id;
	uint64_t time_us;
	uint64_t next_s;
	uint32_t rcpt; /* number in the envelope, from 0; targets of aliases follow */
	uint32_t kind;
	uint32_t attempts; /* of the recipient so far, this one included; 0: count one more */
	struct bytes code; /* RFC 3463 */
	struct bytes text;
	uint32_t n_targets;
	struct queue_event_target *targets;
	/* Of mail to other hosts; what is 0 and empty takes no room. */
	uint32_t flags;          /* QUEUE_EVENT_* flags */
	struct bytes next_hop;   /* directory's words */
	struct bytes remote_mta; /* who gave the answer: a host's name; empty: none did */
};

/* The body. Texts over their limit are cut. */
void queue_event_put(struct buf *out, const struct queue_event *e);
/* Strings borrow from body; targets live in a. ERR_OK, ERR_SYNTAX, ERR_LIMIT */
MUST_USE int queue_event_parse(struct bytes body, struct arena *a, struct queue_event *e);

#endif
