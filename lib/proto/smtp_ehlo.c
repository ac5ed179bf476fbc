/* SPDX-License-Identifier: ISC */
/*
 * lib/proto/smtp_ehlo.c - keywords of EHLO's answer.
 *
 * Runs in:  smtp-client.
 * Trusts:   nothing.
 */
#include "smtp_ehlo.h"

static void
set_size(struct smtp_ehlo *e, struct bytes params)
{
	uint64_t size;

	if (bytes_to_u64(bytes_trim(params), UINT64_MAX, &size) == 0)
		e->size = size;
}

static void
set_auth(struct smtp_ehlo *e, struct bytes params)
{
	while (params.n > 0) {
		const struct sasl_mechanism_row *row =
			sasl_mechanism_named(bytes_cut(&params, ' '));

		if (row != NULL)
			e->mechanisms |= sasl_mechanism_bit(row->mechanism);
	}
}

static const struct {
	struct bytes keyword;
	unsigned bit;
	void (*params)(struct smtp_ehlo *e, struct bytes params);
} rows[] = {
	{ BYTES_LITERAL("PIPELINING"), SMTP_EXT_PIPELINING, NULL },
	{ BYTES_LITERAL("SIZE"), SMTP_EXT_SIZE, set_size },
	{ BYTES_LITERAL("8BITMIME"), SMTP_EXT_8BITMIME, NULL },
	{ BYTES_LITERAL("SMTPUTF8"), SMTP_EXT_SMTPUTF8, NULL },
	{ BYTES_LITERAL("DSN"), SMTP_EXT_DSN, NULL },
	{ BYTES_LITERAL("CHUNKING"), SMTP_EXT_CHUNKING, NULL },
	{ BYTES_LITERAL("BINARYMIME"), SMTP_EXT_BINARYMIME, NULL },
	{ BYTES_LITERAL("STARTTLS"), SMTP_EXT_STARTTLS, NULL },
	{ BYTES_LITERAL("ENHANCEDSTATUSCODES"), SMTP_EXT_ENHANCED, NULL },
	{ BYTES_LITERAL("AUTH"), SMTP_EXT_AUTH, set_auth },
};

/* A keyword ends at a blank; "AUTH=LOGIN" is an old form that some servers still have. */
static struct bytes
cut_keyword(struct bytes *line)
{
	size_t n = 0;

	while (n < line->n && line->p[n] != ' ' && line->p[n] != '\t' && line->p[n] != '=')
		n++;
	struct bytes word = bytes_head(*line, n);

	*line = bytes_skip(*line, n + 1);
	return word;
}

void
smtp_ehlo_parse(struct smtp_ehlo *e, const struct smtp_reply *reply)
{
	struct bytes rest = smtp_reply_lines(reply), line;

	*e = (struct smtp_ehlo){ 0 };
	if (!smtp_reply_next_text(&rest, &line))
		return;
	while (smtp_reply_next_text(&rest, &line)) {
		struct bytes word;

		line = bytes_trim(line);
		word = cut_keyword(&line);
		for (size_t i = 0; i < NITEMS(rows); i++) {
			if (!bytes_equal_nocase(word, rows[i].keyword))
				continue;
			e->extensions |= rows[i].bit;
			if (rows[i].params != NULL)
				rows[i].params(e, line);
		}
	}
	/* BINARYMIME is nothing without CHUNKING (RFC 3030 sec. 3) */
	if ((e->extensions & SMTP_EXT_CHUNKING) == 0)
		e->extensions &= ~(unsigned)SMTP_EXT_BINARYMIME;
}

struct bytes
smtp_ehlo_name(const struct smtp_reply *reply)
{
	struct bytes rest = smtp_reply_lines(reply), line;

	if (!smtp_reply_next_text(&rest, &line))
		return BYTES_NONE;
	line = bytes_trim(line);
	return bytes_cut(&line, ' ');
}
