/* SPDX-License-Identifier: ISC */
/*
 * lib/proto/search_text.c - looking for a text in a message.
 *
 * A part's body flows in pieces through decoder, charset and folding into one automaton (Knuth,
 * Morris, Pratt), so the time is linear and the memory that of one piece.
 *
 * Runs in:  imap session.
 * Trusts:   nothing.
 * Sources:  RFC 3501 sec. 6.4.4.
 */
#include "search_text.h"

#include "err.h"
#include "mime_decode.h"
#include "rfc5322.h"

#define PIECE_MAX 32768

int
search_key_make(struct arena *a, struct bytes utf8, struct search_key *out)
{
	struct buf folded = BUF_INIT;
	uint16_t *fall_back;
	size_t k = 0;

	if (utf8.n > SEARCH_KEY_MAX)
		return ERR_LIMIT;
	if (!utf8_is_valid(utf8))
		return ERR_SYNTAX;
	utf8_fold(utf8, &folded);
	if (folded.len > SEARCH_KEY_MAX) {
		buf_free(&folded);
		return ERR_LIMIT;
	}
	out->folded = arena_bytes(a, buf_bytes(&folded));
	buf_free(&folded);
	fall_back = arena_zalloc(a, (out->folded.n + 1) * sizeof(*fall_back));
	/* fall_back[i]: how much of the key still fits after i octets did and the next did not */
	for (size_t i = 1; i < out->folded.n; i++) {
		while (k > 0 && out->folded.p[i] != out->folded.p[k])
			k = fall_back[k];
		if (out->folded.p[i] == out->folded.p[k])
			k++;
		fall_back[i + 1] = (uint16_t)k;
	}
	out->fall_back = fall_back;
	return ERR_OK;
}

/* --- one text, in pieces ---------------------------------------------------------- */

struct seeker {
	const struct search_key *key;
	size_t matched;
	struct buf folded;
};

/* More text (UTF-8); true once the key has been seen. */
static bool
seek(struct seeker *s, struct bytes utf8)
{
	const uint8_t *key = s->key->folded.p;
	size_t n = s->key->folded.n, k = s->matched;
	struct bytes text;

	buf_clear(&s->folded);
	utf8_fold(utf8, &s->folded);
	text = buf_bytes(&s->folded);
	for (size_t i = 0; text.p != NULL && i < text.n && k < n; i++) {
		if (k == 0) { /* most of the way is spent here */
			size_t at = bytes_find(bytes_skip(text, i), key[0]);

			if (at == BYTES_NOT_FOUND)
				break;
			i += at;
		}
		while (k > 0 && text.p[i] != key[k])
			k = s->key->fall_back[k];
		if (text.p[i] == key[k])
			k++;
	}
	s->matched = k;
	return k == n;
}

bool
search_utf8(struct bytes text, const struct search_key *key)
{
	struct seeker s = { key, 0, BUF_INIT };
	bool found = seek(&s, text);

	buf_free(&s.folded);
	return found;
}

/* --- headers ---------------------------------------------------------------------- */

static bool
in_value(struct charsets *set, struct bytes value, const struct search_key *key)
{
	struct buf text = BUF_INIT;
	bool found;

	rfc2047_decode(set, value, &text);
	found = search_utf8(buf_bytes(&text), key);
	buf_free(&text);
	return found;
}

bool
search_field(
	struct charsets *set, struct bytes header, struct bytes name, const struct search_key *key)
{
	struct rfc5322_field f;

	while (rfc5322_field_next(&header, &f))
		if (bytes_equal_nocase(f.name, name) && in_value(set, f.value, key))
			return true;
	return false;
}

/* Any field: its name with the colon and its value are one text. */
static bool
in_header(struct charsets *set, struct bytes header, const struct search_key *key)
{
	struct rfc5322_field f;

	while (rfc5322_field_next(&header, &f))
		if (in_value(set, f.raw, key))
			return true;
	return false;
}

/* --- bodies ----------------------------------------------------------------------- */

static struct charset
part_charset(struct charsets *set, const struct mime_part *part)
{
	struct arena arena = ARENA_INIT;
	struct bytes label, name = mime_param_decoded(&arena, part->params, "charset", &label);
	struct charset c = CHARSET_UNKNOWN;

	if (name.p != NULL)
		charset_find(set, name, &c);
	arena_reset(&arena);
	return c;
}

static bool
in_leaf(struct charsets *set, struct bytes message, const struct mime_part *part,
	const struct search_key *key)
{
	struct bytes body = mime_body(message, part);
	struct buf octets = BUF_INIT, utf8 = BUF_INIT;
	struct seeker s = { key, 0, BUF_INIT };
	struct mime_decoder d;
	struct charset_stream c;
	bool found = false;

	mime_decode_begin(&d, mime_encoding_of(part->encoding));
	charset_begin(&c, part_charset(set, part));
	while (!found && body.n > 0) {
		buf_clear(&octets);
		buf_clear(&utf8);
		mime_decode_feed(&d, bytes_head(body, PIECE_MAX), &octets);
		charset_feed(&c, buf_bytes(&octets), &utf8);
		found = seek(&s, buf_bytes(&utf8));
		body = bytes_skip(body, PIECE_MAX);
	}
	buf_clear(&octets);
	buf_clear(&utf8);
	mime_decode_end(&d, &octets);
	charset_feed(&c, buf_bytes(&octets), &utf8);
	charset_end(&c, &utf8);
	found = found || seek(&s, buf_bytes(&utf8));
	buf_free(&octets);
	buf_free(&utf8);
	buf_free(&s.folded);
	return found;
}

/* Pictures and the like hold no text. */
static bool
is_text(const struct mime_part *part)
{
	return bytes_is_nocase(part->type, "text") || bytes_is_nocase(part->type, "message");
}

/* The part after this one in the order of the message. */
static const struct mime_part *
next_part(const struct mime_part *root, const struct mime_part *p)
{
	if (p->child != NULL)
		return p->child;
	while (p != root && p->next == NULL)
		p = p->parent;
	return p == root ? NULL : p->next;
}

/* What a reader is shown of a part itself: its description and its file's name. */
static bool
in_labels(struct charsets *set, const struct mime_part *part, const struct search_key *key)
{
	const struct mime_param *const lists[] = { part->params, part->disposition_params };
	static const char *const names[] = { "name", "filename" };
	struct arena arena = ARENA_INIT;
	bool found = part->description.n > 0 && in_value(set, part->description, key);

	for (size_t i = 0; i < NITEMS(lists) && !found; i++) {
		struct buf utf8 = BUF_INIT;
		struct bytes label, value = mime_param_decoded(&arena, lists[i], names[i], &label);
		struct charset charset;

		if (label.n > 0) {
			charset_find(set, label, &charset);
			charset_to_utf8(charset, value, &utf8);
		} else {
			rfc2047_decode(set, value, &utf8); /* not allowed there, but usual */
		}
		found = value.n > 0 && search_utf8(buf_bytes(&utf8), key);
		buf_free(&utf8);
	}
	arena_reset(&arena);
	return found;
}

/* The message in a message/rfc822 part: its header is text of the message around it. */
static bool
is_nested_message(const struct mime_part *part)
{
	return part->parent != NULL && part->parent->kind == MIME_MESSAGE;
}

/* In any part; with headers: also in all that their headers say. */
static bool
in_parts(struct charsets *set, struct bytes message, const struct mime_part *root,
	const struct search_key *key, bool headers)
{
	if (key->folded.n == 0)
		return true; /* it is in any text, an empty one too */
	for (const struct mime_part *p = root; p != NULL; p = next_part(root, p)) {
		if ((headers || is_nested_message(p)) &&
			in_header(set, mime_header(message, p), key))
			return true;
		if (in_labels(set, p, key))
			return true;
		if (p->child == NULL && is_text(p) && in_leaf(set, message, p, key))
			return true;
	}
	return false;
}

bool
search_body(struct charsets *set, struct bytes message, const struct mime_part *root,
	const struct search_key *key)
{
	return in_parts(set, message, root, key, false);
}

bool
search_text(struct charsets *set, struct bytes message, const struct mime_part *root,
	const struct search_key *key)
{
	return in_parts(set, message, root, key, true);
}
