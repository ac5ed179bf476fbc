/* SPDX-License-Identifier: ISC */
/*
 * lib/proto/downgrade_octets.c - quoted-printable and base64, written.
 *
 * Runs in:  smtp-client.
 * Trusts:   nothing.
 * Sources:  RFC 2045 sec. 6.7 and 6.8.
 */
#include "downgrade_octets.h"

#include "encode.h"

#define LINE_OCTETS_MAX 998 /* RFC 5322 sec. 2.1.1 */
#define QP_LINE_MAX     76
#define BASE64_LINE     57 /* octets in a line of 76 */

static const char hex[] = "0123456789ABCDEF";

/* --- looking ---------------------------------------------------------------------- */

static bool
is_plain(uint8_t c)
{
	return (c >= ' ' && c < 0x7f && c != '=') || c == '\t';
}

void
downgrade_look(struct bytes body, struct downgrade_sight *out)
{
	struct downgrade_sight s = { 0, 0, false, false };
	size_t line = 0;

	for (size_t i = 0; i < body.n; i++) {
		uint8_t c = body.p[i];

		if (c == '\r' && i + 1 < body.n && body.p[i + 1] == '\n') {
			i++;
			line = 0;
			continue;
		}
		s.n_8bit += c >= 0x80;
		s.escapes += !is_plain(c);
		s.binary = s.binary || c == 0 || c == '\r' || c == '\n';
		s.too_long = s.too_long || ++line > LINE_OCTETS_MAX;
	}
	*out = s;
}

/* --- quoted-printable ------------------------------------------------------------- */

static bool
is_line_end(struct bytes in)
{
	return in.n >= 2 && in.p[0] == '\r' && in.p[1] == '\n';
}

/* May c stand for itself in this column, with after behind it? */
static bool
is_literal(size_t column, uint8_t c, struct bytes after)
{
	if (!is_plain(c))
		return false;
	if (c == ' ' || c == '\t')
		return after.n > 0 && !is_line_end(after);
	/* no line must look like a delimiter now that didn't before */
	return c != '-' || column > 0 || after.n == 0 || after.p[0] != '-';
}

static void
put_octet(size_t *column, uint8_t c, struct bytes after, struct buf *out)
{
	size_t mark = after.n == 0 || is_line_end(after) ? 0 : 1; /* room for a soft break */
	bool literal = is_literal(*column, c, after);

	if (*column + (literal ? 1 : 3) + mark > QP_LINE_MAX) {
		buf_put(out, "=\r\n", 3);
		*column = 0;
		literal = is_literal(0, c, after);
	}
	if (literal)
		buf_put_u8(out, c);
	else {
		const uint8_t escape[3] = { '=', (uint8_t)hex[c >> 4], (uint8_t)hex[c & 15] };

		buf_put(out, escape, 3);
	}
	*column += literal ? 1 : 3;
}

size_t
downgrade_put_qp(size_t *column, struct bytes left, size_t n, struct buf *out)
{
	size_t used = 0;

	while (used < left.n && used < n) {
		struct bytes rest = bytes_skip(left, used);

		if (is_line_end(rest)) {
			buf_put(out, "\r\n", 2);
			*column = 0;
			used += 2;
			continue;
		}
		put_octet(column, rest.p[0], bytes_skip(rest, 1), out);
		used++;
	}
	return used;
}

/* --- base64 ----------------------------------------------------------------------- */

size_t
downgrade_put_base64(struct bytes left, size_t n, struct buf *out, bool last_end)
{
	size_t used = 0;

	while (used < left.n && used < n) {
		struct bytes line = bytes_head(bytes_skip(left, used), BASE64_LINE);

		base64_encode(out, line);
		used += line.n;
		if (used < left.n || last_end)
			buf_put(out, "\r\n", 2);
	}
	return used;
}

/* --- the rest --------------------------------------------------------------------- */

void
downgrade_put_mask(struct buf *out, struct bytes in)
{
	for (size_t i = 0; i < in.n; i++)
		buf_put_u8(out, in.p[i] < 0x80 ? in.p[i] : '*');
}

void
downgrade_put_mended(struct buf *out, struct bytes in)
{
	for (size_t i = 0; i < in.n; i++) {
		if (in.p[i] < 0x80)
			buf_put_u8(out, in.p[i]);
		else
			buf_printf(out, "=%02X", in.p[i]);
	}
}
