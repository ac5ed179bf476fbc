/* SPDX-License-Identifier: ISC */
/*
 * lib/proto/rfc5322.h - the header of a message: fields, addresses, dates, message ids.
 *
 * Everything here takes mail as it is, not as it should be: lines may end in CRLF or a bare
 * LF, fields may lack a colon, the blank line may be missing, octets may be 8 bit. Nothing is
 * refused that can be given a meaning; results point into the input unless an arena is
 * named.
 */
#ifndef RELAIS_RFC5322_H
#define RELAIS_RFC5322_H

#include "arena.h"
#include "buf.h"

/* --- lines ------------------------------------------------------------------------ */

/* Octets of the first line of b with its line end (LF or CRLF); all of b without one. */
size_t rfc5322_line_len(struct bytes b);

/* true if a line end of b is a bare LF: stored mail written by another program. */
bool rfc5322_has_bare_lf(struct bytes b);

/* Append b to out with every bare LF turned into CRLF. */
void rfc5322_put_crlf(struct buf *out, struct bytes b);

/* --- fields ----------------------------------------------------------------------- */

struct rfc5322_field {
	struct bytes name;  /* without the colon and blanks before it; the whole line if no colon */
	struct bytes value; /* what follows the colon, still folded, without the last line end */
	struct bytes raw;   /* the whole field as it stands, with its line end */
};

/* Octets of the header of message with the blank line that ends it. Without a blank line all
 * of it is header. */
size_t rfc5322_header_len(struct bytes message);

/*
 * Cut the next field off *rest. A line that begins with a blank where no field goes before it
 * counts as a field without name; so does a line without a colon (e.g. mbox' "From ").
 * returns: false at the blank line or the end; *rest is then left as it is
 */
bool rfc5322_field_next(struct bytes *rest, struct rfc5322_field *out);

/* The first field of that name (case does not matter); false if there is none. */
bool rfc5322_field_find(struct bytes header, const char *name, struct rfc5322_field *out);

/* Unfold value into out: line ends go, the blanks that follow them stay (sec. 2.2.3); blanks at
 * both ends of the whole go. */
void rfc5322_unfold(struct buf *out, struct bytes value);

/* The same, in place if there is nothing to unfold, else copied into the arena. */
struct bytes rfc5322_unfolded(struct arena *a, struct bytes value);

/* --- addresses (sec. 3.4, obsolete forms of 4.4) ---------------------------------- */

enum rfc5322_address_kind {
	RFC5322_MAILBOX,
	RFC5322_GROUP_BEGIN, /* name only */
	RFC5322_GROUP_END
};

struct rfc5322_address {
	struct rfc5322_address *next;
	enum rfc5322_address_kind kind;
	struct bytes name;  /* display name or comment, quotes undone, encoded words as they are */
	struct bytes route; /* obs-route "@a,@b" without its colon */
	struct bytes local_part; /* quotes undone */
	struct bytes domain;     /* empty if the address has none */
	struct bytes before; /* "a@b" in front of its '<' without quotes, which is the name then */
	struct bytes more;   /* skipped behind it, if another reader may find an address there */
};

#define RFC5322_ADDRESSES_MAX 10000 /* more in one field are left out */

/*
 * The addresses of a field's value (folded or not), in order; groups as a BEGIN, the members,
 * an END. A word without an address becomes a mailbox with that local-part and no domain, several
 * words one with that name. returns: the first one, or NULL if there is none; all in the arena
 */
struct rfc5322_address *rfc5322_addresses(struct arena *a, struct bytes value);

/* --- dates (sec. 3.3 and 4.3) ----------------------------------------------------- */

struct rfc5322_date {
	int64_t utc;       /* seconds since 1970 */
	int32_t zone_secs; /* east of Greenwich; utc + zone_secs is the sender's own wall clock */
};

/* returns: ERR_OK; ERR_SYNTAX (out is then untouched) */
MUST_USE int rfc5322_parse_date(struct bytes value, struct rfc5322_date *out);

/* --- message ids (sec. 3.6.4) ----------------------------------------------------- */

/* Cut the next "<...>" off *rest (References, In-Reply-To): the id with its brackets. Words
 * between ids are skipped. false at the end. */
bool rfc5322_msgid_next(struct bytes *rest, struct bytes *id);

#endif
