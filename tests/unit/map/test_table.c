/* SPDX-License-Identifier: ISC */
/* tests/unit/map/test_table.c - the text form: entries, errors with lines, edits. */
#include "../base/cases.h"

#include "err.h"
#include "table.h"

static const struct parse_row {
	const char *label, *text;
	const char *entries; /* "line:key=value|" of each */
	const char *errors;  /* "line " of each */
} parse_rows[] = {
	{ "nothing", "", "", "" },
	{ "one", "a b\n", "1:a=b|", "" },
	{ "no line end", "a b", "1:a=b|", "" },
	{ "blanks and tabs", "a \t b  c \t\n", "1:a=b  c|", "" },
	{ "CRLF", "a b\r\nc d\r\n", "1:a=b|2:c=d|", "" },
	{ "comments and empty lines", "# x\n\n  # y\na b\n", "4:a=b|", "" },
	{ "goes on", "a b\n  c\n\td\ne f\n", "1:a=b c d|4:e=f|", "" },
	{ "comment in between", "a b\n# x\n  c\n", "1:a=b c|", "" },
	{ "goes on from nothing", "  c\na b\n", "2:a=b|", "1 " },
	{ "no value", "a\n", "1:a=|", "" },
	{ "quoted key", "\"a b\"@c d\n", "1:\"a b\"@c=d|", "" },
	{ "quote in quotes", "\"a\\\" b\"@c d\n", "1:\"a\\\" b\"@c=d|", "" },
	{ "control character", "a b\nc \x01 d\ne f\n", "1:a=b|3:e=f|", "2 " },
	{ "delete", "a \x7f\n", "", "1 " },
	{ "UTF-8", "\xc3\xbc@x y\n", "1:\xc3\xbc@x=y|", "" },
	{ "all errors at once", " a\n b\x02\nc d\n\x03\n", "3:c=d|", "1 2 4 " },
};

static void
parse_one(void **arg)
{
	const struct parse_row *t = *arg;
	struct table table = TABLE_INIT;
	struct buf entries = BUF_INIT, errors = BUF_INIT;

	table_parse(&table, bytes_from_str(t->text));
	for (size_t i = 0; i < table.count; i++)
		buf_printf(&entries, "%u:%.*s=%.*s|", table.entries[i].line,
			(int)table.entries[i].key.n, (const char *)table.entries[i].key.p,
			(int)table.entries[i].value.n, (const char *)table.entries[i].value.p);
	for (size_t i = 0; i < table.nerrors; i++)
		buf_printf(&errors, "%u ", table.errors[i].line);
	assert_string_equal(buf_str(&entries), t->entries);
	assert_string_equal(buf_str(&errors), t->errors);
	table_free(&table);
	buf_free(&entries);
	buf_free(&errors);
}

static const struct edit_row {
	const char *label, *before, *value, *after;
	int found;
} edit_rows[] = {
	/* the key is "k" */
	{ "add to nothing", "", "v", "k  v\n", 0 },
	{ "add at the end", "a b\n", "v", "a b\nk  v\n", 0 },
	{ "add behind a line without end", "a b", "v", "a b\nk  v\n", 0 },
	{ "replace in place", "# one\na b\nk old\nc d\n", "v", "# one\na b\nk  v\nc d\n", 1 },
	{ "replace what went on", "k old\n  more\n# two\n  more\nc d\n", "v", "k  v\n# two\nc d\n",
		1 },
	{ "remove", "a b\nk old\n  more\n\n# c\nc d\n", NULL, "a b\n\n# c\nc d\n", 1 },
	{ "replace between CRLF", "a b\r\nk\r\nc d\r\n", "v", "a b\r\nk  v\nc d\r\n", 1 },
	{ "remove what isn't there", "a b\n", NULL, "a b\n", 0 },
};

static bool
same_text(void *arg, struct bytes written)
{
	return bytes_is(written, arg);
}

static void
edit_one(void **arg)
{
	const struct edit_row *t = *arg;
	struct bytes value = bytes_from_str(t->value);
	char key[] = "k";
	struct buf out = BUF_INIT;
	int r = table_edit(&out, bytes_from_str(t->before), BYTES_LITERAL("k"),
		t->value == NULL ? NULL : &value, same_text, key);

	assert_int_equal(r, t->found);
	assert_string_equal(buf_str(&out), t->after);
	buf_free(&out);
}

static void
duplicates_are_named(void **arg)
{
	struct table table = TABLE_INIT;

	UNUSED(arg);
	table_parse(&table, BYTES_LITERAL("b 1\na 2\nb 3\nb 4\n"));
	table_sort(&table);
	assert_int_equal(table.nerrors, 2);
	assert_int_equal(table.errors[0].line, 3);
	assert_string_equal(table.errors[0].text, "\"b\" is in line 1 already");
	assert_true(bytes_is(table.entries[0].key, "a"));
	table_free(&table);
}

static void
sizes_are_limited(void **arg)
{
	struct table table = TABLE_INIT;
	struct buf text = BUF_INIT;

	UNUSED(arg);
	memset(buf_room(&text, TABLE_KEY_MAX + 1), 'k', TABLE_KEY_MAX + 1);
	buf_added(&text, TABLE_KEY_MAX + 1);
	buf_put_str(&text, " v\nok v\n");
	for (int i = 0; i < TABLE_VALUE_MAX; i++)
		buf_put_str(&text, " x\n");
	table_parse(&table, buf_bytes(&text));
	assert_int_equal(table.count, 1);
	assert_true(table.entries[0].value.n <= TABLE_VALUE_MAX);
	assert_true(table.nerrors > TABLE_ERRORS_MAX);
	assert_true(table.arena.used < (size_t)16 * TABLE_VALUE_MAX);
	table_free(&table);
	buf_free(&text);
}

int
main(void)
{
	const struct CMUnitTest others[] = {
		cmocka_unit_test(duplicates_are_named),
		cmocka_unit_test(sizes_are_limited),
	};
	TABLE_TESTS(parse_tests, parse_rows, parse_one);
	TABLE_TESTS(edit_tests, edit_rows, edit_one);

	return cmocka_run_group_tests_name("map/table", parse_tests, NULL, NULL) +
	       cmocka_run_group_tests_name("map/table edit", edit_tests, NULL, NULL) +
	       cmocka_run_group_tests_name("map/table limits", others, NULL, NULL);
}
