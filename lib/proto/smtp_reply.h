/* SPDX-License-Identifier: ISC */
/*
 * lib/proto/smtp_reply.h - replies of SMTP and LMTP servers, as a client reads them.
 *
 * Octets come in pieces of any size; a reply is one or more lines "250-text", the last one
 * "250 text" or "250" (RFC 5321 sec. 4.2). Tolerated: LF without CR, codes that differ between
 * the lines (the last counts), any second digit, octets that are no ASCII. A reply that is too
 * long is an error however slowly it comes.
 *
 * Sources: RFC 5321 sec. 4.2, 4.5.3.1.5; RFC 2034 and 3463 (enhanced status codes).
 */
#ifndef RELAIS_SMTP_REPLY_H
#define RELAIS_SMTP_REPLY_H

#include "buf.h"

#define SMTP_REPLY_LINES_MAX  128
#define SMTP_REPLY_OCTETS_MAX (16u << 10) /* of all lines with their ends */
#define SMTP_ENHANCED_SIZE    12          /* "5.999.999" and its NUL, and some */

struct smtp_reply {
	struct buf lines;                  /* complete ones, each ended by '\n' alone */
	uint32_t n_lines;                  /* in lines */
	int code;                          /* of the last line: 200 to 599 */
	char enhanced[SMTP_ENHANCED_SIZE]; /* of the first line that has one; or "" */
	uint32_t octets;                   /* read so far, for the limit */
	size_t line_at;                    /* in lines: where the one being read begins */
	bool complete;
};

#define SMTP_REPLY_INIT ((struct smtp_reply){ .lines = BUF_INIT })

void smtp_reply_free(struct smtp_reply *r);
void smtp_reply_clear(struct smtp_reply *r); /* for the next one; memory is kept */

/*
 * Read on; *in is moved behind what was used. After a complete reply, clear it first.
 * returns: 1: a reply is complete; 0: *in is used up, more is needed; ERR_SYNTAX: a line that
 *          is none of a reply (it stands last in lines); ERR_LIMIT: too long
 */
MUST_USE int smtp_reply_feed(struct smtp_reply *r, struct bytes *in);

/* Nothing of a reply has come yet. */
bool smtp_reply_is_empty(const struct smtp_reply *r);

/* Cut the next line's text (behind the code) off *rest, which begins as smtp_reply_lines(). */
struct bytes smtp_reply_lines(const struct smtp_reply *r);
bool smtp_reply_next_text(struct bytes *rest, struct bytes *text);

/*
 * All lines as one for logs and notifications, at most max octets: lines are parted by a blank,
 * what is not printable ASCII becomes '?'. "550-5.1.1 No such user 550 5.1.1 here"
 */
void smtp_reply_put(struct buf *out, const struct smtp_reply *r, size_t max);

/* The same for any octets of a peer. */
void smtp_put_printable(struct buf *out, struct bytes in, size_t max);

/*
 * Octets of the enhanced status code at the front of text ("5.1.1", RFC 3463 sec. 2), whose class
 * is that of the reply code, and which a blank or the end follows; 0: there is none.
 */
size_t smtp_enhanced_length(struct bytes text, int code);

/* The enhanced code for a reply that has none, by the reply code alone (RFC 5321 sec. 4.2.2 and
 * 4.2.3, RFC 3463): "5.0.0" if nothing better is known. */
const char *smtp_enhanced_for(int code);

#endif
