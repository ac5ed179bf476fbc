/* SPDX-License-Identifier: ISC */
/* tests/unit/cli/test_usage.c - usage texts, read; and which words are one of their forms. What is
 * said of wrong ones: tests/system/test_cli_help.py. */
#include "cases.h"

#include <stdlib.h>
#include <string.h>

#include "usage.h"

static const char text[] = "relais thing [list] [--json]        all things\n"
			   "       relais thing add|put NAME COLOUR... [--size SIZE]\n"
			   "                           [--quiet]\n"
			   "       relais thing del NAME | --all\n"
			   "       relais thing move WHICH     those\n"
			   "       relais thing paint --red --on WHAT\n"
			   "       relais thing look NAME [FROM [TO]]\n"
			   "\n"
			   "WHICH: --old DAYS, --new, or both (--yes: do not ask)\n"
			   "relais thing is no form here --never\n";

static const struct command thing = { "thing", GROUP_SUITE, 0, NULL, text, "" };

/* ---- forms ---- */

static void
forms_are_read(void **state)
{
	static const char *const expected[] = { "relais thing [list] [--json]",
		("relais thing add|put NAME COLOUR... [--size SIZE]\n                           "
		 "[--quiet]"),
		"relais thing del NAME | --all", "relais thing move WHICH",
		"relais thing paint --red --on WHAT", "relais thing look NAME [FROM [TO]]" };
	struct bytes rest = bytes_from_str(text), form;
	size_t n = 0;

	UNUSED(state);
	while (usage_next_form(&rest, &form)) {
		assert_true(n < NITEMS(expected));
		assert_true(bytes_is(form, expected[n++]));
	}
	assert_int_equal(n, NITEMS(expected));
}

static void
tokens_are_read(void **state)
{
	static const struct {
		enum usage_kind kind;
		const char *text;
		bool is_value;
	} expected[] = {
		{ USAGE_LITERAL, "relais", false },
		{ USAGE_LITERAL, "thing", false },
		{ USAGE_LITERAL, "add|put", false },
		{ USAGE_NAME, "NAME", false },
		{ USAGE_NAME, "COLOUR", false },
		{ USAGE_MORE, "...", false },
		{ USAGE_OPEN, "[", false },
		{ USAGE_OPTION, "--size", false },
		{ USAGE_NAME, "SIZE", true },
		{ USAGE_CLOSE, "]", false },
		{ USAGE_OPEN, "[", false },
		{ USAGE_OPTION, "--quiet", false },
		{ USAGE_CLOSE, "]", false },
	};
	struct bytes rest = bytes_from_str(text), form;
	struct usage_token t = { 0 };

	UNUSED(state);
	assert_true(usage_next_form(&rest, &form) && usage_next_form(&rest, &form));
	for (size_t i = 0; i < NITEMS(expected); i++) {
		assert_true(usage_next_token(&form, &t));
		assert_int_equal(t.kind, expected[i].kind);
		assert_true(bytes_is(t.text, expected[i].text));
		assert_int_equal(t.is_value, expected[i].is_value);
	}
	assert_false(usage_next_token(&form, &t));
}

/* ---- words ---- */

static const struct row {
	const char *label, *words;
	const char *becomes; /* NULL: they are wrong */
} rows[] = {
	{ "the default", "thing", "thing" },
	{ "the default, named", "thing list", "thing list" },
	{ "the default's option", "thing --json", "thing --json" },
	{ "no such verb", "thing lst", NULL },
	{ "all that must be", "thing add a red", "thing add a red" },
	{ "the other verb", "thing put a red", "thing put a red" },
	{ "any number", "thing add a red blue green", "thing add a red blue green" },
	{ "one missing", "thing add a", NULL },
	{ "all missing", "thing add", NULL },
	{ "an option with a value", "thing add a red --size 3", "thing add a red --size 3" },
	{ "an option first", "thing add --size 3 a red", "thing add --size 3 a red" },
	{ "an option's value is no word", "thing add a --size 3", NULL },
	{ "a value is missing", "thing add a red --size", NULL },
	{ "a value behind =", "thing add a red --size=3", "thing add a red --size 3" },
	{ "an empty value behind =", "thing add a red --size=", "thing add a red --size " },
	{ "an option of a further line", "thing add a red --quiet", "thing add a red --quiet" },
	{ "another form's option", "thing add a red --json", NULL },
	{ "a letter's option", "thing list -j", NULL },
	{ "a dash is a word", "thing look -", "thing look -" },
	{ "one or the other: the name", "thing del a", "thing del a" },
	{ "one or the other: the option", "thing del --all", "thing del --all" },
	{ "options that a name stands for", "thing move --old 3 --new",
		"thing move --old 3 --new" },
	{ "one in brackets", "thing move --yes", "thing move --yes" },
	{ "no value where prose goes on", "thing move --yes 3", NULL },
	{ "the name itself is no word", "thing move a", NULL },
	{ "such options are good nowhere else", "thing del --old 3", NULL },
	{ "options that must be", "thing paint --red --on a", "thing paint --red --on a" },
	{ "one of them is missing", "thing paint --red", NULL },
	{ "words that may be", "thing look a b c", "thing look a b c" },
	{ "too many", "thing look a b c d", NULL },
	{ "prose is no form", "thing is no form here --never", NULL },
};

static size_t
split(char *copy, char *argv[])
{
	size_t n = 0;

	for (char *word = copy; word != NULL; n++)
		argv[n] = strsep(&word, " ");
	return n;
}

static void
run_row(void **arg)
{
	const struct row *t = *arg;
	char copy[200], joined[200] = "", *argv[20];
	char **words;
	int count;

	snprintf(copy, sizeof(copy), "%s", t->words);
	words = usage_check(&thing, (int)split(copy, argv), argv, &count);
	assert_int_equal(words != NULL, t->becomes != NULL);
	for (int i = 0; words != NULL && i < count; i++)
		snprintf(joined + strlen(joined), sizeof(joined) - strlen(joined), "%s%s",
			i > 0 ? " " : "", words[i]);
	if (words != NULL)
		assert_string_equal(joined, t->becomes);
	usage_words_free(words);
}

int
main(void)
{
	struct CMUnitTest tests[NITEMS(rows) + 2] = {
		cmocka_unit_test(forms_are_read),
		cmocka_unit_test(tokens_are_read),
	};
	size_t n = 2;

	ADD_ROWS(tests, n, rows, run_row);
	return _cmocka_run_group_tests("usage", tests, n, NULL, NULL);
}
