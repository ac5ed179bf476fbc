/* SPDX-License-Identifier: ISC */
/* lib/conf/pop3d_conf.h - Reading mail over POP3. */
#ifndef RELAIS_POP3D_CONF_H
#define RELAIS_POP3D_CONF_H

#include "conf.h"

struct pop3d_conf {
	struct conf_list listen, listen_tls;
	uint64_t connection_limit, client_connection_limit, login_timeout, idle_timeout;
	uint64_t sessions_per_account, session_limit;
	uint64_t failed_logins;
};

extern const struct conf_section pop3d_section;

#endif
