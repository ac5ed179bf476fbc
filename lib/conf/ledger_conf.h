/* SPDX-License-Identifier: ISC */
/* lib/conf/ledger_conf.h - The owner of durable changing state. */
#ifndef RELAIS_LEDGER_CONF_H
#define RELAIS_LEDGER_CONF_H

#include "conf.h"

struct ledger_conf {
	uint64_t commit_interval;
	uint64_t checkpoint_interval;
	uint64_t cache_size;
};

extern const struct conf_section ledger_section;

#endif
