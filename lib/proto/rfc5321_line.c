/* SPDX-License-Identifier: ISC */
/*
 * lib/proto/rfc5321_line.c - command lines, their parameters, xtext, and reply lines.
 *
 * Runs in:  every process that speaks SMTP.
 * Trusts:   nothing.
 * Sources:  RFC 5321 sec. 4.1.1, 4.1.2 and 4.2; RFC 3461 sec. 4; RFC 6533 sec. 3; RFC 2034.
 */
#include "rfc5321.h"

#include "err.h"

static bool
is_blank(uint8_t c)
{
	return c == ' ' || c == '\t';
}

struct bytes
rfc5321_cut_verb(struct bytes line, struct bytes *args)
{
	size_t n = 0;
	while (n < line.n && !is_blank(line.p[n]))
		n++;
	*args = bytes_trim(bytes_skip(line, n));
	return bytes_head(line, n);
}

/* esmtp-keyword: (ALPHA / DIGIT) *(ALPHA / DIGIT / "-") */
static bool
is_keyword(struct bytes b)
{
	if (b.n == 0 || b.p[0] == '-')
		return false;
	for (size_t i = 0; i < b.n; i++)
		if (!ascii_is_alpha(b.p[i]) && !ascii_is_digit(b.p[i]) && b.p[i] != '-')
			return false;
	return true;
}

/* esmtp-value: 1*(%d33-60 / %d62-126), with SMTPUTF8 also UTF-8 (RFC 6531 sec. 3.3) */
static bool
is_value(struct bytes b, unsigned flags)
{
	for (size_t i = 0; i < b.n; i++)
		if (b.p[i] < 33 || b.p[i] == '=' || b.p[i] == 127 ||
			(b.p[i] >= 0x80 && (flags & RFC5321_UTF8) == 0))
			return false;
	return b.n > 0 && rfc3629_is_utf8(b);
}

int
rfc5321_next_param(struct bytes *rest, unsigned flags, struct esmtp_param *out)
{
	size_t start = 0, end;
	while (start < rest->n && is_blank(rest->p[start]))
		start++;
	for (end = start; end < rest->n && !is_blank(rest->p[end]); end++)
		;
	if (start == end)
		return 0;
	struct bytes word = bytes_make(rest->p + start, end - start);
	size_t equals = bytes_find(word, '=');
	struct esmtp_param param = { .keyword = bytes_head(word, equals) };
	if (equals != BYTES_NOT_FOUND) {
		param.has_value = true;
		param.value = bytes_skip(word, equals + 1);
	}
	if (!is_keyword(param.keyword) || (param.has_value && !is_value(param.value, flags)))
		return ERR_SYNTAX;
	*rest = bytes_skip(*rest, end);
	*out = param;
	return 1;
}

/* The octet that "+" and two upper-case hexadecimal digits stand for, or -1. */
static int
hexchar(struct bytes in)
{
	int value = 0;
	if (in.n < 3 || in.p[0] != '+')
		return -1;
	for (int i = 1; i < 3; i++) {
		uint8_t c = in.p[i];
		if (ascii_is_digit(c))
			value = value * 16 + (c - '0');
		else if (c >= 'A' && c <= 'F')
			value = value * 16 + (c - 'A' + 10);
		else
			return -1;
	}
	return value;
}

bool
rfc3461_is_xtext(struct bytes in)
{
	for (size_t i = 0; i < in.n; i++) {
		if (in.p[i] < 33 || in.p[i] > 126 || in.p[i] == '=')
			return false;
		if (in.p[i] == '+') {
			if (hexchar(bytes_skip(in, i)) < 0)
				return false;
			i += 2;
		}
	}
	return true;
}

int
rfc3461_xtext_decode(struct buf *out, struct bytes in)
{
	if (!rfc3461_is_xtext(in))
		return ERR_SYNTAX;
	for (size_t i = 0; i < in.n; i++) {
		if (in.p[i] != '+') {
			buf_put_u8(out, in.p[i]);
			continue;
		}
		buf_put_u8(out, (uint8_t)hexchar(bytes_skip(in, i)));
		i += 2;
	}
	return ERR_OK;
}

void
rfc3461_xtext_encode(struct buf *out, struct bytes in)
{
	for (size_t i = 0; i < in.n; i++) {
		uint8_t c = in.p[i];
		if (c < 33 || c > 126 || c == '+' || c == '=')
			buf_printf(out, "+%02X", c);
		else
			buf_put_u8(out, c);
	}
}

bool
rfc3461_is_orcpt(struct bytes in, unsigned flags)
{
	struct bytes address = in;
	struct bytes type = bytes_cut(&address, ';');
	if (!is_keyword(type) || address.n == 0)
		return false;
	/* utf-8-addr-unitext has octets above 0x7f, utf-8-addr-xtext "\x{...}": RFC 6533 sec. 3 */
	if (bytes_is_nocase(type, "utf-8"))
		return is_value(address, flags);
	return rfc3461_is_xtext(address);
}

/* Octets of the one character at the front; 0 if it isn't well formed (RFC 3629 sec. 4). */
static size_t
utf8_length(struct bytes in)
{
	uint8_t c = in.p[0], low = 0x80, high = 0xbf;
	size_t n;
	if (c < 0x80)
		return 1;
	if (c < 0xc2 || c > 0xf4)
		return 0;
	n = c < 0xe0 ? 2 : c < 0xf0 ? 3 : 4;
	if (c == 0xe0)
		low = 0xa0; /* else not the shortest form */
	else if (c == 0xed)
		high = 0x9f; /* surrogates */
	else if (c == 0xf0)
		low = 0x90;
	else if (c == 0xf4)
		high = 0x8f; /* above U+10FFFF */
	if (in.n < n || in.p[1] < low || in.p[1] > high)
		return 0;
	for (size_t i = 2; i < n; i++)
		if ((in.p[i] & 0xc0) != 0x80)
			return 0;
	return n;
}

bool
rfc3629_is_utf8(struct bytes in)
{
	while (in.n > 0) {
		size_t n = utf8_length(in);
		if (n == 0)
			return false;
		in = bytes_skip(in, n);
	}
	return true;
}

static void
put_reply_line(struct buf *out, int code, char separator, const char *enhanced, struct bytes text)
{
	size_t before = out->len;
	buf_printf(out, "%03d%c", code, separator);
	if (enhanced != NULL)
		buf_printf(out, "%s ", enhanced);
	size_t room = RFC5321_REPLY_LINE_MAX - 2 - (out->len - before);
	for (size_t i = 0; i < text.n && i < room; i++)
		buf_put_u8(out, text.p[i] < 32 || text.p[i] == 127 ? '?' : text.p[i]);
	buf_put_str(out, "\r\n");
}

void
rfc5321_put_reply(struct buf *out, int code, const char *enhanced, struct bytes text)
{
	for (;;) {
		bool last = bytes_find(text, '\n') == BYTES_NOT_FOUND;
		struct bytes line = bytes_cut(&text, '\n');
		put_reply_line(out, code, last ? ' ' : '-', enhanced, line);
		if (last)
			return;
	}
}
