/* SPDX-License-Identifier: ISC */
/*
 * lib/map/map_postgresql.h - tables in PostgreSQL: a connection, and maps that ask through it.
 *
 * A connection belongs to one thread. It is made when first needed, again after it broke, and
 * not more often than a growing pause allows; until then every look-up is ERR_IO (temporary)
 * at once. A query has a time-out, after which the connection is dropped. Keys travel as
 * parameters of prepared statements, never as part of SQL's text.
 *
 * Runs in:  directory: a thread for each connection, which may wait; never its event loop.
 */
#ifndef RELAIS_MAP_POSTGRESQL_H
#define RELAIS_MAP_POSTGRESQL_H

#include "map.h"
#include "records.h"

#define PG_PAUSE_FIRST_MS 100
#define PG_PAUSE_MAX_MS   5000

struct pg;

struct pg_options {
	const char *conninfo; /* of pg_prepare_conninfo() */
	unsigned connect_timeout_ms, query_timeout_ms;
};

/*
 * Before the jail, where files and names can still be looked up: take the administrator's
 * connection string and make one that needs neither: host names become addresses, a password
 * file (may be NULL) is read, user and sslmode are set if they were not. root: the folder that
 * becomes / (NULL: stays where it is): a UNIX socket must be below it.
 *
 * returns: the string, malloc'ed; NULL with *why set (a constant or malloc'ed text to be kept)
 */
char *pg_prepare_conninfo(
	const char *conninfo, const char *password_file, const char *root, struct buf *why);

struct pg *pg_new(const struct pg_options *options); /* all is copied; does not connect */
void pg_free(struct pg **pg);

/* The last error as one line, or empty; cleared. Borrowed until the next call with pg. */
const char *pg_take_error(struct pg *pg);
bool pg_is_connected(const struct pg *pg);

/* A table behind a query with the key as $1; what it gives: sql_rows.h. pg is borrowed, the
 * query copied. */
struct map map_open_postgresql(struct pg *pg, enum table_kind kind, const char *query);

#endif
