/* SPDX-License-Identifier: ISC */
/*
 * lib/map/aliases.c - aliases(5), see the header.
 *
 * Runs in:  the operator's command (newaliases, relais map), the fuzzer.
 * Trusts:   nothing; an included file may be anybody's.
 * Sources:  Postfix' aliases(5); RFC 5322 sec. 3.2 for quotes and comments.
 */
#include "aliases.h"

#include <stdlib.h>

#include "err.h"

struct parser {
	struct table *t;
	const struct aliases_files *files;
	unsigned line;     /* where the entry begins */
	unsigned depth;    /* of included files */
	unsigned includes; /* read so far */
	struct buf value;  /* the entry's targets in their normal form */
	bool full;         /* told that it is too long */
};

static bool
is_blank(uint8_t c)
{
	return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

/* ---- words ---- */

/* The end of a comment in parentheses that begins at in.p[i]. */
static size_t
skip_comment(struct bytes in, size_t i)
{
	unsigned depth = 0;

	for (; i < in.n; i++) {
		if (in.p[i] == '\\')
			i++;
		else if (in.p[i] == '(')
			depth++;
		else if (in.p[i] == ')' && --depth == 0)
			return i + 1;
	}
	return in.n;
}

/* The end of a quoted string that begins at in.p[i]; 0: it has none. */
static size_t
skip_quoted(struct bytes in, size_t i)
{
	for (i++; i < in.n; i++) {
		if (in.p[i] == '\\')
			i++;
		else if (in.p[i] == '"')
			return i + 1;
	}
	return 0;
}

/*
 * Cut the next target off *rest, up to a comma: comments gone, blanks trimmed. Between "<" and
 * ">" stands the address alone. returns: 1; 0: nothing is left; ERR_SYNTAX
 */
static int
cut_target(struct bytes *rest, struct buf *word)
{
	struct bytes in = *rest;
	size_t i = 0, end;

	buf_clear(word);
	while (i < in.n && in.p[i] != ',') {
		end = i + 1;
		if (in.p[i] == '(') {
			i = skip_comment(in, i);
			continue;
		}
		if (in.p[i] == '"' && (end = skip_quoted(in, i)) == 0)
			return ERR_SYNTAX;
		if (in.p[i] == '\\' && i + 1 < in.n)
			end = i + 2;
		buf_put_bytes(word, bytes_make(in.p + i, end - i));
		i = end;
	}
	*rest = bytes_skip(in, i + 1);
	return i > 0 || in.n > 0;
}

static struct bytes
trim(struct bytes b)
{
	while (b.n > 0 && is_blank(b.p[0]))
		b = bytes_skip(b, 1);
	while (b.n > 0 && is_blank(b.p[b.n - 1]))
		b.n--;
	return b;
}

/* Quotes and backslashes gone. */
static void
put_plain(struct buf *out, struct bytes in)
{
	for (size_t i = 0; i < in.n; i++) {
		if (in.p[i] == '"')
			continue;
		if (in.p[i] == '\\' && i + 1 < in.n)
			i++;
		buf_put_u8(out, in.p[i]);
	}
}

/* Real Name <address>: the address. */
static struct bytes
inside_angles(struct bytes in)
{
	size_t open = BYTES_NOT_FOUND;

	for (size_t i = 0; i < in.n; i++) {
		if (in.p[i] == '"') {
			size_t end = skip_quoted(in, i);

			i = end == 0 ? in.n : end - 1;
		} else if (in.p[i] == '<')
			open = i + 1;
		else if (in.p[i] == '>' && open != BYTES_NOT_FOUND)
			return trim(bytes_make(in.p + open, i - open));
	}
	return in;
}

/* ---- targets ---- */

static void put_targets(struct parser *p, struct bytes rest, bool included);

/* One more target of the entry, already in its normal form. */
static void
put_target(struct parser *p, struct bytes target)
{
	if (p->full)
		return;
	if (p->value.len + target.n + 2 > TABLE_VALUE_MAX) {
		table_error(p->t, p->line, "the targets are longer than %d octets in all",
			TABLE_VALUE_MAX);
		p->full = true;
		return;
	}
	if (p->value.len > 0)
		buf_put_str(&p->value, ", ");
	buf_put_bytes(&p->value, target);
}

static void
put_program(struct parser *p, struct bytes what)
{
	struct buf quoted = BUF_INIT;

	buf_put_u8(&quoted, '"');
	for (size_t i = 0; i < what.n; i++) {
		if (what.p[i] == '"' || what.p[i] == '\\')
			buf_put_u8(&quoted, '\\');
		buf_put_u8(&quoted, what.p[i]);
	}
	buf_put_u8(&quoted, '"');
	put_target(p, buf_bytes(&quoted));
	buf_free(&quoted);
}

static void
put_included_lines(struct parser *p, struct bytes text)
{
	while (text.n > 0 && !p->full) {
		struct bytes line = trim(bytes_cut(&text, '\n'));

		if (line.n > 0 && line.p[0] != '#')
			put_targets(p, line, true);
	}
}

static void
include(struct parser *p, struct bytes path)
{
	struct buf text = BUF_INIT;
	const char *why = "cannot be read", *name = arena_str(&p->t->arena, path);

	if (p->depth >= ALIASES_INCLUDE_DEPTH || p->includes >= ALIASES_INCLUDES_MAX) {
		table_error(p->t, p->line, "%s: included files go too deep", name);
	} else if (path.n == 0 || path.p[0] != '/' || bytes_find(path, 0) != BYTES_NOT_FOUND) {
		table_error(p->t, p->line, ":include: needs a path from the root");
	} else {
		p->includes++;
		if (p->files->read(p->files->arg, name, &text, &why) < 0) {
			table_error(p->t, p->line, "%s: %s", name, why);
		} else {
			p->depth++;
			put_included_lines(p, buf_bytes(&text));
			p->depth--;
		}
	}
	buf_free(&text);
}

static bool
is_clean(struct bytes b)
{
	for (size_t i = 0; i < b.n; i++)
		if (b.p[i] < 0x20 || b.p[i] == 0x7f)
			return false;
	return true;
}

static void
put_address(struct parser *p, struct bytes word)
{
	bool quoted = false;

	word = inside_angles(word);
	if (word.n > 1 && word.p[0] == '\\') /* \joe: sendmail's "no further aliases" */
		word = bytes_skip(word, 1);
	for (size_t i = 0; i < word.n; i++) {
		if (word.p[i] == '"')
			quoted = !quoted;
		else if (word.p[i] == '\\')
			i++;
		else if (!quoted && is_blank(word.p[i])) {
			table_error(p->t, p->line, "\"%s\": a comma is missing, or quotes are",
				arena_str(&p->t->arena, word));
			return;
		}
	}
	put_target(p, word);
}

/* A word without its quotes and what it is. */
static void
put_word(struct parser *p, struct bytes word, bool included)
{
	static const struct bytes include_word = BYTES_LITERAL(":include:");
	bool whole_quoted = word.n > 1 && word.p[0] == '"' && skip_quoted(word, 0) == word.n;
	struct buf plain = BUF_INIT;
	struct bytes w;

	put_plain(&plain, word);
	w = trim(buf_bytes(&plain));
	if (!is_clean(w)) {
		table_error(p->t, p->line, "control character");
	} else if (bytes_starts_with_nocase(w, include_word)) {
		include(p, trim(bytes_skip(w, include_word.n)));
	} else if (w.n > 1 &&
		   (w.p[0] == '|' ||
			   (w.p[0] == '/' &&
				   (whole_quoted || bytes_find(w, '@') == BYTES_NOT_FOUND)))) {
		if (included)
			table_error(p->t, p->line,
				"commands and files are not taken from an included file");
		else
			put_program(p, w);
	} else if (w.n > 0) {
		put_address(p, word);
	}
	buf_free(&plain);
}

static void
put_targets(struct parser *p, struct bytes rest, bool included)
{
	struct buf word = BUF_INIT;
	int r;

	while (rest.n > 0 && (r = cut_target(&rest, &word)) != 0) {
		if (r < 0) {
			table_error(p->t, p->line, "a quote is not closed");
			break;
		}
		put_word(p, trim(buf_bytes(&word)), included);
	}
	buf_free(&word);
}

/* ---- entries ---- */

static void
add_entry(struct parser *p, struct bytes key, struct bytes value)
{
	struct table *t = p->t;

	if (t->count == t->cap) {
		t->cap = t->cap == 0 ? 64 : t->cap * 2;
		t->entries = xrealloc(t->entries, t->cap * sizeof(*t->entries));
	}
	t->entries[t->count++] = (struct table_entry){ arena_bytes(&t->arena, key),
		arena_bytes(&t->arena, value), p->line };
}

/* "name: targets" */
static void
parse_entry(struct parser *p, struct bytes text)
{
	struct buf name = BUF_INIT;
	size_t colon = 0, end;

	while (colon < text.n && text.p[colon] != ':') {
		if (text.p[colon] == '"') {
			if ((end = skip_quoted(text, colon)) == 0)
				break;
			colon = end;
		} else
			colon++;
	}
	if (colon >= text.n || text.p[colon] != ':') {
		table_error(p->t, p->line, "an entry is \"name: target, ...\"");
		return;
	}
	put_plain(&name, trim(bytes_head(text, colon)));
	if (name.len == 0 || name.len > TABLE_KEY_MAX ||
		bytes_find(buf_bytes(&name), '@') != BYTES_NOT_FOUND) {
		table_error(p->t, p->line,
			"a name here has no domain (the table \"aliases\" takes whole addresses)");
	} else {
		size_t errors = p->t->nerrors;

		buf_clear(&p->value);
		p->full = false;
		p->includes = 0;
		put_targets(p, bytes_skip(text, colon + 1), false);
		if (p->value.len == 0 && p->t->nerrors == errors)
			table_error(p->t, p->line, "there is no target");
		else if (p->t->nerrors == errors)
			add_entry(p, buf_bytes(&name), buf_bytes(&p->value));
	}
	buf_free(&name);
}

void
aliases_parse(struct table *t, struct bytes text, const struct aliases_files *files)
{
	struct parser p = { .t = t, .files = files, .value = BUF_INIT };
	struct buf entry = BUF_INIT;
	unsigned number = 0;

	while (text.n > 0) {
		struct bytes line = bytes_cut(&text, '\n'), words = trim(line);

		number++;
		if (words.n == 0 || words.p[0] == '#')
			continue;
		if (line.p[0] == ' ' || line.p[0] == '\t') {
			if (entry.len == 0)
				table_error(t, number,
					"begins with a blank, but there is no entry to go on with");
			else if (entry.len + words.n < TABLE_VALUE_MAX) {
				buf_put_u8(&entry, ' ');
				buf_put_bytes(&entry, words);
			} else
				table_error(t, number, "the entry is too long");
			continue;
		}
		if (entry.len > 0)
			parse_entry(&p, buf_bytes(&entry));
		buf_clear(&entry);
		buf_put_bytes(&entry, bytes_head(words, TABLE_VALUE_MAX));
		p.line = number;
	}
	if (entry.len > 0)
		parse_entry(&p, buf_bytes(&entry));
	buf_free(&entry);
	buf_free(&p.value);
}
