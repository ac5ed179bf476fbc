/* SPDX-License-Identifier: ISC */
/* lib/base/buf.c - an owned, growing run of octets. */
#include "buf.h"

#include <stdio.h>
#include <stdlib.h>

#define BUF_FIRST 256

void
buf_free(struct buf *b)
{
	if (b->secret && b->data != NULL)
		explicit_bzero(b->data, b->cap);
	free(b->data);
	*b = (struct buf){ .secret = b->secret };
}

void
buf_clear(struct buf *b)
{
	if (b->secret && b->data != NULL)
		explicit_bzero(b->data, b->start + b->len);
	b->start = b->len = 0;
}

/* What it holds, in memory of another size. */
static void
move_to(struct buf *b, size_t cap)
{
	uint8_t *fresh = xmalloc(cap);

	memcpy(fresh, b->data + b->start, b->len);
	if (b->secret)
		explicit_bzero(b->data, b->cap);
	free(b->data);
	b->data = fresh;
	b->start = 0;
	b->cap = cap;
}

uint8_t *
buf_room(struct buf *b, size_t n)
{
	size_t need, cap;

	ASSERT(n < SIZE_MAX / 4 && b->len < SIZE_MAX / 4);
	if (b->data != NULL && b->cap - b->start - b->len >= n)
		return b->data + b->start + b->len;
	need = b->len + n;
	if (b->data != NULL && b->start > 0 && need <= b->cap && b->start >= b->cap / 2) {
		memmove(b->data, b->data + b->start, b->len);
		b->start = 0;
		return b->data + b->len;
	}
	cap = b->cap < BUF_FIRST ? BUF_FIRST : b->cap;
	while (cap < need)
		cap *= 2;
	if (b->data != NULL && (b->start > 0 || b->secret)) {
		move_to(b, cap);
	} else {
		b->data = xrealloc(b->data, cap);
		b->cap = cap;
	}
	return b->data + b->len;
}

void
buf_added(struct buf *b, size_t n)
{
	ASSERT(n <= b->cap - b->start - b->len);
	b->len += n;
}

void
buf_put(struct buf *b, const void *p, size_t n)
{
	if (n == 0)
		return;
	memcpy(buf_room(b, n), p, n);
	b->len += n;
}

void
buf_put_bytes(struct buf *b, struct bytes bytes)
{
	buf_put(b, bytes.p, bytes.n);
}

void
buf_put_str(struct buf *b, const char *s)
{
	buf_put(b, s, strlen(s));
}

void
buf_put_u8(struct buf *b, uint8_t c)
{
	*buf_room(b, 1) = c;
	b->len++;
}

void
buf_vprintf(struct buf *b, const char *format, va_list ap)
{
	va_list again;
	size_t room = 128;
	int n;

	va_copy(again, ap);
	n = vsnprintf((char *)buf_room(b, room), room, format, ap);
	ASSERT(n >= 0);
	if ((size_t)n >= room)
		n = vsnprintf((char *)buf_room(b, (size_t)n + 1), (size_t)n + 1, format, again);
	va_end(again);
	b->len += (size_t)n;
}

void
buf_printf(struct buf *b, const char *format, ...)
{
	va_list ap;

	va_start(ap, format);
	buf_vprintf(b, format, ap);
	va_end(ap);
}

void
buf_put_u16(struct buf *b, uint16_t v)
{
	set_u16(buf_room(b, 2), v);
	b->len += 2;
}

void
buf_put_u32(struct buf *b, uint32_t v)
{
	set_u32(buf_room(b, 4), v);
	b->len += 4;
}

void
buf_put_u64(struct buf *b, uint64_t v)
{
	set_u64(buf_room(b, 8), v);
	b->len += 8;
}

void
buf_consume(struct buf *b, size_t n)
{
	ASSERT(n <= b->len);
	if (b->secret && n > 0)
		explicit_bzero(b->data + b->start, n);
	b->start += n;
	b->len -= n;
	if (b->len == 0)
		b->start = 0;
}

void
buf_truncate(struct buf *b, size_t n)
{
	ASSERT(n <= b->len);
	if (b->secret && b->len > n)
		explicit_bzero(b->data + b->start + n, b->len - n);
	b->len = n;
}

void
buf_shrink(struct buf *b)
{
	if (b->len == 0) {
		buf_free(b);
		return;
	}
	if (b->secret) {
		move_to(b, b->len);
		return;
	}
	if (b->start > 0)
		memmove(b->data, b->data + b->start, b->len);
	b->start = 0;
	b->data = xrealloc(b->data, b->len);
	b->cap = b->len;
}

const char *
buf_str(struct buf *b)
{
	*buf_room(b, 1) = 0;
	return (const char *)b->data + b->start;
}
