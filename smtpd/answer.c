/* SPDX-License-Identifier: ISC */
/*
 * smtpd/answer.c - the way on after a wait: a transaction's queue id, the verdict on a
 * recipient, the queue's word on a message.
 *
 * Runs in:  smtpd, submission.
 * Trusts:   the answers of directory and qmgr. Only an answer of class 2 makes a 250.
 */
#include "err.h"
#include "queue_id.h"
#include "session_impl.h"

void
smtp_session_begin(struct smtp_session *s, uint64_t queue_id, struct smtp_out *out)
{
	ASSERT(s->wait == SMTP_WAIT_BEGIN);
	s->wait = SMTP_WAIT_INPUT;
	s->txn->envelope.queue_id = queue_id;
	queue_id_text(queue_id, s->txn->queue_id);
	smtp_enter(s, SMTP_MAIL);
	smtp_reply(s, out, 250, "2.1.0", "Ok");
	smtp_check_patience(s, out);
}

static void
answer_recipient(struct smtp_session *s, const struct smtp_answer *answer, struct smtp_out *out)
{
	struct smtp_txn *txn = s->txn;
	struct envelope *e = &txn->envelope;

	if (answer->code / 100 != 2) {
		txn->refused++;
		smtp_reject(s, out, "RCPT", txn->pending.forward_path, answer);
		return;
	}
	if (e->n_rcpts == txn->rcpts_room) {
		uint32_t room = txn->rcpts_room == 0 ? 1 : txn->rcpts_room * 4;
		struct envelope_rcpt *rcpts = arena_alloc(&txn->arena, room * sizeof(*rcpts));
		if (e->n_rcpts > 0)
			memcpy(rcpts, e->rcpts, e->n_rcpts * sizeof(*rcpts));
		e->rcpts = rcpts;
		txn->rcpts_room = room;
	}
	e->rcpts[e->n_rcpts++] = txn->pending;
	smtp_enter(s, SMTP_RCPT);
	if (!txn->client_logged) {
		buf_printf(out->log, "%s: client=%s[%s]", txn->queue_id, smtp_shown_name(s),
			s->client);
		smtp_put_login(s, out->log);
		buf_printf(out->log, ", session=%s\n", s->id);
		txn->client_logged = true;
	}
	rfc5321_put_reply(out->replies, answer->code, answer->enhanced, answer->text);
	smtp_count_reply(s, answer->code);
}

static void
answer_commit(struct smtp_session *s, const struct smtp_answer *answer, struct smtp_out *out)
{
	if (answer->code / 100 == 2) {
		rfc5321_put_reply(out->replies, answer->code, answer->enhanced, answer->text);
		smtp_count_reply(s, answer->code);
		s->errors = s->junk = 0;
		s->transactions++;
	} else {
		smtp_reject(
			s, out, "END-OF-MESSAGE", s->txn->envelope.rcpts[0].forward_path, answer);
	}
	smtp_txn_end(s);
	smtp_enter(s, SMTP_READY);
}

void
smtp_session_answer(struct smtp_session *s, const struct smtp_answer *answer, struct smtp_out *out)
{
	enum smtp_wait wait = s->wait;

	s->wait = SMTP_WAIT_INPUT;
	s->recipient = BYTES_NONE;
	switch (wait) {
	case SMTP_WAIT_RECIPIENT:
		answer_recipient(s, answer, out);
		break;
	case SMTP_WAIT_COMMIT:
		answer_commit(s, answer, out);
		break;
	case SMTP_WAIT_BEGIN:
		ASSERT(answer->code / 100 != 2);
		smtp_reject(s, out, "MAIL", BYTES_NONE, answer);
		smtp_txn_end(s);
		break;
	case SMTP_WAIT_INPUT:
	case SMTP_WAIT_TLS:
	case SMTP_WAIT_AUTH:
	case SMTP_WAIT_CLOSE:
		ASSERT(false);
	}
	smtp_check_patience(s, out);
}

void
smtp_session_store_failed(struct smtp_session *s, int err, struct smtp_out *out)
{
	struct smtp_answer answer;

	if (s->txn == NULL || s->txn->store_error < 0)
		return;
	s->txn->store_error = err;
	if (s->wait == SMTP_WAIT_COMMIT && smtp_content_refusal(s->txn, &answer))
		smtp_session_answer(s, &answer, out);
}
