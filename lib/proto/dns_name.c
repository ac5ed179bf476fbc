/* SPDX-License-Identifier: ISC */
/*
 * lib/proto/dns_name.c - domain names: from the wire to text and back.
 *
 * Pure. Trusts nothing. Sources: RFC 1035 sec. 3.1 and 5.1, RFC 4343 sec. 2.1, RFC 3596 sec. 2.5.
 */
#include <stdio.h>

#include "dns_rdata.h"

/* One octet of a label as text; the longest form is \DDD. */
static size_t
put_octet(char *out, uint8_t c)
{
	if (c == '.' || c == '\\' || c == '"' || c == ';' || c == '(' || c == ')' || c == '@' ||
		c == '$') {
		out[0] = '\\';
		out[1] = (char)c;
		return 2;
	}
	if (c <= ' ' || c >= 0x7f) {
		out[0] = '\\';
		out[1] = (char)('0' + c / 100);
		out[2] = (char)('0' + c / 10 % 10);
		out[3] = (char)('0' + c % 10);
		return 4;
	}
	out[0] = (char)ascii_lower(c);
	return 1;
}

int
dns_name_read(struct bytes *rest, char out[DNS_NAME_SIZE])
{
	struct bytes in = *rest;
	size_t wire = 0, n = 0;

	for (;;) {
		uint8_t len;

		if (in.n == 0 || (len = in.p[0]) > DNS_LABEL_MAX || in.n < 1u + len ||
			(wire += 1u + len) > DNS_NAME_WIRE_MAX)
			return ERR_SYNTAX;
		if (len == 0)
			break;
		if (n > 0)
			out[n++] = '.';
		for (uint8_t i = 1; i <= len; i++)
			n += put_octet(out + n, in.p[i]);
		in = bytes_skip(in, 1u + len);
	}
	out[n] = 0;
	*rest = bytes_skip(in, 1);
	return (int)n;
}

/* One octet of a label in text: octets used, or 0. */
static size_t
get_octet(struct bytes in, uint8_t *c)
{
	unsigned value;

	if (in.p[0] != '\\') {
		*c = in.p[0];
		return 1;
	}
	if (in.n < 2)
		return 0;
	*c = in.p[1];
	if (!ascii_is_digit(in.p[1]))
		return 2;
	if (in.n < 4 || !ascii_is_digit(in.p[2]) || !ascii_is_digit(in.p[3]))
		return 0;
	value = (in.p[1] - '0') * 100u + (in.p[2] - '0') * 10u + (in.p[3] - '0');
	if (value > 255)
		return 0;
	*c = (uint8_t)value;
	return 4;
}

static int
write_labels(struct bytes text, uint8_t wire[DNS_NAME_WIRE_MAX], size_t *n)
{
	size_t label = 0; /* where the length of the open one stands */

	*n = 1;
	while (text.n > 0) {
		uint8_t c;
		size_t used = get_octet(text, &c);

		if (used == 0)
			return ERR_SYNTAX;
		if (used == 1 && c == '.') {
			if (*n == label + 1)
				return ERR_SYNTAX;
			wire[label] = (uint8_t)(*n - label - 1);
			label = (*n)++;
			if (*n > DNS_NAME_WIRE_MAX)
				return ERR_LIMIT;
		} else {
			/* room for this octet and the root behind it */
			if (*n - label > DNS_LABEL_MAX || *n + 2 > DNS_NAME_WIRE_MAX)
				return ERR_LIMIT;
			wire[(*n)++] = c;
		}
		text = bytes_skip(text, used);
	}
	wire[label] = (uint8_t)(*n - label - 1);
	if (wire[label] != 0) /* without a dot at the end */
		wire[(*n)++] = 0;
	return ERR_OK;
}

int
dns_name_write(struct bytes text, struct buf *out)
{
	uint8_t wire[DNS_NAME_WIRE_MAX + 1];
	size_t n;
	int r;

	if (text.n == 0 || bytes_is(text, ".")) {
		buf_put_u8(out, 0);
		return ERR_OK;
	}
	r = write_labels(text, wire, &n);
	if (r == ERR_OK)
		buf_put(out, wire, n);
	return r;
}

bool
dns_name_is_host(struct bytes text)
{
	if (text.n == 0 || text.n > 253)
		return false;
	while (text.n > 0) {
		struct bytes all = text, label = bytes_cut(&text, '.');

		if (label.n == 0 || label.n > DNS_LABEL_MAX || label.p[0] == '-' ||
			label.p[label.n - 1] == '-')
			return false;
		for (size_t i = 0; i < label.n; i++) {
			uint8_t c = label.p[i];

			if (!ascii_is_alpha(c) && !ascii_is_digit(c) && c != '-' && c != '_')
				return false;
		}
		if (text.n == 0 && all.n != label.n)
			return false; /* a dot at the end */
	}
	return true;
}

void
dns_reverse_name(const uint8_t *address, size_t n, char out[DNS_REVERSE_SIZE])
{
	size_t at = 0;

	if (n == 4) {
		snprintf(out, DNS_REVERSE_SIZE, "%u.%u.%u.%u.in-addr.arpa", address[3], address[2],
			address[1], address[0]);
		return;
	}
	ASSERT(n == 16);
	for (size_t i = 16; i-- > 0;) {
		out[at++] = "0123456789abcdef"[address[i] & 15];
		out[at++] = '.';
		out[at++] = "0123456789abcdef"[address[i] >> 4];
		out[at++] = '.';
	}
	memcpy(out + at, "ip6.arpa", sizeof("ip6.arpa"));
}
