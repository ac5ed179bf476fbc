/* SPDX-License-Identifier: ISC */
/*
 * tests/fuzz/fuzz_mime.c - any octets are a message: its parts lie within each other, and IMAP's
 * words for it are balanced.
 */
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include "imap_text.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static size_t
count_lf(struct bytes b)
{
	size_t n = 0;

	for (size_t i = 0; i < b.n; i++)
		n += b.p[i] == '\n';
	return n;
}

static void
check(struct bytes message, const struct mime_part *p, size_t depth)
{
	size_t at = p->body_at, end = p->body_at + p->body_len;

	ASSERT(depth <= MIME_DEPTH_MAX + 1);
	ASSERT(p->header_at + p->header_len == p->body_at && end <= message.n);
	ASSERT(p->header_lines == count_lf(mime_header(message, p)));
	ASSERT(p->body_lines == count_lf(mime_body(message, p)));
	ASSERT(p->type.n > 0 && p->subtype.n > 0);
	for (const struct mime_part *c = p->child; c != NULL; c = c->next) {
		ASSERT(c->parent == p && c->header_at >= at && c->body_at + c->body_len <= end);
		at = c->body_at + c->body_len;
		check(message, c, depth + 1);
	}
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct bytes in = bytes_make(data, size), charset;
	struct arena a = ARENA_INIT;
	struct mime_part *root = mime_parse(&a, in);
	struct buf out = BUF_INIT;
	struct mime_range range;
	uint32_t path[4];

	check(in, root, 0);
	ASSERT(root->header_len + root->body_len == size);
	mime_param_decoded(&a, root->params, "name", &charset);
	imap_put_body(&out, in, root, true);
	for (unsigned i = 0; i < 256; i++) {
		for (unsigned j = 0; j < 4; j++)
			path[j] = i >> (2 * j) & 3;
		if (mime_section_range(root, path, i % 5, (enum mime_section)(i / 5 % 4), &range) ==
			0)
			ASSERT(range.at + range.len <= size);
	}
	buf_free(&out);
	arena_reset(&a);
	return 0;
}
