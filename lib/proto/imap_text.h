/* SPDX-License-Identifier: ISC */
/*
 * lib/proto/imap_text.h - what IMAP says about messages, in its wire form (RFC 3501 sec. 4, 7.4.2
 * and 9): strings, ENVELOPE, BODY, BODYSTRUCTURE, mailbox names, dates.
 *
 * Writers append to a buffer. Nothing they write can end a line unless it is a literal.
 */
#ifndef RELAIS_IMAP_TEXT_H
#define RELAIS_IMAP_TEXT_H

#include "buf.h"
#include "mime.h"

/* --- strings (sec. 4.3, 9) -------------------------------------------------------- */

/* A quoted string, or a literal if b has 8 bit octets, CR, LF, or is long. NULs are left out
 * of literals: IMAP has none. */
void imap_put_string(struct buf *out, struct bytes b);

/* The same, NIL if b.p is NULL (BYTES_NONE); an empty b that is not NULL is "". */
void imap_put_nstring(struct buf *out, struct bytes b);

/* An atom if b can be one, else a string. */
void imap_put_astring(struct buf *out, struct bytes b);

/* A literal: {n} CRLF and the octets. */
void imap_put_literal(struct buf *out, struct bytes b);

/* --- messages (sec. 7.4.2) -------------------------------------------------------- */

/* "(date subject from ... message-id)" of a header, with the parentheses. */
void imap_put_envelope(struct buf *out, struct bytes header);

/* BODY (extended = false) or BODYSTRUCTURE (true) of a part and all below it. Of a message made to
 * have endless ones, ENVELOPE and BODYSTRUCTURE stay below some MiB. */
void imap_put_body(
	struct buf *out, struct bytes message, const struct mime_part *part, bool extended);

/*
 * The fields of header whose names are in the list (or with except: are not), as they stand,
 * then a blank line: HEADER.FIELDS and HEADER.FIELDS.NOT.
 */
void imap_put_header_fields(struct buf *out, struct bytes header, const struct bytes *names,
	size_t nnames, bool except);

/* --- mailbox names (sec. 5.1.3) --------------------------------------------------- */

/* Modified UTF-7 from UTF-8 and back. ERR_SYNTAX: not valid (or, when decoding, not in the one
 * right form, so that a name has one spelling only); out is then as before. */
MUST_USE int imap_utf7_encode(struct buf *out, struct bytes utf8);
MUST_USE int imap_utf7_decode(struct buf *out, struct bytes utf7);

/* --- dates (sec. 9, date-time) ---------------------------------------------------- */

/* "\"21-Nov-2026 22:04:57 +0000\"", with the quotes; zone_secs is east of Greenwich.
 * (imap_parse.h reads it.) */
void imap_put_date_time(struct buf *out, int64_t utc, int32_t zone_secs);

#endif
