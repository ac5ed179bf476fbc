/* SPDX-License-Identifier: ISC */
/*
 * lib/daemon/counts.c - a hash table with a secret, so that no set of addresses makes it slow.
 *
 * Runs in:  the doors, resolver, mailauth-verify.
 * Trusts:   nothing: the keys are chosen by clients.
 */
#include "counts.h"

#include <netinet/in.h>
#include <stdlib.h>

#include "random.h"

struct counts_entry {
	struct counts_entry *next;
	struct counts_key key;
	uint32_t count;
};

struct counts_key
counts_key_of(const struct sockaddr_storage *a)
{
	struct counts_key key = { .six = a->ss_family == AF_INET6 };

	if (key.six)
		memcpy(key.octets, &((const struct sockaddr_in6 *)a)->sin6_addr, 8);
	else if (a->ss_family == AF_INET)
		memcpy(key.octets, &((const struct sockaddr_in *)a)->sin_addr, 4);
	return key;
}

struct counts_key
counts_key_of_network(uint64_t network)
{
	struct counts_key key = { .six = 0 };

	memcpy(key.octets, &network, sizeof(network));
	return key;
}

void
counts_init(struct counts *c)
{
	memset(c, 0, sizeof(*c));
	random_fill(&c->secret, sizeof(c->secret));
}

void
counts_free(struct counts *c)
{
	for (size_t i = 0; i < COUNTS_BUCKETS; i++) {
		while (c->buckets[i] != NULL) {
			struct counts_entry *e = c->buckets[i];
			c->buckets[i] = e->next;
			free(e);
		}
	}
}

/* Where the entry hangs, or would be hung. */
static struct counts_entry **
find(struct counts *c, const struct counts_key *key)
{
	uint64_t hash = siphash(&c->secret, bytes_make(key, sizeof(*key)));
	struct counts_entry **e = &c->buckets[hash % COUNTS_BUCKETS];

	while (*e != NULL && memcmp(&(*e)->key, key, sizeof(*key)) != 0)
		e = &(*e)->next;
	return e;
}

uint32_t
counts_add(struct counts *c, const struct counts_key *key)
{
	struct counts_entry **e = find(c, key);

	if (*e == NULL) {
		*e = xcalloc(1, sizeof(**e));
		(*e)->key = *key;
	}
	return ++(*e)->count;
}

void
counts_remove(struct counts *c, const struct counts_key *key)
{
	struct counts_entry **e = find(c, key);

	ASSERT(*e != NULL && (*e)->count > 0);
	if (--(*e)->count == 0) {
		struct counts_entry *gone = *e;
		*e = gone->next;
		free(gone);
	}
}

uint32_t
counts_of(struct counts *c, const struct counts_key *key)
{
	struct counts_entry **e = find(c, key);

	return *e == NULL ? 0 : (*e)->count;
}
