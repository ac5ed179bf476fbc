/* SPDX-License-Identifier: ISC */
/* lib/conf/qmgr_conf.h - The queue manager. */
#ifndef RELAIS_QMGR_CONF_H
#define RELAIS_QMGR_CONF_H

#include "conf.h"

struct qmgr_conf {
	uint64_t segment_size, segments;
	uint64_t memory_limit;
	uint64_t minimal_backoff, maximal_backoff, queue_lifetime;
	uint64_t destination_concurrency, destination_concurrency_max, destination_recipients;
	uint64_t destination_retry, outbound_jobs;
	uint64_t delay_warning, bounce_size_limit;
	bool bounce_to_strangers;
	const char *double_bounce_to;
};

extern const struct conf_section qmgr_section;

#endif
