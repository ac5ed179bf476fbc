/* SPDX-License-Identifier: ISC */
/*
 * lib/proto/smtp_reply.c - reading a server's replies.
 *
 * Runs in:  smtp-client.
 * Trusts:   nothing.
 * Sources:  RFC 5321 sec. 4.2; RFC 2034; RFC 3463.
 */
#include "smtp_reply.h"

#include <stdio.h>

#include "err.h"

void
smtp_reply_free(struct smtp_reply *r)
{
	buf_free(&r->lines);
	*r = SMTP_REPLY_INIT;
}

void
smtp_reply_clear(struct smtp_reply *r)
{
	struct buf lines = r->lines;

	buf_clear(&lines);
	*r = SMTP_REPLY_INIT;
	r->lines = lines;
}

bool
smtp_reply_is_empty(const struct smtp_reply *r)
{
	return r->octets == 0;
}

/* --- enhanced status codes -------------------------------------------------------- */

/* "." and a number of one to three digits, without leading zeros; 0: it isn't */
static size_t
number_length(struct bytes in)
{
	size_t n = 1;

	if (in.n < 2 || in.p[0] != '.')
		return 0;
	while (n < in.n && n < 4 && ascii_is_digit(in.p[n]))
		n++;
	return n == 1 || (in.p[1] == '0' && n > 2) ? 0 : n;
}

size_t
smtp_enhanced_length(struct bytes text, int code)
{
	size_t subject, detail, n;

	if (text.n < 5 || text.p[0] != (uint8_t)('0' + code / 100) || text.p[0] == '3')
		return 0;
	subject = number_length(bytes_skip(text, 1));
	detail = subject == 0 ? 0 : number_length(bytes_skip(text, 1 + subject));
	if (detail == 0)
		return 0;
	n = 1 + subject + detail;
	return n == text.n || text.p[n] == ' ' || text.p[n] == '\t' ? n : 0;
}

/* What a reply code says by itself. */
static const struct {
	int code;
	const char *enhanced;
} derived[] = {
	{ 421, "4.3.2" },  /* service not available, closing */
	{ 432, "4.7.12" }, /* RFC 4954: a password transition is needed */
	{ 450, "4.2.0" },  /* mailbox unavailable */
	{ 451, "4.3.0" },  /* local error in processing */
	{ 452, "4.3.1" },  /* insufficient system storage */
	{ 454, "4.7.0" },  /* TLS or AUTH not available */
	{ 500, "5.5.2" },  /* syntax error */
	{ 501, "5.5.4" },  /* syntax error in parameters */
	{ 502, "5.5.1" },  /* command not implemented */
	{ 503, "5.5.1" },  /* bad sequence */
	{ 504, "5.5.4" },  /* parameter not implemented */
	{ 521, "5.3.2" },  /* RFC 7504: host does not accept mail */
	{ 530, "5.7.0" },  /* authentication required */
	{ 534, "5.7.9" },  /* RFC 4954: mechanism too weak */
	{ 535, "5.7.8" },  /* RFC 4954: credentials invalid */
	{ 538, "5.7.11" }, /* encryption required */
	{ 550, "5.0.0" },  /* mailbox unavailable: unknown, or policy */
	{ 551, "5.1.6" },  /* user not local */
	{ 552, "5.2.2" },  /* exceeded storage allocation */
	{ 553, "5.1.3" },  /* mailbox name not allowed */
	{ 555, "5.5.4" },  /* parameters not recognized */
	{ 556, "5.1.10" }, /* RFC 7504: domain does not accept mail */
};

const char *
smtp_enhanced_for(int code)
{
	for (size_t i = 0; i < NITEMS(derived); i++)
		if (derived[i].code == code)
			return derived[i].enhanced;
	return code / 100 == 2 ? "2.0.0" : code / 100 == 4 ? "4.0.0" : "5.0.0";
}

/* --- lines ------------------------------------------------------------------------ */

/* The code at the front of a line; -1: it is no line of a reply. */
static int
code_of(struct bytes line)
{
	if (line.n < 3 || line.p[0] < '2' || line.p[0] > '5' || !ascii_is_digit(line.p[1]) ||
		!ascii_is_digit(line.p[2]))
		return -1;
	if (line.n > 3 && line.p[3] != ' ' && line.p[3] != '-')
		return -1;
	return (line.p[0] - '0') * 100 + (line.p[1] - '0') * 10 + (line.p[2] - '0');
}

/* A whole line stands in lines from line_at on, its LF included. */
static int
end_line(struct smtp_reply *r)
{
	struct bytes line = bytes_skip(buf_bytes(&r->lines), r->line_at), text;
	int code;
	size_t n;

	ASSERT(line.p != NULL && line.n > 0);
	line.n--;
	if (line.n > 0 && line.p[line.n - 1] == '\r') {
		line.n--;
		buf_truncate(&r->lines, r->line_at + line.n);
		buf_put_u8(&r->lines, '\n');
		line = bytes_head(bytes_skip(buf_bytes(&r->lines), r->line_at), line.n);
	}
	r->line_at = r->lines.len;
	r->n_lines++;
	code = code_of(line);
	if (code < 0)
		return ERR_SYNTAX;
	r->code = code;
	r->complete = line.n == 3 || line.p[3] == ' ';
	text = bytes_skip(line, 4);
	n = smtp_enhanced_length(text, code);
	if (n > 0 && (r->enhanced[0] == 0 || r->enhanced[0] != '0' + code / 100))
		bytes_to_str(bytes_head(text, n), r->enhanced, sizeof(r->enhanced));
	/* one that belongs to the code of an earlier line says nothing of this one */
	if (r->complete && r->enhanced[0] != '0' + code / 100)
		r->enhanced[0] = 0;
	return r->complete;
}

int
smtp_reply_feed(struct smtp_reply *r, struct bytes *in)
{
	ASSERT(!r->complete);
	while (in->n > 0) {
		size_t lf = bytes_find(*in, '\n');
		size_t n = lf == BYTES_NOT_FOUND ? in->n : lf + 1;
		int result;

		if (n > SMTP_REPLY_OCTETS_MAX - r->octets || r->n_lines == SMTP_REPLY_LINES_MAX)
			return ERR_LIMIT;
		r->octets += (uint32_t)n;
		buf_put(&r->lines, in->p, n);
		*in = bytes_skip(*in, n);
		if (lf == BYTES_NOT_FOUND)
			return 0;
		result = end_line(r);
		if (result != 0)
			return result;
	}
	return 0;
}

/* --- text ------------------------------------------------------------------------- */

struct bytes
smtp_reply_lines(const struct smtp_reply *r)
{
	return bytes_head(buf_bytes(&r->lines), r->line_at);
}

bool
smtp_reply_next_text(struct bytes *rest, struct bytes *text)
{
	if (rest->n == 0)
		return false;
	*text = bytes_skip(bytes_cut(rest, '\n'), 4);
	return true;
}

void
smtp_put_printable(struct buf *out, struct bytes in, size_t max)
{
	size_t n = 0;

	for (size_t i = 0; i < in.n && n < max; i++, n++) {
		uint8_t c = in.p[i];

		if (c == '\n' || c == '\t')
			c = ' ';
		buf_put_u8(out, c < 0x20 || c > 0x7e ? '?' : c);
	}
}

void
smtp_reply_put(struct buf *out, const struct smtp_reply *r, size_t max)
{
	smtp_put_printable(out, bytes_trim(buf_bytes(&r->lines)), max);
}
