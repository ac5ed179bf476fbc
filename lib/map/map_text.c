/* SPDX-License-Identifier: ISC */
/* lib/map/map_text.c - a parsed text table as a map. */
#include <stdlib.h>

#include "err.h"
#include "map.h"

struct text_map {
	const struct table *table;
};

static int
compare_key(const void *key, const void *entry)
{
	return bytes_compare(*(const struct bytes *)key, ((const struct table_entry *)entry)->key);
}

static int
text_get(void *self, struct arena *a, struct bytes key, struct bytes *value)
{
	const struct text_map *m = self;
	const struct table_entry *e;

	UNUSED(a);
	if (m->table->count == 0)
		return ERR_NOT_FOUND;
	e = bsearch(&key, m->table->entries, m->table->count, sizeof(*e), compare_key);
	if (e == NULL)
		return ERR_NOT_FOUND;
	*value = e->value;
	return ERR_OK;
}

static int
text_refresh(void *self)
{
	UNUSED(self);
	return 0;
}

static const struct map_driver text_driver = { text_get, text_refresh, free };

struct map
map_open_text(const struct table *table)
{
	struct text_map *m = xcalloc(1, sizeof(*m));

	m->table = table;
	return (struct map){ &text_driver, m };
}
