/* SPDX-License-Identifier: ISC */
/*
 * lib/proto/rfc2047.c - encoded words in the values of fields.
 *
 * Runs in:  imap session.
 * Trusts:   nothing.
 * Sources:  RFC 2047 sec. 2, 4, 6.2; RFC 2231 sec. 5 (language).
 */
#include "mime_decode.h"

#include "rfc5322.h"

#define WORD_MAX 2000 /* RFC 2047 says 75; mailers don't listen */

struct word {
	struct bytes charset, text;
	uint8_t encoding; /* 'q' or 'b' */
	size_t len;       /* of "=?...?=" */
};

/* An encoded word at the front of b. */
static bool
read_word(struct bytes b, struct word *w)
{
	struct bytes rest = bytes_head(b, WORD_MAX), encoding;
	size_t end;

	if (!bytes_starts_with(rest, BYTES_LITERAL("=?")))
		return false;
	rest = bytes_skip(rest, 2);
	w->charset = bytes_cut(&rest, '?');
	encoding = bytes_cut(&rest, '?');
	if (w->charset.n == 0 || w->charset.n > 64 || encoding.n != 1)
		return false;
	w->encoding = ascii_lower(encoding.p[0]);
	if (w->encoding != 'q' && w->encoding != 'b')
		return false;
	end = bytes_search(rest, BYTES_LITERAL("?="));
	if (end == BYTES_NOT_FOUND)
		return false;
	/* "=?utf-8?Q?=C3=A4?=": the text may itself begin with "=" */
	w->text = bytes_head(rest, end);
	w->len = (size_t)(rest.p - b.p) + end + 2;
	end = bytes_find(w->charset, '*'); /* charset*language */
	w->charset = bytes_head(w->charset, end);
	return true;
}

/* The octets of a word's text; Q is quoted-printable with '_' for a blank. */
static void
decode_word(const struct word *w, struct buf *out)
{
	struct buf text = BUF_INIT;

	if (w->encoding == 'b') {
		mime_decode(MIME_BASE64, w->text, out);
		return;
	}
	for (size_t i = 0; i < w->text.n; i++) {
		if (w->text.p[i] == '_')
			buf_put_str(&text, "=20");
		else
			buf_put_u8(&text, w->text.p[i]);
	}
	mime_decode(MIME_QUOTED_PRINTABLE, buf_bytes(&text), out);
	buf_free(&text);
}

static struct bytes
skip_blanks(struct bytes b)
{
	while (b.n > 0 && (b.p[0] == ' ' || b.p[0] == '\t'))
		b = bytes_skip(b, 1);
	return b;
}

/* Words that follow each other in one charset are one text: mailers cut characters in two. Returns
 * what is left behind them. */
static struct bytes
put_words(struct charsets *set, struct bytes rest, const struct word *first, struct buf *utf8)
{
	struct word w = *first;
	struct buf octets = BUF_INIT;
	struct charset charset;
	struct bytes ahead;

	do {
		decode_word(&w, &octets);
		rest = bytes_skip(rest, w.len);
		ahead = skip_blanks(rest);
		if (!read_word(ahead, &w))
			break;
		rest = ahead; /* blanks between two encoded words are not shown */
	} while (bytes_equal_nocase(w.charset, first->charset));
	charset_find(set, first->charset, &charset);
	charset_to_utf8(charset, buf_bytes(&octets), utf8);
	buf_free(&octets);
	return rest;
}

void
rfc2047_decode(struct charsets *set, struct bytes value, struct buf *utf8)
{
	struct buf unfolded = BUF_INIT;
	struct bytes rest;

	rfc5322_unfold(&unfolded, value);
	rest = buf_bytes(&unfolded);
	while (rest.n > 0) {
		struct word w;
		size_t at;

		if (read_word(rest, &w)) {
			rest = put_words(set, rest, &w, utf8);
			continue;
		}
		/* up to the next '=' that could begin one */
		at = bytes_find(bytes_skip(rest, 1), '=');
		at = at == BYTES_NOT_FOUND ? rest.n : at + 1;
		charset_to_utf8(CHARSET_UNKNOWN, bytes_head(rest, at), utf8);
		rest = bytes_skip(rest, at);
	}
	buf_free(&unfolded);
}
