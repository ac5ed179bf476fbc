/* SPDX-License-Identifier: ISC */
/*
 * lib/proto/downgrade_header.c - fields with octets above 0x7f, for peers that take ASCII only.
 *
 * Such fields are against RFC 5322 and need RFC 6532 (SMTPUTF8), but much mail has them without.
 * What people read survives; nothing of a field's grammar is changed.
 *
 * Runs in:  smtp-client.
 * Trusts:   nothing.
 * Sources:  RFC 2047 sec. 2 and 5; RFC 2231 sec. 4; RFC 1428; RFC 5322 sec. 3.2.
 */
#include "downgrade_header.h"

#include "downgrade.h"
#include "encode.h"
#include "err.h"
#include "mime_decode.h"
#include "rfc5321.h"

#define WORD_OCTETS 42 /* of text in one encoded word: 75 octets of it with the longer charset */

static const char *
charset_of(struct bytes text)
{
	return rfc3629_is_utf8(text) ? "utf-8" : "unknown-8bit";
}

/* How much of UTF-8 text goes into one word: no character is cut in two. */
static size_t
word_length(struct bytes text)
{
	size_t n = text.n < WORD_OCTETS ? text.n : WORD_OCTETS;

	if (n < text.n)
		for (size_t back = 0; back < 3 && (text.p[n] & 0xc0) == 0x80; back++)
			n--;
	return n;
}

/* Text as encoded words, each on a line of its own behind the first. */
static void
put_words(struct buf *out, struct bytes text)
{
	const char *charset = charset_of(text), *between = "";

	while (text.n > 0) {
		size_t n = word_length(text);

		buf_printf(out, "%s=?%s?B?", between, charset);
		base64_encode(out, bytes_head(text, n));
		buf_put_str(out, "?=");
		text = bytes_skip(text, n);
		between = "\r\n ";
	}
}

static void
put_masked(struct buf *out, struct bytes in)
{
	for (size_t i = 0; i < in.n; i++)
		buf_put_u8(out, in.p[i] < 0x80 ? in.p[i] : '?');
}

/* --- unstructured: Subject, Comments, and what is not known ----------------------- */

static bool
is_blank(uint8_t c)
{
	return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

/* Encoded words among it are undone: they would not be read as such in a new one. */
static void
put_unfolded(struct buf *out, struct bytes in)
{
	if (bytes_search(in, BYTES_LITERAL("=?")) != BYTES_NOT_FOUND)
		rfc2047_decode(NULL, in, out);
	else
		rfc5322_unfold(out, in);
}

static int
put_text(struct buf *out, struct bytes value)
{
	size_t first = 0, end = 0;
	struct buf text = BUF_INIT;

	while (first < value.n && value.p[first] < 0x80)
		first++;
	for (size_t i = first; i < value.n; i++)
		if (value.p[i] >= 0x80)
			end = i + 1;
	while (first > 0 && !is_blank(value.p[first - 1]))
		first--;
	while (end < value.n && !is_blank(value.p[end]))
		end++;
	if (first == 0)
		buf_put_u8(out, ' '); /* "Subject:text" */
	buf_put_bytes(out, bytes_head(value, first));
	put_unfolded(&text, bytes_head(bytes_skip(value, first), end - first));
	put_words(out, buf_bytes(&text));
	buf_free(&text);
	buf_put_bytes(out, bytes_skip(value, end));
	return ERR_OK;
}

static int
put_mask(struct buf *out, struct bytes value)
{
	put_masked(out, value);
	return ERR_OK;
}

/* --- addresses: From, To, ... ----------------------------------------------------- */

/* Octets up to and with what closes what in begins with: a quoted string, <...>, [...], a comment
 * (which nests); all if nothing does. */
static size_t
bracket_length(struct bytes in)
{
	uint8_t open = in.p[0];
	uint8_t close = open == '<' ? '>' : open == '[' ? ']' : open == '(' ? ')' : '"';
	size_t depth = 1;

	for (size_t i = 1; i < in.n; i++) {
		uint8_t c = in.p[i];

		if (c == '\\' && open != '<')
			i++;
		else if (c == close) {
			if (--depth == 0)
				return i + 1;
		} else if (c == open && c == '(')
			depth++;
	}
	return in.n;
}

/* A comment or quoted string without its marks and backslashes, unfolded. */
static void
put_content(struct buf *out, struct bytes in)
{
	struct bytes inner = bytes_head(bytes_skip(in, 1), in.n > 2 ? in.n - 2 : 0);
	struct buf plain = BUF_INIT;

	for (size_t i = 0; i < inner.n; i++) {
		if (inner.p[i] == '\\' && i + 1 < inner.n)
			i++;
		buf_put_u8(&plain, inner.p[i]);
	}
	rfc5322_unfold(out, buf_bytes(&plain));
	buf_free(&plain);
}

static void
put_comment(struct buf *out, struct bytes comment)
{
	struct buf text = BUF_INIT;

	if (!downgrade_is_8bit(comment)) {
		buf_put_bytes(out, comment);
		return;
	}
	put_content(&text, comment);
	buf_put_u8(out, '(');
	put_words(out, buf_bytes(&text));
	buf_put_u8(out, ')');
	buf_free(&text);
}

/* Octets of one word of a phrase: a quoted string, or what goes up to a blank or special. */
static size_t
phrase_word_length(struct bytes in)
{
	size_t n = 0;

	if (in.p[0] == '"')
		return bracket_length(in);
	while (n < in.n && !is_blank(in.p[n]) &&
		(in.p[n] >= 0x80 || in.p[n] == 0 || strchr("<>()[]:;@,\"", in.p[n]) == NULL))
		n++;
	return n == 0 ? 1 : n;
}

/* Words up to something else, with the blanks between them; text: what they say. */
static size_t
phrase_length(struct bytes in, struct buf *text)
{
	size_t used = 0, end = 0;

	while (used < in.n && (is_blank(in.p[used]) || strchr("<>()[]:;@,", in.p[used]) == NULL ||
				      in.p[used] == 0)) {
		struct bytes rest = bytes_skip(in, used);
		size_t n;

		if (is_blank(rest.p[0])) {
			used++;
			continue;
		}
		n = phrase_word_length(rest);
		if (text->len > 0)
			buf_put_u8(text, ' ');
		if (rest.p[0] == '"')
			put_content(text, bytes_head(rest, n));
		else
			buf_put_bytes(text, bytes_head(rest, n));
		used += n;
		end = used;
	}
	return end;
}

/* Does "<" or ":" follow, behind blanks and comments? Then what stands before is a name. */
static bool
is_before_address(struct bytes in)
{
	while (in.n > 0 && (is_blank(in.p[0]) || in.p[0] == '('))
		in = bytes_skip(in, in.p[0] == '(' ? bracket_length(in) : 1);
	return in.n > 0 && (in.p[0] == '<' || in.p[0] == ':');
}

/* Words: of a name, else of an address. */
static int
put_phrase(struct buf *out, struct bytes *in)
{
	struct buf text = BUF_INIT;
	size_t n = phrase_length(*in, &text);
	struct bytes phrase = bytes_head(*in, n);
	bool is_name = is_before_address(bytes_skip(*in, n));
	int r = ERR_OK;

	if (!downgrade_is_8bit(phrase))
		buf_put_bytes(out, phrase);
	else if (is_name)
		put_words(out, buf_bytes(&text));
	else
		r = ERR_UNSUPPORTED;
	if (n < in->n && downgrade_is_8bit(phrase) && strchr("<(", in->p[n]) != NULL)
		buf_put_u8(out, ' ');
	*in = bytes_skip(*in, n);
	buf_free(&text);
	return r;
}

static int
put_addresses(struct buf *out, struct bytes value)
{
	int r = ERR_OK;

	while (value.n > 0 && r == ERR_OK) {
		uint8_t c = value.p[0];
		size_t n = 1;

		if (c == '(') {
			n = bracket_length(value);
			put_comment(out, bytes_head(value, n));
		} else if (c == '<' || c == '[') {
			n = bracket_length(value);
			if (downgrade_is_8bit(bytes_head(value, n)))
				r = ERR_UNSUPPORTED;
			buf_put_bytes(out, bytes_head(value, n));
		} else if (is_blank(c) || (c != 0 && strchr(">)]:;@,", c) != NULL)) {
			buf_put_u8(out, c);
		} else {
			r = put_phrase(out, &value);
			continue;
		}
		value = bytes_skip(value, n);
	}
	return r;
}

/* --- parameters: Content-Type, Content-Disposition -------------------------------- */

/* Octets up to the next ";" that stands in no quoted string or comment. */
static size_t
param_length(struct bytes in)
{
	size_t n = 0;

	while (n < in.n && in.p[n] != ';')
		n += in.p[n] == '"' || in.p[n] == '(' ? bracket_length(bytes_skip(in, n)) : 1;
	return n;
}

static bool
is_attribute_char(uint8_t c)
{
	return c > ' ' && c < 0x7f && strchr("*'%()<>@,;:\\\"/[]?=", c) == NULL;
}

/* name=value as name*=charset''value */
static void
put_extended(struct buf *out, struct bytes name, struct bytes value)
{
	static const char hex[] = "0123456789ABCDEF";
	struct buf text = BUF_INIT;
	struct bytes b;

	value = bytes_trim(value);
	if (value.n > 0 && value.p[0] == '"')
		put_content(&text, bytes_head(value, bracket_length(value)));
	else
		buf_put_bytes(&text, value);
	b = buf_bytes(&text);
	buf_put_bytes(out, name);
	buf_printf(out, "*=%s''", charset_of(b));
	for (size_t i = 0; i < b.n; i++) {
		if (is_attribute_char(b.p[i])) {
			buf_put_u8(out, b.p[i]);
			continue;
		}
		buf_put_u8(out, '%');
		buf_put_u8(out, (uint8_t)hex[b.p[i] >> 4]);
		buf_put_u8(out, (uint8_t)hex[b.p[i] & 15]);
	}
	buf_free(&text);
}

static int
put_params(struct buf *out, struct bytes value)
{
	bool first = true; /* "text/plain" is none */

	while (value.n > 0) {
		size_t n = param_length(value);
		struct bytes one = bytes_head(value, n), rest = one, name;

		name = bytes_cut(&rest, '=');
		if (!downgrade_is_8bit(one))
			buf_put_bytes(out, one);
		else if (first || downgrade_is_8bit(name) || name.n == one.n ||
			 bytes_find(name, '*') != BYTES_NOT_FOUND ||
			 bytes_is_nocase(bytes_trim(name), "boundary"))
			put_masked(out, one);
		else
			put_extended(out, name, rest);
		if (n < value.n)
			buf_put_u8(out, ';');
		value = bytes_skip(value, n + 1);
		first = false;
	}
	return ERR_OK;
}

/* --- fields ----------------------------------------------------------------------- */

static const struct {
	const char *name;
	int (*put)(struct buf *out, struct bytes value);
} rows[] = {
	/* what is not here is text */
	{ "From", put_addresses },
	{ "Sender", put_addresses },
	{ "Reply-To", put_addresses },
	{ "To", put_addresses },
	{ "Cc", put_addresses },
	{ "Bcc", put_addresses },
	{ "Resent-From", put_addresses },
	{ "Resent-Sender", put_addresses },
	{ "Resent-To", put_addresses },
	{ "Resent-Cc", put_addresses },
	{ "Resent-Bcc", put_addresses },
	{ "Mail-Followup-To", put_addresses },
	{ "Mail-Reply-To", put_addresses },
	{ "Disposition-Notification-To", put_addresses },
	{ "Return-Receipt-To", put_addresses },
	{ "Content-Type", put_params },
	{ "Content-Disposition", put_params },
	{ "Received", put_mask },
	{ "Return-Path", put_mask },
	{ "Delivered-To", put_mask },
	{ "Message-ID", put_mask },
	{ "In-Reply-To", put_mask },
	{ "References", put_mask },
	{ "Date", put_mask },
	{ "MIME-Version", put_mask },
	{ "Content-Transfer-Encoding", put_mask },
	{ "Content-ID", put_mask },
	{ "DKIM-Signature", put_mask },
	{ "Authentication-Results", put_mask },
	{ "ARC-Seal", put_mask },
	{ "ARC-Message-Signature", put_mask },
	{ "ARC-Authentication-Results", put_mask },
};

int
downgrade_field(struct buf *out, const struct rfc5322_field *f)
{
	int (*put)(struct buf *, struct bytes) = put_text;
	size_t before = out->len, head = f->raw.n;
	int r;

	if (f->value.p != NULL)
		head = (size_t)(f->value.p - f->raw.p);
	if (!downgrade_is_8bit(f->raw) || head > f->raw.n) {
		buf_put_bytes(out, f->raw);
		return ERR_OK;
	}
	if (downgrade_is_8bit(bytes_head(f->raw, head)) || f->value.n == 0) {
		put_masked(out, f->raw);
		return ERR_OK;
	}
	for (size_t i = 0; i < NITEMS(rows); i++)
		if (bytes_is_nocase(f->name, rows[i].name))
			put = rows[i].put;
	buf_put_bytes(out, bytes_head(f->raw, head));
	r = put(out, f->value);
	if (r < 0)
		buf_truncate(out, before);
	else
		put_masked(out, bytes_skip(f->raw, head + f->value.n));
	return r;
}
