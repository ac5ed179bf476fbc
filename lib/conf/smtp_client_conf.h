/* SPDX-License-Identifier: ISC */
/* lib/conf/smtp_client_conf.h - Outgoing mail. */
#ifndef RELAIS_SMTP_CLIENT_CONF_H
#define RELAIS_SMTP_CLIENT_CONF_H

#include "conf.h"

struct smtp_client_conf {
	uint64_t processes;
	uint64_t port;
	const char *helo;
	const char *source_ipv4, *source_ipv6;
	const char *tls;
	struct conf_list tls_ca;

	uint64_t address_limit, session_limit;
	uint64_t connections, idle_connections;
	uint64_t idle_timeout, reuse_time, reuse_limit;
	uint64_t hop_cache_time;

	uint64_t connect_timeout, greeting_timeout, command_timeout, data_timeout, block_timeout,
		final_timeout, job_timeout, stop_timeout;
};

extern const struct conf_section smtp_client_section;

#endif
