/* SPDX-License-Identifier: ISC */
/*
 * lib/proto/utf8.c - UTF-8, and lower case without a locale: the C library's towlower() knows
 * only ASCII in the "C" locale, and in a jail there is no other.
 *
 * Runs in:  imap session.
 * Trusts:   nothing.
 * Sources:  RFC 3629; Unicode's simple case mappings and canonical decompositions; RFC 5051
 *           is the aim, of which this is the part that mail needs.
 */
#include "utf8.h"

#include "utf8_tables.h"

size_t
utf8_get(struct bytes b, uint32_t *c)
{
	static const uint32_t lowest[] = { 0, 0, 0x80, 0x800, 0x10000 };
	uint32_t v;
	size_t n;

	if (b.n == 0)
		return 0;
	v = b.p[0];
	if (v < 0x80) {
		*c = v;
		return 1;
	}
	n = v >= 0xf0 ? 4 : v >= 0xe0 ? 3 : 2;
	if (v < 0xc2 || v > 0xf4 || b.n < n)
		return 0;
	v &= 0x7fu >> n;
	for (size_t i = 1; i < n; i++) {
		if ((b.p[i] & 0xc0) != 0x80)
			return 0;
		v = v << 6 | (b.p[i] & 0x3f);
	}
	if (v < lowest[n] || v > 0x10ffff || (v >= 0xd800 && v <= 0xdfff))
		return 0;
	*c = v;
	return n;
}

size_t
utf8_ascii_len(struct bytes b)
{
	size_t n = 0;
	uint64_t eight;

	for (; n + sizeof(eight) <= b.n; n += sizeof(eight)) {
		memcpy(&eight, b.p + n, sizeof(eight));
		if ((eight & UINT64_C(0x8080808080808080)) != 0)
			break;
	}
	while (n < b.n && b.p[n] < 0x80)
		n++;
	return n;
}

void
utf8_put(struct buf *out, uint32_t c)
{
	uint8_t *p = buf_room(out, 4);
	size_t n;

	if (c > 0x10ffff || (c >= 0xd800 && c <= 0xdfff))
		c = UTF8_REPLACEMENT;
	if (c < 0x80) {
		p[0] = (uint8_t)c;
		buf_added(out, 1);
		return;
	}
	n = c < 0x800 ? 2 : c < 0x10000 ? 3 : 4;
	for (size_t i = n - 1; i > 0; i--) {
		p[i] = (uint8_t)(0x80 | (c & 0x3f));
		c >>= 6;
	}
	p[0] = (uint8_t)(0xf00u >> n | c);
	buf_added(out, n);
}

bool
utf8_is_valid(struct bytes b)
{
	uint32_t c;

	for (;;) {
		size_t n;

		b = bytes_skip(b, utf8_ascii_len(b));
		if (b.n == 0)
			return true;
		if ((n = utf8_get(b, &c)) == 0)
			return false;
		b = bytes_skip(b, n);
	}
}

/* Ranges of capitals: the small letter is at a distance, or (step 2) each capital stands before
 * its small letter. In order. */
static const struct capitals {
	uint32_t first, last;
	int32_t distance;
	uint32_t step;
} capitals[] = {
	{ 0x0041, 0x005a, 32, 1 },
	{ 0x00c0, 0x00d6, 32, 1 },
	{ 0x00d8, 0x00de, 32, 1 },
	{ 0x0100, 0x012f, 1, 2 },
	{ 0x0130, 0x0130, 'i' - 0x130, 1 },
	{ 0x0132, 0x0137, 1, 2 },
	{ 0x0139, 0x0148, 1, 2 },
	{ 0x014a, 0x0177, 1, 2 },
	{ 0x0178, 0x0178, 0xff - 0x178, 1 },
	{ 0x0179, 0x017e, 1, 2 },
	{ 0x01cd, 0x01dc, 1, 2 },
	{ 0x01de, 0x01ef, 1, 2 },
	{ 0x01f8, 0x021f, 1, 2 },
	{ 0x0222, 0x0233, 1, 2 },
	{ 0x0370, 0x0373, 1, 2 },
	{ 0x0386, 0x0386, 0x3ac - 0x386, 1 },
	{ 0x0388, 0x038a, 37, 1 },
	{ 0x038c, 0x038c, 64, 1 },
	{ 0x038e, 0x038f, 63, 1 },
	{ 0x0391, 0x03a1, 32, 1 },
	{ 0x03a3, 0x03ab, 32, 1 },
	{ 0x03c2, 0x03c2, 1, 1 }, /* final sigma */
	{ 0x03d8, 0x03ef, 1, 2 },
	{ 0x0400, 0x040f, 80, 1 },
	{ 0x0410, 0x042f, 32, 1 },
	{ 0x0460, 0x0481, 1, 2 },
	{ 0x048a, 0x04bf, 1, 2 },
	{ 0x04c0, 0x04c0, 15, 1 },
	{ 0x04c1, 0x04ce, 1, 2 },
	{ 0x04d0, 0x052f, 1, 2 },
	{ 0x0531, 0x0556, 48, 1 },
	{ 0x10a0, 0x10c5, 7264, 1 },
	{ 0x1e00, 0x1e95, 1, 2 },
	{ 0x1e9e, 0x1e9e, 0xdf - 0x1e9e, 1 },
	{ 0x1ea0, 0x1eff, 1, 2 },
	{ 0x1f08, 0x1f0f, -8, 1 },
	{ 0x1f18, 0x1f1d, -8, 1 },
	{ 0x1f28, 0x1f2f, -8, 1 },
	{ 0x1f38, 0x1f3f, -8, 1 },
	{ 0x1f48, 0x1f4d, -8, 1 },
	{ 0x1f59, 0x1f5f, -8, 1 },
	{ 0x1f68, 0x1f6f, -8, 1 },
	{ 0x2160, 0x216f, 16, 1 },
	{ 0x24b6, 0x24cf, 26, 1 },
	{ 0x2c00, 0x2c2f, 48, 1 },
	{ 0x2c80, 0x2ce3, 1, 2 },
	{ 0xa640, 0xa66d, 1, 2 },
	{ 0xff21, 0xff3a, 32, 1 },
	{ 0x10400, 0x10427, 40, 1 },
};

uint32_t
utf8_lower(uint32_t c)
{
	size_t low = 0, high = NITEMS(capitals);

	while (low < high) {
		size_t mid = (low + high) / 2;
		const struct capitals *r = &capitals[mid];

		if (c < r->first) {
			high = mid;
		} else if (c > r->last) {
			low = mid + 1;
		} else {
			if ((c - r->first) % r->step == 0)
				c = (uint32_t)((int32_t)c + r->distance);
			return c;
		}
	}
	return c;
}

static const struct utf8_accented *
find_accented(uint32_t c)
{
	size_t low = 0, high = utf8_accented_count;

	while (low < high) {
		size_t mid = (low + high) / 2;

		if (c == utf8_accented[mid].letter)
			return &utf8_accented[mid];
		if (c < utf8_accented[mid].letter)
			high = mid;
		else
			low = mid + 1;
	}
	return NULL;
}

/* One character in its form for comparing. A letter has at most three marks. */
static void
fold_one(struct buf *out, uint32_t c)
{
	const struct utf8_accented *a;
	uint32_t marks[4];
	size_t n = 0;

	if (c >= 0xff01 && c <= 0xff5e) /* full width ASCII */
		c -= 0xff01 - '!';
	else if (c == 0xa0)
		c = ' ';
	c = utf8_lower(c);
	while (c >= 0xc0 && n < NITEMS(marks) && (a = find_accented(c)) != NULL) {
		marks[n++] = a->mark;
		c = a->base;
	}
	utf8_put(out, c);
	while (n > 0)
		utf8_put(out, marks[--n]);
}

void
utf8_fold(struct bytes b, struct buf *out)
{
	while (b.n > 0) {
		size_t n = utf8_ascii_len(b);
		uint32_t c;

		if (n > 0) {
			uint8_t *p = buf_room(out, n);

			for (size_t i = 0; i < n; i++)
				p[i] = ascii_lower(b.p[i]);
			buf_added(out, n);
		} else if ((n = utf8_get(b, &c)) > 0) {
			fold_one(out, c);
		} else {
			utf8_put(out, UTF8_REPLACEMENT);
			n = 1;
		}
		b = bytes_skip(b, n);
	}
}
