/* SPDX-License-Identifier: ISC */
/*
 * smtpd/secure.c - STARTTLS and AUTH: who listens in, and who speaks.
 *
 * The exchange itself is directory's; here are its lines. What a client said before TLS counts
 * for nothing afterwards. Nothing of a response is kept, or shown in a log.
 *
 * Runs in:  smtpd (STARTTLS only), submission.
 * Trusts:   nothing from the client; directory's word on a login.
 * Sources:  RFC 3207; RFC 4954 (AUTH), RFC 8314.
 */
#include <stdlib.h>

#include "encode.h"
#include "err.h"
#include "session_impl.h"

void
smtp_cmd_starttls(struct smtp_session *s, struct bytes args, struct smtp_out *out)
{
	UNUSED(args);
	if (s->tls) {
		smtp_reply(s, out, 503, "5.5.1", "TLS is active already");
	} else if (!s->tls_ready) {
		smtp_reply(s, out, 454, "4.7.0", "TLS not available due to temporary reason");
	} else {
		smtp_reply(s, out, 220, "2.0.0", "Ready to start TLS");
		s->wait = SMTP_WAIT_TLS;
	}
}

/* Who it was is forgotten (RFC 3207 sec. 4.2). */
static void
forget_client(struct smtp_session *s)
{
	smtp_txn_end(s);
	free(s->helo);
	free(s->login);
	s->helo = s->login = NULL;
	s->esmtp = s->authenticated = false;
	smtp_enter(s, SMTP_START);
}

void
smtp_session_secured(struct smtp_session *s, const char *text, struct smtp_out *out)
{
	ASSERT(s->wait == SMTP_WAIT_TLS || s->state == SMTP_START);
	forget_client(s);
	s->wait = SMTP_WAIT_INPUT;
	s->tls = true;
	free(s->tls_text);
	s->tls_text = xstrdup(text);
	buf_printf(out->log, "Anonymous TLS connection established from %s[%s]: %s\n",
		smtp_shown_name(s), s->client, text);
	smtp_check_patience(s, out);
}

static char *
keep(struct bytes text)
{
	char *kept = xmalloc(text.n + 1);

	bytes_to_str(text, kept, text.n + 1);
	return kept;
}

void
smtp_session_local(struct smtp_session *s, struct bytes login, struct bytes address)
{
	ASSERT(s->state == SMTP_START && s->login == NULL);
	s->login = keep(login);
	s->address = keep(address);
	s->authenticated = s->local = true;
}

bool
smtp_auth_allowed(const struct smtp_session *s)
{
	return s->tls || s->clear_auth;
}

struct sasl_door
smtp_sasl_door(const struct smtp_session *s)
{
	return (struct sasl_door){ .enabled = s->policy->mechanisms,
		.secure = smtp_auth_allowed(s),
		.binding = s->tls && s->binding };
}

static int
decode_response(struct smtp_session *s, struct bytes text)
{
	int r = base64_decode(&s->auth.response, text);

	if (r == ERR_OK && s->auth.response.len > SASL_MESSAGE_MAX)
		r = ERR_LIMIT;
	if (r < 0)
		buf_free(&s->auth.response);
	return r;
}

/* "=" stands for an empty initial response: nothing at all would mean there is none. */
static int
decode_initial(struct smtp_session *s, struct bytes text)
{
	s->auth.has_response = text.n > 0;
	return text.n == 0 || bytes_is(text, "=") ? ERR_OK : decode_response(s, text);
}

static void
refuse_response(struct smtp_session *s, int err, struct smtp_out *out)
{
	if (err == ERR_LIMIT)
		smtp_reply(s, out, 500, "5.5.6", "authentication exchange line is too long");
	else
		smtp_reply(s, out, 501, "5.5.2", "cannot decode the response");
}

void
smtp_cmd_auth(struct smtp_session *s, struct bytes args, struct smtp_out *out)
{
	struct bytes initial;
	struct bytes name = rfc5321_cut_verb(args, &initial);
	const struct sasl_mechanism_row *row = sasl_mechanism_named(name);
	const struct sasl_door door = smtp_sasl_door(s);
	int r;

	if (s->authenticated) {
		smtp_reply(s, out, 503, "5.5.1", "already authenticated");
		return;
	}
	if (!smtp_auth_allowed(s)) {
		smtp_reply(s, out, 538, "5.7.11",
			"Encryption required for requested authentication mechanism");
		return;
	}
	if (name.n == 0) {
		smtp_reply(s, out, 501, "5.5.4", "syntax: AUTH mechanism");
		return;
	}
	if (row == NULL || !sasl_mechanism_offered(row, &door)) {
		smtp_reply(s, out, 504, "5.5.4", "unrecognized authentication type");
		return;
	}
	if ((r = decode_initial(s, initial)) < 0) {
		refuse_response(s, r, out);
		return;
	}
	s->auth.mechanism = row;
	s->auth.begins = true;
	s->wait = SMTP_WAIT_AUTH;
}

void
smtp_auth_line(struct smtp_session *s, struct bytes line, struct smtp_out *out)
{
	int r;

	s->auth.begins = s->auth.has_response = false;
	smtp_enter(s, SMTP_READY);
	if (bytes_is(line, "*")) {
		smtp_reply(s, out, 501, "5.7.0", "authentication cancelled");
	} else if ((r = decode_response(s, line)) < 0) {
		refuse_response(s, r, out);
	} else {
		smtp_enter(s, SMTP_AUTH);
		s->wait = SMTP_WAIT_AUTH;
	}
}

void
smtp_session_challenge(struct smtp_session *s, struct bytes challenge, struct smtp_out *out)
{
	ASSERT(s->wait == SMTP_WAIT_AUTH);
	buf_free(&s->auth.response);
	s->wait = SMTP_WAIT_INPUT;
	smtp_enter(s, SMTP_AUTH);
	buf_put_str(out->replies, "334 ");
	base64_encode(out->replies, challenge);
	buf_put_str(out->replies, "\r\n");
	smtp_check_patience(s, out);
}

static void
log_failure(struct smtp_session *s, struct bytes login, const char *why, struct smtp_out *out)
{
	buf_printf(out->log, "warning: %s[%s]: SASL %s authentication failed: %s",
		smtp_shown_name(s), s->client, s->auth.mechanism->name, why);
	if (login.n > 0) {
		buf_put_str(out->log, ", sasl_username=");
		smtp_log_bytes(out->log, bytes_head(login, 320));
	}
	buf_put_str(out->log, "\n");
}

static void
too_many_failures(struct smtp_session *s, struct smtp_out *out)
{
	rfc5321_put_reply(out->replies, 421, "4.7.0",
		BYTES_LITERAL("too many failed logins, closing the connection"));
	buf_printf(out->log, "too many errors after AUTH from %s[%s]\n", smtp_shown_name(s),
		s->client);
	smtp_close(s);
}

void
smtp_session_auth_done(struct smtp_session *s, const struct smtp_answer *answer, struct bytes login,
	const char *why, struct smtp_out *out)
{
	ASSERT(s->wait == SMTP_WAIT_AUTH);
	s->wait = SMTP_WAIT_INPUT;
	smtp_enter(s, SMTP_READY);
	rfc5321_put_reply(out->replies, answer->code, answer->enhanced, answer->text);
	smtp_count_reply(s, answer->code);
	if (answer->code / 100 == 2) {
		s->login = keep(login);
		s->authenticated = true;
		s->failed_logins = 0;
	} else {
		log_failure(s, login, why, out);
		if (answer->code / 100 == 5 && ++s->failed_logins >= s->policy->failed_logins)
			too_many_failures(s, out);
	}
	buf_free(&s->auth.response);
	smtp_check_patience(s, out);
}

void
smtp_put_login(const struct smtp_session *s, struct buf *log)
{
	if (s->login == NULL)
		return;
	if (!s->local)
		buf_printf(log, ", sasl_method=%s", s->auth.mechanism->name);
	buf_put_str(log, s->local ? ", local_user=" : ", sasl_username=");
	smtp_log_bytes(log, bytes_from_str(s->login));
}
