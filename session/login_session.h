/* SPDX-License-Identifier: ISC */
/*
 * session/login_session.h - what the login halves of IMAP and POP3 have in common: a client
 * that has not proved who it is, as a pure state machine.
 *
 * Octets go in; replies, and one question at a time ("is this the password?", "what comes next
 * in this SASL exchange?"), come out. The owner (session/login_conn.c; tests) asks directory and
 * the spawner and brings the answer, and it does the TLS.
 *
 * Runs in:  imap-login, pop3-login; user relais-login, empty chroot, no file access.
 * Trusts:   nothing from the client.
 */
#ifndef RELAIS_LOGIN_SESSION_H
#define RELAIS_LOGIN_SESSION_H

#include "buf.h"
#include "sasl_mechanism.h"

#define LOGIN_USER_MAX     512
#define LOGIN_PASSWORD_MAX 1024

enum login_state {
	LOGIN_COMMAND,  /* takes commands */
	LOGIN_SASL,     /* the next line is a SASL response */
	LOGIN_STARTTLS, /* when the replies are written: what was received since is dropped, TLS
			   begins, login_secured() */
	LOGIN_ASKING,   /* the question is set; input waits for login_refuse(), login_challenge(),
			   or for the end of this half: the session took the client over */
	LOGIN_OVER,     /* close when the replies are written */
};

/* What LOGIN_ASKING asks. */
enum login_question {
	LOGIN_PASSWORD,   /* are user and password right? */
	LOGIN_SASL_BEGIN, /* an exchange: mechanism, response */
	LOGIN_SASL_STEP,  /* its next response */
};

/* Why a login was refused. */
enum login_refusal {
	LOGIN_BAD_PASSWORD, /* or no such user; never says which */
	LOGIN_LOCKED,
	LOGIN_TOO_MANY_SESSIONS,
	LOGIN_UNAVAILABLE, /* try later */
	LOGIN_MALFORMED,   /* a SASL message that is none */
	LOGIN_BANNED,      /* too many failures, of others too */
	LOGIN_REFUSALS
};

/* Why the server ends a connection by itself. */
enum login_goodbye {
	LOGIN_BYE_IDLE,     /* silent for too long */
	LOGIN_BYE_SHUTDOWN, /* the service stops */
	LOGIN_BYE_BUSY,     /* too many connections; instead of a greeting */
	LOGIN_GOODBYES
};

struct login_policy {
	bool plaintext;        /* passwords may travel without TLS: plaintext_auth */
	bool starttls;         /* is offered where there is no TLS yet */
	uint32_t mechanisms;   /* sasl_mechanism_bit() set */
	unsigned attempts_max; /* failed logins before the connection ends */
	unsigned errors_max;   /* commands in error before it ends */
};

struct login_session {
	const struct login_protocol *protocol;
	struct login_policy policy;
	enum login_state state;
	bool tls, binding; /* TLS is active; and there is channel binding data */
	bool tls_ready;    /* the owner's word: there is a certificate */

	enum login_question question;
	const char *method;                         /* "PLAIN", for the log */
	struct buf user, password;                  /* user also for the log */
	const struct sasl_mechanism_row *mechanism; /* of the exchange under way */
	struct buf response;                        /* the client's message, after base64 */
	bool exchange; /* directory has begun one, and waits for a step */

	unsigned attempts;     /* failed logins so far */
	unsigned errors;       /* bad commands so far */
	bool tried_disallowed; /* wanted to log in where policy does not allow it */
	bool client_quit;      /* LOGOUT, QUIT */
};

/* The rows of a protocol: imap_login in imapd/login_imap.c, pop3_login in pop3d/login_pop3.c. */
struct login_protocol {
	const char *name; /* "imap-login" */
	size_t size;      /* of its struct, which begins with a struct login_session */
	void (*init)(struct login_session *s);
	void (*cleanup)(struct login_session *s);
	void (*greet)(struct login_session *s, struct buf *out);
	/* Uses octets; 0 in states that take none. What is not used is offered again. */
	size_t (*input)(struct login_session *s, struct bytes in, struct buf *out);
	/* The answer to a refused login; the state is LOGIN_COMMAND again. */
	void (*refuse)(struct login_session *s, enum login_refusal why, struct buf *out);
	/* What the session half is to say first. */
	void (*first_reply)(const struct login_session *s, struct buf *out);
	void (*goodbye)(struct login_session *s, enum login_goodbye why, struct buf *out);
};

struct login_session *login_session_new(
	const struct login_protocol *protocol, const struct login_policy *policy);
void login_session_free(struct login_session **s); /* wipes the password */

void login_greet(struct login_session *s, struct buf *out);

/* Feed octets; goes on until all are used, a question is open, or it is over. Returns octets
 * used; the rest is offered again later, or belongs to the session half. */
MUST_USE size_t login_input(struct login_session *s, struct bytes in, struct buf *out);

/* The login in question is refused. Counts; after attempts_max the state is LOGIN_OVER. */
void login_refuse(struct login_session *s, enum login_refusal why, struct buf *out);

/* directory's next message for the client in the exchange. */
void login_challenge(struct login_session *s, struct bytes challenge, struct buf *out);

/* TLS is active: all that was said before counts for nothing. */
void login_secured(struct login_session *s, bool binding);

void login_goodbye(struct login_session *s, enum login_goodbye why, struct buf *out);

/* The open question needs no asking: refuse it (LOGIN_BAD_PASSWORD) after the delay. */
bool login_hopeless(const struct login_session *s);

/* How long a refused login waits for its answer at least, counted from the question: 2 s, doubled
 * each time, at most 15 s. */
unsigned login_refusal_delay_ms(const struct login_session *s);

/* -- for the protocols -- */

/* Set the question: state becomes LOGIN_ASKING. Something that is empty, too long or has a NUL
 * cannot be right: it becomes a hopeless question, so that it costs the same delay. */
void login_ask(
	struct login_session *s, const char *method, struct bytes user, struct bytes password);

/* May one log in here, as things are? false: it is noted for the log. */
bool login_allowed(struct login_session *s);

/* login_sasl.c: AUTHENTICATE and AUTH. With LOGIN_SASL_ON the state says what follows; with the
 * others the command is over and to be answered as in error. */
enum login_sasl {
	LOGIN_SASL_ON,
	LOGIN_SASL_UNKNOWN,  /* no such mechanism here */
	LOGIN_SASL_INSECURE, /* not without TLS */
	LOGIN_SASL_INVALID,  /* no base64, or not this mechanism's message */
	LOGIN_SASL_ABORTED,  /* by the client, with "*" */
	LOGIN_SASL_RESULTS
};

/* initial: base64, "=" for an empty one (RFC 4959 sec. 3); of no matter without has_initial. */
MUST_USE enum login_sasl login_sasl_begin(struct login_session *s, struct bytes mechanism,
	bool has_initial, struct bytes initial, struct buf *out);
MUST_USE enum login_sasl login_sasl_response(
	struct login_session *s, struct bytes line, struct buf *out);

/* What is offered now. */
struct sasl_door login_sasl_door(const struct login_session *s);

/* A command in error: true if it was one too many (the state is LOGIN_OVER). */
bool login_count_error(struct login_session *s);

#endif
