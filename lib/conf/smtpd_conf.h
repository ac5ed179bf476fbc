/* SPDX-License-Identifier: ISC */
/* lib/conf/smtpd_conf.h - The public door: mail from other hosts, port 25. */
#ifndef RELAIS_SMTPD_CONF_H
#define RELAIS_SMTPD_CONF_H

#include "conf.h"

/* Of both SMTP doors; what a section has no row for stays zero. */
struct smtpd_conf {
	struct conf_list listen;
	struct conf_list listen_tls; /* submission only, as the two lines below */
	uint64_t header_size_limit, login_timeout, failed_logins;
	bool sendmail, hide_client;
	uint64_t message_size_limit, recipient_limit, connection_limit, client_connection_limit;
	uint64_t command_timeout, data_timeout, error_limit, hop_limit;
	uint64_t greet_delay, junk_limit, text_line_limit;
	bool strict_paths, client_names;
	uint64_t transaction_timeout;
};

extern const struct conf_section smtpd_section;

#endif
