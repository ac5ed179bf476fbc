/* SPDX-License-Identifier: ISC */
/*
 * lib/proto/rfc5322_address.c - the address list of From, To, Cc and the like.
 *
 * A lenient reader: words are gathered until a special says what they were - a display name
 * ('<'), a local-part ('@'), a group's name (':'), or a name without an address. Each octet is
 * looked at a bounded number of times, however the brackets are broken.
 *
 * Runs in:  every process that looks at content.
 * Trusts:   nothing.
 * Sources:  RFC 5322 sec. 3.2, 3.4, 4.4; RFC 6532 (8 bit octets are letters).
 */
#include "rfc5322.h"

#define AHEAD_MAX 1000 /* where a route or a domain-literal must have ended */

struct reader {
	struct arena *arena;
	struct bytes rest;
	bool no_quotes;   /* a quote that never ends was seen: they are letters from here on */
	bool no_comments; /* the same for '(' */
	bool in_group;
	struct buf text;    /* words with the blanks between them */
	struct buf run;     /* the last words that dots hold together, without blanks */
	size_t run_at;      /* where that run begins in text */
	struct buf comment; /* the last comment's text */
	unsigned count;
	struct rfc5322_address *first, **end;
};

static bool
is_blank(uint8_t c)
{
	return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

static int
peek(const struct reader *r)
{
	return r->rest.n == 0 ? -1 : r->rest.p[0];
}

/* Octets of the quoted string at the front with both quotes; 0 if it has no end. */
static size_t
quoted_len(struct bytes b)
{
	for (size_t i = 1; i < b.n; i++) {
		if (b.p[i] == '\\')
			i++;
		else if (b.p[i] == '"')
			return i + 1;
	}
	return 0;
}

/* The same for a comment, which nests. */
static size_t
comment_len(struct bytes b)
{
	size_t depth = 0;

	for (size_t i = 0; i < b.n; i++) {
		if (b.p[i] == '\\')
			i++;
		else if (b.p[i] == '(')
			depth++;
		else if (b.p[i] == ')' && --depth == 0)
			return i + 1;
	}
	return 0;
}

/* Append inner with its quoted-pairs undone and its line ends gone. */
static void
put_unquoted(struct buf *out, struct bytes inner)
{
	for (size_t i = 0; i < inner.n; i++) {
		if (inner.p[i] == '\\' && i + 1 < inner.n)
			i++;
		if (inner.p[i] != '\r' && inner.p[i] != '\n')
			buf_put_u8(out, inner.p[i]);
	}
}

/* Blanks and comments (CFWS); true if there were some. The last comment is kept. */
static bool
skip_cfws(struct reader *r)
{
	bool any = false;
	size_t n;

	for (;; any = true) {
		int c = peek(r);

		if (c >= 0 && is_blank((uint8_t)c)) {
			r->rest = bytes_skip(r->rest, 1);
		} else if (c == '(' && !r->no_comments && (n = comment_len(r->rest)) > 0) {
			struct bytes inner = bytes_head(bytes_skip(r->rest, 1), n - 2);

			buf_clear(&r->comment);
			put_unquoted(&r->comment, bytes_trim(inner));
			r->rest = bytes_skip(r->rest, n);
		} else {
			r->no_comments |= c == '(';
			return any;
		}
	}
}

static bool
is_special(uint8_t c)
{
	return c == '<' || c == '>' || c == '@' || c == ',' || c == ';' || c == ':';
}

/* A word at the front (atom, quoted string, or a dot), its text appended to out. Octets
 * that can't stand anywhere count as letters. */
static void
put_word(struct reader *r, struct buf *out)
{
	size_t n = 0;

	if (peek(r) == '"' && !r->no_quotes && (n = quoted_len(r->rest)) > 0) {
		put_unquoted(out, bytes_head(bytes_skip(r->rest, 1), n - 2));
		r->rest = bytes_skip(r->rest, n);
		return;
	}
	if (peek(r) == '"')
		r->no_quotes = true;
	while (n < r->rest.n) {
		uint8_t c = r->rest.p[n];

		if (n > 0 && (c == '.' || r->rest.p[0] == '.'))
			break;
		if (is_blank(c) || is_special(c) || (c == '"' && !r->no_quotes) ||
			(c == '(' && !r->no_comments))
			break;
		n++;
	}
	ASSERT(n > 0);
	buf_put(out, r->rest.p, n);
	r->rest = bytes_skip(r->rest, n);
}

static bool
at_word(const struct reader *r)
{
	int c = peek(r);

	return c >= 0 && !is_special((uint8_t)c);
}

/* Words up to a special, into text and run. */
static void
read_phrase(struct reader *r)
{
	bool dot_before = false, blank = false;

	buf_clear(&r->text);
	buf_clear(&r->run);
	r->run_at = 0;
	while (blank |= skip_cfws(r), at_word(r)) {
		bool dot = peek(r) == '.';
		size_t before = r->text.len, at;

		if (blank && before > 0)
			buf_put_u8(&r->text, ' ');
		if (blank && !dot && !dot_before) {
			buf_clear(&r->run);
			r->run_at = before;
		}
		at = r->text.len;
		put_word(r, &r->text);
		buf_put_bytes(&r->run, bytes_skip(buf_bytes(&r->text), at));
		dot_before = dot;
		blank = false;
	}
}

static struct rfc5322_address *
emit(struct reader *r, enum rfc5322_address_kind kind)
{
	struct rfc5322_address *a = arena_zalloc(r->arena, sizeof(*a));

	a->kind = kind;
	*r->end = a;
	r->end = &a->next;
	r->count++;
	return a;
}

static struct bytes
keep(struct reader *r, const struct buf *b)
{
	return arena_bytes(r->arena, bytes_trim(buf_bytes(b)));
}

/* A domain: words, dots and a domain-literal, without blanks; into run. In an angle address it
 * goes to the '>', else to the first blank that no dot bridges. */
static void
read_domain(struct reader *r, bool in_angle)
{
	bool dot_before = true;

	buf_clear(&r->run);
	for (;;) {
		bool blank = skip_cfws(r);
		int c = peek(r);

		if (c == '[') { /* all up to the ']': colons of an IPv6 literal are letters here */
			size_t n = bytes_find(bytes_head(r->rest, AHEAD_MAX), ']');

			n = n == BYTES_NOT_FOUND ? 1 : n + 1;
			put_unquoted(&r->run, bytes_head(r->rest, n));
			r->rest = bytes_skip(r->rest, n);
			if (n == 1)
				return;
			dot_before = false;
			continue;
		}
		if (in_angle && (c == '@' || c == ':' || c == ';')) {
			buf_put_u8(&r->run, (uint8_t)c);
			r->rest = bytes_skip(r->rest, 1);
			continue;
		}
		if (!at_word(r) || (blank && !in_angle && !dot_before && c != '.'))
			return;
		dot_before = c == '.';
		put_word(r, &r->run);
	}
}

/* obs-route: "@a,@b:" at the front of an angle address, kept without the colon */
static struct bytes
read_route(struct reader *r)
{
	struct bytes ahead = bytes_head(r->rest, AHEAD_MAX), route;
	size_t colon;

	if (peek(r) != '@')
		return BYTES_NONE;
	colon = bytes_find(bytes_head(ahead, bytes_find(ahead, '>')), ':');
	if (colon == BYTES_NOT_FOUND)
		return BYTES_NONE;
	route = rfc5322_unfolded(r->arena, bytes_head(r->rest, colon));
	r->rest = bytes_skip(r->rest, colon + 1);
	return route;
}

/* What follows a finished address up to the next comma is not looked at, but for a comment. What
 * other readers may take for an address is kept as it stands. */
static void
skip_to_separator(struct reader *r, struct rfc5322_address *a)
{
	const struct bytes from = r->rest;
	bool more = false;

	while (skip_cfws(r), r->rest.n > 0 && peek(r) != ',' && !(r->in_group && peek(r) == ';')) {
		if (at_word(r)) {
			buf_clear(&r->run);
			put_word(r, &r->run);
		} else {
			more |= peek(r) == '@' || peek(r) == '<';
			r->rest = bytes_skip(r->rest, 1);
		}
	}
	if (more)
		a->more = arena_bytes(r->arena, bytes_head(from, from.n - r->rest.n));
}

static void
name_from_comment(struct reader *r, struct rfc5322_address *a)
{
	if (a->name.n == 0 && r->comment.len > 0)
		a->name = keep(r, &r->comment);
}

/* "phrase <route:local-part@domain>", at the '<' */
static struct rfc5322_address *
read_angle(struct reader *r)
{
	struct rfc5322_address *a = emit(r, RFC5322_MAILBOX);

	a->name = keep(r, &r->text);
	r->rest = bytes_skip(r->rest, 1);
	skip_cfws(r);
	a->route = read_route(r);
	read_phrase(r);
	while (peek(r) == ':' || peek(r) == ';') { /* "<mailto:x@y>" and worse */
		r->rest = bytes_skip(r->rest, 1);
		read_phrase(r);
	}
	a->local_part = keep(r, &r->run);
	if (r->run_at > 0) /* "<a b@c>": all of it */
		a->local_part = keep(r, &r->text);
	if (peek(r) == '@') {
		r->rest = bytes_skip(r->rest, 1);
		read_domain(r, true);
		a->domain = keep(r, &r->run);
	}
	skip_to_separator(r, a);
	name_from_comment(r, a);
	return a;
}

/* "local-part@domain", at the '@'; words before the local-part are its name */
static void
read_bare(struct reader *r)
{
	struct rfc5322_address **at = r->end, *a = emit(r, RFC5322_MAILBOX);

	a->name = arena_bytes(r->arena, bytes_trim(bytes_head(buf_bytes(&r->text), r->run_at)));
	a->local_part = keep(r, &r->run);
	r->rest = bytes_skip(r->rest, 1);
	read_domain(r, false);
	a->domain = keep(r, &r->run);
	if (skip_cfws(r), peek(r) == '<') { /* "a@b <a@b>": the first was meant as a name */
		buf_clear(&r->text);
		buf_put_bytes(&r->text, a->local_part);
		buf_put_u8(&r->text, '@');
		buf_put_bytes(&r->text, a->domain);
		r->end = at;
		r->count--;
		a = read_angle(r);
		a->before = a->name;
		return;
	}
	skip_to_separator(r, a);
	name_from_comment(r, a);
}

static void
read_one(struct reader *r)
{
	int c;

	buf_clear(&r->comment);
	read_phrase(r);
	c = peek(r);
	if (c == '<') {
		read_angle(r);
	} else if (c == '@') {
		read_bare(r);
	} else if (c == ':' && !r->in_group) {
		emit(r, RFC5322_GROUP_BEGIN)->name = keep(r, &r->text);
		r->in_group = true;
		r->rest = bytes_skip(r->rest, 1);
	} else {
		if (r->text.len > 0) {
			struct rfc5322_address *a = emit(r, RFC5322_MAILBOX);

			if (r->run_at > 0) /* several words: more likely a name */
				a->name = keep(r, &r->text);
			else
				a->local_part = keep(r, &r->text);
			name_from_comment(r, a);
		}
		if (c == ';' && r->in_group) {
			emit(r, RFC5322_GROUP_END);
			r->in_group = false;
		}
		r->rest = bytes_skip(r->rest, 1);
	}
}

struct rfc5322_address *
rfc5322_addresses(struct arena *a, struct bytes value)
{
	struct reader r = { .arena = a, .rest = value };

	r.end = &r.first;
	while (r.rest.n > 0 && r.count < RFC5322_ADDRESSES_MAX)
		read_one(&r);
	if (r.in_group)
		emit(&r, RFC5322_GROUP_END);
	buf_free(&r.text);
	buf_free(&r.run);
	buf_free(&r.comment);
	return r.first;
}
