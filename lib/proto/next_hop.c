/* SPDX-License-Identifier: ISC */
/*
 * lib/proto/next_hop.c - the grammar of next hops, see the header.
 *
 * Runs in:  directory, the operator's command.
 * Trusts:   nothing: tables are written by hand, and text from a database by anybody.
 * Sources:  RFC 1035 sec. 2.3.4 (names), RFC 5321 sec. 4.1.3 (literals), RFC 3463 (codes).
 */
#include "next_hop.h"

#include <arpa/inet.h>

#include "err.h"

#define LABEL_MAX 63

static const struct {
	const char *word;
	uint16_t port; /* 0: an option's */
} protocols[NEXT_HOP_PROTOCOLS] = {
	[NEXT_HOP_SMTP] = { "smtp", 0 },
	[NEXT_HOP_SMTPS] = { "smtps", NEXT_HOP_SMTPS_PORT },
	[NEXT_HOP_LMTP] = { "lmtp", NEXT_HOP_LMTP_PORT },
};

const char *
next_hop_protocol_name(enum next_hop_protocol p)
{
	return p < NEXT_HOP_PROTOCOLS ? protocols[p].word : "?";
}

static bool
is_ip(int family, struct bytes host)
{
	uint8_t binary[sizeof(struct in6_addr)];
	char text[INET6_ADDRSTRLEN];

	if (host.n == 0 || host.n >= sizeof(text))
		return false;
	bytes_to_str(host, text, sizeof(text));
	return inet_pton(family, text, binary) == 1;
}

bool
next_hop_is_address(struct bytes host)
{
	return is_ip(AF_INET, host) || is_ip(AF_INET6, host);
}

/* Letters, digits, "-" and "_" in labels; UTF-8 is left to who looks it up. Names that end in a
 * number are addresses gone wrong, or ports in the wrong place. */
static bool
is_domain(struct bytes host)
{
	size_t label = 0;
	bool digits = true;

	if (host.n == 0 || host.n > NEXT_HOP_HOST_MAX)
		return false;
	for (size_t i = 0; i < host.n; i++) {
		uint8_t c = host.p[i];

		if (c == '.') {
			if (label == 0)
				return false;
			label = 0;
			digits = true;
		} else if (ascii_is_alpha(c) || ascii_is_digit(c) || c == '-' || c == '_' ||
			   c >= 0x80) {
			if (++label > LABEL_MAX || (c == '-' && label == 1))
				return false;
			digits &= ascii_is_digit(c);
		} else {
			return false;
		}
	}
	return label > 0 && !digits && host.p[host.n - 1] != '-';
}

static bool
is_socket_name(struct bytes name)
{
	if (name.n == 0 || name.n > 64 || name.p[0] == '.')
		return false;
	for (size_t i = 0; i < name.n; i++) {
		uint8_t c = name.p[i];

		if (!ascii_is_alpha(c) && !ascii_is_digit(c) && c != '-' && c != '_' && c != '.')
			return false;
	}
	return true;
}

/* "25"; empty is none. */
static int
parse_port(struct bytes in, uint16_t *port, const char **why)
{
	uint64_t n;

	*why = "a port is a number from 1 to 65535";
	if (bytes_to_u64(in, UINT16_MAX, &n) < 0 || n == 0)
		return ERR_SYNTAX;
	*port = (uint16_t)n;
	return ERR_OK;
}

/* "[" host "]" [ ":" port ] */
static int
parse_bracketed(struct bytes in, struct next_hop_alternative *out, const char **why)
{
	static const struct bytes ipv6 = BYTES_LITERAL("IPv6:");
	size_t end = bytes_find(in, ']');
	struct bytes rest;

	out->kind = NEXT_HOP_HOST;
	*why = "a \"]\" is missing";
	if (end == BYTES_NOT_FOUND)
		return ERR_SYNTAX;
	out->host = bytes_skip(bytes_head(in, end), 1);
	rest = bytes_skip(in, end + 1);
	*why = "neither a host's name nor an address stands between \"[\" and \"]\"";
	if (bytes_starts_with_nocase(out->host, ipv6)) {
		out->host = bytes_skip(out->host, ipv6.n);
		if (!is_ip(AF_INET6, out->host))
			return ERR_SYNTAX;
	} else if (!next_hop_is_address(out->host) && !is_domain(out->host)) {
		return ERR_SYNTAX;
	}
	if (rest.n == 0)
		return ERR_OK;
	*why = "only \":\" and a port may follow \"]\"";
	if (rest.p[0] != ':')
		return ERR_SYNTAX;
	return parse_port(bytes_skip(rest, 1), &out->port, why);
}

static int
parse_host(struct bytes in, struct next_hop_alternative *out, const char **why)
{
	size_t colon = bytes_find(in, ':');

	if (in.n > 0 && in.p[0] == '[')
		return parse_bracketed(in, out, why);
	out->host = bytes_head(in, colon == BYTES_NOT_FOUND ? in.n : colon);
	out->kind = out->protocol == NEXT_HOP_LMTP ? NEXT_HOP_HOST : NEXT_HOP_MX;
	*why = "an address stands in \"[\" and \"]\"";
	if (is_ip(AF_INET, out->host) || is_ip(AF_INET6, in))
		return ERR_SYNTAX;
	*why = "not a domain name";
	if (!is_domain(out->host))
		return ERR_SYNTAX;
	return colon == BYTES_NOT_FOUND ? ERR_OK
					: parse_port(bytes_skip(in, colon + 1), &out->port, why);
}

/* in without the word, if it begins with it. */
static bool
take_word(struct bytes *in, const char *word)
{
	struct bytes head = bytes_from_str(word);

	if (!bytes_starts_with_nocase(*in, head) || in->n == head.n || in->p[head.n] != ':')
		return false;
	*in = bytes_skip(*in, head.n + 1);
	return true;
}

static int
parse_alternative(struct bytes in, struct next_hop_alternative *out, const char **why)
{
	*out = (struct next_hop_alternative){ .protocol = NEXT_HOP_SMTP };
	for (unsigned p = 0; p < NEXT_HOP_PROTOCOLS; p++)
		if (take_word(&in, protocols[p].word)) {
			out->protocol = (enum next_hop_protocol)p;
			break;
		}
	if (take_word(&in, "srv")) {
		out->kind = NEXT_HOP_SRV;
		out->host = in;
		*why = "\"srv:\" is for smtp and smtps and needs a domain name, without a port";
		return out->protocol != NEXT_HOP_LMTP && is_domain(in) && in.p[0] != '['
			       ? ERR_OK
			       : ERR_SYNTAX;
	}
	if (take_word(&in, "unix")) {
		out->kind = NEXT_HOP_UNIX;
		out->host = in;
		*why = "\"unix:\" is for lmtp and needs the name of a socket, without \"/\"";
		return out->protocol == NEXT_HOP_LMTP && is_socket_name(in) ? ERR_OK : ERR_SYNTAX;
	}
	(void)take_word(&in, "inet");
	*why = "there is no host";
	return in.n == 0 ? ERR_SYNTAX : parse_host(in, out, why);
}

/* class "." subject "." detail, of classes 4 and 5 (RFC 3463 sec. 2) */
static bool
is_enhanced(struct bytes code)
{
	struct bytes rest = code, part;
	uint64_t n;

	for (int i = 0; i < 3; i++) {
		part = i < 2 ? bytes_cut(&rest, '.') : rest;
		if (part.n > 3 || bytes_to_u64(part, 999, &n) < 0 ||
			(i == 0 && (part.n != 1 || n < 4 || n > 5)))
			return false;
	}
	return true;
}

static int
parse_error(struct bytes in, struct next_hop *out, const char **why)
{
	struct bytes rest = bytes_trim(in), code = bytes_cut(&rest, ' ');

	out->is_error = true;
	out->enhanced = BYTES_LITERAL("5.0.0");
	out->text = bytes_trim(in);
	if (is_enhanced(code)) {
		out->enhanced = code;
		out->text = bytes_trim(rest);
	} else if (code.n > 0 && ascii_is_digit(code.p[0]) &&
		   bytes_find(code, '.') != BYTES_NOT_FOUND) {
		*why = "a code is 4.y.z or 5.y.z (RFC 3463)";
		return ERR_SYNTAX;
	}
	out->is_temporary = out->enhanced.p[0] == '4';
	*why = "the text of an error is up to 200 characters of ASCII";
	for (size_t i = 0; i < out->text.n; i++)
		if (out->text.p[i] < 0x20 || out->text.p[i] > 0x7e)
			return ERR_SYNTAX;
	return out->text.n > NEXT_HOP_TEXT_MAX ? ERR_LIMIT : ERR_OK;
}

int
next_hop_parse(struct bytes in, struct next_hop *out, const char **why)
{
	int r = ERR_OK;

	*out = (struct next_hop){ .count = 0 };
	in = bytes_trim(in);
	*why = "there is no next hop";
	if (in.n == 0)
		return ERR_SYNTAX;
	*why = "a next hop is up to 512 octets";
	if (in.n > NEXT_HOP_MAX)
		return ERR_LIMIT;
	if (take_word(&in, "error"))
		return parse_error(in, out, why);
	for (bool more = true; more && r == ERR_OK;) {
		*why = "up to 8 alternatives";
		if (out->count == NEXT_HOP_ALTERNATIVES_MAX)
			return ERR_LIMIT;
		more = bytes_find(in, ',') != BYTES_NOT_FOUND;
		r = parse_alternative(
			bytes_trim(bytes_cut(&in, ',')), &out->alternatives[out->count++], why);
	}
	return r;
}

/* Would the host alone be taken for the word before a colon? */
static bool
is_word(struct bytes host)
{
	static const char *const words[] = { "smtp", "smtps", "lmtp", "srv", "unix", "inet",
		"error" };

	for (size_t i = 0; i < NITEMS(words); i++)
		if (bytes_is_nocase(host, words[i]))
			return true;
	return false;
}

void
next_hop_alternative_put(struct buf *out, const struct next_hop_alternative *a)
{
	bool brackets = a->kind == NEXT_HOP_HOST;

	if (a->protocol != NEXT_HOP_SMTP || (a->kind == NEXT_HOP_MX && is_word(a->host)))
		buf_printf(out, "%s:", protocols[a->protocol].word);
	if (a->kind == NEXT_HOP_MX && is_word(a->host))
		buf_put_str(out, "inet:");
	buf_put_str(out, a->kind == NEXT_HOP_SRV    ? "srv:"
			 : a->kind == NEXT_HOP_UNIX ? "unix:"
			 : brackets                 ? "["
						    : "");
	for (size_t i = 0; i < a->host.n; i++)
		buf_put_u8(
			out, a->kind == NEXT_HOP_UNIX ? a->host.p[i] : ascii_lower(a->host.p[i]));
	if (brackets)
		buf_put_u8(out, ']');
	if (a->port != 0 && a->port != protocols[a->protocol].port)
		buf_printf(out, ":%u", a->port);
}

void
next_hop_put(struct buf *out, const struct next_hop *h)
{
	if (h->is_error) {
		buf_put_str(out, "error:");
		buf_put_bytes(out, h->enhanced);
		if (h->text.n > 0)
			buf_put_u8(out, ' ');
		buf_put_bytes(out, h->text);
	}
	for (unsigned i = 0; i < h->count; i++) {
		if (i > 0)
			buf_put_str(out, ", ");
		next_hop_alternative_put(out, &h->alternatives[i]);
	}
}
