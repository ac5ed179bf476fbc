/* SPDX-License-Identifier: ISC */
/*
 * imapd/search_plan.c - makes the parsed keys of a SEARCH ready: sets become sequence numbers,
 * texts become UTF-8 and search keys, cheap keys come first.
 *
 * Runs in:  imap session.
 * Trusts:   nothing; the parser has limited depth and number of keys.
 * Sources:  RFC 3501 sec. 6.4.4.
 */
#include "err.h"
#include "search.h"

struct planner {
	struct imap_session *s;
	struct imap_parser *args;
	struct charset charset; /* of the client's texts */
};

static int plan_key(
	struct planner *pl, const struct imap_search_key *key, struct search_node **out);

static int
plan_text(struct planner *pl, struct bytes text, struct search_key *out)
{
	struct buf utf8 = BUF_INIT;
	int r;

	charset_to_utf8(pl->charset, text, &utf8);
	r = search_key_make(&pl->s->arena, buf_bytes(&utf8), out);
	buf_free(&utf8);
	if (r < 0)
		pl->args->problem =
			r == ERR_LIMIT ? "a search text is too long" : "a search text is not UTF-8";
	return r;
}

static int
plan_set(struct planner *pl, struct search_node *node)
{
	node->set = node->key->set;
	return imap_resolve_messages(pl->s, pl->args, &node->set,
		node->key->op == IMAP_SEARCH_UID ? IMAP_UIDS : IMAP_NUMBERS_ANY);
}

static int
plan_keyword(struct planner *pl, struct search_node *node)
{
	unsigned bit;
	int r = store_keyword_bit(pl->s->view, node->key->text, false, &bit);

	if (r == ERR_OK)
		node->keyword = (uint64_t)1 << bit;
	return ERR_OK; /* a keyword nobody knows is on no message */
}

static int
plan_header(struct planner *pl, struct search_node *node)
{
	bool cached = store_fields_cached(&node->key->field, 1);

	node->cost = cached ? COST_CACHE : COST_HEADER;
	return plan_text(pl, node->key->text, &node->text);
}

/* Put a child into its place: cheap ones first, else in the client's order. */
static void
insert_child(struct search_node *parent, struct search_node *child)
{
	struct search_node **link = &parent->child;

	while (*link != NULL && (*link)->cost <= child->cost)
		link = &(*link)->next;
	child->next = *link;
	*link = child;
	if (child->cost > parent->cost)
		parent->cost = child->cost;
}

static int
plan_children(struct planner *pl, struct search_node *node)
{
	for (const struct imap_search_key *k = node->key->child; k != NULL; k = k->next) {
		struct search_node *child;
		int r = plan_key(pl, k, &child);

		if (r < 0)
			return r;
		insert_child(node, child);
	}
	return ERR_OK;
}

static int
plan_key(struct planner *pl, const struct imap_search_key *key, struct search_node **out)
{
	struct search_node *node = *out = arena_zalloc(&pl->s->arena, sizeof(*node));

	node->key = key;
	switch (key->op) {
	case IMAP_SEARCH_FLAG:
	case IMAP_SEARCH_NOFLAG:
		node->flags = imap_store_flags(key->number);
		node->recent = key->number == IMAP_RECENT;
		return ERR_OK;
	case IMAP_SEARCH_KEYWORD:
	case IMAP_SEARCH_NOKEYWORD:
		return plan_keyword(pl, node);
	case IMAP_SEARCH_SENTBEFORE:
	case IMAP_SEARCH_SENTON:
	case IMAP_SEARCH_SENTSINCE:
		node->cost = COST_CACHE;
		return ERR_OK;
	case IMAP_SEARCH_HEADER:
		return plan_header(pl, node);
	case IMAP_SEARCH_BODY:
	case IMAP_SEARCH_TEXT:
		node->cost = COST_CONTENT;
		return plan_text(pl, key->text, &node->text);
	case IMAP_SEARCH_SEQUENCE:
	case IMAP_SEARCH_UID:
		return plan_set(pl, node);
	case IMAP_SEARCH_NOT:
	case IMAP_SEARCH_OR:
	case IMAP_SEARCH_AND:
		return plan_children(pl, node);
	default:
		return ERR_OK;
	}
}

int
imap_search_plan(struct imap_session *s, struct imap_parser *args, const struct imap_search *search,
	struct search_node **out)
{
	struct planner pl = { .s = s, .args = args, .charset = CHARSET_UNKNOWN };

	if (search->charset.n > 0 && !charset_find(s->charsets, search->charset, &pl.charset))
		return ERR_UNSUPPORTED;
	return plan_key(&pl, search->key, out);
}
