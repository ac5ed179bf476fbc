/* SPDX-License-Identifier: ISC */
/* lib/ipc/content_source.c - content in a message's body, or where in its descriptor. Pure. */
#include "content_source.h"

void
content_source_put(struct buf *out, const struct content_source *c)
{
	if (!c->in_fd) {
		ASSERT(c->octets.n <= CONTENT_INLINE_MAX && c->size == c->octets.n);
		ipc_put_bytes(out, c->octets);
		return;
	}
	buf_put_u64(out, c->offset);
	buf_put_u64(out, c->size);
}

struct content_source
content_source_get(struct ipc_reader *in, bool in_fd, uint64_t max)
{
	struct content_source c;

	if (!in_fd)
		return content_inline(ipc_get_bytes(in, CONTENT_INLINE_MAX));
	c = content_in_fd(ipc_get_u64(in), 0);
	c.size = ipc_get_u64(in);
	if (c.offset > max || c.size > max)
		in->bad = true;
	return c;
}
