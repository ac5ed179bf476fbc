/* SPDX-License-Identifier: ISC */
/* lib/base/encode.c - hex and base64 (RFC 4648). */
#include "encode.h"

#include "err.h"

static const char digits64[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

void
hex_encode(struct buf *out, struct bytes in)
{
	static const char digits[] = "0123456789abcdef";
	uint8_t *p = buf_room(out, in.n * 2);

	for (size_t i = 0; i < in.n; i++) {
		*p++ = (uint8_t)digits[in.p[i] >> 4];
		*p++ = (uint8_t)digits[in.p[i] & 15];
	}
	buf_added(out, in.n * 2);
}

static int
hex_value(uint8_t c)
{
	if (ascii_is_digit(c))
		return c - '0';
	c = ascii_lower(c);
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

int
hex_decode(struct buf *out, struct bytes in)
{
	uint8_t *p;

	if (in.n % 2 != 0)
		return ERR_SYNTAX;
	p = buf_room(out, in.n / 2);
	for (size_t i = 0; i < in.n; i += 2) {
		int hi = hex_value(in.p[i]), lo = hex_value(in.p[i + 1]);

		if (hi < 0 || lo < 0)
			return ERR_SYNTAX;
		*p++ = (uint8_t)(hi << 4 | lo);
	}
	buf_added(out, in.n / 2);
	return ERR_OK;
}

void
base64_encode(struct buf *out, struct bytes in)
{
	uint8_t *p = buf_room(out, (in.n + 2) / 3 * 4);

	for (size_t i = 0; i < in.n; i += 3) {
		size_t left = in.n - i;
		uint32_t v = (uint32_t)in.p[i] << 16;

		if (left > 1)
			v |= (uint32_t)in.p[i + 1] << 8;
		if (left > 2)
			v |= in.p[i + 2];
		*p++ = (uint8_t)digits64[v >> 18];
		*p++ = (uint8_t)digits64[v >> 12 & 63];
		*p++ = (uint8_t)(left > 1 ? digits64[v >> 6 & 63] : '=');
		*p++ = (uint8_t)(left > 2 ? digits64[v & 63] : '=');
	}
	buf_added(out, (in.n + 2) / 3 * 4);
}

/* Of the digits from '+' on, and one more than that; 0: it is none. */
static const uint8_t values64[] = { 63, 0, 0, 0, 64, 53, 54, 55, 56, 57, 58, 59, 60, 61, 62, 0, 0,
	0, 0, 0, 0, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20, 21,
	22, 23, 24, 25, 26, 0, 0, 0, 0, 0, 0, 27, 28, 29, 30, 31, 32, 33, 34, 35, 36, 37, 38, 39,
	40, 41, 42, 43, 44, 45, 46, 47, 48, 49, 50, 51, 52 };

static int
value64(uint8_t c)
{
	return c >= '+' && c <= 'z' ? values64[c - '+'] - 1 : -1;
}

int
base64_decode(struct buf *out, struct bytes in)
{
	size_t pad = 0, n = 0;
	uint32_t v = 0;
	uint8_t *p;

	if (in.n % 4 != 0)
		return ERR_SYNTAX;
	while (pad < 2 && pad < in.n && in.p[in.n - 1 - pad] == '=')
		pad++;
	p = buf_room(out, in.n / 4 * 3);
	for (size_t i = 0; i < in.n; i++) {
		int d = i < in.n - pad ? value64(in.p[i]) : 0;

		if (d < 0)
			return ERR_SYNTAX;
		v = v << 6 | (uint32_t)d;
		if (i % 4 != 3)
			continue;
		p[n++] = (uint8_t)(v >> 16);
		p[n++] = (uint8_t)(v >> 8);
		p[n++] = (uint8_t)v;
		v = 0;
	}
	for (size_t i = 0; i < pad; i++)
		if (p[n - 1 - i] != 0)
			return ERR_SYNTAX; /* bits left over */
	buf_added(out, n - pad);
	return ERR_OK;
}
