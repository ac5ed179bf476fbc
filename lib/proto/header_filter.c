/* SPDX-License-Identifier: ISC */
/*
 * lib/proto/header_filter.c - forged Authentication-Results fields, octet by octet.
 *
 * Runs in:  smtpd.
 * Trusts:   nothing.
 * Sources:  RFC 8601 sec. 2.2 and 5; RFC 5322 sec. 2.2, 4.5.8 (blanks before the colon).
 */
#include "header_filter.h"

#include "auth_results.h"

#define NAME "authentication-results"
/* A value with a ';' in a comment before the id is looked at again at the next one; who puts more
 * of them there is hiding something. */
#define LOOKS_MAX 8

enum field_state {
	FIELD_NAME, /* as far as it has come it may be one: held */
	FIELD_ID,   /* it is one, whose is not known yet: held */
	FIELD_PASS,
	FIELD_DROP
};

enum line_place {
	LINE_START,
	LINE_INSIDE,
	LINE_CR,       /* behind a CR */
	LINE_START_CR, /* behind a CR that begins the line */
};

void
header_filter_begin(struct header_filter *f, const char *authserv_id)
{
	*f = (struct header_filter){ .authserv_id = authserv_id };
}

void
header_filter_free(struct header_filter *f)
{
	buf_free(&f->held);
}

static void
release(struct header_filter *f, struct buf *out)
{
	buf_put_bytes(out, buf_bytes(&f->held));
	buf_clear(&f->held);
	f->state = FIELD_PASS;
}

static void
drop(struct header_filter *f)
{
	f->removed += f->held.len;
	f->fields++;
	buf_clear(&f->held);
	f->state = FIELD_DROP;
}

/* Whose field is it that is held? whole: nothing more of it comes. */
static void
judge(struct header_filter *f, struct buf *out, bool whole)
{
	const struct bytes held = buf_bytes(&f->held);
	struct bytes value = bytes_skip(held, bytes_find(held, ':') + 1);
	struct buf id = BUF_INIT;
	int r;

	if (whole) /* an end, for one that has only an id */
		buf_put_u8(&f->held, ';');
	if (whole)
		value = bytes_skip(buf_bytes(&f->held), held.n - value.n);
	r = auth_results_id(value, &id);
	if (whole)
		buf_truncate(&f->held, f->held.len - 1);
	if (r > 0 && id.len > 0 && !bytes_is_nocase(buf_bytes(&id), f->authserv_id))
		release(f, out);
	else if (r != 0 || whole || f->held.len >= HEADER_FILTER_HELD || ++f->looks > LOOKS_MAX)
		drop(f); /* ours, or none that we can read: others may read one into it */
	buf_free(&id);
}

/* Is the name as far as it is held, up to c, that of our field? Its colon makes it one. */
static void
judge_name(struct header_filter *f, uint8_t c, struct buf *out)
{
	const size_t n = f->held.len - 1;

	if (n < sizeof(NAME) - 1) {
		if (ascii_lower(c) != (uint8_t)NAME[n])
			release(f, out);
	} else if (c == ':') {
		f->state = FIELD_ID;
		f->looks = 0;
	} else if (c != ' ' && c != '\t') {
		release(f, out);
	} else if (n >= HEADER_FILTER_HELD) {
		drop(f);
	}
}

/* One octet of a field. */
static void
take(struct header_filter *f, uint8_t c, struct buf *out)
{
	switch ((enum field_state)f->state) {
	case FIELD_NAME:
		buf_put_u8(&f->held, c);
		judge_name(f, c, out);
		break;
	case FIELD_ID:
		buf_put_u8(&f->held, c);
		if (c == ';' || f->held.len >= HEADER_FILTER_HELD)
			judge(f, out, false);
		break;
	case FIELD_PASS:
		buf_put_u8(out, c);
		break;
	case FIELD_DROP:
		f->removed++;
		break;
	}
}

/* A line begins with c: of the same field, of a new one, or the empty line. */
static void
begin_line(struct header_filter *f, uint8_t c, struct buf *out)
{
	if (c == ' ' || c == '\t')
		return;
	if (f->state == FIELD_ID)
		judge(f, out, true);
	else if (f->state == FIELD_NAME)
		release(f, out);
	f->state = FIELD_NAME;
}

static void
next(struct header_filter *f, uint8_t c, struct buf *out)
{
	if (f->line == LINE_START)
		begin_line(f, c, out);
	take(f, c, out);
	if (c == '\r')
		f->line = f->line == LINE_START ? LINE_START_CR : LINE_CR;
	else if (c == '\n' && f->line == LINE_START_CR)
		f->in_body = true;
	else if (c == '\n' && f->line == LINE_CR)
		f->line = LINE_START;
	else
		f->line = LINE_INSIDE;
}

void
header_filter_run(struct header_filter *f, struct buf *out, size_t from)
{
	struct bytes in = bytes_skip(buf_bytes(out), from);
	struct buf copy = BUF_INIT;
	size_t i = 0;

	if (f->in_body || in.n == 0)
		return;
	buf_put_bytes(&copy, in);
	in = buf_bytes(&copy);
	buf_truncate(out, from);
	while (i < in.n && !f->in_body)
		next(f, in.p[i++], out);
	buf_put_bytes(out, bytes_skip(in, i));
	buf_free(&copy);
}

void
header_filter_end(struct header_filter *f, struct buf *out)
{
	if (f->state == FIELD_ID)
		judge(f, out, true);
	else if (f->state == FIELD_NAME)
		release(f, out);
}
