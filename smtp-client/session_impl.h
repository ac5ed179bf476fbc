/* SPDX-License-Identifier: ISC */
/*
 * smtp-client/session_impl.h - what the session's own files share: the state, the verbs, and
 * what an error means.
 *
 *	session.c	what happens from outside; replies find their handlers
 *	hello.c		greeting, EHLO, STARTTLS, AUTH: until mail can go
 *	transaction.c	MAIL, RCPT, DATA or BDAT, and the end
 *	message.c	the form the content takes for this peer, and its octets
 *	outcome.c	from errors to results
 */
#ifndef RELAIS_CLIENT_SESSION_IMPL_H
#define RELAIS_CLIENT_SESSION_IMPL_H

#include "arena.h"
#include "downgrade.h"
#include "sasl_client.h"
#include "session.h"
#include "smtp_ehlo.h"
#include "smtp_stuff.h"

/* What a reply answers. In the order of a session: what is before MAIL is the host's. */
enum client_verb {
	CLIENT_GREETING,
	CLIENT_EHLO,
	CLIENT_HELO,
	CLIENT_LHLO,
	CLIENT_STARTTLS,
	CLIENT_HANDSHAKE, /* no command: TLS is being set up */
	CLIENT_AUTH,
	CLIENT_RSET,
	CLIENT_MAIL,
	CLIENT_RCPT,
	CLIENT_DATA,
	CLIENT_BODY, /* no command: content is on its way */
	CLIENT_END,  /* of DATA: the lone dot */
	CLIENT_BDAT,
	CLIENT_QUIT,
	CLIENT_VERBS
};

struct client_verb_row {
	const char *name;        /* "(in reply to NAME command)" */
	const char *doing;       /* "lost connection with X while DOING" */
	size_t timeout;          /* offset in struct client_timeouts */
	unsigned good, good_too; /* classes of replies that fit */
	void (*reply)(struct client_session *s, uint32_t rcpt); /* any of class 4, 5 or good */
};

const struct client_verb_row *client_verb(enum client_verb v);

/* Ways in which things go wrong. */
enum client_event {
	CLIENT_EVENT_4YZ = 1 << 0,
	CLIENT_EVENT_5YZ = 1 << 1,
	CLIENT_EVENT_421 = 1 << 2,
	CLIENT_EVENT_LOST = 1 << 3,
	CLIENT_EVENT_TIMEOUT = 1 << 4,
	CLIENT_EVENT_GARBAGE = 1 << 5 /* no reply, too long a reply, or one that doesn't fit */
};

struct client_outcome {
	enum outbound_status status;
	enum client_scope scope;
	enum outbound_hop hop;
};

/* A recipient within its job. */
enum client_rcpt_state {
	RCPT_OPEN,     /* not asked yet, or asked and not answered */
	RCPT_ACCEPTED, /* in this transaction; waits for the content's fate */
	RCPT_LATER,    /* refused only because there were too many: the next transaction */
	RCPT_DONE      /* has its result */
};

enum client_stage { /* what is sent next in a transaction */
	STAGE_NONE, /* no transaction */
	STAGE_RSET,
	STAGE_MAIL,
	STAGE_RCPT,
	STAGE_DATA,
	STAGE_SENT /* nothing more before the replies are in */
};

struct client_expected {
	enum client_verb verb;
	uint32_t rcpt; /* RCPT, and LMTP's END: index in the job */
};

#define CLIENT_EXPECTED_MAX (OUTBOUND_RCPTS_MAX + 4) /* RSET, MAIL, RCPTs, DATA */

/* The content in the form that this peer can take. */
struct client_message {
	bool decided; /* what follows */
	bool whole;   /* all octets are there, in content */
	struct bytes content;
	bool has_8bit; /* whole: some octet of it, else the envelope's word */
	bool binary;
	struct downgrade *changed; /* NULL: as it is */
	uint64_t octets;           /* in this form, with the prefix */
};

struct client_session {
	const struct client_policy *policy;
	enum client_want want;
	struct smtp_reply reply;
	struct smtp_ehlo ehlo;
	struct buf out;
	struct client_expected expected[CLIENT_EXPECTED_MAX];
	uint32_t first, n_expected;
	uint32_t step;
	enum client_verb doing; /* for the log, when nothing is expected */
	bool esmtp, secured, logged_in;
	bool ready;      /* greeted: mail can go */
	bool closing;    /* no more mail on this connection */
	bool rset_first; /* a transaction was left open */
	uint32_t jobs, transactions;
	uint32_t rcpts_max; /* the peer takes no more in one transaction; 0: not known */

	struct buf bindings[SASL_BINDINGS];
	struct sasl_client *sasl;
	uint32_t mechanisms_tried;

	/* the job */
	bool busy;     /* there is one */
	bool answered; /* the peer has said something since it came */
	struct client_job job;
	struct arena arena;
	enum client_rcpt_state *states;
	struct client_rcpt_result *results;
	struct client_result result;
	struct client_message message;

	/* the transaction */
	enum client_stage stage;
	uint32_t next_rcpt, asked, accepted; /* recipients */
	bool bdat;
	bool sending; /* content is on its way */
	bool prefix_sent;
	uint64_t content_sent; /* before stuffing */
	struct smtp_stuff stuff;
	size_t block; /* octets that the peer took since step last changed */
};

/* The one place that changes what is wanted. */
void client_wait(struct client_session *s, enum client_want want);

/* Put a command, and expect its reply. A CRLF is added. */
void client_command(struct client_session *s, enum client_verb verb, uint32_t rcpt,
	const char *format, ...) PRINTF_LIKE(4, 5);
void client_expect(struct client_session *s, enum client_verb verb, uint32_t rcpt);
void client_expect_nothing(struct client_session *s);

static inline bool
client_offers(const struct client_session *s, unsigned extension)
{
	return (s->ehlo.extensions & extension) != 0;
}

/* --- hello.c ---------------------------------------------------------------------- */

void client_hello(struct client_session *s); /* EHLO or LHLO */

/* --- transaction.c ---------------------------------------------------------------- */

void client_next_transaction(struct client_session *s); /* for recipients that are open */
void client_pump(struct client_session *s);             /* send what can be sent */

/* A job's recipients all have their results, or must: CLIENT_WANT_DONE. */
void client_job_done(struct client_session *s);

/* --- message.c -------------------------------------------------------------------- */

/* What form does the content take? false: not decided (all of it was asked for), or the
 * job is over already. */
bool client_message_ready(struct client_session *s);
void client_message_free(struct client_session *s);

/* Some address, or the envelope's word, needs SMTPUTF8, and the peer has it. */
bool client_needs_utf8(const struct client_session *s);

/* The parameters of MAIL that speak of the content. */
void client_message_params(const struct client_session *s, struct buf *out);

/* Content from its beginning; the more of it when the output has room. */
void client_content_begin(struct client_session *s);
void client_content_more(struct client_session *s);

/* --- outcome.c -------------------------------------------------------------------- */

const struct client_outcome *client_outcome(enum client_verb v, enum client_event event);

/* Recipient i is done, or all that are not (client_fail()): code's class is made to fit. */
void client_result_set(struct client_session *s, uint32_t i, const struct client_outcome *o,
	const char *code, struct bytes text);
void client_fail(struct client_session *s, const struct client_outcome *o, const char *code,
	struct bytes text);
void client_failf(struct client_session *s, const struct client_outcome *o, const char *code,
	const char *format, ...) PRINTF_LIKE(4, 5);

/* The reply just read, as "host X said: ... (in reply to VERB command)", and its code. */
struct bytes client_quote(struct client_session *s, enum client_verb v);
const char *client_reply_code(const struct client_session *s);

/* The reply just read refuses v: for one recipient, or for all that are not done. */
void client_refused(struct client_session *s, enum client_verb v);
void client_refused_one(struct client_session *s, enum client_verb v, uint32_t i);

/* The connection is of no more use: open recipients get event's outcome for what was going on.
 * Nothing is sent any more. */
void client_broken(struct client_session *s, enum client_event event, const char *why);

/* The peer is about to close; the reply to v says so. */
void client_421(struct client_session *s, enum client_verb v);

/* A refusal of the host, or for the sake of policy: QUIT, and the job is over. client_fail() was
 * called before. */
void client_give_up(struct client_session *s);

/* Nothing is sent or read any more. */
void client_shut(struct client_session *s);

/* Handlers of the verb table. */
typedef void client_handler(struct client_session *s, uint32_t rcpt);
client_handler client_on_greeting, client_on_ehlo, client_on_helo, client_on_starttls,
	client_on_auth, client_on_rset, client_on_mail, client_on_rcpt, client_on_data,
	client_on_end, client_on_quit;

#endif
