/* SPDX-License-Identifier: ISC */
/*
 * qmgr/destination.h - where mail to other hosts goes, and whose turn it is.
 *
 * A destination is a next hop, in directory's words. It has a window (jobs that may be out at
 * once), which grows while mail is taken and shrinks when there is trouble; and it may be dead:
 * then nobody is sent there but one probe when its own back-off is over.
 *
 * Inside a destination the senders take turns, and the messages of one sender; destinations take
 * turns among each other. Those that are slow, failing or not known yet may have only a part of
 * all jobs, so that they keep none of the quick ones waiting. docs/queue.md has the tables.
 *
 * A recipient that waits is an item, embedded in whatever the caller likes. What may not wait in
 * memory (the destination is dead, or many wait already) is parked: eight octets for a message,
 * given back when there is room (destinations_release()).
 *
 * Pure: no I/O, no clock (now_us is any clock that never goes back), no knowledge of messages.
 */
#ifndef RELAIS_QMGR_DESTINATION_H
#define RELAIS_QMGR_DESTINATION_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/queue.h>

#include "bytes.h"
#include "id_ring.h"
#include "siphash.h"

#define DESTINATIONS_MAX      50000
#define DEST_SENDERS_MAX      20000 /* with a turn of their own; further ones share some */
#define DEST_ITEMS_MAX        6000  /* recipients that wait in memory, about */
#define DEST_LINES            2
#define DEST_SLOTS            8
#define DEST_BATCH_MAX        50
#define DEST_REASON_MAX       480
#define DEST_CODE_MAX         11
#define DESTINATION_BUCKETS   8192
#define DEST_SENDER_BUCKETS   8192
#define DEST_NOT_IN_HEAP      UINT32_MAX
#define DEST_IDLE_US          UINT64_C(600000000) /* then it is forgotten */
#define DEST_HURRY_US         UINT64_C(5000000)
#define DEST_SLOW_US          UINT64_C(5000000)  /* a job that takes longer on average */
#define DEST_RELEASED_LATE_US UINT64_C(10000000) /* what was released should be back by then */

struct destination_conf {
	uint32_t window_first, window_max; /* jobs out at once: at the beginning, at most */
	uint32_t jobs_max;                 /* of all destinations together */
	uint64_t retry_us, retry_max_us;   /* wait before a dead one is probed: first, longest */
};

/* One recipient that waits. */
struct dest_item {
	TAILQ_ENTRY(dest_item) link;
	uint32_t size; /* octets that it takes of a job */
};

TAILQ_HEAD(dest_item_list, dest_item);

enum dest_state {
	DEST_ALIVE,
	DEST_DEAD, /* until until_us; then one job may find out */
	DEST_STATES
};

struct dest_sender;
struct dest_bundle;
TAILQ_HEAD(dest_sender_list, dest_sender);

struct destination {
	LIST_ENTRY(destination) bucket;
	TAILQ_ENTRY(destination) line;      /* of those that may send now */
	TAILQ_ENTRY(destination) releasing; /* of those that want parked messages back */
	TAILQ_ENTRY(destination) idle;
	struct dest_sender_list senders; /* all */
	struct dest_sender_list turns;   /* those with items */
	struct dest_sender_list wanting; /* those with parked messages and few items */
	uint32_t number;                 /* 1, 2, ...: another one's only after this is forgotten */
	uint32_t heap_pos;
	uint64_t wake_us; /* in the heap */
	uint8_t state;    /* enum dest_state */
	bool in_line, in_releasing, is_idle, slow, proven, probing;
	uint32_t window;                   /* in 1/256 */
	uint32_t items, flying, parked;    /* recipients, jobs, messages */
	uint32_t fails, busy;              /* in a row */
	uint64_t sent, shrunk_at, died_at; /* jobs are numbered: which one was the last then */
	uint64_t until_us, backoff_us;
	uint64_t took_us; /* by a job, on average */
	uint64_t released_us, idle_us, hurried_us;
	char *reason; /* why it is dead; NULL: it is not */
	char code[DEST_CODE_MAX + 1];
	uint16_t out[DEST_SLOTS]; /* the caller's: jobs out by process */
	struct bytes next_hop;
};

TAILQ_HEAD(destination_list, destination);

typedef bool dest_is_parked_fn(void *ctx, const struct destination *d, uint64_t id);

struct destinations {
	const struct destination_conf *conf;
	dest_is_parked_fn *is_parked;
	void *ctx;
	struct siphash_key key;
	LIST_HEAD(, destination) buckets[DESTINATION_BUCKETS];
	LIST_HEAD(, dest_sender) sender_buckets[DEST_SENDER_BUCKETS];
	struct destination **numbered; /* [number - 1] */
	uint32_t n, numbered_cap;
	struct ring free_numbers;
	struct destination_list line[DEST_LINES]; /* 0: quick ones, 1: slow ones */
	struct destination_list releasing, idle;
	unsigned next_line;
	struct destination **heap; /* those to be woken, by wake_us */
	uint32_t heap_n, heap_cap;
	uint32_t items, flying, slow_flying, parked, dead, n_senders;
};

/* conf is borrowed, and may change. */
void destinations_init(struct destinations *ds, const struct destination_conf *conf,
	dest_is_parked_fn *is_parked, void *ctx);
void destinations_free(struct destinations *ds); /* items are the caller's */

/* That with this next hop; made if it is not there. NULL: there are too many. */
struct destination *destination_get(
	struct destinations *ds, struct bytes next_hop, uint64_t now_us);
struct destination *destination_find(const struct destinations *ds, struct bytes next_hop);
/* By its number, which must be one's. */
struct destination *destination_numbered(const struct destinations *ds, uint32_t number);

enum dest_taken {
	DEST_TAKEN, /* the item waits */
	DEST_FULL,  /* too many wait: park its message */
	DEST_IS_DEAD
};

/* Whose, and which: items with the same message and kind travel together. */
struct dest_owner {
	uint64_t sender;  /* hash of who is to have a fair share */
	uint64_t message; /* queue id */
	uint64_t kind;    /* what else must be the same (reverse-path, who signs): a hash */
};

enum dest_taken destination_offer(struct destinations *ds, struct destination *d,
	const struct dest_owner *o, struct dest_item *item, uint64_t now_us);
/* It was out and comes back, through no fault of its own: waits in front. */
void destination_return(struct destinations *ds, struct destination *d, const struct dest_owner *o,
	struct dest_item *item, uint64_t now_us);
/* What waits there, all of it (it has died): the items are the caller's again. */
void destination_take_back(struct destinations *ds, struct destination *d,
	struct dest_item_list *items, uint64_t now_us);

/*
 * A message waits for its turn there, out of memory. The caller keeps, for each message, where it
 * is parked (at one destination at most): is_parked() tells. One that leaves another way than by
 * destinations_release() is told by destination_unpark(); its id stays in the line until then.
 */
void destination_park(struct destinations *ds, struct destination *d, uint64_t sender, uint64_t id,
	uint64_t now_us);
void destination_unpark(struct destinations *ds, struct destination *d, uint64_t now_us);

/* A message whose turn has come, and which is parked no longer: its recipients should be offered
 * soon. NULL: none. */
struct destination *destinations_release(struct destinations *ds, uint64_t now_us, uint64_t *id);

/* What was released for it went elsewhere. */
void destination_passed_by(
	struct destinations *ds, struct destination *d, uint64_t sender, uint64_t now_us);

/* Somebody says: try now (the operator). Once in DEST_HURRY_US. */
void destination_hurry(struct destinations *ds, struct destination *d, uint64_t now_us);

struct dest_batch {
	struct destination *destination;
	uint64_t number; /* of this job there: for destination_result() */
	uint32_t n;
	struct dest_item *items[DEST_BATCH_MAX]; /* the caller's again */
};

/* The next job: up to max items of one message, and size_max octets. false: none may go now. */
bool destinations_next(struct destinations *ds, unsigned max, uint32_t size_max, uint64_t now_us,
	struct dest_batch *out);

enum dest_outcome {
	DEST_REACHED,     /* it took part, whatever it said of the mail */
	DEST_BUSY,        /* it wants less */
	DEST_UNREACHABLE, /* nobody there */
	DEST_LOST,        /* the job was lost: says nothing of it */
	DEST_OUTCOMES
};

struct dest_result {
	uint64_t number;
	enum dest_outcome outcome;
	uint64_t took_us;
	struct bytes code, reason; /* unless REACHED: for those that wait meanwhile */
};

/* A job is back. true: it died of that now, or again: see destination_take_back(). */
bool destination_result(struct destinations *ds, struct destination *d, const struct dest_result *r,
	uint64_t now_us);

/* When destinations_wake() is to be called: UINT64_MAX never. */
uint64_t destinations_wake_us(const struct destinations *ds);
void destinations_wake(struct destinations *ds, uint64_t now_us);

/* Is it dead, and not to be probed yet? */
bool destination_is_dead(const struct destination *d, uint64_t now_us);

#endif
