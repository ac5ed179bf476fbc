/* SPDX-License-Identifier: ISC */
/*
 * smtp-client/session.c - one connection to a server: what comes from outside finds its place.
 *
 * Commands go out in groups (RFC 2920) or one by one; each puts what it expects into a line, and
 * each reply goes to the handler of the one at its head. What isn't expected ends the connection.
 *
 * Runs in:  smtp-client.
 * Trusts:   the caller; nothing of the peer.
 * Sources:  RFC 5321 sec. 4.3.2 (which replies fit), 4.5.3.2 (time-outs).
 */
#include <stdio.h>
#include <stdlib.h>

#include "err.h"
#include "session_impl.h"

#define TIMEOUT(member) offsetof(struct client_timeouts, member)

static const struct client_verb_row verbs[CLIENT_VERBS] = {
	[CLIENT_GREETING] = { "CONNECT", "receiving the initial server greeting", TIMEOUT(greeting),
		2, 2, client_on_greeting },
	[CLIENT_EHLO] = { "EHLO", "performing the EHLO handshake", TIMEOUT(helo), 2, 2,
		client_on_ehlo },
	[CLIENT_HELO] = { "HELO", "performing the HELO handshake", TIMEOUT(helo), 2, 2,
		client_on_helo },
	[CLIENT_LHLO] = { "LHLO", "performing the LHLO handshake", TIMEOUT(helo), 2, 2,
		client_on_ehlo },
	[CLIENT_STARTTLS] = { "STARTTLS", "receiving the STARTTLS response", TIMEOUT(starttls), 2,
		2, client_on_starttls },
	[CLIENT_HANDSHAKE] = { "STARTTLS", "performing the TLS handshake", TIMEOUT(starttls), 0, 0,
		NULL },
	[CLIENT_AUTH] = { "AUTH", "performing SASL authentication", TIMEOUT(auth), 2, 3,
		client_on_auth },
	[CLIENT_RSET] = { "RSET", "sending RSET", TIMEOUT(rset), 2, 2, client_on_rset },
	[CLIENT_MAIL] = { "MAIL FROM", "sending MAIL FROM", TIMEOUT(mail), 2, 2, client_on_mail },
	[CLIENT_RCPT] = { "RCPT TO", "sending RCPT TO", TIMEOUT(rcpt), 2, 2, client_on_rcpt },
	[CLIENT_DATA] = { "DATA", "sending DATA command", TIMEOUT(data), 3, 3, client_on_data },
	[CLIENT_BODY] = { "DATA", "sending message body", TIMEOUT(block), 0, 0, NULL },
	[CLIENT_END] = { "end of DATA", "sending end of data -- message may be sent more than once",
		TIMEOUT(end), 2, 2, client_on_end },
	[CLIENT_BDAT] = { "BDAT", "sending end of data -- message may be sent more than once",
		TIMEOUT(end), 2, 2, client_on_end },
	[CLIENT_QUIT] = { "QUIT", "sending QUIT", TIMEOUT(quit), 2, 2, client_on_quit },
};

const struct client_verb_row *
client_verb(enum client_verb v)
{
	return &verbs[v];
}

/* --- life ------------------------------------------------------------------------- */

struct client_session *
client_session_new(const struct client_policy *policy)
{
	struct client_session *s = xcalloc(1, sizeof(*s));

	s->policy = policy;
	s->want = CLIENT_WANT_READ;
	return s;
}

static void
free_job(struct client_session *s)
{
	client_message_free(s);
	arena_reset(&s->arena);
	s->busy = false;
	s->states = NULL;
	s->results = NULL;
}

void
client_session_free(struct client_session **sp)
{
	struct client_session *s = *sp;

	*sp = NULL;
	if (s == NULL)
		return;
	free_job(s);
	sasl_client_free(&s->sasl);
	for (size_t i = 0; i < SASL_BINDINGS; i++)
		buf_free(&s->bindings[i]);
	smtp_reply_free(&s->reply);
	buf_free(&s->out);
	free(s);
}

void
client_wait(struct client_session *s, enum client_want want)
{
	s->want = want;
	s->step++;
}

enum client_want
client_session_want(const struct client_session *s)
{
	return s->want;
}

bool
client_session_ready(const struct client_session *s)
{
	return s->ready;
}

bool
client_session_reused(const struct client_session *s)
{
	return s->jobs > 1;
}

/* --- time ------------------------------------------------------------------------- */

static uint32_t
timeout_of(const struct client_session *s, enum client_verb v)
{
	uint32_t seconds;

	memcpy(&seconds, (const uint8_t *)&s->policy->timeouts + verbs[v].timeout, sizeof(seconds));
	return seconds;
}

struct client_deadline
client_session_deadline(const struct client_session *s)
{
	struct client_deadline d = { s->step, 0 };

	if (s->want == CLIENT_WANT_TLS)
		d.seconds = timeout_of(s, CLIENT_HANDSHAKE);
	else if (s->want != CLIENT_WANT_READ && s->want != CLIENT_WANT_CONTENT)
		d.seconds = 0;
	else if (s->sending)
		d.seconds = timeout_of(s, CLIENT_BODY);
	else if (s->n_expected > 0)
		d.seconds = timeout_of(s, s->expected[s->first].verb);
	return d;
}

void
client_session_timeout(struct client_session *s)
{
	switch (s->want) {
	case CLIENT_WANT_TLS:
		client_session_tls_failed(s, "timed out");
		return;
	case CLIENT_WANT_DONE:
	case CLIENT_WANT_CLOSE:
		return;
	default:
		client_broken(s, CLIENT_EVENT_TIMEOUT, NULL);
	}
}

void
client_session_closed(struct client_session *s, const char *why)
{
	switch (s->want) {
	case CLIENT_WANT_TLS:
		client_session_tls_failed(s, why == NULL ? "lost connection" : why);
		return;
	case CLIENT_WANT_DONE:
		s->closing = true;
		s->ready = false;
		buf_free(&s->out);
		return;
	case CLIENT_WANT_CLOSE:
		return;
	default:
		if (why != NULL && strcmp(why, "lost connection") == 0)
			why = NULL; /* that is said anyway */
		client_broken(s, CLIENT_EVENT_LOST, why);
	}
}

/* --- commands and replies --------------------------------------------------------- */

void
client_expect(struct client_session *s, enum client_verb verb, uint32_t rcpt)
{
	uint32_t at = (s->first + s->n_expected) % CLIENT_EXPECTED_MAX;

	ASSERT(s->n_expected < CLIENT_EXPECTED_MAX);
	s->expected[at] = (struct client_expected){ verb, rcpt };
	if (s->n_expected++ == 0)
		s->step++;
}

void
client_expect_nothing(struct client_session *s)
{
	if (s->n_expected > 0)
		s->doing = s->expected[s->first].verb;
	s->first = s->n_expected = 0;
}

void
client_command(
	struct client_session *s, enum client_verb verb, uint32_t rcpt, const char *format, ...)
{
	va_list ap;

	va_start(ap, format);
	buf_vprintf(&s->out, format, ap);
	va_end(ap);
	buf_put(&s->out, "\r\n", 2);
	client_expect(s, verb, rcpt);
}

/* A reply that nothing can be made of. */
static void
on_unfit(struct client_session *s)
{
	struct buf why = BUF_INIT;

	buf_put_str(&why, "an unexpected reply: ");
	smtp_reply_put(&why, &s->reply, 200);
	client_broken(s, CLIENT_EVENT_GARBAGE, buf_str(&why));
	buf_free(&why);
}

/* A reply that nobody asked for. */
static void
on_unasked(struct client_session *s)
{
	if (s->want == CLIENT_WANT_READ || s->want == CLIENT_WANT_WHOLE) {
		if (s->reply.complete && s->reply.code == 421)
			client_421(s, s->doing);
		else
			on_unfit(s);
		return;
	}
	s->closing = true; /* "421 idle too long", or anything else */
	s->ready = false;
	if (s->want == CLIENT_WANT_JOB)
		client_wait(s, CLIENT_WANT_CLOSE);
}

/* The peer has answered before it had all of the content: yes can't be meant. */
static void
on_early(struct client_session *s, enum client_verb v, unsigned class)
{
	if (class == 4 || class == 5) {
		client_refused(s, v);
		client_shut(s);
	} else
		on_unfit(s);
}

static void
on_reply(struct client_session *s)
{
	struct client_expected e = s->expected[s->first];
	const struct client_verb_row *row = &verbs[e.verb];
	unsigned class = (unsigned)s->reply.code / 100;

	s->answered = s->answered || s->reply.code != 421;
	if (s->reply.code == 421) {
		client_421(s, e.verb);
		return;
	}
	if (s->sending) {
		on_early(s, e.verb, class);
		return;
	}
	if (class != row->good && class != row->good_too && class != 4 && class != 5) {
		on_unfit(s);
		return;
	}
	s->first = (s->first + 1) % CLIENT_EXPECTED_MAX;
	s->n_expected--;
	s->doing = e.verb;
	s->step++;
	row->reply(s, e.rcpt);
}

static void
on_bad_reply(struct client_session *s, int err)
{
	struct buf why = BUF_INIT;

	if (err == ERR_LIMIT)
		buf_put_str(&why, "an endless reply");
	else {
		buf_put_str(&why, "a malformed reply: ");
		smtp_reply_put(&why, &s->reply, 100);
	}
	if (s->want == CLIENT_WANT_DONE || s->want == CLIENT_WANT_JOB)
		on_unasked(s);
	else
		client_broken(s, CLIENT_EVENT_GARBAGE, buf_str(&why));
	buf_free(&why);
}

/* Does anybody listen? */
static bool
is_listening(const struct client_session *s)
{
	return s->want != CLIENT_WANT_TLS && s->want != CLIENT_WANT_CLOSE && !s->closing;
}

void
client_session_input(struct client_session *s, struct bytes in)
{
	while (in.n > 0 && is_listening(s)) {
		int r = smtp_reply_feed(&s->reply, &in);

		if (r == 0)
			break;
		if (r < 0)
			on_bad_reply(s, r);
		else if (s->n_expected == 0 || s->want == CLIENT_WANT_DONE ||
			 s->want == CLIENT_WANT_JOB)
			on_unasked(s);
		else
			on_reply(s);
		smtp_reply_clear(&s->reply);
	}
}

/* --- octets out ------------------------------------------------------------------- */

struct bytes
client_session_output(const struct client_session *s)
{
	return buf_bytes(&s->out);
}

#define BLOCK_OCTETS (16u << 10)

void
client_session_sent(struct client_session *s, size_t n)
{
	buf_consume(&s->out, n);
	if (!s->sending)
		return;
	s->block += n;
	if (s->block >= BLOCK_OCTETS || s->out.len == 0) {
		s->block = 0;
		s->step++;
	}
	client_content_more(s);
}

/* --- jobs ------------------------------------------------------------------------- */

void
client_session_job(struct client_session *s, const struct client_job *job)
{
	static const struct client_outcome gone = { OUTBOUND_TEMPORARY, CLIENT_SCOPE_CONNECTION,
		OUTBOUND_REACHED };

	ASSERT(!s->busy && job->n_rcpts > 0 && job->n_rcpts <= OUTBOUND_RCPTS_MAX);
	ASSERT(job->content.n == 0 || job->content.n == job->content_octets);
	s->busy = true;
	s->answered = false;
	s->jobs++;
	s->job = *job;
	s->states = arena_zalloc(&s->arena, job->n_rcpts * sizeof(*s->states));
	s->results = arena_zalloc(&s->arena, job->n_rcpts * sizeof(*s->results));
	s->result = (struct client_result){ OUTBOUND_REACHED, CLIENT_RETRY_NO, job->n_rcpts,
		s->results };
	if (s->closing) {
		s->result.retry = CLIENT_RETRY_FRESH;
		client_failf(s, &gone, "4.4.2", "connection with %s is closed", s->policy->peer);
		client_job_done(s);
	} else if (s->ready)
		client_next_transaction(s);
}

void
client_job_done(struct client_session *s)
{
	for (uint32_t i = 0; i < s->job.n_rcpts; i++)
		ASSERT(s->states[i] == RCPT_DONE);
	client_wait(s, CLIENT_WANT_DONE);
}

const struct client_result *
client_session_result(const struct client_session *s)
{
	ASSERT(s->want == CLIENT_WANT_DONE);
	return &s->result;
}

void
client_session_finish(struct client_session *s)
{
	uint32_t most = s->policy->transactions_max;

	ASSERT(s->want == CLIENT_WANT_DONE);
	free_job(s);
	if (s->closing) {
		client_wait(s, CLIENT_WANT_CLOSE);
		return;
	}
	if (s->out.len == 0)
		buf_free(&s->out);
	client_wait(s, CLIENT_WANT_JOB);
	if (most > 0 && s->transactions >= most)
		client_session_quit(s);
}

void
client_session_abort(struct client_session *s, const char *code, const char *text)
{
	static const struct client_outcome ours = { OUTBOUND_TEMPORARY, CLIENT_SCOPE_MESSAGE,
		OUTBOUND_REACHED };

	if (!s->busy || s->want == CLIENT_WANT_DONE)
		return;
	client_failf(s, &ours, code, "%s", text);
	client_shut(s);
}

void
client_session_quit(struct client_session *s)
{
	ASSERT(s->want == CLIENT_WANT_JOB);
	s->ready = false;
	client_command(s, CLIENT_QUIT, 0, "QUIT");
	client_wait(s, CLIENT_WANT_READ);
}

void
client_on_quit(struct client_session *s, uint32_t rcpt)
{
	UNUSED(rcpt);
	client_shut(s);
}
