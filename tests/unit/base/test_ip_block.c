/* SPDX-License-Identifier: ISC */
/* tests/unit/base/test_ip_block.c - address blocks: their text, their width, who holds whom. */
#include "cases.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <string.h>

#include "err.h"
#include "ip_block.h"

static const struct row {
	const char *label, *text, *shown; /* shown NULL: refused */
} rows[] = {
	{ "IPv4", "192.0.2.7", "192.0.2.7" },
	{ "IPv4 network", "192.0.2.0/24", "192.0.2.0/24" },
	{ "bits behind the prefix go", "192.0.2.255/25", "192.0.2.128/25" },
	{ "all of IPv4", "10.0.0.1/0", "0.0.0.0/0" },
	{ "the longest prefix is not shown", "192.0.2.7/32", "192.0.2.7" },
	{ "IPv6", "2001:DB8::1", "2001:db8::1" },
	{ "IPv6 network", "2001:db8:1:2:3::/64", "2001:db8:1:2::/64" },
	{ "odd prefix", "2001:db8:ffff::/33", "2001:db8:8000::/33" },
	{ "in brackets", "[2001:db8::1]", "2001:db8::1" },
	{ "in brackets with a prefix", "[2001:db8::]/32", "2001:db8::/32" },
	{ "mapped IPv4 is IPv4", "::ffff:192.0.2.7", "192.0.2.7" },
	{ "mapped IPv4 with a prefix", "::ffff:192.0.2.7/120", "192.0.2.0/24" },
	{ "empty", "", NULL },
	{ "a name", "example.org", NULL },
	{ "too long a prefix", "192.0.2.0/33", NULL },
	{ "too long a prefix of IPv6", "2001:db8::/129", NULL },
	{ "no number", "192.0.2.0/x", NULL },
	{ "empty prefix", "192.0.2.0/", NULL },
	{ "long number", "192.0.2.0/0024", NULL },
	{ "sign", "192.0.2.0/+4", NULL },
	{ "three parts", "192.0.2", NULL },
	{ "half a bracket", "[2001:db8::1", NULL },
	{ "much too long", "1111:1111:1111:1111:1111:1111:1111:1111:1111:1111:1111:1111", NULL },
	{ "scope", "fe80::1%eth0", NULL },
};

static void
run_row(void **arg)
{
	const struct row *t = *arg;
	char text[IP_BLOCK_TEXT];
	struct ip_block b;

	assert_int_equal(ip_block_parse(bytes_from_str(t->text), &b),
		t->shown == NULL ? ERR_SYNTAX : ERR_OK);
	if (t->shown == NULL)
		return;
	assert_true(ip_block_valid(&b));
	assert_string_equal(ip_block_text(&b, text), t->shown);
}

static struct ip_block
block(const char *text)
{
	struct ip_block b;

	assert_int_equal(ip_block_parse(bytes_from_str(text), &b), ERR_OK);
	return b;
}

static void
holding(void **arg)
{
	const struct {
		const char *outer, *inner;
		bool holds;
	} cases[] = {
		{ "192.0.2.0/24", "192.0.2.7", true },
		{ "192.0.2.0/24", "192.0.3.7", false },
		{ "192.0.2.7", "192.0.2.7", true },
		{ "192.0.2.7", "192.0.2.0/24", false },
		{ "0.0.0.0/0", "203.0.113.9", true },
		{ "0.0.0.0/0", "2001:db8::1", false },
		{ "2001:db8::/32", "2001:db8:ffff::1", true },
		{ "2001:db8::/48", "2001:db8:1::1", false },
	};

	for (size_t i = 0; i < NITEMS(cases); i++) {
		struct ip_block outer = block(cases[i].outer), inner = block(cases[i].inner);

		assert_int_equal(ip_block_contains(&outer, &inner), cases[i].holds);
	}
}

static void
sockets(void **arg)
{
	struct sockaddr_storage s = { .ss_family = AF_INET6 };
	struct ip_block b;
	char text[IP_BLOCK_TEXT];

	assert_int_equal(
		inet_pton(AF_INET6, "::ffff:198.51.100.4", &((struct sockaddr_in6 *)&s)->sin6_addr),
		1);
	assert_true(ip_block_from_sockaddr(&s, &b));
	assert_string_equal(ip_block_text(&b, text), "198.51.100.4");
	s.ss_family = AF_UNIX;
	assert_false(ip_block_from_sockaddr(&s, &b));
	assert_int_equal(b.family, 0);
	assert_string_equal(ip_block_text(&b, text), "-");
}

static void
invalid(void **arg)
{
	struct ip_block b = block("192.0.2.0/24");

	b.addr[3] = 1;
	assert_false(ip_block_valid(&b));
	b = block("192.0.2.7");
	b.addr[4] = 1;
	assert_false(ip_block_valid(&b));
	b = block("192.0.2.7");
	b.prefix = 33;
	assert_false(ip_block_valid(&b));
	b.family = 5;
	assert_false(ip_block_valid(&b));
}

int
main(void)
{
	TABLE_TESTS(tests, rows, run_row);
	const struct CMUnitTest more[] = { cmocka_unit_test(holding), cmocka_unit_test(sockets),
		cmocka_unit_test(invalid) };
	int failed = cmocka_run_group_tests_name("base/ip_block", tests, NULL, NULL);

	return failed + cmocka_run_group_tests_name("base/ip_block more", more, NULL, NULL);
}
