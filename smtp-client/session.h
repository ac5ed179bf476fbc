/* SPDX-License-Identifier: ISC */
/*
 * smtp-client/session.h - one connection to an SMTP or LMTP server, as a pure state machine.
 *
 * The peer's octets go in; octets for the peer come out, and what the caller has to do. No
 * socket, file or clock is touched. A session carries one job (a message and its recipients of
 * this next hop) after another. The caller's loop, after every call of a function below:
 *
 *	write what client_session_output() has, tell client_session_sent()
 *	switch (client_session_want(s)) {
 *	case CLIENT_WANT_READ:    wait for octets, the peer's end, or the deadline
 *	case CLIENT_WANT_CONTENT: the same; and if client_session_room() > 0, read that much more of
 *	                          the content at client_session_offset(), client_session_content()
 *	case CLIENT_WANT_WHOLE:   client_session_whole(): all of the content at once
 *	case CLIENT_WANT_TLS:     drop unread octets, shake hands: client_session_secured()
 *	                          or client_session_tls_failed()
 *	case CLIENT_WANT_DONE:    take client_session_result(), then client_session_finish()
 *	case CLIENT_WANT_JOB:     idle: client_session_job() or client_session_quit(); watch for
 *	                          octets and the peer's end
 *	case CLIENT_WANT_CLOSE:   over. Close without waiting for anything; then
 *client_session_free()
 *	}
 *
 * Every recipient of a job has exactly one result, whatever the peer does.
 *
 * Runs in:  smtp-client.
 * Trusts:   the caller; nothing of the peer.
 * Sources:  RFC 5321, 2033 (LMTP), 2920 (PIPELINING), 1870 (SIZE), 6152 (8BITMIME), 3030
 *           (CHUNKING, BINARYMIME), 6531 (SMTPUTF8), 3461 (DSN), 3207 (STARTTLS), 4954 (AUTH),
 *           2034 and 3463 (enhanced status codes). docs/outbound.md has the table of errors.
 */
#ifndef RELAIS_CLIENT_SESSION_H
#define RELAIS_CLIENT_SESSION_H

#include "outbound_msg.h"
#include "sasl_mechanism.h"

#define CLIENT_CHUNK_MAX (64u << 10) /* the most that client_session_room() ever asks for */
#define CLIENT_CODE_SIZE 12          /* of "5.999.999", with its NUL */

enum client_want {
	CLIENT_WANT_READ,
	CLIENT_WANT_CONTENT,
	CLIENT_WANT_WHOLE,
	CLIENT_WANT_TLS,
	CLIENT_WANT_DONE,
	CLIENT_WANT_JOB,
	CLIENT_WANT_CLOSE
};

/* What this one host must do; the caller has turned "dane" of a host without secure TLSA records
 * into what holds then. */
enum client_tls {
	CLIENT_TLS_NONE,    /* STARTTLS isn't used */
	CLIENT_TLS_MAY,     /* used if offered; if it fails: CLIENT_RETRY_PLAIN */
	CLIENT_TLS_ENCRYPT, /* no mail without it, whoever the peer is */
	CLIENT_TLS_VERIFY   /* the peer must be authenticated (by CA or DANE) */
};

/* Time-outs in seconds, RFC 5321 sec. 4.5.3.2. */
struct client_timeouts {
	uint32_t greeting, helo, starttls, auth, mail, rcpt, data, block, end, rset, quit;
};

#define CLIENT_TIMEOUTS_DEFAULT                                                                    \
	((struct client_timeouts){ 300, 300, 300, 300, 300, 300, 120, 180, 600, 20, 5 })

/* Of one connection. All is borrowed and outlives the session. */
struct client_policy {
	const char *helo;     /* our name, or address literal */
	const char *peer;     /* for texts: "mx.example[192.0.2.1]", with ":587" if it isn't 25 */
	const char *own_name; /* a peer that calls itself so is us: a loop. NULL: not looked at */
	bool lmtp;
	bool wrapped; /* implicit TLS: begin with the handshake (CLIENT_WANT_TLS) */
	enum client_tls tls;
	struct bytes login, password; /* login empty: no AUTH; else no mail without it */
	uint32_t mechanisms;          /* sasl_mechanism_bit() set; 0: all */
	bool clear_auth;              /* the password may go without TLS (loopback, LMTP) */
	bool pipelining;              /* used if offered */
	bool chunking;                /* BDAT if offered; else only for BINARYMIME */
	uint32_t transactions_max;    /* of this connection; then QUIT. 0: no limit */
	struct client_timeouts timeouts;
};

/* A job. What it points to is borrowed until client_session_finish(). */
struct client_job {
	uint32_t flags;            /* OUTBOUND_* */
	struct bytes reverse_path; /* without < >; empty is the null reverse-path */
	struct bytes envid;        /* xtext, or empty */
	struct bytes prefix;       /* fields in front of the content */
	struct bytes content;      /* all of it; or none, then it is asked for in chunks: */
	uint64_t content_octets;   /* how many it has, without the prefix; always set */
	uint32_t n_rcpts;          /* 1 to OUTBOUND_RCPTS_MAX */
	const struct outbound_rcpt *rcpts;
};

/* Whose an error is, so what it says of other attempts. */
enum client_scope {
	CLIENT_SCOPE_NONE,       /* no error */
	CLIENT_SCOPE_RECIPIENT,  /* this recipient of this message */
	CLIENT_SCOPE_MESSAGE,    /* this message: its sender, size, content */
	CLIENT_SCOPE_CONNECTION, /* lost or timed out in the middle, 421; others may do better */
	CLIENT_SCOPE_HOST        /* greeting, EHLO, TLS, AUTH: no mail at all here; try the next */
};

/* In place of waiting, the caller may at once ... */
enum client_retry {
	CLIENT_RETRY_NO,
	CLIENT_RETRY_PLAIN, /* connect to this host again with CLIENT_TLS_NONE */
	CLIENT_RETRY_FRESH  /* connect again: the connection was used before and is gone; nothing
			     * of this job was accepted on it */
};

struct client_rcpt_result {
	enum outbound_status status;
	enum client_scope scope;
	char code[CLIENT_CODE_SIZE];
	struct bytes text; /* printable; at most OUTBOUND_TEXT_MAX octets; see outbound_msg.h */
	bool relayed;      /* the peer took the DSN parameters */
};

/* Of a job; borrowed until client_session_finish(). */
struct client_result {
	enum outbound_hop hop;   /* REACHED, UNREACHABLE or BUSY */
	enum client_retry retry; /* anything but NO: results are there all the same (TEMPORARY) */
	uint32_t n_rcpts;
	const struct client_rcpt_result *rcpts; /* in the job's order */
};

/* Which connection it is, for the caller's deadline: set a timer for seconds whenever step has
 * changed; client_session_timeout() when it fires. seconds 0: no deadline. Octets that come
 * one by one don't change step: only whole replies, and content that moves, do. */
struct client_deadline {
	uint32_t step;
	uint32_t seconds;
};

/* TLS is up. */
struct client_tls_state {
	bool authenticated;                   /* by CA and name, or DANE */
	struct bytes bindings[SASL_BINDINGS]; /* channel binding data; empty: none. Copied */
};

/* For the connection that is being made, or just was; the job may come before or later. */
struct client_session *client_session_new(const struct client_policy *policy);
void client_session_free(struct client_session **s); /* NULL is fine; sets NULL */

enum client_want client_session_want(const struct client_session *s);
struct client_deadline client_session_deadline(const struct client_session *s);

/* --- what happened ---------------------------------------------------------------- */

/* TCP (or UNIX) is connected: the greeting (or the handshake) is awaited. */
void client_session_connected(struct client_session *s);

/* Octets of the peer: all are used. At CLIENT_WANT_TLS they are dropped. */
void client_session_input(struct client_session *s, struct bytes in);

/* The peer closed, or reading or writing failed: why is NULL for an orderly end. */
void client_session_closed(struct client_session *s, const char *why);

/* The deadline has passed. */
void client_session_timeout(struct client_session *s);

/* Answers to CLIENT_WANT_TLS. why: "certificate has expired", printable; level MAY then gives
 * CLIENT_RETRY_PLAIN, others a temporary failure of the host. */
void client_session_secured(struct client_session *s, const struct client_tls_state *tls);
void client_session_tls_failed(struct client_session *s, const char *why);

/* --- octets for the peer ---------------------------------------------------------- */

/* To be written, borrowed until the next call; then how much of it was. */
struct bytes client_session_output(const struct client_session *s);
void client_session_sent(struct client_session *s, size_t n);

/* --- jobs ------------------------------------------------------------------------- */

/* At CLIENT_WANT_JOB, or before the first time (once): the next job; copied but for what it
 * points to. */
void client_session_job(struct client_session *s, const struct client_job *job);

/* CLIENT_WANT_CONTENT: how many more octets of the content may come now (0 while the output is
 * long), from which offset on (it goes back to 0 if the peer wants some recipients in another
 * transaction); and the octets, 1 to that many. */
size_t client_session_room(const struct client_session *s);
uint64_t client_session_offset(const struct client_session *s);
void client_session_content(struct client_session *s, struct bytes octets);

/* CLIENT_WANT_WHOLE (the peer can't take the content as it is, or it has to be looked at): all
 * content octets, borrowed until client_session_finish(). Nothing is asked for in chunks then. */
void client_session_whole(struct client_session *s, struct bytes content);

/* The content can't be read (CONTENT, WHOLE), or the job is given up at any time: its open
 * recipients become TEMPORARY with this code and text, and the connection is closed. */
void client_session_abort(struct client_session *s, const char *code, const char *text);

/* CLIENT_WANT_DONE */
const struct client_result *client_session_result(const struct client_session *s);
void client_session_finish(struct client_session *s);

/* At CLIENT_WANT_JOB: QUIT, then CLIENT_WANT_CLOSE. */
void client_session_quit(struct client_session *s);

/* --- for the log ------------------------------------------------------------------ */

/* Greeted, secured, logged in: what follows is mail. */
bool client_session_ready(const struct client_session *s);

/* Mail was carried on it before the job of now. */
bool client_session_reused(const struct client_session *s);

/* Until client_session_finish(): the content went in another form than it came, so that its DKIM
 * signatures verify no more. */
bool client_session_breaks_signature(const struct client_session *s);

/* What is or was going on, as the log says it: "sending MAIL FROM". */
const char *client_session_while(const struct client_session *s);

#endif
