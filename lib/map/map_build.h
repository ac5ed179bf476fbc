/* SPDX-License-Identifier: ISC */
/*
 * lib/map/map_build.h - make a compiled table: a new file, flushed, renamed over the old one,
 * the folder flushed. Readers (map.h) see the old table or the new one, never half of one;
 * after a power cut too.
 */
#ifndef RELAIS_MAP_BUILD_H
#define RELAIS_MAP_BUILD_H

#include "table.h"

/*
 * Compile a parsed, checked and sorted table without errors into path. The file belongs to the
 * group of its folder and is readable by it (0640), so that directory can read what root made.
 *
 * returns: ERR_OK; ERR_IO, ERR_NO_SPACE, ERR_DENIED...: path is as it was, nothing is left over
 */
MUST_USE int map_build(const char *path, const struct table *t);

/* Replace a text file in the same way: new file, flush, rename, flush. Owner, group and mode
 * are those of the old file; without one mode. */
MUST_USE int map_replace_file(const char *path, struct bytes text, unsigned mode);

#endif
