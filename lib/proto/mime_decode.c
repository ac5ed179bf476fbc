/* SPDX-License-Identifier: ISC */
/*
 * lib/proto/mime_decode.c - base64 and quoted-printable, in pieces.
 *
 * Runs in:  imap session.
 * Trusts:   nothing.
 * Sources:  RFC 2045 sec. 6.7, 6.8.
 */
#include "mime_decode.h"

#define BLANKS_MAX 1000 /* at the end of a line; more are kept as text */

enum mime_encoding
mime_encoding_of(struct bytes name)
{
	if (bytes_is_nocase(name, "quoted-printable"))
		return MIME_QUOTED_PRINTABLE;
	if (bytes_is_nocase(name, "base64"))
		return MIME_BASE64;
	return MIME_IDENTITY;
}

/* The value of a base64 letter (both alphabets) plus one; 0 for what is none. */
/* clang-format off */
static const uint8_t letters[256] = {
	['A'] = 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20, 21, 22, 23,
	24, 25, 26,
	['a'] = 27, 28, 29, 30, 31, 32, 33, 34, 35, 36, 37, 38, 39, 40, 41, 42, 43, 44, 45, 46, 47,
	48, 49, 50, 51, 52,
	['0'] = 53, 54, 55, 56, 57, 58, 59, 60, 61, 62,
	['+'] = 63, ['-'] = 63, ['/'] = 64, ['_'] = 64,
};
/* clang-format on */

static void
feed_base64(struct mime_decoder *d, struct bytes in, struct buf *out)
{
	uint8_t *p = buf_room(out, in.n + 1);
	size_t n = 0;

	for (size_t i = 0; i < in.n; i++) {
		uint32_t v = letters[in.p[i]];

		if (v == 0) {
			if (in.p[i] == '=') /* padding ends a group; another text may follow */
				d->nbits = 0;
			continue;
		}
		d->bits = (d->bits << 6 | (v - 1)) & 0xffff;
		d->nbits = (uint8_t)(d->nbits + 6);
		if (d->nbits >= 8) {
			d->nbits = (uint8_t)(d->nbits - 8);
			p[n++] = (uint8_t)(d->bits >> d->nbits);
		}
	}
	buf_added(out, n);
}

static int
hex_value(uint8_t c)
{
	c = ascii_lower(c);
	if (ascii_is_digit(c))
		return c - '0';
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* An escape has begun ("=", then perhaps one more octet); one more comes. true if c was used up,
 * false if it is to be looked at again as text. */
static bool
feed_escape(struct mime_decoder *d, uint8_t c, struct buf *out)
{
	int high, low;

	if (d->nheld == 1 && (c == '\r' || c == ' ' || c == '\t' || hex_value(c) >= 0)) {
		d->held[d->nheld++] = c;
		return true;
	}
	if (d->nheld == 1 && c == '\n') { /* a soft line break */
		d->nheld = 0;
		return true;
	}
	if (d->nheld == 2 && hex_value(d->held[1]) < 0) { /* "= \r\n" */
		if (c == ' ' || c == '\t' || c == '\r')
			return true;
		d->nheld = 0;
		if (c == '\n')
			return true;
		buf_put(out, d->held, 1);
		return false;
	}
	if (d->nheld == 2) {
		high = hex_value(d->held[1]);
		low = hex_value(c);
		d->nheld = 0;
		if (high >= 0 && low >= 0) {
			buf_put_u8(out, (uint8_t)(high << 4 | low));
			return true;
		}
		buf_put(out, d->held, 2);
		return false;
	}
	buf_put(out, d->held, d->nheld);
	d->nheld = 0;
	return false;
}

/* Octets that stand for themselves. */
static size_t
plain_len(struct bytes b)
{
	size_t n = 0;

	while (n < b.n && b.p[n] != '=' && b.p[n] != ' ' && b.p[n] != '\t')
		n++;
	return n;
}

/* Blanks at the end of a line were added on the way (sec. 6.7 rule 3): they go. */
static void
feed_quoted_printable(struct mime_decoder *d, struct bytes in, struct buf *out)
{
	for (size_t i = 0; i < in.n;) {
		uint8_t c = in.p[i];
		size_t n;

		if (d->nheld > 0) {
			i += feed_escape(d, c, out);
			continue;
		}
		if (d->blanks.len == 0 && (n = plain_len(bytes_skip(in, i))) > 0) {
			buf_put(out, in.p + i, n);
			i += n;
			continue;
		}
		if ((c == ' ' || c == '\t') && d->blanks.len < BLANKS_MAX) {
			buf_put_u8(&d->blanks, c);
		} else {
			if (c != '\r' && c != '\n')
				buf_put_bytes(out, buf_bytes(&d->blanks));
			if (d->blanks.len > 0)
				buf_clear(&d->blanks);
			if (c == '=')
				d->held[d->nheld++] = c;
			else
				buf_put_u8(out, c);
		}
		i++;
	}
}

void
mime_decode_begin(struct mime_decoder *d, enum mime_encoding encoding)
{
	*d = (struct mime_decoder){ .encoding = encoding };
}

void
mime_decode_feed(struct mime_decoder *d, struct bytes in, struct buf *out)
{
	if (d->encoding == MIME_BASE64)
		feed_base64(d, in, out);
	else if (d->encoding == MIME_QUOTED_PRINTABLE)
		feed_quoted_printable(d, in, out);
	else
		buf_put_bytes(out, in);
}

void
mime_decode_end(struct mime_decoder *d, struct buf *out)
{
	/* half an escape is text, but for a soft line break at the very end */
	if (d->nheld > 0 && (d->nheld == 1 || hex_value(d->held[1]) >= 0))
		buf_put(out, d->held, d->nheld);
	buf_free(&d->blanks);
	d->nheld = 0;
}

void
mime_decode(enum mime_encoding encoding, struct bytes in, struct buf *out)
{
	struct mime_decoder d;

	mime_decode_begin(&d, encoding);
	mime_decode_feed(&d, in, out);
	mime_decode_end(&d, out);
}
