/* SPDX-License-Identifier: ISC */
/*
 * lib/proto/spf_macro.c - the macros of SPF: grammar and expansion.
 *
 * Pure. Trusts nothing: neither the record nor the values.
 * Sources: RFC 7208 sec. 7.
 */
#include <arpa/inet.h>
#include <inttypes.h>
#include <stdio.h>

#include "err.h"
#include "spf_macro.h"

#define PARTS_MAX 128 /* a name has no more labels; a larger number means all parts too */

/* "%{" letter transformers *delimiter "}", or "%%", "%_", "%-" */
struct macro {
	uint8_t letter; /* in small; 0: one of the three, which stands for literal */
	const char *literal;
	bool url;         /* a capital: the result is escaped */
	bool transformed; /* cut into parts at all */
	bool reverse;
	unsigned parts; /* 0: all */
	struct bytes delimiters;
};

static bool
is_one_of(uint8_t c, const char *set)
{
	return c != 0 && strchr(set, c) != NULL;
}

/* What follows the letter, up to "}". */
static bool
read_transformers(struct bytes in, struct macro *m)
{
	size_t at = 0, digits;
	unsigned value = 0;

	for (; at < in.n && ascii_is_digit(in.p[at]); at++)
		value = value > PARTS_MAX ? value : value * 10 + (unsigned)(in.p[at] - '0');
	digits = at;
	if (digits > 0 && value == 0)
		return false;
	m->parts = value;
	if (at < in.n && ascii_lower(in.p[at]) == 'r') {
		m->reverse = true;
		at++;
	}
	m->delimiters = bytes_skip(in, at);
	for (; at < in.n; at++)
		if (!is_one_of(in.p[at], ".-+,/_="))
			return false;
	m->transformed = in.n > 0;
	if (m->delimiters.n == 0)
		m->delimiters = BYTES_LITERAL(".");
	return true;
}

/* A macro at the front, which is a '%'. returns: its octets, > 0; ERR_SYNTAX */
static int
read_macro(struct bytes in, struct macro *m)
{
	static const char *const plain[] = { "%%", "_ ", "-%20" };
	size_t end;

	*m = (struct macro){ 0 };
	if (in.n < 2)
		return ERR_SYNTAX;
	for (size_t i = 0; i < NITEMS(plain); i++)
		if (in.p[1] == (uint8_t)plain[i][0]) {
			m->literal = plain[i] + 1;
			return 2;
		}
	end = bytes_find(in, '}');
	if (in.p[1] != '{' || end == BYTES_NOT_FOUND || end < 3)
		return ERR_SYNTAX;
	m->letter = ascii_lower(in.p[2]);
	m->url = m->letter != in.p[2];
	if (!is_one_of(m->letter, "slodiphcrtv") ||
		!read_transformers(bytes_skip(bytes_head(in, end), 3), m))
		return ERR_SYNTAX;
	return (int)end + 1;
}

int
spf_macro_check(struct bytes text, enum spf_macro_kind kind)
{
	while (text.n > 0) {
		struct macro m;
		int used = 1;

		if (text.p[0] == '%') {
			if ((used = read_macro(text, &m)) < 0)
				return used;
			if (kind == SPF_MACRO_NAME && is_one_of(m.letter, "crt"))
				return ERR_SYNTAX;
		} else if (text.p[0] > 0x7e || text.p[0] < (kind == SPF_MACRO_TEXT ? 0x20 : 0x21)) {
			return ERR_SYNTAX;
		}
		text = bytes_skip(text, (size_t)used);
	}
	return ERR_OK;
}

bool
spf_macro_uses(struct bytes text, char letter)
{
	while (text.n > 0) {
		struct macro m;
		int used = 1;

		if (text.p[0] == '%') {
			if ((used = read_macro(text, &m)) < 0)
				return false;
			if (m.letter == (uint8_t)letter)
				return true;
		}
		text = bytes_skip(text, (size_t)used);
	}
	return false;
}

/* The i macro: dotted quad, or nibbles with dots. */
static struct bytes
dotted_address(const struct ip_block *client, char out[IP_BLOCK_TEXT])
{
	static const char hex[] = "0123456789ABCDEF"; /* as the test suite has it */
	char *p = out;

	if (client->family == 4)
		return bytes_from_str(inet_ntop(AF_INET, client->addr, out, IP_BLOCK_TEXT));
	for (size_t i = 0; i < 16; i++) {
		*p++ = hex[client->addr[i] >> 4];
		*p++ = '.';
		*p++ = hex[client->addr[i] & 15];
		*p++ = '.';
	}
	return bytes_make(out, 63);
}

static struct bytes
value_of(uint8_t letter, const struct spf_macro_values *v, char room[IP_BLOCK_TEXT])
{
	switch (letter) {
	case 's':
		return v->sender;
	case 'l':
		return v->local_part;
	case 'o':
		return v->sender_domain;
	case 'd':
		return v->domain;
	case 'h':
		return v->helo;
	case 'p':
		return v->validated;
	case 'r':
		return v->receiver;
	case 'v':
		return bytes_from_str(v->client.family == 4 ? "in-addr" : "ip6");
	case 'i':
		return dotted_address(&v->client, room);
	case 'c':
		return bytes_from_str(inet_ntop(v->client.family == 4 ? AF_INET : AF_INET6,
			v->client.addr, room, IP_BLOCK_TEXT));
	default:
		(void)snprintf(room, IP_BLOCK_TEXT, "%" PRIu64, v->now);
		return bytes_from_str(room);
	}
}

static void
put_octets(struct buf *out, struct bytes in, bool url)
{
	for (size_t i = 0; i < in.n; i++) {
		uint8_t c = in.p[i];

		if (url && !ascii_is_alpha(c) && !ascii_is_digit(c) && !is_one_of(c, "-._~"))
			buf_printf(out, "%%%02X", c);
		else
			buf_put_u8(out, c);
	}
}

static bool
is_delimiter(const struct macro *m, uint8_t c)
{
	return bytes_find(m->delimiters, c) != BYTES_NOT_FOUND;
}

/* The length of the first n parts of a value, without the delimiter behind them. */
static size_t
length_of_parts(const struct macro *m, struct bytes value, size_t n)
{
	size_t at = 0;

	for (; at < value.n; at++)
		if (is_delimiter(m, value.p[at]) && --n == 0)
			break;
	return at;
}

/* The parts of a value, joined by dots: the last ones, or the first ones from the back. */
static void
put_parts(struct buf *out, const struct macro *m, struct bytes value)
{
	size_t count = 1;

	for (size_t i = 0; i < value.n; i++)
		count += is_delimiter(m, value.p[i]);
	if (!m->reverse) {
		if (m->parts > 0 && m->parts < count)
			value = bytes_skip(value, length_of_parts(m, value, count - m->parts) + 1);
		for (size_t i = 0; i < value.n; i++)
			put_octets(out,
				is_delimiter(m, value.p[i]) ? BYTES_LITERAL(".")
							    : bytes_make(value.p + i, 1),
				m->url);
		return;
	}
	if (m->parts > 0 && m->parts < count)
		value = bytes_head(value, length_of_parts(m, value, m->parts));
	for (;;) {
		size_t from = value.n;

		while (from > 0 && !is_delimiter(m, value.p[from - 1]))
			from--;
		put_octets(out, bytes_skip(value, from), m->url);
		if (from == 0)
			return;
		buf_put_u8(out, '.');
		value = bytes_head(value, from - 1);
	}
}

int
spf_macro_expand(struct buf *out, struct bytes text, const struct spf_macro_values *values)
{
	size_t before = out->len;

	while (text.n > 0) {
		char room[IP_BLOCK_TEXT];
		struct macro m;
		int used = 1;

		if (text.p[0] != '%') {
			buf_put_u8(out, text.p[0]);
		} else {
			if ((used = read_macro(text, &m)) < 0)
				return used;
			if (m.letter == 0)
				buf_put_str(out, m.literal);
			else if (m.transformed)
				put_parts(out, &m, value_of(m.letter, values, room));
			else
				put_octets(out, value_of(m.letter, values, room), m.url);
		}
		text = bytes_skip(text, (size_t)used);
		if (out->len - before > SPF_EXPANSION_MAX)
			return ERR_LIMIT;
	}
	return ERR_OK;
}

int
spf_target_name(struct bytes in, char out[DNS_NAME_SIZE])
{
	size_t n = 0, label = 0;

	if (in.n > 0 && in.p[in.n - 1] == '.')
		in.n--;
	while (in.n > DNS_NAME_WIRE_MAX - 2) {
		size_t dot = bytes_find(in, '.');

		if (dot == BYTES_NOT_FOUND)
			return ERR_SYNTAX;
		in = bytes_skip(in, dot + 1);
	}
	for (size_t i = 0; i < in.n; i++) {
		uint8_t c = in.p[i];

		if (c == '.') {
			if (label == 0)
				return ERR_SYNTAX;
			label = 0;
			out[n++] = '.';
			continue;
		}
		if (++label > DNS_LABEL_MAX)
			return ERR_SYNTAX;
		/* UTF-8 stays: resolver takes it as a U-label */
		if (c <= ' ' || c == 0x7f || is_one_of(c, "\\\"();@$"))
			n += (size_t)snprintf(out + n, 5, "\\%03u", c);
		else
			out[n++] = (char)c;
	}
	out[n] = 0;
	return label == 0 ? ERR_SYNTAX : (int)n;
}
