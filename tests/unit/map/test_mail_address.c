/* SPDX-License-Identifier: ISC */
/* tests/unit/map/test_mail_address.c - every way to write an address is one key. */
#include "../base/cases.h"

#include "err.h"
#include "mail_address.h"

static const struct fold_row {
	const char *label, *in;
	int r;
	const char *key, *text;
} fold_rows[] = {
	{ "plain", "joe@example.org", ERR_OK, "joe@example.org", "joe@example.org" },
	{ "case", "Joe.Doe@EXAMPLE.Org", ERR_OK, "joe.doe@example.org", "Joe.Doe@EXAMPLE.Org" },
	{ "quotes without need", "\"joe\"@example.org", ERR_OK, "joe@example.org",
		"joe@example.org" },
	{ "quotes that matter", "\"joe doe\"@example.org", ERR_OK, "joe doe@example.org",
		"\"joe doe\"@example.org" },
	{ "quoted at-sign", "\"a@b\"@example.org", ERR_OK, "a@b@example.org",
		"\"a@b\"@example.org" },
	{ "postmaster alone", "Postmaster", ERR_OK, "postmaster", "Postmaster" },
	{ "other word alone", "joe", ERR_SYNTAX, NULL, NULL },
	{ "UTF-8 domain",
		"joe@b\xc3\xbc"
		"cher.example",
		ERR_OK, "joe@xn--bcher-kva.example",
		"joe@b\xc3\xbc"
		"cher.example" },
	{ "UTF-8 domain, capital",
		"joe@B\xc3\x9c"
		"CHER.example",
		ERR_OK, "joe@xn--bcher-kva.example",
		"joe@B\xc3\x9c"
		"CHER.example" },
	{ "literal", "joe@[192.0.2.1]", ERR_OK, "joe@[192.0.2.1]", "joe@[192.0.2.1]" },
	{ "IPv6 literal", "joe@[IPv6:2001:DB8::1]", ERR_OK, "joe@[ipv6:2001:db8::1]",
		"joe@[IPv6:2001:DB8::1]" },
	{ "percent hack", "a%b@example.org", ERR_OK, "a%b@example.org", "a%b@example.org" },
	{ "no local-part", "@example.org", ERR_SYNTAX, NULL, NULL },
	{ "empty quotes", "\"\"@example.org", ERR_SYNTAX, NULL, NULL },
	{ "brackets", "<joe@example.org>", ERR_SYNTAX, NULL, NULL },
	{ "blank", "joe @example.org", ERR_SYNTAX, NULL, NULL },
	{ "nothing", "", ERR_SYNTAX, NULL, NULL },
};

static void
fold_one(void **arg)
{
	const struct fold_row *t = *arg;
	struct arena a = ARENA_INIT;
	struct mail_address out;
	int r = mail_address_fold(&a, bytes_from_str(t->in), &out);

	assert_int_equal(r, t->r);
	if (r == ERR_OK) {
		assert_true(bytes_is(out.key, t->key));
		assert_true(bytes_is(out.text, t->text));
	}
	arena_reset(&a);
}

static const struct detail_row {
	const char *label, *local, *delimiters, *base, *detail;
} detail_rows[] = {
	{ "none", "joe", "+", "joe", "" },
	{ "one", "joe+lists", "+", "joe", "lists" },
	{ "first counts", "joe+a+b", "+", "joe", "a+b" },
	{ "several delimiters", "joe-a+b", "+-", "joe", "a+b" },
	{ "none before it", "+joe", "+", "+joe", "" },
	{ "empty detail", "joe+", "+", "joe", "" },
	{ "no delimiters", "joe+a", "", "joe+a", "" },
};

static void
detail_one(void **arg)
{
	const struct detail_row *t = *arg;
	struct bytes base, detail;

	mail_address_detail(bytes_from_str(t->local), t->delimiters, &base, &detail);
	assert_true(bytes_is(base, t->base));
	assert_true(bytes_is(detail, t->detail));
}

static const struct home_row {
	const char *label, *local, *domain, *home;
} home_rows[] = {
	{ "plain", "joe", "example.org", "example.org/joe" },
	{ "dots stay", "joe.doe", "example.org", "example.org/joe.doe" },
	{ "way out", "../../etc", "example.org", "example.org/%2e.%2f..%2fetc" },
	{ "dot dot", "..", "example.org", "example.org/%2e." },
	{ "slash in literal", "a", "[x/y]", "[x%2fy]/a" },
	{ "blank and percent", "a b%", "example.org", "example.org/a%20b%25" },
};

static void
home_one(void **arg)
{
	const struct home_row *t = *arg;
	struct buf b = BUF_INIT;

	mail_address_home(&b, bytes_from_str(t->local), bytes_from_str(t->domain));
	assert_string_equal(buf_str(&b), t->home);
	buf_free(&b);
}

int
main(void)
{
	TABLE_TESTS(fold_tests, fold_rows, fold_one);
	TABLE_TESTS(detail_tests, detail_rows, detail_one);
	TABLE_TESTS(home_tests, home_rows, home_one);

	return cmocka_run_group_tests_name("map/fold", fold_tests, NULL, NULL) +
	       cmocka_run_group_tests_name("map/detail", detail_tests, NULL, NULL) +
	       cmocka_run_group_tests_name("map/home", home_tests, NULL, NULL);
}
