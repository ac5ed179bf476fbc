/* SPDX-License-Identifier: ISC */
/*
 * lib/queue/envelope.h - what belongs to a message besides its content: the envelope of
 * RFC 5321 sec. 2.3.1 with its ESMTP parameters, and where it came from.
 *
 * One form of octets serves the conversation (COMMIT) and the disk. Decoding borrows from
 * the octets given; it trusts nothing.
 */
#ifndef RELAIS_ENVELOPE_H
#define RELAIS_ENVELOPE_H

#include "arena.h"
#include "buf.h"

#define ENVELOPE_RCPT_MAX 50000 /* forward-paths of one message */
#define ENVELOPE_PATH_MAX 1024  /* octets of one path (RFC 5321: 254; room for UTF-8) */
#define ENVELOPE_TEXT_MAX 1024  /* octets of ENVID, ORCPT, HELO, names, ... */
#define ENVELOPE_SIZE_MAX (32u << 20)

enum envelope_flag {
	ENVELOPE_8BITMIME = 1,      /* BODY=8BITMIME, RFC 6152 */
	ENVELOPE_SMTPUTF8 = 2,      /* RFC 6531 */
	ENVELOPE_RET_FULL = 4,      /* RET=FULL, RFC 3461 sec. 4.3 */
	ENVELOPE_RET_HDRS = 8,      /* RET=HDRS */
	ENVELOPE_BINARYMIME = 16,   /* BODY=BINARYMIME, RFC 3030 */
	ENVELOPE_LOCAL_ORIGIN = 32, /* made on this machine (sendmail, a DSN) */
	ENVELOPE_JUNK = 64,         /* for the mailbox Junk: the author's domain wants it there */
	ENVELOPE_SENDER_AUTHENTICATED = 128, /* the reverse-path is its owner's: SPF or DKIM */
	ENVELOPE_FLAGS_ALL = 255
};

enum envelope_notify { /* RFC 3461 sec. 4.1; 0: the parameter was not given */
	ENVELOPE_NOTIFY_NEVER = 1,
	ENVELOPE_NOTIFY_SUCCESS = 2,
	ENVELOPE_NOTIFY_FAILURE = 4,
	ENVELOPE_NOTIFY_DELAY = 8,
	ENVELOPE_NOTIFY_ALL = 15
};

struct envelope_rcpt {
	struct bytes forward_path; /* local-part@domain without brackets */
	struct bytes orcpt;        /* as given, still xtext: "rfc822;a+2Bb@example.org"; or empty */
	uint32_t notify;           /* ENVELOPE_NOTIFY_* */
};

struct envelope {
	uint64_t queue_id;
	uint64_t arrival_us;       /* wall clock at MAIL, microseconds since 1970 */
	uint32_t flags;            /* ENVELOPE_* */
	struct bytes reverse_path; /* without brackets; empty: the null reverse-path */
	struct bytes envid;        /* xtext as given */
	struct bytes client_address;
	struct bytes client_name; /* empty: unknown */
	struct bytes helo;
	struct bytes protocol;   /* "ESMTP", ... as in Received, RFC 5321 sec. 4.4, RFC 3848 */
	struct bytes session_id; /* of the connection it came by */
	struct bytes login;      /* who was authenticated, or empty */
	uint32_t n_rcpts;
	struct envelope_rcpt *rcpts;
};

/* Append its octets to out. The limits above must hold (ASSERT). */
void envelope_encode(struct buf *out, const struct envelope *e);

/*
 * The whole of in, nothing left over. Strings borrow from in; e->rcpts lives in a.
 * returns: ERR_OK; ERR_SYNTAX; ERR_LIMIT; ERR_UNSUPPORTED (a later version's form)
 */
MUST_USE int envelope_decode(struct bytes in, struct arena *a, struct envelope *e);

#endif
