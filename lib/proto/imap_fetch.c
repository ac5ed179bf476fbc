/* SPDX-License-Identifier: ISC */
/*
 * lib/proto/imap_fetch.c - what a FETCH asks for: items, macros, sections and partials.
 *
 * Runs in:  imap session.
 * Trusts:   nothing; counts and depths are limited (imap_parse.h).
 * Sources:  RFC 3501 sec. 6.4.5 and 9 (fetch-att, section).
 */
#include "imap_parse.h"
#include "imap_parse_private.h"

#include "err.h"
#include "imap_text.h"

/* -- sections ---------------------------------------------------------------------------- */

/* Behind "BODY": [".PEEK"] "[" [part] [text] "]" ["<" offset "." length ">"] */

/* "1.2" before "]", "1.2." before a word. */
static int
get_part(struct imap_parser *p, struct imap_section *s)
{
	int r;

	while (p->in.n > 0 && ascii_is_digit(p->in.p[0])) {
		if (s->depth == IMAP_PART_DEPTH_MAX)
			return imap_problem(p, ERR_LIMIT, "a part number is too deep");
		if ((r = imap_get_nz_number(p, &s->part[s->depth++])) < 0)
			return r;
		if (!imap_at(p, '.')) /* then nothing but the end */
			return imap_at(p, ']') ? ERR_OK
					       : imap_problem(p, ERR_SYNTAX, "bad section");
		if ((r = imap_get_char(p, '.')) < 0)
			return r;
		if (imap_at(p, ']') || imap_at_end(p))
			return imap_problem(p, ERR_SYNTAX, "a part number ends in a dot");
	}
	return ERR_OK;
}

static int
get_fields(struct imap_parser *p, struct imap_section *s)
{
	int r;

	if ((r = imap_get_space(p)) < 0 || (r = imap_get_char(p, '(')) < 0)
		return r;
	s->fields = arena_alloc(p->arena, IMAP_FIELDS_MAX * sizeof(struct bytes));
	for (;;) {
		if (s->field_count == IMAP_FIELDS_MAX)
			return imap_problem(p, ERR_LIMIT, "too many field names");
		if ((r = imap_get_astring(p, &s->fields[s->field_count++])) < 0)
			return imap_problem(p, r, "a field name is missing");
		if (!imap_at(p, ' '))
			return imap_get_char(p, ')');
		if ((r = imap_get_space(p)) < 0)
			return r;
	}
}

static const struct {
	const char *word;
	enum imap_section_text text;
	bool needs_part; /* RFC 3501: MIME must be prefixed by part numbers */
} section_words[] = {
	/* longer ones first */
	{ "HEADER.FIELDS.NOT", IMAP_SECTION_FIELDS_NOT, false },
	{ "HEADER.FIELDS", IMAP_SECTION_FIELDS, false },
	{ "HEADER", IMAP_SECTION_HEADER, false },
	{ "TEXT", IMAP_SECTION_TEXT, false },
	{ "MIME", IMAP_SECTION_MIME, true },
};

static int
get_section_text(struct imap_parser *p, struct imap_section *s)
{
	if (imap_at(p, ']'))
		return ERR_OK;
	for (size_t i = 0; i < NITEMS(section_words); i++) {
		if (!imap_skip_word(p, section_words[i].word))
			continue;
		if (section_words[i].needs_part && s->depth == 0)
			return imap_problem(p, ERR_SYNTAX, "MIME needs a part number");
		s->text = section_words[i].text;
		if (s->text == IMAP_SECTION_FIELDS || s->text == IMAP_SECTION_FIELDS_NOT)
			return get_fields(p, s);
		return ERR_OK;
	}
	return imap_problem(p, ERR_SYNTAX, "bad section");
}

static int
get_partial(struct imap_parser *p, struct imap_section *s)
{
	int r;

	if (!imap_at(p, '<'))
		return ERR_OK;
	s->partial = true;
	if ((r = imap_get_char(p, '<')) < 0 || (r = imap_get_number(p, &s->offset)) < 0 ||
		(r = imap_get_char(p, '.')) < 0 || (r = imap_get_nz_number(p, &s->length)) < 0)
		return r;
	return imap_get_char(p, '>');
}

/* The name of the item in the answer: without PEEK, words in capitals, the offset only. */
static struct bytes
make_label(struct imap_parser *p, const struct imap_section *s)
{
	struct buf b = BUF_INIT;
	struct bytes label;
	const char *word = NULL;

	buf_put_str(&b, "BODY[");
	for (unsigned i = 0; i < s->depth; i++)
		buf_printf(&b, "%s%u", i > 0 ? "." : "", s->part[i]);
	for (size_t i = 0; i < NITEMS(section_words); i++)
		if (section_words[i].text == s->text)
			word = section_words[i].word;
	if (word != NULL)
		buf_printf(&b, "%s%s", s->depth > 0 ? "." : "", word);
	for (size_t i = 0; i < s->field_count; i++) {
		buf_put_str(&b, i == 0 ? " (" : " ");
		imap_put_astring(&b, s->fields[i]);
	}
	buf_put_str(&b, s->field_count > 0 ? ")]" : "]");
	if (s->partial)
		buf_printf(&b, "<%u>", s->offset);
	label = arena_bytes(p->arena, buf_bytes(&b));
	buf_free(&b);
	return label;
}

static int
get_section(struct imap_parser *p, struct imap_section *s)
{
	int r;

	if ((r = imap_get_char(p, '[')) < 0 || (r = get_part(p, s)) < 0 ||
		(r = get_section_text(p, s)) < 0 || (r = imap_get_char(p, ']')) < 0 ||
		(r = get_partial(p, s)) < 0)
		return r;
	s->label = make_label(p, s);
	return ERR_OK;
}

/* One more section; NULL if there are too many. */
static struct imap_section *
add_section(struct imap_parser *p, struct imap_fetch *fetch)
{
	struct imap_section *s;

	if (fetch->section_count == IMAP_SECTIONS_MAX)
		return NULL;
	if (fetch->section_count % 8 == 0) { /* grow by eights: a section is not small */
		struct imap_section *more =
			arena_alloc(p->arena, (fetch->section_count + 8) * sizeof(*more));

		if (fetch->section_count > 0)
			memcpy(more, fetch->sections, fetch->section_count * sizeof(*more));
		fetch->sections = more;
	}
	ASSERT(fetch->sections != NULL);
	s = &fetch->sections[fetch->section_count++];
	*s = (struct imap_section){ .depth = 0 };
	return s;
}

/* -- items ------------------------------------------------------------------------------- */

static const struct {
	const char *word;
	unsigned items; /* IMAP_FETCH_*, or 0: a section with these: */
	enum imap_section_text text;
	bool peek;
	bool macro; /* stands alone */
} item_words[] = {
	/* longer ones first: the first that fits is taken */
	{ "ALL", IMAP_FETCH_FLAGS | IMAP_FETCH_INTERNALDATE | IMAP_FETCH_SIZE | IMAP_FETCH_ENVELOPE,
		IMAP_SECTION_ALL, false, true },
	{ "FAST", IMAP_FETCH_FLAGS | IMAP_FETCH_INTERNALDATE | IMAP_FETCH_SIZE, IMAP_SECTION_ALL,
		false, true },
	{ "FULL",
		IMAP_FETCH_FLAGS | IMAP_FETCH_INTERNALDATE | IMAP_FETCH_SIZE | IMAP_FETCH_ENVELOPE |
			IMAP_FETCH_BODY,
		IMAP_SECTION_ALL, false, true },
	{ "FLAGS", IMAP_FETCH_FLAGS, IMAP_SECTION_ALL, false, false },
	{ "UID", IMAP_FETCH_UID, IMAP_SECTION_ALL, false, false },
	{ "INTERNALDATE", IMAP_FETCH_INTERNALDATE, IMAP_SECTION_ALL, false, false },
	{ "ENVELOPE", IMAP_FETCH_ENVELOPE, IMAP_SECTION_ALL, false, false },
	{ "BODYSTRUCTURE", IMAP_FETCH_BODYSTRUCTURE, IMAP_SECTION_ALL, false, false },
	{ "BODY", IMAP_FETCH_BODY, IMAP_SECTION_ALL, false, false },
	{ "RFC822.SIZE", IMAP_FETCH_SIZE, IMAP_SECTION_ALL, false, false },
	{ "RFC822.HEADER", 0, IMAP_SECTION_HEADER, true, false },
	{ "RFC822.TEXT", 0, IMAP_SECTION_TEXT, false, false },
	{ "RFC822", 0, IMAP_SECTION_ALL, false, false },
};

static int
get_body(struct imap_parser *p, struct imap_fetch *fetch)
{
	struct imap_section *s;
	bool peek = imap_skip_word(p, ".PEEK");

	if (!peek && !imap_at(p, '[')) {
		fetch->items |= IMAP_FETCH_BODY;
		return ERR_OK;
	}
	if ((s = add_section(p, fetch)) == NULL)
		return imap_problem(p, ERR_LIMIT, "too many sections");
	s->peek = peek;
	return get_section(p, s);
}

/* The next octet cannot belong to the word before it. */
static bool
word_ends(const struct imap_parser *p)
{
	return imap_at_end(p) || imap_at(p, ' ') || imap_at(p, ')');
}

static int
get_item(struct imap_parser *p, struct imap_fetch *fetch, bool macro)
{
	struct imap_section *s;
	int r;

	if (bytes_starts_with_nocase(p->in, BYTES_LITERAL("BODY")) &&
		!bytes_starts_with_nocase(p->in, BYTES_LITERAL("BODYSTRUCTURE"))) {
		(void)imap_skip_word(p, "BODY");
		r = get_body(p, fetch);
		if (r == ERR_OK && !word_ends(p))
			return imap_problem(p, ERR_SYNTAX, "unknown fetch item");
		return r;
	}
	for (size_t i = 0; i < NITEMS(item_words); i++) {
		if (!imap_skip_word(p, item_words[i].word))
			continue;
		if (!word_ends(p) || (item_words[i].macro && !macro))
			break;
		fetch->items |= item_words[i].items;
		if (item_words[i].items != 0)
			return ERR_OK;
		if ((s = add_section(p, fetch)) == NULL)
			return imap_problem(p, ERR_LIMIT, "too many sections");
		s->text = item_words[i].text;
		s->peek = item_words[i].peek;
		s->label = bytes_from_str(item_words[i].word);
		return ERR_OK;
	}
	return imap_problem(p, ERR_SYNTAX, "unknown fetch item");
}

int
imap_get_fetch(struct imap_parser *p, struct imap_fetch *fetch)
{
	int r;

	*fetch = (struct imap_fetch){ .items = 0 };
	if (!imap_at(p, '('))
		return get_item(p, fetch, true);
	if ((r = imap_get_char(p, '(')) < 0)
		return r;
	for (;;) {
		if ((r = get_item(p, fetch, false)) < 0)
			return r;
		if (!imap_at(p, ' '))
			return imap_get_char(p, ')');
		if ((r = imap_get_space(p)) < 0)
			return r;
	}
}
