/* SPDX-License-Identifier: ISC */
/*
 * smtpd/transfer.c - DATA and BDAT: how content comes in, is judged at its end, and gets its
 * Received field.
 *
 * Runs in:  smtpd, submission.
 * Trusts:   nothing from the client.
 * Sources:  RFC 5321 sec. 4.1.1.4, 4.4, 6.1; RFC 3030; RFC 3848 and RFC 6531 sec. 4.3 ("with").
 */
#include "session_impl.h"

#include <stdlib.h>

#include "auth_results.h"
#include "clock.h"
#include "err.h"
#include "rfc5322.h"

void
smtp_txn_end(struct smtp_session *s)
{
	if (s->txn == NULL)
		return;
	buf_free(&s->txn->header);
	header_filter_free(&s->txn->filter);
	arena_reset(&s->txn->arena);
	free(s->txn);
	s->txn = NULL;
}

static void
begin_content(struct smtp_session *s)
{
	content_begin(&s->txn->content, &s->policy->content);
	header_filter_begin(&s->txn->filter, s->policy->authserv_id);
}

void
smtp_cmd_data(struct smtp_session *s, struct bytes args, struct smtp_out *out)
{
	UNUSED(args);
	begin_content(s);
	smtp_enter(s, SMTP_DATA);
	smtp_reply(s, out, 354, NULL, "end data with <CR><LF>.<CR><LF>");
}

/* What the client hears of each fault. */
static const struct {
	int code;
	const char *enhanced, *text;
} fault_replies[CONTENT_FAULTS] = {
	[CONTENT_BARE_CR] = { 550, "5.6.0", "bare <CR> received, lines end with <CR><LF>" },
	[CONTENT_BARE_LF] = { 550, "5.6.0", "bare <LF> received, lines end with <CR><LF>" },
	[CONTENT_NUL] = { 550, "5.6.0", "NUL octet received" },
	[CONTENT_LONG_LINE] = { 500, "5.6.0", "text line too long" },
	[CONTENT_TOO_LARGE] = { 552, "5.3.4", "message size exceeds the limit" },
	[CONTENT_HEADER_TOO_LARGE] = { 552, "5.3.4", "the header of the message is too large" },
	[CONTENT_LOOP] = { 554, "5.4.6", "mail loop: too many Received fields" },
};

bool
smtp_content_refusal(const struct smtp_txn *txn, struct smtp_answer *answer)
{
	enum content_fault fault = txn->content.fault;
	if (fault != CONTENT_GOOD) {
		*answer = (struct smtp_answer){ fault_replies[fault].code,
			fault_replies[fault].enhanced, bytes_from_str(fault_replies[fault].text) };
		return true;
	}
	if (txn->header_refusal.code != 0) {
		*answer = txn->header_refusal;
		return true;
	}
	if (txn->store_error == ERR_NO_SPACE) {
		*answer = (struct smtp_answer){ 452, "4.3.1",
			BYTES_LITERAL("insufficient system storage") };
		return true;
	}
	if (txn->store_error < 0) {
		*answer = (struct smtp_answer){ 451, "4.3.0",
			BYTES_LITERAL("local error, try again later") };
		return true;
	}
	return false;
}

static void
complete_envelope(struct smtp_session *s)
{
	struct envelope *e = &s->txn->envelope;
	e->client_address = bytes_from_str(s->client);
	e->client_name = s->name == NULL ? BYTES_NONE : bytes_from_str(s->name);
	e->helo = bytes_from_str(s->helo);
	e->protocol = bytes_from_str(smtp_protocol(s));
	e->session_id = bytes_from_str(s->id);
	e->login = bytes_from_str(s->login);
	if (s->local)
		e->flags |= ENVELOPE_LOCAL_ORIGIN;
}

struct buf *
smtp_content_to(struct smtp_session *s, struct smtp_out *out)
{
	return s->policy->header == NULL || s->txn->header_done ? out->content : &s->txn->header;
}

/* The header is whole: the policy's work on it, and what came behind it. */
static void
fix_header(struct smtp_session *s, struct smtp_out *out)
{
	struct smtp_txn *txn = s->txn;
	struct bytes all = buf_bytes(&txn->header);
	struct bytes header = bytes_head(all, rfc5322_header_len(all));
	struct smtp_answer refusal;

	txn->header_done = true;
	if (header.n > s->policy->header_octets)
		txn->header_refusal = (struct smtp_answer){ 552, "5.3.4",
			BYTES_LITERAL("the header of the message is too large") };
	else if (txn->content.fault == CONTENT_GOOD &&
		 !s->policy->header(s, header, out->content, &refusal))
		txn->header_refusal = refusal;
	if (txn->header_refusal.code == 0)
		buf_put_bytes(out->content, bytes_skip(all, header.n));
	buf_free(&txn->header);
}

/* Does anybody claim here to be us? */
static bool
is_filtered(const struct smtp_session *s)
{
	return s->policy->authserv_id != NULL && !s->own_host;
}

void
smtp_content_came(struct smtp_session *s, struct smtp_out *out, size_t from)
{
	struct smtp_txn *txn = s->txn;

	if (s->policy->header != NULL && !txn->header_done &&
		(txn->content.in_body || txn->header.len > s->policy->header_octets))
		fix_header(s, out);
	if (txn->header_refusal.code != 0)
		buf_clear(out->content); /* nobody will read it */
	else if (is_filtered(s))
		header_filter_run(&txn->filter, out->content, from);
}

void
smtp_header_end(struct smtp_session *s, struct smtp_out *out)
{
	const size_t from = out->content->len;

	if (s->policy->header != NULL && !s->txn->header_done) {
		fix_header(s, out);
		smtp_content_came(s, out, from);
	}
	if (is_filtered(s) && s->txn->header_refusal.code == 0)
		header_filter_end(&s->txn->filter, out->content);
}

/*
 * Did client and server perhaps see different ends of the data? Then what comes next may be
 * content for the client: the connection ends, so that no octet of it is taken for a command.
 */
static bool
line_ends_doubtful(enum content_fault fault)
{
	return fault == CONTENT_BARE_CR || fault == CONTENT_BARE_LF || fault == CONTENT_NUL;
}

static void
put_login(const struct smtp_session *s, struct buf *out)
{
	if (!s->policy->tell_login || s->login == NULL || s->local)
		return;
	auth_results_begin(out, s->policy->authserv_id);
	auth_results_method(out, "auth", AUTH_PASS);
	auth_results_property(out, "smtp.auth", bytes_from_str(s->login));
	auth_results_end(out);
}

void
smtp_content_complete(struct smtp_session *s, const char *stage, struct smtp_out *out)
{
	struct smtp_txn *txn = s->txn;
	struct smtp_answer answer;

	smtp_header_end(s, out);
	if (smtp_content_refusal(txn, &answer)) {
		bool ends = s->state == SMTP_DATA && line_ends_doubtful(txn->content.fault);
		smtp_reject(s, out, stage, txn->envelope.rcpts[0].forward_path, &answer);
		smtp_txn_end(s);
		smtp_enter(s, SMTP_READY);
		if (ends)
			smtp_close(s);
		return;
	}
	struct buf received = BUF_INIT;
	complete_envelope(s);
	put_login(s, &received);
	smtp_put_received(s, &received);
	buf_put_bytes(&received, txn->added);
	txn->prefix = arena_bytes(&txn->arena, buf_bytes(&received));
	buf_free(&received);
	s->wait = SMTP_WAIT_COMMIT;
}

/* TCP-info of RFC 5321 sec. 4.4: what we know of the client, not what it says. */
static void
put_tcp_info(const struct smtp_session *s, struct buf *out)
{
	if (s->name != NULL)
		buf_printf(out, "%s ", s->name);
	buf_printf(out, "[%s%s]", strchr(s->client, ':') == NULL ? "" : "IPv6:", s->client);
}

/* Who gave it to us, and how. */
static void
put_from(const struct smtp_session *s, struct buf *out)
{
	buf_put_str(out, "from ");
	/* what isn't a domain could fake the rest of the field: shown without its specials */
	if (s->helo_grammatical) {
		buf_printf(out, "%s (", s->helo);
		put_tcp_info(s, out);
	} else {
		buf_printf(out, "[%s%s] (helo ",
			strchr(s->client, ':') == NULL ? "" : "IPv6:", s->client);
		for (const char *p = s->helo; *p != '\0'; p++)
			buf_put_u8(out, strchr("()\\\"", *p) == NULL ? (uint8_t)*p : '?');
	}
	buf_put_str(out, ")\r\n\t");
	if (s->tls_text != NULL)
		buf_printf(out, "(using %s)\r\n\t", s->tls_text);
}

void
smtp_put_received(const struct smtp_session *s, struct buf *out)
{
	const struct smtp_txn *txn = s->txn;
	char date[CLOCK_DATE_SIZE];

	buf_put_str(out, "Received: ");
	if (!s->local && !s->policy->hide_client)
		put_from(s, out);
	buf_printf(out, "by %s ", s->policy->hostname);
	if (s->local)
		buf_printf(out, "(relais, from %s) id %s", s->client, txn->queue_id);
	else
		buf_printf(
			out, "with %s id %s (session %s)", smtp_protocol(s), txn->queue_id, s->id);
	/* with several recipients none is told of the others, sec. 7.2 */
	if (txn->envelope.n_rcpts == 1) {
		buf_put_str(out, "\r\n\tfor <");
		buf_put_bytes(out, txn->envelope.rcpts[0].forward_path);
		buf_put_str(out, ">");
	}
	buf_printf(out, ";\r\n\t%s\r\n", clock_rfc5322_date((time_t)(s->now_us / 1000000), date));
}

/* "size [LAST]": false if it isn't that. */
static bool
parse_bdat(struct bytes args, uint64_t *size, bool *last)
{
	struct bytes rest;
	struct bytes number = rfc5321_cut_verb(args, &rest);

	*last = bytes_is_nocase(rest, "LAST");
	return bytes_to_u64(number, UINT64_MAX, size) == ERR_OK && (rest.n == 0 || *last);
}

static void
end_chunk(struct smtp_session *s, struct smtp_out *out)
{
	struct smtp_answer answer;

	if (s->chunk_refused) {
		smtp_enter(s, s->chunk_from);
		smtp_reply(s, out, 503, "5.5.1",
			s->txn != NULL && s->txn->refused > 0 ? "no valid recipients"
							      : "BDAT needs MAIL and RCPT first");
		return;
	}
	if (s->chunk_last) {
		content_chunks_end(&s->txn->content);
		smtp_content_complete(s, "BDAT", out);
	} else if (smtp_content_refusal(s->txn, &answer)) {
		/* RFC 3030 sec. 2: chunks that follow are 503, by their place */
		smtp_reject(s, out, "BDAT", s->txn->envelope.rcpts[0].forward_path, &answer);
		smtp_txn_end(s);
		smtp_enter(s, SMTP_READY);
	} else {
		smtp_enter(s, SMTP_BDAT);
		smtp_reply(s, out, 250, "2.0.0", "content so far: %llu octets",
			(unsigned long long)s->txn->content.size);
	}
}

void
smtp_cmd_bdat(struct smtp_session *s, struct bytes args, struct smtp_out *out)
{
	uint64_t size;
	bool last;

	if (!parse_bdat(args, &size, &last)) {
		/* how many octets of content follow can't be known: they must not be read as
		 * commands */
		smtp_reply(
			s, out, 501, "5.5.4", "syntax: BDAT size [LAST]; closing the connection");
		smtp_close(s);
		return;
	}
	s->chunk_left = size;
	s->chunk_last = last;
	s->chunk_refused = (s->state & (SMTP_RCPT | SMTP_BDAT)) == 0;
	s->chunk_from = s->state;
	if (s->state == SMTP_RCPT)
		begin_content(s);
	smtp_enter(s, SMTP_CHUNK);
	if (size == 0)
		end_chunk(s, out);
}

size_t
smtp_chunk_input(struct smtp_session *s, struct bytes in, struct smtp_out *out)
{
	struct bytes chunk = bytes_head(in, s->chunk_left < in.n ? (size_t)s->chunk_left : in.n);

	if (!s->chunk_refused) {
		const size_t from = out->content->len;

		content_chunk(&s->txn->content, chunk, smtp_content_to(s, out));
		smtp_content_came(s, out, from);
	}
	s->chunk_left -= chunk.n;
	if (s->chunk_left == 0)
		end_chunk(s, out);
	return chunk.n;
}
