/* SPDX-License-Identifier: ISC */
/*
 * smtpd/ask.c - the session's questions to the suite and the answers' way back.
 *
 * A question holds a pointer to its client until it is answered, which is always, if only by
 * a time-out: a client that leaves meanwhile is kept (client_answered).
 *
 * Runs in:  smtpd, submission.
 * Trusts:   directory's and qmgr's answers after decoding. No answer is a temporary failure:
 *           nothing but qmgr's ERR_OK makes a 250 after content.
 */
#include <stdio.h>
#include <unistd.h>

#include "clock.h"
#include "directory_msg.h"
#include "err.h"
#include "log.h"
#include "queue_msg.h"
#include "smtpd.h"
#include "sys.h"

#define RECIPIENT_TIMEOUT_MS 60000
#define COMMIT_TIMEOUT_MS    240000 /* the client waits 10 minutes, RFC 5321 sec. 4.5.3.2.6 */

void
ask_answer(struct client *c, int code, const char *enhanced, const char *text)
{
	struct smtp_answer a = { code, enhanced, bytes_from_str(text) };
	struct smtp_out out = client_out(c);

	if (code / 100 == 4)
		c->smtpd->numbers.temporary_failures++;
	smtp_session_answer(&c->session, &a, &out);
	smtpd_log(c);
}

/* The words of Postfix where log readers and fail2ban's filter look for them. */
static const char *
verdict_words(enum directory_verdict verdict, const char *text)
{
	if (verdict == DIRECTORY_UNKNOWN)
		return "User unknown";
	if (verdict == DIRECTORY_NO_RELAY)
		return "Relay access denied";
	return text;
}

static struct directory_rcpt_answer
read_verdict(const struct ipc_answer *reply)
{
	struct ipc_reader in = ipc_reader(reply->body);
	struct directory_rcpt_answer answer;

	if (reply->err < 0 || reply->type != DIRECTORY_RCPT_ANSWER ||
		directory_rcpt_answer_decode(&in, &answer) < 0)
		return (struct directory_rcpt_answer){ .verdict = DIRECTORY_TEMPORARY };
	return answer;
}

static void
refuse_recipient(struct client *c, const struct directory_rcpt_answer *answer)
{
	const struct directory_reply r = directory_verdict_reply(answer->verdict);
	struct bytes recipient = c->session.recipient;
	char enhanced[DIRECTORY_ENHANCED_MAX + 1], words[DIRECTORY_REASON_MAX + 1], text[512];

	/* a route that refuses it has words of its own */
	bytes_to_str(answer->enhanced.n > 0 ? answer->enhanced : bytes_from_str(r.enhanced),
		enhanced, sizeof(enhanced));
	bytes_to_str(answer->text.n > 0 ? answer->text
					: bytes_from_str(verdict_words(answer->verdict, r.text)),
		words, sizeof(words));
	c->smtpd->numbers.refused_recipients++;
	snprintf(text, sizeof(text), "<%.*s>: %s%s", (int)recipient.n, (const char *)recipient.p,
		answer->verdict == DIRECTORY_NO_RELAY ? "" : "Recipient address rejected: ", words);
	ask_answer(c, r.code, enhanced, text);
}

static void
on_verdict(void *arg, const struct ipc_answer *reply)
{
	struct client *c = arg;
	struct directory_rcpt_answer answer = read_verdict(reply);
	struct directory_reply r = directory_verdict_reply(answer.verdict);

	histogram_add(&c->smtpd->numbers.rcpt, clock_mono_us() - c->asked_us);
	if (!client_answered(c))
		return;
	if (answer.verdict == DIRECTORY_OK)
		ask_answer(c, r.code, r.enhanced, "Ok");
	else
		refuse_recipient(c, &answer);
	client_turn(c);
}

void
ask_recipient(struct client *c)
{
	struct link *directory = c->smtpd->directory;
	struct directory_rcpt question = { .address = c->session.recipient,
		.size_octets = c->session.txn->declared_size,
		.flags = c->smtpd->kind->may_relay };

	c->asking = true;
	c->asked_us = clock_mono_us();
	directory_rcpt_encode(link_compose(directory), &question);
	link_request(directory, DIRECTORY_RCPT, NULL, 0, RECIPIENT_TIMEOUT_MS, on_verdict, c);
}

static int
read_commit(const struct ipc_answer *reply, struct queue_commit_answer *commit)
{
	struct ipc_reader in = ipc_reader(reply->body);

	*commit = (struct queue_commit_answer){ 0 };
	if (reply->err < 0)
		return reply->err;
	if (reply->type != QUEUE_COMMIT_ANSWER || queue_commit_answer_decode(&in, commit) < 0)
		return ERR_PEER;
	return commit->err;
}

static void
answer_failure(struct client *c, int err)
{
	if (err == ERR_NO_SPACE)
		ask_answer(c, 452, "4.3.1", "insufficient system storage");
	else if (err_is_temporary(err))
		ask_answer(c, 451, "4.3.0", "queue is not available, try again later");
	else if (err == ERR_LIMIT)
		ask_answer(c, 552, "5.3.4", "message is too large");
	else
		ask_answer(c, 554, "5.3.0", "message can't be queued");
}

static void
on_committed(void *arg, const struct ipc_answer *reply)
{
	struct client *c = arg;
	struct smtpd_numbers *numbers = &c->smtpd->numbers;
	struct queue_commit_answer commit;
	int r = read_commit(reply, &commit);
	char text[64];

	histogram_add(&numbers->commit, clock_mono_us() - c->asked_us);
	if (r == ERR_OK) {
		numbers->messages++;
		numbers->octets += c->session.txn->content.size;
	} else {
		numbers->refused_messages++;
		log_warning("%s: not queued: %s", c->session.txn->queue_id, err_text(r));
	}
	if (!client_answered(c))
		return;
	if (r == ERR_OK) {
		snprintf(text, sizeof(text), "Ok: queued as %s", c->session.txn->queue_id);
		ask_answer(c, 250, "2.0.0", text);
	} else {
		answer_failure(c, r);
	}
	client_turn(c);
}

/* An envelope too large for a message travels in a memfd of its own. < 0 on error. */
static int
envelope_fd(struct bytes envelope)
{
	int r, fd = sys_memfd("envelope");

	if (fd < 0)
		return fd;
	if ((r = sys_pwrite_all(fd, envelope, 0)) == ERR_OK && (r = store_seal(fd)) == ERR_OK)
		return fd;
	close(fd);
	return r;
}

void
ask_commit(struct client *c)
{
	struct smtpd *s = c->smtpd;
	const struct smtp_txn *txn = c->session.txn;
	struct queue_commit m = { .queue_id = txn->envelope.queue_id,
		.prefix = txn->prefix,
		.lent = c->store.lent,
		.ticket = buf_bytes(&c->ticket) };
	uint16_t type;
	int fds[2], nfds, r;

	ASSERT(s->policy.header != NULL ||
		c->store.size == txn->content.size - txn->filter.removed);
	buf_clear(&s->scratch);
	envelope_encode(&s->scratch, &txn->envelope);
	m.envelope = buf_bytes(&s->scratch);
	const bool large = m.envelope.n > QUEUE_ENVELOPE_INLINE_MAX;
	if ((r = store_take(&c->store, large, &m.content, &fds[0])) < 0) {
		answer_failure(c, r);
		return;
	}
	type = m.content.in_fd ? QUEUE_COMMIT_FD : QUEUE_COMMIT;
	nfds = m.content.in_fd ? 1 : 0;
	if (large) {
		if ((fds[nfds++] = envelope_fd(m.envelope)) < 0) {
			close(fds[0]);
			answer_failure(c, fds[1]);
			return;
		}
		m.envelope = BYTES_NONE;
		type = QUEUE_COMMIT_LARGE;
	}
	c->asking = true;
	c->asked_us = clock_mono_us();
	queue_commit_encode(link_compose(s->qmgr), &m);
	link_request(s->qmgr, type, fds, (unsigned)nfds, COMMIT_TIMEOUT_MS, on_committed, c);
	store_reset(&c->store); /* it has travelled */
}
