/* SPDX-License-Identifier: ISC */
/*
 * submission/submit_send.c - may this login send that? Asked of directory twice: at MAIL about the
 * reverse-path, so that nobody sends content in vain, and at the end about the whole message. The
 * second answer brings the tickets without which qmgr takes nothing from us and nothing is signed.
 *
 * Runs in:  submission.
 * Trusts:   directory's answers after decoding. No answer is a temporary failure.
 */
#include "directory_msg.h"
#include "err.h"
#include "log.h"
#include "rfc5321.h"
#include "submission.h"

#define SEND_TIMEOUT_MS 60000

/* Without an answer it is a temporary failure. */
static struct directory_send_answer
read_answer(const struct ipc_answer *reply, bool wants_ticket)
{
	struct directory_send_answer a = { 0 };
	struct ipc_reader in = ipc_reader(reply->body);

	if (reply->err < 0 || reply->type != DIRECTORY_SEND_ANSWER ||
		directory_send_answer_decode(&in, &a) < 0 ||
		(wants_ticket && a.verdict == DIRECTORY_SEND_OK && a.ticket.n == 0))
		a = (struct directory_send_answer){ .verdict = DIRECTORY_SEND_TEMPORARY };
	return a;
}

static void
refuse(struct client *c, const struct directory_send_answer *a)
{
	struct directory_reply r = directory_send_reply(a->verdict);
	struct smtp_out out = client_out(c);
	struct buf text = BUF_INIT;

	if (a->verdict == DIRECTORY_SEND_NOT_OWNED) {
		buf_printf(&text, "<");
		buf_put_bytes(&text, a->address);
		buf_printf(&text, ">: Sender address rejected: not owned by user %s%s",
			c->session.login, a->in_header ? " (in the header)" : "");
	} else {
		buf_put_str(&text, r.text);
		if (a->reason.n > 0)
			buf_put_str(&text, ": ");
		buf_put_bytes(&text, a->reason);
	}
	c->smtpd->numbers.refused_messages++;
	ask_answer(c, r.code, r.enhanced, buf_str(&text));
	buf_free(&text);
	/* directory has forgotten the login: this connection can send nothing more */
	if (a->verdict == DIRECTORY_SEND_NO_LOGIN) {
		smtp_session_drain(&c->session, &out);
		smtpd_log(c);
	}
}

static void
ask(struct client *c, const struct directory_send *m, ipc_answer_fn *done)
{
	struct link *directory = c->smtpd->directory;

	c->asking = true;
	directory_send_encode(link_compose(directory), m);
	link_request(directory, DIRECTORY_SEND, NULL, 0, SEND_TIMEOUT_MS, done, c);
}

static struct directory_send
question(const struct client *c)
{
	return (struct directory_send){ .handle = bytes_make(c->handle, sizeof(c->handle)),
		.session = c->number,
		.reverse_path = c->session.txn->envelope.reverse_path };
}

static void
on_reverse_path(void *arg, const struct ipc_answer *reply)
{
	struct client *c = arg;
	struct directory_send_answer a = read_answer(reply, false);

	if (!client_answered(c))
		return;
	if (a.verdict == DIRECTORY_SEND_OK)
		client_begin(c);
	else
		refuse(c, &a);
	client_turn(c);
}

void
submit_begin(struct client *c)
{
	struct directory_send m = question(c);

	ask(c, &m, on_reverse_path);
}

static void
on_ticket(void *arg, const struct ipc_answer *reply)
{
	struct client *c = arg;
	struct directory_send_answer a = read_answer(reply, true);

	if (!client_answered(c))
		return;
	if (a.verdict == DIRECTORY_SEND_OK) {
		buf_clear(&c->ticket);
		buf_put_bytes(&c->ticket, a.ticket);
		submit_sign(c, a.sign_ticket);
	} else {
		refuse(c, &a);
	}
	client_turn(c);
}

void
submit_commit(struct client *c)
{
	const struct smtp_txn *txn = c->session.txn;
	struct directory_send m = question(c);
	struct buf *recipients = &c->smtpd->scratch;

	ASSERT(txn->n_senders <= DIRECTORY_SENDERS_MAX);
	m.queue_id = txn->envelope.queue_id;
	m.nsenders = txn->n_senders;
	m.author = txn->author;
	for (uint32_t i = 0; i < txn->n_senders; i++)
		m.senders[i] = txn->senders[i];
	buf_clear(recipients);
	for (uint32_t i = 0; i < txn->envelope.n_rcpts; i++)
		directory_recipient_put(recipients, txn->envelope.rcpts[i].forward_path);
	m.recipients = buf_bytes(recipients);
	ask(c, &m, on_ticket);
}
