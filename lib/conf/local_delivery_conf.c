/* SPDX-License-Identifier: ISC */
/* lib/conf/local_delivery_conf.c - Delivery into mailboxes. */
#include "local_delivery_conf.h"

static const struct opt_row rows[] = {
	OPT_UINT(local_delivery_conf, processes, "2", 1, 64, "processes that deliver"),
	OPT_BOOL(local_delivery_conf, delivered_to, "yes", "put a Delivered-To field in front"),
};

const struct conf_section local_delivery_section = { "local_delivery", "Delivery into mailboxes",
	sizeof(struct local_delivery_conf), rows, NITEMS(rows) };
