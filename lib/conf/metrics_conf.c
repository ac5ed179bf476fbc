/* SPDX-License-Identifier: ISC */
/* lib/conf/metrics_conf.c - what is told to those who watch the suite. */
#include "metrics_conf.h"

static const struct opt_row rows[] = {
	OPT_BOOL(metrics_conf, socket, "yes",
		"counters in Prometheus' text form on the socket metrics.sock in the folder run"),
	OPT_WORD(metrics_conf, socket_mode, "0660", "0600 0660 0666",
		"who may connect to it: root only, its group too, or anybody on this machine"),
	OPT_STR(metrics_conf, socket_group, "", "group of the socket; empty: root's"),
	OPT_LIST(metrics_conf, listen, "",
		"the same by HTTP on these addresses and ports, as \"127.0.0.1:9154\": loopback "
		"only, for nobody is asked who he is"),
	OPT_BOOL(metrics_conf, listen_anywhere, "no",
		"let listen name other addresses than those of loopback"),
	OPT_UINT(metrics_conf, connection_limit, "64", 1, 1000, "connections at the same time"),
	OPT_TIME(metrics_conf, timeout, "10s", OPT_SECOND, OPT_MINUTE,
		"time for a request and its answer"),
	OPT_UINT(metrics_conf, warn_disk, "90", 1, 100,
		"percent of a file system that are in use when relais status is no longer healthy"),
	OPT_UINT(metrics_conf, warn_memory, "90", 1, 100,
		"percent of a process' memory limit from which on it is not healthy"),
	OPT_UINT(metrics_conf, warn_files, "90", 1, 100,
		"percent of a process' descriptors from which on it is not healthy"),
	OPT_TIME(metrics_conf, warn_queue_age, "6d", 0, 100 * OPT_DAY,
		"age of the oldest message from which on the queue is not healthy; 0: any is; a "
		"message waits for a host that is down as long as qmgr.queue_lifetime"),
	OPT_UINT(metrics_conf, warn_queue_messages, "0", 0, 100000000,
		"messages in the queue from which on it is not healthy; 0: any number is"),
};

const struct conf_section metrics_section = { "metrics", "Counters for those who watch",
	sizeof(struct metrics_conf), rows, NITEMS(rows) };
