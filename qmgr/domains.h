/* SPDX-License-Identifier: ISC */
/*
 * qmgr/domains.h - each domain that a waiting message is from or to, once, with a number: what
 * the index needs to say which domains wait without reading a file. Pure.
 */
#ifndef RELAIS_QMGR_DOMAINS_H
#define RELAIS_QMGR_DOMAINS_H

#include "siphash.h"

#define DOMAINS_EMPTY   0u         /* the number of no domain (the null sender) */
#define DOMAINS_SEVERAL UINT32_MAX /* no number: more than one domain, or it is not known */
#define DOMAINS_NOBODY  (UINT32_MAX - 1)
#define DOMAIN_TEXT_MAX 255

struct domain;

struct domains { /* zeros: empty */
	struct siphash_key key;
	struct domain **by_number; /* from 1 on */
	uint32_t n, cap, live;
	uint32_t *buckets;
	uint32_t n_buckets; /* a power of two */
	uint32_t unused;    /* the first number that was given back */
};

void domains_free(struct domains *d);

/* The domain's number, kept until as many releases. Letters' case does not count. */
uint32_t domains_take(struct domains *d, struct bytes name);
void domains_keep(struct domains *d, uint32_t number); /* once more */
void domains_release(struct domains *d, uint32_t number);

/* Its number without keeping it, or DOMAINS_NOBODY. */
uint32_t domains_find(const struct domains *d, struct bytes name);
struct bytes domains_name(const struct domains *d, uint32_t number);

size_t domains_memory(const struct domains *d);

/* What stands behind the last '@'; empty if there is none. */
struct bytes address_domain(struct bytes address);

#endif
