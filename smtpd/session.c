/* SPDX-License-Identifier: ISC */
/*
 * smtpd/session.c - the session's frame: octets to lines, lines to the verb table, answers.
 *
 * What each verb does is in command.c, content in transfer.c, answers in answer.c. No socket, file
 * or clock is touched: smtpd/client.c owns those, tests and fuzzers call this directly.
 *
 * Runs in:  smtpd, submission.
 * Trusts:   nothing from the client; the answers of directory and qmgr.
 * Sources:  RFC 5321 sec. 3, 4.1.4 (order), 4.3 (replies), 4.5.3 (limits); RFC 2920.
 */
#include "session_impl.h"

#include <stdlib.h>

#include "err.h"

#define ST_ANY     (SMTP_START | SMTP_READY | SMTP_MAIL | SMTP_RCPT | SMTP_BDAT)
#define ST_GREETED (ST_ANY & ~SMTP_START)

enum verb_flags {
	VERB_NO_ARGS = 1 << 0,
	VERB_JUNK = 1 << 1,    /* moves no mail: too many are an error */
	VERB_AUTH = 1 << 2,    /* for those who said who they are, if the policy wants it */
	VERB_IF_TLS = 1 << 3,  /* understood only if the policy says so: STARTTLS ... */
	VERB_IF_AUTH = 1 << 4, /* ... and AUTH */
};

struct smtp_verb {
	const char *name;
	enum smtp_verb_number number;
	unsigned allowed; /* enum smtp_state, a set */
	unsigned flags;
	smtp_handler *handler;
	const char *misplaced; /* the text of 503 */
};

/* RFC 5321 sec. 4.1.1 and 4.1.4; RFC 3030, 3207, 4954. BDAT judges its place itself: its octets
 * must be read in any. */
static const struct smtp_verb verbs[] = {
	{ "MAIL", SMTP_VERB_MAIL, SMTP_READY, VERB_AUTH, smtp_cmd_mail, "nested MAIL command" },
	{ "RCPT", SMTP_VERB_RCPT, SMTP_MAIL | SMTP_RCPT, 0, smtp_cmd_rcpt, "need MAIL command" },
	{ "DATA", SMTP_VERB_DATA, SMTP_RCPT, VERB_NO_ARGS, smtp_cmd_data, "need RCPT command" },
	{ "BDAT", SMTP_VERB_BDAT, ST_ANY, 0, smtp_cmd_bdat, "" },
	{ "EHLO", SMTP_VERB_EHLO, ST_ANY, VERB_JUNK, smtp_cmd_ehlo, "" },
	{ "HELO", SMTP_VERB_HELO, ST_ANY, VERB_JUNK, smtp_cmd_helo, "" },
	{ "RSET", SMTP_VERB_RSET, ST_ANY, VERB_NO_ARGS | VERB_JUNK, smtp_cmd_rset, "" },
	{ "STARTTLS", SMTP_VERB_STARTTLS, SMTP_START | SMTP_READY,
		VERB_NO_ARGS | VERB_JUNK | VERB_IF_TLS, smtp_cmd_starttls,
		"no STARTTLS in a mail transaction" },
	{ "AUTH", SMTP_VERB_AUTH, SMTP_READY, VERB_JUNK | VERB_IF_AUTH, smtp_cmd_auth,
		"no AUTH in a mail transaction" },
	{ "QUIT", SMTP_VERB_QUIT, ST_ANY, VERB_NO_ARGS, smtp_cmd_quit, "" },
	{ "NOOP", SMTP_VERB_NOOP, ST_ANY, VERB_JUNK, smtp_cmd_noop, "" },
	{ "VRFY", SMTP_VERB_VRFY, ST_ANY, VERB_JUNK, smtp_cmd_vrfy, "" },
	{ "EXPN", SMTP_VERB_EXPN, ST_ANY, VERB_JUNK, smtp_cmd_expn, "" },
	{ "HELP", SMTP_VERB_HELP, ST_ANY, VERB_JUNK, smtp_cmd_help, "" },
};

/* The names of enum smtp_verb_number for the log. */
static const char *const verb_names[SMTP_VERBS] = { "ehlo", "helo", "starttls", "auth", "mail",
	"rcpt", "data", "bdat", "rset", "noop", "vrfy", "expn", "help", "quit", "unknown" };

/* Other protocols' first words: a browser was made to speak to us. Nothing more is read. */
static const char *const foreign_verbs[] = { "GET", "POST", "PUT", "HEAD", "OPTIONS", "CONNECT",
	"SSH-2.0-" };

void
smtp_session_init(struct smtp_session *s, const struct smtp_policy *policy, const char *client,
	const char *name, const char *id)
{
	*s = (struct smtp_session){ .policy = policy,
		.client = client,
		.name = name,
		.id = id,
		.state = SMTP_START,
		.wait = SMTP_WAIT_INPUT,
		.auth = { .response = { .secret = true } },
		.verb = SMTP_VERB_UNKNOWN };
}

void
smtp_session_free(struct smtp_session *s)
{
	smtp_txn_end(s);
	free(s->helo);
	free(s->login);
	free(s->tls_text);
	free(s->address);
	buf_free(&s->auth.response);
	s->helo = s->login = s->tls_text = s->address = NULL;
}

void
smtp_enter(struct smtp_session *s, enum smtp_state state)
{
	ASSERT(s->state != SMTP_ENDED);
	s->state = state;
}

void
smtp_close(struct smtp_session *s)
{
	smtp_txn_end(s);
	if (s->state != SMTP_ENDED)
		smtp_enter(s, SMTP_ENDED);
	s->wait = SMTP_WAIT_CLOSE;
}

void
smtp_session_greet(struct smtp_session *s, struct smtp_out *out)
{
	buf_printf(out->replies, "220 %s ESMTP %s\r\n", s->policy->hostname, s->policy->service);
}

void
smtp_session_early_talker(
	struct smtp_session *s, struct bytes early, uint64_t waited_ms, struct smtp_out *out)
{
	buf_printf(out->replies, "554 5.5.1 %s you spoke before the greeting\r\n",
		s->policy->hostname);
	buf_printf(out->log, "PREGREET %zu after %llu.%02llu from %s[%s]: ", early.n,
		(unsigned long long)(waited_ms / 1000), (unsigned long long)(waited_ms / 10 % 100),
		smtp_shown_name(s), s->client);
	smtp_log_bytes(out->log, bytes_trim(bytes_head(early, 100)));
	buf_put_str(out->log, "\n");
	smtp_close(s);
}

/* The last verb in the log's form: "RCPT". */
static const char *
last_verb(const struct smtp_session *s, char out[16])
{
	size_t i = 0;

	if (s->seen[s->verb] == 0)
		return "CONNECT";
	for (; verb_names[s->verb][i] != '\0' && i < 15; i++)
		out[i] = (char)ascii_upper((uint8_t)verb_names[s->verb][i]);
	out[i] = '\0';
	return out;
}

static const struct smtp_verb *
find_verb(const struct smtp_policy *policy, struct bytes name)
{
	unsigned hidden =
		(policy->starttls ? 0 : VERB_IF_TLS) | (policy->mechanisms != 0 ? 0 : VERB_IF_AUTH);

	for (size_t i = 0; i < NITEMS(verbs); i++)
		if (bytes_is_nocase(name, verbs[i].name) && (verbs[i].flags & hidden) == 0)
			return &verbs[i];
	return NULL;
}

/* Nobody says MAIL here who has not said who he is (RFC 4954 sec. 6, RFC 3207 sec. 4). */
static bool
must_authenticate(const struct smtp_session *s, const struct smtp_verb *v)
{
	return (v->flags & VERB_AUTH) != 0 && s->policy->mechanisms != 0 && !s->authenticated;
}

static void
unknown_verb(struct smtp_session *s, struct bytes name, struct smtp_out *out)
{
	smtp_reply(s, out, 500, "5.5.2", "command not recognized");
	for (size_t i = 0; i < NITEMS(foreign_verbs); i++) {
		if (!bytes_starts_with_nocase(name, bytes_from_str(foreign_verbs[i])))
			continue;
		buf_printf(out->log, "NOQUEUE: reject: non-SMTP command from %s[%s]: %s\n",
			smtp_shown_name(s), s->client, foreign_verbs[i]);
		smtp_close(s);
		return;
	}
}

static void
misplaced(struct smtp_session *s, const struct smtp_verb *v, struct smtp_out *out)
{
	if (s->state == SMTP_START)
		smtp_reply(s, out, 503, "5.5.1", "send EHLO or HELO first");
	else if (s->state == SMTP_BDAT)
		smtp_reply(s, out, 503, "5.5.1", "only BDAT may follow BDAT in a transaction");
	else if (v->number == SMTP_VERB_DATA && s->txn != NULL && s->txn->refused > 0)
		smtp_reply(s, out, 554, "5.5.1", "no valid recipients");
	else
		smtp_reply(s, out, 503, "5.5.1", "%s", v->misplaced);
}

/* One command line, without its CRLF. */
static void
command_line(struct smtp_session *s, struct bytes line, struct smtp_out *out)
{
	struct bytes args;
	struct bytes name = rfc5321_cut_verb(line, &args);
	const struct smtp_verb *v = find_verb(s->policy, name);

	s->verb = (uint8_t)(v == NULL ? SMTP_VERB_UNKNOWN : v->number);
	if (s->seen[s->verb] < UINT16_MAX)
		s->seen[s->verb]++;
	if (v != NULL && (v->flags & VERB_JUNK) != 0 && ++s->junk > s->policy->junk_limit)
		s->errors++;
	if (bytes_find(line, '\r') != BYTES_NOT_FOUND || bytes_find(line, '\0') != BYTES_NOT_FOUND)
		smtp_reply(s, out, 500, "5.5.2", "bare <CR> or NUL in a command");
	else if (v == NULL)
		unknown_verb(s, name, out);
	else if ((v->allowed & s->state) == 0)
		misplaced(s, v, out);
	else if (must_authenticate(s, v))
		smtp_reply(s, out, 530, "5.7.0",
			smtp_auth_allowed(s) ? "Authentication required"
					     : "Must issue a STARTTLS command first");
	else if ((v->flags & VERB_NO_ARGS) != 0 && args.n > 0)
		smtp_reply(s, out, 501, "5.5.4", "%s has no parameters", v->name);
	else
		v->handler(s, args, out);
}

void
smtp_check_patience(struct smtp_session *s, struct smtp_out *out)
{
	char verb[16];

	if (s->wait != SMTP_WAIT_INPUT)
		return;
	if (s->errors > s->policy->error_limit) {
		rfc5321_put_reply(out->replies, 421, "4.7.0",
			BYTES_LITERAL("too many errors, closing the connection"));
		buf_printf(out->log, "too many errors after %s from %s[%s]\n", last_verb(s, verb),
			smtp_shown_name(s), s->client);
		smtp_close(s);
	} else if (s->draining && s->txn == NULL && s->state != SMTP_CHUNK) {
		rfc5321_put_reply(
			out->replies, 421, "4.3.2", BYTES_LITERAL("service shutting down"));
		smtp_close(s);
	}
}

static void
bare_lf(struct smtp_session *s, struct smtp_out *out)
{
	smtp_reply(s, out, 500, "5.5.2", "bare <LF> received, lines end with <CR><LF>");
	buf_printf(out->log, "NOQUEUE: reject: bare LF in a command from %s[%s]\n",
		smtp_shown_name(s), s->client);
	smtp_close(s);
}

/* The rest of a line that was too long. */
static size_t
skip_line(struct smtp_session *s, struct bytes in, struct smtp_out *out)
{
	size_t lf = bytes_find(in, '\n');
	if (lf == BYTES_NOT_FOUND) {
		s->skipped_cr = in.p[in.n - 1] == '\r';
		return in.n;
	}
	bool ends = lf == 0 ? s->skipped_cr : in.p[lf - 1] == '\r';
	s->skipping = false;
	if (s->state == SMTP_AUTH) /* RFC 4954 sec. 4: that was the exchange */
		smtp_enter(s, SMTP_READY);
	else
		s->verb = SMTP_VERB_UNKNOWN;
	if (ends)
		smtp_reply(s, out, 500, "5.5.2", "line too long");
	else
		bare_lf(s, out);
	return lf + 1;
}

static size_t
line_max(const struct smtp_session *s)
{
	return s->policy->mechanisms != 0 && !s->authenticated ? SMTP_AUTH_LINE_MAX : SMTP_LINE_MAX;
}

static size_t
line_input(struct smtp_session *s, struct bytes in, struct smtp_out *out)
{
	struct bytes window = bytes_head(in, line_max(s));
	size_t lf = bytes_find(window, '\n');

	if (s->skipping)
		return skip_line(s, in, out);
	if (lf == BYTES_NOT_FOUND) {
		if (window.n < line_max(s))
			return 0;
		s->skipping = true;
		s->skipped_cr = window.p[window.n - 1] == '\r';
		return window.n;
	}
	if (lf == 0 || in.p[lf - 1] != '\r')
		bare_lf(s, out);
	else if (s->state == SMTP_AUTH)
		smtp_auth_line(s, bytes_head(in, lf - 1), out);
	else
		command_line(s, bytes_head(in, lf - 1), out);
	return lf + 1;
}

static size_t
data_input(struct smtp_session *s, struct bytes in, struct smtp_out *out)
{
	const size_t from = out->content->len;
	bool end;
	size_t used = content_data(&s->txn->content, in, smtp_content_to(s, out), &end);
	smtp_content_came(s, out, from);
	if (end)
		smtp_content_complete(s, "END-OF-MESSAGE", out);
	return used;
}

size_t
smtp_session_input(struct smtp_session *s, struct bytes in, struct smtp_out *out)
{
	size_t used = 0;
	while (s->wait == SMTP_WAIT_INPUT && used < in.n) {
		struct bytes rest = bytes_skip(in, used);
		size_t n;
		if (s->state == SMTP_DATA)
			n = data_input(s, rest, out);
		else if (s->state == SMTP_CHUNK)
			n = smtp_chunk_input(s, rest, out);
		else
			n = line_input(s, rest, out);
		if (n == 0)
			break;
		used += n;
		smtp_check_patience(s, out);
	}
	return used;
}

void
smtp_session_timeout(struct smtp_session *s, struct smtp_out *out)
{
	char verb[16];

	if (s->state == SMTP_ENDED)
		return;
	buf_printf(out->replies, "421 4.4.2 %s timeout exceeded, closing the connection\r\n",
		s->policy->hostname);
	buf_printf(out->log, "timeout after %s from %s[%s]\n", last_verb(s, verb),
		smtp_shown_name(s), s->client);
	smtp_close(s);
}

void
smtp_session_drain(struct smtp_session *s, struct smtp_out *out)
{
	s->draining = true;
	smtp_check_patience(s, out);
}

void
smtp_session_lost(struct smtp_session *s, struct smtp_out *out)
{
	char verb[16];

	if (s->state == SMTP_ENDED)
		return;
	buf_printf(out->log, "lost connection after %s from %s[%s]\n", last_verb(s, verb),
		smtp_shown_name(s), s->client);
	smtp_close(s);
}

void
smtp_session_put_counts(const struct smtp_session *s, struct buf *out)
{
	unsigned seen = 0, good = 0;
	for (int i = 0; i < SMTP_VERBS; i++) {
		seen += s->seen[i];
		good += s->good[i];
		if (s->seen[i] > 0 && s->seen[i] == s->good[i])
			buf_printf(out, "%s=%u ", verb_names[i], s->seen[i]);
		else if (s->seen[i] > 0)
			buf_printf(out, "%s=%u/%u ", verb_names[i], s->good[i], s->seen[i]);
	}
	if (seen == good)
		buf_printf(out, "commands=%u", seen);
	else
		buf_printf(out, "commands=%u/%u", good, seen);
}
