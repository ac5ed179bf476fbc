/* SPDX-License-Identifier: ISC */
/*
 * smtpd/content.c - DATA and BDAT content, octet by octet but mostly line by line.
 *
 * Runs in:  smtpd, submission.
 * Trusts:   nothing: every octet is the client's.
 * Sources:  RFC 5321 sec. 2.3.8 (CRLF only), 4.1.1.4, 4.5.2 (transparency), 6.3 (loops);
 *           RFC 3030 sec. 2 (BDAT).
 */
#include "content.h"

/* Where in a line the next octet stands. */
enum place {
	AT_LINE_START,
	AT_LINE,
	AT_CR,    /* after a CR: LF ends the line */
	AT_DOT,   /* after a line's first dot, which is never content */
	AT_DOT_CR /* after that and a CR: LF ends the content */
};

void
content_begin(struct content *c, const struct content_limits *limits)
{
	*c = (struct content){ .limits = *limits, .at = AT_LINE_START };
}

/* Of several the first in the enum is told, so that it doesn't depend on how the octets came. */
static void
set_fault(struct content *c, enum content_fault fault)
{
	if (c->fault == CONTENT_GOOD || fault < c->fault)
		c->fault = fault;
}

/* Octets of one line (or a part of it) become content. */
static void
take(struct content *c, struct bytes part)
{
	c->size += part.n;
	c->line_octets += part.n;
	if (c->size > c->limits.size_octets)
		set_fault(c, CONTENT_TOO_LARGE);
	if (c->in_body)
		return;
	if (c->limits.header_octets != 0 && c->size > c->limits.header_octets)
		set_fault(c, CONTENT_HEADER_TOO_LARGE);
	for (size_t i = 0; i < part.n && c->head_n < sizeof(c->head); i++)
		c->head[c->head_n++] = part.p[i];
}

static void
end_line(struct content *c)
{
	if (c->limits.text_line_octets != 0 && c->line_octets > c->limits.text_line_octets)
		set_fault(c, CONTENT_LONG_LINE);
	if (!c->in_body) {
		if (c->line_octets == 2)
			c->in_body = true;
		else if (bytes_is_nocase(bytes_make(c->head, c->head_n), "Received:") &&
			 ++c->hops > c->limits.hops)
			set_fault(c, CONTENT_LOOP);
	}
	c->line_octets = 0;
	c->head_n = 0;
	c->at = AT_LINE_START;
}

/* The inner octets of a line, up to and with its LF or the end of in. Returns octets used. */
static size_t
scan_line(struct content *c, struct bytes in)
{
	size_t lf = bytes_find(in, '\n');
	bool has_lf = lf != BYTES_NOT_FOUND;
	struct bytes part = bytes_head(in, has_lf ? lf + 1 : in.n);
	size_t before_lf = has_lf ? lf : in.n;
	size_t cr = bytes_find(bytes_head(in, before_lf), '\r');
	bool ends_in_cr = before_lf > 0 && in.p[before_lf - 1] == '\r';

	if (cr != BYTES_NOT_FOUND && cr + 1 < before_lf)
		set_fault(c, CONTENT_BARE_CR);
	if (has_lf && !ends_in_cr)
		set_fault(c, CONTENT_BARE_LF);
	take(c, part);
	if (has_lf && ends_in_cr)
		end_line(c);
	else
		c->at = !has_lf && ends_in_cr ? AT_CR : AT_LINE;
	return part.n;
}

/* One octet of a place where single octets decide. Returns true if it was the last of all;
 * *used tells whether the octet is used up, *drop whether it is no content. */
static bool
special(struct content *c, uint8_t octet, bool dots, bool *used, bool *drop)
{
	*used = *drop = false;
	switch ((enum place)c->at) {
	case AT_LINE_START:
		c->at = AT_LINE;
		if (dots && octet == '.') {
			c->at = AT_DOT;
			*used = *drop = true;
		}
		return false;
	case AT_CR:
		c->at = AT_LINE;
		if (octet == '\n') {
			*used = true;
			take(c, bytes_make(&octet, 1));
			end_line(c);
		} else {
			set_fault(c, CONTENT_BARE_CR);
		}
		return false;
	case AT_DOT:
		c->at = AT_LINE;
		if (octet == '\r') {
			c->at = AT_DOT_CR;
			*used = *drop = true;
		}
		return false;
	case AT_DOT_CR:
		c->at = AT_LINE;
		if (octet == '\n') {
			*used = *drop = true;
			return true;
		}
		set_fault(c, CONTENT_BARE_CR); /* that CR was content: nothing is stored any more */
		return false;
	case AT_LINE:
		break;
	}
	return false;
}

static void
put(const struct content *c, struct buf *out, struct bytes in, size_t from, size_t to)
{
	if (c->fault == CONTENT_GOOD && to > from)
		buf_put(out, in.p + from, to - from);
}

static size_t
scan(struct content *c, struct bytes in, struct buf *out, bool dots, bool *end)
{
	size_t i = 0, run = 0; /* in[run..i) is content not yet put out */
	bool last = false;

	while (i < in.n && !last) {
		bool used, drop;
		if (c->at == AT_LINE) {
			i += scan_line(c, bytes_skip(in, i));
			continue;
		}
		last = special(c, in.p[i], dots, &used, &drop);
		if (drop) {
			put(c, out, in, run, i);
			run = i + 1;
		}
		if (used)
			i++;
	}
	if (bytes_find(bytes_head(in, i), '\0') != BYTES_NOT_FOUND)
		set_fault(c, CONTENT_NUL);
	put(c, out, in, run, i);
	*end = last;
	return i;
}

size_t
content_data(struct content *c, struct bytes in, struct buf *out, bool *end)
{
	return scan(c, in, out, true, end);
}

void
content_chunk(struct content *c, struct bytes in, struct buf *out)
{
	bool end;
	size_t used = scan(c, in, out, false, &end);
	ASSERT(used == in.n && !end);
}

void
content_chunks_end(struct content *c)
{
	if (c->at == AT_CR)
		set_fault(c, CONTENT_BARE_CR);
}
