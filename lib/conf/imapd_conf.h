/* SPDX-License-Identifier: ISC */
/* lib/conf/imapd_conf.h - Reading mail over IMAP. */
#ifndef RELAIS_IMAPD_CONF_H
#define RELAIS_IMAPD_CONF_H

#include "conf.h"

struct imapd_conf {
	struct conf_list listen, listen_tls;
	uint64_t connection_limit, client_connection_limit, login_timeout, idle_timeout;
	uint64_t sessions_per_account, session_limit;
	uint64_t message_size_limit;
	uint64_t failed_logins;
};

extern const struct conf_section imapd_section;

#endif
