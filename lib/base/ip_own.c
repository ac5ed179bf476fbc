/* SPDX-License-Identifier: ISC */
/* lib/base/ip_own.c - the addresses of this machine's interfaces. */
#include "ip_own.h"

#include <ifaddrs.h>
#include <netinet/in.h>

size_t
ip_own_addresses(struct ip_block *out, size_t max)
{
	struct ifaddrs *all = NULL;
	size_t n = 0;

	if (getifaddrs(&all) != 0)
		return 0;
	for (const struct ifaddrs *a = all; a != NULL && n < max; a = a->ifa_next) {
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
