/* SPDX-License-Identifier: ISC */
/* lib/conf/common_conf.h - options outside any section: what every daemon gets. */
#ifndef RELAIS_COMMON_CONF_H
#define RELAIS_COMMON_CONF_H

#include "conf.h"

struct common_conf {
	const char *hostname;
	struct conf_list domain;
	const char *smarthost;
	const char *mail_root, *queue, *state, *tables, *run, *log;
	const char *log_level;
	const char *mail_user, *smtp_user, *login_user, *queue_user, *directory_user, *state_user,
		*keys_user, *outbound_user, *dns_user, *verify_user, *sign_user, *dkim_user,
		*report_user, *metrics_user;
	const char *plaintext_auth;
	bool scram_sha_1, channel_binding;
	uint64_t workers;
	uint64_t watchdog;
};

extern const struct conf_section common_section;

#endif
