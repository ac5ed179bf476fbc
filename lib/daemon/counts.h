/* SPDX-License-Identifier: ISC */
/* lib/daemon/counts.h - how many connections each client address has, in one process of a door. */
#ifndef RELAIS_COUNTS_H
#define RELAIS_COUNTS_H

#include <sys/socket.h>

#include "siphash.h"

#define COUNTS_BUCKETS 1024

/* An IPv4 address, or the /64 of an IPv6 address: what one party usually has. */
struct counts_key {
	uint8_t octets[8];
	uint8_t six; /* 1: IPv6 */
};

struct counts_key counts_key_of(const struct sockaddr_storage *address);

struct counts_entry;

struct counts {
	struct siphash_key secret;
	struct counts_entry *buckets[COUNTS_BUCKETS];
};

void counts_init(struct counts *c);
void counts_free(struct counts *c);

uint32_t counts_add(struct counts *c, const struct counts_key *key); /* the new count */
void counts_remove(struct counts *c, const struct counts_key *key);  /* must have been added */

#endif
