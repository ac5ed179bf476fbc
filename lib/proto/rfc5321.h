/* SPDX-License-Identifier: ISC */
/*
 * lib/proto/rfc5321.h - SMTP's grammar: mailboxes, paths, domains, parameters, xtext, replies.
 *
 * Pure: octets in, values out. Everything a parser gives back points into what it was given;
 * nothing is copied, nothing need end in NUL. Sources: RFC 5321 sec. 4.1.2, 4.1.3, 4.2 and
 * 4.5.3.1; RFC 6531 sec. 3.3 (UTF-8 in addresses); RFC 3461 sec. 4 (xtext); RFC 2034.
 */
#ifndef RELAIS_RFC5321_H
#define RELAIS_RFC5321_H

#include "buf.h"

/*
 * RFC 5321 sec. 4.5.3.1 gives sizes that everybody must support, and asks for no limits where
 * possible. A local-part of over 64 octets is common (VERP, SRS), so a mailbox has one limit
 * of the whole, wide enough for UTF-8.
 */
#define RFC5321_DOMAIN_MAX       255
#define RFC5321_LABEL_MAX        63  /* RFC 1035 sec. 2.3.4 */
#define RFC5321_MAILBOX_MAX      512 /* sec. 4.5.3.1.3 has 256 with "<" and ">" */
#define RFC5321_COMMAND_LINE_MAX 512 /* sec. 4.5.3.1.4: with CRLF; extensions need more */
#define RFC5321_REPLY_LINE_MAX   512 /* sec. 4.5.3.1.5 */

enum rfc5321_flags {
	RFC5321_NULL = 1u << 0, /* "<>" is a valid (reverse-)path */
	RFC5321_POSTMASTER =
		1u << 1,        /* "<postmaster>" without a domain is a valid path, sec. 4.5.1 */
	RFC5321_UTF8 = 1u << 2, /* RFC 6531: UTF-8 in local-part and domain */
};

/* A Mailbox as it was written. */
struct mailbox {
	struct bytes text;       /* all of it; empty for the null reverse-path */
	struct bytes local_part; /* with its quotes if it is a Quoted-string */
	struct bytes domain; /* name, or address literal with its brackets; empty: "postmaster" */
	bool quoted;         /* the local-part is a Quoted-string */
	bool literal;        /* the domain is an address literal */
	bool utf8;           /* some octet is above 0x7f */
};

/* Octets of the Domain (not a literal) at the front of in: > 0; ERR_SYNTAX. */
MUST_USE int rfc5321_parse_domain(struct bytes in, unsigned flags);

/* Octets of the address literal ("[" ... "]", RFC 5321 sec. 4.1.3) at the front of in: > 0;
 * ERR_SYNTAX. IPv4 and IPv6: no other kind was ever registered. */
MUST_USE int rfc5321_parse_literal(struct bytes in);

/*
 * All of in is a Mailbox (Local-part "@" Domain or literal), or "postmaster" with
 * RFC5321_POSTMASTER. No blanks, comments or brackets.
 *
 * out:     set only on success; points into in
 * returns: ERR_OK; ERR_SYNTAX; ERR_LIMIT (too long)
 */
MUST_USE int rfc5321_parse_mailbox(struct bytes in, unsigned flags, struct mailbox *out);

/*
 * The Path ("<" [A-d-l ":"] Mailbox ">") at the front of in. A source route is checked and
 * dropped (app. C). With RFC5321_NULL "<>" is one: out is then all empty.
 *
 * out:     set only on success; points into in
 * returns: octets used, > 0; ERR_SYNTAX; ERR_LIMIT
 */
MUST_USE int rfc5321_parse_path(struct bytes in, unsigned flags, struct mailbox *out);

/* What is behind the last '@'; empty: there is none. */
struct bytes rfc5321_domain_of(struct bytes mailbox);

/* Is the name this domain, or one within it? */
MUST_USE bool rfc5321_is_within(struct bytes name, struct bytes domain);

/* The octets that the local-part stands for: without quotes and backslashes. */
void rfc5321_put_local_part(struct buf *out, const struct mailbox *m);

/*
 * The mailbox in its one shortest form: "a"@b and a@b are the same address (sec. 4.1.2), so
 * quotes stay only where they are needed. Case is kept. The null path puts nothing.
 */
void rfc5321_put_mailbox(struct buf *out, const struct mailbox *m);

/* Local-part (any octets, not quoted) as it is written in a mailbox: quoted if needed. */
void rfc5321_quote_local_part(struct buf *out, struct bytes local_part);

/* One esmtp-param of MAIL or RCPT: keyword ["=" value], sec. 4.1.2. */
struct esmtp_param {
	struct bytes keyword;
	struct bytes value;
	bool has_value;
};

/*
 * Cut the next parameter off *rest, with the blanks before it.
 * returns: 1; 0 when nothing is left; ERR_SYNTAX
 */
MUST_USE int rfc5321_next_param(struct bytes *rest, unsigned flags, struct esmtp_param *out);

/*
 * Cut the verb off a command line (without CRLF): what stands before the first blank, or all.
 * *args becomes the rest without blanks around it (trailing ones are tolerated, sec. 4.1.1).
 */
struct bytes rfc5321_cut_verb(struct bytes line, struct bytes *args);

/* xtext (RFC 3461 sec. 4): is it? Its octets, put at the end of out: ERR_OK; ERR_SYNTAX (out
 * is then as before). */
MUST_USE bool rfc3461_is_xtext(struct bytes in);
MUST_USE int rfc3461_xtext_decode(struct buf *out, struct bytes in);
void rfc3461_xtext_encode(struct buf *out, struct bytes in);

/* ORCPT's value: addr-type ";" xtext, RFC 3461 sec. 4.2; with RFC5321_UTF8 the utf-8 type of
 * RFC 6533 sec. 3. Both must be there; what the address is isn't judged. */
MUST_USE bool rfc3461_is_orcpt(struct bytes in, unsigned flags);

/* Well-formed UTF-8 (RFC 3629): shortest forms, no surrogates, nothing above U+10FFFF. */
MUST_USE bool rfc3629_is_utf8(struct bytes in);

/*
 * A reply: text may have several lines, parted by '\n'; each gets the code and, if not NULL,
 * the enhanced code (RFC 2034). Control characters become '?' and a line is cut at
 * RFC5321_REPLY_LINE_MAX, so no text can break the reply's form.
 */
void rfc5321_put_reply(struct buf *out, int code, const char *enhanced, struct bytes text);

#endif
