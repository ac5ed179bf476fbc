/* SPDX-License-Identifier: ISC */
/* qmgr/id_ring.h - a line of queue ids, eight octets each: in at the end, out at the front. */
#ifndef RELAIS_QMGR_ID_RING_H
#define RELAIS_QMGR_ID_RING_H

#include <stdint.h>

#include "check.h"

struct ring {
	uint64_t *ids;
	size_t first, n, cap;
};

void ring_put(struct ring *r, uint64_t id);
uint64_t ring_take(struct ring *r); /* there must be one */
void ring_free(struct ring *r);     /* empty, and no memory kept */

#endif
