/* SPDX-License-Identifier: ISC */
/*
 * submission/submit_header.c - the fix-ups of a submitted message's header.
 *
 * Addresses are read by the lenient parser of lib/proto, as readers do; before that the field is
 * looked at for what lenient parsers disagree about, so that no reader sees another sender than
 * the one who was checked.
 *
 * Runs in:  submission.
 * Trusts:   nothing: every octet is the client's.
 * Sources:  RFC 6409 sec. 6 and 8; RFC 5322 sec. 3.6; RFC 6854 (groups in From).
 */
#include "submit_header.h"

#include <stdio.h>

#include "clock.h"
#include "directory_msg.h"
#include "err.h"
#include "rfc5321.h"
#include "rfc5322.h"

enum field_flags {
	FIELD_DROP = 1 << 0,
	FIELD_SENDER = 1 << 1,     /* its mailboxes must be the login's */
	FIELD_ONCE = 1 << 2,       /* two of them are refused */
	FIELD_ONE_ADDRESS = 1 << 3 /* exactly one mailbox, no group */
};

enum field_number {
	FIELD_FROM,
	FIELD_SENDER_FIELD,
	FIELD_DATE,
	FIELD_MESSAGE_ID,
	FIELD_OTHER
};

static const struct field_row {
	const char *name;
	enum field_number number;
	unsigned flags;
} rows[] = {
	{ "From", FIELD_FROM, FIELD_SENDER | FIELD_ONCE },
	{ "Sender", FIELD_SENDER_FIELD, FIELD_SENDER | FIELD_ONCE | FIELD_ONE_ADDRESS },
	{ "Resent-From", FIELD_OTHER, FIELD_SENDER },
	{ "Resent-Sender", FIELD_OTHER, FIELD_SENDER | FIELD_ONE_ADDRESS },
	{ "Bcc", FIELD_OTHER, FIELD_DROP },
	{ "Resent-Bcc", FIELD_OTHER, FIELD_DROP },
	{ "Return-Path", FIELD_OTHER, FIELD_DROP },
	{ "Date", FIELD_DATE, 0 },
	{ "Message-ID", FIELD_MESSAGE_ID, 0 },
};

struct work {
	struct smtp_session *s;
	struct arena *arena;
	struct buf *out;
	unsigned seen[FIELD_OTHER + 1];
	struct bytes senders[DIRECTORY_SENDERS_MAX];
	uint32_t n_senders, author; /* author: the first of From */
	const char *why;            /* of a refusal */
	struct bytes about;
};

static bool
refuse(struct work *w, const char *why, struct bytes about)
{
	w->why = why;
	w->about = about;
	return false;
}

static const struct field_row *
row_of(struct bytes name)
{
	for (size_t i = 0; i < NITEMS(rows); i++)
		if (bytes_is_nocase(name, rows[i].name))
			return &rows[i];
	return NULL;
}

/* A name (RFC 5322 sec. 3.6.8) and a colon. */
static bool
is_field(const struct rfc5322_field *f)
{
	size_t colon = bytes_find(f->raw, ':');

	if (f->name.n == 0 || colon == BYTES_NOT_FOUND)
		return false;
	for (size_t i = 0; i < f->name.n; i++)
		if (f->name.p[i] <= 32 || f->name.p[i] >= 127)
			return false;
	return bytes_trim(bytes_head(f->raw, colon)).n == f->name.n;
}

/* Where the quoted string or comment that begins at i ends, or v.n: nowhere. */
static size_t
skip_enclosed(struct bytes v, size_t i)
{
	bool quoted = v.p[i] == '"';
	unsigned depth = 1;

	for (i++; i < v.n; i++) {
		if (v.p[i] == '\\')
			i++;
		else if (quoted ? v.p[i] == '"' : v.p[i] == ')' && --depth == 0)
			return i;
		else if (!quoted && v.p[i] == '(')
			depth++;
	}
	return v.n;
}

/* What the outside of quotes and comments of an address field shows. */
struct outline {
	size_t ats;
	bool in_angle, behind_angle;
};

/* One octet of it: false if readers may understand it in two ways. */
static bool
outline_octet(struct outline *o, uint8_t c)
{
	bool blank = c == ' ' || c == '\t' || c == '\r' || c == '\n';

	if ((c < 32 && !blank) || c == 127 || c == '\\')
		return false;
	if (c == '<') {
		if (o->in_angle || o->behind_angle)
			return false;
		o->in_angle = true;
	} else if (c == '>') {
		if (!o->in_angle)
			return false;
		o->in_angle = false;
		o->behind_angle = true;
	} else if (o->in_angle && (c == ',' || c == ';' || c == ':')) {
		return false; /* a route, or worse */
	} else if (c == ',' || c == ';' || c == ':') {
		o->behind_angle = false;
	} else if (o->behind_angle && !blank) {
		return false;
	}
	o->ats += c == '@';
	return true;
}

/* Do all readers see these `mailboxes` and no other? */
static bool
is_unambiguous(struct bytes v, size_t mailboxes)
{
	struct outline o = { 0 };

	for (size_t i = 0; i < v.n; i++) {
		bool comment = v.p[i] == '(';

		if (comment || v.p[i] == '"') {
			i = skip_enclosed(v, i);
			if (i == v.n || (!comment && o.behind_angle))
				return false;
		} else if (!outline_octet(&o, v.p[i])) {
			return false;
		}
	}
	return !o.in_angle && o.ats == mailboxes;
}

/* In the form of an SMTP Mailbox, in the arena; empty if it is none. */
static struct bytes
as_mailbox(struct work *w, const struct rfc5322_address *a)
{
	struct buf text = BUF_INIT;
	struct mailbox m;
	struct bytes kept = BYTES_NONE;

	rfc5321_quote_local_part(&text, a->local_part);
	buf_put_u8(&text, '@');
	buf_put_bytes(&text, a->domain);
	if (a->local_part.n > 0 && a->domain.n > 0 &&
		rfc5321_parse_mailbox(buf_bytes(&text), RFC5321_UTF8, &m) == ERR_OK)
		kept = arena_bytes(w->arena, buf_bytes(&text));
	buf_free(&text);
	return kept;
}

static bool
add_sender(struct work *w, struct bytes mailbox, bool is_author)
{
	uint32_t i = 0;

	while (i < w->n_senders && !bytes_equal(w->senders[i], mailbox))
		i++;
	if (i == DIRECTORY_SENDERS_MAX)
		return refuse(w, "too many addresses in the From field", BYTES_NONE);
	if (i == w->n_senders)
		w->senders[w->n_senders++] = mailbox;
	if (is_author)
		w->author = i;
	return true;
}

static bool
take_senders(struct work *w, const struct field_row *row, struct bytes value)
{
	const struct bytes name = bytes_from_str(row->name);
	size_t mailboxes = 0;
	bool group = false;

	for (struct rfc5322_address *a = rfc5322_addresses(w->arena, value); a != NULL;
		a = a->next) {
		struct bytes mailbox;

		group |= a->kind != RFC5322_MAILBOX;
		if (a->kind != RFC5322_MAILBOX)
			continue;
		mailboxes++;
		mailbox = as_mailbox(w, a);
		if (mailbox.n == 0)
			return refuse(w, "no full address (user@domain) in the field", name);
		if (!add_sender(w, mailbox, row->number == FIELD_FROM && mailboxes == 1))
			return false;
	}
	if (mailboxes == 0)
		return refuse(w, "no address in the field", name);
	if (!is_unambiguous(value, mailboxes))
		return refuse(w, "ambiguous addresses in the field", name);
	if ((row->flags & FIELD_ONE_ADDRESS) != 0 && (mailboxes > 1 || group))
		return refuse(w, "more than one address in the field", name);
	return true;
}

static bool
take_field(struct work *w, const struct rfc5322_field *f, bool first)
{
	const struct field_row *row = row_of(f->name);

	if (first && bytes_starts_with(f->raw, BYTES_LITERAL("From ")) && !is_field(f))
		return true; /* of an mbox */
	if (!is_field(f))
		return refuse(w, "a line of the header is no field", BYTES_NONE);
	if (row == NULL) {
		buf_put_bytes(w->out, f->raw);
		return true;
	}
	if (w->seen[row->number]++ > 0 && (row->flags & FIELD_ONCE) != 0)
		return refuse(w, "there are two of the field", bytes_from_str(row->name));
	if ((row->flags & FIELD_SENDER) != 0 && !take_senders(w, row, f->value))
		return false;
	if ((row->flags & FIELD_DROP) == 0)
		buf_put_bytes(w->out, f->raw);
	return true;
}

static void
add_missing(struct work *w)
{
	struct buf added = BUF_INIT;
	const struct smtp_session *s = w->s;
	char date[CLOCK_DATE_SIZE];

	if (w->seen[FIELD_DATE] == 0)
		buf_printf(&added, "Date: %s\r\n",
			clock_rfc5322_date((time_t)(s->now_us / 1000000), date));
	if (w->seen[FIELD_MESSAGE_ID] == 0)
		buf_printf(
			&added, "Message-ID: <%s@%s>\r\n", s->txn->queue_id, s->policy->hostname);
	s->txn->added = arena_bytes(w->arena, buf_bytes(&added));
	buf_free(&added);
}

static struct smtp_answer
refusal_of(const struct work *w)
{
	struct buf text = BUF_INIT;
	struct smtp_answer answer = { 550, "5.6.0", BYTES_NONE };

	buf_put_str(&text, "Message rejected: ");
	buf_put_str(&text, w->why);
	if (w->about.n > 0)
		buf_put_str(&text, " ");
	buf_put_bytes(&text, w->about);
	answer.text = arena_bytes(w->arena, buf_bytes(&text));
	buf_free(&text);
	return answer;
}

static bool
take_header(struct work *w, struct bytes header)
{
	struct bytes rest = header;
	struct rfc5322_field f;

	for (bool first = true; rfc5322_field_next(&rest, &f); first = false)
		if (!take_field(w, &f, first))
			return false;
	if (w->seen[FIELD_FROM] == 0)
		return refuse(w, "there is no From field", BYTES_NONE);
	add_missing(w);
	buf_put_bytes(w->out, rest); /* the empty line, if there is one */
	return true;
}

bool
submit_header(
	struct smtp_session *s, struct bytes header, struct buf *out, struct smtp_answer *refusal)
{
	struct work w = { .s = s, .arena = &s->txn->arena, .out = out };

	if (!take_header(&w, header)) {
		*refusal = refusal_of(&w);
		return false;
	}
	s->txn->n_senders = w.n_senders;
	s->txn->author = w.author;
	s->txn->senders = arena_alloc(w.arena, w.n_senders * sizeof(*w.senders));
	memcpy(s->txn->senders, w.senders, w.n_senders * sizeof(*w.senders));
	return true;
}
