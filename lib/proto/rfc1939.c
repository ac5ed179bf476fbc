/* SPDX-License-Identifier: ISC */
/*
 * lib/proto/rfc1939.c - POP3 command lines by a table, and dot-stuffing.
 *
 * Runs in:  pop3-login and pop3 sessions.
 * Trusts:   nothing of a line.
 * Sources:  RFC 1939 sec. 3, 5, 7; RFC 2449 sec. 4; RFC 5034 sec. 4.
 */
#include "rfc1939.h"

#include "err.h"

enum args {
	ARGS_NONE,
	ARGS_TEXT,       /* the rest of the line, blanks included: a name or password */
	ARGS_NUMBER,     /* message-number */
	ARGS_MAY_NUMBER, /* nothing or message-number */
	ARGS_TOP,        /* message-number, number of lines */
	ARGS_AUTH,       /* nothing, or mechanism and perhaps an initial response */
};

static const struct verb {
	const char *name;
	enum rfc1939_verb verb;
	enum args args;
} verbs[] = {
	{ "USER", POP3_USER, ARGS_TEXT },
	{ "PASS", POP3_PASS, ARGS_TEXT },
	{ "AUTH", POP3_AUTH, ARGS_AUTH },
	{ "CAPA", POP3_CAPA, ARGS_NONE },
	{ "STLS", POP3_STLS, ARGS_NONE },
	{ "QUIT", POP3_QUIT, ARGS_NONE },
	{ "STAT", POP3_STAT, ARGS_NONE },
	{ "LIST", POP3_LIST, ARGS_MAY_NUMBER },
	{ "UIDL", POP3_UIDL, ARGS_MAY_NUMBER },
	{ "RETR", POP3_RETR, ARGS_NUMBER },
	{ "TOP", POP3_TOP, ARGS_TOP },
	{ "DELE", POP3_DELE, ARGS_NUMBER },
	{ "RSET", POP3_RSET, ARGS_NONE },
	{ "NOOP", POP3_NOOP, ARGS_NONE },
};

int
rfc1939_line(struct bytes in, struct bytes *line)
{
	struct bytes window = bytes_head(in, RFC1939_LINE_MAX);
	size_t lf = bytes_find(window, '\n');

	if (lf == BYTES_NOT_FOUND)
		return window.n == RFC1939_LINE_MAX ? ERR_LIMIT : 0;
	*line = bytes_head(in, lf);
	if (line->n > 0 && line->p[line->n - 1] == '\r')
		line->n--;
	return (int)(lf + 1);
}

/* The next word of *rest; runs of blanks part words (lenient: clients pad lines). */
static struct bytes
next_word(struct bytes *rest)
{
	while (rest->n > 0 && rest->p[0] == ' ')
		*rest = bytes_skip(*rest, 1);
	return bytes_cut(rest, ' ');
}

static int
parse_number(struct bytes word, uint32_t lowest, uint32_t *out)
{
	uint64_t v;
	int r = bytes_to_u64(word, UINT32_MAX, &v);

	if (r < 0 || v < lowest)
		return ERR_SYNTAX;
	*out = (uint32_t)v;
	return ERR_OK;
}

static int
parse_numbers(struct bytes rest, enum args args, struct rfc1939_command *out)
{
	struct bytes word = next_word(&rest);

	if (word.n == 0)
		return args == ARGS_MAY_NUMBER ? ERR_OK : ERR_SYNTAX;
	if (parse_number(word, 1, &out->number) < 0)
		return ERR_SYNTAX;
	out->has_number = true;
	if (args == ARGS_TOP && parse_number(next_word(&rest), 0, &out->lines) < 0)
		return ERR_SYNTAX;
	return next_word(&rest).n == 0 ? ERR_OK : ERR_SYNTAX;
}

static int
parse_auth(struct bytes rest, struct rfc1939_command *out)
{
	out->text = next_word(&rest);
	out->extra = next_word(&rest);
	out->has_extra = out->extra.n > 0;
	return next_word(&rest).n == 0 ? ERR_OK : ERR_SYNTAX;
}

int
rfc1939_parse(struct bytes line, struct rfc1939_command *out)
{
	struct bytes rest = line;
	const struct verb *v = NULL;

	*out = (struct rfc1939_command){ .verb = POP3_UNKNOWN };
	out->name = bytes_cut(&rest, ' ');
	for (size_t i = 0; i < NITEMS(verbs); i++)
		if (bytes_is_nocase(out->name, verbs[i].name))
			v = &verbs[i];
	if (v == NULL)
		return ERR_OK;
	out->verb = v->verb;
	switch (v->args) {
	case ARGS_NONE:
		return next_word(&rest).n == 0 ? ERR_OK : ERR_SYNTAX;
	case ARGS_TEXT:
		out->text = rest;
		return rest.n > 0 ? ERR_OK : ERR_SYNTAX;
	case ARGS_NUMBER:
	case ARGS_MAY_NUMBER:
	case ARGS_TOP:
		return parse_numbers(rest, v->args, out);
	case ARGS_AUTH:
		return parse_auth(rest, out);
	}
	return ERR_SYNTAX;
}

void
rfc1939_body_start(struct rfc1939_body *b)
{
	*b = (struct rfc1939_body){
		.line_start = true, .last_lf = true, .in_header = true, .line_is_empty = true
	};
}

void
rfc1939_body_start_top(struct rfc1939_body *b, uint32_t lines)
{
	rfc1939_body_start(b);
	b->limited = true;
	b->lines_left = lines;
}

/* A line of the message ended: is TOP satisfied? */
static void
body_line_done(struct rfc1939_body *b)
{
	if (b->in_header) {
		if (b->line_is_empty)
			b->in_header = false;
	} else if (b->lines_left > 0) {
		b->lines_left--;
	}
	b->done = b->limited && !b->in_header && b->lines_left == 0;
}

void
rfc1939_body_add(struct rfc1939_body *b, struct bytes piece, struct buf *out)
{
	while (piece.n > 0 && !b->done) {
		size_t lf = bytes_find(piece, '\n');
		bool whole = lf != BYTES_NOT_FOUND;
		struct bytes run = bytes_head(piece, whole ? lf + 1 : piece.n);

		if (b->line_start && run.p[0] == '.')
			buf_put_u8(out, '.');
		buf_put_bytes(out, run);
		for (size_t i = 0; b->line_is_empty && i < run.n - whole; i++)
			b->line_is_empty = run.p[i] == '\r';
		b->line_start = b->last_lf = whole;
		if (whole) {
			body_line_done(b);
			b->line_is_empty = true;
		}
		piece = bytes_skip(piece, run.n);
	}
}

void
rfc1939_body_end(struct rfc1939_body *b, struct buf *out)
{
	if (!b->last_lf)
		buf_put_str(out, "\r\n");
	buf_put_str(out, ".\r\n");
}
