/* SPDX-License-Identifier: ISC */
/*
 * lib/proto/imap_utf7.c - modified UTF-7, the spelling of mailbox names in IMAP4rev1.
 *
 * Runs in:  imap session.
 * Trusts:   nothing; a name is accepted in its one right spelling only.
 * Sources:  RFC 3501 sec. 5.1.3; RFC 2152; RFC 3629.
 */
#include "imap_text.h"

#include "err.h"
#include "utf8.h"

static const char alphabet[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+,";

/* A run of base64: bits that have not made a letter yet. */
struct shift {
	uint32_t bits;
	unsigned nbits;
	bool open;
};

static void
put_unit(struct buf *out, struct shift *s, uint32_t unit)
{
	s->bits = s->bits << 16 | unit;
	s->nbits += 16;
	while (s->nbits >= 6) {
		s->nbits -= 6;
		buf_put_u8(out, (uint8_t)alphabet[s->bits >> s->nbits & 63]);
	}
	s->bits &= (1u << s->nbits) - 1;
}

static void
close_shift(struct buf *out, struct shift *s)
{
	if (!s->open)
		return;
	if (s->nbits > 0)
		buf_put_u8(out, (uint8_t)alphabet[s->bits << (6 - s->nbits) & 63]);
	buf_put_u8(out, '-');
	*s = (struct shift){ 0, 0, false };
}

int
imap_utf7_encode(struct buf *out, struct bytes utf8)
{
	struct shift s = { 0, 0, false };
	size_t before = out->len;

	while (utf8.n > 0) {
		uint32_t c;
		size_t n = utf8_get(utf8, &c);

		if (n == 0 || c == 0) {
			buf_truncate(out, before);
			return ERR_SYNTAX;
		}
		utf8 = bytes_skip(utf8, n);
		if (c >= 0x20 && c < 0x7f) {
			close_shift(out, &s);
			buf_put_u8(out, (uint8_t)c);
			if (c == '&')
				buf_put_u8(out, '-');
			continue;
		}
		if (!s.open)
			buf_put_u8(out, '&');
		s.open = true;
		if (c >= 0x10000)
			put_unit(out, &s, 0xd800 + ((c - 0x10000) >> 10));
		put_unit(out, &s, c >= 0x10000 ? 0xdc00 + (c & 0x3ff) : c);
	}
	close_shift(out, &s);
	return ERR_OK;
}

/* The base64 between '&' and '-', as UTF-8. Whether it is the right spelling is seen by
 * encoding it again. */
static int
put_shifted(struct buf *out, struct bytes in)
{
	uint32_t bits = 0, high = 0;
	unsigned nbits = 0;

	for (size_t i = 0; i < in.n; i++) {
		const char *at = in.p[i] == 0 ? NULL : strchr(alphabet, in.p[i]);
		uint32_t unit;

		if (at == NULL)
			return ERR_SYNTAX;
		bits = (bits << 6 | (uint32_t)(at - alphabet)) & 0xffffff;
		nbits += 6;
		if (nbits < 16)
			continue;
		nbits -= 16;
		unit = bits >> nbits & 0xffff;
		if (high != 0) {
			if (unit < 0xdc00 || unit > 0xdfff)
				return ERR_SYNTAX;
			utf8_put(out, 0x10000 + ((high - 0xd800) << 10) + (unit - 0xdc00));
			high = 0;
		} else if (unit >= 0xd800 && unit <= 0xdbff) {
			high = unit;
		} else if (unit >= 0xdc00 && unit <= 0xdfff) {
			return ERR_SYNTAX;
		} else {
			utf8_put(out, unit);
		}
	}
	return high == 0 ? ERR_OK : ERR_SYNTAX;
}

static int
decode(struct buf *out, struct bytes in)
{
	while (in.n > 0) {
		struct bytes run;
		uint8_t c = in.p[0];

		if (c < 0x20 || c >= 0x7f)
			return ERR_SYNTAX;
		in = bytes_skip(in, 1);
		if (c != '&') {
			buf_put_u8(out, c);
			continue;
		}
		if (bytes_find(in, '-') == BYTES_NOT_FOUND)
			return ERR_SYNTAX;
		run = bytes_cut(&in, '-');
		if (run.n == 0)
			buf_put_u8(out, '&');
		else if (put_shifted(out, run) < 0)
			return ERR_SYNTAX;
	}
	return ERR_OK;
}

int
imap_utf7_decode(struct buf *out, struct bytes utf7)
{
	struct buf again = BUF_INIT;
	size_t before = out->len;
	int r = decode(out, utf7);

	if (r == ERR_OK)
		r = imap_utf7_encode(&again, bytes_skip(buf_bytes(out), before));
	if (r == ERR_OK && !bytes_equal(buf_bytes(&again), utf7))
		r = ERR_SYNTAX;
	if (r < 0)
		buf_truncate(out, before);
	buf_free(&again);
	return r;
}
