/* SPDX-License-Identifier: ISC */
/* lib/conf/qmgr_conf.c - The queue manager. */
#include "qmgr_conf.h"

static const struct opt_row rows[] = {
	OPT_SIZE(qmgr_conf, segment_size, "64M", OPT_MIB, OPT_GIB, "size of a journal segment"),
	OPT_UINT(qmgr_conf, segments, "4", 3, 1024, "journal segments kept"),
	OPT_SIZE(qmgr_conf, memory_limit, "256M", 16 * OPT_MIB, 64 * OPT_GIB,
		"content kept in memory for fresh messages"),
	OPT_TIME(qmgr_conf, minimal_backoff, "5m", OPT_SECOND, OPT_DAY,
		"shortest wait before a message is tried again"),
	OPT_TIME(qmgr_conf, maximal_backoff, "4000s", OPT_SECOND, 7 * OPT_DAY,
		"longest wait before a message is tried again"),
	OPT_TIME(qmgr_conf, queue_lifetime, "5d", 0, 100 * OPT_DAY,
		"age at which a message is given up"),
	OPT_UINT(qmgr_conf, destination_concurrency, "5", 1, 1000,
		"messages sent at once to a destination not known yet; more as it takes them"),
	OPT_UINT(qmgr_conf, destination_concurrency_max, "20", 1, 1000,
		"messages sent at once to one destination, at most"),
	OPT_UINT(qmgr_conf, destination_recipients, "50", 1, 50,
		"recipients of one message that are sent together, at most"),
	OPT_TIME(qmgr_conf, destination_retry, "1m", OPT_SECOND, OPT_DAY,
		"first wait before a destination that cannot be reached is tried again, at most "
		"minimal_backoff; then twice as long, up to maximal_backoff"),
	OPT_UINT(qmgr_conf, outbound_jobs, "1000", 10, 20000,
		"messages on their way to other hosts at once, over all destinations"),
	OPT_TIME(qmgr_conf, delay_warning, "4h", 0, 100 * OPT_DAY,
		"age at which a sender is told that a message still waits; 0: never"),
	OPT_SIZE(qmgr_conf, bounce_size_limit, "50K", 0, OPT_GIB,
		"largest message that is returned whole with a report; of others the header"),
	OPT_BOOL(qmgr_conf, bounce_to_strangers, "no",
		"tell senders who were not authenticated of failures, too: of forwarded mail that "
		"another host refuses, but also those whose names were forged"),
	OPT_STR(qmgr_conf, double_bounce_to, "",
		"address that is told of reports that cannot be delivered; empty: nobody"),
};

const struct conf_section qmgr_section = { "qmgr", "The queue manager", sizeof(struct qmgr_conf),
	rows, NITEMS(rows) };
