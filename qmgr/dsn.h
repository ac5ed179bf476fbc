/* SPDX-License-Identifier: ISC */
/*
 * qmgr/dsn.h - delivery status notifications: what failed, what is late, and, if asked for, what
 * arrived (RFC 3461, 3464, 6533). To senders who had a login, and failures to those whose
 * reverse-path is theirs by SPF or DKIM: no mail of ours goes to one that somebody forged.
 */
#ifndef RELAIS_QMGR_DSN_H
#define RELAIS_QMGR_DSN_H

#include "envelope.h"

struct qmgr;
struct message;

enum dsn_kind {
	DSN_FAILURE,
	DSN_DELAY,
	DSN_SUCCESS,
	DSN_KINDS
};

enum dsn_action { /* RFC 3464 sec. 2.3.3 */
	DSN_FAILED,
	DSN_DELAYED,
	DSN_DELIVERED,
	DSN_RELAYED,  /* to a host that knows no DSN */
	DSN_EXPANDED, /* to several recipients, of whom nothing more is told */
	DSN_ACTIONS
};

struct dsn_rcpt {
	enum dsn_action action;
	struct bytes address; /* Final-Recipient */
	struct bytes orcpt;   /* as given in ORCPT, or empty */
	struct bytes given;   /* the forward-path that led to address, if it is another; or empty */
	struct bytes code;    /* RFC 3463 */
	struct bytes text;    /* Diagnostic-Code */
	struct bytes remote;  /* Remote-MTA, whose words text quotes; empty: it is our own */
};

struct dsn {
	enum dsn_kind kind;
	const char *hostname; /* Reporting-MTA */
	const char *date;     /* RFC 5322, of now */
	const char *arrival;  /* the same, of the message */
	const char *until;    /* the same, DSN_DELAY: when it is given up */
	const char *id;       /* of the DSN: Message-ID and boundary */
	const char *of_id;    /* of the message */
	const struct envelope *envelope;
	struct bytes to;
	bool to_postmaster; /* a report that could not be delivered itself */
	bool full;          /* return the content, too */
	uint32_t n;
	const struct dsn_rcpt *rcpts;
	struct bytes original; /* the whole message, or (not full) its beginning */
};

/* Does the sender want to be told? RFC 3461 sec. 4.1: failures and delays unless NOTIFY says
 * otherwise, successes only if it says so. */
bool dsn_is_wanted(enum dsn_kind kind, uint32_t notify);

/* The report's content, with CRLF. Pure. With SMTPUTF8 in the envelope in the forms of RFC 6533,
 * else in ASCII but for what a person reads and what is returned. */
void dsn_build(struct buf *out, const struct dsn *d);

enum dsn_progress {
	DSN_TOLD,      /* nobody is to be told of anything */
	DSN_UNDER_WAY, /* reports go into the queue: it settles again when they are durable */
	DSN_LATER,     /* one could not be made: ask again at dsn_next_s() */
};

/*
 * Tell of all recipients that were not reported yet, when no job of the message is out: one
 * message of a kind for all to the sender, and one to the owner of each list whose members are
 * among them (whoever sent the message: owner-NAME is an address of ours).
 */
MUST_USE enum dsn_progress dsn_send(struct qmgr *q, struct message *m);

/* When dsn_send() has to be asked again though nothing is delivered: a delay is to be told of, or a
 * report could not be made. Seconds since 1970; UINT64_MAX: never. */
uint64_t dsn_next_s(const struct qmgr *q, const struct message *m);

/* NOTIFY and ORCPT that go along to the next host for a recipient of a message
 * (RFC 3461 sec. 5.2.7): those of the forward-path that it stands for. */
struct dsn_params {
	uint32_t notify;
	struct bytes orcpt;
};
struct dsn_params dsn_params(const struct message *m, uint32_t rcpt);

#endif
