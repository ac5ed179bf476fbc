/* SPDX-License-Identifier: ISC */
/*
 * smtp-client/trouble.c - addresses that did not answer lately: they are tried last, so that a dead
 * MX host costs its time-out once a minute and not once a message.
 *
 * One place for each hash: a newer trouble may push out an older one, which costs nothing but time.
 *
 * Runs in:  smtp-client.
 */
#include <stdlib.h>

#include "client.h"
#include "clock.h"
#include "random.h"
#include "siphash.h"

#define SLOTS       1024
#define TROUBLED_MS 60000

struct trouble {
	struct siphash_key secret;
	struct {
		uint64_t hash, until_ms;
	} slots[SLOTS];
};

struct trouble *
trouble_new(void)
{
	struct trouble *t = xcalloc(1, sizeof(*t));

	random_fill(&t->secret, sizeof(t->secret));
	return t;
}

static uint64_t
hash_of(const struct trouble *t, const struct ip_block *address, uint16_t port)
{
	uint8_t key[sizeof(address->addr) + 2];

	memcpy(key, address->addr, sizeof(address->addr));
	set_u16(key + sizeof(address->addr), port);
	return siphash(&t->secret, bytes_make(key, sizeof(key)));
}

void
trouble_put(struct trouble *t, const struct ip_block *address, uint16_t port, bool bad)
{
	uint64_t hash = hash_of(t, address, port), i = hash % SLOTS;

	if (bad) {
		t->slots[i].hash = hash;
		t->slots[i].until_ms = clock_mono_ms() + TROUBLED_MS;
	} else if (t->slots[i].hash == hash) {
		t->slots[i].until_ms = 0;
	}
}

bool
trouble_is(const struct trouble *t, const struct ip_block *address, uint16_t port)
{
	uint64_t hash = hash_of(t, address, port), i = hash % SLOTS;

	return t->slots[i].hash == hash && clock_mono_ms() < t->slots[i].until_ms;
}
