/* SPDX-License-Identifier: ISC */
/*
 * lib/proto/rfc1939.h - the grammar of POP3: command lines in, multi-line replies out.
 *
 * Sources:  RFC 1939 sec. 3, 5 and 7; RFC 2449 sec. 4 (line lengths) and 8; RFC 5034 (AUTH).
 */
#ifndef RELAIS_RFC1939_H
#define RELAIS_RFC1939_H

#include "buf.h"

/* RFC 2449 sec. 4: 255 octets with CRLF; AUTH's lines may be longer (RFC 5034 sec. 4). */
#define RFC1939_LINE_MAX 2048

enum rfc1939_verb {
	POP3_UNKNOWN = 0,
	POP3_USER,
	POP3_PASS,
	POP3_AUTH,
	POP3_CAPA,
	POP3_STLS,
	POP3_QUIT,
	POP3_STAT,
	POP3_LIST,
	POP3_UIDL,
	POP3_RETR,
	POP3_TOP,
	POP3_DELE,
	POP3_RSET,
	POP3_NOOP,
	POP3_VERBS
};

struct rfc1939_command {
	enum rfc1939_verb verb;
	struct bytes name;  /* the keyword as sent */
	struct bytes text;  /* USER, PASS: all after one space. AUTH: the mechanism */
	struct bytes extra; /* AUTH: the initial response, if has_extra */
	bool has_extra;
	bool has_number; /* LIST, UIDL: a message-number is given */
	uint32_t number; /* LIST, UIDL, RETR, TOP, DELE: message-number, 1 or more */
	uint32_t lines;  /* TOP */
};

/*
 * Cut one line from the front of in. A bare LF ends a line as well: no content follows commands
 * in POP3, so nothing can be smuggled.
 *
 * out:     *line is borrowed, without its end
 * returns: octets used, > 0; 0: not whole yet; ERR_LIMIT: longer than RFC1939_LINE_MAX
 */
MUST_USE int rfc1939_line(struct bytes in, struct bytes *line);

/*
 * Parse a command line without its end. An unknown keyword is POP3_UNKNOWN and ERR_OK.
 *
 * returns: ERR_OK; ERR_SYNTAX: verb and name are set, its arguments are wrong
 */
MUST_USE int rfc1939_parse(struct bytes line, struct rfc1939_command *out);

/*
 * The body of a multi-line reply from a message's octets, fed in any pieces: a dot at the
 * start of a line is doubled (sec. 3), and for TOP the body is cut after some lines.
 */
struct rfc1939_body {
	bool line_start;    /* the next octet begins a line */
	bool last_lf;       /* the octet before was LF (or nothing was sent yet) */
	bool in_header;     /* TOP: the empty line was not seen yet */
	bool limited;       /* TOP, not RETR */
	bool line_is_empty; /* nothing but CR in this line so far */
	bool done;          /* TOP: all wanted lines were sent */
	uint32_t lines_left;
};

void rfc1939_body_start(struct rfc1939_body *b);                     /* RETR */
void rfc1939_body_start_top(struct rfc1939_body *b, uint32_t lines); /* TOP */

/* Add a piece to out: at most twice its length. Ignored when b->done. */
void rfc1939_body_add(struct rfc1939_body *b, struct bytes piece, struct buf *out);

/* The end of the last line if the message lacks it, and ".". */
void rfc1939_body_end(struct rfc1939_body *b, struct buf *out);

#endif
