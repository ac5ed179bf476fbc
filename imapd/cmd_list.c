/* SPDX-License-Identifier: ISC */
/*
 * imapd/cmd_list.c - LIST and LSUB, with attributes for children and special use.
 *
 * LIST also takes the options of LIST-EXTENDED that SPECIAL-USE needs (RFC 6154 sec. 2).
 *
 * Runs in:  imap session.
 * Sources:  RFC 3501 sec. 6.3.8, 6.3.9; RFC 3348; RFC 5258; RFC 6154.
 */
#include "err.h"
#include "imap_core.h"
#include "imap_text.h"

#define PATTERNS_MAX 16

enum list_option {
	SELECT_SUBSCRIBED = 1,
	SELECT_SPECIAL_USE = 2,
	SELECT_REMOTE = 4,
	SELECT_RECURSIVE = 8,
	RETURN_SUBSCRIBED = 16,
	RETURN_CHILDREN = 32, /* always returned */
	RETURN_SPECIAL_USE = 64,
};

static const struct option_word {
	const char *name;
	enum list_option option;
} select_words[] = {
	{ "SUBSCRIBED", SELECT_SUBSCRIBED },
	{ "SPECIAL-USE", SELECT_SPECIAL_USE },
	{ "REMOTE", SELECT_REMOTE },
	{ "RECURSIVEMATCH", SELECT_RECURSIVE },
}, return_words[] = {
	{ "SUBSCRIBED", RETURN_SUBSCRIBED },
	{ "CHILDREN", RETURN_CHILDREN },
	{ "SPECIAL-USE", RETURN_SPECIAL_USE },
};

#define SPECIAL_USE                                                                                \
	(STORE_USE_DRAFTS | STORE_USE_SENT | STORE_USE_TRASH | STORE_USE_JUNK | STORE_USE_ARCHIVE)

static const struct {
	unsigned attr;
	const char *name;
} attr_words[] = {
	{ STORE_NOSELECT, "\\Noselect" },
	{ STORE_NONEXISTENT, "\\NonExistent" },
	{ STORE_USE_DRAFTS, "\\Drafts" },
	{ STORE_USE_SENT, "\\Sent" },
	{ STORE_USE_TRASH, "\\Trash" },
	{ STORE_USE_JUNK, "\\Junk" },
	{ STORE_USE_ARCHIVE, "\\Archive" },
};

struct list_request {
	unsigned options; /* enum list_option */
	struct bytes patterns[PATTERNS_MAX];
	size_t pattern_count;
};

/* What one answer says of a folder, or of a parent that stands for its children. */
struct list_entry {
	struct bytes name;
	unsigned attrs;
	bool tell_subscribed;
};

struct list_cursor {
	const char *response; /* LIST or LSUB */
	struct list_entry *entries;
	size_t count, next;
};

/* -- arguments ------------------------------------------------------------------------------- */

static int
get_option(struct imap_parser *args, const struct option_word *words, size_t n, unsigned *options)
{
	struct bytes name;
	int r = imap_get_atom(args, &name);

	for (size_t i = 0; r == ERR_OK && i < n; i++) {
		if (bytes_is_nocase(name, words[i].name)) {
			*options |= words[i].option;
			return ERR_OK;
		}
	}
	args->problem = "unknown option";
	return ERR_SYNTAX;
}

static int
get_options(struct imap_parser *args, const struct option_word *words, size_t n, unsigned *options)
{
	int r;

	if ((r = imap_get_char(args, '(')) < 0 || imap_skip_word(args, ")"))
		return r;
	do {
		if ((r = get_option(args, words, n, options)) < 0)
			return r;
	} while (imap_skip_word(args, " "));
	return imap_get_char(args, ')');
}

/* RFC 3501: the reference and the name are joined; a name with a leading delimiter is not special
 * here, as there is but one hierarchy. */
static int
add_pattern(
	struct imap_session *s, struct imap_parser *args, struct bytes ref, struct list_request *q)
{
	struct bytes p;
	uint8_t *joined;
	int r = imap_get_list_mailbox(args, &p);

	if (r < 0)
		return r;
	if (q->pattern_count == PATTERNS_MAX || ref.n + p.n > IMAP_MAILBOX_MAX) {
		args->problem = "the patterns are too many or too long";
		return ERR_LIMIT;
	}
	joined = arena_alloc(&s->arena, ref.n + p.n + 1);
	memcpy(joined, ref.p, ref.n);
	if (p.n > 0)
		memcpy(joined + ref.n, p.p, p.n);
	p = bytes_make(joined, ref.n + p.n);
	/* INBOX has any case */
	if (p.n >= 5 && bytes_is_nocase(bytes_head(p, 5), "INBOX") &&
		(p.n == 5 || p.p[5] == STORE_DELIMITER))
		for (size_t i = 0; i < 5; i++)
			joined[i] = ascii_upper(joined[i]);
	q->patterns[q->pattern_count++] = p;
	return ERR_OK;
}

static int
get_patterns(
	struct imap_session *s, struct imap_parser *args, struct bytes ref, struct list_request *q)
{
	int r;

	if (!imap_skip_word(args, "("))
		return add_pattern(s, args, ref, q);
	do {
		if ((r = add_pattern(s, args, ref, q)) < 0)
			return r;
	} while (imap_skip_word(args, " "));
	return imap_get_char(args, ')');
}

static int
get_list(struct imap_session *s, struct imap_parser *args, struct list_request *q, bool extended)
{
	struct bytes ref;
	int r;

	*q = (struct list_request){ .options = 0 };
	if ((r = imap_get_space(args)) < 0)
		return r;
	if (extended && imap_at(args, '(')) {
		r = get_options(args, select_words, NITEMS(select_words), &q->options);
		if (r < 0 || (r = imap_get_space(args)) < 0)
			return r;
	}
	if ((r = imap_get_astring(args, &ref)) < 0 || (r = imap_get_space(args)) < 0)
		return r;
	if ((r = get_patterns(s, args, ref, q)) < 0)
		return r;
	if (extended && imap_skip_word(args, " RETURN ") &&
		(r = get_options(args, return_words, NITEMS(return_words), &q->options)) < 0)
		return r;
	return imap_get_end(args);
}

/* -- choosing -------------------------------------------------------------------------------- */

static bool
matches(const struct list_request *q, struct bytes name)
{
	for (size_t i = 0; i < q->pattern_count; i++)
		if (imap_list_match(q->patterns[i], name, STORE_DELIMITER))
			return true;
	return false;
}

/*
 * LSUB: a parent that matches "%" stands for its subscribed children (RFC 3501 sec. 6.3.9). The
 * shortest parent of name that matches, or empty.
 */
static struct bytes
standing_parent(const struct list_request *q, struct bytes name)
{
	for (size_t n = 1; n < name.n; n++)
		if (name.p[n] == STORE_DELIMITER && matches(q, bytes_head(name, n)))
			return bytes_head(name, n);
	return BYTES_NONE;
}

static void
add_entry(struct list_cursor *c, struct bytes name, unsigned attrs, bool tell_subscribed)
{
	/* folders are sorted: a parent that stands for several comes in a row */
	if (c->count > 0 && bytes_equal(c->entries[c->count - 1].name, name))
		return;
	c->entries[c->count++] = (struct list_entry){ name, attrs, tell_subscribed };
}

static void
choose_listed(const struct list_request *q, const struct store_folder *f, struct list_cursor *c)
{
	bool subscribed_only = (q->options & SELECT_SUBSCRIBED) != 0;

	if (!matches(q, f->name))
		return;
	if (subscribed_only ? (f->attrs & STORE_SUBSCRIBED) == 0
			    : (f->attrs & STORE_NONEXISTENT) != 0)
		return;
	if ((q->options & SELECT_SPECIAL_USE) != 0 && (f->attrs & SPECIAL_USE) == 0)
		return;
	add_entry(c, f->name, f->attrs, subscribed_only || (q->options & RETURN_SUBSCRIBED) != 0);
}

static void
choose_subscribed(const struct list_request *q, const struct store_folder *f, struct list_cursor *c)
{
	struct bytes parent;

	if ((f->attrs & STORE_SUBSCRIBED) == 0)
		return;
	if (matches(q, f->name)) {
		add_entry(c, f->name, f->attrs & ~(unsigned)STORE_NONEXISTENT, false);
		return;
	}
	parent = standing_parent(q, f->name);
	if (parent.n > 0)
		add_entry(c, parent, STORE_NOSELECT | STORE_HAS_CHILDREN, false);
}

/* -- answering --------------------------------------------------------------------------------- */

static void
put_entry(struct imap_session *s, const char *response, const struct list_entry *e)
{
	buf_printf(&s->out, "* %s (%s", response,
		(e->attrs & STORE_HAS_CHILDREN) != 0 ? "\\HasChildren" : "\\HasNoChildren");
	for (size_t i = 0; i < NITEMS(attr_words); i++)
		if ((e->attrs & attr_words[i].attr) != 0)
			buf_printf(&s->out, " %s", attr_words[i].name);
	if (e->tell_subscribed && (e->attrs & STORE_SUBSCRIBED) != 0)
		buf_put_str(&s->out, " \\Subscribed");
	buf_printf(&s->out, ") \"%c\" ", STORE_DELIMITER);
	imap_put_astring(&s->out, e->name);
	buf_put_str(&s->out, "\r\n");
}

static void
list_step(struct imap_session *s)
{
	struct list_cursor *c = s->cursor;

	while (c->next < c->count && s->out.len < IMAP_OUT_MARK)
		put_entry(s, c->response, &c->entries[c->next++]);
	if (c->next == c->count)
		imap_finish(s, "OK %s completed", c->response);
}

static int
list(struct imap_session *s, struct imap_parser *args, bool lsub)
{
	struct list_cursor *c = arena_zalloc(&s->arena, sizeof(*c));
	struct list_request *q = arena_alloc(&s->arena, sizeof(*q));
	struct store_folder *folders;
	size_t n;
	int r;

	c->response = s->command->name;
	if ((r = get_list(s, args, q, !lsub)) < 0)
		return r;
	if (!lsub && q->pattern_count == 1 && q->patterns[0].n == 0) { /* "which delimiter?" */
		buf_printf(&s->out, "* LIST (\\Noselect) \"%c\" \"\"\r\n", STORE_DELIMITER);
		imap_finish(s, "OK LIST completed");
		return ERR_OK;
	}
	if ((r = store_list(s->account, &s->arena, &folders, &n)) < 0)
		return r;
	c->entries = arena_alloc(&s->arena, (n > 0 ? n : 1) * sizeof(*c->entries));
	for (size_t i = 0; i < n; i++) {
		if (lsub)
			choose_subscribed(q, &folders[i], c);
		else
			choose_listed(q, &folders[i], c);
	}
	imap_begin_steps(s, list_step, c);
	return ERR_OK;
}

int
cmd_list(struct imap_session *s, struct imap_parser *args)
{
	return list(s, args, false);
}

int
cmd_lsub(struct imap_session *s, struct imap_parser *args)
{
	return list(s, args, true);
}
