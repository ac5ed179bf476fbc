/* SPDX-License-Identifier: ISC */
/*
 * qmgr/filter.h - which messages the operator means, see queue_filter; and what the index keeps
 * of each message that is not in memory, so that few files are read to find out.
 */
#ifndef RELAIS_QMGR_FILTER_H
#define RELAIS_QMGR_FILTER_H

#include "domains.h"
#include "index.h"
#include "queue_operator_msg.h"
#include "queue_state.h"

/* What the index gets to know of a message. */
struct key_facts {
	uint32_t sender; /* hash of the reverse-path */
	uint32_t rcpt;   /* hash of the only recipient left, which is no alias' target; or 0 */
	bool several;    /* the recipients left have more than one domain */
	struct trigrams words; /* codes, answers and next hops of the recipients left */
	struct bytes from_domain, to_domain; /* borrowed from the state */
};

void key_facts(const struct queue_state *s, struct key_facts *out);
void entry_set_keys(struct index *x, struct entry *e, const struct key_facts *f);

uint32_t login_hash(struct bytes login); /* 0: nobody */

struct filter {
	struct queue_filter want; /* its strings live in arena */
	struct arena arena;
	struct bytes sender_domain, rcpt_domain; /* of "@domain" */
	uint32_t sender, rcpt, login;            /* hashes */
	uint32_t from_domain, to_domain;         /* numbers, DOMAINS_SEVERAL: any */
	struct trigrams words;                   /* of reason and next hop */
	bool needs_rcpt, needs_state;
};

void filter_init(struct filter *f, const struct queue_filter *want); /* copies */
void filter_free(struct filter *f);

/* Numbers of domains may change between turns: ask before each. */
void filter_turn(struct filter *f, const struct index *x);

enum filter_verdict {
	FILTER_NO,
	FILTER_YES,
	FILTER_READ /* filter_state() will tell */
};

/* By what the index knows; told: entry_told_state(). */
enum filter_verdict filter_entry(
	const struct filter *f, const struct entry *e, enum queue_told_state told);

/* By all there is; size and told of the entry, which may have been UNREAD before. hops: tells
 * a recipient's next hop, or BYTES_NONE; may be NULL. */
typedef struct bytes filter_hop_fn(const void *ctx, uint32_t rcpt);
bool filter_state(const struct filter *f, const struct queue_state *s, uint64_t size,
	enum queue_told_state told, filter_hop_fn *hop, const void *ctx);

#endif
