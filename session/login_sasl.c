/* SPDX-License-Identifier: ISC */
/*
 * session/login_sasl.c - SASL before login: the lines of an exchange.
 *
 * With PLAIN and LOGIN the password itself comes through here, so they are questions like IMAP's
 * LOGIN. Of all others directory has the exchange; here is only base64. The first message of a
 * client that speaks first is waited for here: an exchange that nobody goes on with costs
 * directory nothing.
 *
 * Runs in:  imap-login, pop3-login; user relais-login, empty chroot, no file access.
 * Trusts:   nothing from the client.
 * Sources:  RFC 4422; RFC 4616 (PLAIN); draft-murchison-sasl-login; RFC 5802 sec. 7 (SCRAM).
 */
#include "encode.h"
#include "err.h"
#include "login_session.h"
#include "sasl_plain.h"

struct sasl_door
login_sasl_door(const struct login_session *s)
{
	return (struct sasl_door){ .enabled = s->policy.mechanisms,
		.secure = s->tls || s->policy.plaintext,
		.binding = s->binding };
}

void
login_challenge(struct login_session *s, struct bytes challenge, struct buf *out)
{
	buf_put_str(out, "+ ");
	base64_encode(out, challenge);
	buf_put_str(out, "\r\n");
	s->state = LOGIN_SASL;
}

/* ---- the client's messages, by mechanism ---- */

static enum login_sasl
on_plain(struct login_session *s)
{
	struct sasl_plain plain = { 0 };
	int r = sasl_plain_parse(buf_bytes(&s->response), &plain);

	if (r == ERR_DENIED) /* for somebody else: not even tried */
		plain.passwd = BYTES_NONE;
	else if (r < 0)
		return LOGIN_SASL_INVALID;
	login_ask(s, "PLAIN", plain.authcid, plain.passwd);
	return LOGIN_SASL_ON;
}

/* Two questions; that the name is there says which of the two was answered. */
static enum login_sasl
on_login(struct login_session *s, struct buf *out)
{
	struct buf user = BUF_INIT;

	if (s->user.len == 0) {
		if (s->response.len == 0)
			return LOGIN_SASL_INVALID;
		buf_put_bytes(&s->user, bytes_head(buf_bytes(&s->response), LOGIN_USER_MAX + 1));
		login_challenge(s, BYTES_LITERAL("Password:"), out);
		return LOGIN_SASL_ON;
	}
	buf_put_bytes(&user, buf_bytes(&s->user));
	login_ask(s, "LOGIN", buf_bytes(&user), buf_bytes(&s->response));
	buf_free(&user);
	return LOGIN_SASL_ON;
}

/* Of SCRAM's client-first-message: gs2-cbind-flag "," [authzid] "," "n=" name "," ... */
static void
note_scram_user(struct login_session *s)
{
	struct bytes rest = buf_bytes(&s->response), name;

	bytes_cut(&rest, ',');
	bytes_cut(&rest, ',');
	name = bytes_cut(&rest, ',');
	if (name.n > 2 && name.p[0] == 'n' && name.p[1] == '=')
		buf_put_bytes(&s->user, bytes_head(bytes_skip(name, 2), LOGIN_USER_MAX));
}

static enum login_sasl
on_other(struct login_session *s)
{
	s->question = s->exchange ? LOGIN_SASL_STEP : LOGIN_SASL_BEGIN;
	if (!s->exchange)
		note_scram_user(s);
	s->state = LOGIN_ASKING;
	return LOGIN_SASL_ON;
}

/* ---- lines ---- */

static enum login_sasl
on_message(struct login_session *s, struct bytes base64, struct buf *out)
{
	enum login_sasl r;

	buf_clear(&s->response);
	if (base64_decode(&s->response, base64) < 0 || s->response.len > SASL_MESSAGE_MAX)
		r = LOGIN_SASL_INVALID;
	else if (s->mechanism->mechanism == SASL_PLAIN)
		r = on_plain(s);
	else if (s->mechanism->mechanism == SASL_LOGIN)
		r = on_login(s, out);
	else
		return on_other(s);
	buf_free(&s->response);
	return r;
}

enum login_sasl
login_sasl_begin(struct login_session *s, struct bytes name, bool has_initial, struct bytes initial,
	struct buf *out)
{
	const struct sasl_mechanism_row *row = sasl_mechanism_named(name);
	struct sasl_door door = login_sasl_door(s);

	if (row == NULL || (s->policy.mechanisms & sasl_mechanism_bit(row->mechanism)) == 0)
		return LOGIN_SASL_UNKNOWN;
	if (!login_allowed(s))
		return LOGIN_SASL_INSECURE;
	if (!sasl_mechanism_offered(row, &door))
		return LOGIN_SASL_UNKNOWN;
	s->mechanism = row;
	s->method = row->name;
	buf_free(&s->user);
	if (has_initial)
		return on_message(s, bytes_is(initial, "=") ? BYTES_NONE : initial, out);
	if (row->mechanism == SASL_LOGIN)
		login_challenge(s, BYTES_LITERAL("Username:"), out);
	else
		login_challenge(s, BYTES_NONE, out);
	return LOGIN_SASL_ON;
}

enum login_sasl
login_sasl_response(struct login_session *s, struct bytes line, struct buf *out)
{
	enum login_sasl r = LOGIN_SASL_ABORTED;

	s->state = LOGIN_COMMAND;
	if (!bytes_is(line, "*"))
		r = on_message(s, line, out);
	return r;
}
