/* SPDX-License-Identifier: ISC */
/*
 * lib/proto/imap_parse.h - the grammar of IMAP commands (RFC 3501 sec. 9; RFC 4315, 5182,
 * 6154, 6851, 2971, 9208).
 *
 * Works on one whole command as lib/proto/imap_reader.h collected it. Every imap_get_*()
 * takes one element at the parser's place and moves on; nothing is looked at twice, so the
 * time is linear. What it returns lives in the arena or is borrowed from the text.
 *
 * returns: ERR_OK; ERR_SYNTAX (tagged BAD) or ERR_LIMIT (too many, too deep; tagged BAD or NO),
 * both with p->problem set to a phrase for the client.
 */
#ifndef RELAIS_IMAP_PARSE_H
#define RELAIS_IMAP_PARSE_H

#include "arena.h"
#include "buf.h"

#define IMAP_TAG_MAX          128  /* octets */
#define IMAP_MAILBOX_MAX      1000 /* octets of a mailbox name */
#define IMAP_FLAGS_MAX        64   /* keywords in one list */
#define IMAP_SECTIONS_MAX     128  /* BODY[...] items of one FETCH */
#define IMAP_FIELDS_MAX       256  /* field names in one section */
#define IMAP_PART_DEPTH_MAX   64   /* numbers in a section's part, "1.2.3" */
#define IMAP_SET_RANGES_MAX   65536
#define IMAP_SEARCH_DEPTH_MAX 64
#define IMAP_SEARCH_KEYS_MAX  1024

struct imap_parser {
	struct bytes in; /* what is left of the text */
	struct arena *arena;
	const char *problem; /* static text, set with an error */
};

void imap_parser_init(struct imap_parser *p, struct bytes text, struct arena *arena);

/* -- words ------------------------------------------------------------------------------- */

MUST_USE int imap_get_tag(struct imap_parser *p, struct bytes *tag);
MUST_USE int imap_get_atom(struct imap_parser *p, struct bytes *atom); /* command names too */
MUST_USE int imap_get_space(struct imap_parser *p);
MUST_USE int imap_get_char(struct imap_parser *p, char c);
MUST_USE int imap_get_end(struct imap_parser *p); /* nothing follows */
bool imap_at_end(const struct imap_parser *p);
bool imap_at(const struct imap_parser *p, char c);            /* the next octet is c */
bool imap_skip_word(struct imap_parser *p, const char *word); /* taken if it is there, any case */

MUST_USE int imap_get_number(struct imap_parser *p, uint32_t *n);     /* 0 .. 2^32 - 1 */
MUST_USE int imap_get_nz_number(struct imap_parser *p, uint32_t *n);  /* 1 .. 2^32 - 1 */
MUST_USE int imap_get_string(struct imap_parser *p, struct bytes *s); /* quoted or literal */
MUST_USE int imap_get_astring(struct imap_parser *p, struct bytes *s);
MUST_USE int imap_get_nstring(struct imap_parser *p, struct bytes *s); /* NIL: s->p == NULL */

/* As on the wire (modified UTF-7); INBOX in any case comes out as "INBOX". */
MUST_USE int imap_get_mailbox(struct imap_parser *p, struct bytes *name);
MUST_USE int imap_get_list_mailbox(struct imap_parser *p, struct bytes *pattern);

/* -- flags ------------------------------------------------------------------------------- */

enum imap_flag {
	IMAP_ANSWERED = 1,
	IMAP_FLAGGED = 2,
	IMAP_DELETED = 4,
	IMAP_SEEN = 8,
	IMAP_DRAFT = 16,
	IMAP_RECENT = 32, /* never set by a client */
};

struct imap_flags {
	unsigned system; /* IMAP_ANSWERED ... */
	struct bytes *keywords;
	size_t keyword_count;
};

/* Name of one system flag bit, "\\Answered"; NULL if unknown. */
const char *imap_flag_name(enum imap_flag flag);

/* "(" [flag *(SP flag)] ")" */
MUST_USE int imap_get_flag_list(struct imap_parser *p, struct imap_flags *flags);
/* The same, or flags without parentheses (STORE). */
MUST_USE int imap_get_flags(struct imap_parser *p, struct imap_flags *flags);

/* -- sequence sets ----------------------------------------------------------------------- */

#define IMAP_STAR UINT32_MAX /* "*": the largest number in use (no client can name 2^32 - 1) */

struct imap_range {
	uint32_t first, last; /* either may be IMAP_STAR until imap_set_resolve() */
};

struct imap_set {
	struct imap_range *ranges;
	size_t count;
	bool saved; /* "$": the saved search result (RFC 5182) */
};

MUST_USE int imap_get_set(struct imap_parser *p, struct imap_set *set);

/* Replace "*" by max, put each range in order, sort and join them: then imap_set_has() is a
 * binary search. With max == 0 the set becomes empty. */
void imap_set_resolve(struct imap_set *set, uint32_t max);
bool imap_set_has(const struct imap_set *set, uint32_t n);

/* -- FETCH ------------------------------------------------------------------------------- */

enum imap_fetch_item {
	IMAP_FETCH_FLAGS = 1,
	IMAP_FETCH_UID = 2,
	IMAP_FETCH_INTERNALDATE = 4,
	IMAP_FETCH_SIZE = 8, /* RFC822.SIZE */
	IMAP_FETCH_ENVELOPE = 16,
	IMAP_FETCH_BODY = 32, /* BODYSTRUCTURE without its extension data */
	IMAP_FETCH_BODYSTRUCTURE = 64,
};

enum imap_section_text {
	IMAP_SECTION_ALL, /* BODY[] or BODY[1.2] */
	IMAP_SECTION_HEADER,
	IMAP_SECTION_FIELDS,
	IMAP_SECTION_FIELDS_NOT,
	IMAP_SECTION_TEXT,
	IMAP_SECTION_MIME,
};

struct imap_section {
	uint32_t part[IMAP_PART_DEPTH_MAX];
	unsigned depth; /* numbers in part; 0: the message itself */
	enum imap_section_text text;
	struct bytes *fields;
	size_t field_count;
	bool peek;
	bool partial; /* <offset.length> */
	uint32_t offset, length;
	struct bytes label; /* how the answer names it: "BODY[1.TEXT]<0>", "RFC822.HEADER" */
};

struct imap_fetch {
	unsigned items; /* IMAP_FETCH_* */
	struct imap_section *sections;
	size_t section_count;
};

/* A macro (ALL, FAST, FULL), one item, or a list in parentheses. */
MUST_USE int imap_get_fetch(struct imap_parser *p, struct imap_fetch *fetch);

/* -- SEARCH ------------------------------------------------------------------------------ */

enum imap_search_op {
	IMAP_SEARCH_ALL,
	IMAP_SEARCH_FLAG,    /* number: IMAP_* bit */
	IMAP_SEARCH_NOFLAG,  /* the same, not set */
	IMAP_SEARCH_NEW,     /* \Recent and not \Seen */
	IMAP_SEARCH_KEYWORD, /* text */
	IMAP_SEARCH_NOKEYWORD,
	IMAP_SEARCH_BEFORE, /* day; by internal date */
	IMAP_SEARCH_ON,
	IMAP_SEARCH_SINCE,
	IMAP_SEARCH_SENTBEFORE, /* day; by the Date field */
	IMAP_SEARCH_SENTON,
	IMAP_SEARCH_SENTSINCE,
	IMAP_SEARCH_LARGER, /* number */
	IMAP_SEARCH_SMALLER,
	IMAP_SEARCH_HEADER, /* field, text: BCC, CC, FROM, SUBJECT, TO and HEADER */
	IMAP_SEARCH_BODY,   /* text */
	IMAP_SEARCH_TEXT,
	IMAP_SEARCH_SEQUENCE, /* set */
	IMAP_SEARCH_UID,
	IMAP_SEARCH_NOT, /* child */
	IMAP_SEARCH_OR,  /* child and its next */
	IMAP_SEARCH_AND, /* child and all that follow it */
};

struct imap_search_key {
	enum imap_search_op op;
	struct imap_search_key *child, *next;
	struct bytes field, text;
	uint32_t number;
	int64_t day; /* days since 1970-01-01 */
	struct imap_set set;
};

struct imap_search {
	struct bytes charset;        /* empty: not given (US-ASCII) */
	struct imap_search_key *key; /* an IMAP_SEARCH_AND */
	size_t key_count;
};

/* [CHARSET SP astring SP] search-key *(SP search-key). Strings are as sent: not decoded. */
MUST_USE int imap_get_search(struct imap_parser *p, struct imap_search *search);

/* -- STORE, STATUS, APPEND, ID ------------------------------------------------------------- */

enum imap_store_mode {
	IMAP_STORE_SET,
	IMAP_STORE_ADD,
	IMAP_STORE_REMOVE,
};

struct imap_store {
	enum imap_store_mode mode;
	bool silent;
	struct imap_flags flags;
};

MUST_USE int imap_get_store(struct imap_parser *p, struct imap_store *store);

enum imap_status_item {
	IMAP_STATUS_MESSAGES = 1,
	IMAP_STATUS_RECENT = 2,
	IMAP_STATUS_UIDNEXT = 4,
	IMAP_STATUS_UIDVALIDITY = 8,
	IMAP_STATUS_UNSEEN = 16,
};

MUST_USE int imap_get_status_items(struct imap_parser *p, unsigned *items);

struct imap_append {
	struct bytes mailbox;
	struct imap_flags flags;
	bool has_date;
	int64_t date;  /* seconds since 1970 */
	uint64_t size; /* of the message literal */
	bool sync;     /* it is a synchronizing one */
};

/* Behind "APPEND": SP mailbox [SP flag-list] [SP date-time] SP literal, the text ending with the
 * literal's announcement.
 * returns: also > 0: the literal announced is not the message but still the mailbox name */
MUST_USE int imap_get_append(struct imap_parser *p, struct imap_append *append);

/* "(" name SP value ... ")" or NIL (RFC 2971): names and values alternate in *words; a value
 * of NIL has p == NULL. At most 30 pairs. */
MUST_USE int imap_get_id(struct imap_parser *p, struct bytes **words, size_t *count);

/* -- dates ------------------------------------------------------------------------------- */

MUST_USE int imap_get_date(struct imap_parser *p, int64_t *day); /* 1-Feb-1994, or quoted */
MUST_USE int imap_get_date_time(
	struct imap_parser *p, int64_t *time); /* "17-Jul-1996 02:44:25 -0700" */

/* -- LIST patterns ------------------------------------------------------------------------- */

/* "*" matches all, "%" all but the delimiter. Time: length of pattern times length of name. */
bool imap_list_match(struct bytes pattern, struct bytes name, char delimiter);

/* -- writing ------------------------------------------------------------------------------- */

void imap_put_set(struct buf *out, const uint32_t *numbers, size_t count); /* 1:3,5 (sorted) */

#endif
