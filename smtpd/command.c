/* SPDX-License-Identifier: ISC */
/*
 * smtpd/command.c - the handlers of the verb table but for content (transfer.c).
 *
 * Runs in:  smtpd, submission.
 * Trusts:   nothing from the client.
 * Sources:  RFC 5321 sec. 4.1.1; RFC 1870 SIZE; RFC 3461 DSN; RFC 6531 SMTPUTF8.
 */
#include "session_impl.h"

#include <stdlib.h>

#include "err.h"

/*
 * The name that a client gives itself. RFC 5321 wants a domain or address literal, but
 * sec. 4.1.4 forbids to refuse mail because it isn't right: any one printable word will do.
 */
static bool
hello(struct smtp_session *s, struct bytes args, struct smtp_out *out)
{
	bool good = args.n > 0 && args.n <= RFC5321_DOMAIN_MAX;
	for (size_t i = 0; good && i < args.n; i++)
		good = args.p[i] > 32 && args.p[i] < 127;
	if (!good) {
		smtp_reply(s, out, 501, "5.5.4", "your hostname is wanted");
		return false;
	}
	smtp_txn_end(s);
	free(s->helo);
	s->helo = xmalloc(args.n + 1);
	bytes_to_str(args, s->helo, args.n + 1);
	s->helo_grammatical = rfc5321_parse_domain(args, 0) == (int)args.n ||
			      rfc5321_parse_literal(args) == (int)args.n;
	smtp_enter(s, SMTP_READY);
	return true;
}

void
smtp_cmd_ehlo(struct smtp_session *s, struct bytes args, struct smtp_out *out)
{
	const struct smtp_policy *p = s->policy;
	struct buf text = BUF_INIT;

	if (!hello(s, args, out))
		return;
	s->esmtp = true;
	buf_printf(&text, "%s\nPIPELINING\nSIZE %llu\n", p->hostname,
		(unsigned long long)p->content.size_octets);
	if (p->starttls && !s->tls && !s->local)
		buf_put_str(&text, "STARTTLS\n");
	if (p->mechanisms != 0 && !s->authenticated && smtp_auth_allowed(s)) {
		const struct sasl_door door = smtp_sasl_door(s);

		buf_put_str(&text, "AUTH");
		sasl_mechanisms_put(&text, &door, " ");
		buf_put_str(&text, "\n");
	}
	if (s->local) /* how sendmail(1) learns who its user is here */
		buf_printf(&text, "XLOGIN %s\n", s->address);
	buf_put_str(&text, "8BITMIME\nENHANCEDSTATUSCODES\nCHUNKING\nSMTPUTF8\nDSN\nHELP");
	smtp_reply(s, out, 250, NULL, "%s", buf_str(&text));
	buf_free(&text);
}

void
smtp_cmd_helo(struct smtp_session *s, struct bytes args, struct smtp_out *out)
{
	if (!hello(s, args, out))
		return;
	s->esmtp = false;
	smtp_reply(s, out, 250, NULL, "%s", s->policy->hostname);
}

/*
 * "FROM:" or "TO:", the path, then blanks and parameters or nothing.
 * Returns ERR_OK; ERR_NOT_FOUND if the word isn't there; else what the path's parser says.
 */
static int
cut_path(const struct smtp_session *s, struct bytes args, const char *word, unsigned flags,
	struct mailbox *path, struct bytes *params)
{
	if (!bytes_starts_with_nocase(args, bytes_from_str(word)))
		return ERR_NOT_FOUND;
	struct bytes rest = bytes_skip(args, strlen(word));
	if (!s->policy->strict_paths)
		rest = bytes_trim(rest);
	/* UTF-8 is parsed always: with a UTF-8 address but no SMTPUTF8 there is a better reply
	 * than "syntax error" */
	int n = rfc5321_parse_path(rest, flags | RFC5321_UTF8, path);
	if (n < 0)
		return n;
	*params = bytes_skip(rest, (size_t)n);
	if (params->n > 0 && params->p[0] != ' ' && params->p[0] != '\t')
		return ERR_SYNTAX;
	return ERR_OK;
}

static struct bytes
keep_mailbox(struct arena *a, const struct mailbox *m)
{
	if (!m->quoted)
		return arena_bytes(a, m->text);
	struct buf shortest = BUF_INIT;
	rfc5321_put_mailbox(&shortest, m);
	struct bytes kept = arena_bytes(a, buf_bytes(&shortest));
	buf_free(&shortest);
	return kept;
}

static void
refuse_utf8(struct smtp_session *s, struct smtp_out *out)
{
	smtp_reply(s, out, 553, "5.6.7", "that address needs SMTPUTF8");
}

static void
refuse_path(struct smtp_session *s, int err, const char *word, const char *enhanced,
	struct smtp_out *out)
{
	if (err == ERR_NOT_FOUND)
		smtp_reply(s, out, 501, "5.5.4", "syntax: %s<address>", word);
	else if (err == ERR_LIMIT)
		smtp_reply(s, out, 501, enhanced, "path too long");
	else
		smtp_reply(s, out, 501, enhanced, "bad address syntax");
}

void
smtp_cmd_mail(struct smtp_session *s, struct bytes args, struct smtp_out *out)
{
	struct mailbox path;
	struct bytes params;
	int r = cut_path(s, args, "FROM:", RFC5321_NULL, &path, &params);
	if (r < 0) {
		refuse_path(s, r, "MAIL FROM:", "5.1.7", out);
		return;
	}
	s->txn = xcalloc(1, sizeof(*s->txn));
	s->txn->envelope.arrival_us = s->now_us;
	s->txn->envelope.reverse_path = keep_mailbox(&s->txn->arena, &path);
	if (!smtp_mail_params(s, params, out)) {
		smtp_txn_end(s);
	} else if (path.utf8 && (s->txn->envelope.flags & ENVELOPE_SMTPUTF8) == 0) {
		smtp_txn_end(s);
		refuse_utf8(s, out);
	} else {
		s->wait = SMTP_WAIT_BEGIN;
	}
}

void
smtp_cmd_rcpt(struct smtp_session *s, struct bytes args, struct smtp_out *out)
{
	struct smtp_txn *txn = s->txn;
	struct mailbox path;
	struct bytes params;
	int r = cut_path(s, args, "TO:", RFC5321_POSTMASTER, &path, &params);
	if (r < 0) {
		refuse_path(s, r, "RCPT TO:", "5.1.3", out);
		txn->refused++;
		return;
	}
	/* recipients that were refused take memory too */
	if (txn->envelope.n_rcpts >= s->policy->recipient_limit ||
		txn->refused >= s->policy->recipient_limit) {
		smtp_reply(s, out, 452, "4.5.3", "too many recipients");
		return;
	}
	txn->pending = (struct envelope_rcpt){ 0 };
	if (!smtp_rcpt_params(s, params, out)) {
		txn->refused++;
	} else if (path.utf8 && (txn->envelope.flags & ENVELOPE_SMTPUTF8) == 0) {
		txn->refused++;
		refuse_utf8(s, out);
	} else {
		txn->pending.forward_path = keep_mailbox(&txn->arena, &path);
		s->recipient = txn->pending.forward_path;
		s->wait = SMTP_WAIT_RECIPIENT;
	}
}

void
smtp_cmd_rset(struct smtp_session *s, struct bytes args, struct smtp_out *out)
{
	UNUSED(args);
	smtp_txn_end(s);
	if (s->state != SMTP_START)
		smtp_enter(s, SMTP_READY);
	smtp_reply(s, out, 250, "2.0.0", "Ok");
}

void
smtp_cmd_noop(struct smtp_session *s, struct bytes args, struct smtp_out *out)
{
	UNUSED(args);
	smtp_reply(s, out, 250, "2.0.0", "Ok");
}

/* Who exists is told at RCPT only; 252 is what sec. 7.3 asks of a server that won't say. */
void
smtp_cmd_vrfy(struct smtp_session *s, struct bytes args, struct smtp_out *out)
{
	if (args.n == 0)
		smtp_reply(s, out, 501, "5.5.4", "syntax: VRFY address");
	else
		smtp_reply(
			s, out, 252, "2.5.0", "cannot VRFY, but will take mail and try to deliver");
}

void
smtp_cmd_expn(struct smtp_session *s, struct bytes args, struct smtp_out *out)
{
	UNUSED(args);
	smtp_reply(s, out, 502, "5.5.1", "EXPN is not implemented");
}

void
smtp_cmd_help(struct smtp_session *s, struct bytes args, struct smtp_out *out)
{
	UNUSED(args);
	smtp_reply(s, out, 214, "2.0.0",
		"commands:\nEHLO HELO MAIL RCPT DATA BDAT\nRSET NOOP VRFY HELP QUIT\n%s%s"
		"postmaster@%s is read by people",
		s->policy->starttls ? "STARTTLS\n" : "", s->policy->mechanisms != 0 ? "AUTH\n" : "",
		s->policy->hostname);
}

void
smtp_cmd_quit(struct smtp_session *s, struct bytes args, struct smtp_out *out)
{
	UNUSED(args);
	smtp_reply(s, out, 221, "2.0.0", "Bye");
	smtp_close(s);
}
