/* SPDX-License-Identifier: ISC */
/* tests/unit/proto/downgrade_check.c - see the header. */
#include "downgrade_check.h"

#include "err.h"
#include "mime.h"
#include "mime_decode.h"

static void
decoded(struct bytes message, const struct mime_part *p, struct buf *out)
{
	mime_decode(mime_encoding_of(p->encoding), mime_body(message, p), out);
}

/* Line ends aside: the last line of a part may have got its own. */
static void
check_leaf(struct bytes was, const struct mime_part *a, struct bytes is, const struct mime_part *b)
{
	struct buf before = BUF_INIT, after = BUF_INIT;

	decoded(was, a, &before);
	decoded(is, b, &after);
	ASSERT(bytes_equal(buf_bytes(&before), buf_bytes(&after)));
	buf_free(&before);
	buf_free(&after);
}

static void
check_parts(struct bytes was, struct bytes is)
{
	struct arena arena = ARENA_INIT;
	const struct mime_part *a = mime_parse(&arena, was), *b = mime_parse(&arena, is);

	while (a != NULL && b != NULL) {
		ASSERT(a->kind == b->kind);
		ASSERT((a->child == NULL) == (b->child == NULL));
		if (a->child == NULL)
			check_leaf(was, a, is, b);
		a = mime_following(a);
		b = mime_following(b);
	}
	ASSERT(a == NULL && b == NULL);
	arena_reset(&arena);
}

static void
run(struct downgrade *d, struct buf *out)
{
	bool more;

	do
		more = downgrade_next(d, out);
	while (more);
}

int
downgrade_check(struct bytes prefix, struct bytes content, enum downgrade_to to, struct buf *out)
{
	struct downgrade *d;
	struct buf again = BUF_INIT, rest = BUF_INIT;
	int r = downgrade_new(&d, prefix, content, to);

	if (r < 0) {
		ASSERT(d == NULL && r == ERR_UNSUPPORTED);
		return r;
	}
	run(d, out);
	ASSERT(out->len == downgrade_octets(d));
	(void)downgrade_next(d, &rest);
	downgrade_rewind(d);
	run(d, &again);
	ASSERT(rest.len == 0 && bytes_equal(buf_bytes(out), buf_bytes(&again)));
	ASSERT(to == DOWNGRADE_TO_8BIT || !downgrade_is_8bit(buf_bytes(out)));
	if (prefix.n == 0)
		check_parts(content, buf_bytes(out));
	downgrade_free(&d);
	buf_free(&again);
	buf_free(&rest);
	return r;
}
