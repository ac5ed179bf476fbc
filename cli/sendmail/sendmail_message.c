/* SPDX-License-Identifier: ISC */
/*
 * cli/sendmail/sendmail_message.c - what a program wrote to standard input, as a message.
 *
 * Trusts:   nothing: no more than memory for a copy of the input is taken.
 * Sources:  RFC 5322; sendmail(8) of others for what programs rely on.
 */
#include <stdlib.h>

#include "err.h"
#include "rfc5321.h"
#include "rfc5322.h"
#include "sendmail.h"

enum field_use {
	USE_QUALIFY = 1 << 0, /* addresses without a domain get one */
	USE_TO = 1 << 1,      /* recipients, with -t */
	USE_RESENT = 1 << 2,  /* if there is one with USE_TO, the others' recipients don't count */
	USE_FROM = 1 << 3
};

static const struct {
	const char *name;
	unsigned use;
} fields[] = {
	{ "From", USE_QUALIFY | USE_FROM },
	{ "Sender", USE_QUALIFY },
	{ "Reply-To", USE_QUALIFY },
	{ "To", USE_QUALIFY | USE_TO },
	{ "Cc", USE_QUALIFY | USE_TO },
	{ "Bcc", USE_TO },
	{ "Resent-From", USE_QUALIFY },
	{ "Resent-Sender", USE_QUALIFY },
	{ "Resent-To", USE_QUALIFY | USE_TO | USE_RESENT },
	{ "Resent-Cc", USE_QUALIFY | USE_TO | USE_RESENT },
	{ "Resent-Bcc", USE_TO | USE_RESENT },
};

static unsigned
use_of(struct bytes name)
{
	for (size_t i = 0; i < NITEMS(fields); i++)
		if (bytes_is_nocase(name, fields[i].name))
			return fields[i].use;
	return 0;
}

struct bytes
sendmail_message_end(struct bytes in, bool dots_are_text)
{
	struct bytes rest = in;

	while (!dots_are_text && rest.n > 0) {
		struct bytes line = bytes_head(rest, rfc5322_line_len(rest));

		if (bytes_is(line, ".\n") || bytes_is(line, ".\r\n") || bytes_is(line, "."))
			return bytes_head(in, (size_t)(rest.p - in.p));
		rest = bytes_skip(rest, line.n);
	}
	return in;
}

/* One line end everywhere; a CR or NUL that is no part of one can't be sent. */
static void
put_lines(struct buf *out, struct bytes in)
{
	for (size_t i = 0; i < in.n; i++) {
		uint8_t c = in.p[i];

		if (c == '\n')
			buf_put_str(out, "\r\n");
		else if (c != '\r' && c != '\0')
			buf_put_u8(out, c);
	}
	if (in.n > 0 && in.p[in.n - 1] != '\n')
		buf_put_str(out, "\r\n");
}

static bool
is_field_line(struct bytes line)
{
	size_t colon = bytes_find(line, ':');
	struct bytes name = bytes_head(line, colon);

	if (colon == BYTES_NOT_FOUND || colon == 0)
		return false;
	while (name.n > 1 && (name.p[name.n - 1] == ' ' || name.p[name.n - 1] == '\t'))
		name.n--;
	for (size_t i = 0; i < name.n; i++)
		if (name.p[i] <= 32 || name.p[i] >= 127)
			return false;
	return true;
}

/* Octets of the lines at the front that are a header, without an empty line. */
static size_t
header_len(struct bytes text)
{
	struct bytes rest = text;

	while (rest.n > 0) {
		struct bytes line = bytes_head(rest, rfc5322_line_len(rest));
		bool continued = (line.p[0] == ' ' || line.p[0] == '\t') && rest.p != text.p;

		if (!continued && !is_field_line(line))
			break;
		rest = bytes_skip(rest, line.n);
	}
	return text.n - rest.n;
}

/* self's domain, with its "@"; what has none stays as it is. */
static struct bytes
at_domain(struct bytes self)
{
	size_t at = bytes_find_last(self, '@');

	return at == BYTES_NOT_FOUND ? BYTES_NONE : bytes_skip(self, at);
}

static void
put_address(struct buf *out, const struct rfc5322_address *a, struct bytes self)
{
	rfc5321_quote_local_part(out, a->local_part);
	if (a->domain.n > 0) {
		buf_put_u8(out, '@');
		buf_put_bytes(out, a->domain);
	} else {
		buf_put_bytes(out, at_domain(self));
	}
}

static struct bytes
mailbox_of(struct arena *arena, const struct rfc5322_address *a, struct bytes self)
{
	struct buf text = BUF_INIT;
	struct bytes kept = BYTES_NONE;

	if (a->kind == RFC5322_MAILBOX && a->local_part.n > 0) {
		put_address(&text, a, self);
		kept = arena_bytes(arena, buf_bytes(&text));
	}
	buf_free(&text);
	return kept;
}

struct bytes
sendmail_mailbox(struct arena *a, struct bytes word, struct bytes self)
{
	const struct rfc5322_address *first = rfc5322_addresses(a, word);

	return first == NULL || first->next != NULL ? BYTES_NONE : mailbox_of(a, first, self);
}

static void
add_recipient(struct sendmail_message *m, struct bytes mailbox)
{
	for (size_t i = 0; i < m->n_to; i++)
		if (bytes_equal(m->to[i], mailbox))
			return;
	if (m->n_to == m->to_room) {
		m->to_room = m->to_room == 0 ? 16 : m->to_room * 2;
		m->to = xrealloc(m->to, m->to_room * sizeof(*m->to));
	}
	m->to[m->n_to++] = mailbox;
	for (size_t i = 0; i < mailbox.n; i++)
		m->utf8 |= mailbox.p[i] >= 128;
}

int
sendmail_add_recipients(
	struct sendmail_message *m, struct bytes list, struct bytes self, struct bytes *bad)
{
	int n = 0;

	for (const struct rfc5322_address *a = rfc5322_addresses(&m->arena, list); a != NULL;
		a = a->next) {
		struct bytes mailbox = mailbox_of(&m->arena, a, self);

		if (a->kind != RFC5322_MAILBOX)
			continue;
		if (mailbox.n == 0) {
			*bad = a->name.n > 0 ? a->name : list;
			return ERR_SYNTAX;
		}
		add_recipient(m, mailbox);
		n++;
	}
	return n;
}

/* A display name as it may stand in a field: as it is, or as a quoted string. */
static void
put_name(struct buf *out, struct bytes name)
{
	bool plain = true;

	for (size_t i = 0; i < name.n; i++)
		plain &= name.p[i] >= 128 || name.p[i] == ' ' ||
			 (name.p[i] > 32 && name.p[i] < 127 &&
				 strchr("()<>[]:;@\\,.\"", name.p[i]) == NULL);
	if (plain) {
		buf_put_bytes(out, name);
		return;
	}
	buf_put_u8(out, '"');
	for (size_t i = 0; i < name.n; i++) {
		if (name.p[i] == '"' || name.p[i] == '\\')
			buf_put_u8(out, '\\');
		buf_put_u8(out, name.p[i] < 32 || name.p[i] == 127 ? ' ' : name.p[i]);
	}
	buf_put_u8(out, '"');
}

static void
put_named_address(struct buf *out, struct bytes name, struct bytes mailbox)
{
	if (name.n > 0) {
		put_name(out, name);
		buf_put_str(out, " <");
	}
	buf_put_bytes(out, mailbox);
	if (name.n > 0)
		buf_put_u8(out, '>');
}

/* Is there an address without a domain, and nothing that we had better not write anew? */
static bool
needs_domain(const struct rfc5322_address *a)
{
	bool any = false;

	for (; a != NULL; a = a->next) {
		if (a->kind != RFC5322_MAILBOX || a->local_part.n == 0)
			return false;
		any |= a->domain.n == 0;
	}
	return any;
}

static void
put_qualified(struct sendmail_message *m, const struct rfc5322_field *f, struct bytes self)
{
	const struct rfc5322_address *a = rfc5322_addresses(&m->arena, f->value);

	if (!needs_domain(a)) {
		buf_put_bytes(&m->text, f->raw);
		return;
	}
	buf_put_bytes(&m->text, f->name);
	buf_put_str(&m->text, ": ");
	for (bool first = true; a != NULL; a = a->next, first = false) {
		if (!first)
			buf_put_str(&m->text, ",\r\n\t");
		put_named_address(&m->text, a->name, mailbox_of(&m->arena, a, self));
	}
	buf_put_str(&m->text, "\r\n");
}

/* The envelope's recipients out of the header. */
static void
take_recipients(struct sendmail_message *m, struct bytes header, struct bytes self)
{
	struct bytes rest = header, bad;
	struct rfc5322_field f;
	unsigned resent = 0, use;

	while (rfc5322_field_next(&rest, &f))
		resent |= use_of(f.name) & USE_RESENT;
	for (rest = header; rfc5322_field_next(&rest, &f);) {
		use = use_of(f.name);
		if ((use & USE_TO) == 0 || (use & USE_RESENT) != resent)
			continue;
		if (sendmail_add_recipients(m, f.value, self, &bad) < 0 && m->bad.n == 0)
			m->bad = arena_bytes(&m->arena, bad);
	}
}

static void
put_header(struct sendmail_message *m, struct bytes header, struct bytes self, struct bytes from,
	struct bytes full_name)
{
	struct bytes rest = header;
	struct rfc5322_field f;
	bool has_from = false;

	while (rfc5322_field_next(&rest, &f)) {
		has_from |= (use_of(f.name) & USE_FROM) != 0;
		if ((use_of(f.name) & USE_QUALIFY) != 0)
			put_qualified(m, &f, self);
		else
			buf_put_bytes(&m->text, f.raw);
	}
	if (!has_from) {
		buf_put_str(&m->text, "From: ");
		put_named_address(&m->text, full_name, from);
		buf_put_str(&m->text, "\r\n");
	}
}

void
sendmail_message_make(struct sendmail_message *m, struct bytes in, struct bytes self,
	struct bytes from, struct bytes full_name, bool take_to)
{
	struct buf lines = BUF_INIT;
	struct bytes text, header;

	if (bytes_starts_with(in, BYTES_LITERAL("From ")))
		in = bytes_skip(in, rfc5322_line_len(in));
	put_lines(&lines, in);
	text = buf_bytes(&lines);
	header = bytes_head(text, header_len(text));
	text = bytes_skip(text, header.n);
	if (take_to)
		take_recipients(m, header, self);
	put_header(m, header, self, from, full_name);
	if (text.n > 0 && !bytes_starts_with(text, BYTES_LITERAL("\r\n")))
		buf_put_str(&m->text, "\r\n");
	buf_put_bytes(&m->text, text);
	for (size_t i = 0; i < lines.len && !m->eight_bit; i++)
		m->eight_bit = buf_bytes(&lines).p[i] >= 128;
	buf_free(&lines);
}

void
sendmail_message_free(struct sendmail_message *m)
{
	buf_free(&m->text);
	free(m->to);
	arena_reset(&m->arena);
	*m = (struct sendmail_message){ 0 };
}
