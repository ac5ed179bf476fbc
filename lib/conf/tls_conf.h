/* SPDX-License-Identifier: ISC */
/* lib/conf/tls_conf.h - TLS: certificates and how they are used. */
#ifndef RELAIS_TLS_CONF_H
#define RELAIS_TLS_CONF_H

#include "conf.h"

struct tls_conf {
	const char *certificate, *key;
	struct conf_list certificates;
	bool self_signed;
	bool only_tls13;
	uint64_t ticket_rotation;
	uint64_t warn_days;
	uint64_t check_interval;
	uint64_t signing_backlog;
};

extern const struct conf_section tls_section;

#endif
