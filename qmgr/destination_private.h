/* SPDX-License-Identifier: ISC */
/* qmgr/destination_private.h - between destination.c, dest_lists.c and dest_senders.c. */
#ifndef RELAIS_QMGR_DESTINATION_PRIVATE_H
#define RELAIS_QMGR_DESTINATION_PRIVATE_H

#include "destination.h"

#define DEST_WINDOW_ONE 256 /* windows are counted in parts of one */

/* After any change: into the lists where it belongs. */
void destination_update(struct destinations *ds, struct destination *d, uint64_t now_us);

void dest_heap_remove(struct destinations *ds, struct destination *d);

/* Whose turn it is: items of one message into out, which the sender has no longer. */
void dest_turn(struct destinations *ds, struct destination *d, unsigned max, uint32_t size_max,
	struct dest_batch *out);

/* Nothing that was released is waited for any more. */
void dest_senders_want(struct destination *d);

void dest_senders_free(struct destinations *ds, struct destination *d);

#endif
