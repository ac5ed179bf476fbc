/* SPDX-License-Identifier: ISC */
/*
 * ledger/ban_list.h - who is banned: address blocks, and logins that are guarded. In memory; each
 * record has a form for the database. Pure: the time is an argument (seconds since 1970).
 *
 * A record outlives its ban by a while, so that the next ban of the same subject is longer.
 *
 * Runs in:  ledger.
 */
#ifndef RELAIS_BAN_LIST_H
#define RELAIS_BAN_LIST_H

#include "buf.h"
#include "ledger_msg.h"

struct ban_policy {
	uint64_t time_s;     /* of the first ban; each further one is twice as long */
	uint64_t time_max_s; /* but not longer than this */
	uint64_t memory_s;   /* for which an ended ban makes the next one longer */
};

struct ban {
	struct ledger_subject subject; /* the login is the list's */
	uint64_t since_s, until_s;     /* until 0: no end */
	uint64_t failures;             /* that led to it */
	uint64_t refused;              /* attempts since; not kept over a restart */
	uint32_t times;
	bool by_operator;
	bool over; /* ended, and that was noticed */
	uint8_t reason_len;
	char reason[LEDGER_REASON_MAX];
};

struct ban_list;

struct ban_list *ban_list_new(size_t max); /* records; when it is full the first to end goes */
void ban_list_free(struct ban_list **l);
size_t ban_list_count(const struct ban_list *l); /* records, ended ones too */

static inline bool
ban_is_active(const struct ban *b, uint64_t now_s)
{
	return b != NULL && !b->over && (b->until_s == 0 || b->until_s > now_s);
}

/* The record of exactly this subject, active or not; NULL if there is none. Valid until the
 * next change of the list. */
struct ban *ban_list_get(struct ban_list *l, const struct ledger_subject *subject);

/* The widest active ban that holds the address; NULL: not banned. */
struct ban *ban_list_holding(struct ban_list *l, const struct ip_block *address, uint64_t now_s);

/*
 * Ban by failures: as long as the policy says for the times'th time. One that is active already
 * only counts the failures. gone, if not NULL: called for a record that had to make room.
 */
typedef void ban_fn(void *arg, struct ban *b);
struct ban *ban_list_punish(struct ban_list *l, const struct ban_policy *p,
	const struct ledger_subject *subject, uint64_t failures, const char *reason, uint64_t now_s,
	ban_fn *gone, void *arg);

/* Ban by the operator; seconds 0: no end. In place of what there was. */
struct ban *ban_list_order(struct ban_list *l, const struct ledger_subject *subject,
	uint64_t seconds, struct bytes reason, uint64_t now_s, ban_fn *gone, void *arg);

/* Away, with its memory of former bans. false: there was none */
bool ban_list_del(struct ban_list *l, const struct ledger_subject *subject);

/*
 * Bans whose end has come: ended() for each, once; records whose memory is over: forgotten(),
 * then they go. Cheap when there are none.
 */
void ban_list_sweep(struct ban_list *l, const struct ban_policy *p, uint64_t now_s, ban_fn *ended,
	ban_fn *forgotten, void *arg);

/* Every active ban of an address block. */
void ban_list_each_block(struct ban_list *l, uint64_t now_s, ban_fn *fn, void *arg);

/* The forms for the database. A key is of at most LEDGER_ACCOUNT_MAX + 1 octets, in the order
 * IPv4, IPv6, logins. subject, load: ERR_CORRUPT if it is not such a record. */
void ban_key(const struct ledger_subject *subject, struct buf *out);
MUST_USE int ban_subject(struct bytes key, struct ledger_subject *out); /* borrows from key */
void ban_value(const struct ban *b, struct buf *out);
MUST_USE int ban_list_load(struct ban_list *l, struct bytes key, struct bytes value);

#endif
