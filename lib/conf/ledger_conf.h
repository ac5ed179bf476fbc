/* SPDX-License-Identifier: ISC */
/* lib/conf/ledger_conf.h - The owner of durable changing state. */
#ifndef RELAIS_LEDGER_CONF_H
#define RELAIS_LEDGER_CONF_H

#include "conf.h"

struct ledger_conf {
	uint64_t commit_interval;
	uint64_t checkpoint_interval;
	uint64_t cache_size;

	uint64_t failure_window;
	uint64_t address_failures, network_failures, login_failures;
	uint64_t delay_first, delay_max;
	uint64_t ban_time, ban_time_max, ban_memory, ban_limit;
	struct conf_list ban_exempt;
	uint64_t attempt_table_size;

	uint64_t send_messages, send_recipients, send_new_recipients;
	uint64_t send_incident_factor, send_remembered;
	struct conf_list send_exempt;

	uint64_t dmarc_rows, dmarc_rows_total;
};

extern const struct conf_section ledger_section;

#endif
