/* SPDX-License-Identifier: ISC */
/*
 * lib/map/map.h - compiled tables: look a key up, whatever stands behind it.
 *
 * A map never changes in place: map_build.h makes a new file and renames it over the old one.
 * map_refresh() notices and opens the new one, so a reader sees one whole table or the other.
 * Not for use by several threads at once.
 *
 * Drivers: Berkeley DB btree without environment, read-only and mapped (480,000 to 850,000
 * look-ups a second and core); a parsed text table in memory (tests).
 */
#ifndef RELAIS_MAP_H
#define RELAIS_MAP_H

#include "arena.h"
#include "table.h"

struct map;

/* What a driver is: one row of functions; self is the driver's own. */
struct map_driver {
	int (*get)(void *self, struct arena *a, struct bytes key, struct bytes *value);
	int (*refresh)(void *self);
	void (*close)(void *self);
};

struct map {
	const struct map_driver *driver;
	void *self;
};

/* The file need not be there yet: until it is, map_get() gives ERR_IO. path is copied. */
struct map map_open_btree(const char *path);

/* table: parsed, checked and sorted; borrowed. */
struct map map_open_text(const struct table *table);

/* returns: ERR_OK, *value in the arena; ERR_NOT_FOUND; ERR_IO (temporary) */
static inline MUST_USE int
map_get(struct map *m, struct arena *a, struct bytes key, struct bytes *value)
{
	return m->driver->get(m->self, a, key, value);
}

/* Look whether there is a newer table: 1 it is open now, 0 none, < 0 there is but it can't be
 * read (the old one stays in use). Costs one stat(). */
static inline int
map_refresh(struct map *m)
{
	return m->driver->refresh(m->self);
}

static inline void
map_close(struct map *m)
{
	if (m->driver != NULL)
		m->driver->close(m->self);
	*m = (struct map){ NULL, NULL };
}

#endif
