/* SPDX-License-Identifier: ISC */
/*
 * ledger/sending.h - how much a login sends: messages, recipients, and recipients it never
 * wrote to before, within a day; and what is no longer a busy day but a stolen password.
 * Pure: the time is an argument (seconds since 1970), the records come and go as values.
 *
 * The day is the 24 hours of the clock that end with the current one. A recipient is remembered
 * as 32 bits of a keyed hash in a ring of bounded size for each login: who writes to more forgets
 * the oldest, and they are new again.
 *
 * Runs in:  ledger.
 */
#ifndef RELAIS_SENDING_H
#define RELAIS_SENDING_H

#include "buf.h"
#include "ledger_msg.h"
#include "siphash.h"

#define SENDING_HOURS 24

struct sending_policy {
	uint64_t messages, recipients, new_recipients; /* a day; 0: no limit */
	uint64_t incident_factor; /* times new_recipients within an hour: an incident; 0: never */
	uint64_t remembered;      /* recipients of a login */
};

/* What a login sent. */
struct sent {
	uint64_t hour; /* since 1970, of the last slot; 0: nothing yet */
	struct sent_hour {
		uint32_t messages, recipients, new_recipients;
	} hours[SENDING_HOURS]; /* the last is the current one */
};

/* Sums over the day. */
struct sent_sum {
	uint64_t messages, recipients, new_recipients;
};
struct sent_sum sent_sum(const struct sent *s);

/* Make the last slot the hour of now. */
void sent_move(struct sent *s, uint64_t now_s);

void sent_encode(const struct sent *s, struct buf *out);
MUST_USE int sent_decode(struct bytes in, struct sent *s); /* ERR_CORRUPT */

/*
 * The ring of known recipients: u32 place of the next, then u32 each.
 * sending_new(): which of the hashes (8 octets each) are not in it? They are written to fresh,
 * keyed, each once; returns how many. fresh holds as many as there are hashes.
 */
size_t sending_new(
	const struct siphash_key *key, struct bytes ring, struct bytes hashes, uint32_t *fresh);
/* Put them in; the ring has at most `remembered` afterwards. */
void sending_remember(struct buf *ring, const uint32_t *fresh, size_t n, uint64_t remembered);

/*
 * One message to so many recipients, so many of them new. OK counts it; over a limit nothing is
 * counted. With 0 recipients only the question is answered.
 */
void sending_ask(const struct sending_policy *p, struct sent *s, uint64_t recipients,
	uint64_t fresh, uint64_t now_s, struct ledger_send_answer *out);

/*
 * What was refused in this hour, by login: how many distinct new recipients a login wanted.
 * In memory only, for at most SENDING_PRESSED logins; the one longest unheard of goes first.
 */
#define SENDING_PRESSED 1024

struct pressure;
struct pressure *pressure_new(void);
void pressure_free(struct pressure **p);

struct pressure_news {
	bool first;       /* the first refusal of this login in this hour: worth a log line */
	uint64_t refused; /* distinct new recipients refused in this hour; a little too low */
};
struct pressure_news pressure_add(
	struct pressure *p, struct bytes login, const uint32_t *fresh, size_t n, uint64_t now_s);

/* Its hour begins anew. */
void pressure_forget(struct pressure *p, struct bytes login);

/* Is it an incident: so many new ones accepted and refused within the hour? */
bool sending_is_incident(const struct sending_policy *p, const struct sent *s, uint64_t refused);

#endif
