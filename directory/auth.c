/* SPDX-License-Identifier: ISC */
/*
 * directory/auth.c - from a login and a password to a session that is waited for.
 *
 * An attempt goes from one place to the next: the tables, ledger (may it be tried?), the
 * hashing threads or an exchange of SASL (sasl.c), and, all being right, the session spawner,
 * which is told whose session to start before the login half hears anything. The login half
 * learns a random token, never names an account; submission learns a login handle.
 *
 * Runs in:  directory.
 * Trusts:   doors with nothing but the client's own words and address.
 */
#include "auth.h"

#include <stdlib.h>

#include "directory_conf.h"
#include "err.h"
#include "log.h"
#include "logins.h"
#include "password_record.h"
#include "random.h"
#include "session_msg.h"
#include "siphash.h"

#define SPAWNER_TIMEOUT_MS 5000
#define CLIENT_BUCKETS     4096
#define AUTHS_MAX          20000 /* attempts under way; most of them answers that are held back */

_Static_assert(DIRECTORY_TOKEN_SIZE == SESSION_TOKEN_SIZE, "one token");
_Static_assert(DIRECTORY_HANDLE_SIZE == LOGIN_HANDLE_SIZE, "one handle");

/* How many attempts of each client are under way. Two that share a bucket share the limit,
 * which is wide. */
struct auth_clients {
	struct siphash_key key;
	uint32_t buckets[CLIENT_BUCKETS];
};

static uint32_t *
client_count(struct directory *d, struct bytes client)
{
	return &d->auth_clients->buckets[siphash(&d->auth_clients->key, client) % CLIENT_BUCKETS];
}

/* ---- the end of an attempt ---- */

static void
auth_free(struct auth *a)
{
	auth_exchange_free(a);
	if (a->timer != NULL)
		event_free(a->timer);
	LIST_REMOVE(a, link);
	a->d->nauths--;
	--*client_count(a->d, a->client);
	arena_reset(&a->arena);
	buf_free(&a->password);
	free(a);
}

static struct guess_attempt
attempt_of(const struct auth *a)
{
	return (struct guess_attempt){ a->client, a->account.key, a->protocol };
}

static void
tell(struct auth *a, enum ledger_tried_result result, struct bytes app)
{
	struct guess_attempt attempt = attempt_of(a);

	if (a->framed)
		guess_tell(a->d->guess, &attempt, result, app, buf_bytes(&a->password));
	a->framed = false;
}

void
auth_say(const struct auth *a, const struct directory_auth_answer *answer)
{
	if (a->channel == NULL)
		return;
	directory_auth_answer_encode(ipc_compose(a->channel), answer);
	ipc_reply(a->channel, a->id, DIRECTORY_AUTH_ANSWER, NULL, 0);
}

void
auth_drop(struct auth *a)
{
	tell(a, LEDGER_TRIED_UNDECIDED, BYTES_NONE);
	auth_free(a);
}

static void
refuse_now(struct auth *a)
{
	a->d->logins++;
	a->d->logins_failed++;
	auth_say(a, &(struct directory_auth_answer){ .status = a->refusal,
			    .account = bytes_head(a->login, DIRECTORY_ACCOUNT_MAX) });
	auth_drop(a);
}

void
auth_refuse(struct auth *a, enum directory_auth_status status)
{
	a->refusal = status;
	refuse_now(a);
}

static void
on_delay_over(evutil_socket_t fd, short events, void *arg)
{
	UNUSED(fd), UNUSED(events);
	refuse_now(arg);
}

/* The answer waits, and with it the client's place among those under way. */
static void
refuse_later(struct auth *a, enum directory_auth_status status, uint32_t delay_ms)
{
	const struct timeval delay = { delay_ms / 1000, (suseconds_t)(delay_ms % 1000) * 1000 };

	a->refusal = status;
	if (delay_ms == 0 || a->channel == NULL) {
		refuse_now(a);
		return;
	}
	a->state = AUTH_DELAYED;
	a->timer = evtimer_new(a->d->daemon->base, on_delay_over, a);
	event_add(a->timer, &delay);
}

void
auth_wrong(struct auth *a)
{
	tell(a, LEDGER_TRIED_WRONG, BYTES_NONE);
	refuse_later(a, DIRECTORY_AUTH_FAILED, a->delay_ms);
}

/* ---- all is right ---- */

static void
succeed(struct auth *a, struct directory_auth_answer answer)
{
	answer.status = DIRECTORY_AUTH_OK;
	answer.account = a->account.key;
	a->d->logins++;
	auth_say(a, &answer);
	auth_free(a);
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
		succeed(a, (struct directory_auth_answer){
				   .token = bytes_make(a->token, sizeof(a->token)) });
		return;
	}
	log_warning("session of %.*s can't be started: %s", (int)a->account.key.n,
		(const char *)a->account.key.p, err_text(r));
	auth_refuse(a, DIRECTORY_AUTH_TEMPORARY);
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
give_handle(struct auth *a)
{
	struct login login = { .channel = a->channel,
		.session = a->session,
		.system_user = a->account.system_user,
		.account = a->account.key,
		.client = a->client };

	if (a->channel == NULL || logins_add(a->d->handles, &login) < 0) {
		auth_refuse(a, DIRECTORY_AUTH_TEMPORARY);
		return;
	}
	succeed(a, (struct directory_auth_answer){
			   .handle = bytes_make(login.handle, sizeof(login.handle)),
			   .send_blocked = (a->account.record.may & ACCOUNT_SEND) == 0 });
}

void
auth_right(struct auth *a, struct bytes app, unsigned protocols)
{
	const struct bytes key = a->account.key;

	if ((protocols & (1u << (a->protocol - DIRECTORY_IMAP))) == 0) {
		log_info("login of %.*s: the app password \"%.*s\" is not for this protocol",
			(int)key.n, (const char *)key.p, (int)app.n, (const char *)app.p);
		auth_wrong(a);
		return;
	}
	tell(a, LEDGER_TRIED_RIGHT, app);
	if ((a->account.record.may & ACCOUNT_LOGIN) == 0)
		auth_refuse(a, DIRECTORY_AUTH_LOCKED);
	else if (a->protocol == DIRECTORY_SUBMISSION)
		give_handle(a);
	else
		start_session(
			a, a->protocol == DIRECTORY_IMAP ? a->d->imap_spawner : a->d->pop3_spawner);
}

/* ---- a password ---- */

/* A better record takes one command; who reads the log should know. */
static void
hint_weak(const struct auth *a)
{
	struct bytes record = a->account.record.password, key = a->account.key;

	if (password_record_is_weak(record))
		log_info("password of %.*s is kept as %s: \"relais user passwd\" makes a better "
			 "record",
			(int)key.n, (const char *)key.p, password_record_scheme(record));
}

static void
on_password(void *arg, const struct password_answer *answer)
{
	struct auth *a = arg;

	a->state = AUTH_NEW;
	if (answer->result == PASSWORD_LATER)
		auth_refuse(a, DIRECTORY_AUTH_TEMPORARY);
	else if (answer->result != PASSWORD_RIGHT || a->looked_up < 0)
		auth_wrong(a);
	else {
		if (answer->app[0] == 0 && !answer->cached)
			hint_weak(a);
		auth_right(a, bytes_from_str(answer->app), answer->protocols);
	}
}

/* What the system says of one of its users. */
static void
on_pam(void *arg, enum pam_verdict verdict)
{
	struct auth *a = arg;

	a->state = AUTH_NEW;
	if (verdict == PAM_SAYS_LATER)
		auth_refuse(a, DIRECTORY_AUTH_TEMPORARY);
	else if (verdict == PAM_SAYS_YES)
		auth_right(a, BYTES_NONE, ACCOUNT_PROTOCOLS);
	else
		auth_wrong(a);
}

static void
ask_pam(struct auth *a)
{
	struct bytes key = a->account.key;

	a->state = AUTH_HASHING;
	pam_check(a->d->pam, bytes_head(key, bytes_find_last(key, '@')), buf_bytes(&a->password),
		a->client, on_pam, a);
}

void
auth_check_password(struct auth *a)
{
	struct password_question q = { .account = a->account.key,
		.line = a->looked_up == ERR_OK ? a->account.record.line : BYTES_NONE,
		.password = buf_bytes(&a->password),
		.priority = a->priority };
	struct password_answer now;

	if (a->looked_up == ERR_OK && a->account.system_user && a->d->pam != NULL) {
		ask_pam(a);
		return;
	}
	a->state = AUTH_HASHING;
	if (passwords_check(a->d->passwords, &q, on_password, a, &now) != PASSWORD_PENDING)
		on_password(a, &now);
}

/* ---- who is it, and may it be tried ---- */

static void
on_try(void *arg, const struct ledger_try_answer *answer)
{
	static const enum password_priority priorities[LEDGER_TRUSTS] = {
		[LEDGER_TRUST_KNOWN] = PASSWORD_FIRST,
		[LEDGER_TRUST_NEUTRAL] = PASSWORD_NORMAL,
		[LEDGER_TRUST_SUSPECT] = PASSWORD_LAST,
	};
	struct auth *a = arg;

	a->state = AUTH_NEW;
	a->delay_ms = answer->delay_ms;
	if (answer->verdict != LEDGER_TRY_GO) {
		refuse_later(a, DIRECTORY_AUTH_BANNED, answer->delay_ms);
		return;
	}
	a->framed = true;
	a->priority = priorities[answer->trust];
	if (a->channel == NULL)
		auth_drop(a);
	else
		a->go(a);
}

/* Perhaps in a thread. */
static void
look_up(struct directory_tables *t, void *arg)
{
	struct auth *a = arg;

	a->looked_up = tables_login(t, &a->arena, a->login, &a->account);
}

static void
looked_up(void *arg)
{
	struct auth *a = arg;
	struct guess_attempt attempt = attempt_of(a);

	a->state = AUTH_ASKING;
	if (a->looked_up < 0 && a->looked_up != ERR_NOT_FOUND)
		auth_refuse(a, DIRECTORY_AUTH_TEMPORARY);
	else if (a->channel == NULL)
		auth_drop(a);
	else
		guess_ask(a->d->guess, &attempt, on_try, a);
}

void
auth_identify(struct auth *a, struct bytes login, void (*go)(struct auth *a))
{
	a->login = arena_bytes(&a->arena, login);
	a->go = go;
	a->state = AUTH_LOOKING;
	if (!directory_look_up(a->d, look_up, looked_up, a))
		auth_refuse(a, DIRECTORY_AUTH_TEMPORARY);
}

/* ---- the door ---- */

struct auth *
auth_new(struct ipc_call *call, enum directory_protocol protocol, struct bytes client,
	uint64_t session)
{
	struct daemon *daemon = call->ctx;
	struct directory *d = daemon->ctx;
	const struct directory_conf *conf = daemon->conf;
	struct auth *a = xcalloc(1, sizeof(*a));
	bool too_many;

	a->d = d;
	a->channel = call->channel;
	a->id = call->id;
	a->protocol = protocol;
	a->session = session;
	a->password = BUF_SECRET;
	a->client = arena_bytes(&a->arena, client);
	/* one client can't fill the queue and keep everybody else out */
	too_many = ++*client_count(d, a->client) > conf->auth_client_limit &&
		   conf->auth_client_limit != 0 && client.n > 0;
	too_many |= ++d->nauths > AUTHS_MAX;
	LIST_INSERT_HEAD(&d->auths, a, link);
	if (!too_many)
		return a;
	auth_refuse(a, DIRECTORY_AUTH_TEMPORARY);
	return NULL;
}

void
directory_on_auth(struct ipc_call *call, const void *msg)
{
	const struct directory_auth *m = msg;
	struct auth *a = auth_new(call, m->protocol, m->client, m->session);

	if (a == NULL)
		return;
	buf_put_bytes(&a->password, m->password);
	auth_identify(a, m->login, auth_check_password);
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
	d->auth_clients = xcalloc(1, sizeof(*d->auth_clients));
	random_fill(&d->auth_clients->key, sizeof(d->auth_clients->key));
	d->guess = guess_new(d->ledger);
	d->handles = logins_new();
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
	struct auth *a, *next;

	for (a = LIST_FIRST(&d->auths); a != NULL; a = next) {
		next = LIST_NEXT(a, link);
		if (a->channel != peer)
			continue;
		a->channel = NULL;
		if (a->state == AUTH_TALKING || a->state == AUTH_DELAYED)
			auth_drop(a); /* nobody else holds it */
	}
	logins_remove_channel(d->handles, peer);
}

void
directory_auth_stop(struct directory *d)
{
	struct auth *a;

	if (d->passwords_event != NULL)
		event_free(d->passwords_event);
	passwords_free(&d->passwords);
	while ((a = LIST_FIRST(&d->auths)) != NULL)
		auth_free(a); /* NOLINT: LIST_REMOVE is too much for the analyser */
	logins_free(&d->handles);
	guess_free(&d->guess);
	free(d->auth_clients);
	d->auth_clients = NULL;
}
