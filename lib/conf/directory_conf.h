/* SPDX-License-Identifier: ISC */
/* lib/conf/directory_conf.h - Who exists: domains, accounts, aliases, passwords. */
#ifndef RELAIS_DIRECTORY_CONF_H
#define RELAIS_DIRECTORY_CONF_H

#include "conf.h"

struct directory_conf {
	const char *recipient_delimiter;
	const char *postmaster;
	uint64_t default_quota;
	uint64_t expansion_limit;
	uint64_t expansion_depth;
	bool srs;
	const char *srs_domain;
	uint64_t srs_time;
	const char *alias_file;
	struct conf_list include_owners;
	struct conf_list trusted_users;
	uint64_t include_size_limit;
	uint64_t hash_threads;
	uint64_t hash_queue_limit;
	uint64_t auth_client_limit;
	uint64_t sasl_limit;
	uint64_t scram_iterations;
	bool locked_takes_mail;
	uint64_t auth_cache_time;
	uint64_t auth_cache_size;
	const char *pam_service;
	uint64_t pam_children;
	uint64_t pam_timeout;
	bool pam_read_only;
	bool system_user_shells;
	uint64_t system_uid_first;
	uint64_t system_uid_last;
	const char *postgresql;
	const char *postgresql_password_file;
	const char *postgresql_domains;
	const char *postgresql_accounts;
	const char *postgresql_aliases;
	const char *postgresql_transport;
	const char *postgresql_sender_transport;
	const char *postgresql_tls_policy;
	uint64_t postgresql_connections;
	uint64_t postgresql_queue_limit;
	uint64_t postgresql_connect_timeout;
	uint64_t postgresql_timeout;
	uint64_t postgresql_cache_time;
	uint64_t postgresql_cache_size;
};

extern const struct conf_section directory_section;

#endif
