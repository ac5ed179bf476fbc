/* SPDX-License-Identifier: ISC */
/*
 * lib/ipc/content_source.h - where the octets of a message are that one process hands to
 * another: inside the frame itself if they are few, else in a descriptor that travels with it.
 *
 * A descriptor costs more than the copies of a few KiB: it is made, sealed, sent, installed,
 * read and closed. Which of the two it is, the message's type says.
 */
#ifndef RELAIS_CONTENT_SOURCE_H
#define RELAIS_CONTENT_SOURCE_H

#include "wire.h"

#define CONTENT_INLINE_MAX (16u << 10)

struct content_source {
	bool in_fd;
	struct bytes octets;   /* all of them, borrowed; in_fd: none */
	uint64_t offset, size; /* in_fd: where they are in it; size is right in both cases */
};

static inline struct content_source
content_inline(struct bytes octets)
{
	return (struct content_source){ .octets = octets, .size = octets.n };
}

static inline struct content_source
content_in_fd(uint64_t offset, uint64_t size)
{
	return (struct content_source){ .in_fd = true, .offset = offset, .size = size };
}

void content_source_put(struct buf *out, const struct content_source *c);

/* The reader becomes bad if there are more than CONTENT_INLINE_MAX octets, or if offset or size
 * is above max. */
struct content_source content_source_get(struct ipc_reader *in, bool in_fd, uint64_t max);

#endif
