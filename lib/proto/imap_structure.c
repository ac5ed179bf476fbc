/* SPDX-License-Identifier: ISC */
/*
 * lib/proto/imap_structure.c - ENVELOPE, BODY and BODYSTRUCTURE.
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

/* --- ENVELOPE
 * ------------------------------------------------------------------------------------- */

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
	imap_put_nstring(out, b.n == 0 ? BYTES_NONE : b);
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
		imap_put_string(out, a->local_part);
		buf_put_u8(out, ' ');
		imap_put_string(out, a->domain);
	} else {
		buf_put_str(out, "NIL NIL ");
		if (a->kind == RFC5322_GROUP_BEGIN)
			imap_put_string(out, a->name);
		else
			buf_put_str(out, "NIL");
		buf_put_str(out, " NIL");
	}
	buf_put_u8(out, ')');
}

/* "(" 1*address ")", or NIL */
static void
put_addresses(struct buf *out, const struct rfc5322_address *a)
{
	buf_put_str(out, a == NULL ? "NIL" : "(");
	for (; a != NULL; a = a->next) {
		put_address(out, a);
		if (a->next == NULL)
			buf_put_u8(out, ')');
	}
}

static void
put_text(struct buf *out, struct bytes value)
{
	struct buf text = BUF_INIT;

	if (value.p == NULL || bytes_find(value, '\n') == BYTES_NOT_FOUND) {
		imap_put_nstring(out, bytes_trim(value));
		return;
	}
	rfc5322_unfold(&text, value);
	imap_put_string(out, buf_bytes(&text));
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

	memset(e, 0, sizeof(*e));
	for (size_t i = 0; i < ENV_COUNT; i++)
		e->end[i] = &e->list[i];
	while (rfc5322_field_next(&header, &f)) {
		size_t i = 0;

		while (i < ENV_COUNT && !bytes_equal_nocase(f.name, envelope_fields[i]))
			i++;
		if (i == ENV_COUNT)
			continue;
		if (is_address_field(i))
			*e->end[i] = rfc5322_addresses(arena, f.value);
		else if (e->text[i].p == NULL)
			e->text[i] = f.value;
		while (*e->end[i] != NULL)
			e->end[i] = &(*e->end[i])->next;
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
	struct envelope e;

	read_envelope(&arena, header, &e);
	for (size_t i = 0; i < ENV_COUNT; i++) {
		buf_put_u8(out, i == 0 ? '(' : ' ');
		if (is_address_field(i))
			put_addresses(out, e.list[i]);
		else
			put_text(out, e.text[i]);
	}
	buf_put_u8(out, ')');
	arena_reset(&arena);
}

/* --- BODY and BODYSTRUCTURE
 * ------------------------------------------------------------------------- */

/* default_charset: said if there is no charset among them */
static void
put_params(struct buf *out, const struct mime_param *p, bool default_charset)
{
	bool any = false;

	for (; p != NULL; p = p->next) {
		buf_put_u8(out, any ? ' ' : '(');
		imap_put_string(out, p->name);
		buf_put_u8(out, ' ');
		imap_put_string(out, p->value);
		any = true;
	}
	if (default_charset) {
		buf_put_u8(out, any ? ' ' : '(');
		buf_put_str(out, "\"charset\" \"us-ascii\"");
		any = true;
	}
	buf_put_str(out, any ? ")" : "NIL");
}

static void
put_disposition(struct buf *out, const struct mime_part *part)
{
	if (part->disposition.n == 0) {
		buf_put_str(out, "NIL");
		return;
	}
	buf_put_u8(out, '(');
	imap_put_string(out, part->disposition);
	buf_put_u8(out, ' ');
	put_params(out, part->disposition_params, false);
	buf_put_u8(out, ')');
}

static void
put_languages(struct buf *out, const struct mime_part *part)
{
	if (part->languages == NULL) {
		buf_put_str(out, "NIL");
		return;
	}
	for (const struct mime_param *p = part->languages; p != NULL; p = p->next) {
		buf_put_u8(out, p == part->languages ? '(' : ' ');
		imap_put_string(out, p->value);
	}
	buf_put_u8(out, ')');
}

/* Disposition, language, location: the end of both extended forms */
static void
put_extension(struct buf *out, const struct mime_part *part)
{
	buf_put_u8(out, ' ');
	put_disposition(out, part);
	buf_put_u8(out, ' ');
	put_languages(out, part);
	buf_put_u8(out, ' ');
	put_nonempty(out, part->location);
}

static void put_part(
	struct buf *out, struct bytes message, const struct mime_part *part, bool extended);

/* An empty text part, where the grammar wants a part and there is none */
static void
put_empty_part(struct buf *out, bool extended)
{
	buf_put_str(out, "(\"text\" \"plain\" (\"charset\" \"us-ascii\") NIL NIL \"7bit\" 0 0");
	buf_put_str(out, extended ? " NIL NIL NIL NIL)" : ")");
}

static void
put_multipart(struct buf *out, struct bytes message, const struct mime_part *part, bool extended)
{
	buf_put_u8(out, '(');
	for (const struct mime_part *p = part->child; p != NULL; p = p->next)
		put_part(out, message, p, extended);
	if (part->child == NULL)
		put_empty_part(out, extended);
	buf_put_u8(out, ' ');
	imap_put_string(out, part->subtype);
	if (extended) {
		buf_put_u8(out, ' ');
		put_params(out, part->params, false);
		put_extension(out, part);
	}
	buf_put_u8(out, ')');
}

static void
put_nested_message(
	struct buf *out, struct bytes message, const struct mime_part *part, bool extended)
{
	const struct mime_part *child = part->child;

	buf_put_u8(out, ' ');
	imap_put_envelope(out, child == NULL ? BYTES_NONE : mime_header(message, child));
	buf_put_u8(out, ' ');
	if (child == NULL)
		put_empty_part(out, extended);
	else
		put_part(out, message, child, extended);
}

static void
put_single(struct buf *out, struct bytes message, const struct mime_part *part, bool extended)
{
	bool text = bytes_is_nocase(part->type, "text");
	bool charset = mime_param(part->params, "charset").p != NULL ||
		       mime_param(part->params, "charset*").p != NULL;

	buf_put_u8(out, '(');
	imap_put_string(out, part->type);
	buf_put_u8(out, ' ');
	imap_put_string(out, part->subtype);
	buf_put_u8(out, ' ');
	put_params(out, part->params, text && !charset);
	buf_put_u8(out, ' ');
	put_nonempty(out, part->id);
	buf_put_u8(out, ' ');
	put_nonempty(out, part->description);
	buf_put_u8(out, ' ');
	imap_put_string(out, part->encoding.n > 0 ? part->encoding : bytes_from_str("7bit"));
	buf_printf(out, " %zu", part->body_len);
	if (part->kind == MIME_MESSAGE)
		put_nested_message(out, message, part, extended);
	if (text || part->kind == MIME_MESSAGE)
		buf_printf(out, " %zu", part->body_lines);
	if (extended) {
		buf_put_u8(out, ' ');
		put_nonempty(out, part->md5);
		put_extension(out, part);
	}
	buf_put_u8(out, ')');
}

static void
put_part(struct buf *out, struct bytes message, const struct mime_part *part, bool extended)
{
	if (part->kind == MIME_MULTIPART)
		put_multipart(out, message, part, extended);
	else
		put_single(out, message, part, extended);
}

void
imap_put_body(struct buf *out, struct bytes message, const struct mime_part *part, bool extended)
{
	put_part(out, message, part, extended);
}
