/* SPDX-License-Identifier: ISC */
/* lib/conf/local_delivery_conf.h - Delivery into mailboxes. */
#ifndef RELAIS_LOCAL_DELIVERY_CONF_H
#define RELAIS_LOCAL_DELIVERY_CONF_H

#include "conf.h"

struct local_delivery_conf {
	uint64_t processes;
	bool delivered_to;
};

extern const struct conf_section local_delivery_section;

#endif
