/* SPDX-License-Identifier: ISC */
/*
 * lib/proto/imap_reader.h - cuts the client's octets into whole IMAP commands, resumable
 * at any octet.
 *
 * A command is a line, or several with literals between them ({n} synchronizing, {n+} not,
 * RFC 7888). The reader looks at each octet once. When it says IMAP_READ_COMMAND the whole
 * text (literals in place, announcements too) is in text, for imap_parse.h.
 *
 * Each literal is announced (IMAP_READ_LITERAL) before its octets are taken, and the owner
 * decides: keep it as a part of the text, stream it (a message: APPEND), or drop it.
 * A quoted string cannot hold a line end, so "{5}" within quotes announces nothing.
 * Lines may end in CRLF or in a bare LF: nothing but the next command follows from it.
 */
#ifndef RELAIS_IMAP_READER_H
#define RELAIS_IMAP_READER_H

#include "buf.h"

/* What is kept of the beginning and the end of a command that is being dropped. */
#define IMAP_READER_HEAD 256
#define IMAP_READER_TAIL 64

enum imap_read {
	IMAP_READ_MORE = 0,  /* all octets are used up; come back with more */
	IMAP_READ_COMMAND,   /* text is a whole command, without its last line end */
	IMAP_READ_LITERAL,   /* text ends in an announcement: call one of the three answers below */
	IMAP_READ_DATA,      /* data: octets of a streamed literal, borrowed from the input */
	IMAP_READ_DATA_END,  /* the streamed literal is complete; its line goes on */
	IMAP_READ_TOO_LONG,  /* over the limit; the line was skipped; text has its first octets */
	IMAP_READ_TOO_LARGE, /* a literal was dropped and the rest of its command skipped */
};

enum imap_read_state {
	IMAP_READING_LINE,
	IMAP_READING_LITERAL, /* kept in text */
	IMAP_READING_STREAM,  /* handed out */
	IMAP_READING_DISCARD, /* dropped */
	IMAP_READING_ANSWER,  /* a literal was announced, the owner has not answered */
	IMAP_READING_DONE,    /* text is a command; imap_reader_next() goes on */
};

struct imap_reader {
	struct buf text;       /* the command so far */
	size_t limit;          /* of text, in octets */
	struct bytes data;     /* IMAP_READ_DATA */
	uint64_t literal_size; /* IMAP_READ_LITERAL: what was announced */
	bool literal_sync;     /* the client waits for "+" */
	size_t literal_at;     /* offset of its "{" in text */

	/* private */
	enum imap_read_state state;
	uint64_t left;  /* octets of the literal still to come */
	bool quoted;    /* within a quoted string */
	bool escaped;   /* behind its backslash */
	size_t line_at; /* offset in text of what stands behind the last literal */
	bool too_long;  /* refused because of the line, not of a literal */
	bool too_large; /* the command is to be refused at its end */
};

void imap_reader_init(struct imap_reader *r, size_t limit);
void imap_reader_free(struct imap_reader *r);

/* Use octets of *in (advancing it) up to the next event. */
MUST_USE enum imap_read imap_reader_feed(struct imap_reader *r, struct bytes *in);

/* The answers to IMAP_READ_LITERAL. keep: it must fit the limit, else the same as discard.
 * discard: the octets (of a literal that comes anyway: not synchronizing) are dropped, then the
 * rest of the command; IMAP_READ_TOO_LARGE follows. A synchronizing literal that is refused
 * never comes: imap_reader_next(). */
MUST_USE int imap_reader_keep(struct imap_reader *r); /* ERR_LIMIT: does not fit, not kept */
void imap_reader_stream(struct imap_reader *r);
void imap_reader_discard(struct imap_reader *r);

/* Begin the next command: text is emptied. Call after COMMAND, TOO_LONG, TOO_LARGE, and after
 * LITERAL when a synchronizing one is refused. */
void imap_reader_next(struct imap_reader *r);

/* Between two commands, nothing half read. */
bool imap_reader_idle(const struct imap_reader *r);

#endif
