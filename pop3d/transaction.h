/* SPDX-License-Identifier: ISC */
/*
 * pop3d/transaction.h - POP3 in the TRANSACTION state: command lines in, replies out.
 *
 * Long replies come in pieces, so that a slow client costs no memory: as long as
 * pop3_sending() is true the owner asks for more with pop3_send_more() whenever its output
 * has drained; commands wait until then.
 */
#ifndef RELAIS_POP3_TRANSACTION_H
#define RELAIS_POP3_TRANSACTION_H

#include "maildrop.h"
#include "rfc1939.h"

#define POP3_PIECE      (32 * 1024) /* octets of a message in one piece */
#define POP3_ERRORS_MAX 20          /* commands in error before the session ends */

enum pop3_sending {
	POP3_SENDS_NOTHING,
	POP3_SENDS_MESSAGE, /* RETR, TOP */
	POP3_SENDS_LIST,
	POP3_SENDS_UIDL,
};

struct pop3_transaction {
	struct maildrop *drop;
	struct bytes mechanisms; /* for CAPA (RFC 5034 sec. 3: the same in both states); borrowed */
	enum pop3_sending sending;
	uint32_t next;                /* LIST, UIDL: message to come */
	struct store_content content; /* RETR, TOP */
	size_t sent;                  /* octets of it */
	struct rfc1939_body body;
	bool over; /* write what there is, then close */
	bool quit; /* by QUIT: the UPDATE state was gone through */
	unsigned errors;
	struct store_usage change; /* what UPDATE did */
	/* for the log */
	unsigned retr, top, removed;
	uint64_t retr_octets, top_octets;
};

void pop3_transaction_init(struct pop3_transaction *t, struct maildrop *drop);
void pop3_transaction_cleanup(struct pop3_transaction *t); /* not the maildrop */

/* Use whole lines of in; stops when a long reply begins or it is over. returns: octets used */
MUST_USE size_t pop3_input(struct pop3_transaction *t, struct bytes in, struct buf *out);

static inline bool
pop3_is_sending(const struct pop3_transaction *t)
{
	return t->sending != POP3_SENDS_NOTHING;
}

/* Add the next piece of a long reply. */
void pop3_send_more(struct pop3_transaction *t, struct buf *out);

#endif
