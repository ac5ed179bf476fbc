/* SPDX-License-Identifier: ISC */
/* lib/ipc/wire.c - fields of message bodies. */
#include "wire.h"

#include "err.h"

static const uint8_t *
take(struct ipc_reader *r, size_t n)
{
	const uint8_t *p = r->in.p;

	if (r->bad || r->in.n < n) {
		r->bad = true;
		return NULL;
	}
	r->in = bytes_skip(r->in, n);
	return p;
}

uint8_t
ipc_get_u8(struct ipc_reader *r)
{
	const uint8_t *p = take(r, 1);

	return p == NULL ? 0 : *p;
}

uint16_t
ipc_get_u16(struct ipc_reader *r)
{
	const uint8_t *p = take(r, 2);

	return p == NULL ? 0 : get_u16(p);
}

uint32_t
ipc_get_u32(struct ipc_reader *r)
{
	const uint8_t *p = take(r, 4);

	return p == NULL ? 0 : get_u32(p);
}

uint64_t
ipc_get_u64(struct ipc_reader *r)
{
	const uint8_t *p = take(r, 8);

	return p == NULL ? 0 : get_u64(p);
}

struct bytes
ipc_get_bytes(struct ipc_reader *r, size_t max)
{
	size_t n = ipc_get_u32(r);
	const uint8_t *p;

	if (n > max)
		r->bad = true;
	p = take(r, n);
	return p == NULL ? BYTES_NONE : bytes_make(p, n);
}

struct bytes
ipc_get_text(struct ipc_reader *r, size_t max)
{
	struct bytes b = ipc_get_bytes(r, max);

	for (size_t i = 0; i < b.n; i++)
		if (b.p[i] < 0x20 || b.p[i] == 0x7f)
			r->bad = true;
	return b;
}

unsigned
ipc_get_enum(struct ipc_reader *r, unsigned count)
{
	unsigned v = ipc_get_u8(r);

	if (v >= count)
		r->bad = true;
	return r->bad ? 0 : v;
}

#define WIRE_ERR_MAX 999

int
ipc_get_err(struct ipc_reader *r)
{
	const uint32_t v = ipc_get_u32(r);

	if (v <= WIRE_ERR_MAX)
		return -(int)v;
	r->bad = true;
	return 0;
}

void
ipc_put_err(struct buf *out, int err)
{
	ASSERT(err <= 0 && err >= -WIRE_ERR_MAX);
	buf_put_u32(out, (uint32_t)-err);
}

int
ipc_finish(struct ipc_reader *r)
{
	return r->bad || r->in.n != 0 ? ERR_SYNTAX : ERR_OK;
}

void
ipc_put_bytes(struct buf *out, struct bytes b)
{
	ASSERT(b.n <= UINT32_MAX);
	buf_put_u32(out, (uint32_t)b.n);
	buf_put_bytes(out, b);
}

int
ipc_empty_decode(struct ipc_reader *in, void *m)
{
	UNUSED(m);
	return ipc_finish(in);
}
