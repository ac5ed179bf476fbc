/* SPDX-License-Identifier: ISC */
/*
 * tests/unit/qmgr/dest_world.h - destinations with a clock of the test's own, items by number,
 * messages that are parked by id. No I/O.
 */
#ifndef RELAIS_TEST_DEST_WORLD_H
#define RELAIS_TEST_DEST_WORLD_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "destination.h"

#define SECOND UINT64_C(1000000)
#define MINUTE (60 * SECOND)
#define ITEMS  300000
#define PARKED 300000

struct test_item {
	struct dest_item item;
	uint64_t sender, message;
};

struct world {
	struct destinations ds;
	struct destination_conf conf;
	uint64_t now;
	struct test_item *items;
	unsigned n_items;
	uint32_t *parked; /* [id]: at which destination */
};

int world_setup(void **state);
int world_teardown(void **state);
/* A destination by its next hop. */
struct destination *get(struct world *w, const char *hop);
/* A new recipient of a message. */
enum dest_taken offer(struct world *w, struct destination *d, uint64_t sender, uint64_t message);
/* The next job. */
bool next(struct world *w, struct dest_batch *b);
const struct test_item *item_of(const struct dest_batch *b, unsigned i);
/* What became of it; true: its destination has died of it. */
bool result(struct world *w, const struct dest_batch *b, enum dest_outcome outcome);
/* All that may go goes; how many jobs. */
unsigned send_all(struct world *w, struct dest_batch *out, unsigned max);
/* Fill it, answer all, again and again. */
void rounds(struct world *w, struct destination *d, unsigned n, enum dest_outcome outcome);
/* What waits there, since it has died; how many. */
unsigned take_back(struct world *w, struct destination *d);
/* A message there, out of memory, and back. */
void park(struct world *w, struct destination *d, uint64_t sender, uint64_t id);
struct destination *release(struct world *w, uint64_t *id);

#define WORLD_TEST(name) cmocka_unit_test_setup_teardown(name, world_setup, world_teardown)

#endif
