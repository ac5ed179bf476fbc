/* SPDX-License-Identifier: ISC */
/*
 * smtp-client/hello.c - from the greeting to the moment when mail can go: EHLO, STARTTLS, AUTH.
 *
 * Runs in:  smtp-client.
 * Trusts:   nothing of the peer. What was said before the handshake is forgotten after it
 *           (RFC 3207 sec. 4.2), octets that came with the reply to STARTTLS are dropped.
 * Sources:  RFC 5321 sec. 3.1, 3.2; RFC 2033 sec. 4.1; RFC 3207; RFC 4954.
 */
#include "encode.h"
#include "err.h"
#include "session_impl.h"

static const struct client_outcome host_fails = { OUTBOUND_TEMPORARY, CLIENT_SCOPE_HOST,
	OUTBOUND_UNREACHABLE };
static const struct client_outcome loop = { OUTBOUND_PERMANENT, CLIENT_SCOPE_HOST,
	OUTBOUND_REFUSED };

void
client_session_connected(struct client_session *s)
{
	if (s->policy->wrapped) {
		s->doing = CLIENT_HANDSHAKE;
		client_wait(s, CLIENT_WANT_TLS);
	} else
		client_expect(s, CLIENT_GREETING, 0);
}

void
client_hello(struct client_session *s)
{
	s->ehlo = (struct smtp_ehlo){ 0 };
	if (s->policy->lmtp)
		client_command(s, CLIENT_LHLO, 0, "LHLO %s", s->policy->helo);
	else
		client_command(s, CLIENT_EHLO, 0, "EHLO %s", s->policy->helo);
}

static bool
is_good(const struct client_session *s)
{
	return s->reply.code / 100 == 2;
}

void
client_on_greeting(struct client_session *s, uint32_t rcpt)
{
	UNUSED(rcpt);
	if (is_good(s))
		client_hello(s);
	else {
		client_refused(s, CLIENT_GREETING);
		client_give_up(s);
	}
}

/* --- TLS -------------------------------------------------------------------------- */

static void ready(struct client_session *s);
static void log_in(struct client_session *s);

/* With level MAY the mail goes without TLS, on a connection of its own. */
static void
without_tls(struct client_session *s, const char *code, const char *what, const char *why)
{
	if (s->policy->tls == CLIENT_TLS_MAY && !s->policy->wrapped)
		s->result.retry = CLIENT_RETRY_PLAIN;
	client_failf(s, &host_fails, code, "%s %s%s%s", what, s->policy->peer,
		why == NULL ? "" : ": ", why == NULL ? "" : why);
}

/* EHLO is answered: is this connection to be encrypted first? */
static void
consider_tls(struct client_session *s)
{
	enum client_tls level = s->policy->tls;

	if (s->secured || level == CLIENT_TLS_NONE) {
		log_in(s);
	} else if (client_offers(s, SMTP_EXT_STARTTLS)) {
		client_command(s, CLIENT_STARTTLS, 0, "STARTTLS");
	} else if (level == CLIENT_TLS_MAY) {
		log_in(s);
	} else {
		without_tls(s, "4.7.4", "TLS is required, but was not offered by host", NULL);
		client_give_up(s);
	}
}

void
client_on_starttls(struct client_session *s, uint32_t rcpt)
{
	UNUSED(rcpt);
	if (is_good(s)) {
		s->doing = CLIENT_HANDSHAKE;
		client_wait(s, CLIENT_WANT_TLS);
		return;
	}
	if (s->policy->tls == CLIENT_TLS_MAY)
		s->result.retry = CLIENT_RETRY_PLAIN;
	client_refused(s, CLIENT_STARTTLS);
	client_give_up(s);
}

void
client_session_tls_failed(struct client_session *s, const char *why)
{
	ASSERT(s->want == CLIENT_WANT_TLS);
	without_tls(s, "4.7.5", "Cannot start TLS: handshake failure with", why);
	client_shut(s);
}

void
client_session_secured(struct client_session *s, const struct client_tls_state *tls)
{
	ASSERT(s->want == CLIENT_WANT_TLS && s->out.len == 0);
	if (s->policy->tls == CLIENT_TLS_VERIFY && !tls->authenticated) {
		without_tls(s, "4.7.5", "Server certificate not trusted:", NULL);
		client_shut(s);
		return;
	}
	s->secured = true;
	for (size_t i = 0; i < SASL_BINDINGS; i++) {
		buf_clear(&s->bindings[i]);
		buf_put_bytes(&s->bindings[i], bytes_head(tls->bindings[i], SASL_BINDING_MAX));
	}
	smtp_reply_clear(&s->reply);
	client_wait(s, CLIENT_WANT_READ);
	if (s->policy->wrapped)
		client_expect(s, CLIENT_GREETING, 0);
	else
		client_hello(s);
}

/* --- EHLO and HELO ---------------------------------------------------------------- */

static bool
is_loop(const struct client_session *s)
{
	return s->policy->own_name != NULL &&
	       bytes_is_nocase(smtp_ehlo_name(&s->reply), s->policy->own_name);
}

static void
hello_done(struct client_session *s)
{
	if (is_loop(s)) {
		client_failf(s, &loop, "5.4.6", "mail loops back to myself: host %s has my name",
			s->policy->peer);
		client_give_up(s);
		return;
	}
	if (s->esmtp)
		smtp_ehlo_parse(&s->ehlo, &s->reply);
	consider_tls(s);
}

void
client_on_ehlo(struct client_session *s, uint32_t rcpt)
{
	UNUSED(rcpt);
	s->esmtp = is_good(s);
	if (s->esmtp)
		hello_done(s);
	else if (s->reply.code / 100 == 5 && !s->policy->lmtp) /* RFC 5321 sec. 3.2 */
		client_command(s, CLIENT_HELO, 0, "HELO %s", s->policy->helo);
	else {
		client_refused(s, s->policy->lmtp ? CLIENT_LHLO : CLIENT_EHLO);
		client_give_up(s);
	}
}

void
client_on_helo(struct client_session *s, uint32_t rcpt)
{
	UNUSED(rcpt);
	if (is_good(s))
		hello_done(s);
	else {
		client_refused(s, CLIENT_HELO);
		client_give_up(s);
	}
}

/* --- AUTH ------------------------------------------------------------------------- */

static void
no_mechanism(struct client_session *s)
{
	client_failf(s, &host_fails, "4.7.0",
		"SASL authentication failed; no mechanism that can be used is offered by %s%s",
		s->policy->peer,
		s->secured || s->policy->clear_auth ? "" : " (no password goes without TLS)");
	client_give_up(s);
}

static void
begin_auth(struct client_session *s, const struct sasl_mechanism_row *row)
{
	struct buf first = BUF_SECRET;

	s->mechanisms_tried |= sasl_mechanism_bit(row->mechanism);
	sasl_client_free(&s->sasl);
	s->sasl =
		sasl_client_new(row->mechanism, s->policy->login, s->policy->password, s->bindings);
	if (s->sasl == NULL) {
		log_in(s);
		return;
	}
	s->out.secret = true;
	buf_put_str(&s->out, "AUTH ");
	buf_put_str(&s->out, row->name);
	if (sasl_client_first(s->sasl, &first)) {
		buf_put_u8(&s->out, ' ');
		if (first.len == 0)
			buf_put_u8(&s->out, '=');
		base64_encode(&s->out, buf_bytes(&first));
	}
	buf_free(&first);
	client_command(s, CLIENT_AUTH, 0, "%s", "");
}

static void
log_in(struct client_session *s)
{
	const struct sasl_mechanism_row *row;

	if (s->logged_in || s->policy->login.n == 0) {
		ready(s);
		return;
	}
	row = sasl_client_choose(s->ehlo.mechanisms,
		s->policy->mechanisms == 0 ? UINT32_MAX : s->policy->mechanisms,
		s->mechanisms_tried, s->secured || s->policy->clear_auth, s->bindings);
	if (row == NULL)
		no_mechanism(s);
	else
		begin_auth(s, row);
}

/* The server failed to show that it knows the password, or its challenge is nonsense. */
static void
bad_server(struct client_session *s)
{
	client_failf(s, &host_fails, "4.7.0",
		"SASL authentication failed; what server %s says does not prove that it knows the "
		"password",
		s->policy->peer);
	client_shut(s);
}

static void
respond(struct client_session *s)
{
	struct bytes rest = smtp_reply_lines(&s->reply), text = BYTES_NONE;
	struct buf challenge = BUF_SECRET, response = BUF_SECRET;
	int r = ERR_SYNTAX;

	(void)smtp_reply_next_text(&rest, &text);
	if (s->sasl != NULL && base64_decode(&challenge, bytes_trim(text)) == ERR_OK)
		r = sasl_client_step(s->sasl, buf_bytes(&challenge), &response);
	if (r == ERR_OK) {
		base64_encode(&s->out, buf_bytes(&response));
		client_command(s, CLIENT_AUTH, 0, "%s", "");
	}
	buf_free(&challenge);
	buf_free(&response);
	if (r != ERR_OK)
		bad_server(s);
}

/* "235 ..." may carry SCRAM's last message, RFC 4954 sec. 4 says no: it comes before, as 334. */
static void
logged_in(struct client_session *s)
{
	if (s->sasl == NULL || !sasl_client_complete(s->sasl)) {
		bad_server(s);
		return;
	}
	sasl_client_free(&s->sasl);
	s->logged_in = true;
	ready(s);
}

void
client_on_auth(struct client_session *s, uint32_t rcpt)
{
	UNUSED(rcpt);
	switch (s->reply.code / 100) {
	case 2:
		logged_in(s);
		return;
	case 3:
		respond(s);
		return;
	default:
		break;
	}
	sasl_client_free(&s->sasl);
	/* this mechanism isn't taken, another may be */
	if (s->reply.code == 504 || s->reply.code == 534) {
		uint32_t left = s->ehlo.mechanisms & ~s->mechanisms_tried;

		if (sasl_client_choose(left,
			    s->policy->mechanisms == 0 ? UINT32_MAX : s->policy->mechanisms,
			    s->mechanisms_tried, s->secured || s->policy->clear_auth,
			    s->bindings) != NULL) {
			log_in(s);
			return;
		}
	}
	client_refused(s, CLIENT_AUTH);
	client_give_up(s);
}

/* --- done ------------------------------------------------------------------------- */

static void
ready(struct client_session *s)
{
	s->ready = true;
	if (s->out.secret && s->out.len == 0) {
		buf_free(&s->out);
		s->out.secret = false;
	}
	if (s->busy)
		client_next_transaction(s);
	else
		client_wait(s, CLIENT_WANT_JOB);
}
