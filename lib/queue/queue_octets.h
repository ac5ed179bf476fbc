/* SPDX-License-Identifier: ISC */
/*
 * lib/queue/queue_octets.h - reading our little-endian forms: what is short, too long or
 * over its limit makes the reader bad, and everything read after that is empty.
 */
#ifndef RELAIS_QUEUE_OCTETS_H
#define RELAIS_QUEUE_OCTETS_H

#include "buf.h"
#include "err.h"

struct octets {
	struct bytes rest;
	int err;
};

static inline struct bytes
octets_take(struct octets *o, uint64_t n)
{
	struct bytes got;

	if (o->err < 0 || n > o->rest.n || (n > 0 && o->rest.p == NULL)) {
		o->err = o->err < 0 ? o->err : ERR_SYNTAX;
		return BYTES_NONE;
	}
	got = bytes_head(o->rest, (size_t)n);
	o->rest = bytes_skip(o->rest, (size_t)n);
	return got;
}

static inline uint32_t
octets_u32(struct octets *o)
{
	struct bytes b = octets_take(o, 4);

	return b.n == 4 && b.p != NULL ? get_u32(b.p) : 0;
}

static inline uint64_t
octets_u64(struct octets *o)
{
	struct bytes b = octets_take(o, 8);

	return b.n == 8 && b.p != NULL ? get_u64(b.p) : 0;
}

/* A u32 length and so many octets, at most max of them. */
static inline struct bytes
octets_string(struct octets *o, uint32_t max)
{
	uint32_t n = octets_u32(o);

	if (o->err == 0 && n > max)
		o->err = ERR_LIMIT;
	return octets_take(o, n);
}

/* ERR_OK if all was well and nothing is left over. */
static inline int
octets_end(const struct octets *o)
{
	return o->err < 0 ? o->err : o->rest.n > 0 ? ERR_SYNTAX : ERR_OK;
}

static inline void
octets_put_string(struct buf *out, struct bytes b)
{
	buf_put_u32(out, (uint32_t)b.n);
	buf_put_bytes(out, b);
}

#endif
