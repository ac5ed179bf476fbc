/* SPDX-License-Identifier: ISC */
/*
 * lib/ipc/ledger_msg.h - all that others may ask of ledger: the use of quotas, who may try
 * to log in, who is banned, how much a login may send.
 *
 *   ADD        local-delivery, spawner (for its sessions): use changed by so much
 *   SET        spawner, CLI: use was counted anew
 *   GET        spawner (GETQUOTA): what is the use?
 *   LIST       CLI: accounts and their use, page by page
 *   SUBSCRIBE  directory, deliverers: be told (USE) of every account that is near or over its limit
 *
 * Guessing (below): TRY, TRIED from directory around every check of a password; BANS_SUBSCRIBE
 * from the doors, who are told BANS; BAN_LIST, BAN_ADD, BAN_DEL, LAST_USE from the CLI.
 * Sending (below): SEND from directory for each message that a login submits; INCIDENTS_SUBSCRIBE,
 * INCIDENT_TOLD from qmgr, who is told INCIDENT; INCIDENT_LIST, INCIDENT_END from the CLI.
 *
 * The account is directory's key "local@domain". Use is kept in octets and messages; the limit
 * travels with each ADD and SET (it is the tables' truth, ledger only remembers the last).
 * Use is a count that a recount of the mailbox can replace: after a power cut it may lack
 * the last second's changes, after a crash of ledger alone none that were answered.
 */
#ifndef RELAIS_LEDGER_MSG_H
#define RELAIS_LEDGER_MSG_H

#include "bytes.h"
#include "ip_block.h"
#include "ipc.h"

#define LEDGER_ACCOUNT_MAX IPC_ACCOUNT_MAX
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

	LEDGER_TRY,
	LEDGER_TRY_ANSWER,
	LEDGER_TRIED,          /* no answer */
	LEDGER_BANS_SUBSCRIBE, /* no body, no answer but BANS */
	LEDGER_BANS,
	LEDGER_BAN_LIST,
	LEDGER_BAN_LIST_ANSWER,
	LEDGER_BAN_ADD, /* answered by DONE */
	LEDGER_BAN_DEL, /* answered by DONE; ERR_NOT_FOUND */
	LEDGER_LAST_USE,
	LEDGER_LAST_USE_ANSWER,

	LEDGER_SEND,
	LEDGER_SEND_ANSWER,
	LEDGER_INCIDENTS_SUBSCRIBE, /* no body, no answer but INCIDENT: all that are open now */
	LEDGER_INCIDENT,
	LEDGER_INCIDENT_TOLD, /* no answer */
	LEDGER_INCIDENT_LIST,
	LEDGER_INCIDENT_LIST_ANSWER,
	LEDGER_INCIDENT_END, /* answered by DONE; ERR_NOT_FOUND */
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

/* ---- guessing ---- */

#define LEDGER_CLIENT_MAX     64 /* an address as text */
#define LEDGER_CREDENTIAL_MAX 64
#define LEDGER_REASON_MAX     200
#define LEDGER_BANS_MAX       48 /* in one BANS */
#define LEDGER_BAN_ROWS_MAX   32 /* in one BAN_LIST answer */
#define LEDGER_LAST_USE_MAX   64 /* in one LAST_USE answer */

enum ledger_protocol { /* numbers of enum directory_protocol */
	LEDGER_IMAP = 1,
	LEDGER_POP3,
	LEDGER_SUBMISSION,
	LEDGER_PROTOCOLS
};

/*
 * TRY: directory is about to check a password (or an exchange of SASL). The attempt counts
 * from now on as one that may fail, so that many at once gain nothing; TRIED with the same
 * client and login must follow. When ledger is not there directory goes on without it.
 */
struct ledger_try {
	struct bytes client; /* empty: not known, only the login counts */
	struct bytes login;  /* the account's key if there is one, else what the client said */
	enum ledger_protocol protocol;
};

enum ledger_try_verdict {
	LEDGER_TRY_GO,
	LEDGER_TRY_BANNED,  /* the address; no TRIED follows */
	LEDGER_TRY_GUARDED, /* the login is under attack and this address is not known for it; no
			       TRIED follows */
	LEDGER_TRY_LATER,   /* too many attempts of this address are under way; no TRIED follows */
	LEDGER_TRY_VERDICTS
};

/* Whose check goes first when many wait. */
enum ledger_trust {
	LEDGER_TRUST_KNOWN,   /* this login was right from this address before */
	LEDGER_TRUST_NEUTRAL, /* nothing is known */
	LEDGER_TRUST_SUSPECT, /* this address, or attempts at this login, failed lately */
	LEDGER_TRUSTS
};

struct ledger_try_answer {
	enum ledger_try_verdict verdict;
	enum ledger_trust trust;
	uint32_t delay_ms; /* to wait with the answer if the password is wrong, or if not GO */
};

enum ledger_tried_result {
	LEDGER_TRIED_RIGHT,
	LEDGER_TRIED_WRONG,
	LEDGER_TRIED_UNDECIDED, /* it was not checked after all */
	LEDGER_TRIED_RESULTS
};

struct ledger_tried {
	struct bytes client, login; /* as in TRY */
	enum ledger_protocol protocol;
	enum ledger_tried_result result;
	struct bytes credential; /* RIGHT: name of the app password; empty: the main one */
	uint64_t guess;          /* WRONG: keyed hash of login and password, so that one password
				    tried again and again is seen as one; 0: not known */
};

/* One ban as a door is told of it. */
struct ledger_ban_brief {
	struct ip_block block;
	uint64_t left_ms; /* from now; 0: the ban is over; UINT64_MAX: no end */
};

struct ledger_bans {
	bool reset; /* forget all that was told before (the first after BANS_SUBSCRIBE) */
	uint32_t count;
	struct ledger_ban_brief rows[LEDGER_BANS_MAX];
};

/* What is banned: an address block, or else (block.family 0) a login that is guarded. */
struct ledger_subject {
	struct ip_block block;
	struct bytes login;
};

struct ledger_ban_list {
	struct bytes after; /* the cursor of the last row seen; empty: at the first */
};

struct ledger_ban_row {
	struct ledger_subject subject;
	struct bytes cursor;
	struct bytes reason;
	uint64_t since, until; /* seconds since 1970; until 0: no end */
	uint64_t failures;     /* that led to it, and attempts refused since it began */
	uint32_t times;        /* how often it was banned lately, this time included */
	bool by_operator;
};

struct ledger_ban_list_answer {
	uint32_t count; /* 0: that was all */
	struct ledger_ban_row rows[LEDGER_BAN_ROWS_MAX];
};

struct ledger_ban_add {
	struct ledger_subject subject;
	uint64_t seconds; /* 0: no end */
	struct bytes reason;
};

struct ledger_ban_del {
	struct ledger_subject subject;
};

/* When an account's passwords were last right. */
struct ledger_last_use {
	struct bytes account;
};

struct ledger_last_use_row {
	struct bytes credential; /* empty: the main password */
	struct bytes client;
	enum ledger_protocol protocol;
	uint64_t when; /* seconds since 1970; exact to a minute */
};

struct ledger_last_use_answer {
	uint32_t count;
	struct ledger_last_use_row rows[LEDGER_LAST_USE_MAX];
};

/* ---- sending ---- */

#define LEDGER_HASHES_MAX        5000 /* recipients in one SEND */
#define LEDGER_INCIDENT_ROWS_MAX 32

/* SEND: may this login submit one more message, to these? OK counts it. Without recipients
 * nothing is counted: is it blocked, or over a limit already? */
struct ledger_send {
	struct bytes login;  /* the account's key */
	uint32_t recipients; /* as many as there are hashes */
	struct bytes hashes; /* directory_recipient_put() of each, 8 octets; ledger keys them
				with a secret of its own before it remembers them */
};

enum ledger_send_verdict {
	LEDGER_SEND_OK,
	LEDGER_SEND_MESSAGES,       /* over the messages a day */
	LEDGER_SEND_RECIPIENTS,     /* over the recipients a day */
	LEDGER_SEND_NEW_RECIPIENTS, /* over the recipients a day that it never wrote to before */
	LEDGER_SEND_BLOCKED,        /* an incident is open: the operator has to end it */
	LEDGER_SEND_LATER,          /* can't be counted now */
	LEDGER_SEND_VERDICTS
};

struct ledger_send_answer {
	enum ledger_send_verdict verdict;
	uint64_t limit;   /* MESSAGES to NEW_RECIPIENTS: the limit */
	uint32_t retry_s; /* the same: when the next may fit */
};

/* A text for the reply of each verdict, constant: "too many new recipients today". */
const char *ledger_send_text(enum ledger_send_verdict v);

/* A login became send-blocked, or (open false) is no longer. Told to qmgr: it holds the login's
 * queued mail, and if told is false also tells the operator by mail, then says INCIDENT_TOLD. */
struct ledger_incident {
	struct bytes login;
	bool open;
	bool told;
	uint64_t since;    /* seconds since 1970 */
	struct bytes text; /* why, for people */
};

struct ledger_incident_told {
	struct bytes login;
};

struct ledger_incident_list {
	struct bytes after; /* begin behind this login; empty: at the first */
};

struct ledger_incident_row {
	struct bytes login;
	bool told;
	uint64_t since;
	uint64_t messages, recipients, new_recipients; /* in the day before it */
	uint64_t refused;                              /* messages since */
	struct bytes text;
};

struct ledger_incident_list_answer {
	uint32_t count; /* 0: that was all */
	struct ledger_incident_row rows[LEDGER_INCIDENT_ROWS_MAX];
};

/* The operator ends it. What becomes of the held mail the CLI tells qmgr. */
struct ledger_incident_end {
	struct bytes login;
	bool only_ask; /* is there one? Nothing changes */
};

/* Encoder and decoder of each: quotas in ledger_msg.c, guessing and sending in
 * ledger_guard_msg.c. What subscribes has no body. */
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
void ledger_try_encode(struct buf *out, const struct ledger_try *m);
MUST_USE int ledger_try_decode(struct ipc_reader *in, void *m);
void ledger_try_answer_encode(struct buf *out, const struct ledger_try_answer *m);
MUST_USE int ledger_try_answer_decode(struct ipc_reader *in, void *m);
void ledger_tried_encode(struct buf *out, const struct ledger_tried *m);
MUST_USE int ledger_tried_decode(struct ipc_reader *in, void *m);
void ledger_bans_encode(struct buf *out, const struct ledger_bans *m);
MUST_USE int ledger_bans_decode(struct ipc_reader *in, void *m);
void ledger_ban_list_encode(struct buf *out, const struct ledger_ban_list *m);
MUST_USE int ledger_ban_list_decode(struct ipc_reader *in, void *m);
void ledger_ban_list_answer_encode(struct buf *out, const struct ledger_ban_list_answer *m);
MUST_USE int ledger_ban_list_answer_decode(struct ipc_reader *in, void *m);
void ledger_ban_add_encode(struct buf *out, const struct ledger_ban_add *m);
MUST_USE int ledger_ban_add_decode(struct ipc_reader *in, void *m);
void ledger_ban_del_encode(struct buf *out, const struct ledger_ban_del *m);
MUST_USE int ledger_ban_del_decode(struct ipc_reader *in, void *m);
void ledger_last_use_encode(struct buf *out, const struct ledger_last_use *m);
MUST_USE int ledger_last_use_decode(struct ipc_reader *in, void *m);
void ledger_last_use_answer_encode(struct buf *out, const struct ledger_last_use_answer *m);
MUST_USE int ledger_last_use_answer_decode(struct ipc_reader *in, void *m);
void ledger_send_encode(struct buf *out, const struct ledger_send *m);
MUST_USE int ledger_send_decode(struct ipc_reader *in, void *m);
void ledger_send_answer_encode(struct buf *out, const struct ledger_send_answer *m);
MUST_USE int ledger_send_answer_decode(struct ipc_reader *in, void *m);
void ledger_incident_encode(struct buf *out, const struct ledger_incident *m);
MUST_USE int ledger_incident_decode(struct ipc_reader *in, void *m);
void ledger_incident_told_encode(struct buf *out, const struct ledger_incident_told *m);
MUST_USE int ledger_incident_told_decode(struct ipc_reader *in, void *m);
void ledger_incident_list_encode(struct buf *out, const struct ledger_incident_list *m);
MUST_USE int ledger_incident_list_decode(struct ipc_reader *in, void *m);
void ledger_incident_list_answer_encode(
	struct buf *out, const struct ledger_incident_list_answer *m);
MUST_USE int ledger_incident_list_answer_decode(struct ipc_reader *in, void *m);
void ledger_incident_end_encode(struct buf *out, const struct ledger_incident_end *m);
MUST_USE int ledger_incident_end_decode(struct ipc_reader *in, void *m);

#endif
