/* SPDX-License-Identifier: ISC */
/* lib/base/bytes.c - comparing, finding and cutting runs of octets. */
#include "bytes.h"

#include "err.h"

bool
bytes_equal(struct bytes a, struct bytes b)
{
	return a.n == b.n && (a.n == 0 || memcmp(a.p, b.p, a.n) == 0);
}

bool
bytes_equal_nocase(struct bytes a, struct bytes b)
{
	if (a.n != b.n)
		return false;
	for (size_t i = 0; i < a.n; i++)
		if (ascii_lower(a.p[i]) != ascii_lower(b.p[i]))
			return false;
	return true;
}

bool
bytes_is(struct bytes a, const char *s)
{
	return bytes_equal(a, bytes_from_str(s));
}

bool
bytes_is_nocase(struct bytes a, const char *s)
{
	return bytes_equal_nocase(a, bytes_from_str(s));
}

bool
bytes_starts_with(struct bytes b, struct bytes head)
{
	return b.n >= head.n && bytes_equal(bytes_head(b, head.n), head);
}

bool
bytes_starts_with_nocase(struct bytes b, struct bytes head)
{
	return b.n >= head.n && bytes_equal_nocase(bytes_head(b, head.n), head);
}

int
bytes_compare(struct bytes a, struct bytes b)
{
	size_t n = a.n < b.n ? a.n : b.n;
	int r = n == 0 ? 0 : memcmp(a.p, b.p, n);

	if (r != 0)
		return r;
	return a.n < b.n ? -1 : a.n > b.n;
}

size_t
bytes_find(struct bytes b, uint8_t c)
{
	const uint8_t *at = b.n == 0 ? NULL : memchr(b.p, c, b.n);

	return at == NULL ? BYTES_NOT_FOUND : (size_t)(at - b.p);
}

size_t
bytes_find_last(struct bytes b, uint8_t c)
{
	const uint8_t *at = b.n == 0 ? NULL : memrchr(b.p, c, b.n);

	return at == NULL ? BYTES_NOT_FOUND : (size_t)(at - b.p);
}

size_t
bytes_search(struct bytes b, struct bytes what)
{
	const uint8_t *at;

	if (what.n == 0)
		return 0;
	if (b.n < what.n)
		return BYTES_NOT_FOUND;
	at = memmem(b.p, b.n, what.p, what.n);
	return at == NULL ? BYTES_NOT_FOUND : (size_t)(at - b.p);
}

static bool
is_blank(uint8_t c)
{
	return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

struct bytes
bytes_trim(struct bytes b)
{
	while (b.n > 0 && is_blank(b.p[0]))
		b = bytes_skip(b, 1);
	while (b.n > 0 && is_blank(b.p[b.n - 1]))
		b.n--;
	return b;
}

struct bytes
bytes_cut(struct bytes *rest, uint8_t c)
{
	size_t at = bytes_find(*rest, c);
	struct bytes head = bytes_head(*rest, at);

	*rest = at == BYTES_NOT_FOUND ? bytes_skip(*rest, rest->n) : bytes_skip(*rest, at + 1);
	return head;
}

int
bytes_to_u64(struct bytes b, uint64_t max, uint64_t *out)
{
	uint64_t v = 0;

	if (b.n == 0)
		return ERR_SYNTAX;
	for (size_t i = 0; i < b.n; i++) {
		if (!ascii_is_digit(b.p[i]))
			return ERR_SYNTAX;
	}
	for (size_t i = 0; i < b.n; i++) {
		if (__builtin_mul_overflow(v, (uint64_t)10, &v) ||
			__builtin_add_overflow(v, (uint64_t)(b.p[i] - '0'), &v))
			return ERR_LIMIT;
	}
	if (v > max)
		return ERR_LIMIT;
	*out = v;
	return ERR_OK;
}

char *
bytes_to_str(struct bytes b, char *out, size_t size)
{
	size_t n = b.n < size ? b.n : size - 1;

	ASSERT(size > 0);
	for (size_t i = 0; i < n; i++)
		out[i] = b.p[i] == 0 ? '?' : (char)b.p[i];
	out[n] = 0;
	return out;
}
