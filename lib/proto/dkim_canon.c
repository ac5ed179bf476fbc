/* SPDX-License-Identifier: ISC */
/*
 * lib/proto/dkim_canon.c - the canonicalizations of DKIM.
 *
 * Runs in:  mailauth-sign, mailauth-verify.
 * Trusts:   nothing; memory does not depend on what comes in.
 * Sources:  RFC 6376 sec. 3.4.
 */
#include "dkim_canon.h"

static bool
is_wsp(uint8_t c)
{
	return c == ' ' || c == '\t';
}

/* --- header ---------------------------------------------------------------------------- */

bool
dkim_is_field(const struct rfc5322_field *f)
{
	return f->name.n > 0 &&
	       bytes_find(bytes_head(f->raw, rfc5322_line_len(f->raw)), ':') != BYTES_NOT_FOUND;
}

/* Sec. 3.4.2: the name in lower case, no WSP around the colon, line ends of folding gone, WSP
 * inside as one blank, none at the end. */
void
dkim_canon_relaxed_field(struct bytes name, struct bytes value, struct buf *out)
{
	uint8_t *start, *first, *p;
	bool blank = false;

	name = bytes_trim(name);
	p = start = buf_room(out, name.n + 1 + value.n); /* it only gets shorter */
	for (size_t i = 0; i < name.n; i++)
		*p++ = ascii_lower(name.p[i]);
	*p++ = ':';
	first = p;
	for (size_t i = 0; i < value.n; i++) {
		uint8_t c = value.p[i];

		if (c == '\r' && i + 1 < value.n && value.p[i + 1] == '\n') {
			i++;
		} else if (is_wsp(c)) {
			blank = true;
		} else {
			if (blank && p > first)
				*p++ = ' ';
			*p++ = c;
			blank = false;
		}
	}
	buf_added(out, (size_t)(p - start));
}

/* --- body ------------------------------------------------------------------------------ */

void
dkim_body_canon_init(struct dkim_body_canon *c, bool relaxed, dkim_octets_fn *put, void *arg)
{
	*c = (struct dkim_body_canon){ .relaxed = relaxed, .put = put, .arg = arg };
}

static void
flush(struct dkim_body_canon *c)
{
	if (c->held > 0)
		c->put(c->arg, bytes_make(c->hold, c->held));
	c->held = 0;
}

static void
out(struct dkim_body_canon *c, const void *p, size_t n)
{
	c->octets += n;
	if (c->put == NULL)
		return;
	if (n > sizeof(c->hold) - c->held)
		flush(c);
	if (n > sizeof(c->hold)) {
		c->put(c->arg, bytes_make(p, n));
		return;
	}
	memcpy(c->hold + c->held, p, n);
	c->held += n;
}

/* Octets that are in the canonical form for sure, n > 0: what was held back before them is, too. */
static void
text(struct dkim_body_canon *c, const void *p, size_t n)
{
	for (; c->blank_lines > 0; c->blank_lines--)
		out(c, "\r\n", 2);
	if (c->blank)
		out(c, " ", 1);
	c->blank = false;
	c->in_line = true;
	out(c, p, n);
}

static void
line_end(struct dkim_body_canon *c)
{
	if (c->in_line)
		out(c, "\r\n", 2);
	else
		c->blank_lines++;
	c->in_line = c->blank = c->cr = false;
}

/* How many octets from the front stand for themselves */
static size_t
plain_run(const struct dkim_body_canon *c, struct bytes b)
{
	const uint8_t *cr;
	size_t n;

	if (!c->relaxed) {
		cr = b.n == 0 ? NULL : memchr(b.p, '\r', b.n);
		return cr == NULL ? b.n : (size_t)(cr - b.p);
	}
	for (n = 0; n < b.n; n++) {
		if (b.p[n] == '\r' || b.p[n] == '\t')
			break;
		/* one blank between two words is itself */
		if (b.p[n] == ' ' &&
			(n == 0 || n + 1 == b.n || b.p[n + 1] == '\r' || is_wsp(b.p[n + 1])))
			break;
	}
	return n;
}

void
dkim_body_canon_put(struct dkim_body_canon *c, struct bytes piece)
{
	while (piece.n > 0) {
		size_t n;

		if (c->cr && piece.p[0] == '\n') {
			line_end(c);
			piece = bytes_skip(piece, 1);
			continue;
		}
		if (c->cr)
			text(c, "\r", 1);
		c->cr = false;
		n = plain_run(c, piece);
		if (n > 0) {
			text(c, piece.p, n);
			piece = bytes_skip(piece, n);
			continue;
		}
		if (piece.p[0] == '\r')
			c->cr = true;
		else
			c->blank = true;
		piece = bytes_skip(piece, 1);
	}
}

void
dkim_body_canon_end(struct dkim_body_canon *c)
{
	if (c->cr)
		text(c, "\r", 1);
	if (c->in_line)
		line_end(c); /* the last line had no CRLF: it gets one */
	if (c->octets == 0 && !c->relaxed)
		out(c, "\r\n", 2); /* sec. 3.4.3: an empty body is one CRLF */
	flush(c);
}
