/* SPDX-License-Identifier: ISC */
/*
 * lib/map/table.c - the text form of tables.
 *
 * Runs in:  the operator's command (and tests, fuzzer).
 * Trusts:   nothing; the file may hold anything.
 */
#include "table.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "buf.h"
#include "err.h"

#define ERROR_TEXT_MAX 300

void
table_error(struct table *t, unsigned line, const char *format, ...)
{
	char text[ERROR_TEXT_MAX];
	va_list ap;

	if (t->nerrors < TABLE_ERRORS_MAX) {
		va_start(ap, format);
		vsnprintf(text, sizeof(text), format, ap);
		va_end(ap);
		t->errors[t->nerrors].line = line;
		t->errors[t->nerrors].text = arena_str(&t->arena, bytes_from_str(text));
	}
	t->nerrors++;
}

void
table_free(struct table *t)
{
	free(t->entries);
	arena_reset(&t->arena);
	*t = TABLE_INIT;
}

static bool
is_blank(uint8_t c)
{
	return c == ' ' || c == '\t';
}

static struct bytes
without_cr(struct bytes line)
{
	return line.n > 0 && line.p[line.n - 1] == '\r' ? bytes_head(line, line.n - 1) : line;
}

/* What a line is to the parser. */
enum line_kind {
	LINE_EMPTY, /* nothing, or a comment */
	LINE_ENTRY,
	LINE_MORE, /* goes on with the entry before */
};

static enum line_kind
line_kind(struct bytes line)
{
	struct bytes trimmed = bytes_trim(line);

	if (trimmed.n == 0 || trimmed.p[0] == '#')
		return LINE_EMPTY;
	return is_blank(line.p[0]) ? LINE_MORE : LINE_ENTRY;
}

static bool
has_control(struct bytes line)
{
	for (size_t i = 0; i < line.n; i++)
		if ((line.p[i] < 0x20 && line.p[i] != '\t') || line.p[i] == 0x7f)
			return true;
	return false;
}

/* The key, up to the first blank; *rest becomes the value. A quoted local-part may hold
 * blanks: "john doe"@example.org. */
static struct bytes
cut_key(struct bytes *rest)
{
	struct bytes line = *rest;
	bool quoted = false;
	size_t i;

	for (i = 0; i < line.n && (quoted || !is_blank(line.p[i])); i++) {
		if (line.p[i] == '"')
			quoted = !quoted;
		else if (line.p[i] == '\\' && quoted && i + 1 < line.n)
			i++;
	}
	if (i > line.n)
		i = line.n;
	*rest = bytes_trim(bytes_skip(line, i));
	return bytes_head(line, i);
}

/* NULL: it is too long, which was noted */
static struct table_entry *
add_entry(struct table *t, struct table_entry e)
{
	if (e.key.n > TABLE_KEY_MAX || e.value.n > TABLE_VALUE_MAX) {
		table_error(t, e.line, "longer than %d (key) or %d (value) octets", TABLE_KEY_MAX,
			TABLE_VALUE_MAX);
		return NULL;
	}
	if (t->count == t->cap) {
		t->cap = t->cap == 0 ? 64 : t->cap * 2;
		t->entries = xrealloc(t->entries, t->cap * sizeof(*t->entries));
	}
	t->entries[t->count] = e;
	return &t->entries[t->count++];
}

/* The entry that a continuation line goes to, and the arena's room for its growing value. */
struct open_entry {
	struct table_entry *e; /* NULL: none */
	uint8_t *room;
	size_t cap;
};

/* The text of a line that continues the open entry, joined by one blank. */
static void
continue_entry(struct table *t, struct open_entry *open, struct bytes line, unsigned number)
{
	struct bytes more = bytes_trim(line), *value = &open->e->value;
	size_t n = value->n + 1 + more.n;

	if (n > TABLE_VALUE_MAX) {
		table_error(t, number, "the value is longer than %d octets", TABLE_VALUE_MAX);
		return;
	}
	if (n > open->cap) {
		uint8_t *p = arena_alloc(&t->arena, open->cap = n * 2);

		if (value->n > 0)
			memcpy(p, value->p, value->n);
		open->room = p;
	}
	ASSERT(open->room != NULL); /* n is at least 1, cap began at 0 */
	open->room[value->n] = ' ';
	memcpy(open->room + value->n + 1, more.p, more.n);
	*value = bytes_make(open->room, n);
}

void
table_parse(struct table *t, struct bytes text)
{
	unsigned number = 0;
	struct open_entry open = { NULL, NULL, 0 };

	while (text.n > 0) {
		struct bytes line = bytes_cut(&text, '\n');
		struct table_entry e = { BYTES_NONE, line, ++number };

		e.value = line = without_cr(line);
		if (has_control(line)) {
			table_error(t, number, "control character");
			continue;
		}
		switch (line_kind(line)) {
		case LINE_EMPTY:
			break;
		case LINE_MORE:
			if (open.e == NULL)
				table_error(t, number,
					"begins with a blank, but there is no entry to go on with");
			else
				continue_entry(t, &open, line, number);
			break;
		case LINE_ENTRY:
			e.key = cut_key(&e.value);
			open = (struct open_entry){ add_entry(t, e), NULL, 0 };
			break;
		}
	}
}

static int
compare_entries(const void *a, const void *b)
{
	const struct table_entry *x = a, *y = b;
	int r = bytes_compare(x->key, y->key);

	return r != 0 ? r : (x->line > y->line) - (x->line < y->line);
}

void
table_sort(struct table *t)
{
	char key[80];

	if (t->count < 2)
		return;
	qsort(t->entries, t->count, sizeof(*t->entries), compare_entries);
	for (size_t i = 1; i < t->count; i++)
		if (bytes_equal(t->entries[i - 1].key, t->entries[i].key))
			table_error(t, t->entries[i].line, "\"%s\" is in line %u already",
				bytes_to_str(t->entries[i].key, key, sizeof(key)),
				t->entries[i - 1].line);
}

static void
put_line(struct buf *out, struct bytes key, struct bytes value)
{
	buf_put_bytes(out, key);
	buf_put_str(out, "  ");
	buf_put_bytes(out, value);
	buf_put_u8(out, '\n');
}

int
table_edit(struct buf *out, struct bytes text, struct bytes key, const struct bytes *value,
	bool (*same)(void *arg, struct bytes written), void *arg)
{
	bool dropping = false; /* inside the entry that goes */
	int found = 0;

	while (text.n > 0) {
		struct bytes line = bytes_cut(&text, '\n'), rest = without_cr(line);
		enum line_kind kind = line_kind(rest);

		if (kind == LINE_ENTRY) {
			struct bytes this_key = cut_key(&rest);

			dropping = same(arg, this_key);
			if (dropping && value != NULL && !found)
				put_line(out, this_key, *value);
			found |= dropping;
		}
		if (!dropping || kind == LINE_EMPTY) {
			buf_put_bytes(out, line);
			buf_put_u8(out, '\n');
		}
	}
	if (!found && value != NULL)
		put_line(out, key, *value);
	return found;
}
