/* SPDX-License-Identifier: ISC */
/*
 * lib/map/sql_rows.c - rows of a database as a value, see the header.
 *
 * Runs in:  directory, in the threads that ask the database.
 * Trusts:   nothing: who can write the database may be less careful than "relais map".
 */
#include "sql_rows.h"

#include "err.h"

/* No word of a value may make two: blanks and control characters have no place in one. */
static bool
is_word(struct bytes b)
{
	for (size_t i = 0; b.p != NULL && i < b.n; i++)
		if (b.p[i] <= 0x20 || b.p[i] == 0x7f)
			return false;
	return b.n > 0;
}

static bool
is_line(struct bytes b)
{
	for (size_t i = 0; b.p != NULL && i < b.n; i++)
		if (b.p[i] < 0x20 || b.p[i] == 0x7f)
			return false;
	return b.n > 0;
}

static int
one_row(const struct sql_rows *rows, bool named, struct buf *out, const char **why)
{
	bool as_is;

	*why = "more than one row";
	if (rows->rows != 1)
		return ERR_SYNTAX;
	*why = "a column is empty or has blanks";
	for (size_t i = 0; i < rows->columns; i++) {
		struct bytes field = rows->fields[i];

		if (field.p == NULL && (i > 0 || !named))
			continue;
		as_is = named && i > 0 && bytes_is(rows->names[i], "words");
		if (as_is ? !is_line(field)
			  : !is_word(field) || (named && i > 0 && !is_word(rows->names[i])))
			return ERR_SYNTAX;
		if (out->len > 0)
			buf_put_u8(out, ' ');
		if (named && i > 0 && !as_is) {
			buf_put_bytes(out, rows->names[i]);
			buf_put_u8(out, '=');
		}
		buf_put_bytes(out, field);
		if (out->len > TABLE_VALUE_MAX)
			return ERR_LIMIT;
	}
	return ERR_OK;
}

static int
all_rows(const struct sql_rows *rows, struct buf *out, const char **why)
{
	*why = "a row is empty, has control characters, or there are too many";
	for (size_t i = 0; i < rows->rows * rows->columns; i++) {
		struct bytes field = rows->fields[i];

		if (field.p == NULL)
			continue;
		if (!is_line(field))
			return ERR_SYNTAX;
		if (out->len > 0)
			buf_put_str(out, ", ");
		buf_put_bytes(out, field);
		if (out->len > TABLE_VALUE_MAX)
			return ERR_LIMIT;
	}
	return ERR_OK;
}

int
sql_rows_value(enum table_kind kind, const struct sql_rows *rows, struct arena *a,
	struct bytes *value, const char **why)
{
	struct buf out = BUF_INIT;
	int r;

	*why = "too many columns";
	if (rows->rows == 0)
		return ERR_NOT_FOUND;
	if (rows->columns == 0 || rows->columns > SQL_COLUMNS_MAX)
		return ERR_SYNTAX;
	r = kind == TABLE_ALIASES || kind == TABLE_TRANSPORT || kind == TABLE_SENDER_TRANSPORT
		    ? all_rows(rows, &out, why)
		    : one_row(rows, kind == TABLE_ACCOUNTS, &out, why);
	if (r == ERR_OK)
		r = table_value_check(kind, a, buf_bytes(&out), why);
	if (r == ERR_OK)
		*value = arena_bytes(a, buf_bytes(&out));
	buf_free(&out);
	return r;
}
