/* SPDX-License-Identifier: ISC */
/*
 * lib/proto/mime_param.c - the values and parameters of Content-Type, Content-Disposition and
 * their kin.
 *
 * Runs in:  every process that looks at content.
 * Trusts:   nothing.
 * Sources:  RFC 2045 sec. 5.1; RFC 2231 sec. 3, 4.
 */
#include "mime.h"

#include "encode.h"
#include "err.h"

#define SECTIONS_MAX 1000 /* of one RFC 2231 continuation: "name*999" */

static bool
is_blank(uint8_t c)
{
	return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

/* Blanks and comments at the front go. A comment without an end takes all. */
static void
skip_cfws(struct bytes *rest)
{
	size_t depth = 0, i = 0;

	for (; i < rest->n; i++) {
		uint8_t c = rest->p[i];

		if (c == '(')
			depth++;
		else if (c == ')' && depth > 0)
			depth--;
		else if (depth > 0 && c == '\\')
			i++;
		else if (depth == 0 && !is_blank(c))
			break;
	}
	*rest = bytes_skip(*rest, i);
}

/* Octets up to a blank, a comment, or one of the stops. */
static struct bytes
cut_word(struct bytes *rest, const char *stops)
{
	struct bytes word;
	size_t n = 0;

	while (n < rest->n && !is_blank(rest->p[n]) && rest->p[n] != '(' &&
		(rest->p[n] == 0 || strchr(stops, rest->p[n]) == NULL))
		n++;
	word = bytes_head(*rest, n);
	*rest = bytes_skip(*rest, n);
	return word;
}

/* Undo quoted-pairs and folding; a copy only where there is something to undo. */
static struct bytes
unquoted(struct arena *a, struct bytes inner)
{
	uint8_t *p;
	size_t n = 0;

	if (bytes_find(inner, '\\') == BYTES_NOT_FOUND &&
		bytes_find(inner, '\n') == BYTES_NOT_FOUND &&
		bytes_find(inner, '\r') == BYTES_NOT_FOUND)
		return inner;
	p = arena_alloc(a, inner.n + 1);
	for (size_t i = 0; i < inner.n; i++) {
		if (inner.p[i] == '\\' && i + 1 < inner.n)
			i++;
		if (inner.p[i] != '\r' && inner.p[i] != '\n')
			p[n++] = inner.p[i];
	}
	return bytes_make(p, n);
}

/* A quoted string at the front (rest starts with its quote). Without an end it goes to the
 * next ';' or the end. */
static struct bytes
cut_quoted(struct arena *a, struct bytes *rest)
{
	struct bytes inner;
	size_t n = 1;

	while (n < rest->n && rest->p[n] != '"')
		n += rest->p[n] == '\\' ? 2 : 1;
	if (n >= rest->n) {
		n = bytes_find(*rest, ';');
		inner = bytes_trim(bytes_skip(bytes_head(*rest, n), 1));
		*rest = bytes_skip(*rest, n);
		return unquoted(a, inner);
	}
	inner = bytes_skip(bytes_head(*rest, n), 1);
	*rest = bytes_skip(*rest, n + 1);
	return unquoted(a, inner);
}

/* true if what comes next is "name=": a ';' was forgotten before it */
static bool
at_param(struct bytes rest)
{
	struct bytes name = cut_word(&rest, ";=\"");

	return name.n > 0 && rest.n > 0 && rest.p[0] == '=';
}

/* The value of a parameter that has no quotes: a token; with blanks in it ("name=my file.txt"),
 * what stands before the ';'. */
static struct bytes
cut_value(struct bytes *rest)
{
	const uint8_t *from = rest->p;
	struct bytes word = cut_word(rest, ";");
	const uint8_t *to = from + word.n;

	for (;;) {
		skip_cfws(rest);
		if (rest->n == 0 || rest->p[0] == ';' || at_param(*rest))
			return bytes_make(from, from == NULL ? 0 : (size_t)(to - from));
		word = cut_word(rest, ";");
		if (word.n == 0)
			return bytes_make(from, (size_t)(to - from));
		to = word.p + word.n;
	}
}

/* --- RFC 2231 --------------------------------------------------------------------- */

struct piece {
	struct bytes base; /* "filename" of "filename*2*" */
	unsigned section;
	bool numbered, extended, used;
	struct mime_param *param;
};

static void
split_name(struct mime_param *param, struct piece *out)
{
	struct bytes name = param->name, number;
	size_t star;
	uint64_t v;

	*out = (struct piece){ .param = param, .base = name };
	if (name.n > 1 && name.p[name.n - 1] == '*') {
		out->extended = true;
		name.n--;
	}
	star = bytes_find(name, '*');
	if (star == BYTES_NOT_FOUND || star == 0)
		return;
	number = bytes_skip(name, star + 1);
	if (bytes_to_u64(number, SECTIONS_MAX - 1, &v) != ERR_OK)
		return;
	out->numbered = true;
	out->section = (unsigned)v;
	out->base = bytes_head(name, star);
}

static struct piece *
find_piece(struct piece *pieces, size_t n, struct bytes base, unsigned section)
{
	for (size_t i = 0; i < n; i++)
		if (pieces[i].numbered && !pieces[i].used && pieces[i].section == section &&
			bytes_equal_nocase(pieces[i].base, base))
			return &pieces[i];
	return NULL;
}

/* A plain piece among extended ones, in the extended form. */
static void
put_escaped(struct buf *out, struct bytes value)
{
	for (size_t i = 0; i < value.n; i++) {
		uint8_t c = value.p[i];

		if (c <= ' ' || c >= 127 || strchr("*'%\"\\()<>@,;:/[]?=", c) != NULL)
			buf_printf(out, "%%%02x", c);
		else
			buf_put_u8(out, c);
	}
}

/* Join the pieces of one parameter, the first of which (section 0) is given. */
static void
join(struct arena *a, struct piece *pieces, size_t n, struct piece *head)
{
	struct buf plain = BUF_INIT;
	struct piece *chain[MIME_PARAMS_MAX], *p = head;
	bool extended = false;
	size_t count = 0;

	for (; p != NULL; p = find_piece(pieces, n, head->base, (unsigned)count)) {
		p->used = true;
		extended |= p->extended;
		chain[count++] = p;
	}
	for (size_t i = 0; i < count; i++) {
		if (extended && !chain[i]->extended)
			put_escaped(&plain, chain[i]->param->value);
		else
			buf_put_bytes(&plain, chain[i]->param->value);
	}
	head->param->value = arena_bytes(a, buf_bytes(&plain));
	head->param->name = head->base;
	if (extended) {
		buf_clear(&plain);
		buf_put_bytes(&plain, head->base);
		buf_put_u8(&plain, '*');
		head->param->name = arena_bytes(a, buf_bytes(&plain));
	}
	head->used = false; /* it stays in the list, in the place of all */
	head->numbered = false;
	buf_free(&plain);
}

static struct mime_param *
join_all(struct arena *a, struct mime_param *list)
{
	struct piece pieces[MIME_PARAMS_MAX];
	struct mime_param *first = NULL, **end = &first;
	size_t n = 0;

	for (struct mime_param *p = list; p != NULL; p = p->next)
		split_name(p, &pieces[n++]);
	for (size_t i = 0; i < n; i++)
		if (pieces[i].numbered && !pieces[i].used && pieces[i].section == 0)
			join(a, pieces, n, &pieces[i]);
	for (size_t i = 0; i < n; i++) {
		if (pieces[i].used)
			continue;
		*end = pieces[i].param;
		end = &pieces[i].param->next;
	}
	*end = NULL;
	return first;
}

/* --- the whole field -------------------------------------------------------------- */

static struct bytes
cut_main_value(struct arena *a, struct bytes *rest)
{
	struct bytes head, sub;
	struct buf joined = BUF_INIT;

	skip_cfws(rest);
	if (rest->n > 0 && rest->p[0] == '"')
		return cut_quoted(a, rest);
	head = cut_word(rest, ";/");
	skip_cfws(rest);
	if (rest->n == 0 || rest->p[0] != '/')
		return head;
	*rest = bytes_skip(*rest, 1);
	skip_cfws(rest);
	sub = cut_word(rest, ";");
	if (head.p + head.n + 1 == sub.p)
		return bytes_make(head.p, head.n + 1 + sub.n);
	buf_put_bytes(&joined, head);
	buf_put_u8(&joined, '/');
	buf_put_bytes(&joined, sub);
	head = arena_bytes(a, buf_bytes(&joined));
	buf_free(&joined);
	return head;
}

/* "name = value", at the name. NULL if it isn't one; rest is then past what is there. */
static struct mime_param *
cut_param(struct arena *a, struct bytes *rest)
{
	struct bytes name = cut_word(rest, ";=\"");
	struct mime_param *p;

	skip_cfws(rest);
	if (rest->n == 0 || rest->p[0] != '=') {
		if (name.n == 0 && rest->n > 0) /* never stand still */
			*rest = bytes_skip(*rest, 1);
		return NULL;
	}
	*rest = bytes_skip(*rest, 1);
	skip_cfws(rest);
	p = arena_zalloc(a, sizeof(*p));
	p->name = name;
	p->value = rest->n > 0 && rest->p[0] == '"' ? cut_quoted(a, rest) : cut_value(rest);
	return name.n == 0 ? NULL : p;
}

int
mime_parse_value(
	struct arena *a, struct bytes field, struct bytes *value, struct mime_param **params)
{
	struct mime_param *first = NULL, **end = &first, *p;
	struct bytes rest = field;
	bool sections = false;

	*params = NULL;
	*value = cut_main_value(a, &rest);
	if (value->n == 0)
		return ERR_SYNTAX;
	for (size_t n = 0; n < MIME_PARAMS_MAX;) {
		skip_cfws(&rest);
		if (rest.n == 0)
			break;
		if (rest.p[0] == ';') {
			rest = bytes_skip(rest, 1);
		} else if ((p = cut_param(a, &rest)) != NULL) {
			*end = p;
			end = &p->next;
			n++;
			sections |= bytes_find(p->name, '*') != BYTES_NOT_FOUND;
		}
	}
	*params = sections ? join_all(a, first) : first;
	return ERR_OK;
}

struct bytes
mime_param(const struct mime_param *list, const char *name)
{
	for (; list != NULL; list = list->next)
		if (bytes_is_nocase(list->name, name))
			return list->value;
	return BYTES_NONE;
}

static int
hex_digit(uint8_t c)
{
	c = ascii_lower(c);
	if (ascii_is_digit(c))
		return c - '0';
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

struct bytes
mime_param_decoded(
	struct arena *a, const struct mime_param *list, const char *name, struct bytes *charset)
{
	struct bytes want = bytes_from_str(name), v;
	const struct mime_param *p = list;
	uint8_t *out;
	size_t n = 0;

	*charset = BYTES_NONE;
	while (p != NULL && !(p->name.n == want.n + 1 && p->name.p[want.n] == '*' &&
				    bytes_equal_nocase(bytes_head(p->name, want.n), want)))
		p = p->next;
	if (p == NULL)
		return mime_param(list, name);
	v = p->value;
	if (bytes_find(v, '\'') != BYTES_NOT_FOUND) { /* charset'language'text */
		*charset = bytes_cut(&v, '\'');
		if (bytes_find(v, '\'') != BYTES_NOT_FOUND)
			bytes_cut(&v, '\'');
	}
	out = arena_alloc(a, v.n + 1);
	for (size_t i = 0; i < v.n; i++) {
		int hi = i + 2 < v.n && v.p[i] == '%' ? hex_digit(v.p[i + 1]) : -1;
		int lo = hi >= 0 ? hex_digit(v.p[i + 2]) : -1;

		if (lo >= 0) {
			out[n++] = (uint8_t)(hi << 4 | lo);
			i += 2;
		} else {
			out[n++] = v.p[i];
		}
	}
	return bytes_make(out, n);
}
