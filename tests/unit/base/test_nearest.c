/* SPDX-License-Identifier: ISC */
/* tests/unit/base/test_nearest.c - what a misspelt word may have meant. */
#include "cases.h"

#include "nearest.h"

static const char *const names[] = { "queue", "quota", "domain", "user", "status", "stop", "ban",
	"a-very-long-name-that-nobody-would-ever-type-but-which-is-longer-than-any-limit-of-ours" };

static const struct row {
	const char *label, *word, *found;
} rows[] = {
	{ "itself", "queue", "queue" },
	{ "a letter too few", "domin", "domain" },
	{ "a letter too many", "userr", "user" },
	{ "another letter", "statis", "status" },
	{ "two letters exchanged", "qeuue", "queue" },
	{ "the nearer of two", "quoa", "quota" },
	{ "too far off", "frobnicate", "" },
	{ "short words are not like everything", "xyz", "" },
	{ "nothing", "", "" },
	{ "longer than any name",
		"a-very-long-name-that-nobody-would-ever-type-but-which-is-longer-than-any-limit-"
		"of-our",
		"" },
};

static void
run_row(void **arg)
{
	const struct row *t = *arg;
	struct nearest n = nearest_to(bytes_from_str(t->word));

	for (size_t i = 0; i < NITEMS(names); i++)
		nearest_consider(&n, bytes_from_str(names[i]));
	assert_true(bytes_is(n.found, t->found));
}

int
main(void)
{
	TABLE_TESTS(tests, rows, run_row);

	return cmocka_run_group_tests(tests, NULL, NULL);
}
