/* SPDX-License-Identifier: ISC */
/* lib/conf/ledger_conf.c - The owner of durable changing state. */
#include "ledger_conf.h"

static const struct opt_row rows[] = {
	OPT_TIME(ledger_conf, checkpoint_interval, "1s", 100, OPT_MINUTE,
		"time between checkpoints of the database"),
};

const struct conf_section ledger_section = { "ledger", "The owner of durable changing state",
	sizeof(struct ledger_conf), rows, NITEMS(rows) };
