/* SPDX-License-Identifier: ISC */
/*
 * lib/proto/rfc5321.c - mailboxes, paths and domains (RFC 5321 sec. 4.1.2 and 4.1.3).
 *
 * Each parser works at the front of its input and tells how many octets it used.
 *
 * Runs in:  every process that meets an address.
 * Trusts:   nothing.
 */
#include "rfc5321.h"

#include <arpa/inet.h>
#include <stdio.h>

#include "err.h"

static bool
is_let_dig(uint8_t c, unsigned flags)
{
	return ascii_is_alpha(c) || ascii_is_digit(c) || (c >= 0x80 && (flags & RFC5321_UTF8) != 0);
}

static bool
is_atext(uint8_t c, unsigned flags)
{
	return is_let_dig(c, flags) ||
	       (c != 0 && c < 0x80 && strchr("!#$%&'*+-/=?^_`{|}~", c) != NULL);
}

static bool
has_utf8(struct bytes b)
{
	for (size_t i = 0; i < b.n; i++)
		if (b.p[i] >= 0x80)
			return true;
	return false;
}

/* Octets of one sub-domain; 0 if there is none. */
static size_t
label_length(struct bytes in, unsigned flags)
{
	size_t n = 0;
	while (n < in.n && (is_let_dig(in.p[n], flags) || in.p[n] == '-'))
		n++;
	if (n == 0 || in.p[0] == '-' || in.p[n - 1] == '-')
		return 0;
	/* the limit of 63 is one of the A-label, so it can't be told from the U-label's octets */
	return n > RFC5321_LABEL_MAX && !has_utf8(bytes_head(in, n)) ? 0 : n;
}

int
rfc5321_parse_domain(struct bytes in, unsigned flags)
{
	size_t used = 0;
	for (;;) {
		size_t n = label_length(bytes_skip(in, used), flags);
		if (n == 0)
			return ERR_SYNTAX;
		used += n;
		if (used > RFC5321_DOMAIN_MAX)
			return ERR_SYNTAX;
		if (used == in.n || in.p[used] != '.')
			break;
		used++;
	}
	return rfc3629_is_utf8(bytes_head(in, used)) ? (int)used : ERR_SYNTAX;
}

/* IPv4-address-literal: four numbers of one to three digits, at most 255 */
static bool
is_ipv4(struct bytes in)
{
	for (int part = 0; part < 4; part++) {
		uint64_t value;
		if ((part < 3) != (bytes_find(in, '.') != BYTES_NOT_FOUND))
			return false;
		struct bytes number = bytes_cut(&in, '.');
		if (number.n > 3 || bytes_to_u64(number, 255, &value) < 0)
			return false;
	}
	return true;
}

static bool
is_ipv6(struct bytes in)
{
	char text[INET6_ADDRSTRLEN];
	struct in6_addr address;
	if (in.n >= sizeof(text) || bytes_find(in, '\0') != BYTES_NOT_FOUND)
		return false;
	return inet_pton(AF_INET6, bytes_to_str(in, text, sizeof(text)), &address) == 1;
}

int
rfc5321_parse_literal(struct bytes in)
{
	size_t end = bytes_find(in, ']');
	if (in.n == 0 || in.p[0] != '[' || end == BYTES_NOT_FOUND || end > RFC5321_DOMAIN_MAX)
		return ERR_SYNTAX;
	struct bytes content = bytes_make(in.p + 1, end - 1);
	struct bytes rest = content;
	struct bytes tag = bytes_cut(&rest, ':');
	/* IPv6 is the only tag registered for General-address-literal */
	bool good = tag.n == content.n ? is_ipv4(content)
				       : bytes_is_nocase(tag, "IPv6") && is_ipv6(rest);
	return good ? (int)end + 1 : ERR_SYNTAX;
}

/* Octets of the Quoted-string at the front; 0 if it isn't one. */
static size_t
quoted_length(struct bytes in, unsigned flags)
{
	for (size_t i = 1; i < in.n; i++) {
		uint8_t c = in.p[i];
		if (c == '"')
			return i + 1;
		if (c == '\\') {
			if (++i == in.n || in.p[i] < 32 || in.p[i] > 126)
				return 0;
		} else if (c < 32 || c == 127 || (c >= 0x80 && (flags & RFC5321_UTF8) == 0)) {
			return 0;
		}
	}
	return 0;
}

/* Octets of the Dot-string at the front; 0 if it isn't one. */
static size_t
dot_string_length(struct bytes in, unsigned flags)
{
	size_t n = 0;
	while (n < in.n &&
		(is_atext(in.p[n], flags) || (in.p[n] == '.' && n > 0 && in.p[n - 1] != '.')))
		n++;
	return n > 0 && in.p[n - 1] == '.' ? 0 : n;
}

static int
parse_local_part(struct bytes in, unsigned flags, struct mailbox *out)
{
	out->quoted = in.n > 0 && in.p[0] == '"';
	size_t n = out->quoted ? quoted_length(in, flags) : dot_string_length(in, flags);
	if (n == 0)
		return ERR_SYNTAX;
	out->local_part = bytes_head(in, n);
	return (int)n;
}

/* The Mailbox at the front of in: octets used. */
static int
parse_mailbox_front(struct bytes in, unsigned flags, struct mailbox *out)
{
	struct mailbox m = { 0 };
	int local = parse_local_part(in, flags, &m);
	if (local < 0)
		return local;
	size_t used = (size_t)local;
	if (used < in.n && in.p[used] == '@') {
		struct bytes rest = bytes_skip(in, used + 1);
		m.literal = rest.n > 0 && rest.p[0] == '[';
		int n = m.literal ? rfc5321_parse_literal(rest) : rfc5321_parse_domain(rest, flags);
		if (n < 0)
			return n;
		m.domain = bytes_head(rest, (size_t)n);
		used += 1 + (size_t)n;
	} else if ((flags & RFC5321_POSTMASTER) == 0 ||
		   !bytes_is_nocase(m.local_part, "postmaster")) {
		return ERR_SYNTAX;
	}
	if (used > RFC5321_MAILBOX_MAX)
		return ERR_LIMIT;
	m.text = bytes_head(in, used);
	m.utf8 = has_utf8(m.text);
	if (!rfc3629_is_utf8(m.text))
		return ERR_SYNTAX;
	*out = m;
	return (int)used;
}

int
rfc5321_parse_mailbox(struct bytes in, unsigned flags, struct mailbox *out)
{
	struct mailbox m;
	int n = parse_mailbox_front(in, flags, &m);
	if (n < 0)
		return n;
	if ((size_t)n != in.n)
		return ERR_SYNTAX;
	*out = m;
	return ERR_OK;
}

/* A-d-l ":" at the front of in: octets used, 0 if there is none, ERR_SYNTAX. */
static int
parse_source_route(struct bytes in, unsigned flags)
{
	size_t used = 0;
	if (in.n == 0 || in.p[0] != '@')
		return 0;
	for (;;) {
		struct bytes rest = bytes_skip(in, used);
		if (rest.n == 0 || rest.p[0] != '@')
			return ERR_SYNTAX;
		int n = rfc5321_parse_domain(bytes_skip(rest, 1), flags);
		if (n < 0)
			return n;
		used += 1 + (size_t)n;
		if (used == in.n || (in.p[used] != ',' && in.p[used] != ':'))
			return ERR_SYNTAX;
		if (in.p[used++] == ':')
			return (int)used;
	}
}

int
rfc5321_parse_path(struct bytes in, unsigned flags, struct mailbox *out)
{
	struct mailbox m = { 0 };
	if (in.n < 2 || in.p[0] != '<')
		return ERR_SYNTAX;
	if (in.p[1] == '>') {
		if ((flags & RFC5321_NULL) == 0)
			return ERR_SYNTAX;
		*out = m;
		return 2;
	}
	int route = parse_source_route(bytes_skip(in, 1), flags);
	if (route < 0)
		return route;
	size_t used = 1 + (size_t)route;
	int n = parse_mailbox_front(bytes_skip(in, used), flags, &m);
	if (n < 0)
		return n;
	used += (size_t)n;
	if (used == in.n || in.p[used] != '>')
		return ERR_SYNTAX;
	*out = m;
	return (int)used + 1;
}

struct bytes
rfc5321_domain_of(struct bytes mailbox)
{
	const size_t at = bytes_find_last(mailbox, '@');

	return at == BYTES_NOT_FOUND ? BYTES_NONE : bytes_skip(mailbox, at + 1);
}

bool
rfc5321_is_within(struct bytes name, struct bytes domain)
{
	if (domain.n == 0 || name.n < domain.n ||
		!bytes_equal_nocase(bytes_skip(name, name.n - domain.n), domain))
		return false;
	return name.n == domain.n || name.p[name.n - domain.n - 1] == '.';
}

void
rfc5321_put_local_part(struct buf *out, const struct mailbox *m)
{
	if (!m->quoted) {
		buf_put_bytes(out, m->local_part);
		return;
	}
	for (size_t i = 1; i + 1 < m->local_part.n; i++) {
		if (m->local_part.p[i] == '\\')
			i++;
		buf_put_u8(out, m->local_part.p[i]);
	}
}

void
rfc5321_quote_local_part(struct buf *out, struct bytes local_part)
{
	ASSERT(local_part.n == 0 || local_part.p != NULL);
	if (local_part.n > 0 && dot_string_length(local_part, RFC5321_UTF8) == local_part.n) {
		buf_put_bytes(out, local_part);
		return;
	}
	buf_put_u8(out, '"');
	for (size_t i = 0; i < local_part.n; i++) {
		uint8_t c = local_part.p[i];
		if (c == '"' || c == '\\')
			buf_put_u8(out, '\\');
		buf_put_u8(out, c);
	}
	buf_put_u8(out, '"');
}

void
rfc5321_put_mailbox(struct buf *out, const struct mailbox *m)
{
	if (m->quoted) {
		struct buf plain = BUF_INIT;
		rfc5321_put_local_part(&plain, m);
		rfc5321_quote_local_part(out, buf_bytes(&plain));
		buf_free(&plain);
	} else {
		buf_put_bytes(out, m->local_part);
	}
	if (m->domain.n > 0) {
		buf_put_u8(out, '@');
		buf_put_bytes(out, m->domain);
	}
}
