/* SPDX-License-Identifier: ISC */
/*
 * lib/base/ip_block.c - blocks of Internet addresses, see the header.
 *
 * Trusts: nothing; text and socket addresses come from anywhere.
 */
#include "ip_block.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdio.h>

#include "err.h"

static uint8_t
longest(uint8_t family)
{
	return family == 4 ? 32 : 128;
}

static void
clear_behind(struct ip_block *b)
{
	for (unsigned i = 0; i < 16; i++) {
		unsigned first = i * 8;

		if (first >= b->prefix)
			b->addr[i] = 0;
		else if (first + 8 > b->prefix)
			b->addr[i] &= (uint8_t)(0xff << (first + 8 - b->prefix));
	}
}

static void
set_six(struct ip_block *b, const uint8_t addr[16])
{
	static const uint8_t mapped[12] = { [10] = 0xff, [11] = 0xff };

	*b = (struct ip_block){ .family = 6, .prefix = 128 };
	if (memcmp(addr, mapped, sizeof(mapped)) == 0) {
		b->family = 4;
		b->prefix = 32;
		memcpy(b->addr, addr + 12, 4);
	} else
		memcpy(b->addr, addr, 16);
}

/* 1 to 3 digits. < 0: not a number */
static int
parse_prefix(struct bytes text)
{
	int n = 0;

	if (text.n == 0 || text.n > 3)
		return ERR_SYNTAX;
	for (size_t i = 0; i < text.n; i++) {
		if (text.p[i] < '0' || text.p[i] > '9')
			return ERR_SYNTAX;
		n = n * 10 + (text.p[i] - '0');
	}
	return n;
}

int
ip_block_parse(struct bytes text, struct ip_block *out)
{
	struct bytes address = text, prefix = BYTES_NONE;
	size_t slash = bytes_find(text, '/');
	char str[INET6_ADDRSTRLEN];
	struct ip_block b = { 0 };
	uint8_t six[16];
	int n;

	if (slash != BYTES_NOT_FOUND) {
		address = bytes_make(text.p, slash);
		prefix = bytes_make(text.p + slash + 1, text.n - slash - 1);
	}
	if (address.n >= 2 && address.p[0] == '[' && address.p[address.n - 1] == ']')
		address = bytes_make(address.p + 1, address.n - 2);
	if (address.n == 0 || address.n >= sizeof(str) || bytes_find(address, 0) != BYTES_NOT_FOUND)
		return ERR_SYNTAX;
	memcpy(str, address.p, address.n);
	str[address.n] = 0;
	if (inet_pton(AF_INET, str, b.addr) == 1) {
		b.family = 4;
		b.prefix = 32;
	} else if (inet_pton(AF_INET6, str, six) == 1)
		set_six(&b, six);
	else
		return ERR_SYNTAX;
	if (slash != BYTES_NOT_FOUND) {
		n = parse_prefix(prefix);
		if (n >= 96 && b.family == 4 && bytes_find(address, ':') != BYTES_NOT_FOUND)
			n -= 96; /* counted in the mapped form */
		if (n < 0 || n > longest(b.family))
			return ERR_SYNTAX;
		b.prefix = (uint8_t)n;
		clear_behind(&b);
	}
	*out = b;
	return ERR_OK;
}

bool
ip_block_from_sockaddr(const struct sockaddr_storage *addr, struct ip_block *out)
{
	*out = (struct ip_block){ 0 };
	if (addr->ss_family == AF_INET) {
		const struct sockaddr_in *four = (const struct sockaddr_in *)addr;

		out->family = 4;
		out->prefix = 32;
		memcpy(out->addr, &four->sin_addr, 4);
	} else if (addr->ss_family == AF_INET6)
		set_six(out, ((const struct sockaddr_in6 *)addr)->sin6_addr.s6_addr);
	return out->family != 0;
}

struct ip_block
ip_block_widen(struct ip_block b, uint8_t prefix)
{
	if (prefix < b.prefix) {
		b.prefix = prefix;
		clear_behind(&b);
	}
	return b;
}

uint64_t
ip_block_network(const struct ip_block *b)
{
	const unsigned octets = b->family == 4 ? 3 : b->family == 6 ? 7 : 0;
	uint64_t network = b->family;

	for (unsigned i = 0; i < octets; i++)
		network = network << 8 | b->addr[i];
	return network;
}

bool
ip_block_contains(const struct ip_block *outer, const struct ip_block *inner)
{
	struct ip_block widened;

	if (outer->family != inner->family || outer->prefix > inner->prefix)
		return false;
	widened = ip_block_widen(*inner, outer->prefix);
	return ip_block_equal(outer, &widened);
}

bool
ip_block_valid(const struct ip_block *b)
{
	struct ip_block cleared = *b;

	if ((b->family != 4 && b->family != 6) || b->prefix > longest(b->family))
		return false;
	clear_behind(&cleared);
	return memcmp(cleared.addr, b->addr, sizeof(b->addr)) == 0;
}

char *
ip_block_text(const struct ip_block *b, char out[IP_BLOCK_TEXT])
{
	char address[INET6_ADDRSTRLEN] = "-";

	if (b->family != 0)
		inet_ntop(b->family == 4 ? AF_INET : AF_INET6, b->addr, address, sizeof(address));
	if (b->family == 0 || b->prefix == longest(b->family))
		snprintf(out, IP_BLOCK_TEXT, "%s", address);
	else
		snprintf(out, IP_BLOCK_TEXT, "%s/%u", address, b->prefix);
	return out;
}
