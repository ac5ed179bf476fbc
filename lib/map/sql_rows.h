/* SPDX-License-Identifier: ISC */
/*
 * lib/map/sql_rows.h - what a database answered, as the value a compiled table would have.
 *
 * Whoever asks a map for a key gets one form of value, wherever it came from:
 *
 *	domains     one row; its columns, NULLs left out, parted by blanks
 *	accounts    one row; the first column is the password, each further one that is not
 *	            NULL becomes COLUMN=VALUE (quota, messages, state, home, ...); the column
 *	            "words" holds such words itself
 *	aliases     any number of rows; all columns are targets
 *
 *	transport, sender_transport
 *	            any number of rows; all columns are alternatives, in this order
 *	tls_policy  one row, as domains
 *
 * The value is checked like one in a text table: a row that is no good is an error, never
 * half an account. Pure. Runs in: directory.
 */
#ifndef RELAIS_SQL_ROWS_H
#define RELAIS_SQL_ROWS_H

#include "records.h"

#define SQL_COLUMNS_MAX 64

struct sql_rows {
	size_t rows, columns;
	const struct bytes *names;  /* of the columns */
	const struct bytes *fields; /* rows * columns; p == NULL: SQL's NULL */
};

/*
 * returns: ERR_OK, *value in the arena; ERR_NOT_FOUND (no row); ERR_SYNTAX, ERR_LIMIT: the
 * rows make no value of this kind, *why says so in English
 */
MUST_USE int sql_rows_value(enum table_kind kind, const struct sql_rows *rows, struct arena *a,
	struct bytes *value, const char **why);

#endif
