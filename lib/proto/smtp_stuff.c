/* SPDX-License-Identifier: ISC */
/*
 * lib/proto/smtp_stuff.c - dot-stuffing.
 *
 * Runs in:  smtp-client.
 * Trusts:   nothing.
 */
#include "smtp_stuff.h"

static void
end_line(struct smtp_stuff *s, struct buf *out)
{
	buf_put(out, "\r\n", 2);
	s->in_line = false;
	s->cr = false;
}

/* Octets without CR and LF. */
static void
put_text(struct smtp_stuff *s, struct bytes text, struct buf *out)
{
	if (text.n == 0)
		return;
	if (!s->in_line && text.p[0] == '.')
		buf_put_u8(out, '.');
	buf_put_bytes(out, text);
	s->in_line = true;
}

/* A line, or what there is of one, without its LF. */
static void
put_line(struct smtp_stuff *s, struct bytes line, struct buf *out)
{
	for (;;) {
		size_t cr = bytes_find(line, '\r');

		put_text(s, bytes_head(line, cr), out);
		if (cr == BYTES_NOT_FOUND)
			return;
		line = bytes_skip(line, cr + 1);
		s->cr = true;
		if (line.n == 0)
			return;
		end_line(s, out);
	}
}

void
smtp_stuff_put(struct smtp_stuff *s, struct bytes in, struct buf *out)
{
	(void)buf_room(out, in.n + in.n / 64 + 2);
	while (in.n > 0) {
		size_t lf = bytes_find(in, '\n');

		if (s->cr && lf != 0)
			end_line(s, out);
		put_line(s, bytes_head(in, lf), out);
		if (lf == BYTES_NOT_FOUND)
			return;
		end_line(s, out);
		in = bytes_skip(in, lf + 1);
	}
}

void
smtp_stuff_end(struct smtp_stuff *s, struct buf *out)
{
	if (s->in_line || s->cr)
		end_line(s, out);
	buf_put(out, ".\r\n", 3);
	*s = SMTP_STUFF_INIT;
}
