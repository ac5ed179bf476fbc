/* SPDX-License-Identifier: ISC */
/*
 * lib/base/buf.h - an owned, growing run of octets, written at the end and consumed at
 * the front.
 *
 * A buffer is a value in its owner: BUF_INIT, then buf_free() at the end. It has no limit
 * of its own: whoever feeds it from outside checks the size first.
 */
#ifndef RELAIS_BUF_H
#define RELAIS_BUF_H

#include <stdarg.h>

#include "bytes.h"

struct buf {
	uint8_t *data; /* the memory */
	size_t start;  /* consumed octets at the front */
	size_t len;    /* octets held, after start */
	size_t cap;
	bool secret; /* nothing of it stays in memory that is given back, or reused */
};

#define BUF_INIT   ((struct buf){ NULL, 0, 0, 0, false })
#define BUF_SECRET ((struct buf){ NULL, 0, 0, 0, true }) /* passwords may pass through it */

/* What it holds; borrowed until the next change. */
static inline struct bytes
buf_bytes(const struct buf *b)
{
	if (b->data == NULL && b->len > 0)
		__builtin_unreachable(); /* for analysers; checked by UBSan */
	return (struct bytes){ b->data == NULL ? NULL : b->data + b->start, b->len };
}

void buf_free(struct buf *b);  /* gives the memory back; the buffer is empty and usable again */
void buf_clear(struct buf *b); /* empty, memory kept */

/* Room for n more octets; where to write them. Follow with buf_added(). */
uint8_t *buf_room(struct buf *b, size_t n);
void buf_added(struct buf *b, size_t n);

void buf_put(struct buf *b, const void *p, size_t n);
void buf_put_bytes(struct buf *b, struct bytes bytes);
void buf_put_str(struct buf *b, const char *s);
void buf_put_u8(struct buf *b, uint8_t c);
void buf_printf(struct buf *b, const char *format, ...) PRINTF_LIKE(2, 3);
void buf_vprintf(struct buf *b, const char *format, va_list ap) PRINTF_LIKE(2, 0);

/* Little-endian integers: every format of ours on disk and between processes. */
void buf_put_u16(struct buf *b, uint16_t v);
void buf_put_u32(struct buf *b, uint32_t v);
void buf_put_u64(struct buf *b, uint64_t v);

/* Drop n octets at the front (n <= len). */
void buf_consume(struct buf *b, size_t n);

/* Keep the first n octets only (n <= len). */
void buf_truncate(struct buf *b, size_t n);

/* Give memory back down to what is held (an idle connection holds none). */
void buf_shrink(struct buf *b);

/* What it holds as a C string (a NUL is put behind it, not counted). Borrowed. */
const char *buf_str(struct buf *b);

/* Little-endian reads, for parsers of our own formats; p has that many octets. */
static inline uint16_t
get_u16(const uint8_t *p)
{
	return (uint16_t)(p[0] | p[1] << 8);
}

static inline uint32_t
get_u32(const uint8_t *p)
{
	return (uint32_t)p[0] | (uint32_t)p[1] << 8 | (uint32_t)p[2] << 16 | (uint32_t)p[3] << 24;
}

static inline uint64_t
get_u64(const uint8_t *p)
{
	return (uint64_t)get_u32(p) | (uint64_t)get_u32(p + 4) << 32;
}

static inline void
set_u16(uint8_t *p, uint16_t v)
{
	p[0] = (uint8_t)v;
	p[1] = (uint8_t)(v >> 8);
}

static inline void
set_u32(uint8_t *p, uint32_t v)
{
	for (int i = 0; i < 4; i++)
		p[i] = (uint8_t)(v >> (8 * i));
}

static inline void
set_u64(uint8_t *p, uint64_t v)
{
	for (int i = 0; i < 8; i++)
		p[i] = (uint8_t)(v >> (8 * i));
}

#endif
