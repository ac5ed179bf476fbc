/* SPDX-License-Identifier: ISC */
/*
 * smtpd/session.h - one SMTP server session, as a pure state machine.
 *
 * The client's octets go in; replies, content to be stored and log lines come out. What the
 * session can't know by itself it asks by stopping with a wait: the caller finds out, answers
 * and goes on feeding input. No socket, file or clock is touched.
 *
 *	used = smtp_session_input(s, octets, out);
 *	switch (s->wait) { ... }	the caller acts, answers, and feeds the octets left
 */
#ifndef RELAIS_SMTPD_SESSION_H
#define RELAIS_SMTPD_SESSION_H

#include "arena.h"
#include "content.h"
#include "envelope.h"
#include "header_filter.h"
#include "sasl_mechanism.h"

#define SMTP_LINE_MAX      2048 /* RFC 5321 sec. 4.5.3.1.4 has 512; MAIL and RCPT with DSN need more */
#define SMTP_AUTH_LINE_MAX 12288 /* RFC 4954 sec. 4: where AUTH is understood and not yet done */

enum smtp_state {
	SMTP_START = 1 << 0, /* no EHLO or HELO yet */
	SMTP_READY = 1 << 1, /* between mail transactions */
	SMTP_MAIL = 1 << 2,  /* a reverse-path, no recipient yet */
	SMTP_RCPT = 1 << 3,  /* at least one recipient */
	SMTP_DATA = 1 << 4,  /* content is being read, up to the lone dot */
	SMTP_CHUNK = 1 << 5, /* inside a BDAT chunk */
	SMTP_BDAT = 1 << 6,  /* between BDAT chunks */
	SMTP_AUTH = 1 << 7,  /* the next line is the client's response in an AUTH exchange */
	SMTP_ENDED = 1 << 8  /* nothing more is read */
};

/* Verbs as the session counts them, for the line at the end (and the table in session.c). */
enum smtp_verb_number {
	SMTP_VERB_EHLO,
	SMTP_VERB_HELO,
	SMTP_VERB_STARTTLS,
	SMTP_VERB_AUTH,
	SMTP_VERB_MAIL,
	SMTP_VERB_RCPT,
	SMTP_VERB_DATA,
	SMTP_VERB_BDAT,
	SMTP_VERB_RSET,
	SMTP_VERB_NOOP,
	SMTP_VERB_VRFY,
	SMTP_VERB_EXPN,
	SMTP_VERB_HELP,
	SMTP_VERB_QUIT,
	SMTP_VERB_UNKNOWN,
	SMTP_VERBS
};

/* What the caller has to do before the session reads on. */
enum smtp_wait {
	SMTP_WAIT_INPUT,     /* nothing: feed more octets */
	SMTP_WAIT_BEGIN,     /* a mail transaction: smtp_session_begin() with its queue id */
	SMTP_WAIT_RECIPIENT, /* may s->recipient be accepted? smtp_session_answer() */
	SMTP_WAIT_COMMIT,    /* make it durable: smtp_session_answer() */
	SMTP_WAIT_TLS,       /* send the replies, drop all octets received, shake hands:
				smtp_session_secured() */
	SMTP_WAIT_AUTH,      /* an AUTH exchange begins or goes on, see s->auth:
				smtp_session_challenge() or smtp_session_auth_done() */
	SMTP_WAIT_CLOSE      /* send the replies, then close */
};

/* The answer to a wait: the reply the client gets. Class 2 is yes. */
struct smtp_answer {
	int code;
	const char *enhanced;
	struct bytes text;
};

struct smtp_session;

/*
 * What is done with the header of a message on its way: header is all of it up to and with the
 * empty line (or all there is); what takes its place is put into out. s->txn->added becomes
 * fields that go in front, s->txn->senders who it is from.
 * returns: false to refuse the message, with the reply in *refusal (its text lives in the
 * transaction's arena or for ever)
 */
typedef bool smtp_header_fn(
	struct smtp_session *s, struct bytes header, struct buf *out, struct smtp_answer *refusal);

/* What all sessions of a process share; from the configuration. */
struct smtp_policy {
	const char *hostname; /* ours, RFC 5321 sec. 4.2: greeting, EHLO, Received */
	const char *service;  /* what we call ourselves in the greeting, after "ESMTP" */
	struct content_limits content;
	uint32_t recipient_limit;
	uint32_t error_limit; /* refused commands in a row without a message: 421 */
	uint32_t junk_limit;  /* NOOP, RSET, VRFY, ... without a message: 421 */
	bool strict_paths;    /* refuse blanks after "FROM:" and "TO:" */
	bool starttls;        /* understood */
	bool hide_client;     /* no "from" in the Received field */
	/* whom Authentication-Results fields of ours name: those of strangers who say so are taken
	 * out; NULL: none are */
	const char *authserv_id;
	bool tell_login; /* such a field with the login, if there is one (RFC 8601 sec. 2.7.4) */

	/* submission; else NULL and 0 */
	uint32_t mechanisms; /* sasl_mechanism_bit() set: AUTH is understood, and MAIL needs it */
	uint32_t failed_logins; /* so many: 421 */
	uint64_t header_octets; /* the largest header */
	smtp_header_fn *header;
};

/* Where the session puts what comes out; owned by the caller, who empties them. */
struct smtp_out {
	struct buf *replies; /* for the client */
	struct buf *content; /* of the message: store it before doing what s->wait says */
	struct buf *log;     /* lines, each ended by '\n' */
};

struct smtp_txn;

/* SMTP_WAIT_AUTH: what the client sent. */
struct smtp_auth {
	const struct sasl_mechanism_row *mechanism;
	bool begins;         /* the exchange; else the response is to the last challenge */
	bool has_response;   /* begins: an initial response was sent (perhaps an empty one) */
	struct buf response; /* after base64 */
};

struct smtp_session {
	const struct smtp_policy *policy;
	const char *client; /* "1.2.3.4" or "2001:db8::1" */
	const char *name;   /* of the client in the DNS, or NULL */
	const char *id;     /* of the session */
	enum smtp_state state;
	enum smtp_wait wait;
	uint64_t now_us;        /* wall clock; set by the caller before each input */
	struct bytes recipient; /* SMTP_WAIT_RECIPIENT: the mailbox in shortest form */
	struct smtp_auth auth;  /* SMTP_WAIT_AUTH */
	bool tls_ready;         /* the caller can do TLS: set before each input */
	bool clear_auth;        /* the caller's: this client may AUTH without TLS */
	bool binding;           /* the caller's: TLS gives data for channel binding */
	bool own_host;          /* the caller's: it is one of ours, its trace fields may stay */

	/* From here on the session's own. */
	char *helo;           /* NULL before EHLO or HELO */
	struct smtp_txn *txn; /* the mail transaction, NULL if there is none */
	uint64_t chunk_left;  /* octets of a BDAT chunk to come */
	uint32_t errors, junk, transactions;
	uint16_t seen[SMTP_VERBS], good[SMTP_VERBS];
	uint8_t verb; /* the last one, enum smtp_verb_number */
	bool esmtp, helo_grammatical;
	bool tls, authenticated;
	bool local;     /* a user of this machine, by the socket of sendmail(1) */
	char *tls_text; /* "TLSv1.3 with cipher ...", NULL without TLS */
	char *login;    /* who authenticated, NULL: nobody */
	char *address;  /* a local user's own */
	uint32_t failed_logins;
	bool draining;
	bool skipping;   /* a line over SMTP_LINE_MAX, up to its CRLF */
	bool skipped_cr; /* the last octet skipped was a CR */
	bool chunk_last, chunk_refused;
	enum smtp_state chunk_from; /* where a refused chunk's session goes back to */
};

/* The mail transaction under way; content and envelope are complete at SMTP_WAIT_COMMIT. */
struct smtp_txn {
	struct arena arena;
	struct envelope envelope;
	struct content content;
	char queue_id[16];
	uint64_t declared_size; /* SIZE=, 0: not given */
	uint32_t rcpts_room;
	uint32_t refused;             /* recipients */
	struct envelope_rcpt pending; /* the one being asked about */
	int store_error;              /* enum err: the content could not be stored */
	struct bytes prefix;          /* at SMTP_WAIT_COMMIT: the Received field and added ones */
	bool client_logged;

	/* with policy->header */
	struct buf header; /* gathered until it is whole */
	bool header_done;
	struct smtp_answer header_refusal; /* code 0: none */
	struct header_filter filter;       /* with policy->authserv_id, of a stranger */
	struct bytes added;
	struct bytes *senders;      /* mailboxes of From, Sender, ...: all must be the login's */
	uint32_t n_senders, author; /* author: which of them is the first of From */
};

/* client, name and id are borrowed and outlive the session. */
void smtp_session_init(struct smtp_session *s, const struct smtp_policy *policy, const char *client,
	const char *name, const char *id);
void smtp_session_free(struct smtp_session *s);

/* 220; or, to one who spoke before it, 554 and the end (RFC 5321 sec. 3.1, 4.3.1). early and
 * waited_ms are for the log: what it said, how long after its coming. */
void smtp_session_greet(struct smtp_session *s, struct smtp_out *out);
void smtp_session_early_talker(
	struct smtp_session *s, struct bytes early, uint64_t waited_ms, struct smtp_out *out);

/*
 * Feed octets. Returns how many were used; the rest comes again with the next call, and
 * together with more if s->wait is SMTP_WAIT_INPUT (a line is only read whole; at
 * SMTP_LINE_MAX octets something is always used).
 */
MUST_USE size_t smtp_session_input(struct smtp_session *s, struct bytes in, struct smtp_out *out);

/* Answer SMTP_WAIT_BEGIN. */
void smtp_session_begin(struct smtp_session *s, uint64_t queue_id, struct smtp_out *out);

/* Answer BEGIN (only to refuse), RECIPIENT or COMMIT. */
void smtp_session_answer(
	struct smtp_session *s, const struct smtp_answer *answer, struct smtp_out *out);

/* The handshake is done (STARTTLS, or at the beginning of the connection): the session begins
 * anew. text: tls_describe(). */
void smtp_session_secured(struct smtp_session *s, const char *text, struct smtp_out *out);

/* It is a user of this machine, whom the kernel named: login needs no AUTH. address: what he
 * sends as, for sendmail(1). Before the greeting. */
void smtp_session_local(struct smtp_session *s, struct bytes login, struct bytes address);

/* Answer SMTP_WAIT_AUTH with a challenge. */
void smtp_session_challenge(struct smtp_session *s, struct bytes challenge, struct smtp_out *out);

/* Answer SMTP_WAIT_AUTH at the end of the exchange: 235 with the login, or a refusal; login is
 * then what the client claimed, for the log (perhaps nothing), and why the reason. */
void smtp_session_auth_done(struct smtp_session *s, const struct smtp_answer *answer,
	struct bytes login, const char *why, struct smtp_out *out);

/* The content could not be stored: the message is refused at its end, which is now if s->wait
 * is SMTP_WAIT_COMMIT. */
void smtp_session_store_failed(struct smtp_session *s, int err, struct smtp_out *out);

/* The client was silent too long: 421 and the end. */
void smtp_session_timeout(struct smtp_session *s, struct smtp_out *out);

/* The service stops: 421 now, or when the transaction under way has ended. */
void smtp_session_drain(struct smtp_session *s, struct smtp_out *out);

/* The connection broke or ends: the log's "lost connection" if it wasn't in order. */
void smtp_session_lost(struct smtp_session *s, struct smtp_out *out);

/* "ehlo=1 mail=1 rcpt=0/1 commands=2/3" */
void smtp_session_put_counts(const struct smtp_session *s, struct buf *out);

#endif
