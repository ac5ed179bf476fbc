/* SPDX-License-Identifier: ISC */
/*
 * smtp-client/own.c - our own addresses, read before the jail hides them. An MX record that points
 * at one of them points at us.
 *
 * Runs in:  smtp-client, still outside its jail.
 */
#include <ifaddrs.h>

#include "client.h"

size_t
own_addresses(struct ip_block out[OWN_MAX])
{
	static const char *const always[] = { "127.0.0.0/8", "0.0.0.0/8", "::1", "::" };
	struct ifaddrs *all = NULL;
	size_t n = 0;

	for (size_t i = 0; i < NITEMS(always); i++)
		n += ip_block_parse(bytes_from_str(always[i]), &out[n]) == ERR_OK;
	if (getifaddrs(&all) != 0)
		return n;
	for (const struct ifaddrs *a = all; a != NULL && n < OWN_MAX; a = a->ifa_next) {
		struct sockaddr_storage addr = { 0 };

		if (a->ifa_addr == NULL)
			continue;
		if (a->ifa_addr->sa_family == AF_INET)
			memcpy(&addr, a->ifa_addr, sizeof(struct sockaddr_in));
		else if (a->ifa_addr->sa_family == AF_INET6)
			memcpy(&addr, a->ifa_addr, sizeof(struct sockaddr_in6));
		else
			continue;
		n += ip_block_from_sockaddr(&addr, &out[n]);
	}
	freeifaddrs(all);
	return n;
}
