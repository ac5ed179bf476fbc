/* SPDX-License-Identifier: ISC */
/*
 * lib/base/ip_block.h - a block of Internet addresses: "192.0.2.0/24", "2001:db8::/32", or one
 * address. Pure; no name is ever resolved.
 *
 * IPv4 is kept as itself, also when it comes as ::ffff:a.b.c.d. Bits behind the prefix are
 * always zero, so that two equal blocks are equal octets.
 */
#ifndef RELAIS_IP_BLOCK_H
#define RELAIS_IP_BLOCK_H

#include <stdbool.h>
#include <sys/socket.h>

#include "bytes.h"

#define IP_BLOCK_TEXT 64 /* of the longest block as text, with its NUL */

struct ip_block {
	uint8_t family;   /* 4 or 6; 0: none */
	uint8_t prefix;   /* 0 to 32 or 128 */
	uint8_t addr[16]; /* network order; IPv4 in the first four */
};

/*
 * "a.b.c.d", "a.b.c.d/n", "x::y", "x::y/n", also "[x::y]" and "[x::y]/n". Set bits behind
 * the prefix are cleared. out is set only on success. returns: ERR_OK; ERR_SYNTAX
 */
MUST_USE int ip_block_parse(struct bytes text, struct ip_block *out);

/* The one address of a socket; false (and family 0) if it is not an Internet address. */
bool ip_block_from_sockaddr(const struct sockaddr_storage *addr, struct ip_block *out);

/* The wider block of that prefix around b; b itself if it is as wide already. */
struct ip_block ip_block_widen(struct ip_block b, uint8_t prefix);

/* What one party usually has at most, an IPv4 /24 or an IPv6 /56, as a number; 0: no address. */
uint64_t ip_block_network(const struct ip_block *b);

/* Is all of inner within outer? */
bool ip_block_contains(const struct ip_block *outer, const struct ip_block *inner);

static inline bool
ip_block_equal(const struct ip_block *a, const struct ip_block *b)
{
	return a->family == b->family && a->prefix == b->prefix &&
	       memcmp(a->addr, b->addr, sizeof(a->addr)) == 0;
}

/* family 4 or 6, a prefix that fits it, no bits behind the prefix: for decoders */
bool ip_block_valid(const struct ip_block *b);

/* "192.0.2.7", "192.0.2.0/24": the prefix only if it is not the longest. Returns out. */
char *ip_block_text(const struct ip_block *b, char out[IP_BLOCK_TEXT]);

#endif
