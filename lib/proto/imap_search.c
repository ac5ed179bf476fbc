/* SPDX-License-Identifier: ISC */
/*
 * lib/proto/imap_search.c - what a SEARCH asks for, as a tree of keys.
 *
 * Runs in:  imap session.
 * Trusts:   nothing; depth and number of keys are limited (imap_parse.h).
 * Sources:  RFC 3501 sec. 6.4.4 and 9 (search-key); RFC 5182 "$".
 */
#include "imap_parse.h"
#include "imap_parse_private.h"

#include "err.h"

enum argument {
	NOTHING,
	ASTRING,
	KEYWORD,
	NUMBER,
	DATE,
	FIELD, /* a field name, then a string */
	SET,
	ONE_KEY,
	TWO_KEYS,
};

static const struct word {
	const char *word;
	enum imap_search_op op;
	enum argument argument;
	uint32_t flag;     /* of FLAG and NOFLAG */
	const char *field; /* of HEADER */
} words[] = {
	{ "ALL", IMAP_SEARCH_ALL, NOTHING, 0, NULL },
	{ "ANSWERED", IMAP_SEARCH_FLAG, NOTHING, IMAP_ANSWERED, NULL },
	{ "BCC", IMAP_SEARCH_HEADER, ASTRING, 0, "Bcc" },
	{ "BEFORE", IMAP_SEARCH_BEFORE, DATE, 0, NULL },
	{ "BODY", IMAP_SEARCH_BODY, ASTRING, 0, NULL },
	{ "CC", IMAP_SEARCH_HEADER, ASTRING, 0, "Cc" },
	{ "DELETED", IMAP_SEARCH_FLAG, NOTHING, IMAP_DELETED, NULL },
	{ "DRAFT", IMAP_SEARCH_FLAG, NOTHING, IMAP_DRAFT, NULL },
	{ "FLAGGED", IMAP_SEARCH_FLAG, NOTHING, IMAP_FLAGGED, NULL },
	{ "FROM", IMAP_SEARCH_HEADER, ASTRING, 0, "From" },
	{ "HEADER", IMAP_SEARCH_HEADER, FIELD, 0, NULL },
	{ "KEYWORD", IMAP_SEARCH_KEYWORD, KEYWORD, 0, NULL },
	{ "LARGER", IMAP_SEARCH_LARGER, NUMBER, 0, NULL },
	{ "NEW", IMAP_SEARCH_NEW, NOTHING, 0, NULL },
	{ "NOT", IMAP_SEARCH_NOT, ONE_KEY, 0, NULL },
	{ "OLD", IMAP_SEARCH_NOFLAG, NOTHING, IMAP_RECENT, NULL },
	{ "ON", IMAP_SEARCH_ON, DATE, 0, NULL },
	{ "OR", IMAP_SEARCH_OR, TWO_KEYS, 0, NULL },
	{ "RECENT", IMAP_SEARCH_FLAG, NOTHING, IMAP_RECENT, NULL },
	{ "SEEN", IMAP_SEARCH_FLAG, NOTHING, IMAP_SEEN, NULL },
	{ "SENTBEFORE", IMAP_SEARCH_SENTBEFORE, DATE, 0, NULL },
	{ "SENTON", IMAP_SEARCH_SENTON, DATE, 0, NULL },
	{ "SENTSINCE", IMAP_SEARCH_SENTSINCE, DATE, 0, NULL },
	{ "SINCE", IMAP_SEARCH_SINCE, DATE, 0, NULL },
	{ "SMALLER", IMAP_SEARCH_SMALLER, NUMBER, 0, NULL },
	{ "SUBJECT", IMAP_SEARCH_HEADER, ASTRING, 0, "Subject" },
	{ "TEXT", IMAP_SEARCH_TEXT, ASTRING, 0, NULL },
	{ "TO", IMAP_SEARCH_HEADER, ASTRING, 0, "To" },
	{ "UID", IMAP_SEARCH_UID, SET, 0, NULL },
	{ "UNANSWERED", IMAP_SEARCH_NOFLAG, NOTHING, IMAP_ANSWERED, NULL },
	{ "UNDELETED", IMAP_SEARCH_NOFLAG, NOTHING, IMAP_DELETED, NULL },
	{ "UNDRAFT", IMAP_SEARCH_NOFLAG, NOTHING, IMAP_DRAFT, NULL },
	{ "UNFLAGGED", IMAP_SEARCH_NOFLAG, NOTHING, IMAP_FLAGGED, NULL },
	{ "UNKEYWORD", IMAP_SEARCH_NOKEYWORD, KEYWORD, 0, NULL },
	{ "UNSEEN", IMAP_SEARCH_NOFLAG, NOTHING, IMAP_SEEN, NULL },
};

static int get_key(
	struct imap_parser *p, struct imap_search *s, unsigned depth, struct imap_search_key **out);

/* Two keys behind OR, or one behind NOT, linked below key. */
static int
get_children(struct imap_parser *p, struct imap_search *s, unsigned depth,
	struct imap_search_key *key, unsigned count)
{
	struct imap_search_key **link = &key->child;
	int r;

	for (; count > 0; count--, link = &(*link)->next)
		if ((r = imap_get_space(p)) < 0 || (r = get_key(p, s, depth + 1, link)) < 0)
			return r;
	return ERR_OK;
}

static int
get_argument(struct imap_parser *p, struct imap_search *s, unsigned depth, enum argument argument,
	struct imap_search_key *key)
{
	int r;

	switch (argument) {
	case NOTHING:
		return ERR_OK;
	case ONE_KEY:
		return get_children(p, s, depth, key, 1);
	case TWO_KEYS:
		return get_children(p, s, depth, key, 2);
	default:
		break;
	}
	if ((r = imap_get_space(p)) < 0)
		return r;
	switch (argument) {
	case KEYWORD:
		return imap_get_atom(p, &key->text);
	case NUMBER:
		return imap_get_number(p, &key->number);
	case DATE:
		return imap_get_date(p, &key->day);
	case SET:
		return imap_get_set(p, &key->set);
	case FIELD:
		if ((r = imap_get_astring(p, &key->field)) < 0 || (r = imap_get_space(p)) < 0)
			return r;
		return imap_get_astring(p, &key->text);
	default:
		return imap_get_astring(p, &key->text);
	}
}

/* "(" key *(SP key) ")", or the program itself up to its end. */
static int
get_list(struct imap_parser *p, struct imap_search *s, unsigned depth, struct imap_search_key *key)
{
	struct imap_search_key **link = &key->child;
	int r;

	key->op = IMAP_SEARCH_AND;
	for (;;) {
		if ((r = get_key(p, s, depth + 1, link)) < 0)
			return r;
		link = &(*link)->next;
		if (!imap_at(p, ' '))
			return ERR_OK;
		if ((r = imap_get_space(p)) < 0)
			return r;
	}
}

static int
get_word_key(
	struct imap_parser *p, struct imap_search *s, unsigned depth, struct imap_search_key *key)
{
	struct bytes name;
	int r = imap_get_atom(p, &name);

	if (r < 0)
		return imap_problem(p, r, "a search key is missing");
	for (size_t i = 0; i < NITEMS(words); i++) {
		if (!bytes_is_nocase(name, words[i].word))
			continue;
		key->op = words[i].op;
		key->number = words[i].flag;
		key->field = bytes_from_str(words[i].field);
		return get_argument(p, s, depth, words[i].argument, key);
	}
	return imap_problem(p, ERR_SYNTAX, "unknown search key");
}

static int
get_key(struct imap_parser *p, struct imap_search *s, unsigned depth, struct imap_search_key **out)
{
	struct imap_search_key *key;
	int r;

	if (depth > IMAP_SEARCH_DEPTH_MAX)
		return imap_problem(p, ERR_LIMIT, "the search is nested too deep");
	if (++s->key_count > IMAP_SEARCH_KEYS_MAX)
		return imap_problem(p, ERR_LIMIT, "too many search keys");
	key = *out = arena_zalloc(p->arena, sizeof(*key));
	if (imap_at(p, '(')) {
		if ((r = imap_get_char(p, '(')) < 0 || (r = get_list(p, s, depth, key)) < 0)
			return r;
		return imap_get_char(p, ')');
	}
	if (imap_at(p, '*') || imap_at(p, '$') || (p->in.n > 0 && ascii_is_digit(p->in.p[0]))) {
		key->op = IMAP_SEARCH_SEQUENCE;
		return imap_get_set(p, &key->set);
	}
	return get_word_key(p, s, depth, key);
}

int
imap_get_search(struct imap_parser *p, struct imap_search *search)
{
	int r;

	*search = (struct imap_search){ .charset = BYTES_NONE };
	if (imap_skip_word(p, "CHARSET ")) {
		if ((r = imap_get_astring(p, &search->charset)) < 0 || (r = imap_get_space(p)) < 0)
			return r;
	}
	search->key = arena_zalloc(p->arena, sizeof(*search->key));
	if ((r = get_list(p, search, 0, search->key)) < 0)
		return r;
	return imap_get_end(p);
}
