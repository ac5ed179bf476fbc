/* SPDX-License-Identifier: ISC */
/* directory/key_set.h - keys that were met before. Open addressing, in an arena; all zero is empty.
 */
#ifndef RELAIS_KEY_SET_H
#define RELAIS_KEY_SET_H

#include "arena.h"

struct key_set {
	struct bytes *slots; /* n == 0: free */
	size_t cap, n;
};

/* true: it is new. The key (not empty) is borrowed. */
bool key_set_add(struct key_set *s, struct arena *a, struct bytes key);

#endif
