/* SPDX-License-Identifier: ISC */
/*
 * qmgr/qmgr.h - private to qmgr: the daemon's state, and who does what.
 *
 *	intake.c	COMMIT from the doors
 *	store.c		those that get a file first
 *	own.c		messages of our own: signed, then taken in
 *	ticket.c	is it the login's own?
 *	lent.c		LEND; adopt.c: how a lent file becomes a message
 *	flush.c		the journal: what is appended, flushed together, answered
 *	message.c	a message in memory: loaded, settled, finished
 *	content.c	its content: in memory, or where it is read from
 *	schedule.c	which message is next; timers
 *	verify.c	is the content in a file what was written?
 *	expand.c	where a recipient's mail goes: RESOLVE, aliases
 *	remote.c	to other hosts; remote_jobs.c: jobs for smtp-client;
 *			remote_parked.c: what waits out of memory; destination.c: whose turn it is
 *	forward_sign.c	forwards signed for the domain that forwards
 *	deliver.c	a job's beginning and end; into a mailbox: DELIVER, result
 *	dsn.c		reports: who is told of what; dsn_build.c: what they say;
 *			dsn_send.c: stored, then recorded
 *	incident.c	logins that ledger has blocked
 *	sync.c		written recipients become delivered ones
 *	mover.c		from the journal to a file; segments made and wanted back
 *	removal.c	files of messages that are gone
 *	compact.c	a file with too many events written anew
 *	recover.c	the start: names of files and the journal read
 *	scan.c		what the files say, read after the start
 *	operator.c	LIST; operator_show.c: SHOW; operator_orders.c: orders;
 *			operator_stats.c: STATS, SHAPE
 *	filter.c	which messages the operator means; domains.c: their domains, once
 *	lines.c		log lines in Postfix' form
 */
#ifndef RELAIS_QMGR_H
#define RELAIS_QMGR_H

#include "backoff.h"
#include "daemon.h"
#include "delivery_msg.h"
#include "directory_msg.h"
#include "files.h"
#include "filter.h"
#include "histogram.h"
#include "index.h"
#include "log_pace.h"
#include "qmgr_conf.h"
#include "queue_id.h"
#include "queue_msg.h"
#include "remote.h"
#include "resolve_cache.h"
#include "send_ticket.h"
#include "worker.h"

#define ACTIVE_RCPTS_MAX   8000 /* recipients on their way at once */
#define RETRIED_RCPTS_MAX  6000 /* the rest is for fresh mail */
#define MESSAGE_RCPTS_MAX  500  /* of one message */
#define PARKED_MAX         2000 /* commits that wait for room in the journal */
#define LOADED_MAX         12000
#define DELIVER_WINDOW     128 /* jobs a deliverer has at once */
#define GATHER_MS          4   /* a job waits for others, so that they leave together */
#define GATHER_JOBS        32
#define SYNC_INTERVAL_MS   100
#define SYNC_SELDOM_MS     1000
#define SYNC_AFTER         4000
#define LAZY_FLUSH_MS      1000 /* events that nobody waits for */
#define PACE_US            1500 /* what a commit may wait for others */
#define MOVE_AFTER_S       60
#define MOVE_TOGETHER      256
#define REQUEST_TIMEOUT_MS 60000

enum rcpt_flag {       /* queue_rcpt.flags */
	RCPT_BUSY = 1, /* a job has it */
};

/* Reports of a message on their way into the queue (dsn.c). Until all are there, nothing else
 * happens to it: it is active, and they count as one of its jobs. */
struct reports {
	unsigned pending;
	bool made, failed;     /* one of them is durable; could not be made */
	bool reported, warned; /* what is recorded then */
	uint64_t again_s;      /* after a failure: not before */
};

/* A message in memory. */
struct message {
	struct entry *entry;
	struct queue_state state;
	TAILQ_ENTRY(message) link; /* all that are loaded */
	/* Content in memory, without prefix: few octets here, more in a sealed memfd; neither
	 * (NULL, -1): not in memory. */
	uint8_t *octets;
	int memfd;
	uint64_t held_size;
	struct bytes prefix;                   /* with held content; lives in state.arena */
	int file_fd;                           /* open for delivery; -1 */
	uint64_t content_offset, content_size; /* in file_fd, prefix included */
	uint64_t events_offset;                /* in its file */
	uint64_t events_end;                   /* the same; 0: the header was not read yet */
	uint32_t content_crc;
	bool verified; /* the content in the file is what was written */
	bool compact_failed;
	SLIST_HEAD(, forward_signature) forward_signatures; /* forward_sign.c */
	unsigned jobs;
	uint64_t sender; /* hash of who has a fair share; 0: not known yet */
	bool starting;   /* its recipients are being gone through */
	bool more;       /* some that are due had to wait for others */
	bool deleted;    /* by the operator while jobs are out */
	bool returned;   /* to the sender, by the operator, while jobs are out */
	struct reports reports;
	struct buf late; /* event records that its file, being made, does not have */
	uint64_t active_us;
};

TAILQ_HEAD(message_list, message);

/* A message of our own is durable (ERR_OK), or is not in the queue. */
typedef void own_done_fn(struct qmgr *q, void *arg, int err);

/* One COMMIT on its way to its answer. */
struct commit {
	TAILQ_ENTRY(commit) link;
	struct qmgr *q;
	struct ipc_channel *channel; /* NULL: the peer left, or it is our own */
	uint32_t call_id;
	struct message *msg;
	uint16_t segment;
	bool in_journal;   /* its record was appended */
	bool filed;        /* there may be a file of it */
	own_done_fn *done; /* of our own: who is told */
	void *arg;
};

TAILQ_HEAD(commit_list, commit);

/* An order of the operator. */
struct order {
	struct qmgr *q;
	struct ipc_channel *channel; /* NULL: the operator has left */
	uint32_t call_id;
	uint32_t verb;
	struct filter filter;
	struct queue_order_answer a;
	uint64_t at;
	struct event *next; /* for many messages: the next slice */
	uint64_t until_us;  /* then it is answered and asked on */
	bool asked;         /* not of our own */
	TAILQ_ENTRY(order) link;
};

TAILQ_HEAD(order_list, order);

/* A recipient on its way. */
struct job {
	TAILQ_ENTRY(job) link;
	struct qmgr *q;
	struct message *msg;
	uint32_t rcpt;
	struct outlet *outlet;
	struct expansion *expansion; /* while pages of targets arrive */
	struct buf target;           /* the strings below */
	struct bytes account, home, detail, address;
	uint32_t uid, gid;
	uint32_t flags; /* DELIVERY_COMMAND, DELIVERY_FILE: no mailbox */
	uint64_t quota_octets;
	uint64_t start_us, sent_us, written_us;
	/* to another host: */
	bool remote;           /* it waits at its destination, or is out */
	bool busy;             /* what is in the way goes away in moments */
	bool silent;           /* nothing happened that is worth a line */
	uint8_t tries;         /* sent again at once, so often */
	uint32_t event_flags;  /* QUEUE_EVENT_* flags */
	struct dest_item item; /* at its destination */
	struct bytes next_hop, reverse_path, remote_mta;
	const char *relay; /* "host[address]:port", while its result is told */
	uint64_t connect_us;
	char code[16];
	char text[256];
};

TAILQ_HEAD(job_list, job);

static inline struct queue_rcpt *
job_rcpt(const struct job *j)
{
	return &j->msg->state.rcpts[j->rcpt];
}

/* One process of a deliverer. */
struct outlet {
	struct qmgr *q;
	struct link *link;
	struct syncer *syncer;
	unsigned flying, n_waiting;
	struct job_list waiting;
};

/* All deliverers of one service: what they wrote is synced together. */
struct syncer {
	struct qmgr *q;
	unsigned n, next;
	struct outlet *outlets;
	struct job_list written, syncing;
	unsigned n_written;
	bool flying;
	uint64_t asked_us, took_us; /* the last sync */
	struct event *timer, *gather;
};

struct used_ids { /* a set; open addressing */
	uint64_t *ids;
	size_t cap, n;
};

struct tickets {
	struct send_ticket_key key;
	bool asking;
	uint64_t asked_ms, since_s;
	struct used_ids now, before; /* ids that came with a good one */
};

/* What is told of the queue besides its counters (watched.c). */
#define WATCHED_DESTINATIONS 5

struct watched {
	struct histogram flush, delivery;
	uint32_t worst[WATCHED_DESTINATIONS]; /* numbers of next hops, the worst first */
	size_t n;
	uint64_t scanned_us; /* when they were looked for */
};

struct qmgr {
	struct daemon *d;
	const struct qmgr_conf *conf;
	struct backoff backoff;
	struct folders folders;
	struct journal journal;
	struct index index;
	TAILQ_HEAD(, entry) in_journal; /* oldest first: entries whose content the journal has */
	struct message_list loaded;
	unsigned n_loaded, n_memfds, memfds_max;
	uint64_t memory; /* octets of content held */

	struct worker *flusher, *filer, *reader; /* journal; files made; files read */
	struct worker_job flush_job;
	struct journal_batch *flush_batch;
	int flush_result;
	uint64_t flush_us;       /* what the last one took */
	unsigned flush_failures; /* in a row */
	int flush_error;         /* of the last failure */
	struct event *flush_turn, *lazy, *pace;
	unsigned n_gathered, n_waiting, crowd; /* commits: in this batch; in all; usually */
	struct commit_list parked, gathered, flying, storing;
	unsigned n_parked;
	struct job_list expanding, expanding_flying; /* aliases: in this batch; being flushed */
	struct buf stash; /* records that found no room yet: u32 type, u32 length, body */

	struct ring fresh, retried; /* ready to be delivered; they take turns */
	struct event *run, *due;
	unsigned active_rcpts;

	struct link *directory, *ledger;
	struct link *signer;                 /* NULL: nothing is signed */
	uint64_t forwards_unsigned_until_ms; /* the signer did not answer */
	uint64_t signing; /* octets of our own messages that are with it; how many */
	unsigned n_signing;
	struct resolve_cache *resolved;
	struct tickets tickets;
	struct syncer local, system;
	struct remote remote;

	struct event *move_timer, *move_again;
	bool moving, making_segment, syncing_files;
	uint64_t next_move_us;  /* after a failure */
	uint64_t next_make_us;  /* of a segment, after a failure */
	uint64_t compact_least; /* octets of events; fewer are let be */
	bool dirty_at_sync[JOURNAL_SEGMENTS_MAX], dirty_since[JOURNAL_SEGMENTS_MAX];

	struct queue_id_maker ids; /* for what the queue itself sends */
	struct queue_stats_answer stats;
	struct watched watched;
	LIST_HEAD(, removing) removals; /* of files, that failed */
	/* of the operator: going through all messages; waiting for the flush */
	struct order_list orders, orders_gathered, orders_flying;
	TAILQ_HEAD(, listing) listings; /* pages for the operator, ready */
	TAILQ_HEAD(, shape) shapes;     /* counts for the operator, under way */
	struct event *draining;
	uint64_t drain_until_us, leave_since_us;
	bool journal_full;      /* told once */
	LIST_HEAD(, lent) lent; /* files that doors write into */
	unsigned n_lent;
	uint64_t lent_number;
	struct event *lent_timer;
	bool leases_missed; /* told once */
	struct {
		struct log_pace flush, event, move, segment, files, lend, mailboxes, sign, report;
	} told; /* troubles that may last */
	bool stopping;
};

/* ---- flush.c ---- */
int flush_init(struct qmgr *q);
void flush_soon(struct qmgr *q); /* at the end of this turn */
/* A record that nobody waits for: rides with the next flush. Its sequence number, or 0 if
 * it must wait for room. */
uint64_t record_append(struct qmgr *q, enum queue_record_type type, struct bytes body);
/* The message's MESSAGE record. ERR_OK, or as journal_begin(). */
int record_message(struct qmgr *q, struct commit *c);
void flush_stop(struct qmgr *q); /* everything durable, now */

/* ---- intake.c ---- */
void intake_commit(struct ipc_call *call, const void *msg);
void intake_commit_large(struct ipc_call *call, const void *msg);
void intake_peer_down(struct qmgr *q, struct ipc_channel *channel);
void commit_append(struct qmgr *q, struct commit *c); /* again, when it was parked */
void commit_unpark(struct qmgr *q);                   /* room may have been made */
void commit_finish(struct qmgr *q, struct commit *c, int err);
/* A message of our own, see own_send(); its envelope in octets. */
MUST_USE int intake_own(struct qmgr *q, uint64_t id, struct bytes envelope, struct bytes content,
	own_done_fn *done, void *arg);

/* ---- own.c ---- */
void own_init(struct qmgr *q); /* at the start, and when the configuration is another */
/* A message of our own making, from the host's name: signed and stored. content is copied. ERR_OK:
 * done() tells once what became of it, perhaps before this returns; an error: nothing was begun. */
MUST_USE int own_send(struct qmgr *q, const struct envelope *e, struct bytes content,
	own_done_fn *done, void *arg);

/* ---- store.c ---- */
/* Its file, then its record. lent: the number of the file that content is in; 0: it is in memory.
 */
void store_file(struct qmgr *q, struct commit *c, uint64_t offset, uint64_t lent);

/* ---- ticket.c ---- */
void ticket_init(struct qmgr *q);
void ticket_stop(struct qmgr *q);
/* May this door commit it? ERR_OK; ERR_DENIED; ERR_BUSY: perhaps soon */
MUST_USE int ticket_check(
	struct qmgr *q, enum service door, const struct envelope *e, struct bytes ticket);

/* ---- lent.c ---- */
int lent_init(struct qmgr *q);
void lent_stop(struct qmgr *q);
void intake_lend(struct ipc_call *call, const void *msg);
/* The number of a file that was lent to this door, which is lent no longer; 0: it was not. */
uint64_t lent_take(struct qmgr *q, const struct ipc_channel *from, int fd);
void lent_peer_down(struct qmgr *q, const struct ipc_channel *channel);
void lent_sweep(struct qmgr *q, uint64_t age_us); /* remove those that nobody writes to */

/* ---- message.c ---- */
struct message *message_new(struct qmgr *q);
void message_free(struct qmgr *q, struct message *m); /* out of memory; the entry stays */
int message_load(struct qmgr *q, struct entry *e);    /* sets e->msg */
int message_load_journal(struct qmgr *q, struct message *m, const struct entry *e, bool state);
/* Reading it failed: set aside what is damaged; wait where a later try may succeed. */
void message_unreadable(struct qmgr *q, struct entry *e, int err);
int message_header(struct qmgr *q, struct message *m); /* of its file: offsets, CRC */
/* Record what happened and apply it. */
void message_event(struct qmgr *q, struct message *m, struct queue_event *e);
/* What came while its file was being made goes behind what is there. */
void message_add_late(struct qmgr *q, struct message *m);
/* Something else counts as one of its jobs, and as a recipient on its way. */
void message_is_busy(struct qmgr *q, struct message *m);
/* No job is out: wait, go on, or be finished. */
void message_settle(struct qmgr *q, struct message *m);
/* Nothing is left to do for it: out of the queue. */
void message_finish(struct qmgr *q, struct entry *e, const char *why);

/* ---- content.c ---- */
struct content {
	struct bytes prefix;
	struct content_source source;
	int fd; /* borrowed, if source.in_fd */
};
bool content_is_held(const struct message *m);
struct bytes content_held(const struct message *m); /* as plain memory; else empty */
/* Into memory: few octets are copied; an fd, a sealed memfd, is the message's from now on. */
void content_hold(struct qmgr *q, struct message *m, const struct content_source *c, int fd);
MUST_USE int content_hold_octets(struct qmgr *q, struct message *m, struct bytes octets);
void content_drop(struct qmgr *q, struct message *m);
/* Where it is, read back into memory if need be; borrowed until it is dropped. */
MUST_USE int content_find(struct qmgr *q, struct message *m, struct content *out);
/* Octets as a service is shown them: themselves, or in a sealed memfd, which is the caller's. */
MUST_USE int content_show(struct bytes octets, struct content_source *c, int *fd);
/* All of it, without prefix, at the end of out; at most max octets. */
MUST_USE int content_read(const struct content *c, uint64_t max, struct buf *out);

/* ---- schedule.c ---- */
int schedule_init(struct qmgr *q);
void schedule_ready(struct qmgr *q, struct entry *e);
void schedule_run(struct qmgr *q);                        /* soon */
void schedule_due(struct qmgr *q);                        /* the heap's top may have changed */
void schedule_deliver(struct qmgr *q, struct message *m); /* all recipients that are due */
void schedule_more(struct qmgr *q, struct message *m);    /* it is active: the same, if it may */
uint64_t now_s(void);

/* ---- compact.c ---- */
/* Its file has many more events than it needs; no job may be out, and it settles afterwards. */
bool compact_is_due(const struct qmgr *q, const struct message *m);
void compact_start(struct qmgr *q, struct message *m);

/* ---- verify.c ---- */
bool verify_is_needed(const struct message *m);
int verify_start(struct qmgr *q, struct message *m); /* then schedule_deliver() */

/* ---- expand.c ---- */
void deliver_rcpt(struct qmgr *q, struct message *m, uint32_t rcpt);
void deliver_expanded(struct job_list *durable); /* to the targets of these */

/* ---- deliver.c ---- */
int deliver_init(struct qmgr *q);
/* The link closes what it sends: a copy, or the message's own if it can do without. */
int content_fd_to_send(struct qmgr *q, struct message *m, int fd);
/* Into a mailbox here. flags: DELIVERY_COMMAND, DELIVERY_FILE */
void deliver_to(struct job *j, const struct directory_target *t, uint32_t flags);
void deliver_gathered(struct syncer *s);
struct job *job_new(struct qmgr *q, struct message *m, uint32_t rcpt);
void job_end(struct job *j);       /* its recipient is free again */
void job_delivered(struct job *j); /* code and text are in it */
void job_done(struct job *j, const char *code, const char *text);
void job_deferred(struct job *j, const char *code, const char *text);
void job_bounced(struct job *j, const char *code, const char *text);
void job_again(struct job *j, const char *why); /* a service was lost: soon, not counted */

/* ---- sync.c ---- */
void sync_init(struct qmgr *q, struct syncer *s, enum service service);
void sync_written(struct job *j);

/* ---- mover.c ---- */
int mover_init(struct qmgr *q);
void mover_check(struct qmgr *q); /* enough free segments? */
void mover_flush_failed(struct qmgr *q);
void mover_file_dirty(struct qmgr *q);

/* ---- removal.c ---- */
void remove_file_soon(struct qmgr *q, uint64_t queue_id);
void removals_stop(struct qmgr *q);

/* ---- recover.c ---- */
int recover(struct qmgr *q);

/* ---- scan.c ---- */
struct entry_facts { /* what the index knows of a message */
	uint64_t size;
	uint32_t due_s, rcpts_left, login;
	uint16_t attempts;
	bool held;
};
void scan_start(struct qmgr *q);
/* An UNREAD entry becomes one that is known, and waits for its time. */
void entry_learn(
	struct qmgr *q, struct entry *e, const struct queue_state *s, uint64_t size_octets);

/* ---- watched.c ---- */
void watched_put(struct qmgr *q, struct buf *out);

/* ---- operator.c ---- */
void operator_list(struct ipc_call *call, const void *msg);
void operator_show(struct ipc_call *call, const void *msg);
void operator_order(struct ipc_call *call, const void *msg);
void operator_stats(struct ipc_call *call, const void *msg);
void operator_shape(struct ipc_call *call, const void *msg);
void operator_fill_stats(struct qmgr *q, struct queue_stats_answer *s);
void operator_flushed(struct order_list *orders, int err);
void operator_peer_down(struct qmgr *q, struct ipc_channel *channel);
enum queue_told_state entry_told_state(const struct entry *e);

/* ledger has blocked it: what it has in the queue waits for the operator. */
void operator_hold_login(struct qmgr *q, struct bytes login);
/* All that is not done and not on its way fails for good: it was ordered so. */
void operator_bounce_rest(struct qmgr *q, struct message *m);

/* ---- incident.c ---- */
void incident_init(struct qmgr *q);

/* ---- message_id.c ---- */
/* "message-id=<...>", from the beginning of the content: held octets, or those in fd. */
void line_message_id(uint64_t queue_id, struct bytes held, int fd, uint64_t offset);

/* ---- lines.c ---- */
void line_active(const struct message *m);
void line_result(const struct job *j, const char *status, const char *code, const char *text);
void line_returned(const struct message *m, uint32_t rcpt, const char *code, const char *text);
void line_removed(uint64_t queue_id);

/* Nothing new is begun: what is under way is finished, the rest waits for the next process. */
static inline bool
qmgr_is_ending(const struct qmgr *q)
{
	return q->d->draining || q->d->leaving;
}

extern const struct daemon_spec qmgr_spec; /* daemon.c */

#endif
