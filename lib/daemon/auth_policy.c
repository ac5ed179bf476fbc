/* SPDX-License-Identifier: ISC */
/*
 * lib/daemon/auth_policy.c - which ways to log in all doors offer.
 *
 * Runs in:  submission, imap-login, pop3-login.
 * Trusts:   the configuration, and the kernel's word on where a client is.
 */
#include "auth_policy.h"

#include <netinet/in.h>
#include <string.h>

#include "sasl_mechanism.h"

static bool
is_loopback(const struct sockaddr_storage *a)
{
	if (a->ss_family == AF_INET)
		return ntohl(((const struct sockaddr_in *)a)->sin_addr.s_addr) >> 24 == 127;
	return a->ss_family == AF_INET6 &&
	       IN6_IS_ADDR_LOOPBACK(&((const struct sockaddr_in6 *)a)->sin6_addr);
}

bool
daemon_plaintext_auth(const struct daemon *d, const struct sockaddr_storage *client)
{
	const char *option = d->common->plaintext_auth;

	return strcmp(option, "always") == 0 ||
	       (strcmp(option, "loopback") == 0 && is_loopback(client));
}

uint32_t
daemon_sasl_mechanisms(const struct daemon *d)
{
	uint32_t set = SASL_DEFAULT;

	if (d->common->scram_sha_1)
		set |= sasl_mechanism_bit(SASL_SCRAM_SHA_1) |
		       sasl_mechanism_bit(SASL_SCRAM_SHA_1_PLUS);
	if (!d->common->channel_binding)
		set &= ~(sasl_mechanism_bit(SASL_SCRAM_SHA_1_PLUS) |
			 sasl_mechanism_bit(SASL_SCRAM_SHA_256_PLUS));
	return set;
}
