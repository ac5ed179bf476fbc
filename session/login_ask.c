/* SPDX-License-Identifier: ISC */
/*
 * session/login_ask.c - from a password to a session: directory is asked, then the spawner gets
 * the client's descriptor with the token that directory gave.
 *
 * While a question is open nothing is read from the client and no timer runs: the question
 * has its own time-out, and the connection outlives it.
 *
 * Runs in:  imap-login, pop3-login; user relais-login, empty chroot, no file access.
 */
#include <fcntl.h>
#include <unistd.h>

#include "log.h"
#include "login_private.h"

#define AUTH_TIMEOUT_MS 30000
#define TAKE_TIMEOUT_MS 15000

static void
on_taken(void *arg, const struct ipc_answer *answer)
{
	struct login_conn *c = arg;
	struct ipc_reader in = ipc_reader(answer->body);
	struct session_taken_msg m = { .status = answer->err };

	if (answer->err == ERR_OK &&
		(answer->type != SESSION_TAKEN || session_taken_decode(&in, &m) < 0))
		m.status = ERR_PEER;
	if (m.status == ERR_OK) {
		login_log_login(c, m.pid);
		login_conn_done(c);
		return;
	}
	log_warning(
		"session of %s not started: %s", buf_str(&c->session->user), err_text(m.status));
	login_conn_refuse(
		c, m.status == ERR_LIMIT ? LOGIN_TOO_MANY_SESSIONS : LOGIN_UNAVAILABLE, false);
}

/* Hand over the stream, with what was read of it and not used. */
static void
hand_over(struct login_conn *c, struct bytes token)
{
	struct session_take_msg m = { .session_id = bytes_from_str(c->id),
		.client = bytes_from_str(c->client),
		.local = bytes_from_str(c->local),
		.input = buf_bytes(&c->in) };
	struct buf first = BUF_INIT;
	int fd = fcntl(c->fd, F_DUPFD_CLOEXEC, 0); /* ours answers if it is refused */

	if (fd < 0 || c->in.len > SESSION_INPUT_MAX) {
		log_warning("session of %s not started: %m", buf_str(&c->session->user));
		if (fd >= 0)
			close(fd);
		login_conn_refuse(c, LOGIN_UNAVAILABLE, false);
		return;
	}
	memcpy(m.token, token.p, SESSION_TOKEN_SIZE);
	c->session->protocol->first_reply(c->session, &first);
	m.first_reply = buf_bytes(&first);
	session_take_encode(link_compose(c->server->spawner), &m);
	link_request(c->server->spawner, SESSION_TAKE, &fd, 1, TAKE_TIMEOUT_MS, on_taken, c);
	buf_free(&first);
}

static void
on_auth(void *arg, const struct ipc_answer *answer)
{
	struct login_conn *c = arg;
	struct ipc_reader in = ipc_reader(answer->body);
	struct directory_auth_answer m = { .status = DIRECTORY_AUTH_TEMPORARY };

	if (answer->err < 0 || answer->type != DIRECTORY_AUTH_ANSWER ||
		directory_auth_answer_decode(&in, &m) < 0)
		m.status = DIRECTORY_AUTH_TEMPORARY;
	switch (m.status) {
	case DIRECTORY_AUTH_OK:
		if (m.token.n == SESSION_TOKEN_SIZE)
			hand_over(c, m.token);
		else
			login_conn_refuse(c, LOGIN_UNAVAILABLE, false);
		break;
	case DIRECTORY_AUTH_FAILED:
		login_conn_refuse(c, LOGIN_BAD_PASSWORD, true);
		break;
	case DIRECTORY_AUTH_LOCKED:
		login_conn_refuse(c, LOGIN_LOCKED, true);
		break;
	default:
		login_conn_refuse(c, LOGIN_UNAVAILABLE, false);
		break;
	}
}

void
login_conn_ask(struct login_conn *c)
{
	struct login_session *s = c->session;

	if (login_hopeless(s)) {
		login_conn_refuse(c, LOGIN_BAD_PASSWORD, true);
		return;
	}
	directory_auth_encode(link_compose(c->server->directory),
		&(struct directory_auth){ .login = buf_bytes(&s->user),
			.password = buf_bytes(&s->password),
			.client = bytes_from_str(c->client),
			.protocol = c->server->spec->directory_protocol });
	link_request(c->server->directory, DIRECTORY_AUTH, NULL, 0, AUTH_TIMEOUT_MS, on_auth, c);
}
