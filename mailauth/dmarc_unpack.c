/* SPDX-License-Identifier: ISC */
/*
 * mailauth/dmarc_unpack.c - aggregate reports out of messages, gzip and zip; see dmarc_read.h.
 *
 * Sources:  RFC 1952 (gzip), PKWARE's APPNOTE 4.3.7 (zip: the local headers are enough, since a
 *           report's archive has one file), RFC 9990 sec. 3.5.
 */
#include <zlib.h>

#include "arena.h"
#include "dmarc_read.h"
#include "mime.h"
#include "mime_decode.h"

#define PIECE        (64u << 10)
#define GZIP_BITS    (15 + 16)
#define RAW_BITS     (-15)
#define ZIP_HEADER   30u
#define ZIP_STORED   0
#define ZIP_DEFLATED 8

/* used: octets of packed that it took; left: how many may come out, changed with it */
static int
inflate_all(struct bytes packed, int bits, struct buf *out, size_t *used, size_t *left)
{
	const size_t max = *left < DMARC_READ_XML_MAX ? *left : DMARC_READ_XML_MAX;
	z_stream z = { 0 };
	int r;

	if (packed.n > DMARC_READ_MESSAGE_MAX || inflateInit2(&z, bits) != Z_OK)
		return ERR_LIMIT;
	z.next_in = (z_const Bytef *)(uintptr_t)packed.p;
	z.avail_in = (uInt)packed.n;
	do {
		z.next_out = buf_room(out, PIECE);
		z.avail_out = PIECE;
		r = inflate(&z, Z_NO_FLUSH);
		buf_added(out, PIECE - z.avail_out);
	} while (r == Z_OK && out->len <= max);
	*used = packed.n - z.avail_in;
	inflateEnd(&z);
	*left -= out->len < *left ? out->len : *left;
	if (out->len > max)
		return ERR_LIMIT;
	return r == Z_STREAM_END ? ERR_OK : ERR_SYNTAX;
}

static bool
is_xml(struct bytes b)
{
	static const struct bytes bom = { (const uint8_t *)"\xef\xbb\xbf", 3 };

	if (bytes_starts_with(b, bom))
		b = bytes_skip(b, bom.n);
	b = bytes_trim(bytes_head(b, 256));
	return b.n > 0 && b.p[0] == '<';
}

/* One file of the archive at the front of *rest. ERR_NOT_FOUND: no more files */
static int
next_file(struct bytes *rest, struct buf *out, size_t *left)
{
	const uint8_t *h = rest->p;
	size_t head, used = 0;
	struct bytes data;
	int r = ERR_OK;

	if (rest->n < ZIP_HEADER || memcmp(h, "PK\3\4", 4) != 0)
		return ERR_NOT_FOUND;
	head = ZIP_HEADER + get_u16(h + 26) + get_u16(h + 28);
	if (head > rest->n || (get_u16(h + 6) & 1) != 0) /* encrypted */
		return ERR_SYNTAX;
	data = bytes_skip(*rest, head);
	if (get_u16(h + 8) == ZIP_DEFLATED) {
		r = inflate_all(data, RAW_BITS, out, &used, left);
	} else if (get_u16(h + 8) == ZIP_STORED && get_u32(h + 18) <= data.n) {
		used = get_u32(h + 18);
		buf_put_bytes(out, bytes_head(data, used));
	} else {
		r = ERR_UNSUPPORTED;
	}
	*rest = bytes_skip(data, used);
	/* sizes may follow, with or without a signature */
	if ((get_u16(h + 6) & 8) != 0)
		*rest = bytes_skip(
			*rest, bytes_starts_with(*rest, BYTES_LITERAL("PK\7\10")) ? 16 : 12);
	return r;
}

static int
unzip(struct bytes packed, struct buf *xml, size_t *left)
{
	int r;

	for (unsigned files = 0; files < 16; files++) {
		buf_clear(xml);
		if ((r = next_file(&packed, xml, left)) < 0)
			return r == ERR_NOT_FOUND ? ERR_UNSUPPORTED : r;
		if (is_xml(buf_bytes(xml)))
			return ERR_OK;
	}
	return ERR_UNSUPPORTED;
}

static int
unpack(struct bytes packed, struct buf *xml, size_t *left)
{
	size_t used;

	buf_clear(xml);
	if (bytes_starts_with(packed, BYTES_LITERAL("\x1f\x8b")))
		return inflate_all(packed, GZIP_BITS, xml, &used, left);
	if (bytes_starts_with(packed, BYTES_LITERAL("PK\3\4")))
		return unzip(packed, xml, left);
	if (!is_xml(packed))
		return ERR_UNSUPPORTED;
	if (packed.n > DMARC_READ_XML_MAX)
		return ERR_LIMIT;
	buf_put_bytes(xml, packed);
	return ERR_OK;
}

int
dmarc_read_unpack(struct bytes packed, struct buf *xml)
{
	size_t left = DMARC_READ_XML_MAX;

	return unpack(packed, xml, &left);
}

/* ---- messages ---- */

struct parts {
	struct bytes message;
	dmarc_read_fn *fn;
	void *arg;
	int documents;
	int err;     /* of the last that could not be read */
	size_t left; /* octets that may yet come out of all parts */
	struct buf packed, xml;
};

/* Text for people is no report, whatever it begins with. */
static bool
may_be_report(const struct mime_part *p)
{
	return p->kind == MIME_LEAF &&
	       !(bytes_is_nocase(p->type, "text") && !bytes_is_nocase(p->subtype, "xml"));
}

static void
read_part(struct parts *s, const struct mime_part *p)
{
	int r;

	buf_clear(&s->packed);
	mime_decode(mime_encoding_of(p->encoding), mime_body(s->message, p), &s->packed);
	r = unpack(buf_bytes(&s->packed), &s->xml, &s->left);
	if (r == ERR_UNSUPPORTED)
		return; /* a picture */
	if (r == ERR_OK)
		r = dmarc_read_xml(buf_bytes(&s->xml), s->fn, s->arg);
	if (r < 0)
		s->err = r;
	else
		s->documents++;
}

int
dmarc_read_message(struct bytes message, dmarc_read_fn *fn, void *arg)
{
	struct parts s = { .message = message,
		.fn = fn,
		.arg = arg,
		.err = ERR_NOT_FOUND,
		.left = DMARC_READ_UNPACKED_MAX };
	struct arena a = ARENA_INIT;

	if (message.n > DMARC_READ_MESSAGE_MAX)
		return ERR_LIMIT;
	for (const struct mime_part *p = mime_parse(&a, message); p != NULL; p = mime_following(p))
		if (may_be_report(p) && s.left > 0)
			read_part(&s, p);
	arena_reset(&a);
	buf_free(&s.packed);
	buf_free(&s.xml);
	return s.documents > 0 ? s.documents : s.err;
}
