/* SPDX-License-Identifier: ISC */
/* tests/unit/tls/test_names.c - server names: cleaned, matched, and certificates chosen by them. */
#include "../base/cases.h"

#include <stdio.h>
#include <string.h>

#include "fixture.h"
#include "key_store.h"
#include "tls_name.h"

static const struct row {
	const char *label, *in, *clean, *pattern; /* NULL: refused */
} rows[] = {
	{ "plain", "mx.example.org", "mx.example.org", "mx.example.org" },
	{ "upper case", "MX.Example.ORG", "mx.example.org", "mx.example.org" },
	{ "dot at the end", "mx.example.org.", "mx.example.org", "mx.example.org" },
	{ "one label", "localhost", "localhost", "localhost" },
	{ "underscore", "_x.example.org", "_x.example.org", "_x.example.org" },
	{ "A-label", "xn--bcher-kva.example", "xn--bcher-kva.example", "xn--bcher-kva.example" },
	{ "empty", "", NULL, NULL },
	{ "only a dot", ".", NULL, NULL },
	{ "empty label", "a..b", NULL, NULL },
	{ "dot in front", ".a.b", NULL, NULL },
	{ "two dots at the end", "a.b..", NULL, NULL },
	{ "blank", "a b", NULL, NULL },
	{ "slash", "../../etc", NULL, NULL },
	{ "8 bit",
		"b\xc3\xbc"
		"cher.example",
		NULL, NULL },
	{ "label of 63", "aaaaaaaaaabbbbbbbbbbccccccccccddddddddddeeeeeeeeeeffffffffff123.org",
		"aaaaaaaaaabbbbbbbbbbccccccccccddddddddddeeeeeeeeeeffffffffff123.org",
		"aaaaaaaaaabbbbbbbbbbccccccccccddddddddddeeeeeeeeeeffffffffff123.org" },
	{ "label of 64", "aaaaaaaaaabbbbbbbbbbccccccccccddddddddddeeeeeeeeeeffffffffff1234.org",
		NULL, NULL },
	{ "wildcard", "*.example.org", NULL, "*.example.org" },
	{ "wildcard of a top domain", "*.org", NULL, NULL },
	{ "wildcard within", "a.*.org", NULL, NULL },
	{ "partial wildcard", "a*.example.org", NULL, NULL },
	{ "wildcard alone", "*", NULL, NULL },
};

static void
run_row(void **arg)
{
	const struct row *t = *arg;
	char out[TLS_NAME_SIZE];
	int n = tls_name_clean(bytes_from_str(t->in), out);

	if (t->clean == NULL)
		assert_int_equal(n, ERR_SYNTAX);
	else
		assert_string_equal(out, t->clean);
	n = tls_name_clean_pattern(bytes_from_str(t->in), out);
	if (t->pattern == NULL)
		assert_int_equal(n, ERR_SYNTAX);
	else
		assert_string_equal(out, t->pattern);
}

static void
limits(void **arg)
{
	char in[300], out[TLS_NAME_SIZE];

	for (size_t i = 0; i < sizeof(in); i++)
		in[i] = i % 2 == 0 ? 'a' : '.';
	assert_int_equal(tls_name_clean(bytes_make(in, 255), out), 255);
	assert_int_equal(tls_name_clean(bytes_make(in, 257), out), ERR_SYNTAX);
	in[0] = '*';
	assert_int_equal(tls_name_clean_pattern(bytes_make(in, 255), out), 255);
	assert_int_equal(tls_name_clean_pattern(bytes_make(in, 257), out), ERR_SYNTAX);
}

static void
matches(void **arg)
{
	assert_true(tls_name_matches("a.b", "a.b"));
	assert_true(tls_name_matches("*.b.c", "a.b.c"));
	assert_false(tls_name_matches("*.b.c", "b.c"));
	assert_false(tls_name_matches("*.b.c", "x.a.b.c"));
	assert_false(tls_name_matches("a.b", "a.c"));
	assert_false(tls_name_matches("*.b.c", "localhost"));
}

/* ---- which certificate for which name ---- */

static const struct {
	const char *type, *names;
} pairs[] = {
	{ "P-256", "DNS:one.example" },
	{ "RSA2048", "DNS:mx.example.org, DNS:example.org" },
	{ "P-256", "DNS:mx.example.org" },
	{ "P-256", "DNS:*.example.net" },
	{ "P-384", "DNS:special.example.net" },
};

static const struct choice {
	const char *name;
	int first, second; /* -1: none */
} choices[] = {
	{ "one.example", 0, -1 },
	{ "mx.example.org", 2, 1 }, /* ECDSA and RSA */
	{ "MX.EXAMPLE.ORG.", 2, 1 },
	{ "example.org", 1, -1 },
	{ "anything.example.net", 3, -1 },
	{ "special.example.net", 4, -1 }, /* the name itself before the wildcard */
	{ "two.labels.example.net", 2, 1 },
	{ "example.net", 2, 1 },
	{ "", 2, 1 }, /* the default: hostname's */
	{ "nobody.example", 2, 1 },
	{ "../../x", 2, 1 },
};

static void
chosen(void **arg)
{
	struct key_store *s = key_store_new();
	struct held *out[2];
	uint32_t set, before = 0;
	uint8_t nobody[TLS_KEY_ID_SIZE] = { 0 };

	assert_int_equal(key_store_choose(s, BYTES_NONE, out, &set), 0);
	for (size_t i = 0; i < NITEMS(pairs); i++)
		key_store_add(s, fixture_pair(pairs[i].type, pairs[i].names));
	key_store_index(s, "mx.example.org");
	for (size_t i = 0; i < NITEMS(choices); i++) {
		const struct choice *c = &choices[i];
		unsigned n = key_store_choose(s, bytes_from_str(c->name), out, &set);

		assert_int_equal(n, c->second < 0 ? 1 : 2);
		assert_ptr_equal(out[0], key_store_at(s, (size_t)c->first));
		if (n == 2)
			assert_ptr_equal(out[1], key_store_at(s, (size_t)c->second));
		if (i == 1)
			before = set;
		assert_true(i < 1 || (set == before) == (c->first == 2));
	}
	for (size_t i = 0; i < NITEMS(pairs); i++)
		assert_ptr_equal(
			key_store_key(s, key_store_at(s, i)->pair->key_id), key_store_at(s, i));
	assert_null(key_store_key(s, nobody));
	key_store_free(&s);
}

int
main(void)
{
	const struct CMUnitTest more[] = { cmocka_unit_test(limits), cmocka_unit_test(matches),
		cmocka_unit_test(chosen) };
	TABLE_TESTS(tests, rows, run_row);

	return cmocka_run_group_tests_name("tls/names", tests, NULL, NULL) +
	       cmocka_run_group_tests_name("tls/names, more", more, NULL, NULL);
}
