/* SPDX-License-Identifier: ISC */
/*
 * tests/fuzz/fuzz_sql_rows.c - rows as a database might give them: the first octet says of which
 * kind, the second how many columns; then names and fields, each ended by a NUL, a field of one
 * 0xff is SQL's NULL. What becomes a value is one that a compiled table could have.
 */
#include "err.h"
#include "sql_rows.h"

#define FIELDS_MAX 4096

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const enum table_kind kinds[] = { TABLE_DOMAINS, TABLE_ACCOUNTS, TABLE_ALIASES,
		TABLE_TRANSPORT, TABLE_TLS_POLICY };
	struct bytes fields[FIELDS_MAX], in, value;
	struct sql_rows rows = { 0 };
	struct arena a = ARENA_INIT;
	enum table_kind kind;
	const char *why;
	size_t n = 0;

	if (size < 2)
		return 0;
	kind = kinds[data[0] % NITEMS(kinds)];
	rows.columns = data[1] % (SQL_COLUMNS_MAX + 2);
	in = bytes_make(data + 2, size - 2);
	while (in.n > 0 && n < FIELDS_MAX) {
		fields[n] = bytes_cut(&in, 0);
		if (fields[n].n == 1 && fields[n].p[0] == 0xff)
			fields[n] = BYTES_NONE;
		n++;
	}
	if (n < rows.columns)
		return 0;
	rows.names = fields;
	rows.fields = fields + rows.columns;
	rows.rows = rows.columns == 0 ? 1 : (n - rows.columns) / rows.columns;
	if (sql_rows_value(kind, &rows, &a, &value, &why) == ERR_OK) {
		ASSERT(value.n > 0 && value.n <= TABLE_VALUE_MAX);
		ASSERT(table_value_check(kind, &a, value, &why) == ERR_OK);
		for (size_t i = 0; i < value.n; i++)
			ASSERT(value.p[i] >= 0x20 && value.p[i] != 0x7f);
	} else
		ASSERT(why != NULL);
	arena_reset(&a);
	return 0;
}
