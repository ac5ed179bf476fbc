/* SPDX-License-Identifier: ISC */
/* tests/unit/directory/text_tables.h - tables of a test's own, from their text. */
#ifndef RELAIS_TEST_TEXT_TABLES_H
#define RELAIS_TEST_TEXT_TABLES_H

#include "tables.h"

struct text_tables {
	struct table tables[TABLE_KINDS];
	struct directory_tables t; /* its maps; the rest is the test's */
};

/* 0; -1 after printing what is wrong with a text. NULL: an empty table. */
static inline int
text_tables_open(struct text_tables *f, const char *const texts[TABLE_KINDS])
{
	for (int k = 0; k < TABLE_KINDS; k++) {
		struct table *t = &f->tables[k];

		*t = TABLE_INIT;
		table_parse(t, bytes_from_str(texts[k]));
		table_check(t, (enum table_kind)k);
		table_sort(t);
		for (size_t i = 0; i < t->nerrors; i++)
			print_error("%s:%u: %s\n", table_kind_name((enum table_kind)k),
				t->errors[i].line, t->errors[i].text);
		if (t->nerrors != 0)
			return -1;
		f->t.maps[k] = map_open_text(t);
	}
	f->t.delimiters = "+";
	f->t.default_domain = BYTES_LITERAL("example.org");
	f->t.expansion_limit = 100;
	f->t.expansion_depth = 10;
	return 0;
}

static inline void
text_tables_close(struct text_tables *f)
{
	tables_close(&f->t);
	for (int k = 0; k < TABLE_KINDS; k++)
		table_free(&f->tables[k]);
}

#endif
