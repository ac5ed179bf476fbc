/* SPDX-License-Identifier: ISC */
/*
 * directory/auth.c - from a login and a password to a session that is waited for.
 *
 * An AUTH under way is in one of two places: with the hashing threads, or, the password being
 * right, with the session spawner, which is told whose session to start before the login half
 * hears anything. The login half learns a random token, never names an account.
 *
 * Runs in:  directory.
 * Trusts:   login halves with nothing but the client's own words.
 */
#include <stdlib.h>

#include "directory.h"
#include "directory_conf.h"
#include "err.h"
#include "log.h"
#include "random.h"
#include "session_msg.h"

#define SPAWNER_TIMEOUT_MS 5000

_Static_assert(DIRECTORY_TOKEN_SIZE == SESSION_TOKEN_SIZE, "one token");

enum auth_state {
	AUTH_HASHING, /* goes on in on_password() */
	AUTH_STARTING /* goes on in on_started() */
};

struct auth {
	LIST_ENTRY(auth) link;
	struct directory *d;
	struct ipc_channel *channel; /* NULL: the one who asked is gone */
	uint32_t id;
	enum auth_state state;
	enum directory_protocol protocol;
	bool known; /* there is such an account */
	uint8_t token[DIRECTORY_TOKEN_SIZE];
	struct arena arena; /* holds what follows */
	struct account account;
	struct bytes client;
};

static void
auth_answer(struct auth *a, enum directory_auth_status status, bool with_token)
{
	struct directory_auth_answer answer = { .status = status };

	if (status == DIRECTORY_AUTH_OK)
		answer.account = a->account.key;
	if (with_token)
		answer.token = bytes_make(a->token, sizeof(a->token));
	a->d->logins++;
	if (status != DIRECTORY_AUTH_OK)
		a->d->logins_failed++;
	if (a->channel != NULL) {
		directory_auth_answer_encode(ipc_compose(a->channel), &answer);
		ipc_reply(a->channel, a->id, DIRECTORY_AUTH_ANSWER, NULL, 0);
	}
	LIST_REMOVE(a, link);
	arena_reset(&a->arena);
	free(a);
}

static void
on_started(void *arg, const struct ipc_answer *answer)
{
	struct auth *a = arg;
	struct session_started_msg started;
	struct ipc_reader in = ipc_reader(answer->body);
	int r = answer->err;

	if (r == ERR_OK &&
		(answer->type != SESSION_STARTED || session_started_decode(&in, &started) < 0))
		r = ERR_SYNTAX;
	if (r == ERR_OK)
		r = started.status;
	if (r == ERR_OK) {
		auth_answer(a, DIRECTORY_AUTH_OK, true);
		return;
	}
	log_warning("session of %.*s can't be started: %s", (int)a->account.key.n,
		(const char *)a->account.key.p, err_text(r));
	auth_answer(a, DIRECTORY_AUTH_TEMPORARY, false);
}

static void
start_session(struct auth *a, struct link *spawner)
{
	struct session_start_msg start = {
		.protocol = a->protocol == DIRECTORY_IMAP ? SESSION_IMAP : SESSION_POP3,
		.uid = a->account.record.uid,
		.gid = a->account.record.gid,
		.quota_octets = a->account.record.quota_octets,
		.quota_messages = a->account.record.quota_messages,
		.account = a->account.key,
		.home = a->account.record.home,
	};

	random_fill(a->token, sizeof(a->token));
	memcpy(start.token, a->token, sizeof(start.token));
	a->state = AUTH_STARTING;
	session_start_encode(link_compose(spawner), &start);
	link_request(spawner, SESSION_START, NULL, 0, SPAWNER_TIMEOUT_MS, on_started, a);
}

static void
on_password(void *arg, enum password_result result)
{
	struct auth *a = arg;

	if (result == PASSWORD_LATER)
		auth_answer(a, DIRECTORY_AUTH_TEMPORARY, false);
	else if (result != PASSWORD_RIGHT || !a->known)
		auth_answer(a, DIRECTORY_AUTH_FAILED, false);
	else if ((a->account.record.may & ACCOUNT_LOGIN) == 0)
		auth_answer(a, DIRECTORY_AUTH_LOCKED, false);
	else if (a->protocol == DIRECTORY_SUBMISSION)
		auth_answer(a, DIRECTORY_AUTH_OK, false);
	else
		start_session(
			a, a->protocol == DIRECTORY_IMAP ? a->d->imap_spawner : a->d->pop3_spawner);
}

/* One client can't fill the queue and keep everybody else out. */
static bool
client_has_too_many(const struct directory *d, struct bytes client)
{
	const struct directory_conf *conf = d->daemon->conf;
	const struct auth *a;
	uint64_t n = 0;

	if (client.n == 0 || conf->auth_client_limit == 0)
		return false;
	LIST_FOREACH (a, &d->auths, link)
		n += bytes_equal(a->client, client);
	return n >= conf->auth_client_limit;
}

void
directory_on_auth(struct ipc_call *call, const void *msg)
{
	const struct directory_auth *m = msg;
	struct daemon *daemon = call->ctx;
	struct directory *d = daemon->ctx;
	struct auth *a = xcalloc(1, sizeof(*a));
	enum password_result result;
	struct bytes hash = BYTES_NONE;
	bool too_many;
	int r;

	a->d = d;
	a->channel = call->channel;
	a->id = call->id;
	a->protocol = m->protocol;
	a->client = arena_bytes(&a->arena, m->client);
	too_many = client_has_too_many(d, a->client);
	LIST_INSERT_HEAD(&d->auths, a, link);
	if (too_many) {
		auth_answer(a, DIRECTORY_AUTH_TEMPORARY, false);
		return;
	}
	r = tables_login(directory_tables(d), &a->arena, m->login, &a->account);
	if (r < 0 && r != ERR_NOT_FOUND) {
		auth_answer(a, DIRECTORY_AUTH_TEMPORARY, false);
		return;
	}
	a->known = r == ERR_OK;
	if (a->known)
		hash = a->account.record.password;
	result = passwords_check(d->passwords, a->known ? a->account.key : m->login, hash,
		m->password, on_password, a);
	if (result != PASSWORD_PENDING)
		on_password(a, result);
}

static void
on_passwords_ready(evutil_socket_t fd, short events, void *arg)
{
	struct directory *d = arg;

	UNUSED(fd), UNUSED(events);
	passwords_collect(d->passwords);
}

int
directory_auth_start(struct directory *d)
{
	d->imap_spawner = daemon_link(d->daemon, SERVICE_IMAP_SPAWNER, CONTROL_ANY, NULL, 0);
	d->pop3_spawner = daemon_link(d->daemon, SERVICE_POP3_SPAWNER, CONTROL_ANY, NULL, 0);
	d->passwords_event = event_new(d->daemon->base, passwords_fd(d->passwords),
		EV_READ | EV_PERSIST, on_passwords_ready, d);
	event_add(d->passwords_event, NULL);
	return passwords_start(d->passwords);
}

void
directory_auth_peer_down(struct directory *d, const struct ipc_channel *peer)
{
	struct auth *a;

	LIST_FOREACH (a, &d->auths, link)
		if (a->channel == peer)
			a->channel = NULL;
}

void
directory_auth_stop(struct directory *d)
{
	struct auth *a;

	if (d->passwords_event != NULL)
		event_free(d->passwords_event);
	passwords_free(&d->passwords);
	while ((a = LIST_FIRST(&d->auths)) != NULL) {
		LIST_REMOVE(a, link);
		arena_reset(&a->arena);
		free(a);
	}
}
