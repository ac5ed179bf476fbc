/* SPDX-License-Identifier: ISC */
/* mailauth/dmarc_library.c - libopendmarc, asked what it knows; see the header. */
#include "dmarc_library.h"

#include <stdio.h>

#include <opendmarc/dmarc.h>

#define NAME_SIZE 256

static const int statuses[DMARC_POLICIES] = {
	[DMARC_NONE] = DMARC_POLICY_NONE,
	[DMARC_QUARANTINE] = DMARC_POLICY_QUARANTINE,
	[DMARC_REJECT] = DMARC_POLICY_REJECT,
};

/* Its verdict; the record has the policy that applies as p, whatever tag it is of. */
static int
ask(DMARC_POLICY_T *p, const struct dmarc_result_row *row)
{
	char domain[NAME_SIZE], record[64], selector[] = "s";
	u_char *name = (u_char *)domain;

	bytes_to_str(row->author_domain, domain, sizeof(domain));
	snprintf(record, sizeof(record), "v=DMARC1; p=%s", dmarc_policy_name(row->published));
	if (opendmarc_policy_store_from_domain(p, name) != DMARC_PARSE_OKAY ||
		opendmarc_policy_store_spf(p, name,
			row->spf_aligned ? DMARC_POLICY_SPF_OUTCOME_PASS
					 : DMARC_POLICY_SPF_OUTCOME_FAIL,
			DMARC_POLICY_SPF_ORIGIN_MAILFROM, NULL) != DMARC_PARSE_OKAY ||
		opendmarc_policy_store_dkim(p, name, (u_char *)selector,
			row->dkim_aligned ? DMARC_POLICY_DKIM_OUTCOME_PASS
					  : DMARC_POLICY_DKIM_OUTCOME_FAIL,
			NULL) != DMARC_PARSE_OKAY ||
		opendmarc_policy_store_dmarc(p, (u_char *)record, name, NULL) != DMARC_PARSE_OKAY)
		return DMARC_POLICY_ABSENT;
	return opendmarc_get_policy_to_enforce(p);
}

bool
dmarc_library_agrees(const struct dmarc_result_row *row)
{
	char client[] = "192.0.2.1"; /* it plays no part */
	DMARC_POLICY_T *p;
	int status;

	if (row->result != DMARC_RESULT_PASS && row->result != DMARC_RESULT_FAIL)
		return true;
	p = opendmarc_policy_connect_init((u_char *)client, DMARC_POLICY_IP_TYPE_IPV4);
	if (p == NULL)
		return true;
	status = ask(p, row);
	(void)opendmarc_policy_connect_shutdown(p);
	return status ==
	       (row->result == DMARC_RESULT_PASS ? DMARC_POLICY_PASS : statuses[row->published]);
}
