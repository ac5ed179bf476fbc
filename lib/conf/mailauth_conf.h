/* SPDX-License-Identifier: ISC */
/* lib/conf/mailauth_conf.h - SPF, DKIM and DMARC. */
#ifndef RELAIS_MAILAUTH_CONF_H
#define RELAIS_MAILAUTH_CONF_H

#include "conf.h"

struct mailauth_conf {
	/* at the door */
	bool verify;
	const char *spf_fail, *dmarc, *temperror;
	const char *authserv_id;
	struct conf_list trusted_forwarders, trusted_networks;
	bool received_spf, tell_login;
	uint64_t timeout, verifiers, jobs;
	uint64_t signature_limit, rsa_bits_min, content_limit;

	/* DKIM on the way out */
	bool sign, sign_required, sign_forwards;
	uint64_t signers;
	uint64_t dkim_expire, dkim_rotate, dkim_retire, dkim_check, dkim_watch;

	/* aggregate reports of DMARC */
	bool dmarc_reports;
	uint64_t report_hour, report_size;
	const char *report_from, *report_reverse_path, *report_org, *report_contact;
};

extern const struct conf_section mailauth_section;

#endif
