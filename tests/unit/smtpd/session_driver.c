/* SPDX-License-Identifier: ISC */
/* tests/unit/smtpd/session_driver.c - plays the daemon's part for a session. */
#include "session_driver.h"

#include "err.h"
#include "rfc5321.h"

void
driver_init(struct driver *d)
{
	*d = (struct driver){ .policy = { .hostname = "mx.example.org",
				      .service = "relais",
				      .content = { .size_octets = 1000, .hops = 3 },
				      .recipient_limit = 5,
				      .error_limit = 10,
				      .junk_limit = 20 } };
	d->out = (struct smtp_out){ &d->replies, &d->content, &d->log };
	smtp_session_init(&d->session, &d->policy, "192.0.2.7", NULL, "s1");
}

void
driver_init_submission(struct driver *d, smtp_header_fn *header)
{
	driver_init(d);
	d->policy.starttls = true;
	d->policy.mechanisms = SASL_DEFAULT;
	d->policy.failed_logins = 3;
	d->policy.header_octets = 500;
	d->policy.header = header;
	d->session.tls_ready = true;
}

void
driver_free(struct driver *d)
{
	smtp_session_free(&d->session);
	buf_free(&d->replies);
	buf_free(&d->content);
	buf_free(&d->log);
	buf_free(&d->waiting);
	buf_free(&d->stored);
	buf_free(&d->committed);
}

static struct smtp_answer
judge_recipient(struct bytes recipient)
{
	struct mailbox m;
	struct smtp_answer yes = { 250, "2.1.5", BYTES_LITERAL("Ok") };

	/* the session hands on only what is a mailbox */
	int r = rfc5321_parse_mailbox(recipient, RFC5321_POSTMASTER | RFC5321_UTF8, &m);
	ASSERT(r == ERR_OK);
	if (m.domain.n == 0)
		return yes;
	if (!bytes_is_nocase(m.domain, "example.org"))
		return (struct smtp_answer){ 554, "5.7.1", BYTES_LITERAL("Relay access denied") };
	if (bytes_is(m.local_part, "later"))
		return (struct smtp_answer){ 451, "4.3.0", BYTES_LITERAL("try again later") };
	if (bytes_is(m.local_part, "unknown") || bytes_find(m.local_part, '%') != BYTES_NOT_FOUND ||
		bytes_find(m.local_part, '!') != BYTES_NOT_FOUND || m.quoted)
		return (struct smtp_answer){ 550, "5.1.1", BYTES_LITERAL("User unknown") };
	return yes;
}

static void
put_bytes(struct buf *out, const char *what, struct bytes b)
{
	buf_printf(out, " %s=<", what);
	buf_put_bytes(out, b);
	buf_put_str(out, ">");
}

static struct smtp_answer
commit(struct driver *d)
{
	const struct smtp_txn *txn = d->session.txn;
	const struct envelope *e = &txn->envelope;
	struct buf octets = BUF_INIT;

	if (d->commit_error < 0)
		return (struct smtp_answer){ 451, "4.3.0", BYTES_LITERAL("queue is not there") };
	ASSERT(e->n_rcpts > 0);
	ASSERT(d->policy.header != NULL || txn->content.size == d->stored.len);
	envelope_encode(&octets, e); /* asserts the envelope's limits */
	buf_free(&octets);
	buf_printf(&d->committed, "proto=%.*s flags=%u", (int)e->protocol.n,
		(const char *)e->protocol.p, e->flags);
	put_bytes(&d->committed, "from", e->reverse_path);
	if (e->envid.n > 0)
		put_bytes(&d->committed, "envid", e->envid);
	for (uint32_t i = 0; i < e->n_rcpts; i++) {
		put_bytes(&d->committed, "to", e->rcpts[i].forward_path);
		if (e->rcpts[i].notify != 0)
			buf_printf(&d->committed, " notify=%u", e->rcpts[i].notify);
		if (e->rcpts[i].orcpt.n > 0)
			put_bytes(&d->committed, "orcpt", e->rcpts[i].orcpt);
	}
	buf_put_str(&d->committed, "\n");
	ASSERT(bytes_starts_with(txn->prefix, BYTES_LITERAL("Received: ")));
	for (uint32_t i = 0; i < txn->n_senders; i++)
		put_bytes(&d->committed, "sender", txn->senders[i]);
	if (txn->n_senders > 0)
		buf_put_str(&d->committed, "\n");
	buf_put_bytes(&d->committed, txn->added);
	buf_put_bytes(&d->committed, buf_bytes(&d->stored));
	buf_put_str(&d->committed, "|\n");
	d->messages++;
	return (struct smtp_answer){ 250, "2.0.0", BYTES_LITERAL("Ok: queued") };
}

/* One mechanism's rules for all: "good" is right, "more" wants another round. */
static void
authenticate(struct driver *d)
{
	struct smtp_session *s = &d->session;
	struct bytes response = buf_bytes(&s->auth.response);
	static const struct smtp_answer yes = { 235, "2.7.0", { (const uint8_t *)"Ok", 2 } },
					no = { 535, "5.7.8", { (const uint8_t *)"No", 2 } },
					later = { 454, "4.7.0", { (const uint8_t *)"Later", 5 } };

	if (s->auth.begins && !s->auth.has_response)
		smtp_session_challenge(s, BYTES_LITERAL("name?"), &d->out);
	else if (bytes_is(response, "more"))
		smtp_session_challenge(s, BYTES_NONE, &d->out);
	else if (bytes_is(response, "good"))
		smtp_session_auth_done(s, &yes, BYTES_LITERAL("joe@example.org"), "", &d->out);
	else if (bytes_is(response, "later"))
		smtp_session_auth_done(s, &later, BYTES_NONE, "try later", &d->out);
	else
		smtp_session_auth_done(s, &no, response, "no such login", &d->out);
}

static void
store(struct driver *d)
{
	if (d->content.len > 0 && d->store_error < 0)
		smtp_session_store_failed(&d->session, d->store_error, &d->out);
	buf_put_bytes(&d->stored, buf_bytes(&d->content));
	buf_clear(&d->content);
}

static void
act(struct driver *d)
{
	struct smtp_session *s = &d->session;
	struct smtp_answer answer;

	store(d);
	switch (s->wait) {
	case SMTP_WAIT_BEGIN:
		buf_clear(&d->stored);
		smtp_session_begin(s, (1764000000ull << 30) + d->messages, &d->out);
		break;
	case SMTP_WAIT_RECIPIENT:
		answer = judge_recipient(s->recipient);
		smtp_session_answer(s, &answer, &d->out);
		break;
	case SMTP_WAIT_COMMIT:
		answer = commit(d);
		smtp_session_answer(s, &answer, &d->out);
		break;
	case SMTP_WAIT_TLS:
		smtp_session_secured(s, "TLSv1.3 with cipher X (256/256 bits)", &d->out);
		break;
	case SMTP_WAIT_AUTH:
		authenticate(d);
		break;
	case SMTP_WAIT_INPUT:
	case SMTP_WAIT_CLOSE:
		break;
	}
}

/* Until it wants more octets than there are. */
static void
run(struct driver *d)
{
	struct smtp_session *s = &d->session;
	for (;;) {
		s->now_us = 1764000000000000ull;
		size_t used = smtp_session_input(s, buf_bytes(&d->waiting), &d->out);
		buf_consume(&d->waiting, used);
		bool asked = s->wait != SMTP_WAIT_INPUT && s->wait != SMTP_WAIT_CLOSE;
		act(d);
		if (s->wait == SMTP_WAIT_CLOSE || (!asked && (used == 0 || d->waiting.len == 0)))
			return;
	}
}

void
driver_feed(struct driver *d, struct bytes in, size_t piece)
{
	while (in.n > 0 && d->session.wait != SMTP_WAIT_CLOSE) {
		struct bytes part = bytes_head(in, piece == 0 ? in.n : piece);
		in = bytes_skip(in, part.n);
		buf_put_bytes(&d->waiting, part);
		run(d);
		ASSERT(d->waiting.len < SMTP_AUTH_LINE_MAX || d->session.wait == SMTP_WAIT_CLOSE);
	}
}
