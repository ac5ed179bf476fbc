/* SPDX-License-Identifier: ISC */
/*
 * smtpd/smtpd.c - the process: policy from the configuration, doors and their limits,
 * time-outs, draining.
 *
 * Time-outs are coarse: a wheel of seconds, one timer for all connections. A deadline that
 * moves on only changes a number; the connection changes its slot when the old one comes.
 *
 * Runs in:  smtpd, submission; user relais-smtp, empty root, no files.
 * Trusts:   the configuration from master.
 */
#include "smtpd.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "auth_policy.h"
#include "clock.h"
#include "err.h"
#include "log.h"
#include "random.h"
#include "stats_rows.h"

static void
to_slot(struct smtpd *s, struct client *c)
{
	LIST_REMOVE(c, slot);
	LIST_INSERT_HEAD(&s->slots[c->deadline_s % SMTPD_SLOTS], c, slot);
}

void
smtpd_set_deadline(struct client *c, uint64_t timeout_ms)
{
	uint64_t deadline_s = clock_mono_ms() / 1000 + (timeout_ms + 999) / 1000 + 1;
	bool earlier;

	if (c->message_until_s != 0 && deadline_s > c->message_until_s)
		deadline_s = c->message_until_s; /* a piece in time is not enough */
	earlier = c->deadline_s == 0 || deadline_s < c->deadline_s;
	c->deadline_s = deadline_s;
	if (earlier) /* a later one waits where it is until its slot comes by */
		to_slot(c->smtpd, c);
}

static void
look_at_slot(struct smtpd *s, uint64_t second)
{
	struct client_list here = s->slots[second % SMTPD_SLOTS];
	struct client *c;

	/* moved to a list of its own first: clients may end and may come back to this slot */
	if (here.lh_first == NULL)
		return;
	LIST_INIT(&s->slots[second % SMTPD_SLOTS]);
	here.lh_first->slot.le_prev = &here.lh_first;
	while ((c = LIST_FIRST(&here)) != NULL) {
		to_slot(s, c);
		if (c->deadline_s <= second)
			client_timeout(c);
	}
}

static void
on_tick(evutil_socket_t fd, short what, void *arg)
{
	struct smtpd *s = arg;
	uint64_t now_s = clock_mono_ms() / 1000;

	UNUSED(fd);
	UNUSED(what);
	if (now_s - s->tick_s > SMTPD_SLOTS) /* we slept: once around is enough */
		s->tick_s = now_s - SMTPD_SLOTS;
	while (s->tick_s < now_s)
		look_at_slot(s, ++s->tick_s);
	if (s->nclients == 0)
		event_del(s->tick);
}

static void
start_ticking(struct smtpd *s)
{
	const struct timeval second = { 1, 0 };

	s->tick_s = clock_mono_ms() / 1000;
	event_add(s->tick, &second);
}

static void
wait_to_greet(struct smtpd *s)
{
	struct client *c = TAILQ_FIRST(&s->greeting);
	uint64_t now = clock_mono_ms();

	if (c == NULL || event_pending(s->greet, EV_TIMEOUT, NULL))
		return;
	uint64_t ms = c->greet_ms > now ? c->greet_ms - now : 0;
	struct timeval wait = { (time_t)(ms / 1000), (suseconds_t)(ms % 1000 * 1000) };
	event_add(s->greet, &wait);
}

static void
on_greet(evutil_socket_t fd, short what, void *arg)
{
	struct smtpd *s = arg;
	struct client *c;
	uint64_t now = clock_mono_ms();

	UNUSED(fd);
	UNUSED(what);
	while ((c = TAILQ_FIRST(&s->greeting)) != NULL && c->greet_ms <= now)
		client_greet(c);
	wait_to_greet(s);
}

void
smtpd_client_closed(struct smtpd *s, struct client *c)
{
	LIST_REMOVE(c, slot);
	if (c->in_greeting)
		TAILQ_REMOVE(&s->greeting, c, greeting);
	c->in_greeting = false;
	s->nclients--;
	if (s->nclients == 0 && s->d->draining)
		daemon_finished(s->d);
}

void
smtpd_address_text(const struct sockaddr_storage *a, char text[INET6_ADDRSTRLEN])
{
	const void *octets = a->ss_family == AF_INET
				     ? (const void *)&((const struct sockaddr_in *)a)->sin_addr
				     : (const void *)&((const struct sockaddr_in6 *)a)->sin6_addr;

	if (a->ss_family == AF_UNIX)
		snprintf(text, INET6_ADDRSTRLEN, "local");
	else if (inet_ntop(a->ss_family, octets, text, INET6_ADDRSTRLEN) == NULL)
		snprintf(text, INET6_ADDRSTRLEN, "unknown");
}

/* Where it comes from, for the counts; a user of this machine counts by himself. */
static struct counts_key
origin_of(const struct daemon_client *accepted)
{
	struct counts_key key = counts_key_of(accepted->addr);
	struct ucred who;
	socklen_t len = sizeof(who);

	if (accepted->addr->ss_family == AF_UNIX &&
		getsockopt(accepted->fd, SOL_SOCKET, SO_PEERCRED, &who, &len) == 0) {
		key.six = 2; /* neither of the families */
		memcpy(key.octets, &who.uid, sizeof(who.uid));
	}
	return key;
}

/* Too many connections: one reply and the end, before anything is allocated for it. */
static void
turn_away(struct smtpd *s, const struct daemon_client *accepted, const char *why)
{
	char text[INET6_ADDRSTRLEN];
	struct buf reply = BUF_INIT;

	smtpd_address_text(accepted->addr, text);
	log_info("NOQUEUE: reject: CONNECT from unknown[%s]: 421 4.7.0 %s", text, why);
	buf_printf(&reply, "421 4.7.0 %s %s\r\n", s->policy.hostname, why);
	/* who expects TLS from the first octet would not understand it */
	if (!smtpd_is_implicit_tls(accepted))
		UNUSED(send(accepted->fd, reply.data, reply.len, MSG_NOSIGNAL) < 0);
	buf_free(&reply);
	close(accepted->fd);
	s->numbers.refused_connections++;
}

bool
smtpd_is_implicit_tls(const struct daemon_client *accepted)
{
	return strcmp(accepted->label, "submissions") == 0;
}

void
smtpd_on_client(struct daemon *d, const struct daemon_client *accepted)
{
	struct smtpd *s = d->ctx;
	struct counts_key key = origin_of(accepted);

	s->numbers.connections++;
	if (s->nclients >= s->conf->connection_limit) {
		turn_away(s, accepted, "too many connections");
		return;
	}
	uint32_t n = counts_add(&s->counts, &key);
	if (s->conf->client_connection_limit != 0 && n > s->conf->client_connection_limit) {
		counts_remove(&s->counts, &key);
		turn_away(s, accepted, "too many connections from your address");
		return;
	}
	if (s->nclients++ == 0)
		start_ticking(s);
	client_new(s, accepted, &key);
	if (s->conf->greet_delay > 0)
		wait_to_greet(s);
}

static void
set_policy(struct smtpd *s)
{
	const struct smtpd_conf *conf = s->conf;

	s->policy = (struct smtp_policy){ .hostname = s->d->common->hostname,
		.service = "relais",
		.content = { .size_octets = conf->message_size_limit,
			.text_line_octets = conf->text_line_limit,
			.header_octets = conf->header_size_limit,
			.hops = (uint32_t)conf->hop_limit },
		.recipient_limit = (uint32_t)conf->recipient_limit,
		.error_limit = (uint32_t)conf->error_limit,
		.junk_limit = (uint32_t)conf->junk_limit,
		.strict_paths = conf->strict_paths,
		.starttls = s->tls != NULL,
		.hide_client = conf->hide_client,
		.authserv_id = s->d->mailauth->authserv_id[0] != 0 ? s->d->mailauth->authserv_id
								   : s->d->common->hostname };
	if (s->kind->header == NULL)
		return;
	s->policy.mechanisms = daemon_sasl_mechanisms(s->d);
	s->policy.failed_logins = (uint32_t)conf->failed_logins;
	s->policy.header_octets = conf->header_size_limit;
	s->policy.header = s->kind->header;
	s->policy.tell_login = s->d->mailauth->tell_login;
}

int
smtpd_serve(struct daemon *d, const struct smtpd_kind *kind)
{
	struct smtpd *s = xcalloc(1, sizeof(*s));

	d->ctx = s;
	s->d = d;
	s->kind = kind;
	s->conf = d->conf;
	s->tls = door_tls_new(d);
	set_policy(s);
	s->input = xmalloc(SMTPD_READ_SIZE);
	s->next_session = random_u64();
	s->ids.instance = d->birth % (QUEUE_ID_INSTANCE_MAX + 1);
	counts_init(&s->counts);
	for (size_t i = 0; i < SMTPD_SLOTS; i++)
		LIST_INIT(&s->slots[i]);
	TAILQ_INIT(&s->greeting);
	s->tick = event_new(d->base, -1, EV_PERSIST, on_tick, s);
	s->greet = event_new(d->base, -1, 0, on_greet, s);
	ASSERT(s->tick != NULL && s->greet != NULL);
	s->directory = daemon_link(d, SERVICE_DIRECTORY, CONTROL_ANY, NULL, 0);
	s->qmgr = daemon_link(d, SERVICE_QMGR, CONTROL_ANY, NULL, 0);
	link_open(s->directory);
	link_open(s->qmgr);
	if (s->conf->client_names)
		s->names = client_names_new(d);
	return ERR_OK;
}

bool
smtpd_is_busy(const struct daemon *d)
{
	return ((const struct smtpd *)d->ctx)->nclients > 0;
}

void
smtpd_drain(struct daemon *d)
{
	struct smtpd *s = d->ctx;

	if (s->nclients == 0) {
		daemon_finished(d);
		return;
	}
	/* every client is in some slot; those that end are taken out of it meanwhile */
	for (size_t i = 0; i < SMTPD_SLOTS; i++) {
		struct client *c, *next;
		for (c = LIST_FIRST(&s->slots[i]); c != NULL; c = next) {
			next = LIST_NEXT(c, slot);
			client_drain(c);
		}
	}
}

void
smtpd_stats(struct daemon *d, struct buf *out)
{
	const struct smtpd *s = d->ctx;
	const struct smtpd_numbers *n = &s->numbers;
	const struct stats_row rows[] = { { "clients", s->nclients },
		{ "connections_total", n->connections },
		{ "refused_connections_total", n->refused_connections },
		{ "early_talkers_total", n->early_talkers }, { "timeouts_total", n->timeouts },
		{ "messages_total", n->messages }, { "bytes_total", n->octets },
		{ "refused_recipients_total", n->refused_recipients },
		{ "refused_messages_total", n->refused_messages },
		{ "temporary_failures_total", n->temporary_failures },
		{ "failed_handshakes_total", n->failed_handshakes }, { "logins_total", n->logins },
		{ "failed_logins_total", n->failed_logins },
		{ "forged_fields_total", n->forged_fields } };

	stats_rows_put(out, "smtp", rows, NITEMS(rows));
	histogram_put(out, "relais_smtp_rcpt_seconds", &n->rcpt);
	histogram_put(out, "relais_smtp_commit_seconds", &n->commit);
	door_tls_stats(s->tls, out);
	verify_stats(s->verify, out);
}

void
smtpd_stop(struct daemon *d)
{
	struct smtpd *s = d->ctx;

	if (s == NULL)
		return;
	event_free(s->tick);
	event_free(s->greet);
	door_tls_free(&s->tls);
	client_names_free(&s->names);
	verify_free(&s->verify);
	counts_free(&s->counts);
	buf_free(&s->content);
	buf_free(&s->log);
	buf_free(&s->scratch);
	free(s->input);
	free(s);
	d->ctx = NULL;
}
