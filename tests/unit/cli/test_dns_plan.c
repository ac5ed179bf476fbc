/* SPDX-License-Identifier: ISC */
/* tests/unit/cli/test_dns_plan.c - the records that a domain needs, and their forms. */
#include "../base/cases.h"

#include "dns_plan.h"

/* ---- TXT ---- */

static const struct txt_row {
	const char *label;
	size_t octets;
	size_t strings[4]; /* their lengths; 0: no more */
} txt_rows[] = {
	{ "one", 1, { 1 } },
	{ "254", 254, { 254 } },
	{ "255 is one string", 255, { 255 } },
	{ "256 are two", 256, { 255, 1 } },
	{ "510 are two", 510, { 255, 255 } },
	{ "511 are three", 511, { 255, 255, 1 } },
};

static void
run_txt(void **state)
{
	const struct txt_row *t = *state;
	struct arena a = ARENA_INIT;
	struct buf text = BUF_INIT, joined = BUF_INIT;
	struct bytes rdata, rest, string;

	for (size_t i = 0; i < t->octets; i++)
		buf_put_u8(&text, (uint8_t)('a' + i % 26));
	rdata = rest = dns_txt_make(&a, buf_bytes(&text));
	for (size_t i = 0; t->strings[i] > 0; i++) {
		assert_int_equal(dns_txt_next(&rest, &string), 1);
		assert_int_equal(string.n, t->strings[i]);
	}
	assert_int_equal(dns_txt_next(&rest, &string), 0);
	assert_int_equal(dns_txt_read(rdata, &joined), ERR_OK);
	assert_true(bytes_equal(buf_bytes(&joined), buf_bytes(&text)));
	buf_free(&text);
	buf_free(&joined);
	arena_reset(&a);
}

static void
test_empty_txt(void **state)
{
	struct arena a = ARENA_INIT;
	struct bytes rdata = dns_txt_make(&a, BYTES_NONE);

	(void)state;
	assert_int_equal(rdata.n, 1);
	assert_int_equal(rdata.p[0], 0);
	arena_reset(&a);
}

/* ---- names ---- */

static void
test_below(void **state)
{
	(void)state;
	assert_true(dns_is_below("a.example", "a.example"));
	assert_true(dns_is_below("x.a.example", "a.example"));
	assert_false(dns_is_below("xa.example", "a.example"));
	assert_false(dns_is_below("example", "a.example"));
}

/* ---- the plan ---- */

static struct ip_block
address(const char *text)
{
	struct ip_block b;

	assert_int_equal(ip_block_parse(bytes_from_str(text), &b), ERR_OK);
	return b;
}

static void
make_facts(struct dns_facts *f)
{
	static const struct dns_service services[DNS_SERVICES] = {
		{ "_submissions", 465, 0 },
		{ "_submission", 587, 10 },
		{ "_imaps", 993, 0 },
		{ "_imap", 143, 10 },
		{ "_pop3s", 0, 20 },
		{ "_pop3", 0, 30 },
	};

	*f = (struct dns_facts){ .domain = "a.example",
		.hostname = "mx.a.example",
		.n_addresses = 2,
		.addresses = { address("192.0.2.1"), address("2001:db8::1") },
		.signs = true,
		.keys_known = true,
		.report_to = "postmaster@a.example" };
	memcpy(f->services, services, sizeof(services));
}

static void
check_lines(struct buf *out, const char *const *lines, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (strstr(buf_str(out), lines[i]) == NULL)
			fail_msg("missing: %sin:\n%s", lines[i], buf_str(out));
	buf_free(out);
}

static void
test_zone(void **state)
{
	static const char *const lines[] = {
		"a.example. 3600 IN MX 10 mx.a.example.\n",
		"mx.a.example. 3600 IN A 192.0.2.1\n",
		"\n; 1.2.0.192.in-addr.arpa. 3600 IN PTR mx.a.example.\n",
		"\n; 9.2.0.192.in-addr.arpa. 3600 IN PTR mx.a.example.\n",
		"mx.a.example. 3600 IN AAAA 2001:db8::1\n",
		"\na.example. 3600 IN TXT \"v=spf1 mx ip4:192.0.2.9 ~all\"\n",
		"mx.a.example. 3600 IN TXT \"v=spf1 a ip4:192.0.2.9 -all\"\n",
		"s1._domainkey.a.example. 3600 IN TXT \"v=DKIM1; k=rsa; p=AAAA",
		"\n; s0._domainkey.a.example. 3600 IN TXT \"v=DKIM1; p=old\"\n",
		"_dmarc.a.example. 3600 IN TXT \"v=DMARC1; p=reject; rua=mailto:postmaster@a.",
		"_25._tcp.mx.a.example. 3600 IN TLSA 3 1 1 ababababababababababababababababab",
		"_submissions._tcp.a.example. 3600 IN SRV 0 1 465 mx.a.example.\n",
		"_imap._tcp.a.example. 3600 IN SRV 10 1 143 mx.a.example.\n",
		"_pop3s._tcp.a.example. 3600 IN SRV 0 0 0 .\n",
		"_mta-sts.a.example. 3600 IN TXT \"v=STSv1; id=",
		"_smtp._tls.a.example. 3600 IN TXT \"v=TLSRPTv1; rua=mailto:postmaster@a.example\"",
		";   mx: mx.a.example\n",
	};
	static struct dns_plan plan;
	static struct dns_facts f;
	struct arena a = ARENA_INIT;
	struct buf out = BUF_INIT, record = BUF_INIT;

	(void)state;
	make_facts(&f);
	f.policy = DMARC_REJECT;
	f.n_sources = 1;
	f.sources[0] = address("192.0.2.9");
	f.n_certificates = 1;
	memset(f.certificates[0].key, 0xab, 32);
	buf_put_str(&record, "v=DKIM1; k=rsa; p=");
	for (int i = 0; i < 392; i++)
		buf_put_u8(&record, 'A');
	f.n_keys = 2;
	f.keys[0] = (struct dkim_key_row){ .selector = BYTES_LITERAL("s0"),
		.state = DKIM_GONE,
		.record = BYTES_LITERAL("v=DKIM1; p=old") };
	f.keys[1] = (struct dkim_key_row){
		.selector = BYTES_LITERAL("s1"), .state = DKIM_ACTIVE, .record = buf_bytes(&record)
	};
	dns_plan_make(&a, &f, &plan);
	dns_put_zone(&out, &f, &plan);
	/* the long one in two strings */
	assert_non_null(strstr(buf_str(&out), "AAA\" \"AAA"));
	check_lines(&out, lines, NITEMS(lines));
	buf_free(&record);
	arena_reset(&a);
}

static void
test_nsupdate(void **state)
{
	static const char *const lines[] = {
		"update add a.example. 3600 IN MX 10 mx.b.example.\n",
		"\nupdate delete _dmarc.a.example. TXT\nupdate add _dmarc.a.example. 3600 IN TXT ",
		"\nupdate delete s0._domainkey.a.example. TXT\n; ",
		/* the host is in another zone: an update of its own */
		"\nsend\n; address, needed\nupdate add mx.b.example. 3600 IN A 192.0.2.1\n",
	};
	static struct dns_plan plan;
	static struct dns_facts f;
	struct arena a = ARENA_INIT;
	struct buf out = BUF_INIT;

	(void)state;
	make_facts(&f);
	f.hostname = "mx.b.example";
	f.n_keys = 1;
	f.keys[0] = (struct dkim_key_row){ .selector = BYTES_LITERAL("s0"),
		.state = DKIM_GONE,
		.record = BYTES_LITERAL("v=DKIM1; p=old") };
	dns_plan_make(&a, &f, &plan);
	dns_put_nsupdate(&out, &f, &plan);
	/* nobody's other TXT records at the domain itself go */
	assert_null(strstr(buf_str(&out), "update delete a.example."));
	assert_null(strstr(buf_str(&out), "update add s0._domainkey"));
	assert_null(strstr(buf_str(&out), "PTR"));
	check_lines(&out, lines, NITEMS(lines));
	arena_reset(&a);
}

/* The number of the policy goes with its text. */
static void
test_sts_id(void **state)
{
	static struct dns_plan one, two, other;
	static struct dns_facts f;
	struct arena a = ARENA_INIT;
	struct buf x = BUF_INIT, y = BUF_INIT, z = BUF_INIT;

	(void)state;
	make_facts(&f);
	dns_plan_make(&a, &f, &one);
	dns_plan_make(&a, &f, &two);
	f.hostname = "mx2.a.example";
	dns_plan_make(&a, &f, &other);
	dns_put_zone(&x, &f, &one);
	dns_put_zone(&y, &f, &two);
	assert_string_equal(buf_str(&x), buf_str(&y));
	dns_put_zone(&z, &f, &other);
	assert_string_not_equal(strstr(buf_str(&x), "v=STSv1"), strstr(buf_str(&z), "v=STSv1"));
	buf_free(&x);
	buf_free(&y);
	buf_free(&z);
	arena_reset(&a);
}

int
main(void)
{
	TABLE_TESTS(txts, txt_rows, run_txt);
	const struct CMUnitTest wholes[] = {
		cmocka_unit_test(test_empty_txt),
		cmocka_unit_test(test_below),
		cmocka_unit_test(test_zone),
		cmocka_unit_test(test_nsupdate),
		cmocka_unit_test(test_sts_id),
	};

	return cmocka_run_group_tests_name("dns/txt", txts, NULL, NULL) +
	       cmocka_run_group_tests_name("dns/plan", wholes, NULL, NULL);
}
