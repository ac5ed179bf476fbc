/* SPDX-License-Identifier: ISC */
/*
 * lib/proto/imap_parse.c - the words of IMAP's grammar: atoms, strings, numbers, mailboxes,
 * flags, and the arguments of the small commands.
 *
 * Runs in:  imap-login, imap session.
 * Trusts:   nothing; a literal's length is checked against the text once more.
 * Sources:  RFC 3501 sec. 4 and 9; RFC 2971; RFC 7888.
 */
#include "imap_parse.h"
#include "imap_parse_private.h"

#include "err.h"

/* The classes of octets in the grammar, one bit each. */
enum {
	ATOM = 1,    /* ATOM-CHAR */
	ASTRING = 2, /* ASTRING-CHAR: and "]" */
	LIST = 4,    /* list-char: and "%", "*" */
	TAG = 8,     /* ASTRING-CHAR without "+" */
};

static unsigned
class_of(uint8_t c)
{
	if (c <= ' ' || c >= 0x7f || c == '(' || c == ')' || c == '{' || c == '"' || c == '\\')
		return 0;
	if (c == '%' || c == '*')
		return LIST;
	if (c == ']')
		return ASTRING | LIST | TAG;
	if (c == '+')
		return ATOM | ASTRING | LIST;
	return ATOM | ASTRING | LIST | TAG;
}

void
imap_parser_init(struct imap_parser *p, struct bytes text, struct arena *arena)
{
	*p = (struct imap_parser){ .in = text, .arena = arena };
}

int
imap_problem(struct imap_parser *p, int err, const char *problem)
{
	p->problem = problem;
	return err;
}

bool
imap_at_end(const struct imap_parser *p)
{
	return p->in.n == 0;
}

bool
imap_at(const struct imap_parser *p, char c)
{
	return p->in.n > 0 && p->in.p[0] == (uint8_t)c;
}

static bool
skip_char(struct imap_parser *p, char c)
{
	if (!imap_at(p, c))
		return false;
	p->in = bytes_skip(p->in, 1);
	return true;
}

int
imap_get_char(struct imap_parser *p, char c)
{
	if (skip_char(p, c))
		return ERR_OK;
	return imap_problem(p, ERR_SYNTAX,
		c == '('   ? "a parenthesis is missing"
		: c == ')' ? "a closing parenthesis is missing"
		: c == ' ' ? "an argument is missing"
			   : "unexpected character");
}

int
imap_get_space(struct imap_parser *p)
{
	return imap_get_char(p, ' ');
}

int
imap_get_end(struct imap_parser *p)
{
	while (imap_at(p, ' ')) /* some clients end lines with blanks */
		p->in = bytes_skip(p->in, 1);
	if (p->in.n == 0)
		return ERR_OK;
	return imap_problem(p, ERR_SYNTAX, "too many arguments");
}

bool
imap_skip_word(struct imap_parser *p, const char *word)
{
	struct bytes w = bytes_from_str(word);

	if (!bytes_starts_with_nocase(p->in, w))
		return false;
	p->in = bytes_skip(p->in, w.n);
	return true;
}

static struct bytes
take_class(struct imap_parser *p, unsigned classes)
{
	size_t n = 0;
	struct bytes taken;

	while (n < p->in.n && (class_of(p->in.p[n]) & classes) != 0)
		n++;
	taken = bytes_head(p->in, n);
	p->in = bytes_skip(p->in, n);
	return taken;
}

int
imap_get_tag(struct imap_parser *p, struct bytes *tag)
{
	*tag = take_class(p, TAG);
	if (tag->n == 0)
		return imap_problem(p, ERR_SYNTAX, "a tag is missing");
	if (tag->n > IMAP_TAG_MAX)
		return imap_problem(p, ERR_LIMIT, "the tag is too long");
	return ERR_OK;
}

int
imap_get_atom(struct imap_parser *p, struct bytes *atom)
{
	*atom = take_class(p, ATOM);
	return atom->n > 0 ? ERR_OK : imap_problem(p, ERR_SYNTAX, "an atom is missing");
}

int
imap_get_number(struct imap_parser *p, uint32_t *n)
{
	uint64_t v = 0;
	size_t i = 0;

	for (; i < p->in.n && ascii_is_digit(p->in.p[i]); i++) {
		v = v * 10 + (uint64_t)(p->in.p[i] - '0');
		if (v > UINT32_MAX)
			return imap_problem(p, ERR_SYNTAX, "a number is too large");
	}
	if (i == 0)
		return imap_problem(p, ERR_SYNTAX, "a number is missing");
	p->in = bytes_skip(p->in, i);
	*n = (uint32_t)v;
	return ERR_OK;
}

int
imap_get_nz_number(struct imap_parser *p, uint32_t *n)
{
	int r = imap_get_number(p, n);

	if (r == ERR_OK && *n == 0)
		return imap_problem(p, ERR_SYNTAX, "a number may not be 0");
	return r;
}

/* -- strings ----------------------------------------------------------------------------- */

static int
get_quoted(struct imap_parser *p, struct bytes *s)
{
	struct bytes in = bytes_skip(p->in, 1);
	size_t n = 0, escapes = 0;
	uint8_t *out;

	while (n < in.n && in.p[n] != '"') {
		if (in.p[n] == '\r' || in.p[n] == '\n' || in.p[n] == '\0')
			return imap_problem(p, ERR_SYNTAX, "bad octet in a quoted string");
		if (in.p[n] == '\\') {
			escapes++;
			if (++n == in.n || (in.p[n] != '"' && in.p[n] != '\\'))
				return imap_problem(p, ERR_SYNTAX, "bad escape in a quoted string");
		}
		n++;
	}
	if (n == in.n)
		return imap_problem(p, ERR_SYNTAX, "a closing quote is missing");
	p->in = bytes_skip(in, n + 1);
	*s = bytes_head(in, n);
	if (escapes == 0)
		return ERR_OK;
	out = arena_alloc(p->arena, n - escapes);
	*s = bytes_make(out, n - escapes);
	for (size_t i = 0; i < n; i++) {
		if (in.p[i] == '\\')
			i++;
		*out++ = in.p[i];
	}
	return ERR_OK;
}

static int
get_literal(struct imap_parser *p, struct bytes *s)
{
	uint32_t n;
	int r;

	p->in = bytes_skip(p->in, 1);
	if ((r = imap_get_number(p, &n)) < 0)
		return r;
	(void)skip_char(p, '+');
	if (!skip_char(p, '}') || !imap_skip_word(p, "\r\n") || p->in.n < n)
		return imap_problem(p, ERR_SYNTAX, "bad literal");
	*s = bytes_head(p->in, n);
	p->in = bytes_skip(p->in, n);
	if (memchr(s->p, '\0', s->n) != NULL)
		return imap_problem(p, ERR_SYNTAX, "NUL in a literal");
	return ERR_OK;
}

int
imap_get_string(struct imap_parser *p, struct bytes *s)
{
	if (imap_at(p, '"'))
		return get_quoted(p, s);
	if (imap_at(p, '{'))
		return get_literal(p, s);
	return imap_problem(p, ERR_SYNTAX, "a string is missing");
}

static int
get_string_or(struct imap_parser *p, unsigned class, struct bytes *s)
{
	if (imap_at(p, '"') || imap_at(p, '{'))
		return imap_get_string(p, s);
	*s = take_class(p, class);
	return s->n > 0 ? ERR_OK : imap_problem(p, ERR_SYNTAX, "an argument is missing");
}

int
imap_get_astring(struct imap_parser *p, struct bytes *s)
{
	return get_string_or(p, ASTRING, s);
}

int
imap_get_nstring(struct imap_parser *p, struct bytes *s)
{
	if (imap_skip_word(p, "NIL")) {
		*s = BYTES_NONE;
		return ERR_OK;
	}
	return imap_get_string(p, s);
}

int
imap_get_mailbox(struct imap_parser *p, struct bytes *name)
{
	int r = imap_get_astring(p, name);

	if (r < 0)
		return r;
	if (name->n > IMAP_MAILBOX_MAX)
		return imap_problem(p, ERR_LIMIT, "the mailbox name is too long");
	if (bytes_is_nocase(*name, "INBOX"))
		*name = BYTES_LITERAL("INBOX");
	return ERR_OK;
}

int
imap_get_list_mailbox(struct imap_parser *p, struct bytes *pattern)
{
	int r = get_string_or(p, LIST, pattern);

	if (r == ERR_OK && pattern->n > IMAP_MAILBOX_MAX)
		return imap_problem(p, ERR_LIMIT, "the pattern is too long");
	return r;
}

/* -- flags ------------------------------------------------------------------------------- */

static const struct {
	enum imap_flag flag;
	const char *name;
} flag_names[] = {
	{ IMAP_ANSWERED, "\\Answered" },
	{ IMAP_FLAGGED, "\\Flagged" },
	{ IMAP_DELETED, "\\Deleted" },
	{ IMAP_SEEN, "\\Seen" },
	{ IMAP_DRAFT, "\\Draft" },
	{ IMAP_RECENT, "\\Recent" },
};

const char *
imap_flag_name(enum imap_flag flag)
{
	for (size_t i = 0; i < NITEMS(flag_names); i++)
		if (flag_names[i].flag == flag)
			return flag_names[i].name;
	return NULL;
}

static int
add_system_flag(struct imap_parser *p, struct bytes name, struct imap_flags *flags)
{
	for (size_t i = 0; i < NITEMS(flag_names); i++) {
		if (!bytes_is_nocase(name, flag_names[i].name + 1))
			continue;
		if (flag_names[i].flag == IMAP_RECENT)
			return imap_problem(p, ERR_SYNTAX, "\\Recent cannot be set");
		flags->system |= flag_names[i].flag;
		return ERR_OK;
	}
	return imap_problem(p, ERR_SYNTAX, "unknown system flag");
}

static int
get_flag(struct imap_parser *p, struct imap_flags *flags)
{
	bool system = skip_char(p, '\\');
	struct bytes name;
	int r = imap_get_atom(p, &name);

	if (r < 0)
		return imap_problem(p, r, "a flag is missing");
	if (system)
		return add_system_flag(p, name, flags);
	for (size_t i = 0; i < flags->keyword_count; i++)
		if (bytes_equal_nocase(flags->keywords[i], name))
			return ERR_OK;
	if (flags->keyword_count == IMAP_FLAGS_MAX)
		return imap_problem(p, ERR_LIMIT, "too many keywords");
	if (flags->keywords == NULL)
		flags->keywords = arena_alloc(p->arena, IMAP_FLAGS_MAX * sizeof(struct bytes));
	flags->keywords[flags->keyword_count++] = name;
	return ERR_OK;
}

int
imap_get_flag_list(struct imap_parser *p, struct imap_flags *flags)
{
	int r = imap_get_char(p, '(');

	*flags = (struct imap_flags){ 0 };
	if (r < 0 || skip_char(p, ')'))
		return r;
	do {
		if ((r = get_flag(p, flags)) < 0)
			return r;
	} while (skip_char(p, ' '));
	return imap_get_char(p, ')');
}

int
imap_get_flags(struct imap_parser *p, struct imap_flags *flags)
{
	int r;

	if (imap_at(p, '('))
		return imap_get_flag_list(p, flags);
	*flags = (struct imap_flags){ 0 };
	do {
		if ((r = get_flag(p, flags)) < 0)
			return r;
	} while (skip_char(p, ' '));
	return ERR_OK;
}

/* -- arguments of the small commands ------------------------------------------------------- */

int
imap_get_store(struct imap_parser *p, struct imap_store *store)
{
	int r;

	*store = (struct imap_store){ .mode = IMAP_STORE_SET };
	if (skip_char(p, '+'))
		store->mode = IMAP_STORE_ADD;
	else if (skip_char(p, '-'))
		store->mode = IMAP_STORE_REMOVE;
	if (!imap_skip_word(p, "FLAGS"))
		return imap_problem(p, ERR_SYNTAX, "FLAGS is missing");
	store->silent = imap_skip_word(p, ".SILENT");
	if ((r = imap_get_space(p)) < 0 || (r = imap_get_flags(p, &store->flags)) < 0)
		return r;
	return imap_get_end(p);
}

static const struct {
	const char *name;
	enum imap_status_item item;
} status_items[] = {
	{ "MESSAGES", IMAP_STATUS_MESSAGES },
	{ "RECENT", IMAP_STATUS_RECENT },
	{ "UIDNEXT", IMAP_STATUS_UIDNEXT },
	{ "UIDVALIDITY", IMAP_STATUS_UIDVALIDITY },
	{ "UNSEEN", IMAP_STATUS_UNSEEN },
};

static int
get_status_item(struct imap_parser *p, unsigned *items)
{
	struct bytes name;
	int r = imap_get_atom(p, &name);

	for (size_t i = 0; r == ERR_OK && i < NITEMS(status_items); i++) {
		if (bytes_is_nocase(name, status_items[i].name)) {
			*items |= status_items[i].item;
			return ERR_OK;
		}
	}
	return imap_problem(p, ERR_SYNTAX, "unknown status item");
}

int
imap_get_status_items(struct imap_parser *p, unsigned *items)
{
	int r = imap_get_char(p, '(');

	*items = 0;
	if (r < 0)
		return r;
	do {
		if ((r = get_status_item(p, items)) < 0)
			return r;
	} while (skip_char(p, ' '));
	return imap_get_char(p, ')');
}

/* The announcement that ends the text; its CRLF may be there already. */
static int
get_announcement(struct imap_parser *p, struct imap_append *append)
{
	uint64_t size = 0;

	if (!skip_char(p, '{'))
		return imap_problem(p, ERR_SYNTAX, "a message literal is missing");
	for (; p->in.n > 0 && ascii_is_digit(p->in.p[0]); p->in = bytes_skip(p->in, 1)) {
		if (size > UINT64_MAX / 10 - 1)
			return imap_problem(p, ERR_LIMIT, "the message is too large");
		size = size * 10 + (uint64_t)(p->in.p[0] - '0');
	}
	append->size = size;
	append->sync = !skip_char(p, '+');
	if (!skip_char(p, '}'))
		return imap_problem(p, ERR_SYNTAX, "bad literal");
	(void)imap_skip_word(p, "\r\n");
	return imap_get_end(p);
}

/* Is the rest of the text just "{n}" or "{n+}"? */
static bool
ends_in_announcement(const struct imap_parser *p)
{
	return imap_at(p, '{') && bytes_find(p->in, '}') == p->in.n - 1;
}

int
imap_get_append(struct imap_parser *p, struct imap_append *append)
{
	int r = imap_get_space(p);

	*append = (struct imap_append){ .size = 0 };
	if (r < 0)
		return r;
	if (ends_in_announcement(p))
		return 1;
	if ((r = imap_get_mailbox(p, &append->mailbox)) < 0 || (r = imap_get_space(p)) < 0)
		return r;
	if (imap_at(p, '(') &&
		((r = imap_get_flag_list(p, &append->flags)) < 0 || (r = imap_get_space(p)) < 0))
		return r;
	if (imap_at(p, '"')) {
		append->has_date = true;
		if ((r = imap_get_date_time(p, &append->date)) < 0 || (r = imap_get_space(p)) < 0)
			return r;
	}
	return get_announcement(p, append);
}

#define ID_PAIRS_MAX 30 /* RFC 2971 sec. 3.3 */

int
imap_get_id(struct imap_parser *p, struct bytes **words, size_t *count)
{
	int r;

	*words = NULL;
	*count = 0;
	if (imap_skip_word(p, "NIL"))
		return ERR_OK;
	if ((r = imap_get_char(p, '(')) < 0 || skip_char(p, ')'))
		return r;
	*words = arena_alloc(p->arena, 2 * ID_PAIRS_MAX * sizeof(struct bytes));
	do {
		if (*count >= 2 * ID_PAIRS_MAX)
			return imap_problem(p, ERR_LIMIT, "too many ID fields");
		if ((r = imap_get_string(p, &(*words)[*count])) < 0 ||
			(r = imap_get_space(p)) < 0 ||
			(r = imap_get_nstring(p, &(*words)[*count + 1])) < 0)
			return r;
		*count += 2;
	} while (skip_char(p, ' '));
	return imap_get_char(p, ')');
}
