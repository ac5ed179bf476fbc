/* SPDX-License-Identifier: ISC */
/* lib/conf/sections.c - all sections there are, in the order in which they are shown. */
#include "common_conf.h"
#include "directory_conf.h"
#include "imapd_conf.h"
#include "ledger_conf.h"
#include "local_delivery_conf.h"
#include "mailauth_conf.h"
#include "metrics_conf.h"
#include "pop3d_conf.h"
#include "qmgr_conf.h"
#include "resolver_conf.h"
#include "smtp_client_conf.h"
#include "smtpd_conf.h"
#include "submission_conf.h"
#include "tls_conf.h"

static const struct conf_section *const sections[] = { &common_section, &smtpd_section,
	&submission_section, &qmgr_section, &smtp_client_section, &local_delivery_section,
	&mailauth_section, &imapd_section, &pop3d_section, &directory_section, &ledger_section,
	&resolver_section, &tls_section, &metrics_section };

size_t
conf_section_count(void)
{
	return NITEMS(sections);
}

const struct conf_section *
conf_section_at(size_t i)
{
	return sections[i];
}

const struct conf_section *
conf_section_named(struct bytes name)
{
	for (size_t i = 0; i < NITEMS(sections); i++)
		if (bytes_is(name, sections[i]->name))
			return sections[i];
	return NULL;
}
