/* SPDX-License-Identifier: ISC */
/*
 * smtp-client/own.c - our own addresses, read before the jail hides them. An MX record that points
 * at one of them points at us.
 *
 * Runs in:  smtp-client, still outside its jail.
 */
#include "client.h"
#include "ip_own.h"

size_t
own_addresses(struct ip_block out[OWN_MAX])
{
	static const char *const always[] = { "127.0.0.0/8", "0.0.0.0/8", "::1", "::" };
	size_t n = 0;

	for (size_t i = 0; i < NITEMS(always); i++)
		n += ip_block_parse(bytes_from_str(always[i]), &out[n]) == ERR_OK;
	return n + ip_own_addresses(out + n, OWN_MAX - n);
}
