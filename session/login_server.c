/* SPDX-License-Identifier: ISC */
/*
 * session/login_server.c - the daemon of a login half: who is let in, and its life. A connection's
 * is login_conn.c's.
 *
 * Runs in:  imap-login, pop3-login; user relais-login, empty chroot, no file access, no key.
 * Trusts:   nothing from the client.
 */
#include "login_server.h"

#include <arpa/inet.h>
#include <inttypes.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "auth_policy.h"
#include "clock.h"
#include "login_private.h"
#include "random.h"

#define ERRORS_MAX     20
#define DRAIN_GRACE_MS 3000

/* ---- the beginning ---- */

static void
address_text(const struct sockaddr_storage *a, char out[LOGIN_ADDRESS_SIZE])
{
	const struct sockaddr_in6 *six = (const struct sockaddr_in6 *)a;
	const struct sockaddr_in *four = (const struct sockaddr_in *)a;

	snprintf(out, LOGIN_ADDRESS_SIZE, "unknown");
	if (a->ss_family == AF_INET)
		inet_ntop(AF_INET, &four->sin_addr, out, LOGIN_ADDRESS_SIZE);
	else if (a->ss_family == AF_INET6 && IN6_IS_ADDR_V4MAPPED(&six->sin6_addr))
		inet_ntop(AF_INET, six->sin6_addr.s6_addr + 12, out, LOGIN_ADDRESS_SIZE);
	else if (a->ss_family == AF_INET6)
		inet_ntop(AF_INET6, &six->sin6_addr, out, LOGIN_ADDRESS_SIZE);
}

static void
name_ends(struct login_conn *c, const struct daemon_client *client)
{
	struct sockaddr_storage local = { 0 };
	socklen_t len = sizeof(local);

	address_text(client->addr, c->client);
	if (getsockname(c->fd, (struct sockaddr *)&local, &len) != 0)
		local.ss_family = AF_UNSPEC;
	address_text(&local, c->local);
	c->number = random_u64();
	snprintf(c->id, sizeof(c->id), "%016" PRIx64, c->number);
}

static struct login_session *
new_session(struct login_server *s, const struct daemon_client *client)
{
	const struct login_policy policy = {
		.plaintext = daemon_plaintext_auth(s->daemon, client->addr),
		.starttls = true,
		.mechanisms = daemon_sasl_mechanisms(s->daemon),
		.attempts_max = (unsigned)s->spec->limits(s->daemon->conf).failed_logins,
		.errors_max = ERRORS_MAX,
	};

	return login_session_new(s->spec->protocol, &policy);
}

/* NULL: there is room for one more of this client */
static const char *
why_not(struct login_server *s, uint32_t of_client)
{
	const struct login_limits limits = s->spec->limits(s->daemon->conf);

	if (s->count > limits.connections)
		return "Too many connections";
	if (limits.client_connections != 0 && of_client > limits.client_connections)
		return "Too many connections from your address";
	return NULL;
}

void
login_server_client(struct daemon *d, const struct daemon_client *client)
{
	struct login_server *s = d->ctx;
	struct login_conn *c = xcalloc(1, sizeof(*c));
	bool implicit_tls = strcmp(client->label, s->spec->tls_label) == 0;
	const int on = 1;

	c->server = s;
	c->fd = client->fd;
	c->begun_ms = clock_mono_ms();
	c->session = new_session(s, client);
	c->secured = c->session->policy.plaintext;
	c->address = counts_key_of(client->addr);
	TAILQ_INSERT_TAIL(&s->conns, c, link);
	s->count++;
	s->accepted++;
	name_ends(c, client);
	(void)setsockopt(c->fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
	c->reason = why_not(s, counts_add(&s->counts, &c->address));
	if (c->reason == NULL && implicit_tls && !door_tls_ready(s->tls))
		c->reason = "TLS is not available now";
	if (c->reason != NULL)
		s->refused++;
	login_conn_begin(c, implicit_tls);
}

/* ---- the daemon's life ---- */

int
login_server_start(struct daemon *d, const struct login_server_spec *spec)
{
	struct login_server *s = xcalloc(1, sizeof(*s));

	s->daemon = d;
	s->spec = spec;
	TAILQ_INIT(&s->conns);
	TAILQ_INIT(&s->pumps);
	counts_init(&s->counts);
	s->scratch = xmalloc(LOGIN_PUMP_PIECE);
	d->ctx = s;
	return ERR_OK;
}

int
login_server_run(struct daemon *d)
{
	struct login_server *s = d->ctx;

	s->directory = daemon_link(d, SERVICE_DIRECTORY, CONTROL_ANY, NULL, 0);
	s->spawner = daemon_link(d, s->spec->spawner, CONTROL_ANY, NULL, 0);
	/* at once: at an upgrade those who know each other stay together, and a token is shown to
	 * the spawner that directory gave it to */
	link_open(s->directory);
	link_open(s->spawner);
	s->tls = door_tls_new(d);
	return ERR_OK;
}

void
login_server_gone(struct login_server *s)
{
	if (s->daemon->draining && s->count == 0 && s->npumps == 0)
		daemon_finished(s->daemon);
}

bool
login_server_is_busy(const struct daemon *d)
{
	const struct login_server *s = d->ctx;

	return s->count > 0 || s->npumps > 0;
}

/* Who is logged in by TLS stays: a new process serves the door, this one goes with its last
 * session. At the end of the suite the spawner ends those. */
void
login_server_drain(struct daemon *d)
{
	struct login_server *s = d->ctx;
	struct login_conn *c;

	TAILQ_FOREACH (c, &s->conns, link)
		if (c->phase == CONN_TALKING || c->phase == CONN_SHAKING)
			login_conn_set_timer(c, DRAIN_GRACE_MS);
	login_server_gone(s);
}

void
login_server_stats(struct daemon *d, struct buf *out)
{
	const struct login_server *s = d->ctx;

	buf_printf(out,
		"relais_login_connections %" PRIu64 "\nrelais_login_connections_total %" PRIu64
		"\nrelais_login_connections_refused_total %" PRIu64 "\nrelais_logins_total %" PRIu64
		"\nrelais_login_failures_total %" PRIu64 "\nrelais_tls_sessions %" PRIu64 "\n",
		s->count, s->accepted, s->refused, s->logins, s->failures, s->npumps);
	door_tls_stats(s->tls, out);
}
