/* SPDX-License-Identifier: ISC */
/* lib/conf/directory_conf.h - Who exists: domains, accounts, aliases, passwords. */
#ifndef RELAIS_DIRECTORY_CONF_H
#define RELAIS_DIRECTORY_CONF_H

#include "conf.h"

struct directory_conf {
	uint64_t hash_threads;
	const char *recipient_delimiter;
};

extern const struct conf_section directory_section;

#endif
