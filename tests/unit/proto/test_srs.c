/* SPDX-License-Identifier: ISC */
/* tests/unit/proto/test_srs.c - reverse-paths of forwarded mail: there and back, and forgeries. */
#include "../base/cases.h"

#include <ctype.h>
#include <stdlib.h>

#include "srs.h"

#define TODAY 20000
#define DAYS  21

static const struct srs_secrets ours = { 2, { { 1, 2, 3 }, { 4, 5, 6 } } };
static const struct srs_secrets older = { 1, { { 4, 5, 6 } } };
static const struct srs_secrets foreign = { 1, { { 7, 8, 9 } } };

static const char *
forward(struct buf *b, const struct srs_secrets *s, const char *local, const char *domain)
{
	buf_clear(b);
	assert_true(srs_forward(b, s, bytes_from_str(local), bytes_from_str(domain), TODAY));
	return buf_str(b);
}

/* Back again; the local-part in *b. */
static enum srs_result
reverse(struct buf *b, const char *local, struct bytes *domain, uint32_t day)
{
	buf_clear(b);
	return srs_reverse(b, domain, &ours, bytes_from_str(local), day, DAYS);
}

static const struct row {
	const char *label, *local, *domain;
} rows[] = {
	{ "plain", "joe", "example.net" },
	{ "capitals stay", "Joe.Doe", "example.net" },
	{ "equals signs", "a=b=c", "example.net" },
	{ "detail", "joe+lists", "example.net" },
	{ "needs quotes", "joe doe", "example.net" },
	{ "an at sign", "joe@home", "example.net" },
	{ "UTF-8", "j\xc3\xb6rg", "xn--bcher-kva.example" },
	{ "a literal", "joe", "[192.0.2.1]" },
	{ "VERP", "list-bounces+joe=example.com", "lists.example" },
	{ "looks like SRS and is none", "srs", "example.net" },
	{ "SRS1 without the rest", "SRS1=x", "example.net" },
};

static void
there_and_back(void **arg)
{
	const struct row *t = *arg;
	struct buf made = BUF_INIT, back = BUF_INIT;
	struct bytes domain;
	const char *srs = forward(&made, &ours, t->local, t->domain);

	assert_memory_equal(srs, "SRS0=", 5);
	assert_int_equal(reverse(&back, srs, &domain, TODAY), SRS_OK);
	assert_string_equal(buf_str(&back), t->local);
	assert_true(bytes_is(domain, t->domain));
	/* with another's key it is nobody's */
	assert_int_equal(
		srs_reverse(&back, &domain, &foreign, buf_bytes(&made), TODAY, DAYS), SRS_FORGED);
	buf_free(&made);
	buf_free(&back);
}

/* Any local-part and domain that could come: what comes back is what went in. */
static void
property(void **arg)
{
	static const char letters[] = "abcXYZ019=+-_.@ !#$%&'*/?^`{|}~\"\\";
	unsigned seed = 4711;

	UNUSED(arg);
	for (int i = 0; i < 20000; i++) {
		char local[65] = "", domain[65] = "";
		struct buf made = BUF_INIT, once = BUF_INIT, back = BUF_INIT;
		uint32_t day = (uint32_t)rand_r(&seed) % 100000;
		uint32_t age = (uint32_t)rand_r(&seed) % DAYS;
		struct bytes d;
		size_t n = 1 + (size_t)rand_r(&seed) % 64;

		for (size_t k = 0; k < n; k++)
			local[k] = letters[(size_t)rand_r(&seed) % (sizeof(letters) - 1)];
		n = 1 + (size_t)rand_r(&seed) % 64;
		for (size_t k = 0; k < n; k++)
			domain[k] = letters[(size_t)rand_r(&seed) % 9];
		assert_true(srs_forward(
			&made, &ours, bytes_from_str(local), bytes_from_str(domain), day));
		/* through a second forwarder and a third, and back by the second alone */
		assert_true(srs_forward(
			&once, &foreign, buf_bytes(&made), BYTES_LITERAL("us.example"), day));
		assert_memory_equal(once.data, "SRS1", 4);
		assert_int_equal(
			srs_reverse(&back, &d, &foreign, buf_bytes(&once), day + age, DAYS),
			SRS_OK);
		assert_true(bytes_is(d, "us.example"));
		assert_true(bytes_equal(buf_bytes(&back), buf_bytes(&made)));
		buf_clear(&back);
		assert_int_equal(
			srs_reverse(&back, &d, &ours, buf_bytes(&made), day + age, DAYS), SRS_OK);
		assert_string_equal(buf_str(&back), local);
		assert_true(bytes_is(d, domain));
		buf_free(&made);
		buf_free(&once);
		buf_free(&back);
	}
}

/* The host between the first and us is left out. */
static void
three_hosts(void **arg)
{
	struct buf first = BUF_INIT, second = BUF_INIT, third = BUF_INIT, back = BUF_INIT;
	struct bytes domain;

	UNUSED(arg);
	forward(&first, &older, "joe", "example.net");
	forward(&second, &foreign, buf_str(&first), "one.example");
	forward(&third, &ours, buf_str(&second), "two.example");
	assert_memory_equal(third.data, "SRS1=", 5);
	assert_non_null(strstr(buf_str(&third), "=one.example=="));
	assert_null(strstr(buf_str(&third), "two.example"));
	assert_int_equal(reverse(&back, buf_str(&third), &domain, TODAY), SRS_OK);
	assert_true(bytes_is(domain, "one.example"));
	assert_string_equal(buf_str(&back), buf_str(&first));
	buf_free(&first);
	buf_free(&second);
	buf_free(&third);
	buf_free(&back);
}

static void
another_separator(void **arg)
{
	struct buf made = BUF_INIT, back = BUF_INIT;
	struct bytes domain;

	UNUSED(arg);
	forward(&made, &ours, "SRS0+abcd=XY=example.net=joe", "one.example");
	assert_non_null(strstr(buf_str(&made), "=one.example=+abcd"));
	assert_int_equal(reverse(&back, buf_str(&made), &domain, TODAY), SRS_OK);
	assert_string_equal(buf_str(&back), "SRS0+abcd=XY=example.net=joe");
	forward(&made, &ours, "joe", "example.net");
	made.data[4] = '-';
	assert_int_equal(reverse(&back, buf_str(&made), &domain, TODAY), SRS_OK);
	buf_free(&made);
	buf_free(&back);
}

static void
case_is_lost(void **arg)
{
	struct buf made = BUF_INIT, back = BUF_INIT;
	struct bytes domain;

	UNUSED(arg);
	forward(&made, &ours, "Joe", "Example.NET");
	for (size_t i = 0; i < made.len; i++)
		made.data[i] = (uint8_t)tolower(made.data[i]);
	assert_int_equal(reverse(&back, buf_str(&made), &domain, TODAY), SRS_OK);
	assert_string_equal(buf_str(&back), "joe");
	buf_free(&made);
	buf_free(&back);
}

static void
every_octet_counts(void **arg)
{
	struct buf made = BUF_INIT, back = BUF_INIT;
	struct bytes domain;

	UNUSED(arg);
	forward(&made, &ours, "joe", "example.net");
	for (size_t i = 5; i < made.len; i++) {
		uint8_t old = made.data[i];

		made.data[i] = old == 'x' ? 'y' : 'x';
		assert_int_not_equal(reverse(&back, buf_str(&made), &domain, TODAY), SRS_OK);
		made.data[i] = old;
	}
	/* the end of the domain is not to be moved into the local-part */
	assert_int_equal(
		reverse(&back, "SRS0=AAAAAA=XY=example=net=joe", &domain, TODAY), SRS_FORGED);
	buf_free(&made);
	buf_free(&back);
}

static void
age(void **arg)
{
	struct buf made = BUF_INIT, back = BUF_INIT;
	struct bytes domain;

	UNUSED(arg);
	forward(&made, &ours, "joe", "example.net");
	assert_int_equal(reverse(&back, buf_str(&made), &domain, TODAY - 1), SRS_OK);
	assert_int_equal(reverse(&back, buf_str(&made), &domain, TODAY + DAYS), SRS_OK);
	assert_int_equal(reverse(&back, buf_str(&made), &domain, TODAY + DAYS + 1), SRS_OLD);
	assert_int_equal(reverse(&back, buf_str(&made), &domain, TODAY - 2), SRS_OLD);
	buf_free(&made);
	buf_free(&back);
}

static void
old_secrets(void **arg)
{
	struct buf made = BUF_INIT, back = BUF_INIT;
	struct bytes domain;

	UNUSED(arg);
	forward(&made, &older, "joe", "example.net");
	assert_int_equal(reverse(&back, buf_str(&made), &domain, TODAY), SRS_OK);
	assert_string_equal(buf_str(&back), "joe");
	buf_free(&made);
	buf_free(&back);
}

static const struct none_row {
	const char *label, *local;
	enum srs_result expected;
} none_rows[] = {
	{ "nothing", "", SRS_NONE },
	{ "a name", "joe", SRS_NONE },
	{ "SRS0", "SRS0", SRS_NONE },
	{ "SRS0 with detail", "srs0+lists", SRS_NONE },
	{ "SRS2", "SRS2=AAAAAA=XY=example.net=joe", SRS_NONE },
	{ "a hash of four", "SRS0=AAAA=XY=example.net=joe", SRS_NONE },
	{ "no domain", "SRS0=AAAAAA=XY==joe", SRS_NONE },
	{ "no local-part", "SRS0=AAAAAA=XY=example.net=", SRS_NONE },
	{ "no day", "SRS0=AAAAAA=1!=example.net=joe", SRS_NONE },
	{ "an at sign in the domain", "SRS0=AAAAAA=XY=ex@mple.net=joe", SRS_NONE },
	{ "forged", "SRS0=AAAAAA=XY=example.net=joe", SRS_FORGED },
	{ "SRS1 forged", "SRS1=AAAAAA=one.example==AAAA=XY=example.net=joe", SRS_FORGED },
	{ "SRS1 without a host", "SRS1=AAAAAA===AAAA=XY=example.net=joe", SRS_NONE },
	{ "SRS1 without the rest", "SRS1=AAAAAA=one.example=", SRS_NONE },
};

static void
no_srs(void **arg)
{
	const struct none_row *t = *arg;
	struct buf back = BUF_INIT;
	struct bytes domain;

	assert_int_equal(reverse(&back, t->local, &domain, TODAY), t->expected);
	assert_int_equal(back.len, 0);
	buf_free(&back);
}

static void
too_long(void **arg)
{
	char local[SRS_LOCAL_MAX];
	struct buf b = BUF_INIT;

	UNUSED(arg);
	memset(local, 'x', sizeof(local));
	assert_false(srs_forward(
		&b, &ours, bytes_make(local, sizeof(local)), BYTES_LITERAL("example.net"), TODAY));
	assert_int_equal(b.len, 0);
}

int
main(void)
{
	struct CMUnitTest tests[NITEMS(rows) + NITEMS(none_rows) + 8];
	size_t n = 0;

	ADD_ROWS(tests, n, rows, there_and_back);
	ADD_ROWS(tests, n, none_rows, no_srs);
	tests[n++] = (struct CMUnitTest)cmocka_unit_test(property);
	tests[n++] = (struct CMUnitTest)cmocka_unit_test(three_hosts);
	tests[n++] = (struct CMUnitTest)cmocka_unit_test(another_separator);
	tests[n++] = (struct CMUnitTest)cmocka_unit_test(case_is_lost);
	tests[n++] = (struct CMUnitTest)cmocka_unit_test(every_octet_counts);
	tests[n++] = (struct CMUnitTest)cmocka_unit_test(age);
	tests[n++] = (struct CMUnitTest)cmocka_unit_test(old_secrets);
	tests[n++] = (struct CMUnitTest)cmocka_unit_test(too_long);
	return cmocka_run_group_tests_name("proto/srs", tests, NULL, NULL);
}
