/* SPDX-License-Identifier: ISC */
/*
 * smtp-client/outcome.c - from what went wrong to the result of recipients.
 *
 * The table says whose an error is. What the host says before mail can go is never the
 * message's fault: it is temporary, whatever the digit (as Postfix' smtp_skip_5xx_greeting), and
 * the next host may do better. docs/outbound.md explains the rows.
 *
 * Runs in:  smtp-client.
 * Trusts:   nothing of the peer: its texts are made printable and cut.
 */
#include <stdio.h>

#include "err.h"
#include "session_impl.h"

#define ANY_REFUSAL (CLIENT_EVENT_4YZ | CLIENT_EVENT_5YZ)
#define ANY_LOSS    (CLIENT_EVENT_LOST | CLIENT_EVENT_TIMEOUT | CLIENT_EVENT_GARBAGE)
#define ANY_EVENT   (ANY_REFUSAL | ANY_LOSS | CLIENT_EVENT_421)

static const struct row {
	enum client_verb from, to;
	unsigned events;
	struct client_outcome outcome;
} rows[] = {
	/* the first that fits */
	{ CLIENT_GREETING, CLIENT_AUTH, CLIENT_EVENT_421,
		{ OUTBOUND_TEMPORARY, CLIENT_SCOPE_HOST, OUTBOUND_BUSY } },
	{ CLIENT_GREETING, CLIENT_GREETING, CLIENT_EVENT_4YZ,
		{ OUTBOUND_TEMPORARY, CLIENT_SCOPE_HOST, OUTBOUND_BUSY } },
	{ CLIENT_GREETING, CLIENT_AUTH, ANY_EVENT,
		{ OUTBOUND_TEMPORARY, CLIENT_SCOPE_HOST, OUTBOUND_UNREACHABLE } },
	{ CLIENT_RSET, CLIENT_QUIT, CLIENT_EVENT_421,
		{ OUTBOUND_TEMPORARY, CLIENT_SCOPE_CONNECTION, OUTBOUND_BUSY } },
	{ CLIENT_RSET, CLIENT_RSET, ANY_EVENT,
		{ OUTBOUND_TEMPORARY, CLIENT_SCOPE_CONNECTION, OUTBOUND_UNREACHABLE } },
	{ CLIENT_MAIL, CLIENT_MAIL, CLIENT_EVENT_4YZ,
		{ OUTBOUND_TEMPORARY, CLIENT_SCOPE_MESSAGE, OUTBOUND_BUSY } },
	{ CLIENT_MAIL, CLIENT_MAIL, ANY_LOSS,
		{ OUTBOUND_TEMPORARY, CLIENT_SCOPE_CONNECTION, OUTBOUND_UNREACHABLE } },
	{ CLIENT_MAIL, CLIENT_QUIT, ANY_LOSS,
		{ OUTBOUND_TEMPORARY, CLIENT_SCOPE_CONNECTION, OUTBOUND_REACHED } },
	{ CLIENT_RCPT, CLIENT_RCPT, CLIENT_EVENT_4YZ,
		{ OUTBOUND_TEMPORARY, CLIENT_SCOPE_RECIPIENT, OUTBOUND_REACHED } },
	{ CLIENT_RCPT, CLIENT_RCPT, CLIENT_EVENT_5YZ,
		{ OUTBOUND_PERMANENT, CLIENT_SCOPE_RECIPIENT, OUTBOUND_REACHED } },
	{ CLIENT_MAIL, CLIENT_QUIT, CLIENT_EVENT_4YZ,
		{ OUTBOUND_TEMPORARY, CLIENT_SCOPE_MESSAGE, OUTBOUND_REACHED } },
	{ CLIENT_MAIL, CLIENT_QUIT, CLIENT_EVENT_5YZ,
		{ OUTBOUND_PERMANENT, CLIENT_SCOPE_MESSAGE, OUTBOUND_REACHED } },
};

const struct client_outcome *
client_outcome(enum client_verb v, enum client_event event)
{
	for (size_t i = 0; i < NITEMS(rows); i++)
		if (v >= rows[i].from && v <= rows[i].to && (rows[i].events & event) != 0)
			return &rows[i].outcome;
	assert_failed("every event has a row", __FILE__, __LINE__);
}

static enum client_event
event_of(int code)
{
	if (code == 421)
		return CLIENT_EVENT_421;
	return code / 100 == 5 ? CLIENT_EVENT_5YZ : CLIENT_EVENT_4YZ;
}

/* --- results ---------------------------------------------------------------------- */

/* The class of a code is that of what follows from it (RFC 3463 sec. 3.1). */
static void
set_code(char out[CLIENT_CODE_SIZE], enum outbound_status status, const char *code)
{
	static const char class[OUTBOUND_STATUSES] = {
		[OUTBOUND_SENT] = '2', [OUTBOUND_TEMPORARY] = '4', [OUTBOUND_PERMANENT] = '5'
	};

	snprintf(out, CLIENT_CODE_SIZE, "%s", code);
	out[0] = class[status];
}

void
client_result_set(struct client_session *s, uint32_t i, const struct client_outcome *o,
	const char *code, struct bytes text)
{
	struct client_rcpt_result *r = &s->results[i];

	ASSERT(s->busy && i < s->job.n_rcpts && s->states[i] != RCPT_DONE);
	s->states[i] = RCPT_DONE;
	r->status = o->status;
	r->scope = o->scope;
	set_code(r->code, o->status, code);
	r->text = bytes_head(text, OUTBOUND_TEXT_MAX);
	r->relayed = o->status == OUTBOUND_SENT && client_offers(s, SMTP_EXT_DSN);
	if (o->hop != OUTBOUND_REACHED)
		s->result.hop = o->hop;
}

void
client_fail(struct client_session *s, const struct client_outcome *o, const char *code,
	struct bytes text)
{
	if (!s->busy)
		return;
	for (uint32_t i = 0; i < s->job.n_rcpts; i++)
		if (s->states[i] != RCPT_DONE)
			client_result_set(s, i, o, code, text);
}

void
client_failf(struct client_session *s, const struct client_outcome *o, const char *code,
	const char *format, ...)
{
	struct buf b = BUF_INIT;
	va_list ap;

	va_start(ap, format);
	buf_vprintf(&b, format, ap);
	va_end(ap);
	client_fail(
		s, o, code, arena_bytes(&s->arena, bytes_head(buf_bytes(&b), OUTBOUND_TEXT_MAX)));
	buf_free(&b);
}

/* --- what the peer said ----------------------------------------------------------- */

const char *
client_reply_code(const struct client_session *s)
{
	return s->reply.enhanced[0] != 0 ? s->reply.enhanced : smtp_enhanced_for(s->reply.code);
}

/* How a refusal is told; "%s" is the host. */
static const char *
quote_head(enum client_verb v)
{
	if (v <= CLIENT_LHLO)
		return "host %s refused to talk to me: ";
	if (v == CLIENT_STARTTLS)
		return "TLS is required, but host %s refused to start TLS: ";
	return v == CLIENT_AUTH ? "SASL authentication failed; server %s said: " : "host %s said: ";
}

struct bytes
client_quote(struct client_session *s, enum client_verb v)
{
	struct buf b = BUF_INIT;
	struct bytes text;
	char tail[64] = "";
	size_t room;

	if (v > CLIENT_AUTH)
		snprintf(tail, sizeof(tail), " (in reply to %s command)", client_verb(v)->name);
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wformat-nonliteral"
	buf_printf(&b, quote_head(v), s->policy->peer);
#pragma GCC diagnostic pop
	room = b.len + strlen(tail) < OUTBOUND_TEXT_MAX ? OUTBOUND_TEXT_MAX - b.len - strlen(tail)
							: 0;
	smtp_reply_put(&b, &s->reply, room);
	buf_put_str(&b, tail);
	text = arena_bytes(&s->arena, buf_bytes(&b));
	buf_free(&b);
	return text;
}

/* What is said of the sender's address says nothing of how busy the host is. */
static bool
is_of_address(const char *code)
{
	return strncmp(code + 1, ".1.", 3) == 0;
}

static struct client_outcome
refusal(const struct client_session *s, enum client_verb v)
{
	struct client_outcome o = *client_outcome(v, event_of(s->reply.code));

	if (v == CLIENT_MAIL && s->reply.code != 421 && is_of_address(client_reply_code(s)))
		o.hop = OUTBOUND_REACHED;
	/* an LMTP server judges each recipient for itself, RFC 2033 sec. 4.2 */
	if ((v == CLIENT_END || v == CLIENT_BDAT) && s->policy->lmtp &&
		o.scope == CLIENT_SCOPE_MESSAGE)
		o.scope = CLIENT_SCOPE_RECIPIENT;
	return o;
}

void
client_refused(struct client_session *s, enum client_verb v)
{
	struct client_outcome o = refusal(s, v);

	client_fail(s, &o, client_reply_code(s), client_quote(s, v));
}

void
client_refused_one(struct client_session *s, enum client_verb v, uint32_t i)
{
	struct client_outcome o = refusal(s, v);

	client_result_set(s, i, &o, client_reply_code(s), client_quote(s, v));
}

/* --- the connection's end --------------------------------------------------------- */

static enum client_verb
under_way(const struct client_session *s)
{
	if (s->sending)
		return CLIENT_BODY;
	return s->n_expected > 0 ? s->expected[s->first].verb : s->doing;
}

const char *
client_session_while(const struct client_session *s)
{
	return client_verb(under_way(s))->doing;
}

static bool
can_have_gone_before(const struct client_session *s, enum client_event event)
{
	return s->busy && s->jobs > 1 && !s->answered && !s->sending &&
	       (event == CLIENT_EVENT_LOST || event == CLIENT_EVENT_421);
}

void
client_broken(struct client_session *s, enum client_event event, const char *why)
{
	enum client_verb v = under_way(s);
	const struct client_outcome *o = client_outcome(v, event);
	const char *doing = client_verb(v)->doing;

	if (can_have_gone_before(s, event))
		s->result.retry = CLIENT_RETRY_FRESH;
	if (event == CLIENT_EVENT_TIMEOUT)
		client_failf(s, o, "4.4.2", "conversation with %s timed out while %s",
			s->policy->peer, doing);
	else if (event == CLIENT_EVENT_GARBAGE)
		client_failf(
			s, o, "4.5.0", "host %s sent %s while %s", s->policy->peer, why, doing);
	else if (why != NULL)
		client_failf(s, o, "4.4.2", "lost connection with %s while %s: %s", s->policy->peer,
			doing, why);
	else
		client_failf(
			s, o, "4.4.2", "lost connection with %s while %s", s->policy->peer, doing);
	client_shut(s);
}

void
client_421(struct client_session *s, enum client_verb v)
{
	if (can_have_gone_before(s, CLIENT_EVENT_421))
		s->result.retry = CLIENT_RETRY_FRESH;
	client_refused(s, v);
	client_shut(s);
}

static void
end(struct client_session *s)
{
	s->closing = true;
	s->ready = false;
	s->sending = false;
	s->stage = STAGE_NONE;
	client_expect_nothing(s);
	if (s->busy)
		client_job_done(s);
	else
		client_wait(s, CLIENT_WANT_CLOSE);
}

void
client_shut(struct client_session *s)
{
	buf_free(&s->out);
	end(s);
}

void
client_give_up(struct client_session *s)
{
	buf_put_str(&s->out, "QUIT\r\n");
	end(s);
}
