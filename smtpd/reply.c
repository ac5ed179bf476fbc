/* SPDX-License-Identifier: ISC */
/*
 * smtpd/reply.c - what the session says: to the client, and of a refusal to the log.
 *
 * Runs in:  smtpd, submission.
 * Trusts:   nothing: texts from outside are made harmless in both places.
 * Sources:  RFC 5321 sec. 4.2; RFC 3848 and RFC 6531 sec. 4.3 (names of the protocol).
 */
#include "session_impl.h"

void
smtp_count_reply(struct smtp_session *s, int code)
{
	if (code / 100 == 2 && s->good[s->verb] < UINT16_MAX)
		s->good[s->verb]++;
	if (code / 100 == 5)
		s->errors++;
}

void
smtp_reply(struct smtp_session *s, struct smtp_out *out, int code, const char *enhanced,
	const char *format, ...)
{
	struct buf text = BUF_INIT;
	va_list ap;

	va_start(ap, format);
	buf_vprintf(&text, format, ap);
	va_end(ap);
	rfc5321_put_reply(out->replies, code, enhanced, buf_bytes(&text));
	buf_free(&text);
	smtp_count_reply(s, code);
}

const char *
smtp_shown_name(const struct smtp_session *s)
{
	return s->name == NULL ? "unknown" : s->name;
}

/* text, with what would end or fake a log line made harmless */
void
smtp_log_bytes(struct buf *log, struct bytes b)
{
	for (size_t i = 0; i < b.n; i++)
		buf_put_u8(log, b.p[i] < 32 || b.p[i] == 127 ? '?' : b.p[i]);
}

void
smtp_reject(struct smtp_session *s, struct smtp_out *out, const char *stage,
	struct bytes forward_path, const struct smtp_answer *answer)
{
	const struct smtp_txn *txn = s->txn;
	bool named = txn != NULL && txn->client_logged;

	rfc5321_put_reply(out->replies, answer->code, answer->enhanced, answer->text);
	smtp_count_reply(s, answer->code);
	buf_printf(out->log, "%s: reject: %s from %s[%s]: %d %s ",
		named ? txn->queue_id : "NOQUEUE", stage, smtp_shown_name(s), s->client,
		answer->code, answer->enhanced);
	smtp_log_bytes(out->log, answer->text);
	if (txn != NULL) {
		buf_put_str(out->log, "; from=<");
		smtp_log_bytes(out->log, txn->envelope.reverse_path);
		buf_put_str(out->log, ">");
	}
	if (forward_path.n > 0) {
		buf_put_str(out->log, " to=<");
		smtp_log_bytes(out->log, forward_path);
		buf_put_str(out->log, ">");
	}
	buf_printf(out->log, " proto=%s helo=<%s>\n", smtp_protocol(s),
		s->helo == NULL ? "" : s->helo);
}

const char *
smtp_protocol(const struct smtp_session *s)
{
	static const char *const names[2][2][2] = { { { "ESMTP", "ESMTPA" },
							    { "ESMTPS", "ESMTPSA" } },
		{ { "UTF8SMTP", "UTF8SMTPA" }, { "UTF8SMTPS", "UTF8SMTPSA" } } };
	bool utf8 = s->txn != NULL && (s->txn->envelope.flags & ENVELOPE_SMTPUTF8) != 0;

	if (!s->esmtp)
		return "SMTP";
	return names[utf8][s->tls][s->authenticated];
}
