/* SPDX-License-Identifier: ISC */
/* lib/door/certificate_cache.c - server names and their certificates, least recently used out. */
#include "certificate_cache.h"

#include <stdlib.h>
#include <sys/queue.h>

#include "random.h"
#include "siphash.h"

#define BUCKETS 512

struct entry {
	LIST_ENTRY(entry) in_bucket;
	TAILQ_ENTRY(entry) in_order;
	struct tls_certificates *certificates;
	uint32_t set;
	uint16_t name_len;
	uint8_t name[];
};

LIST_HEAD(bucket, entry);

struct certificate_cache {
	struct bucket buckets[BUCKETS];
	TAILQ_HEAD(order, entry) order; /* last used first */
	size_t count;
	struct siphash_key secret;
};

struct certificate_cache *
certificate_cache_new(void)
{
	struct certificate_cache *c = xcalloc(1, sizeof(*c));

	TAILQ_INIT(&c->order);
	random_fill(&c->secret, sizeof(c->secret));
	return c;
}

static void
entry_free(struct entry *e)
{
	tls_certificates_free(&e->certificates);
	free(e);
}

static void
drop(struct certificate_cache *c, struct entry *e)
{
	LIST_REMOVE(e, in_bucket);
	TAILQ_REMOVE(&c->order, e, in_order);
	entry_free(e);
	c->count--;
}

void
certificate_cache_clear(struct certificate_cache *c)
{
	struct entry *e, *next;

	for (e = TAILQ_FIRST(&c->order); e != NULL; e = next) {
		next = TAILQ_NEXT(e, in_order);
		entry_free(e);
	}
	TAILQ_INIT(&c->order);
	memset(c->buckets, 0, sizeof(c->buckets));
	c->count = 0;
}

void
certificate_cache_free(struct certificate_cache **cp)
{
	struct certificate_cache *c = *cp;

	*cp = NULL;
	if (c == NULL)
		return;
	certificate_cache_clear(c);
	free(c);
}

size_t
certificate_cache_count(const struct certificate_cache *c)
{
	return c->count;
}

static struct bucket *
bucket_of(struct certificate_cache *c, struct bytes name)
{
	return &c->buckets[siphash(&c->secret, name) % BUCKETS];
}

struct tls_certificates *
certificate_cache_find(struct certificate_cache *c, struct bytes name)
{
	struct entry *e;

	LIST_FOREACH (e, bucket_of(c, name), in_bucket) {
		if (!bytes_equal(bytes_make(e->name, e->name_len), name))
			continue;
		TAILQ_REMOVE(&c->order, e, in_order);
		TAILQ_INSERT_HEAD(&c->order, e, in_order);
		return e->certificates;
	}
	return NULL;
}

struct tls_certificates *
certificate_cache_set(struct certificate_cache *c, uint32_t set)
{
	struct entry *e;

	TAILQ_FOREACH (e, &c->order, in_order) {
		if (e->set == set)
			return e->certificates;
	}
	return NULL;
}

void
certificate_cache_put(struct certificate_cache *c, struct bytes name, uint32_t set,
	struct tls_certificates *certificates)
{
	struct entry *e;

	if (name.n > TLS_NAME_MAX || certificate_cache_find(c, name) != NULL)
		return;
	if (c->count == CERTIFICATE_CACHE_MAX)
		drop(c, TAILQ_LAST(&c->order, order));
	e = xcalloc(1, sizeof(*e) + name.n);
	e->certificates = tls_certificates_ref(certificates);
	e->set = set;
	e->name_len = (uint16_t)name.n;
	if (name.n > 0)
		memcpy(e->name, name.p, name.n);
	LIST_INSERT_HEAD(bucket_of(c, name), e, in_bucket);
	TAILQ_INSERT_HEAD(&c->order, e, in_order);
	c->count++;
}
