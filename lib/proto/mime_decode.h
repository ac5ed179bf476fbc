/* SPDX-License-Identifier: ISC */
/*
 * lib/proto/mime_decode.h - content transfer encodings (RFC 2045 sec. 6) and encoded words
 * (RFC 2047), read as leniently as mail needs.
 */
#ifndef RELAIS_MIME_DECODE_H
#define RELAIS_MIME_DECODE_H

#include "charset.h"

enum mime_encoding {
	MIME_IDENTITY, /* 7bit, 8bit, binary, missing or unknown */
	MIME_QUOTED_PRINTABLE,
	MIME_BASE64
};

enum mime_encoding mime_encoding_of(struct bytes name);

/* A body that arrives in pieces, any cut allowed. */
struct mime_decoder {
	enum mime_encoding encoding;
	uint32_t bits; /* base64: letters of the group so far */
	uint8_t nbits; /* base64: how many bits those are */
	uint8_t nheld; /* quoted-printable: octets of an escape */
	uint8_t held[3];
	struct buf blanks; /* quoted-printable: blanks that may turn out to end the line */
};

void mime_decode_begin(struct mime_decoder *d, enum mime_encoding encoding);
void mime_decode_feed(struct mime_decoder *d, struct bytes in, struct buf *out);
void mime_decode_end(struct mime_decoder *d, struct buf *out); /* gives its memory back */

/* All at once: base64 skips what is not of its alphabet, quoted-printable keeps what is not
 * a right escape as it stands. */
void mime_decode(enum mime_encoding encoding, struct bytes in, struct buf *out);

/*
 * A field's value (folded or not) as UTF-8 text: unfolded, encoded words decoded, blanks
 * between two of them dropped (sec. 6.2). 8 bit octets are read as UTF-8 where valid,
 * else as Windows-1252. set may be NULL.
 */
void rfc2047_decode(struct charsets *set, struct bytes value, struct buf *utf8);

#endif
