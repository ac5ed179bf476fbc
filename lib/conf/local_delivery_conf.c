/* SPDX-License-Identifier: ISC */
/* lib/conf/local_delivery_conf.c - Delivery into mailboxes. */
#include "local_delivery_conf.h"

static const struct opt_row rows[] = {
	OPT_UINT(local_delivery_conf, processes, "2", 1, 64, "processes that deliver"),
	OPT_BOOL(local_delivery_conf, delivered_to, "yes",
		"put a Delivered-To field in front, and refuse a message that carries it (a loop)"),
	OPT_BOOL(local_delivery_conf, detail_folder, "yes",
		"deliver user+detail into the folder named detail, if there is one"),
	OPT_BOOL(local_delivery_conf, quota_full_tempfail, "no",
		"keep mail for a full mailbox in the queue instead of returning it"),
	OPT_UINT(local_delivery_conf, quota_grace, "10", 0, 100,
		"per cent over its quota a mailbox still takes, for what was accepted before"),
	OPT_UINT(local_delivery_conf, open_folders, "256", 1, 900,
		"folders a delivering process keeps open"),
	OPT_UINT(local_delivery_conf, system_children, "16", 1, 256, "system users served at once"),
	OPT_TIME(local_delivery_conf, system_timeout, "60s", OPT_SECOND, OPT_HOUR,
		"longest time for the deliveries of one system user"),
	OPT_BOOL(local_delivery_conf, commands, "no",
		"run the commands, and write to the files, that directory.alias_file names"),
	OPT_STR(local_delivery_conf, command_user, "nobody", "user who does both; never root"),
	OPT_STR(local_delivery_conf, command_path, "/usr/local/bin:/usr/bin:/bin",
		"PATH of the commands"),
	OPT_TIME(local_delivery_conf, command_timeout, "5m", OPT_SECOND, OPT_HOUR,
		"longest time for one command"),
	OPT_UINT(local_delivery_conf, command_children, "8", 1, 256, "commands that run at once"),
};

const struct conf_section local_delivery_section = { "local_delivery", "Delivery into mailboxes",
	sizeof(struct local_delivery_conf), rows, NITEMS(rows) };
