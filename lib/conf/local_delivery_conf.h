/* SPDX-License-Identifier: ISC */
/* lib/conf/local_delivery_conf.h - Delivery into mailboxes. */
#ifndef RELAIS_LOCAL_DELIVERY_CONF_H
#define RELAIS_LOCAL_DELIVERY_CONF_H

#include "conf.h"

struct local_delivery_conf {
	uint64_t processes;
	bool delivered_to;
	bool detail_folder;
	bool quota_full_tempfail;
	uint64_t quota_grace;
	uint64_t open_folders;
	uint64_t system_children;
	uint64_t system_timeout;
	bool commands;
	const char *command_user;
	const char *command_path;
	uint64_t command_timeout;
	uint64_t command_children;
};

extern const struct conf_section local_delivery_section;

#endif
