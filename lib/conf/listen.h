/* SPDX-License-Identifier: ISC */
/* lib/conf/listen.h - the words of the listen options: "ADDRESS:PORT", "[ADDRESS]:PORT", "*:PORT".
 */
#ifndef RELAIS_LISTEN_H
#define RELAIS_LISTEN_H

#include "conf.h"

/* The options that have such words, by name; metrics.listen, which is not for mail, is the last. */
extern const char *const listen_options[];
extern const size_t nlisten_options;

struct listen_address {
	char host[256]; /* an address without brackets, or "*" */
	char port[16];  /* a number, or a service's name */
};

/* ERR_OK; ERR_SYNTAX. Whether host is an address is not looked at. */
MUST_USE int listen_parse(struct bytes text, struct listen_address *out);

bool listen_is_loopback(const struct listen_address *a);

/* Do sockets of both stand in each other's way? */
bool listen_overlaps(const struct listen_address *a, const struct listen_address *b);

#endif
