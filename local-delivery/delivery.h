/* SPDX-License-Identifier: ISC */
/*
 * local-delivery/delivery.h - private to local-delivery and system-delivery: from a job to a
 * message in a mailbox.
 *
 *	deliver.c	a batch of jobs on one store: checks, fields, outcomes
 *	fields.c	what is put in front of a message, and mail loops
 *	quota.c		the accounts near their limits, and what to tell ledger
 *	syncer.c	syncfs in a thread of its own
 *	intake.c	jobs of one turn of the event loop, results, SYNC: for both daemons
 *	local.c		the daemon for virtual users
 *	system.c	the daemon for system users, child.c what its children do
 *	commands.c	jobs for commands and files of aliases, runner.c the process that does them,
 *			runner_command.c one command
 */
#ifndef RELAIS_DELIVERY_H
#define RELAIS_DELIVERY_H

#include "arena.h"
#include "delivery_msg.h"
#include "ledger_msg.h"
#include "local_delivery_conf.h"
#include "store.h"

/* ---- fields.c --------------------------------------------------------------------------- */

/* Return-Path, Delivered-To (if asked for) and the job's own fields, in that order. */
struct bytes delivery_fields(const struct delivery_job *job, bool delivered_to, struct arena *a);

/* Has a message with this header been delivered to the account before? header: the message,
 * or as much of its beginning as is known; fields after the empty line do not count. */
bool delivery_loops(struct bytes header, struct bytes account);

/* The folder for a detail in the store's form (modified UTF-7), or BYTES_NONE: INBOX. */
struct bytes delivery_folder(struct bytes detail, struct arena *a);

/* ---- quota.c ----------------------------------------------------------------------------- */

struct quota;
struct quota *quota_new(void);
void quota_free(struct quota **q);

/* What ledger tells (USE): the accounts near their limits are remembered, others forgotten. */
void quota_tell(struct quota *q, const struct ledger_use *use);
void quota_forget_all(struct quota *q); /* ledger is new: it will tell again */

/* Room for so many octets, the grace included? An account nobody told of counts as empty. */
bool quota_has_room(const struct quota *q, const struct delivery_job *job, uint64_t octets,
	unsigned grace_percent);

/* A message was delivered: counts at once, and is told to ledger with the next batch. */
void quota_delivered(struct quota *q, const struct delivery_job *job, uint64_t octets);

/* Hand over all that is untold, one call for each account; nothing is untold afterwards. */
void quota_drain(struct quota *q, void (*tell)(void *arg, const struct ledger_add *add), void *arg);
/* It could not be told: count it in again. Beyond QUOTA_UNTOLD_MAX accounts it is lost (a
 * recount repairs that): false. */
#define QUOTA_UNTOLD_MAX 20000
bool quota_retell(struct quota *q, const struct ledger_add *add);
size_t quota_untold(const struct quota *q);

/* ---- syncer.c ---------------------------------------------------------------------------- */

struct event_base;
struct syncer;

/* One syncfs of fd's file system at a time, in a thread, for all who asked before it began.
 * Without a thread (none to be had) it is done in place. fd is borrowed. */
struct syncer *syncer_new(struct event_base *base, int fd);
void syncer_free(struct syncer **s); /* who still waits is not called */

/* done(arg, ERR_OK): all that was written before this call is durable. Never from within. */
typedef void syncer_done_fn(void *arg, int err);
void syncer_ask(struct syncer *s, syncer_done_fn *done, void *arg);

/* ---- deliver.c --------------------------------------------------------------------------- */

/* Why a job ended as it did: an enum err, or one of these. */
enum delivery_why {
	DELIVERY_WHY_LOOP = 1,
	DELIVERY_WHY_FULL,
	DELIVERY_WHY_FULL_FOR_NOW,
	DELIVERY_WHY_OWNER, /* a mailbox must not belong to root */
};

struct delivery_outcome {
	int why;
	enum delivery_status status;
	const char *code, *text; /* constant, or good until the job is answered */
	uint64_t octets;         /* by which the account's use grew; 0 unless written */
};

struct delivery_item {
	struct delivery_job job; /* its bytes live as long as the item */
	int content_fd;          /* borrowed; -1: content is in the job */
	struct delivery_outcome outcome;
};

struct deliverer {
	struct store_deliverer *store;
	int root_fd;  /* the mail root; homes are below it */
	bool is_home; /* root_fd is the home itself (a system user's child in its jail) */
	const struct local_delivery_conf *conf;
	struct quota *quota; /* NULL: no limits here, somebody else checked */
	struct arena arena;  /* of one batch */
};

#define DELIVERY_BATCH_MAX 128

/* Every item gets its outcome; at most DELIVERY_BATCH_MAX. Jobs for one folder are done
 * together, in their order. Nothing is flushed. */
void deliver_batch(struct deliverer *d, struct delivery_item *items, size_t n);

/* The outcome for an enum err or a DELIVERY_WHY_*; one nobody knows is temporary. */
struct delivery_outcome delivery_outcome_for(int why);

/* May this job be done with these limits? Fills *outcome and returns false if not. */
bool delivery_within_quota(const struct quota *q, const struct local_delivery_conf *conf,
	const struct delivery_job *job, struct delivery_outcome *outcome);

#endif
