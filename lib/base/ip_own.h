/* SPDX-License-Identifier: ISC */
/* lib/base/ip_own.h - the addresses of this machine's interfaces, as far as one can see them:
 * before a jail, or outside of any. */
#ifndef RELAIS_IP_OWN_H
#define RELAIS_IP_OWN_H

#include "ip_block.h"

/* At most max. returns: how many; none if the system does not tell */
size_t ip_own_addresses(struct ip_block *out, size_t max);

#endif
