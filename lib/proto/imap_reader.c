/* SPDX-License-Identifier: ISC */
/*
 * lib/proto/imap_reader.c - cuts the client's octets into whole IMAP commands.
 *
 * Runs in:  imap-login, imap session.
 * Trusts:   nothing.
 * Sources:  RFC 3501 sec. 2.2.1, 4.3, 7.5; RFC 7888.
 */
#include "imap_reader.h"

#include "err.h"

#define LITERAL_DIGITS_MAX 19

void
imap_reader_init(struct imap_reader *r, size_t limit)
{
	*r = (struct imap_reader){ .text = BUF_INIT, .limit = limit };
}

void
imap_reader_free(struct imap_reader *r)
{
	buf_free(&r->text);
}

bool
imap_reader_idle(const struct imap_reader *r)
{
	return r->state == IMAP_READING_DONE || (r->state == IMAP_READING_LINE && r->text.len == 0);
}

void
imap_reader_next(struct imap_reader *r)
{
	buf_clear(&r->text);
	r->state = IMAP_READING_LINE;
	r->quoted = r->escaped = r->too_large = r->too_long = false;
	r->left = 0;
	r->line_at = 0;
	r->data = BYTES_NONE;
}

/* Does the line end in "{n}" or "{n+}"? Sets literal_*. Looks at LITERAL_DIGITS_MAX + 3 octets. */
static bool
find_announcement(struct imap_reader *r)
{
	struct bytes t = buf_bytes(&r->text);
	uint64_t size = 0, unit = 1;
	size_t at = t.n, digits = 0;

	if (at < 3 || t.p[--at] != '}')
		return false;
	r->literal_sync = at == 0 || t.p[at - 1] != '+';
	if (!r->literal_sync)
		at--;
	while (at > 0 && ascii_is_digit(t.p[at - 1]) && digits < LITERAL_DIGITS_MAX) {
		size += unit * (uint64_t)(t.p[--at] - '0');
		unit = digits + 1 < LITERAL_DIGITS_MAX ? unit * 10 : unit;
		digits++;
	}
	if (digits == 0 || at <= r->line_at || t.p[at - 1] != '{')
		return false;
	r->literal_at = at - 1;
	r->literal_size = size;
	return true;
}

/* The announcement is done with; what the literal holds announces nothing. */
static void
begin_literal(struct imap_reader *r, enum imap_read_state state)
{
	buf_put_str(&r->text, "\r\n");
	r->left = r->literal_size;
	r->state = state;
}

/* A line has ended (its CR may be the last octet of text). */
static enum imap_read
end_line(struct imap_reader *r)
{
	if (r->text.len > r->line_at && buf_bytes(&r->text).p[r->text.len - 1] == '\r')
		buf_truncate(&r->text, r->text.len - 1);
	if (!r->quoted && find_announcement(r)) {
		if (r->too_large && !r->literal_sync) { /* it comes whatever we say */
			begin_literal(r, IMAP_READING_DISCARD);
			return IMAP_READ_MORE;
		}
		if (!r->too_large) {
			r->state = IMAP_READING_ANSWER;
			return IMAP_READ_LITERAL;
		}
	}
	r->state = IMAP_READING_DONE;
	if (r->too_long)
		return IMAP_READ_TOO_LONG;
	return r->too_large ? IMAP_READ_TOO_LARGE : IMAP_READ_COMMAND;
}

/* Within quotes a backslash guards the next octet. */
static void
track_quotes(struct imap_reader *r, struct bytes part)
{
	for (size_t i = 0; i < part.n; i++) {
		uint8_t c = part.p[i];

		if (r->escaped)
			r->escaped = false;
		else if (c == '"')
			r->quoted = !r->quoted;
		else if (c == '\\' && r->quoted)
			r->escaped = true;
	}
}

/* While too_large, only the end of the line matters: the head (for the tag) and a tail of text
 * are kept. */
static void
keep_tail(struct imap_reader *r, struct bytes part)
{
	uint8_t tail[IMAP_READER_TAIL];
	size_t kept = 0;

	if (r->text.len + part.n > r->limit) {
		struct bytes text = buf_bytes(&r->text);
		size_t head = text.n < IMAP_READER_HEAD ? text.n : IMAP_READER_HEAD;

		if (part.n >= sizeof(tail)) {
			part = bytes_skip(part, part.n - sizeof(tail));
		} else {
			kept = sizeof(tail) - part.n;
			if (kept > text.n - r->line_at)
				kept = text.n - r->line_at;
			if (text.p != NULL)
				memcpy(tail, text.p + text.n - kept, kept);
		}
		buf_truncate(&r->text, head);
		r->line_at = head;
		buf_put(&r->text, tail, kept);
	}
	buf_put_bytes(&r->text, part);
}

static enum imap_read
feed_line(struct imap_reader *r, struct bytes *in)
{
	size_t end = bytes_find(*in, '\n');
	struct bytes part = bytes_head(*in, end == BYTES_NOT_FOUND ? in->n : end);

	if (r->text.len + part.n > r->limit && !r->too_large)
		r->too_large = r->too_long = true;
	if (r->too_large)
		keep_tail(r, part);
	else
		buf_put_bytes(&r->text, part);
	track_quotes(r, part);
	if (end == BYTES_NOT_FOUND) {
		*in = bytes_skip(*in, in->n);
		return IMAP_READ_MORE;
	}
	*in = bytes_skip(*in, end + 1);
	return end_line(r);
}

/* Octets of a literal: kept, handed out, or dropped. */
static enum imap_read
feed_literal(struct imap_reader *r, struct bytes *in)
{
	struct bytes part = bytes_head(*in, r->left < in->n ? (size_t)r->left : in->n);

	if (r->left == 0) {
		bool streamed = r->state == IMAP_READING_STREAM;

		r->state = IMAP_READING_LINE;
		r->line_at = r->text.len;
		return streamed ? IMAP_READ_DATA_END : IMAP_READ_MORE;
	}
	*in = bytes_skip(*in, part.n);
	r->left -= part.n;
	if (r->state == IMAP_READING_LITERAL)
		buf_put_bytes(&r->text, part);
	r->data = part;
	return r->state == IMAP_READING_STREAM && part.n > 0 ? IMAP_READ_DATA : IMAP_READ_MORE;
}

static enum imap_read
feed_once(struct imap_reader *r, struct bytes *in)
{
	switch (r->state) {
	case IMAP_READING_LINE:
		return feed_line(r, in);
	case IMAP_READING_LITERAL:
	case IMAP_READING_STREAM:
	case IMAP_READING_DISCARD:
		return feed_literal(r, in);
	case IMAP_READING_ANSWER:
	case IMAP_READING_DONE:
		break;
	}
	ASSERT(r->state < IMAP_READING_ANSWER); /* the owner answers each event first */
	return IMAP_READ_MORE;
}

enum imap_read
imap_reader_feed(struct imap_reader *r, struct bytes *in)
{
	enum imap_read event = IMAP_READ_MORE;

	/* a literal of which nothing is left ends without input */
	while (event == IMAP_READ_MORE &&
		(in->n > 0 || (r->left == 0 && r->state >= IMAP_READING_LITERAL &&
				      r->state <= IMAP_READING_DISCARD)))
		event = feed_once(r, in);
	return event;
}

int
imap_reader_keep(struct imap_reader *r)
{
	ASSERT(r->state == IMAP_READING_ANSWER);
	if (r->literal_size > r->limit || r->text.len + r->literal_size + 2 > r->limit)
		return ERR_LIMIT;
	begin_literal(r, IMAP_READING_LITERAL);
	return ERR_OK;
}

void
imap_reader_stream(struct imap_reader *r)
{
	ASSERT(r->state == IMAP_READING_ANSWER);
	begin_literal(r, IMAP_READING_STREAM);
}

void
imap_reader_discard(struct imap_reader *r)
{
	ASSERT(r->state == IMAP_READING_ANSWER);
	r->too_large = true;
	begin_literal(r, IMAP_READING_DISCARD);
}
