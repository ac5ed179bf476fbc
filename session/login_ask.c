/* SPDX-License-Identifier: ISC */
/*
 * session/login_ask.c - from a password, or a SASL exchange, to a session: directory is asked, then
 * the spawner gets the client's descriptor with the token that directory gave. Of a TLS
 * connection it gets one end of a socket pair; what passes there is login_pump.c's matter.
 *
 * While a question is open nothing is read from the client and no timer runs: the question
 * has its own time-out, and the connection outlives it.
 *
 * Runs in:  imap-login, pop3-login; user relais-login, empty chroot, no file access, no key.
 */
#include <errno.h>
#include <fcntl.h>
#include <sys/socket.h>
#include <unistd.h>

#include "clock.h"
#include "door_bindings.h"
#include "log.h"
#include "login_private.h"

#define AUTH_TIMEOUT_MS 30000
#define TAKE_TIMEOUT_MS 15000

/* ---- the session takes over ---- */

static void
on_taken(void *arg, const struct ipc_answer *answer)
{
	struct login_conn *c = arg;
	struct ipc_reader in = ipc_reader(answer->body);
	struct session_taken_msg m = { .status = answer->err };
	bool answered = answer->err == ERR_OK && answer->type == SESSION_TAKEN &&
			session_taken_decode(&in, &m) == ERR_OK;

	if (answered && m.status == ERR_OK) {
		login_log_login(c, m.pid);
		login_conn_done(c);
		return;
	}
	log_warning("session of %s not started: %s", buf_str(&c->session->user),
		err_text(answered ? m.status : ERR_PEER));
	if (!answered) {
		/* there may be a session now, or be one soon: two would speak to the client */
		login_conn_abandon(c, "The session did not answer");
		return;
	}
	if (c->inner >= 0)
		close(c->inner);
	c->inner = -1;
	login_conn_refuse(
		c, m.status == ERR_LIMIT ? LOGIN_TOO_MANY_SESSIONS : LOGIN_UNAVAILABLE, false);
}

/* What the session gets for its stream; < 0 with errno set. */
static int
make_stream(struct login_conn *c)
{
	int ends[2];

	if (c->tls == NULL)
		return fcntl(c->fd, F_DUPFD_CLOEXEC, 0); /* ours answers if it is refused */
	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, ends) != 0)
		return -1;
	c->inner = ends[0];
	return ends[1];
}

/* Hand over the stream, with what was read of it and not used. */
static void
hand_over(struct login_conn *c, struct bytes token)
{
	struct session_take_msg m = { .session_id = bytes_from_str(c->id),
		.client = bytes_from_str(c->client),
		.local = bytes_from_str(c->local),
		.input = buf_bytes(&c->in) };
	const struct sasl_door door = login_sasl_door(c->session);
	struct buf first = BUF_INIT, names = BUF_INIT;
	int fd = make_stream(c);

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
	(void)sasl_mechanisms_put(&names, &door, " ");
	m.mechanisms = buf_bytes(&names);
	session_take_encode(link_compose(c->server->spawner), &m);
	link_request(c->server->spawner, SESSION_TAKE, &fd, 1, TAKE_TIMEOUT_MS, on_taken, c);
	buf_free(&first);
	buf_free(&names);
}

/* ---- directory's answer ---- */

static void
on_right(struct login_conn *c, const struct directory_auth_answer *m)
{
	if (m->account.n > 0) { /* whoever he said he is: this he is */
		buf_clear(&c->session->user);
		buf_put_bytes(&c->session->user, m->account);
	}
	if (m->token.n == SESSION_TOKEN_SIZE)
		hand_over(c, m->token);
	else
		login_conn_refuse(c, LOGIN_UNAVAILABLE, false);
}

static void
on_auth(void *arg, const struct ipc_answer *answer)
{
	/* what directory says besides yes and "go on", and whether the client waits for it */
	static const struct {
		enum login_refusal why;
		bool delayed;
	} rows[DIRECTORY_AUTH_STATUSES] = {
		[DIRECTORY_AUTH_FAILED] = { LOGIN_BAD_PASSWORD, true },
		[DIRECTORY_AUTH_LOCKED] = { LOGIN_LOCKED, true },
		[DIRECTORY_AUTH_TEMPORARY] = { LOGIN_UNAVAILABLE, false },
		[DIRECTORY_AUTH_MALFORMED] = { LOGIN_MALFORMED, false },
		[DIRECTORY_AUTH_UNSUPPORTED] = { LOGIN_UNAVAILABLE, false },
		[DIRECTORY_AUTH_BANNED] = { LOGIN_BANNED, true },
	};
	struct login_conn *c = arg;
	struct ipc_reader in = ipc_reader(answer->body);
	struct directory_auth_answer m = { .status = DIRECTORY_AUTH_TEMPORARY };

	if (answer->err < 0 || answer->type != DIRECTORY_AUTH_ANSWER ||
		directory_auth_answer_decode(&in, &m) < 0 || m.status >= DIRECTORY_AUTH_STATUSES)
		m.status = DIRECTORY_AUTH_TEMPORARY;
	c->session->exchange = false;
	if (m.status == DIRECTORY_AUTH_OK) {
		on_right(c, &m);
	} else if (m.status == DIRECTORY_AUTH_CHALLENGE) {
		c->exchange = m.exchange;
		login_conn_challenge(c, m.challenge);
	} else {
		login_conn_refuse(c, rows[m.status].why, rows[m.status].delayed);
	}
}

/* ---- questions ---- */

static void
ask_password(struct login_conn *c, struct link *directory)
{
	struct login_session *s = c->session;

	directory_auth_encode(
		link_compose(directory), &(struct directory_auth){ .login = buf_bytes(&s->user),
						 .password = buf_bytes(&s->password),
						 .client = bytes_from_str(c->client),
						 .protocol = c->server->spec->directory_protocol,
						 .session = c->number });
	link_request(directory, DIRECTORY_AUTH, NULL, 0, AUTH_TIMEOUT_MS, on_auth, c);
	buf_free(&s->password);
}

static void
ask_sasl(struct login_conn *c, struct link *directory)
{
	uint8_t room[SASL_BINDINGS][SASL_BINDING_MAX];
	struct login_session *s = c->session;
	struct directory_sasl_start m = { .mechanism = s->mechanism->mechanism,
		.protocol = c->server->spec->directory_protocol,
		.session = c->number,
		.client = bytes_from_str(c->client),
		.has_initial = true,
		.initial = buf_bytes(&s->response) };

	(void)door_bindings(c->tls, room, m.bindings);
	directory_sasl_start_encode(link_compose(directory), &m);
	link_request(directory, DIRECTORY_SASL_START, NULL, 0, AUTH_TIMEOUT_MS, on_auth, c);
	buf_free(&s->response);
}

static void
ask_step(struct login_conn *c, struct link *directory)
{
	directory_sasl_step_encode(
		link_compose(directory), &(struct directory_sasl_step){ .exchange = c->exchange,
						 .response = buf_bytes(&c->session->response) });
	link_request(directory, DIRECTORY_SASL_STEP, NULL, 0, AUTH_TIMEOUT_MS, on_auth, c);
	buf_free(&c->session->response);
}

void
login_conn_ask(struct login_conn *c)
{
	struct link *directory = c->server->directory;

	c->asked_ms = clock_mono_ms();
	if (login_hopeless(c->session))
		login_conn_refuse(c, LOGIN_BAD_PASSWORD, true);
	else if (c->session->question == LOGIN_PASSWORD)
		ask_password(c, directory);
	else if (c->session->question == LOGIN_SASL_BEGIN)
		ask_sasl(c, directory);
	else
		ask_step(c, directory);
}

void
login_conn_cancel(struct login_conn *c)
{
	if (!c->session->exchange)
		return;
	c->session->exchange = false;
	directory_sasl_cancel_encode(link_compose(c->server->directory),
		&(struct directory_sasl_cancel){ .exchange = c->exchange });
	link_send(c->server->directory, DIRECTORY_SASL_CANCEL, NULL, 0);
}
