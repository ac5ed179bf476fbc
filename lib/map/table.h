/* SPDX-License-Identifier: ISC */
/*
 * lib/map/table.h - a table as people write it: a key, blanks, a value; one entry a line.
 *
 *	# a comment
 *	key   value ...
 *	      which goes on in a line that begins with a blank
 *
 * Pure: text in, entries and errors out. All errors of a file are found in one pass. What keys
 * and values mean is records.h's matter.
 */
#ifndef RELAIS_TABLE_H
#define RELAIS_TABLE_H

#include "arena.h"
#include "buf.h"

#define TABLE_KEY_MAX    512
#define TABLE_VALUE_MAX  (1 << 20) /* a list of some 30,000 members */
#define TABLE_ERRORS_MAX 100       /* kept; all are counted */

struct table_entry {
	struct bytes key, value;
	unsigned line;
};

struct table_error {
	unsigned line;
	const char *text;
};

struct table {
	struct arena arena;
	struct table_entry *entries; /* in the order of the text until table_sort() */
	size_t count, cap;
	struct table_error errors[TABLE_ERRORS_MAX];
	size_t nerrors; /* may be over TABLE_ERRORS_MAX */
};

#define TABLE_INIT ((struct table){ ARENA_INIT, NULL, 0, 0, { { 0, NULL } }, 0 })

/* text is borrowed by the entries: keep it as long as the table. */
void table_parse(struct table *t, struct bytes text);
void table_free(struct table *t);

/* Note an error; for those who judge keys and values too. */
void table_error(struct table *t, unsigned line, const char *format, ...) PRINTF_LIKE(3, 4);

/* Sort by key (bytes_compare); keys that come twice are errors. */
void table_sort(struct table *t);

/* Replaces the value of, adds (value not NULL) or removes (value NULL) the entry of a key in
 * the text, keeping comments, order and every other octet; same() tells if a key as written is
 * the one meant. Puts the new text into out. returns: 1 the key was there, 0 it was not. */
int table_edit(struct buf *out, struct bytes text, struct bytes key, const struct bytes *value,
	bool (*same)(void *arg, struct bytes written), void *arg);

#endif
