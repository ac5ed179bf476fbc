/* SPDX-License-Identifier: ISC */
/*
 * submission/submit_login.c - who is it? AUTH's exchange, asked of directory step by step.
 *
 * A login is known by a handle that directory made for this connection: it says in whose name
 * messages may be sent (submit_send.c), and is given back when the connection ends.
 *
 * Runs in:  submission.
 * Trusts:   directory's answers after decoding. No answer is a temporary failure.
 * Sources:  RFC 4954, RFC 4422; RFC 5929 and 9266 (channel bindings).
 */
#include "directory_msg.h"
#include "door_bindings.h"
#include "submission.h"

#define AUTH_TIMEOUT_MS 60000

void
submit_cancel(struct client *c)
{
	struct link *directory = c->smtpd->directory;

	if (!c->in_exchange)
		return;
	c->in_exchange = false;
	directory_sasl_cancel_encode(
		link_compose(directory), &(struct directory_sasl_cancel){ c->exchange });
	link_send(directory, DIRECTORY_SASL_CANCEL, NULL, 0);
}

void
submit_forget(struct client *c)
{
	struct link *directory = c->smtpd->directory;
	struct directory_logout m = { bytes_make(c->handle, sizeof(c->handle)), c->number };

	submit_cancel(c);
	if (!c->has_handle)
		return;
	c->has_handle = false;
	directory_logout_encode(link_compose(directory), &m);
	link_send(directory, DIRECTORY_LOGOUT, NULL, 0);
}

/* Without an answer it is a temporary failure. */
static struct directory_auth_answer
read_answer(const struct ipc_answer *reply)
{
	struct directory_auth_answer a = { 0 };
	struct ipc_reader in = ipc_reader(reply->body);

	if (reply->err < 0 || reply->type != DIRECTORY_AUTH_ANSWER ||
		directory_auth_answer_decode(&in, &a) < 0 ||
		(a.status == DIRECTORY_AUTH_OK && a.handle.n != DIRECTORY_HANDLE_SIZE))
		a = (struct directory_auth_answer){ .status = DIRECTORY_AUTH_TEMPORARY };
	return a;
}

static void
take_answer(struct client *c, const struct directory_auth_answer *a)
{
	c->in_exchange = a->status == DIRECTORY_AUTH_CHALLENGE;
	c->exchange = a->exchange;
	c->has_handle = a->status == DIRECTORY_AUTH_OK;
	if (c->has_handle)
		memcpy(c->handle, a->handle.p, sizeof(c->handle));
}

static void
tell_session(struct client *c, const struct directory_auth_answer *a)
{
	struct directory_auth_reply r;
	struct smtp_answer answer = { 235, "2.7.0", BYTES_LITERAL("Authentication successful") };
	struct smtp_out out = client_out(c);

	if (a->status == DIRECTORY_AUTH_CHALLENGE) {
		smtp_session_challenge(&c->session, a->challenge, &out);
	} else if (a->status == DIRECTORY_AUTH_OK) {
		c->smtpd->numbers.logins++;
		smtp_session_auth_done(&c->session, &answer, a->account, "", &out);
	} else {
		c->smtpd->numbers.failed_logins++;
		r = directory_auth_status_reply(a->status);
		answer = (struct smtp_answer){ r.code, r.enhanced, bytes_from_str(r.text) };
		smtp_session_auth_done(&c->session, &answer, a->account, r.text, &out);
	}
	smtpd_log(c);
}

static void
on_answer(void *arg, const struct ipc_answer *reply)
{
	struct client *c = arg;
	struct directory_auth_answer a = read_answer(reply);

	take_answer(c, &a); /* also if the client is gone: what it got is given back then */
	if (!client_answered(c))
		return;
	tell_session(c, &a);
	client_turn(c);
}

static void
start(struct client *c)
{
	uint8_t room[SASL_BINDINGS][SASL_BINDING_MAX];
	struct link *directory = c->smtpd->directory;
	const struct smtp_auth *auth = &c->session.auth;
	struct directory_sasl_start m = { .mechanism = auth->mechanism->mechanism,
		.protocol = DIRECTORY_SUBMISSION,
		.session = c->number,
		.client = bytes_from_str(c->address_text),
		.has_initial = auth->has_response,
		.initial = buf_bytes(&auth->response) };

	(void)door_bindings(c->tls, room, m.bindings);
	directory_sasl_start_encode(link_compose(directory), &m);
	link_request(directory, DIRECTORY_SASL_START, NULL, 0, AUTH_TIMEOUT_MS, on_answer, c);
}

void
submit_auth(struct client *c)
{
	struct link *directory = c->smtpd->directory;
	struct directory_sasl_step m = { c->exchange, buf_bytes(&c->session.auth.response) };

	c->asking = true;
	if (c->session.auth.begins) {
		start(c);
		return;
	}
	directory_sasl_step_encode(link_compose(directory), &m);
	link_request(directory, DIRECTORY_SASL_STEP, NULL, 0, AUTH_TIMEOUT_MS, on_answer, c);
}
