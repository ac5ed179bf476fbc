/* SPDX-License-Identifier: ISC */
/*
 * tests/system/intruder.c - a door that was taken over: a test program that master starts in the
 * place of submission or imap-login (test_intruder.py puts it there), with their real user, jail
 * and introductions. It asks the suite whatever its client, the test, tells it to.
 *
 * A line is a command with words between single spaces, "-" is an empty one, secrets are in hex.
 * The answer is a line, too: the command, a number (enum err below zero, or what the answer
 * says), a word.
 *
 *	auth LOGIN PASSWORD SESSION			status, handle or token
 *	send HANDLE SESSION ID REVERSE-PATH FROM	verdict, ticket
 *	commit ID LOGIN REVERSE-PATH RCPT TICKET	err, text
 *	grant HANDLE SESSION ID REVERSE-PATH FROM	as send: verdict, the signer's ticket
 *	sign DOMAIN LOGIN ID REVERSE-PATH FROM TICKET	err, the domain that signed
 *	fetch						err, DKIM keys: for the signer only
 *	key						err, the key: for qmgr only
 *	delete ID					err, -: for the operator only
 *	take TOKEN					status, -: the line itself is the session
 *
 * Runs in:  the jail of the door whose name it has.
 */
#include <fcntl.h>
#include <libgen.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "clock.h"
#include "daemon.h"
#include "directory_msg.h"
#include "dkim_keeper_msg.h"
#include "encode.h"
#include "envelope.h"
#include "err.h"
#include "imapd_conf.h"
#include "queue_msg.h"
#include "session_msg.h"
#include "signer_msg.h"
#include "submission_conf.h"

#define TIMEOUT_MS 10000
#define WORDS_MAX  8

struct intruder {
	struct daemon *daemon;
	struct link *directory, *qmgr, *spawner, *signer, *keeper;
};

struct client {
	struct intruder *intruder;
	struct event *event;
	int fd;
	bool asking; /* an answer is under way: it holds a pointer to us */
	char command[16];
	struct buf in;
};

static void
client_free(struct client *c)
{
	event_free(c->event);
	close(c->fd);
	buf_free(&c->in);
	free(c);
}

static void
say(struct client *c, int64_t number, struct bytes word)
{
	struct buf line = BUF_INIT;

	buf_printf(&line, "%s %lld ", c->command, (long long)number);
	buf_put_bytes(&line, word.n == 0 ? BYTES_LITERAL("-") : word);
	buf_put_str(&line, "\n");
	(void)!write(c->fd, line.data, line.len);
	buf_free(&line);
}

static void
say_hex(struct client *c, int64_t number, struct bytes octets)
{
	struct buf hex = BUF_INIT;

	hex_encode(&hex, octets);
	say(c, number, buf_bytes(&hex));
	buf_free(&hex);
}

/* ---- answers ---- */

static void
on_auth(void *arg, const struct ipc_answer *reply)
{
	struct ipc_reader in = ipc_reader(reply->body);
	struct directory_auth_answer a = { 0 };
	struct client *c = arg;

	c->asking = false;
	if (reply->err < 0 || directory_auth_answer_decode(&in, &a) < 0)
		say(c, reply->err < 0 ? reply->err : ERR_SYNTAX, BYTES_NONE);
	else
		say_hex(c, a.status, a.handle.n > 0 ? a.handle : a.token);
}

static void
on_send(void *arg, const struct ipc_answer *reply)
{
	struct ipc_reader in = ipc_reader(reply->body);
	struct directory_send_answer a = { 0 };
	struct client *c = arg;

	c->asking = false;
	if (reply->err < 0 || directory_send_answer_decode(&in, &a) < 0)
		say(c, reply->err < 0 ? reply->err : ERR_SYNTAX, BYTES_NONE);
	else
		say_hex(c, a.verdict, strcmp(c->command, "grant") == 0 ? a.sign_ticket : a.ticket);
}

static void
on_signed(void *arg, const struct ipc_answer *reply)
{
	struct ipc_reader in = ipc_reader(reply->body);
	struct signer_signed a = { 0 };
	struct client *c = arg;

	c->asking = false;
	if (reply->err < 0 || signer_signed_decode(&in, &a) < 0)
		say(c, reply->err < 0 ? reply->err : ERR_SYNTAX, BYTES_NONE);
	else
		say(c, a.err, a.domain);
}

static void
on_commit(void *arg, const struct ipc_answer *reply)
{
	struct ipc_reader in = ipc_reader(reply->body);
	struct queue_commit_answer a = { 0 };
	struct client *c = arg;

	c->asking = false;
	if (reply->err < 0 || queue_commit_answer_decode(&in, &a) < 0)
		say(c, reply->err < 0 ? reply->err : ERR_SYNTAX, BYTES_NONE);
	else
		say(c, a.err, a.text);
}

static void
on_taken(void *arg, const struct ipc_answer *reply)
{
	struct ipc_reader in = ipc_reader(reply->body);
	struct session_taken_msg a = { 0 };
	struct client *c = arg;

	c->asking = false;
	if (reply->err < 0 || session_taken_decode(&in, &a) < 0)
		say(c, reply->err < 0 ? reply->err : ERR_SYNTAX, BYTES_NONE);
	else if (a.status == ERR_OK)
		client_free(c); /* the session has it now */
	else
		say(c, a.status, BYTES_NONE);
}

/* To what nobody of ours may ask. */
static void
on_any(void *arg, const struct ipc_answer *reply)
{
	struct client *c = arg;

	c->asking = false;
	say_hex(c, reply->err, reply->body);
}

/* ---- commands ---- */

static uint64_t
number(struct bytes word)
{
	char text[32];

	return strtoull(bytes_to_str(word, text, sizeof(text)), NULL, 10);
}

/* Into a buffer of the caller's. */
static struct bytes
octets(struct buf *room, struct bytes hex)
{
	return hex.n > 0 && hex_decode(room, hex) < 0 ? BYTES_NONE : buf_bytes(room);
}

static void
cmd_auth(struct client *c, const struct bytes *w)
{
	struct link *l = c->intruder->directory;
	const bool submission = c->intruder->daemon->spec->service == SERVICE_SUBMISSION;
	const struct directory_auth m = { .login = w[0],
		.password = w[1],
		.client = BYTES_LITERAL("192.0.2.1"),
		.protocol = submission ? DIRECTORY_SUBMISSION : DIRECTORY_IMAP,
		.session = number(w[2]) };

	directory_auth_encode(link_compose(l), &m);
	link_request(l, DIRECTORY_AUTH, NULL, 0, TIMEOUT_MS, on_auth, c);
}

static void
cmd_send(struct client *c, const struct bytes *w)
{
	struct link *l = c->intruder->directory;
	struct buf handle = BUF_INIT, recipients = BUF_INIT;
	struct directory_send m = { .handle = octets(&handle, w[0]),
		.session = number(w[1]),
		.queue_id = number(w[2]),
		.reverse_path = w[3],
		.nsenders = 1,
		.senders = { w[4] } };

	directory_recipient_put(&recipients, BYTES_LITERAL("someone@far.example"));
	m.recipients = buf_bytes(&recipients);
	directory_send_encode(link_compose(l), &m);
	link_request(l, DIRECTORY_SEND, NULL, 0, TIMEOUT_MS, on_send, c);
	buf_free(&handle);
	buf_free(&recipients);
}

static void
cmd_commit(struct client *c, const struct bytes *w)
{
	struct link *l = c->intruder->qmgr;
	struct envelope_rcpt rcpt = { .forward_path = w[3] };
	const struct envelope e = { .queue_id = number(w[0]),
		.arrival_us = clock_wall_us(),
		.reverse_path = w[2],
		.client_address = BYTES_LITERAL("192.0.2.1"),
		.helo = BYTES_LITERAL("intruder"),
		.protocol = BYTES_LITERAL("ESMTPSA"),
		.session_id = BYTES_LITERAL("intruder"),
		.login = w[1],
		.n_rcpts = 1,
		.rcpts = &rcpt };
	struct buf envelope = BUF_INIT, ticket = BUF_INIT;
	struct queue_commit m = { .queue_id = e.queue_id,
		.prefix = BYTES_LITERAL("Received: by intruder\r\n"),
		.content = content_inline(BYTES_LITERAL("Subject: forged\r\n\r\nHello.\r\n")),
		.ticket = octets(&ticket, w[4]) };

	envelope_encode(&envelope, &e);
	m.envelope = buf_bytes(&envelope);
	queue_commit_encode(link_compose(l), &m);
	link_request(l, QUEUE_COMMIT, NULL, 0, TIMEOUT_MS, on_commit, c);
	buf_free(&envelope);
	buf_free(&ticket);
}

static void
cmd_sign(struct client *c, const struct bytes *w)
{
	struct link *l = c->intruder->signer;
	struct buf ticket = BUF_INIT, content = BUF_INIT;
	struct signer_sign m = { .domain = w[0],
		.login = w[1],
		.queue_id = number(w[2]),
		.reverse_path = w[3],
		.ticket = octets(&ticket, w[5]) };

	buf_put_str(&content, "From: ");
	buf_put_bytes(&content, w[4]);
	buf_put_str(&content, "\r\nSubject: sign me\r\n\r\nHello.\r\n");
	m.content = content_inline(buf_bytes(&content));
	signer_sign_encode(link_compose(l), &m);
	link_request(l, SIGNER_SIGN, NULL, 0, TIMEOUT_MS, on_signed, c);
	buf_free(&content);
	buf_free(&ticket);
}

static void
cmd_fetch(struct client *c, const struct bytes *w)
{
	struct link *l = c->intruder->keeper;

	UNUSED(w);
	dkim_keeper_fetch_encode(link_compose(l), &(struct dkim_keeper_fetch){ BYTES_NONE });
	link_request(l, DKIM_KEEPER_FETCH, NULL, 0, 1000, on_any, c);
}

static void
cmd_key(struct client *c, const struct bytes *w)
{
	struct link *l = c->intruder->directory;

	UNUSED(w);
	buf_clear(link_compose(l));
	link_request(l, DIRECTORY_TICKET_KEY, NULL, 0, TIMEOUT_MS, on_any, c);
}

static void
cmd_delete(struct client *c, const struct bytes *w)
{
	struct link *l = c->intruder->qmgr;
	const struct queue_order m = { .verb = QUEUE_ORDER_DELETE, .queue_id = number(w[0]) };

	queue_order_encode(link_compose(l), &m);
	link_request(l, QUEUE_ORDER, NULL, 0, TIMEOUT_MS, on_any, c);
}

static void
cmd_take(struct client *c, const struct bytes *w)
{
	struct link *l = c->intruder->spawner;
	struct session_take_msg m = { .session_id = BYTES_LITERAL("intruder"),
		.client = BYTES_LITERAL("192.0.2.1"),
		.local = BYTES_LITERAL("192.0.2.2"),
		.first_reply = BYTES_LITERAL("take 0 taken\n") };
	struct buf token = BUF_INIT;
	int fd = fcntl(c->fd, F_DUPFD_CLOEXEC, 0);

	if (octets(&token, w[0]).n == sizeof(m.token))
		memcpy(m.token, token.data, sizeof(m.token));
	session_take_encode(link_compose(l), &m);
	link_request(l, SESSION_TAKE, &fd, 1, TIMEOUT_MS, on_taken, c);
	buf_free(&token);
}

static const struct command {
	const char *name;
	unsigned nwords;
	void (*run)(struct client *c, const struct bytes *words);
} commands[] = {
	{ "auth", 3, cmd_auth },
	{ "send", 5, cmd_send },
	{ "commit", 5, cmd_commit },
	{ "grant", 5, cmd_send },
	{ "sign", 6, cmd_sign },
	{ "fetch", 0, cmd_fetch },
	{ "key", 0, cmd_key },
	{ "delete", 1, cmd_delete },
	{ "take", 1, cmd_take },
};

static void
run_line(struct client *c, struct bytes line)
{
	struct bytes name = bytes_cut(&line, ' '), words[WORDS_MAX];
	unsigned n = 0;

	while (line.n > 0 && n < WORDS_MAX) {
		words[n] = bytes_cut(&line, ' ');
		if (bytes_is(words[n], "-"))
			words[n] = BYTES_NONE;
		n++;
	}
	bytes_to_str(name, c->command, sizeof(c->command));
	for (size_t i = 0; i < NITEMS(commands); i++)
		if (bytes_is(name, commands[i].name) && n == commands[i].nwords) {
			c->asking = true;
			commands[i].run(c, words);
			return;
		}
	say(c, ERR_SYNTAX, BYTES_NONE);
}

/* ---- the process ---- */

/* One command at a time: the test waits for its answer. */
static void
on_octets(evutil_socket_t fd, short what, void *arg)
{
	struct client *c = arg;
	ssize_t n;
	size_t end;

	UNUSED(what);
	if (c->asking)
		return;
	n = read(fd, buf_room(&c->in, 4096), 4096);
	if (n <= 0) {
		client_free(c);
		return;
	}
	buf_added(&c->in, (size_t)n);
	end = bytes_find(buf_bytes(&c->in), '\n');
	if (end == BYTES_NOT_FOUND)
		return;
	run_line(c, bytes_head(buf_bytes(&c->in), end));
	buf_consume(&c->in, end + 1);
}

static void
on_client(struct daemon *d, const struct daemon_client *accepted)
{
	struct client *c = xcalloc(1, sizeof(*c));

	c->intruder = d->ctx;
	c->fd = accepted->fd;
	c->event = event_new(d->base, c->fd, EV_READ | EV_PERSIST, on_octets, c);
	event_add(c->event, NULL);
	snprintf(c->command, sizeof(c->command), "intruder");
	say(c, d->instance, BYTES_NONE);
}

static int
run(struct daemon *d)
{
	struct intruder *i = xcalloc(1, sizeof(*i));

	i->daemon = d;
	i->directory = daemon_link(d, SERVICE_DIRECTORY, CONTROL_ANY, NULL, 0);
	i->signer = daemon_link(d, SERVICE_SIGNER, CONTROL_ANY, NULL, 0);
	i->keeper = daemon_link(d, SERVICE_DKIM_KEEPER, CONTROL_ANY, NULL, 0);
	if (d->spec->service == SERVICE_SUBMISSION)
		i->qmgr = daemon_link(d, SERVICE_QMGR, CONTROL_ANY, NULL, 0);
	else
		i->spawner = daemon_link(d, SERVICE_IMAP_SPAWNER, CONTROL_ANY, NULL, 0);
	d->ctx = i;
	return ERR_OK;
}

static void
stop(struct daemon *d)
{
	free(d->ctx);
}

int
main(int argc, char *argv[])
{
	const bool imap = argc > 0 && strcmp(basename(argv[0]), "imap-login") == 0;
	const struct daemon_spec spec = {
		.service = imap ? SERVICE_IMAP_LOGIN : SERVICE_SUBMISSION,
		.section = imap ? &imapd_section : &submission_section,
		.run = run,
		.on_client = on_client,
		.stop = stop,
	};

	return daemon_run(&spec, argc, argv);
}
