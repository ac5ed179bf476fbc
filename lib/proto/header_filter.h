/* SPDX-License-Identifier: ISC */
/*
 * lib/proto/header_filter.h - Authentication-Results fields that claim to be ours and are not are
 * taken out of a message as its octets pass by (RFC 8601 sec. 5).
 *
 * A field is held back until its authserv-id is known, HEADER_FILTER_HELD octets at most: no honest
 * field needs more, so one that does is taken out, and so is one in which none can be read. Lines
 * end in CRLF; the body passes untouched.
 */
#ifndef RELAIS_HEADER_FILTER_H
#define RELAIS_HEADER_FILTER_H

#include "buf.h"

#define HEADER_FILTER_HELD 2048

struct header_filter {
	const char *authserv_id; /* ours, borrowed; case does not matter */
	struct buf held;         /* of the field that may be one */
	uint64_t removed;        /* octets */
	uint32_t fields;         /* removed */
	uint8_t state;           /* enum field_state */
	uint8_t line;            /* enum line_place */
	uint8_t looks;           /* at the value, in vain */
	bool in_body;
};

void header_filter_begin(struct header_filter *f, const char *authserv_id);

/* What out holds from the given place on is filtered: less of it may be left, and what was held
 * back before may be put in front of it. */
void header_filter_run(struct header_filter *f, struct buf *out, size_t from);

/* The message is over: what is still held back is judged, and put to out if it may stay. */
void header_filter_end(struct header_filter *f, struct buf *out);

void header_filter_free(struct header_filter *f);

#endif
