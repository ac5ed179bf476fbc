/* SPDX-License-Identifier: ISC */
/*
 * smtp-client/transaction.c - mail transactions: MAIL, RCPT, DATA or BDAT, and the end.
 *
 * With PIPELINING all commands up to DATA go in one group, else one at a time. Recipients that
 * are refused because there were too many (RFC 5321 sec. 4.5.3.1.10) get another transaction
 * on the same connection, which then asks for no more than were accepted; each one finishes at
 * least one recipient, so there is an end.
 *
 * Runs in:  smtp-client.
 * Trusts:   the job; nothing of the peer.
 * Sources:  RFC 5321 sec. 3.3; RFC 2920 sec. 3.1; RFC 2033 sec. 4.2; RFC 3461; RFC 6531.
 */
#include <stdio.h>

#include "rfc5321.h"
#include "session_impl.h"

#define NO_RCPT UINT32_MAX

static const struct client_outcome message_fails = { OUTBOUND_PERMANENT, CLIENT_SCOPE_MESSAGE,
	OUTBOUND_REACHED };
static const struct client_outcome rcpt_fails = { OUTBOUND_PERMANENT, CLIENT_SCOPE_RECIPIENT,
	OUTBOUND_REACHED };
static const struct client_outcome sent = { OUTBOUND_SENT, CLIENT_SCOPE_NONE, OUTBOUND_REACHED };

/* --- before it begins ------------------------------------------------------------- */

/* Addresses that this peer can't be given. */
static void
check_addresses(struct client_session *s)
{
	static const char why[] = "SMTPUTF8 is required, but was not offered by host %s";

	if (client_offers(s, SMTP_EXT_SMTPUTF8))
		return;
	if (downgrade_is_8bit(s->job.reverse_path)) {
		client_failf(s, &message_fails, "5.6.7", why, s->policy->peer);
		return;
	}
	for (uint32_t i = 0; i < s->job.n_rcpts; i++)
		if (s->states[i] == RCPT_OPEN && downgrade_is_8bit(s->job.rcpts[i].forward_path))
			client_result_set(s, i, &rcpt_fails, "5.6.7",
				bytes_from_str(arena_printf(&s->arena, why, s->policy->peer)));
}

static bool
some_are(const struct client_session *s, enum client_rcpt_state state)
{
	for (uint32_t i = 0; i < s->job.n_rcpts; i++)
		if (s->states[i] == state)
			return true;
	return false;
}

void
client_next_transaction(struct client_session *s)
{
	check_addresses(s);
	if (some_are(s, RCPT_OPEN) && !client_message_ready(s))
		return;
	if (!some_are(s, RCPT_OPEN)) {
		client_job_done(s);
		return;
	}
	s->transactions++;
	s->accepted = s->asked = s->next_rcpt = 0;
	s->stage = s->rset_first ? STAGE_RSET : STAGE_MAIL;
	client_wait(s, CLIENT_WANT_READ);
	client_pump(s);
}

/* --- commands --------------------------------------------------------------------- */

static void
send_rset(struct client_session *s)
{
	client_command(s, CLIENT_RSET, 0, "RSET");
	s->rset_first = false;
	s->stage = STAGE_MAIL;
}

static void
send_mail(struct client_session *s)
{
	buf_put_str(&s->out, "MAIL FROM:<");
	buf_put_bytes(&s->out, s->job.reverse_path);
	buf_put_u8(&s->out, '>');
	client_message_params(s, &s->out);
	if (client_offers(s, SMTP_EXT_DSN)) {
		if (s->job.flags & (OUTBOUND_RET_FULL | OUTBOUND_RET_HDRS))
			buf_printf(&s->out, " RET=%s",
				s->job.flags & OUTBOUND_RET_FULL ? "FULL" : "HDRS");
		if (s->job.envid.n > 0) {
			buf_put_str(&s->out, " ENVID=");
			buf_put_bytes(&s->out, s->job.envid);
		}
	}
	client_command(s, CLIENT_MAIL, 0, "%s", "");
	s->stage = STAGE_RCPT;
}

static void
put_notify(struct buf *out, uint32_t notify)
{
	static const struct {
		uint32_t bit;
		const char *word;
	} words[] = {
		{ OUTBOUND_NOTIFY_SUCCESS, "SUCCESS" },
		{ OUTBOUND_NOTIFY_FAILURE, "FAILURE" },
		{ OUTBOUND_NOTIFY_DELAY, "DELAY" },
	};
	const char *between = "";

	if (notify == 0)
		return;
	buf_put_str(out, " NOTIFY=");
	if (notify & OUTBOUND_NOTIFY_NEVER) {
		buf_put_str(out, "NEVER");
		return;
	}
	for (size_t i = 0; i < NITEMS(words); i++) {
		if ((notify & words[i].bit) == 0)
			continue;
		buf_put_str(out, between);
		buf_put_str(out, words[i].word);
		between = ",";
	}
}

/* One octet sequence of UTF-8 as a number; ill-formed: each octet for itself. */
static uint32_t
cut_character(struct bytes *in)
{
	uint8_t c = in->p[0];
	size_t n = c >= 0xf0 ? 4 : c >= 0xe0 ? 3 : c >= 0xc0 ? 2 : 1;
	uint32_t v = n == 1 ? c : c & (0x7fu >> n);

	if (n > in->n || !rfc3629_is_utf8(bytes_head(*in, n)))
		n = 1, v = c;
	for (size_t i = 1; i < n; i++)
		v = v << 6 | (in->p[i] & 0x3f);
	*in = bytes_skip(*in, n);
	return v;
}

/* The utf-8 type's form for a peer that takes ASCII only: \x{20AC} (RFC 6533 sec. 3). */
static void
put_orcpt(struct client_session *s, struct bytes orcpt)
{
	buf_put_str(&s->out, " ORCPT=");
	while (orcpt.n > 0) {
		if (orcpt.p[0] < 0x80 || client_offers(s, SMTP_EXT_SMTPUTF8)) {
			buf_put_u8(&s->out, orcpt.p[0]);
			orcpt = bytes_skip(orcpt, 1);
		} else
			buf_printf(&s->out, "\\x{%X}", (unsigned)cut_character(&orcpt));
	}
}

static void
send_rcpt(struct client_session *s)
{
	const struct outbound_rcpt *r;

	while (s->next_rcpt < s->job.n_rcpts && s->states[s->next_rcpt] != RCPT_OPEN)
		s->next_rcpt++;
	if (s->next_rcpt == s->job.n_rcpts || (s->rcpts_max > 0 && s->asked == s->rcpts_max)) {
		s->stage = STAGE_DATA;
		return;
	}
	r = &s->job.rcpts[s->next_rcpt];
	buf_put_str(&s->out, "RCPT TO:<");
	buf_put_bytes(&s->out, r->forward_path);
	buf_put_u8(&s->out, '>');
	if (client_offers(s, SMTP_EXT_DSN)) {
		put_notify(&s->out, r->notify);
		if (r->orcpt.n > 0)
			put_orcpt(s, r->orcpt);
	}
	client_command(s, CLIENT_RCPT, s->next_rcpt, "%s", "");
	s->next_rcpt++;
	s->asked++;
}

/* BDAT has no way back once it is out, so it waits until some recipient was accepted. */
static void
send_data(struct client_session *s)
{
	if (!s->bdat && s->n_expected > 0) {
		client_command(s, CLIENT_DATA, 0, "DATA");
		s->stage = STAGE_SENT;
		return;
	}
	if (s->n_expected > 0)
		return;
	s->stage = STAGE_SENT;
	if (s->accepted == 0)
		return;
	if (s->bdat)
		client_content_begin(s);
	else
		client_command(s, CLIENT_DATA, 0, "DATA");
}

static bool
may_send(const struct client_session *s)
{
	if (s->n_expected == 0)
		return true;
	if (!s->policy->pipelining || !client_offers(s, SMTP_EXT_PIPELINING))
		return false;
	return s->stage != STAGE_DATA || !s->bdat;
}

static void end_transaction(struct client_session *s);

void
client_pump(struct client_session *s)
{
	while (s->stage != STAGE_NONE && s->stage != STAGE_SENT && may_send(s)) {
		switch (s->stage) {
		case STAGE_RSET:
			send_rset(s);
			break;
		case STAGE_MAIL:
			send_mail(s);
			break;
		case STAGE_RCPT:
			send_rcpt(s);
			break;
		default:
			send_data(s);
			break;
		}
	}
	if (s->stage == STAGE_SENT && s->n_expected == 0 && !s->sending)
		end_transaction(s);
}

/* --- replies ---------------------------------------------------------------------- */

static bool
is_good(const struct client_session *s)
{
	return s->reply.code / 100 < 4;
}

void
client_on_rset(struct client_session *s, uint32_t rcpt)
{
	UNUSED(rcpt);
	if (is_good(s)) {
		client_pump(s);
		return;
	}
	client_refused(s, CLIENT_RSET);
	client_shut(s);
}

void
client_on_mail(struct client_session *s, uint32_t rcpt)
{
	UNUSED(rcpt);
	if (!is_good(s)) {
		client_refused(s, CLIENT_MAIL);
		s->stage = STAGE_SENT; /* replies to what is out already don't count */
	} else
		s->rset_first = true;
	client_pump(s);
}

/* Too many for one transaction, though some were taken: not the recipient's fault. 552 without a
 * code of its own is a 452 of old servers. */
static bool
is_too_many(const struct client_session *s)
{
	if (s->reply.code != 452 && s->reply.code != 552)
		return false;
	return s->reply.enhanced[0] == 0 || strcmp(s->reply.enhanced + 1, ".5.3") == 0;
}

static void
refuse_rcpt(struct client_session *s, uint32_t i)
{
	if (!is_too_many(s))
		client_refused_one(s, CLIENT_RCPT, i);
	else if (s->accepted > 0) {
		s->states[i] = RCPT_LATER;
		s->rcpts_max = s->accepted;
	} else {
		static const struct client_outcome full = { OUTBOUND_TEMPORARY,
			CLIENT_SCOPE_RECIPIENT, OUTBOUND_REACHED };

		client_result_set(s, i, &full,
			s->reply.enhanced[0] != 0 ? s->reply.enhanced : "4.5.3",
			client_quote(s, CLIENT_RCPT));
	}
}

void
client_on_rcpt(struct client_session *s, uint32_t i)
{
	if (s->states[i] == RCPT_OPEN) { /* else MAIL was refused */
		if (is_good(s)) {
			s->states[i] = RCPT_ACCEPTED;
			s->accepted++;
		} else
			refuse_rcpt(s, i);
	}
	client_pump(s);
}

/* 354, and nobody wants it (it was sent in a group): an empty message to nobody, RFC 2920 sec.
 * 3.1. An LMTP server has no reply for that, so there the connection ends. */
static void
send_nothing(struct client_session *s)
{
	if (s->policy->lmtp) {
		client_shut(s);
		return;
	}
	client_command(s, CLIENT_END, NO_RCPT, ".");
}

void
client_on_data(struct client_session *s, uint32_t rcpt)
{
	UNUSED(rcpt);
	if (is_good(s)) {
		if (s->accepted == 0)
			send_nothing(s);
		else
			client_content_begin(s);
		return;
	}
	if (s->accepted > 0) {
		for (uint32_t i = 0; i < s->job.n_rcpts; i++)
			if (s->states[i] == RCPT_ACCEPTED)
				client_refused_one(s, CLIENT_DATA, i);
	}
	client_pump(s);
}

static void
settle(struct client_session *s, uint32_t i, enum client_verb v)
{
	struct buf text = BUF_INIT;

	if (!is_good(s)) {
		client_refused_one(s, v, i);
		return;
	}
	smtp_reply_put(&text, &s->reply, OUTBOUND_TEXT_MAX);
	client_result_set(
		s, i, &sent, client_reply_code(s), arena_bytes(&s->arena, buf_bytes(&text)));
	buf_free(&text);
}

void
client_on_end(struct client_session *s, uint32_t rcpt)
{
	enum client_verb v = s->bdat ? CLIENT_BDAT : CLIENT_END;

	s->rset_first = false; /* whatever it says, the transaction is over */
	if (rcpt != NO_RCPT && s->policy->lmtp)
		settle(s, rcpt, v);
	else if (rcpt != NO_RCPT)
		for (uint32_t i = 0; i < s->job.n_rcpts; i++)
			if (s->states[i] == RCPT_ACCEPTED)
				settle(s, i, v);
	client_pump(s);
}

static void
end_transaction(struct client_session *s)
{
	s->stage = STAGE_NONE;
	for (uint32_t i = 0; i < s->job.n_rcpts; i++)
		if (s->states[i] == RCPT_LATER)
			s->states[i] = RCPT_OPEN;
	client_next_transaction(s);
}
