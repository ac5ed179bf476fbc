/* SPDX-License-Identifier: ISC */
/*
 * lib/proto/downgrade_plan.c - which parts of a message are encoded, and what their headers say
 * then: one walk over the parts.
 *
 * Runs in:  smtp-client.
 * Trusts:   nothing of the message.
 * Sources:  RFC 2045 sec. 6; RFC 2046 sec. 5.2; RFC 6152 sec. 3; RFC 1847 sec. 2.1; RFC 1428.
 */
#include "downgrade_plan.h"

#include "downgrade_header.h"
#include "downgrade_octets.h"
#include "err.h"
#include "mime.h"
#include "rfc5321.h"

/* --- looking ---------------------------------------------------------------------- */

bool
downgrade_is_8bit(struct bytes in)
{
	uint8_t all = 0;

	for (size_t i = 0; i < in.n; i++)
		all |= in.p[i];
	return (all & 0x80) != 0;
}

/* Does any of it not fit, whatever it is labelled? */
static bool
is_unfit(const struct downgrade *d, struct bytes b)
{
	struct downgrade_sight sight;

	if (d->to == DOWNGRADE_TO_7BIT)
		return downgrade_is_8bit(b);
	downgrade_look(b, &sight);
	return sight.binary;
}

static bool
is_labelled(const struct mime_part *p, const char *encoding)
{
	return bytes_is_nocase(p->encoding, encoding);
}

static bool
is_identity(const struct mime_part *p)
{
	return p->encoding.n == 0 || is_labelled(p, "7bit") || is_labelled(p, "8bit") ||
	       is_labelled(p, "binary");
}

/* --- segments --------------------------------------------------------------------- */

static void
add(struct downgrade *d, enum segment_kind kind, struct bytes octets)
{
	struct segment *s;

	if (octets.n == 0)
		return;
	s = arena_alloc(&d->arena, sizeof(*s));
	*s = (struct segment){ NULL, kind, octets };
	*d->end = s;
	d->end = &s->next;
}

/* What lies before `to` and is no part: delimiters, preambles, epilogues. */
static void
cover_gap(struct downgrade *d, size_t to)
{
	ASSERT(to >= d->covered);
	struct bytes gap = bytes_head(bytes_skip(d->content, d->covered), to - d->covered);
	bool unfit = d->to == DOWNGRADE_TO_7BIT && downgrade_is_8bit(gap);

	add(d, unfit ? SEGMENT_MASK : SEGMENT_RAW, gap);
	d->covered = to;
}

/* --- headers ---------------------------------------------------------------------- */

/* What a part's header is to say. */
struct header_change {
	const char *encoding; /* Content-Transfer-Encoding; NULL: as it is */
	bool encoded;         /* and the body is other than it was */
	struct bytes body;    /* of it, as it was */
};

static bool
is_message(const struct mime_part *p)
{
	return p->parent == NULL || p->parent->kind == MIME_MESSAGE;
}

/* What MIME needs to be understood: RFC 2045 sec. 4 and 5. */
static void
put_mime(struct buf *out, const struct mime_part *p, bool has_version, bool has_type,
	const struct header_change *change)
{
	if (!change->encoded)
		return;
	if (is_message(p) && !has_version)
		buf_put_str(out, "MIME-Version: 1.0\r\n");
	if (!has_type && bytes_is_nocase(p->type, "text"))
		buf_printf(out, "Content-Type: text/plain; charset=%s\r\n",
			rfc3629_is_utf8(change->body) ? "utf-8" : "unknown-8bit");
}

/* The header's fields in their new form. */
static int
put_header(const struct downgrade *d, const struct mime_part *p, struct bytes header,
	const struct header_change *change, struct buf *out)
{
	bool has_version = false, has_type = false;
	struct rfc5322_field f;
	int r = ERR_OK;

	while (r == ERR_OK && rfc5322_field_next(&header, &f)) {
		has_version = has_version || bytes_is_nocase(f.name, "MIME-Version");
		has_type = has_type || bytes_is_nocase(f.name, "Content-Type");
		if (change->encoding != NULL &&
			bytes_is_nocase(f.name, "Content-Transfer-Encoding"))
			continue;
		if (d->to == DOWNGRADE_TO_7BIT)
			r = downgrade_field(out, &f);
		else
			buf_put_bytes(out, f.raw);
	}
	if (change->encoding == NULL)
		return r;
	if (out->len > 0 && buf_bytes(out).p[out->len - 1] != '\n')
		buf_put_str(out, "\r\n");
	put_mime(out, p, has_version, has_type, change);
	buf_printf(out, "Content-Transfer-Encoding: %s\r\n", change->encoding);
	return r;
}

static int
cover_header(struct downgrade *d, const struct mime_part *p, const struct header_change *change)
{
	struct bytes header = mime_header(d->content, p), end;
	struct rfc5322_field f;
	struct buf text = BUF_INIT;
	int r;

	cover_gap(d, p->header_at);
	d->covered = p->header_at + p->header_len;
	if (change->encoding == NULL &&
		(d->to == DOWNGRADE_TO_8BIT || !downgrade_is_8bit(header))) {
		add(d, SEGMENT_RAW, header);
		return ERR_OK;
	}
	r = put_header(d, p, header, change, &text);
	for (end = header; rfc5322_field_next(&end, &f);)
		;
	buf_put_bytes(&text, end); /* the blank line */
	add(d, SEGMENT_RAW, arena_bytes(&d->arena, buf_bytes(&text)));
	buf_free(&text);
	return r;
}

/* --- parts ------------------------------------------------------------------------ */

static bool
is_type(const struct mime_part *p, const char *type, const char *subtype)
{
	return bytes_is_nocase(p->type, type) && bytes_is_nocase(p->subtype, subtype);
}

/* Types whose encoding must not be changed (RFC 2046 sec. 5.2.2, 5.2.3), or whose parts we
 * have not seen (too deep, too many, no boundary). */
static bool
is_fixed(const struct mime_part *p)
{
	return is_type(p, "message", "partial") || is_type(p, "message", "external-body") ||
	       is_type(p, "message", "rfc822") || bytes_is_nocase(p->type, "multipart");
}

static bool
is_signed(const struct mime_part *p)
{
	return is_type(p, "multipart", "signed");
}

#define FEW_ESCAPES 32

/* Quoted-printable for text unless it would grow much more than base64, and for other types where
 * it is shorter. Octets that are no text keep their line ends in base64. */
static enum segment_kind
choose(const struct mime_part *p, const struct downgrade_sight *sight, size_t n)
{
	if (bytes_is_nocase(p->type, "text"))
		return sight->escapes <= n / 3 + FEW_ESCAPES ? SEGMENT_QP : SEGMENT_BASE64;
	return !sight->binary && sight->escapes <= n / 6 ? SEGMENT_QP : SEGMENT_BASE64;
}

static int
encode_leaf(struct downgrade *d, const struct mime_part *p, struct bytes body,
	const struct downgrade_sight *sight)
{
	enum segment_kind kind = choose(p, sight, body.n);
	struct header_change change = { "base64", true, body };
	int r;

	if (is_fixed(p))
		return ERR_UNSUPPORTED;
	if (kind == SEGMENT_QP)
		change.encoding = "quoted-printable";
	r = cover_header(d, p, &change);
	add(d, kind, body);
	return r;
}

/* A body that is encoded already, or says so. */
static int
mend_leaf(struct downgrade *d, const struct mime_part *p, struct bytes body)
{
	struct header_change change = { NULL, false, BYTES_NONE };
	enum segment_kind kind = SEGMENT_RAW;

	if (d->to == DOWNGRADE_TO_7BIT && downgrade_is_8bit(body)) {
		if (is_labelled(p, "quoted-printable"))
			kind = SEGMENT_MEND;
		else if (is_labelled(p, "base64"))
			kind = SEGMENT_MASK;
		else
			return ERR_UNSUPPORTED;
	}
	int r = cover_header(d, p, &change);
	add(d, kind, body);
	return r;
}

static int
plan_leaf(struct downgrade *d, const struct mime_part *p)
{
	struct bytes body = mime_body(d->content, p);
	struct header_change change = { NULL, false, BYTES_NONE };
	bool claims = is_labelled(p, "8bit") || is_labelled(p, "binary"), unfit;
	struct downgrade_sight sight;
	int r;

	if (!is_identity(p))
		r = mend_leaf(d, p, body);
	else {
		downgrade_look(body, &sight);
		if (d->to == DOWNGRADE_TO_7BIT)
			unfit = sight.n_8bit > 0 || (claims && (sight.binary || sight.too_long));
		else
			unfit = sight.binary || (is_labelled(p, "binary") && sight.too_long);
		if (unfit)
			r = encode_leaf(d, p, body, &sight);
		else {
			if (d->to == DOWNGRADE_TO_7BIT && claims)
				change.encoding = "7bit";
			else if (d->to == DOWNGRADE_TO_8BIT && is_labelled(p, "binary"))
				change.encoding = "8bit";
			r = cover_header(d, p, &change);
			add(d, SEGMENT_RAW, body);
		}
	}
	d->covered = p->body_at + p->body_len;
	return r;
}

/* What is signed goes to the octet or not at all; the parts in it are one run of octets. */
static int
plan_signed(struct downgrade *d, const struct mime_part *p)
{
	struct header_change change = { NULL, false, BYTES_NONE };
	struct bytes body = mime_body(d->content, p);
	int r = is_unfit(d, body) ? ERR_UNSUPPORTED : cover_header(d, p, &change);

	add(d, SEGMENT_RAW, body);
	d->covered = p->body_at + p->body_len;
	return r;
}

/* A multipart's or message's own label is the largest of its parts' (RFC 2045 sec. 6.4). */
static int
begin_container(struct downgrade *d, const struct mime_part *p)
{
	struct header_change change = { NULL, false, BYTES_NONE };

	if (d->to == DOWNGRADE_TO_7BIT && (is_labelled(p, "8bit") || is_labelled(p, "binary")))
		change.encoding = "7bit";
	if (d->to == DOWNGRADE_TO_8BIT && is_labelled(p, "binary"))
		change.encoding = "8bit";
	return cover_header(d, p, &change);
}

/* What stands behind the last part. Octets that don't fit there are lost on nobody, unless it
 * belongs to parts that were not listed. */
static int
end_container(struct downgrade *d, const struct mime_part *p, size_t n_parts)
{
	size_t end = p->body_at + p->body_len;
	struct bytes rest = bytes_head(bytes_skip(d->content, d->covered), end - d->covered);

	if (n_parts >= MIME_PARTS_MAX && is_unfit(d, rest))
		return ERR_UNSUPPORTED;
	cover_gap(d, end);
	return ERR_OK;
}

/* Delimiters must stay what their parameter says, and a Content-Type that isn't ASCII changes. */
static bool
has_bad_type(const struct downgrade *d, const struct mime_part *p)
{
	struct bytes header = mime_header(d->content, p);
	struct rfc5322_field f;

	if (d->to == DOWNGRADE_TO_8BIT || p->kind != MIME_MULTIPART)
		return false;
	while (rfc5322_field_next(&header, &f))
		if (bytes_is_nocase(f.name, "Content-Type") && downgrade_is_8bit(f.raw))
			return true;
	return false;
}

static bool
is_leaf(const struct mime_part *p)
{
	return p->kind == MIME_LEAF || p->child == NULL || is_signed(p);
}

static int
plan_one(struct downgrade *d, const struct mime_part *p)
{
	if (has_bad_type(d, p))
		return ERR_UNSUPPORTED;
	if (is_signed(p))
		return plan_signed(d, p);
	if (is_leaf(p))
		return plan_leaf(d, p);
	return begin_container(d, p);
}

/* All parts in their order, without recursion. */
static int
plan_content(struct downgrade *d, const struct mime_part *root)
{
	const struct mime_part *p = root;
	size_t n = 0;
	int r;

	for (;;) {
		n++;
		r = plan_one(d, p);
		if (r == ERR_OK && !is_leaf(p)) {
			p = p->child;
			continue;
		}
		while (r == ERR_OK && p != root && p->next == NULL) {
			p = p->parent;
			r = end_container(d, p, n);
		}
		if (r < 0 || p == root)
			return r;
		p = p->next;
	}
}

/* The fields in front: not in MIME's hands. */
static int
plan_prefix(struct downgrade *d, struct bytes prefix)
{
	struct buf text = BUF_INIT;
	struct rfc5322_field f;
	int r = ERR_OK;

	if (d->to == DOWNGRADE_TO_8BIT || !downgrade_is_8bit(prefix)) {
		add(d, SEGMENT_RAW, prefix);
		return ERR_OK;
	}
	while (r == ERR_OK && rfc5322_field_next(&prefix, &f))
		r = downgrade_field(&text, &f);
	add(d, SEGMENT_RAW, arena_bytes(&d->arena, buf_bytes(&text)));
	buf_free(&text);
	return r;
}

int
downgrade_plan(struct downgrade *d, struct bytes prefix)
{
	int r = plan_prefix(d, prefix);

	if (r == ERR_OK)
		r = plan_content(d, mime_parse(&d->arena, d->content));
	if (r == ERR_OK)
		cover_gap(d, d->content.n);
	return r;
}
