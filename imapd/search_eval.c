/* SPDX-License-Identifier: ISC */
/*
 * imapd/search_eval.c - does a message match? Looks at no more of it than the keys need: the
 * index, then the cache, then the file.
 *
 * Runs in:  imap session.
 * Trusts:   nothing in a message.
 * Sources:  RFC 3501 sec. 6.4.4.
 */
#include "err.h"
#include "rfc5322.h"
#include "search.h"

/* What is known of the message so far. */
struct candidate {
	struct imap_session *s;
	uint32_t seq;
	struct store_message m;
	struct store_content content;
	bool open, unreadable;
	struct mime_part *root;
	struct arena arena;
};

static bool
open_content(struct candidate *c)
{
	if (!c->open && !c->unreadable) {
		c->open = store_content_open(c->s->view, c->seq, &c->content) == ERR_OK;
		c->unreadable = !c->open;
	}
	return c->open;
}

/* The fields of the cache, or nothing. */
static struct bytes
cached_fields(struct candidate *c)
{
	struct store_cached cached;

	if (c->unreadable || store_cached(c->s->view, c->seq, &cached) < 0) {
		c->unreadable = true;
		return BYTES_NONE;
	}
	return cached.fields;
}

static bool
match_header(struct candidate *c, const struct search_node *n)
{
	struct bytes header;

	if (n->cost == COST_CACHE)
		header = cached_fields(c);
	else if (open_content(c))
		header = bytes_head(c->content.text, rfc5322_header_len(c->content.text));
	else
		return false;
	return search_field(c->s->charsets, header, n->key->field, &n->text);
}

static bool
match_text(struct candidate *c, const struct search_node *n)
{
	if (!open_content(c))
		return false;
	if (c->root == NULL)
		c->root = mime_parse(&c->arena, c->content.text);
	if (n->key->op == IMAP_SEARCH_BODY)
		return search_body(c->s->charsets, c->content.text, c->root, &n->text);
	return search_text(c->s->charsets, c->content.text, c->root, &n->text);
}

/* Days since 1970, also before it. */
static int64_t
day_of(int64_t seconds)
{
	return seconds >= 0 ? seconds / 86400 : -((-seconds + 86399) / 86400);
}

/* The day of the Date field as its writer saw it; false without one. */
static bool
sent_day(struct candidate *c, int64_t *day)
{
	struct rfc5322_field field;
	struct rfc5322_date date;

	if (!rfc5322_field_find(cached_fields(c), "Date", &field) ||
		rfc5322_parse_date(field.value, &date) < 0)
		return false;
	*day = day_of(date.utc + date.zone_secs);
	return true;
}

static bool
match_date(struct candidate *c, const struct imap_search_key *k)
{
	int64_t day = day_of(c->m.internal_date);
	bool known = true;

	switch (k->op) {
	case IMAP_SEARCH_SENTBEFORE:
		known = sent_day(c, &day);
		return known && day < k->day;
	case IMAP_SEARCH_BEFORE:
		return day < k->day;
	case IMAP_SEARCH_SENTON:
		known = sent_day(c, &day);
		return known && day == k->day;
	case IMAP_SEARCH_ON:
		return day == k->day;
	case IMAP_SEARCH_SENTSINCE:
		known = sent_day(c, &day);
		return known && day >= k->day;
	default:
		return day >= k->day;
	}
}

static bool
has_flag(const struct candidate *c, const struct search_node *n)
{
	return n->recent ? c->m.recent : (c->m.flags & n->flags) != 0;
}

static bool match(struct candidate *c, const struct search_node *n);

static bool
match_all(struct candidate *c, const struct search_node *n)
{
	for (n = n->child; n != NULL; n = n->next)
		if (!match(c, n))
			return false;
	return true;
}

static bool
match_any(struct candidate *c, const struct search_node *n)
{
	for (n = n->child; n != NULL; n = n->next)
		if (match(c, n))
			return true;
	return false;
}

static bool
match(struct candidate *c, const struct search_node *n)
{
	switch (n->key->op) {
	case IMAP_SEARCH_ALL:
		return true;
	case IMAP_SEARCH_FLAG:
		return has_flag(c, n);
	case IMAP_SEARCH_NOFLAG:
		return !has_flag(c, n);
	case IMAP_SEARCH_NEW:
		return c->m.recent && (c->m.flags & STORE_SEEN) == 0;
	case IMAP_SEARCH_KEYWORD:
		return (c->m.keywords & n->keyword) != 0;
	case IMAP_SEARCH_NOKEYWORD:
		return (c->m.keywords & n->keyword) == 0;
	case IMAP_SEARCH_LARGER:
		return c->m.size > n->key->number;
	case IMAP_SEARCH_SMALLER:
		return c->m.size < n->key->number;
	case IMAP_SEARCH_HEADER:
		return match_header(c, n);
	case IMAP_SEARCH_BODY:
	case IMAP_SEARCH_TEXT:
		return match_text(c, n);
	case IMAP_SEARCH_SEQUENCE:
	case IMAP_SEARCH_UID:
		return imap_set_has(&n->set, c->seq);
	case IMAP_SEARCH_NOT:
		return !match(c, n->child);
	case IMAP_SEARCH_OR:
		return match_any(c, n);
	case IMAP_SEARCH_AND:
		return match_all(c, n);
	default:
		return match_date(c, n->key);
	}
}

bool
imap_search_matches(struct imap_session *s, const struct search_node *root, uint32_t seq)
{
	struct candidate c = { .s = s, .seq = seq };
	bool matched;

	store_message(s->view, seq, &c.m);
	if (c.m.expunged)
		return false;
	matched = match(&c, root) && !c.unreadable;
	if (c.open)
		store_content_close(&c.content);
	arena_reset(&c.arena);
	return matched;
}
