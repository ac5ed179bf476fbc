/* SPDX-License-Identifier: ISC */
/*
 * lib/ipc/send_ticket.h - directory's word to qmgr that a login may send a message, and to
 * mailauth-sign that it may be signed for its author's domain.
 *
 * It travels through submission, which can neither make nor change one: version, number of
 * the key, expiry, and an HMAC-SHA256 (RFC 2104, by OpenSSL) over these, login, queue id,
 * reverse-path and domain. Directory has one key together with qmgr and another one together with
 * the signers, so neither of the two can make tickets for the other; master makes both when the
 * suite starts.
 *
 * Pure: the time is an argument. Its own library (send_ticket), for only these need it.
 */
#ifndef RELAIS_SEND_TICKET_H
#define RELAIS_SEND_TICKET_H

#include "buf.h"

#define SEND_TICKET_KEY_SIZE 32
#define SEND_TICKET_SIZE     (1 + 8 + 8 + 32)

/* From SEND to COMMIT is a moment; a large message on a slow disk takes longer. */
#define SEND_TICKET_LIFE_S 900

struct send_ticket_key {
	uint64_t id; /* 0: there is none yet */
	uint8_t key[SEND_TICKET_KEY_SIZE];
};

/* One for as long as the suite runs, from what master gave at the start: SEND_TICKET_SECRET octets.
 * So a ticket is good for a qmgr that came after it. Without any (zeros) *key stays as it is. */
#define SEND_TICKET_SECRET (8 + SEND_TICKET_KEY_SIZE)

void send_ticket_key_take(struct send_ticket_key *key, const uint8_t *secret);

/* What a ticket is good for. */
struct send_ticket {
	struct bytes login; /* the account's key, as AUTH's answer gave it */
	uint64_t queue_id;
	struct bytes reverse_path; /* exactly as in SEND; empty: the null reverse-path */
	/* For the signer: of the author, as mail_domain_fold() makes it. For qmgr: empty. */
	struct bytes domain;
};

void send_ticket_make(const struct send_ticket_key *key, const struct send_ticket *t,
	uint64_t now_s, struct buf *out);

/*
 * returns: ERR_OK; ERR_BUSY: another key (ask for it again, then 4yz), or too old (4yz);
 *          ERR_DENIED: no ticket of directory's, or not for this
 */
MUST_USE int send_ticket_check(const struct send_ticket_key *key, const struct send_ticket *t,
	uint64_t now_s, struct bytes ticket);

/* Does a ticket say that it was made with this key? So ERR_BUSY meant that it is too old. */
bool send_ticket_names(const struct send_ticket_key *key, struct bytes ticket);

#endif
