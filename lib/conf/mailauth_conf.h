/* SPDX-License-Identifier: ISC */
/* lib/conf/mailauth_conf.h - SPF, DKIM and DMARC. */
#ifndef RELAIS_MAILAUTH_CONF_H
#define RELAIS_MAILAUTH_CONF_H

#include "conf.h"

struct mailauth_conf {
	/* at the door */
	bool verify;
	const char *spf_fail, *dmarc;
	const char *authserv_id;
	struct conf_list trusted_forwarders, trusted_networks;
	bool received_spf;
	uint64_t timeout, verifiers, jobs;
	uint64_t signature_limit, content_limit;
};

extern const struct conf_section mailauth_section;

#endif
