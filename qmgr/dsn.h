/* SPDX-License-Identifier: ISC */
/*
 * qmgr/dsn.h - delivery status notifications (RFC 3464), to authenticated senders only: what
 * came from a stranger was refused at the door or is logged, so no mail of ours goes to a
 * reverse-path that somebody forged.
 */
#ifndef RELAIS_QMGR_DSN_H
#define RELAIS_QMGR_DSN_H

#include "envelope.h"

struct qmgr;
struct message;

struct dsn_rcpt {
	struct bytes address; /* Final-Recipient */
	struct bytes orcpt;   /* xtext as given, or empty */
	struct bytes code;    /* RFC 3463 */
	struct bytes text;    /* Diagnostic-Code */
};

struct dsn {
	const char *hostname; /* Reporting-MTA */
	const char *date;     /* RFC 5322, of now */
	const char *arrival;  /* the same, of the message */
	const char *id;       /* of the DSN: Message-ID and boundary */
	const char *of_id;    /* of the message */
	const struct envelope *envelope;
	struct bytes to; /* empty: the envelope's reverse-path */
	uint32_t n;
	const struct dsn_rcpt *rcpts;
	struct bytes original; /* the whole message, or its beginning */
};

/* Must this recipient's failure be told? (RFC 3461 sec. 4.1, and an authenticated sender) */
bool dsn_is_wanted(const struct envelope *e, uint32_t notify);

/* The report's content, with CRLF. Pure. Original: headers only, unless RET=FULL and small. */
void dsn_build(struct buf *out, const struct dsn *d);

/*
 * Tell of all recipients that have bounced and were not reported yet: one message for all to
 * the sender, and one to the owner of each list whose members are among them (whoever sent the
 * message: owner-NAME is an address of ours).
 */
void dsn_send(struct qmgr *q, struct message *m);

#endif
