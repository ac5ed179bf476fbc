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
};

const struct conf_section qmgr_section = { "qmgr", "The queue manager", sizeof(struct qmgr_conf),
	rows, NITEMS(rows) };
