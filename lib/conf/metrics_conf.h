/* SPDX-License-Identifier: ISC */
/* lib/conf/metrics_conf.h - what is told to those who watch the suite. */
#ifndef RELAIS_METRICS_CONF_H
#define RELAIS_METRICS_CONF_H

#include "conf.h"

struct metrics_conf {
	bool socket;
	const char *socket_mode, *socket_group;
	struct conf_list listen;
	bool listen_anywhere;
	uint64_t connection_limit;
	uint64_t timeout;
	uint64_t warn_disk, warn_memory, warn_files; /* percent */
	uint64_t warn_queue_age, warn_queue_messages;
};

extern const struct conf_section metrics_section;

#endif
