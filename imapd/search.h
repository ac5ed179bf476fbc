/* SPDX-License-Identifier: ISC */
/*
 * imapd/search.h - a SEARCH made ready for a folder, and asked of one message at a time; private to
 * cmd_search.c, search_plan.c and search_eval.c.
 */
#ifndef RELAIS_SEARCH_H
#define RELAIS_SEARCH_H

#include "imap_core.h"
#include "mime.h"
#include "search_text.h"

enum search_cost { /* what must be looked at; cheap keys are asked first */
	COST_INDEX,
	COST_CACHE,
	COST_HEADER,
	COST_CONTENT,
};

struct search_node {
	const struct imap_search_key *key;
	struct search_node *child, *next;
	enum search_cost cost; /* of the dearest below */
	struct imap_set set;   /* SEQUENCE and UID: of sequence numbers */
	struct search_key text;
	unsigned flags;   /* FLAG, NOFLAG: STORE_* */
	bool recent;      /* the flag is \Recent */
	uint64_t keyword; /* its bit; 0: no message can have it */
};

/*
 * Make the tree for the selected folder, in the session's arena.
 * returns: ERR_UNSUPPORTED (charset); ERR_SYNTAX, ERR_LIMIT with args->problem
 */
MUST_USE int imap_search_plan(struct imap_session *s, struct imap_parser *args,
	const struct imap_search *search, struct search_node **out);

/* Is it so for this message? Gone or unreadable ones match nothing. */
bool imap_search_matches(struct imap_session *s, const struct search_node *root, uint32_t seq);

#endif
