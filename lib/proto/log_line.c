/* SPDX-License-Identifier: ISC */
/*
 * lib/proto/log_line.c - see the header.
 *
 * Runs in:  relais (the operator's command).
 * Trusts:   nothing: addresses, names and replies in the lines are strangers'.
 */
#include "log_line.h"

#include "err.h"

#define ID_MIN 6 /* octets of a queue id */
#define ID_MAX 20

/* ---- the head ---- */

static unsigned
digits(struct bytes *in, size_t n, bool *ok)
{
	unsigned v = 0;

	if (in->n < n) {
		*ok = false;
		return 0;
	}
	for (size_t i = 0; i < n; i++) {
		uint8_t c = in->p[i];

		if (c == ' ' && i == 0 && n == 2)
			c = '0'; /* "Nov  1" */
		if (!ascii_is_digit(c))
			*ok = false;
		v = v * 10 + (unsigned)(c - '0') % 10;
	}
	*in = bytes_skip(*in, n);
	return v;
}

static void
expect(struct bytes *in, uint8_t c, bool *ok)
{
	if (in->n == 0 || in->p[0] != c)
		*ok = false;
	*in = bytes_skip(*in, 1);
}

static unsigned
month_of(struct bytes name)
{
	static const char names[] = "JanFebMarAprMayJunJulAugSepOctNovDec";

	for (unsigned i = 0; i < 12; i++)
		if (bytes_equal(name, bytes_make(names + (size_t)3 * i, 3)))
			return i + 1;
	return 0;
}

static void
parse_clock(struct bytes *in, struct log_time *t, bool *ok)
{
	t->hour = digits(in, 2, ok);
	expect(in, ':', ok);
	t->minute = digits(in, 2, ok);
	expect(in, ':', ok);
	t->second = digits(in, 2, ok);
}

/* "05:06:59.123456+00:00 ", behind the date */
static void
parse_zone(struct bytes *in, struct log_time *t, bool *ok)
{
	uint8_t sign;

	if (in->n > 0 && in->p[0] == '.') {
		*in = bytes_skip(*in, 1);
		while (in->n > 0 && ascii_is_digit(in->p[0]))
			*in = bytes_skip(*in, 1);
	}
	sign = in->n > 0 ? in->p[0] : 0;
	*in = bytes_skip(*in, 1);
	t->zoned = true;
	if (sign == 'Z')
		return;
	t->offset_s = (int)digits(in, 2, ok) * 3600;
	expect(in, ':', ok);
	t->offset_s += (int)digits(in, 2, ok) * 60;
	if (sign == '-')
		t->offset_s = -t->offset_s;
	else if (sign != '+')
		*ok = false;
}

static bool
parse_time(struct bytes *in, struct log_time *t)
{
	bool ok = true;

	memset(t, 0, sizeof(*t));
	if (in->n > 0 && ascii_is_digit(in->p[0])) {
		t->year = digits(in, 4, &ok);
		expect(in, '-', &ok);
		t->month = digits(in, 2, &ok);
		expect(in, '-', &ok);
		t->day = digits(in, 2, &ok);
		expect(in, 'T', &ok);
		parse_clock(in, t, &ok);
		parse_zone(in, t, &ok);
	} else {
		t->month = month_of(bytes_head(*in, 3));
		*in = bytes_skip(*in, 3);
		expect(in, ' ', &ok);
		t->day = digits(in, 2, &ok);
		expect(in, ' ', &ok);
		parse_clock(in, t, &ok);
	}
	expect(in, ' ', &ok);
	return ok && t->month >= 1 && t->month <= 12 && t->day >= 1 && t->day <= 31 &&
	       t->hour < 24 && t->minute < 60 && t->second < 61;
}

static bool
is_id(struct bytes b)
{
	if (b.n < ID_MIN || b.n > ID_MAX)
		return false;
	for (size_t i = 0; i < b.n; i++)
		if (!ascii_is_digit(b.p[i]) && !ascii_is_alpha(b.p[i]))
			return false;
	return true;
}

bool
log_line_parse(struct bytes line, struct log_line *out)
{
	struct bytes rest = line, name, id;
	size_t at;

	if (!parse_time(&rest, &out->time))
		return false;
	(void)bytes_cut(&rest, ' '); /* host */
	name = bytes_cut(&rest, '[');
	if (name.n == 0 || bytes_find(name, ' ') != BYTES_NOT_FOUND)
		return false;
	at = bytes_find(name, '/');
	out->service = at == BYTES_NOT_FOUND ? name : bytes_skip(name, at + 1);
	out->pid = bytes_cut(&rest, ']');
	if (!bytes_starts_with(rest, BYTES_LITERAL(": ")))
		return false;
	rest = out->text = bytes_skip(rest, 2);
	id = bytes_head(rest, ID_MAX + 1);
	at = bytes_find(id, ':');
	id = bytes_head(id, at == BYTES_NOT_FOUND ? 0 : at);
	out->queue_id = BYTES_NONE;
	if (is_id(id) && !bytes_is(id, "NOQUEUE") && !bytes_is(id, "warning") &&
		bytes_starts_with(bytes_skip(rest, id.n), BYTES_LITERAL(": "))) {
		out->queue_id = id;
		out->text = bytes_skip(rest, id.n + 2);
	}
	return true;
}

/* ---- the text ---- */

/* "name=" at the front is dropped. */
static bool
take_name(struct bytes *in, struct bytes name)
{
	if (!bytes_starts_with(*in, name))
		return false;
	*in = bytes_skip(*in, name.n);
	return true;
}

/* Up to ", " or the end; what stands behind is left. */
static struct bytes
take_word(struct bytes *in)
{
	const size_t at = bytes_search(*in, BYTES_LITERAL(", "));
	const struct bytes word = bytes_head(*in, at == BYTES_NOT_FOUND ? in->n : at);

	*in = bytes_skip(*in, word.n + 2);
	return word;
}

/* "<path>", where quotes may hold anything; then ", ". */
static struct bytes
take_path(struct bytes *in)
{
	struct bytes path;
	bool quoted = false;
	size_t i = 1;

	if (in->n == 0 || in->p[0] != '<')
		return take_word(in);
	for (; i < in->n && (quoted || in->p[i] != '>'); i++) {
		if (in->p[i] == '\\' && quoted)
			i++;
		else if (in->p[i] == '"')
			quoted = !quoted;
	}
	if (i > in->n)
		i = in->n;
	path = bytes_make(in->p + 1, i - 1);
	*in = bytes_skip(*in, i + 1);
	if (bytes_starts_with(*in, BYTES_LITERAL(", ")))
		*in = bytes_skip(*in, 2);
	return path;
}

static void
parse_client(struct bytes text, struct log_fields *out)
{
	out->event = LOG_CLIENT;
	out->client = take_word(&text);
	while (text.n > 0) {
		if (take_name(&text, BYTES_LITERAL("sasl_method=")))
			out->method = take_word(&text);
		else if (take_name(&text, BYTES_LITERAL("sasl_username=")) ||
			 take_name(&text, BYTES_LITERAL("local_user=")))
			out->login = take_word(&text);
		else if (take_name(&text, BYTES_LITERAL("session=")))
			out->session = take_word(&text);
		else
			(void)take_word(&text);
	}
}

static void
parse_active(struct bytes text, struct log_fields *out)
{
	out->event = LOG_ACTIVE;
	out->from = take_path(&text);
	if (take_name(&text, BYTES_LITERAL("size=")))
		out->size = take_word(&text);
	if (take_name(&text, BYTES_LITERAL("nrcpt=")))
		out->nrcpt = bytes_cut(&text, ' ');
}

static void
parse_rcpt(struct bytes text, struct log_fields *out)
{
	const struct {
		struct bytes name;
		struct bytes *to;
	} words[] = { { BYTES_LITERAL("relay="), &out->relay },
		{ BYTES_LITERAL("delay="), &out->delay },
		{ BYTES_LITERAL("delays="), &out->delays }, { BYTES_LITERAL("dsn="), &out->dsn } };

	out->event = LOG_RCPT;
	out->to = take_path(&text);
	if (take_name(&text, BYTES_LITERAL("orig_to=")))
		out->orig_to = take_path(&text);
	for (size_t i = 0; i < NITEMS(words); i++) {
		if (bytes_starts_with(text, BYTES_LITERAL("conn_use=")))
			(void)take_word(&text);
		if (take_name(&text, words[i].name))
			*words[i].to = take_word(&text);
	}
	if (!take_name(&text, BYTES_LITERAL("status=")))
		return;
	out->status = bytes_cut(&text, ' ');
	if (text.n >= 2 && text.p[0] == '(' && text.p[text.n - 1] == ')')
		text = bytes_make(text.p + 1, text.n - 2);
	out->reply = text;
}

static bool
parse_child(struct bytes text, struct log_fields *out)
{
	const size_t at = bytes_search(text, BYTES_LITERAL(" notification: "));
	const struct bytes id = bytes_skip(text, at == BYTES_NOT_FOUND ? text.n : at + 15);

	if (at == BYTES_NOT_FOUND || !is_id(id))
		return false;
	out->event = LOG_CHILD;
	out->child = id;
	return true;
}

/* "Anonymous TLS connection established from NAME[ADDRESS]: VERSION with cipher ..." */
static void
parse_tls(struct bytes text, struct log_fields *out)
{
	static const struct bytes mark = BYTES_LITERAL(" TLS connection established from ");
	const size_t at = bytes_search(bytes_head(text, 64), mark);
	size_t end;

	if (at == BYTES_NOT_FOUND)
		return;
	text = bytes_skip(text, at + mark.n);
	if ((end = bytes_search(text, BYTES_LITERAL("]: "))) == BYTES_NOT_FOUND)
		return;
	out->event = LOG_TLS;
	out->client = bytes_head(text, end + 1);
	out->tls = bytes_skip(text, end + 3);
}

void
log_line_fields(const struct log_line *line, struct log_fields *out)
{
	struct bytes text = line->text;

	memset(out, 0, sizeof(*out));
	if (line->queue_id.n == 0)
		parse_tls(text, out);
	else if (take_name(&text, BYTES_LITERAL("client=")))
		parse_client(text, out);
	else if (take_name(&text, BYTES_LITERAL("message-id="))) {
		out->event = LOG_MESSAGE_ID;
		out->message_id = text;
	} else if (take_name(&text, BYTES_LITERAL("from=")))
		parse_active(text, out);
	else if (take_name(&text, BYTES_LITERAL("to=")))
		parse_rcpt(text, out);
	else if (bytes_is(text, "removed"))
		out->event = LOG_REMOVED;
	else if (bytes_starts_with(text, BYTES_LITERAL("reject: ")))
		out->event = LOG_REJECT;
	else
		(void)parse_child(text, out);
}
