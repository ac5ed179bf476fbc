/* SPDX-License-Identifier: ISC */
/*
 * smtpd/content.h - the octets between DATA and its end, or of BDAT's chunks, on their way
 * into storage: dots unstuffed, line ends judged, trace fields counted.
 *
 * Resumable at any octet. Only CRLF ends a line and only CRLF "." CRLF ends DATA. A CR or LF
 * that isn't part of a CRLF, and a NUL, are faults: the rest is still read to its true end,
 * but nothing of it is stored, and the session refuses the message there.
 */
#ifndef RELAIS_SMTPD_CONTENT_H
#define RELAIS_SMTPD_CONTENT_H

#include "buf.h"

enum content_fault {
	CONTENT_GOOD,
	CONTENT_BARE_CR,
	CONTENT_BARE_LF,
	CONTENT_NUL,
	CONTENT_LONG_LINE,
	CONTENT_TOO_LARGE,
	CONTENT_HEADER_TOO_LARGE,
	CONTENT_LOOP,
	CONTENT_FAULTS
};

struct content_limits {
	uint64_t size_octets;
	uint64_t text_line_octets; /* with CRLF, RFC 5321 sec. 4.5.3.1.6; 0: none */
	uint64_t header_octets;    /* with the empty line; 0: none */
	uint32_t hops;             /* Received fields, sec. 6.3 */
};

struct content {
	struct content_limits limits;
	uint64_t size;        /* octets of content so far, without stuffed dots */
	uint64_t line_octets; /* of the line under way */
	uint32_t hops;
	uint8_t at;               /* enum place in content.c */
	uint8_t head_n;           /* octets in head */
	uint8_t head[9];          /* the first octets of a header line: "Received:" */
	bool in_body;             /* the empty line after the header has been */
	enum content_fault fault; /* the worst one found */
};

void content_begin(struct content *c, const struct content_limits *limits);

/*
 * The next octets of DATA; what is to be stored is put at the end of out.
 * returns: octets used; with *end all up to and with the final CRLF "." CRLF, else all
 */
MUST_USE size_t content_data(struct content *c, struct bytes in, struct buf *out, bool *end);

/* The next octets of a BDAT chunk: all are used. */
void content_chunk(struct content *c, struct bytes in, struct buf *out);

/* After the last chunk: a CR that waits for its LF is a bare one. */
void content_chunks_end(struct content *c);

#endif
