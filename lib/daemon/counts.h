/* SPDX-License-Identifier: ISC */
/*
 * lib/daemon/counts.h - how many of something each client has in one process: connections of its
 * address, places that its network takes; and what its share is when places get scarce.
 */
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
struct counts_key counts_key_of_network(uint64_t network); /* of ip_block_network() */

struct counts_entry;

struct counts {
	struct siphash_key secret;
	struct counts_entry *buckets[COUNTS_BUCKETS];
};

void counts_init(struct counts *c);
void counts_free(struct counts *c);

uint32_t counts_add(struct counts *c, const struct counts_key *key); /* the new count */
void counts_remove(struct counts *c, const struct counts_key *key);  /* must have been added */
uint32_t counts_of(struct counts *c, const struct counts_key *key);

/*
 * May one who has `own` of `most` places, of which `taken` are, get one more? Anybody while half of
 * them are free; then nobody more than an eighth. So one client, or a few, cannot keep all others
 * out, and need not be told of any limit while there is room.
 */
static inline bool
counts_share(uint64_t own, uint64_t taken, uint64_t most)
{
	return taken < most && (taken < most / 2 || own <= most / 8);
}

#endif
