/* SPDX-License-Identifier: ISC */
/*
 * lib/base/arena.h - memory that is given back all at once: one arena per session, one per
 * mail transaction.
 */
#ifndef RELAIS_ARENA_H
#define RELAIS_ARENA_H

#include "bytes.h"

struct arena_block;

struct arena {
	struct arena_block *head; /* where the next octets come from */
	size_t used;              /* octets given out, for limits and statistics */
};

#define ARENA_INIT ((struct arena){ NULL, 0 })

/* n octets, aligned for any object, not cleared; they live until arena_reset(). */
void *arena_alloc(struct arena *a, size_t n);

/* The same, zeroed. */
void *arena_zalloc(struct arena *a, size_t n);

/* Copies into the arena. The string forms end in a NUL. */
struct bytes arena_bytes(struct arena *a, struct bytes b);
char *arena_str(struct arena *a, struct bytes b);
char *arena_printf(struct arena *a, const char *format, ...) PRINTF_LIKE(2, 3);

/* Everything goes; the arena is as new. */
void arena_reset(struct arena *a);

#endif
