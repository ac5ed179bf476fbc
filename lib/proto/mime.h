/* SPDX-License-Identifier: ISC */
/*
 * lib/proto/mime.h - the MIME structure of a message in memory (RFC 2045, 2046, 2231).
 *
 * The message is one run of octets; parts say where they lie in it by offset and length. Line
 * ends may be CRLF or LF, and all counts are of the octets given: who serves a stored
 * message with bare LFs turns them into CRLF first (rfc5322_put_crlf).
 *
 * Any input has a structure: what cannot be understood is a leaf. The time is linear in the
 * message; depth and number of parts are limited: what lies deeper is not looked
 * into, and parts beyond the number are not listed.
 */
#ifndef RELAIS_MIME_H
#define RELAIS_MIME_H

#include "arena.h"

#define MIME_DEPTH_MAX  100
#define MIME_PARTS_MAX  10000
#define MIME_PARAMS_MAX 64 /* in one field; more are left out */

enum mime_kind {
	MIME_LEAF,
	MIME_MULTIPART, /* children are its parts; there may be none */
	MIME_MESSAGE    /* message/rfc822: one child, the message in its body */
};

/* A parameter of Content-Type or Content-Disposition. The pieces of RFC 2231 continuations are
 * joined; a value in the extended form keeps it, and its name ends in '*'. */
struct mime_param {
	struct mime_param *next;
	struct bytes name, value;
};

struct mime_part {
	struct mime_part *parent; /* NULL for the message itself */
	struct mime_part *child;  /* the first one */
	struct mime_part *next;   /* sibling */
	enum mime_kind kind;

	/* In the message. A header's length counts the blank line that ends it. */
	size_t header_at, header_len, header_lines;
	size_t body_at, body_len, body_lines;

	/* Content-Type; never empty (text/plain, or message/rfc822 in a digest, if missing) */
	struct bytes type, subtype;
	struct mime_param *params;
	bool has_type; /* there was a Content-Type that could be read */

	struct bytes encoding;    /* empty if missing; blanks and comments gone, case as written */
	struct bytes id;          /* empty if missing, as are all below; unfolded */
	struct bytes description; /* encoded words as they are */
	struct bytes disposition; /* "inline", "attachment" */
	struct mime_param *disposition_params;
	struct mime_param *languages; /* Content-Language: values only */
	struct bytes location;
	struct bytes md5;
};

/* The structure of a message. Never fails; lives in the arena and points into message. */
struct mime_part *mime_parse(struct arena *a, struct bytes message);

/* The part behind p in the order of the message: its child, else the next one further out; NULL: p
 * was the last. */
static inline const struct mime_part *
mime_following(const struct mime_part *p)
{
	if (p->child != NULL)
		return p->child;
	while (p != NULL && p->next == NULL)
		p = p->parent;
	return p == NULL ? NULL : p->next;
}

/* --- sections of IMAP (RFC 3501 sec. 6.4.5) --------------------------------------- */

/*
 * The part that part numbers name ("4.2.1" is { 4, 2, 1 }): 1 of a message that is not
 * multipart is that message's own body; numbers below a message/rfc822 part are those
 * of the message in it.
 * returns: NULL if there is no such part; root if npath is 0
 */
const struct mime_part *mime_find(const struct mime_part *root, const uint32_t *path, size_t npath);

enum mime_section {
	MIME_SECTION_ALL,    /* no words: BODY[] (the whole message) or BODY[1.2] (a part's body) */
	MIME_SECTION_HEADER, /* HEADER: of the message, or of the one in a message/rfc822 part */
	MIME_SECTION_TEXT,   /* TEXT: the same one's body */
	MIME_SECTION_MIME    /* MIME: the part's own header; needs a part number */
};

struct mime_range {
	size_t at, len;
};

/*
 * Where a section lies in the message.
 * returns: ERR_OK; ERR_NOT_FOUND (no such part, or HEADER/TEXT of one that is no message);
 *          out is set to nothing then, which IMAP answers as NIL or ""
 */
MUST_USE int mime_section_range(const struct mime_part *root, const uint32_t *path, size_t npath,
	enum mime_section what, struct mime_range *out);

/* The octets of a range, a part's header, a part's body; message is what was parsed. */
static inline struct bytes
mime_range_bytes(struct bytes message, struct mime_range r)
{
	return bytes_head(bytes_skip(message, r.at), r.len);
}

static inline struct bytes
mime_header(struct bytes message, const struct mime_part *p)
{
	return bytes_head(bytes_skip(message, p->header_at), p->header_len);
}

static inline struct bytes
mime_body(struct bytes message, const struct mime_part *p)
{
	return bytes_head(bytes_skip(message, p->body_at), p->body_len);
}

/* --- parameters ------------------------------------------------------------------- */

/* A parameter's value as it stands, by name ("charset", "filename*"); BYTES_NONE without one. */
struct bytes mime_param(const struct mime_param *list, const char *name);

/* The same, in either form: the extended one ("name*") has its escapes undone, and *charset is set
 * to the charset it names (else to nothing). */
struct bytes mime_param_decoded(
	struct arena *a, const struct mime_param *list, const char *name, struct bytes *charset);

/*
 * Parse "value; name=value; ..." (Content-Type, Content-Disposition): value is the first word
 * ("text/plain" for a type, blanks around the slash gone), the rest goes to *params.
 * returns: ERR_OK; ERR_SYNTAX if there is no value
 */
MUST_USE int mime_parse_value(
	struct arena *a, struct bytes field, struct bytes *value, struct mime_param **params);

#endif
