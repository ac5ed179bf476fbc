/* SPDX-License-Identifier: ISC */
/* tests/unit/base/test_bytes.c - comparing, finding, cutting, numbers. */
#include "cases.h"

#include "bytes.h"
#include "err.h"

static const struct number {
	const char *label, *text;
	uint64_t max;
	int r;
	uint64_t value;
} numbers[] = {
	{ "zero", "0", 10, ERR_OK, 0 },
	{ "leading zeros", "0007", 10, ERR_OK, 7 },
	{ "equal to the limit", "10", 10, ERR_OK, 10 },
	{ "one over the limit", "11", 10, ERR_LIMIT, 0 },
	{ "largest", "18446744073709551615", UINT64_MAX, ERR_OK, UINT64_MAX },
	{ "one over the largest", "18446744073709551616", UINT64_MAX, ERR_LIMIT, 0 },
	{ "overflow by the factor", "99999999999999999999", UINT64_MAX, ERR_LIMIT, 0 },
	{ "very long", "100000000000000000000000000000000000", UINT64_MAX, ERR_LIMIT, 0 },
	{ "empty", "", 10, ERR_SYNTAX, 0 },
	{ "sign", "+1", 10, ERR_SYNTAX, 0 },
	{ "minus", "-1", 10, ERR_SYNTAX, 0 },
	{ "blank before", " 1", 10, ERR_SYNTAX, 0 },
	{ "blank after", "1 ", 10, ERR_SYNTAX, 0 },
	{ "hexadecimal", "0x1", 10, ERR_SYNTAX, 0 },
	{ "syntax beats size", "99999999999999999999x", 10, ERR_SYNTAX, 0 },
};

static void
run_number(void **arg)
{
	const struct number *t = *arg;
	uint64_t v = 0;

	assert_int_equal(bytes_to_u64(bytes_from_str(t->text), t->max, &v), t->r);
	assert_int_equal(v, t->value);
}

static const struct cut {
	const char *label, *in, *head, *rest;
} cuts[] = {
	{ "in the middle", "a:b:c", "a", "b:c" },
	{ "at the start", ":b", "", "b" },
	{ "at the end", "a:", "a", "" },
	{ "nowhere", "abc", "abc", "" },
	{ "empty", "", "", "" },
};

static void
run_cut(void **arg)
{
	const struct cut *t = *arg;
	struct bytes rest = bytes_from_str(t->in);

	assert_true(bytes_is(bytes_cut(&rest, ':'), t->head));
	assert_true(bytes_is(rest, t->rest));
}

static const struct trim {
	const char *label, *in, *out;
} trims[] = {
	{ "both ends", " \ta b\r\n", "a b" },
	{ "nothing to trim", "ab", "ab" },
	{ "only blanks", " \t\r\n", "" },
	{ "empty", "", "" },
};

static void
run_trim(void **arg)
{
	const struct trim *t = *arg;

	assert_true(bytes_is(bytes_trim(bytes_from_str(t->in)), t->out));
}

static const struct search {
	const char *label, *in, *what;
	size_t at;
} searches[] = {
	{ "first of two", "abcabc", "bc", 1 },
	{ "at the end", "abc", "c", 2 },
	{ "nowhere", "abc", "x", BYTES_NOT_FOUND },
	{ "longer than all", "abc", "abcd", BYTES_NOT_FOUND },
	{ "empty needle", "abc", "", 0 },
	{ "empty in empty", "", "", 0 },
	{ "in empty", "", "a", BYTES_NOT_FOUND },
};

static void
run_search(void **arg)
{
	const struct search *t = *arg;

	assert_int_equal(bytes_search(bytes_from_str(t->in), bytes_from_str(t->what)), t->at);
}

static const struct order {
	const char *label;
	struct bytes a, b;
	int sign;
	bool equal, equal_nocase;
} orders[] = {
	{ "equal", BYTES_LITERAL("ab"), BYTES_LITERAL("ab"), 0, true, true },
	{ "case", BYTES_LITERAL("AB"), BYTES_LITERAL("ab"), -1, false, true },
	{ "shorter first", BYTES_LITERAL("ab"), BYTES_LITERAL("abc"), -1, false, false },
	{ "longer last", BYTES_LITERAL("b"), BYTES_LITERAL("abc"), 1, false, false },
	{ "octets are unsigned", BYTES_LITERAL("\xff"), BYTES_LITERAL("a"), 1, false, false },
	{ "NUL counts", BYTES_LITERAL("a\0b"), BYTES_LITERAL("a\0c"), -1, false, false },
	{ "no pointer at all", { NULL, 0 }, { NULL, 0 }, 0, true, true },
	{ "only ASCII folds", BYTES_LITERAL("\xc4"), BYTES_LITERAL("\xe4"), -1, false, false },
	{ "neighbours of letters", BYTES_LITERAL("@["), BYTES_LITERAL("`{"), -1, false, false },
};

static void
run_order(void **arg)
{
	const struct order *t = *arg;
	int r = bytes_compare(t->a, t->b);

	assert_int_equal((r > 0) - (r < 0), t->sign);
	r = bytes_compare(t->b, t->a);
	assert_int_equal((r > 0) - (r < 0), -t->sign);
	assert_int_equal(bytes_equal(t->a, t->b), t->equal);
	assert_int_equal(bytes_equal_nocase(t->a, t->b), t->equal_nocase);
}

static void
finds_octets(void **arg)
{
	struct bytes b = BYTES_LITERAL("a\0b\0");

	UNUSED(arg);
	assert_int_equal(bytes_find(b, 0), 1);
	assert_int_equal(bytes_find_last(b, 0), 3);
	assert_int_equal(bytes_find(b, 'x'), BYTES_NOT_FOUND);
	assert_int_equal(bytes_find(BYTES_NONE, 0), BYTES_NOT_FOUND);
	assert_int_equal(bytes_find_last(BYTES_NONE, 0), BYTES_NOT_FOUND);
}

static void
heads_and_skips_stay_inside(void **arg)
{
	struct bytes b = BYTES_LITERAL("abc");

	UNUSED(arg);
	assert_true(bytes_is(bytes_head(b, 2), "ab"));
	assert_true(bytes_is(bytes_head(b, 9), "abc"));
	assert_true(bytes_is(bytes_skip(b, 2), "c"));
	assert_int_equal(bytes_skip(b, 9).n, 0);
	assert_int_equal(bytes_skip(BYTES_NONE, 1).n, 0);
	assert_true(bytes_starts_with(b, BYTES_LITERAL("ab")));
	assert_false(bytes_starts_with(b, BYTES_LITERAL("abcd")));
	assert_true(bytes_starts_with_nocase(b, BYTES_LITERAL("AB")));
	assert_true(bytes_starts_with(BYTES_NONE, BYTES_NONE));
}

static void
copies_are_cut_and_have_no_nul(void **arg)
{
	char out[4];

	UNUSED(arg);
	assert_string_equal(bytes_to_str(BYTES_LITERAL("abcdef"), out, sizeof(out)), "abc");
	assert_string_equal(bytes_to_str(BYTES_LITERAL("a\0b"), out, sizeof(out)), "a?b");
	assert_string_equal(bytes_to_str(BYTES_NONE, out, sizeof(out)), "");
}

int
main(void)
{
	static const struct CMUnitTest others[] = {
		cmocka_unit_test(finds_octets),
		cmocka_unit_test(heads_and_skips_stay_inside),
		cmocka_unit_test(copies_are_cut_and_have_no_nul),
	};
	TABLE_TESTS(number_tests, numbers, run_number);
	TABLE_TESTS(cut_tests, cuts, run_cut);
	TABLE_TESTS(trim_tests, trims, run_trim);
	TABLE_TESTS(search_tests, searches, run_search);
	TABLE_TESTS(order_tests, orders, run_order);

	return cmocka_run_group_tests_name("base/bytes numbers", number_tests, NULL, NULL) +
	       cmocka_run_group_tests_name("base/bytes cut", cut_tests, NULL, NULL) +
	       cmocka_run_group_tests_name("base/bytes trim", trim_tests, NULL, NULL) +
	       cmocka_run_group_tests_name("base/bytes search", search_tests, NULL, NULL) +
	       cmocka_run_group_tests_name("base/bytes order", order_tests, NULL, NULL) +
	       cmocka_run_group_tests_name("base/bytes", others, NULL, NULL);
}
