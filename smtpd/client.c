/* SPDX-License-Identifier: ISC */
/*
 * smtpd/client.c - one connection: octets from the socket to the session, replies back.
 *
 * The socket is registered once, edge-triggered: the kernel tells when something can be read
 * or written again and we remember it, so a message costs no epoll_ctl. All that the client
 * sent is worked off before replies are written: a pipelined group is answered in one write.
 * While replies can't be written nothing more is read.
 *
 * STARTTLS: the replies so far leave in the clear, all that was received is dropped, and after the
 * handshake the session begins anew.
 *
 * Runs in:  smtpd, submission.
 * Trusts:   nothing from the client.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "auth_policy.h"
#include "clock.h"
#include "door_bindings.h"
#include "log.h"
#include "rfc5321.h"
#include "smtpd.h"

#define READS_A_TURN     32   /* then others have their turn */
#define CLOSE_TIMEOUT_MS 5000 /* for the last replies to be written */

struct smtp_out
client_out(struct client *c)
{
	return (struct smtp_out){ &c->out, &c->smtpd->content, &c->smtpd->log };
}

void
client_introduce(struct client *c)
{
	if (c->introduced)
		return;
	c->introduced = true;
	log_info("connect from %s[%s]", client_shown_name(c), c->address_text);
}

void
smtpd_log(struct client *c)
{
	struct smtpd *s = c->smtpd;
	struct bytes rest = buf_bytes(&s->log);

	if (rest.n > 0)
		client_introduce(c);
	while (rest.n > 0) {
		struct bytes line = bytes_cut(&rest, '\n');
		log_info("%.*s", (int)line.n, (const char *)line.p);
	}
	buf_clear(&s->log);
}

static void
client_free(struct client *c)
{
	smtp_session_free(&c->session);
	client_name_forget(&c->lookup);
	verify_forget(c);
	counts_remove(&c->smtpd->counts, &c->address); /* not before its questions have ended */
	free(c->name);
	store_reset(&c->store);
	buf_free(&c->ticket);
	buf_free(&c->in);
	buf_free(&c->out);
	free(c);
}

/* The client is closed and no question under way. */
static void
leave(struct client *c)
{
	if (c->smtpd->kind->closed != NULL)
		c->smtpd->kind->closed(c);
	client_free(c);
}

/* The connection ends now. A client with a question under way is kept until the answer. */
static void
client_close(struct client *c)
{
	struct smtpd *s = c->smtpd;
	struct smtp_out out = client_out(c);

	if (c->session.state != SMTP_ENDED && !c->asking)
		smtp_session_lost(&c->session, &out);
	client_introduce(c);
	smtpd_log(c);
	buf_clear(&s->scratch);
	smtp_session_put_counts(&c->session, &s->scratch);
	log_info("disconnect from %s[%s] %s", client_shown_name(c), c->address_text,
		buf_str(&s->scratch));
	event_del(&c->event);
	stream_end(c);
	/* with unread octets close() would send a reset, which may overtake our last reply */
	if (c->readable)
		UNUSED(recv(c->fd, s->input, SMTPD_READ_SIZE, MSG_DONTWAIT) < 0);
	close(c->fd);
	smtpd_client_closed(s, c);
	c->gone = true;
	if (!c->asking)
		leave(c);
}

bool
client_answered(struct client *c)
{
	c->asking = false;
	if (!c->gone)
		return true;
	leave(c);
	return false;
}

/* Write replies: false if the connection is broken. */
static bool
flush(struct client *c)
{
	while (c->out.len > 0 && c->writable) {
		int n = stream_write(c, buf_bytes(&c->out));

		if (n < 0)
			return false;
		buf_consume(&c->out, (size_t)n);
	}
	if (c->out.len == 0)
		buf_free(&c->out);
	return true;
}

void
client_begin(struct client *c)
{
	struct smtp_out out = client_out(c);

	store_reset(&c->store);
	smtp_session_begin(&c->session, queue_id_make(&c->smtpd->ids, c->session.now_us), &out);
}

/* Do what the session waits for; c->asking tells whether the answer comes later. */
static void
act(struct client *c)
{
	const struct smtpd_kind *kind = c->smtpd->kind;

	if (!store_content(c))
		return;
	switch (c->session.wait) {
	case SMTP_WAIT_BEGIN:
		(kind->begin != NULL ? kind->begin : client_begin)(c);
		break;
	case SMTP_WAIT_RECIPIENT:
		ask_recipient(c);
		break;
	case SMTP_WAIT_COMMIT:
		c->smtpd->numbers.forged_fields += c->session.txn->filter.fields;
		(kind->commit != NULL ? kind->commit : ask_commit)(c);
		break;
	case SMTP_WAIT_AUTH:
		kind->auth(c);
		break;
	case SMTP_WAIT_INPUT:
	case SMTP_WAIT_TLS: /* when the replies are written: client_turn() */
	case SMTP_WAIT_CLOSE:
		break;
	}
}

static uint64_t
timeout_of(const struct client *c)
{
	const struct smtpd_conf *conf = c->smtpd->conf;

	if (c->session.state == SMTP_DATA || c->session.state == SMTP_CHUNK)
		return conf->data_timeout;
	/* not of port 25 */
	if (conf->login_timeout != 0 && !c->session.authenticated)
		return conf->login_timeout;
	return conf->command_timeout;
}

static bool
over(const struct client *c)
{
	return c->session.wait == SMTP_WAIT_CLOSE || c->session.wait == SMTP_WAIT_TLS;
}

/* A message must come to its end: from MAIL on it has so long, however diligently its pieces
 * drop in. */
static void
limit_message(struct client *c)
{
	const struct smtp_txn *txn = c->session.txn;

	if (txn == NULL) {
		c->message_id = c->message_until_s = 0;
	} else if (txn->envelope.queue_id != c->message_id) {
		c->message_id = txn->envelope.queue_id;
		c->message_until_s =
			(clock_mono_ms() + c->smtpd->conf->transaction_timeout) / 1000 + 1;
	}
}

/* Feed the session as far as it goes; returns the octets used. */
static size_t
feed(struct client *c, struct bytes in)
{
	struct smtpd *s = c->smtpd;
	size_t used = 0;

	c->session.tls_ready = s->tls != NULL && c->tls == NULL && door_tls_ready(s->tls);
	for (;;) {
		struct smtp_out out = client_out(c);
		size_t n = smtp_session_input(&c->session, bytes_skip(in, used), &out);
		bool waits = c->session.wait != SMTP_WAIT_INPUT;
		used += n;
		act(c);
		if (s->log.len > 0)
			smtpd_log(c);
		if (c->asking || over(c) || (n == 0 && !waits) ||
			(used == in.n && c->session.wait == SMTP_WAIT_INPUT))
			break;
	}
	if (c->session.txn == NULL) {
		if (c->store.size > 0)
			store_reset(&c->store);
		verify_forget(c);
	}
	if (c->in_exchange && !c->asking && c->session.state != SMTP_AUTH)
		s->kind->cancel(c);
	limit_message(c);
	if (used > 0)
		smtpd_set_deadline(c, timeout_of(c));
	return used;
}

/* Octets that were left over before, now to be looked at again. */
static void
feed_rest(struct client *c)
{
	size_t used = feed(c, buf_bytes(&c->in));

	buf_consume(&c->in, used);
	c->stuck = used == 0 && !c->asking;
	if (c->in.len == 0)
		buf_free(&c->in);
}

enum read_result {
	READ_SOME,
	READ_NOTHING,
	READ_END
};

/* Read once. Usually nothing is left over from before, and the process' buffer serves. */
static enum read_result
read_some(struct client *c)
{
	struct smtpd *s = c->smtpd;
	bool own = c->in.len > 0;
	uint8_t *to = own ? buf_room(&c->in, SMTP_LINE_MAX) : s->input;
	int n = stream_read(c, to, own ? SMTP_LINE_MAX : SMTPD_READ_SIZE);

	if (n <= 0)
		return n == 0 ? READ_NOTHING : READ_END;
	if (own) {
		buf_added(&c->in, (size_t)n);
		feed_rest(c);
		return READ_SOME;
	}
	struct bytes got = bytes_make(s->input, (size_t)n);
	bool secret = s->kind->auth != NULL && !c->session.authenticated;
	size_t used = feed(c, got);
	c->stuck = used < got.n && !c->asking && c->session.wait == SMTP_WAIT_INPUT;
	if (used < got.n && c->session.wait != SMTP_WAIT_CLOSE)
		buf_put_bytes(&c->in, bytes_skip(got, used));
	if (secret)
		explicit_bzero(s->input, got.n);
	return READ_SOME;
}

/* The session is over: close when its last replies are written. */
static void
finish(struct client *c)
{
	if (!flush(c) || c->out.len == 0)
		client_close(c);
	else
		smtpd_set_deadline(c, CLOSE_TIMEOUT_MS);
}

/* Work off what has come and can be read: false if the client is gone. */
static bool
work(struct client *c)
{
	int reads = 0;

	while (!c->asking && !over(c)) {
		if (c->out.len > SMTPD_OUT_MAX && !flush(c)) {
			client_close(c);
			return false;
		}
		if (c->out.len > 0 && !c->writable)
			return true;
		if (c->in.len > 0 && !c->stuck) {
			feed_rest(c);
			continue;
		}
		if (!c->readable)
			return true;
		if (reads++ == READS_A_TURN) {
			event_active(&c->event, EV_TIMEOUT, 1);
			return true;
		}
		enum read_result r = read_some(c);
		if (r == READ_END) {
			flush(c);
			client_close(c);
			return false;
		}
		if (r == READ_NOTHING)
			return true;
	}
	return true;
}

/* The 220 is on its way in the clear. What was received behind STARTTLS may be anybody's: it is
 * dropped (RFC 3207 sec. 4.2 and its erratum; command injection). */
static void
begin_tls(struct client *c)
{
	if (!flush(c)) {
		client_close(c);
		return;
	}
	if (c->out.len > 0)
		return;
	client_introduce(c);
	if (c->in.len > 0)
		log_warning("%s[%s]: %zu octets sent in the clear behind STARTTLS are dropped",
			client_shown_name(c), c->address_text, c->in.len);
	buf_free(&c->in);
	c->stuck = false;
	stream_begin_tls(c);
	smtpd_set_deadline(c, timeout_of(c));
	client_turn(c);
}

/* The handshake is done: true; false if it goes on, or has failed (the client is gone). */
static bool
shake(struct client *c)
{
	struct smtp_out out = client_out(c);
	char text[TLS_DESCRIPTION_SIZE];
	uint8_t room[SASL_BINDINGS][SASL_BINDING_MAX];
	struct bytes bindings[SASL_BINDINGS];

	switch (stream_shake(c)) {
	case SHAKE_WAITS:
		return false;
	case SHAKE_FAILED:
		client_close(c);
		return false;
	case SHAKE_DONE:
		break;
	}
	if (c->smtpd->kind->secured != NULL)
		c->smtpd->kind->secured(c);
	c->session.binding = door_bindings(c->tls, room, bindings);
	smtp_session_secured(&c->session, tls_describe(c->tls, text), &out);
	smtpd_log(c);
	if (!c->greeted) { /* TLS from the first octet: nobody has spoken yet */
		c->greeted = true;
		smtp_session_greet(&c->session, &out);
	}
	smtpd_set_deadline(c, timeout_of(c));
	return true;
}

void
client_turn(struct client *c)
{
	if (c->shaking && !shake(c))
		return;
	c->session.now_us = clock_wall_us();
	if (!c->asking && c->session.wait != SMTP_WAIT_INPUT)
		act(c); /* what waited until its content was stored */
	if (!work(c))
		return;
	if (c->asking)
		return; /* replies so far go out in company with the answer */
	if (c->session.wait == SMTP_WAIT_CLOSE)
		finish(c);
	else if (c->session.wait == SMTP_WAIT_TLS)
		begin_tls(c);
	else if (c->out.len > 0 && !flush(c))
		client_close(c);
}

static void
leave_greeting(struct client *c)
{
	if (c->in_greeting)
		TAILQ_REMOVE(&c->smtpd->greeting, c, greeting);
	c->in_greeting = false;
	c->greeted = true;
}

static void
early_talker(struct client *c)
{
	struct smtpd *s = c->smtpd;
	struct smtp_out out = client_out(c);
	uint64_t came_ms = c->greet_ms - s->conf->greet_delay;
	ssize_t n = recv(c->fd, s->input, SMTPD_READ_SIZE, MSG_DONTWAIT);

	s->numbers.early_talkers++;
	leave_greeting(c);
	smtp_session_early_talker(&c->session, bytes_make(s->input, n > 0 ? (size_t)n : 0),
		clock_mono_ms() - came_ms, &out);
	smtpd_log(c);
	finish(c);
}

/* Before the greeting nobody may speak (RFC 5321 sec. 3.1). */
static void
before_greeting(struct client *c)
{
	if (c->hup)
		client_close(c);
	else if (c->readable)
		early_talker(c);
	else if (c->smtpd->conf->greet_delay == 0)
		client_greet(c);
}

void
client_greet(struct client *c)
{
	struct smtp_out out = client_out(c);

	leave_greeting(c);
	smtp_session_greet(&c->session, &out);
	smtpd_set_deadline(c, timeout_of(c));
	client_turn(c);
}

static void
on_socket(evutil_socket_t fd, short what, void *arg)
{
	struct client *c = arg;

	UNUSED(fd);
	if ((what & (EV_READ | EV_CLOSED)) != 0)
		c->readable = true;
	if ((what & EV_CLOSED) != 0)
		c->hup = true;
	if ((what & EV_WRITE) != 0)
		c->writable = true;
	if (c->greeted || c->shaking)
		client_turn(c);
	else if (c->in_greeting)
		before_greeting(c);
}

void
client_timeout(struct client *c)
{
	struct smtp_out out = client_out(c);

	if (c->asking) { /* the question has a time-out of its own */
		smtpd_set_deadline(c, timeout_of(c));
		return;
	}
	c->smtpd->numbers.timeouts++;
	if (over(c) || c->shaking || (c->out.len > 0 && !c->writable)) {
		client_close(c);
		return;
	}
	smtp_session_timeout(&c->session, &out);
	smtpd_log(c);
	finish(c);
}

void
client_drain(struct client *c)
{
	struct smtp_out out = client_out(c);

	if (!c->greeted) {
		client_close(c);
		return;
	}
	smtp_session_drain(&c->session, &out);
	if (!c->asking && c->session.wait == SMTP_WAIT_CLOSE)
		finish(c);
}

/* Who it is, from where it comes. */
static void
init_client(struct client *c, struct smtpd *s, const struct daemon_client *accepted)
{
	c->smtpd = s;
	c->fd = accepted->fd;
	c->store.fd = c->store.read_fd = -1;
	c->in.secret = s->kind->auth != NULL; /* passwords pass through it */
	smtpd_address_text(accepted->addr, c->address_text);
	c->number = s->next_session++;
	snprintf(c->id, sizeof(c->id), "%016llx", (unsigned long long)c->number);
	smtp_session_init(&c->session, &s->policy, c->address_text, NULL, c->id);
	(void)ip_block_from_sockaddr(accepted->addr, &c->from);
	c->session.own_host = verify_is_own_host(s->verify, c);
	c->session.clear_auth = daemon_plaintext_auth(s->d, accepted->addr);
}

/* What its door is for: greet it when its time has come, or begin with TLS, or find out first
 * who the local user is. false: it is not to be served. */
static bool
meet(struct client *c, const struct daemon_client *accepted)
{
	struct smtpd *s = c->smtpd;

	if (accepted->addr->ss_family == AF_UNIX)
		return s->kind->local != NULL && s->kind->local(c);
	if (smtpd_is_implicit_tls(accepted)) {
		/* no way to say anything: the client tries again later */
		if (!door_tls_ready(s->tls))
			return false;
		stream_begin_tls(c);
		return true;
	}
	c->greet_ms = clock_mono_ms() + s->conf->greet_delay;
	TAILQ_INSERT_TAIL(&s->greeting, c, greeting);
	c->in_greeting = true;
	return true;
}

void
client_local(struct client *c, struct bytes login, struct bytes address)
{
	struct smtp_out out = client_out(c);

	smtp_session_local(&c->session, login, address);
	c->greeted = true;
	smtp_session_greet(&c->session, &out);
	smtpd_set_deadline(c, timeout_of(c));
	client_turn(c);
}

void
client_refuse(struct client *c, const char *line)
{
	c->greeted = true;
	buf_printf(&c->out, "%s\r\n", line);
	c->session.wait = SMTP_WAIT_CLOSE;
	client_turn(c);
}

static void
on_name(void *arg, const char *name)
{
	struct client *c = arg;

	c->lookup = NULL;
	if (name != NULL)
		c->session.name = c->name = xstrdup(name);
	client_introduce(c);
}

void
client_new(struct smtpd *s, const struct daemon_client *accepted, const struct counts_key *key)
{
	struct client *c = xcalloc(1, sizeof(*c));

	init_client(c, s, accepted);
	c->address = *key;
	if (s->names != NULL && accepted->addr->ss_family != AF_UNIX)
		c->lookup = client_name_find(s->names, accepted->addr, on_name, c);
	if (c->lookup == NULL)
		client_introduce(c);
	LIST_INSERT_HEAD(&s->slots[0], c, slot);
	smtpd_set_deadline(c, timeout_of(c));
	/* the first edge, "writable", comes at once and brings the greeting */
	int r = event_assign(&c->event, s->d->base, c->fd,
		EV_READ | EV_WRITE | EV_CLOSED | EV_ET | EV_PERSIST, on_socket, c);
	ASSERT(r == 0);
	r = event_add(&c->event, NULL);
	ASSERT(r == 0);
	if (!meet(c, accepted))
		client_close(c);
}
