/* SPDX-License-Identifier: ISC */
/*
 * lib/proto/imap_structure.c - ENVELOPE, BODY and BODYSTRUCTURE.
 *
 * What a message may make us write has limits: long strings are cut, and past a number of
 * octets what can be left out is.
 *
 * Clients parse these by the type a part says it has, so whatever the message looks like, each
 * form is written whole: a multipart without parts gets an empty text part, a
 * message/rfc822 part that was too deep to look into an empty message.
 *
 * Runs in:  local-delivery (which fills the cache), imap session.
 * Trusts:   nothing.
 * Sources:  RFC 3501 sec. 7.4.2 and 9 (envelope, body).
 */
#include "imap_text.h"

#include "rfc5322.h"

#define TOKEN_MAX    200       /* type, subtype, encoding */
#define TEXT_MAX     32768     /* any other string */
#define ENVELOPE_MAX (1 << 20) /* addresses past it are left out */
#define STRUCTURE_MAX                                                                              \
	(1 << 20) /* parameters, envelopes and texts of parts past it are left out                 \
		   */

static void
put_cut(struct buf *out, struct bytes b, size_t max)
{
	imap_put_string(out, bytes_head(b, max));
}

/* --- ENVELOPE --------------------------------------------------------------------- */

enum {
	ENV_DATE,
	ENV_SUBJECT,
	ENV_FROM,
	ENV_SENDER,
	ENV_REPLY_TO,
	ENV_TO,
	ENV_CC,
	ENV_BCC,
	ENV_IN_REPLY_TO,
	ENV_MESSAGE_ID,
	ENV_COUNT
};

static const struct bytes envelope_fields[ENV_COUNT] = {
	BYTES_LITERAL("date"),
	BYTES_LITERAL("subject"),
	BYTES_LITERAL("from"),
	BYTES_LITERAL("sender"),
	BYTES_LITERAL("reply-to"),
	BYTES_LITERAL("to"),
	BYTES_LITERAL("cc"),
	BYTES_LITERAL("bcc"),
	BYTES_LITERAL("in-reply-to"),
	BYTES_LITERAL("message-id"),
};

static bool
is_address_field(size_t i)
{
	return i >= ENV_FROM && i <= ENV_BCC;
}

static void
put_nonempty(struct buf *out, struct bytes b)
{
	imap_put_nstring(out, b.n == 0 ? BYTES_NONE : bytes_head(b, TEXT_MAX));
}

/* A mailbox without a domain still gets one, empty: NIL would make it a group. */
static void
put_address(struct buf *out, const struct rfc5322_address *a)
{
	buf_put_u8(out, '(');
	if (a->kind == RFC5322_MAILBOX) {
		put_nonempty(out, a->name);
		buf_put_u8(out, ' ');
		put_nonempty(out, a->route);
		buf_put_u8(out, ' ');
		put_cut(out, a->local_part, TEXT_MAX);
		buf_put_u8(out, ' ');
		put_cut(out, a->domain, TEXT_MAX);
	} else {
		buf_put_str(out, "NIL NIL ");
		if (a->kind == RFC5322_GROUP_BEGIN)
			put_cut(out, a->name, TEXT_MAX);
		else
			buf_put_str(out, "NIL");
		buf_put_str(out, " NIL");
	}
	buf_put_u8(out, ')');
}

/* "(" 1*address ")", or NIL; those that begin behind stop are left out */
static void
put_addresses(struct buf *out, const struct rfc5322_address *a, size_t stop)
{
	if (a == NULL || out->len > stop) {
		buf_put_str(out, "NIL");
		return;
	}
	buf_put_u8(out, '(');
	for (; a != NULL && out->len <= stop; a = a->next)
		put_address(out, a);
	buf_put_u8(out, ')');
}

static void
put_text(struct buf *out, struct bytes value)
{
	struct buf text = BUF_INIT;

	if (value.p == NULL || bytes_find(value, '\n') == BYTES_NOT_FOUND) {
		imap_put_nstring(out, bytes_head(bytes_trim(value), TEXT_MAX));
		return;
	}
	rfc5322_unfold(&text, value);
	put_cut(out, buf_bytes(&text), TEXT_MAX);
	buf_free(&text);
}

struct envelope {
	struct bytes text[ENV_COUNT]; /* the first field's value */
	struct rfc5322_address *list[ENV_COUNT];
	struct rfc5322_address **end[ENV_COUNT];
};

/* Several address fields of a name are one list (RFC 5322 sec. 4.5.3). */
static void
read_envelope(struct arena *arena, struct bytes header, struct envelope *e)
{
	struct rfc5322_field f;
	size_t count = 0;

	memset(e, 0, sizeof(*e));
	for (size_t i = 0; i < ENV_COUNT; i++)
		e->end[i] = &e->list[i];
	while (rfc5322_field_next(&header, &f)) {
		size_t i = 0;

		while (i < ENV_COUNT && !bytes_equal_nocase(f.name, envelope_fields[i]))
			i++;
		if (i == ENV_COUNT)
			continue;
		if (!is_address_field(i)) {
			if (e->text[i].p == NULL)
				e->text[i] = f.value;
		} else if (count < RFC5322_ADDRESSES_MAX) {
			*e->end[i] = rfc5322_addresses(arena, f.value);
			for (; *e->end[i] != NULL; count++)
				e->end[i] = &(*e->end[i])->next;
		}
	}
	if (e->list[ENV_SENDER] == NULL)
		e->list[ENV_SENDER] = e->list[ENV_FROM];
	if (e->list[ENV_REPLY_TO] == NULL)
		e->list[ENV_REPLY_TO] = e->list[ENV_FROM];
}

void
imap_put_envelope(struct buf *out, struct bytes header)
{
	struct arena arena = ARENA_INIT;
	size_t stop = out->len + ENVELOPE_MAX;
	struct envelope e;

	read_envelope(&arena, header, &e);
	for (size_t i = 0; i < ENV_COUNT; i++) {
		buf_put_u8(out, i == 0 ? '(' : ' ');
		if (is_address_field(i))
			put_addresses(out, e.list[i], stop);
		else
			put_text(out, e.text[i]);
	}
	buf_put_u8(out, ')');
	arena_reset(&arena);
}

/* --- BODY and BODYSTRUCTURE ------------------------------------------------------- */

struct writer {
	struct buf *out;
	struct bytes message;
	bool extended;
	size_t stop; /* out's length past which it writes no more than it must */
};

static bool
is_full(const struct writer *w)
{
	return w->out->len > w->stop;
}

static void
put_text_of_part(struct writer *w, struct bytes b)
{
	put_nonempty(w->out, is_full(w) ? BYTES_NONE : b);
}

/* default_charset: said if there is no charset among them */
static void
put_params(struct writer *w, const struct mime_param *p, bool default_charset)
{
	bool any = false;

	for (; p != NULL && !is_full(w); p = p->next) {
		buf_put_u8(w->out, any ? ' ' : '(');
		put_cut(w->out, p->name, TEXT_MAX);
		buf_put_u8(w->out, ' ');
		put_cut(w->out, p->value, TEXT_MAX);
		any = true;
	}
	if (default_charset) {
		buf_put_u8(w->out, any ? ' ' : '(');
		buf_put_str(w->out, "\"charset\" \"us-ascii\"");
		any = true;
	}
	buf_put_str(w->out, any ? ")" : "NIL");
}

static void
put_disposition(struct writer *w, const struct mime_part *part)
{
	if (part->disposition.n == 0) {
		buf_put_str(w->out, "NIL");
		return;
	}
	buf_put_u8(w->out, '(');
	put_cut(w->out, part->disposition, TOKEN_MAX);
	buf_put_u8(w->out, ' ');
	put_params(w, part->disposition_params, false);
	buf_put_u8(w->out, ')');
}

static void
put_languages(struct writer *w, const struct mime_part *part)
{
	const struct mime_param *first = is_full(w) ? NULL : part->languages;

	buf_put_str(w->out, first == NULL ? "NIL" : "(");
	for (const struct mime_param *p = first; p != NULL; p = p->next) {
		put_cut(w->out, p->value, TOKEN_MAX);
		buf_put_u8(w->out, p->next == NULL ? ')' : ' ');
	}
}

/* Disposition, language, location: the end of both extended forms */
static void
put_extension(struct writer *w, const struct mime_part *part)
{
	buf_put_u8(w->out, ' ');
	put_disposition(w, part);
	buf_put_u8(w->out, ' ');
	put_languages(w, part);
	buf_put_u8(w->out, ' ');
	put_text_of_part(w, part->location);
}

static void put_part(struct writer *w, const struct mime_part *part);

/* An empty text part, where the grammar wants a part and there is none */
static void
put_empty_part(struct writer *w)
{
	buf_put_str(w->out, "(\"text\" \"plain\" (\"charset\" \"us-ascii\") NIL NIL \"7bit\" 0 0");
	buf_put_str(w->out, w->extended ? " NIL NIL NIL NIL)" : ")");
}

static void
put_multipart(struct writer *w, const struct mime_part *part)
{
	buf_put_u8(w->out, '(');
	for (const struct mime_part *p = part->child; p != NULL; p = p->next)
		put_part(w, p);
	if (part->child == NULL)
		put_empty_part(w);
	buf_put_u8(w->out, ' ');
	put_cut(w->out, part->subtype, TOKEN_MAX);
	if (w->extended) {
		buf_put_u8(w->out, ' ');
		put_params(w, part->params, false);
		put_extension(w, part);
	}
	buf_put_u8(w->out, ')');
}

static void
put_nested_message(struct writer *w, const struct mime_part *part)
{
	bool known = part->child != NULL && !is_full(w);

	buf_put_u8(w->out, ' ');
	imap_put_envelope(w->out, known ? mime_header(w->message, part->child) : BYTES_NONE);
	buf_put_u8(w->out, ' ');
	if (part->child == NULL)
		put_empty_part(w);
	else
		put_part(w, part->child);
}

static void
put_single(struct writer *w, const struct mime_part *part)
{
	bool text = bytes_is_nocase(part->type, "text");
	bool charset = mime_param(part->params, "charset").p != NULL ||
		       mime_param(part->params, "charset*").p != NULL;

	buf_put_u8(w->out, '(');
	put_cut(w->out, part->type, TOKEN_MAX);
	buf_put_u8(w->out, ' ');
	put_cut(w->out, part->subtype, TOKEN_MAX);
	buf_put_u8(w->out, ' ');
	put_params(w, part->params, text && !charset);
	buf_put_u8(w->out, ' ');
	put_text_of_part(w, part->id);
	buf_put_u8(w->out, ' ');
	put_text_of_part(w, part->description);
	buf_put_u8(w->out, ' ');
	put_cut(w->out, part->encoding.n > 0 ? part->encoding : bytes_from_str("7bit"), TOKEN_MAX);
	buf_printf(w->out, " %zu", part->body_len);
	if (part->kind == MIME_MESSAGE)
		put_nested_message(w, part);
	if (text || part->kind == MIME_MESSAGE)
		buf_printf(w->out, " %zu", part->body_lines);
	if (w->extended) {
		buf_put_u8(w->out, ' ');
		put_text_of_part(w, part->md5);
		put_extension(w, part);
	}
	buf_put_u8(w->out, ')');
}

static void
put_part(struct writer *w, const struct mime_part *part)
{
	if (part->kind == MIME_MULTIPART)
		put_multipart(w, part);
	else
		put_single(w, part);
}

void
imap_put_body(struct buf *out, struct bytes message, const struct mime_part *part, bool extended)
{
	struct writer w = { out, message, extended, out->len + STRUCTURE_MAX };

	put_part(&w, part);
}
