/* SPDX-License-Identifier: ISC */
/*
 * lib/ipc/ledger_msg.h - all that others may ask of ledger: the use of quotas.
 *
 *   ADD        local-delivery, spawner (for its sessions): use changed by so much
 *   SET        spawner, CLI: use was counted anew
 *   GET        spawner (GETQUOTA): what is the use?
 *   LIST       CLI: accounts and their use, page by page
 *   SUBSCRIBE  directory, deliverers: be told (USE) of every account that is near or over its limit
 *
 * The account is directory's key "local@domain". Use is kept in octets and messages; the limit
 * travels with each ADD and SET (it is the tables' truth, ledger only remembers the last).
 * Use is a count that a recount of the mailbox can replace: after a power cut it may lack
 * the last second's changes, after a crash of ledger alone none that were answered.
 */
#ifndef RELAIS_LEDGER_MSG_H
#define RELAIS_LEDGER_MSG_H

#include "bytes.h"
#include "ipc.h"

#define LEDGER_ACCOUNT_MAX 320
#define LEDGER_ROWS_MAX    64 /* rows in one LIST answer */

/* limit_* of an ADD whose sender doesn't know it: what was known stays */
#define LEDGER_LIMIT_UNKNOWN UINT64_MAX

/* An account counts as near its limit from this share on, in percent. */
#define LEDGER_NEAR_PERCENT 80u

enum ledger_type {
	LEDGER_ADD = IPC_LEDGER, /* answered by DONE after the commit if asked for */
	LEDGER_SET,              /* answered by DONE */
	LEDGER_DONE,
	LEDGER_GET,
	LEDGER_GET_ANSWER,
	LEDGER_LIST,
	LEDGER_LIST_ANSWER,
	LEDGER_SUBSCRIBE, /* no answer but USE, now for all that are near, later on each change */
	LEDGER_USE,
};

struct ledger_add {
	struct bytes account;
	int64_t octets, messages; /* deltas; use never goes below zero */
	uint64_t limit_octets;    /* 0: no limit; LEDGER_LIMIT_UNKNOWN */
	uint64_t limit_messages;  /* the same */
	bool answer;              /* send DONE when it is committed */
};

struct ledger_set {
	struct bytes account;
	uint64_t octets, messages;
	uint64_t limit_octets, limit_messages;
	bool forget; /* the account is gone: drop its record */
};

struct ledger_done {
	int err; /* ERR_OK or why not */
};

struct ledger_get {
	struct bytes account;
};

/* One account's use: the answer to GET (zeros for one never heard of), a row of LIST, and
 * what a subscriber is told. Told below LEDGER_NEAR_PERCENT means: no longer near. */
struct ledger_use {
	struct bytes account;
	uint64_t octets, messages;
	uint64_t limit_octets, limit_messages;
};

struct ledger_list {
	struct bytes after; /* begin behind this account; empty: at the first */
};

struct ledger_list_answer {
	uint32_t count; /* 0: that was all */
	struct ledger_use rows[LEDGER_ROWS_MAX];
};

/* true if this use of a limit is LEDGER_NEAR_PERCENT or more; false without a limit */
static inline bool
ledger_is_near(uint64_t use, uint64_t limit)
{
	return limit != 0 && limit != LEDGER_LIMIT_UNKNOWN &&
	       use >= limit - limit / 100 * (100 - LEDGER_NEAR_PERCENT);
}

/* Encoder and decoder of each, side by side in ledger_msg.c. SUBSCRIBE has no body. */
void ledger_add_encode(struct buf *out, const struct ledger_add *m);
MUST_USE int ledger_add_decode(struct ipc_reader *in, void *m);
void ledger_set_encode(struct buf *out, const struct ledger_set *m);
MUST_USE int ledger_set_decode(struct ipc_reader *in, void *m);
void ledger_done_encode(struct buf *out, const struct ledger_done *m);
MUST_USE int ledger_done_decode(struct ipc_reader *in, void *m);
void ledger_get_encode(struct buf *out, const struct ledger_get *m);
MUST_USE int ledger_get_decode(struct ipc_reader *in, void *m);
void ledger_use_encode(struct buf *out, const struct ledger_use *m); /* USE and GET_ANSWER */
MUST_USE int ledger_use_decode(struct ipc_reader *in, void *m);
void ledger_list_encode(struct buf *out, const struct ledger_list *m);
MUST_USE int ledger_list_decode(struct ipc_reader *in, void *m);
void ledger_list_answer_encode(struct buf *out, const struct ledger_list_answer *m);
MUST_USE int ledger_list_answer_decode(struct ipc_reader *in, void *m);

#endif
