/* SPDX-License-Identifier: ISC */
/* lib/conf/resolver_conf.h - DNS. */
#ifndef RELAIS_RESOLVER_CONF_H
#define RELAIS_RESOLVER_CONF_H

#include "conf.h"

#define RESOLVER_SYSTEM_FILE "/etc/resolv.conf" /* forwarders = system */

struct resolver_conf {
	struct conf_list forwarders;
	const char *trust_anchor;
	struct conf_list insecure_domains;
	uint64_t timeout;
	uint64_t cache_size;
	uint64_t cache_max_ttl, cache_max_negative_ttl;
	uint64_t questions, questions_per_caller;
};

extern const struct conf_section resolver_section;

#endif
