/* SPDX-License-Identifier: ISC */
/*
 * lib/proto/downgrade.c - a message as 7-bit MIME: the plan, and the octets that follow from it.
 *
 * The plan is a list of segments that cover the message: as it is, in another text (headers),
 * or encoded. Making it walks over the parts once; carrying it out needs no memory of the
 * message's size.
 *
 * Runs in:  smtp-client.
 * Trusts:   nothing of the message.
 * Sources:  RFC 2045 sec. 6; RFC 2046 sec. 5.2; RFC 6152 sec. 3; RFC 1847 sec. 2.1; RFC 1428.
 */
#include "downgrade.h"

#include <stdlib.h>

#include "downgrade_octets.h"
#include "downgrade_plan.h"
#include "err.h"
#include "mime.h"

#define PIECE 16384 /* of input, in one step */

/* --- carrying it out -------------------------------------------------------------- */

void
downgrade_rewind(struct downgrade *d)
{
	d->now = d->first;
	d->done = 0;
	d->column = 0;
}

static size_t
put_piece(struct downgrade *d, struct bytes left, struct buf *out)
{
	struct bytes piece = bytes_head(left, PIECE);

	switch (d->now->kind) {
	case SEGMENT_MASK:
		downgrade_put_mask(out, piece);
		break;
	case SEGMENT_MEND:
		downgrade_put_mended(out, piece);
		break;
	case SEGMENT_QP:
		return downgrade_put_qp(&d->column, left, PIECE, out);
	case SEGMENT_BASE64:
		/* behind the last line a delimiter's CRLF follows, or nothing does */
		return downgrade_put_base64(left, PIECE, out,
			d->now->octets.p + d->now->octets.n == d->content.p + d->content.n);
	default:
		buf_put_bytes(out, piece);
		break;
	}
	return piece.n;
}

bool
downgrade_next(struct downgrade *d, struct buf *out)
{
	size_t before = out->len;

	while (d->now != NULL && out->len - before < PIECE) {
		struct bytes left = bytes_skip(d->now->octets, d->done);

		d->done += put_piece(d, left, out);
		if (d->done == d->now->octets.n) {
			d->now = d->now->next;
			d->done = 0;
			d->column = 0;
		}
	}
	return d->now != NULL;
}

/* What is encoded is encoded once for this; the rest keeps its size. */
static void
count(struct downgrade *d)
{
	struct buf piece = BUF_INIT;

	for (struct segment *s = d->first; s != NULL; s = s->next) {
		if (s->kind == SEGMENT_RAW || s->kind == SEGMENT_MASK) {
			d->octets += s->octets.n;
			continue;
		}
		d->now = s;
		d->done = d->column = 0;
		while (d->done < s->octets.n) {
			d->done += put_piece(d, bytes_skip(s->octets, d->done), &piece);
			d->octets += piece.len;
			buf_clear(&piece);
		}
	}
	buf_free(&piece);
	downgrade_rewind(d);
}

/* --- life ------------------------------------------------------------------------- */

int
downgrade_new(
	struct downgrade **dp, struct bytes prefix, struct bytes content, enum downgrade_to to)
{
	struct downgrade *d = xcalloc(1, sizeof(*d));
	int r;

	d->content = content;
	d->to = to;
	d->end = &d->first;
	r = downgrade_plan(d, prefix);
	if (r == ERR_OK)
		count(d);
	else
		downgrade_free(&d);
	*dp = d;
	return r;
}

void
downgrade_free(struct downgrade **dp)
{
	struct downgrade *d = *dp;

	*dp = NULL;
	if (d == NULL)
		return;
	arena_reset(&d->arena);
	free(d);
}

uint64_t
downgrade_octets(const struct downgrade *d)
{
	return d->octets;
}

bool
downgrade_header_is_8bit(struct bytes prefix, struct bytes content)
{
	struct arena arena = ARENA_INIT;
	const struct mime_part *root, *p;
	bool found = downgrade_is_8bit(prefix);

	root = mime_parse(&arena, content);
	for (p = root; !found;) {
		found = downgrade_is_8bit(mime_header(content, p));
		if (p->child != NULL) {
			p = p->child;
			continue;
		}
		while (p != root && p->next == NULL)
			p = p->parent;
		if (p == root)
			break;
		p = p->next;
	}
	arena_reset(&arena);
	return found;
}
