/* SPDX-License-Identifier: ISC */
/* lib/conf/ledger_conf.c - The owner of durable changing state. */
#include "ledger_conf.h"

static const struct opt_row rows[] = {
	OPT_TIME(ledger_conf, commit_interval, "20ms", 1, 10 * OPT_SECOND,
		"time for which changes gather before they are committed together"),
	OPT_TIME(ledger_conf, checkpoint_interval, "1s", 100, OPT_MINUTE,
		"time between checkpoints of the database"),
	OPT_SIZE(ledger_conf, cache_size, "16M", OPT_MIB, 2 * OPT_GIB,
		"memory for the database's pages"),
};

const struct conf_section ledger_section = { "ledger", "The owner of durable changing state",
	sizeof(struct ledger_conf), rows, NITEMS(rows) };
