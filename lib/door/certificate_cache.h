/* SPDX-License-Identifier: ISC */
/*
 * lib/door/certificate_cache.h - which certificates for which server name: the last names asked.
 *
 * Names are the clients' choice: at most CERTIFICATE_CACHE_MAX are kept, the one not used for
 * longest goes. Names with the same certificates share them.
 */
#ifndef RELAIS_CERTIFICATE_CACHE_H
#define RELAIS_CERTIFICATE_CACHE_H

#include "tls_server.h"

#define CERTIFICATE_CACHE_MAX 1024

struct certificate_cache;

struct certificate_cache *certificate_cache_new(void);
void certificate_cache_free(struct certificate_cache **c);
void certificate_cache_clear(struct certificate_cache *c);
size_t certificate_cache_count(const struct certificate_cache *c);

/* Borrowed; NULL: not known. */
struct tls_certificates *certificate_cache_find(struct certificate_cache *c, struct bytes name);

/* The certificates of that number, if some name has them. Borrowed; NULL. */
struct tls_certificates *certificate_cache_set(struct certificate_cache *c, uint32_t set);

/* Takes its own reference. */
void certificate_cache_put(struct certificate_cache *c, struct bytes name, uint32_t set,
	struct tls_certificates *certificates);

#endif
