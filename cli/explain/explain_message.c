/* SPDX-License-Identifier: ISC */
/*
 * cli/explain/explain_message.c - a stored message as it was when it came, see the header.
 *
 * Runs in:  the operator's command.
 * Trusts:   nothing of the message.
 * Sources:  RFC 5321 sec. 4.4 (trace fields); what Postfix, Exim and qmail make of them.
 */
#include "explain_message.h"

#include "err.h"
#include "rfc5322.h"

void
explain_crlf(struct bytes in, struct buf *out)
{
	if (bytes_starts_with(in, BYTES_LITERAL("From ")))
		(void)bytes_cut(&in, '\n');
	while (in.n > 0) {
		struct bytes line = bytes_cut(&in, '\n');

		if (line.n > 0 && line.p[line.n - 1] == '\r')
			line.n--;
		buf_put_bytes(out, line);
		buf_put(out, "\r\n", 2);
	}
}

static bool
is_blank(uint8_t c)
{
	return c == ' ' || c == '\t';
}

static struct bytes
cut_word(struct bytes *rest)
{
	struct bytes in = bytes_trim(*rest);
	size_t n = 0;

	while (n < in.n && !is_blank(in.p[n]))
		n++;
	*rest = bytes_skip(in, n);
	return bytes_head(in, n);
}

/* "[192.0.2.1]", "[IPv6:2001:db8::1]" anywhere in text. */
static bool
find_address(struct bytes text, struct ip_block *out)
{
	static const struct bytes ipv6 = BYTES_LITERAL("IPv6:");
	size_t at;

	while ((at = bytes_find(text, '[')) != BYTES_NOT_FOUND) {
		struct bytes inner;

		text = bytes_skip(text, at + 1);
		if ((at = bytes_find(text, ']')) == BYTES_NOT_FOUND)
			return false;
		inner = bytes_head(text, at);
		if (bytes_starts_with_nocase(inner, ipv6))
			inner = bytes_skip(inner, ipv6.n);
		if (bytes_find(inner, '/') == BYTES_NOT_FOUND &&
			ip_block_parse(inner, out) == ERR_OK)
			return true;
	}
	return false;
}

/* "helo X" or "helo=X" in a comment; empty: it is not there. */
static struct bytes
find_helo(struct bytes text)
{
	while (text.n > 0) {
		struct bytes word = text, value;
		size_t n = 0;

		if (bytes_starts_with_nocase(word, BYTES_LITERAL("helo")) && word.n > 5 &&
			(is_blank(word.p[4]) || word.p[4] == '=')) {
			value = bytes_skip(word, 5);
			while (n < value.n && !is_blank(value.p[n]) && value.p[n] != ')')
				n++;
			return bytes_head(value, n);
		}
		text = bytes_skip(text, 1);
	}
	return BYTES_NONE;
}

bool
explain_received(struct bytes value, struct explain_origin *out)
{
	struct bytes rest = value, word, clause;
	size_t by;

	if (!bytes_is_nocase(cut_word(&rest), "from"))
		return false;
	by = bytes_search(rest, BYTES_LITERAL(" by "));
	clause = bytes_head(rest, by == BYTES_NOT_FOUND ? rest.n : by);
	if (!find_address(clause, &out->client))
		return false;
	word = cut_word(&clause);
	out->helo = find_helo(clause);
	if (out->helo.n == 0 && word.n > 0 && word.p[0] != '(')
		out->helo = word;
	return true;
}

/* Of this machine's own processes nothing is to be learned. */
static bool
is_loopback(const struct ip_block *b)
{
	struct ip_block v4, v6;

	return ip_block_parse(BYTES_LITERAL("127.0.0.0/8"), &v4) == ERR_OK &&
	       ip_block_parse(BYTES_LITERAL("::1"), &v6) == ERR_OK &&
	       (ip_block_contains(&v4, b) || ip_block_contains(&v6, b));
}

static struct bytes
path_of(struct bytes value)
{
	size_t open = bytes_find(value, '<'), close = bytes_find_last(value, '>');

	if (open == BYTES_NOT_FOUND || close == BYTES_NOT_FOUND || close < open)
		return bytes_trim(value);
	return bytes_skip(bytes_head(value, close), open + 1);
}

void
explain_origin(struct arena *a, struct bytes content, struct explain_origin *out)
{
	struct bytes header = bytes_head(content, rfc5322_header_len(content));
	struct rfc5322_field f;

	*out = (struct explain_origin){ .client.family = 0 };
	while (rfc5322_field_next(&header, &f)) {
		struct bytes value = rfc5322_unfolded(a, f.value);

		if (bytes_is_nocase(f.name, "Return-Path") && !out->has_return_path) {
			out->has_return_path = true;
			out->mail_from = path_of(value);
		} else if (bytes_is_nocase(f.name, "Received") && out->client.family == 0) {
			if (explain_received(value, out) && is_loopback(&out->client))
				out->client.family = 0;
			if (out->client.family == 0)
				out->helo = BYTES_NONE;
		}
	}
}
