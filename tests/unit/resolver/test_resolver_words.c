/* SPDX-License-Identifier: ISC */
/* tests/unit/resolver/test_resolver_words.c - names, forwarders and answers, without a network. */
#include "cases.h"

#include <stdlib.h>
#include <string.h>

#include "answer.h"
#include "forwarders.h"
#include "query_name.h"

/* --- names ------------------------------------------------------------------------ */

static const struct name_row {
	const char *label, *asked;
	enum dns_status status;
	const char *text;
	bool localhost;
} names[] = {
	{ "a name", "MX.Example.org.", DNS_OK, "mx.example.org", false },
	{ "the root", ".", DNS_OK, "", false },
	{ "an A-label stays", "xn--mnchen-3ya.example", DNS_OK, "xn--mnchen-3ya.example", false },
	{ "a U-label", "m\xc3\xbcnchen.example", DNS_OK, "xn--mnchen-3ya.example", false },
	{ "in capitals", "M\xc3\x9cNCHEN.Example", DNS_OK, "xn--mnchen-3ya.example", false },
	{ "taken apart", "mu\xcc\x88nchen.example", DNS_OK, "xn--mnchen-3ya.example", false },
	{ "sharp s is itself",
		"stra\xc3\x9f"
		"e.example",
		DNS_OK, "xn--strae-oqa.example", false },
	{ "with underscores", "_25._tcp.\xc3\xa9.example", DNS_OK, "_25._tcp.xn--9ca.example",
		false },
	{ "an ideographic full stop", "\xe4\xbe\x8b\xe3\x80\x82\xe4\xbe\x8b", DNS_OK,
		"xn--fsq.xn--fsq", false },
	{ "not UTF-8", "\xff.example", DNS_BAD_NAME, "", false },
	{ "no U-label", "\xe2\x80\xa4.example", DNS_BAD_NAME, "", false },
	{ "an IPv4 address", "192.0.2.1", DNS_BAD_NAME, "", false },
	{ "a literal", "[192.0.2.1]", DNS_BAD_NAME, "", false },
	{ "an IPv6 address", "2001:db8::1", DNS_BAD_NAME, "", false },
	{ "a colon in a label", "a:b/c.example.org", DNS_OK, "a:b/c.example.org", false },
	{ "a number", "1", DNS_BAD_NAME, "", false },
	{ "a number at the end", "example.123.", DNS_BAD_NAME, "", false },
	{ "numbers elsewhere", "1.2.0.192.in-addr.arpa", DNS_OK, "1.2.0.192.in-addr.arpa", false },
	{ "an empty label", "a..b", DNS_BAD_NAME, "", false },
	{ "localhost", "LocalHost.", DNS_OK, "localhost", true },
	{ "below localhost", "a.b.localhost", DNS_OK, "a.b.localhost", true },
	{ "not localhost", "notlocalhost", DNS_OK, "notlocalhost", false },
	{ "localhost below", "localhost.example", DNS_OK, "localhost.example", false },
	{ "invalid", "mail.invalid", DNS_NXDOMAIN, "mail.invalid", false },
	{ "onion", "abc.onion", DNS_NXDOMAIN, "abc.onion", false },
};

static void
run_name(void **state)
{
	const struct name_row *t = *state;
	struct query_name out;

	query_name_clean(bytes_from_str(t->asked), &out);
	assert_int_equal(out.status, t->status);
	assert_string_equal(out.text, t->text);
	assert_int_equal(out.localhost, t->localhost);
	assert_int_equal(out.status == DNS_BAD_NAME, out.why != NULL && out.text[0] == 0);
}

/* --- forwarders ------------------------------------------------------------------- */

static const struct forwarders_row {
	const char *label;
	const char *option[4]; /* up to the first NULL */
	const char *resolv_conf, *expected, *bad;
} lists[] = {
	{ "of the system", { "system" },
		"# x\nnameserver 192.0.2.53\nsearch a b\nnameserver\t2001:db8::53\n",
		"192.0.2.53@53 2001:db8::53@53 ", NULL },
	{ "no line end, blanks", { "system" }, "  nameserver   192.0.2.53  ", "192.0.2.53@53 ",
		NULL },
	{ "a comment behind", { "system" }, "nameserver 192.0.2.53 # mine", "192.0.2.53@53 ",
		NULL },
	{ "a link-local address", { "system" }, "nameserver fe80::1%eth0", "fe80::1%eth0@53 ",
		NULL },
	{ "nobody there: this host", { "system" }, "options edns0\n", "127.0.0.1@53 ", NULL },
	{ "no file: this host", { "system" }, "", "127.0.0.1@53 ", NULL },
	{ "garbage there", { "system" }, "nameserver localhost\nnameserver 192.0.2.53x",
		"127.0.0.1@53 ", "localhost" },
	{ "twice the same", { "system" }, "nameserver 192.0.2.1\nnameserver 192.0.2.1",
		"192.0.2.1@53 ", NULL },
	{ "nobody: recursion", { "none" }, "nameserver 192.0.2.53", "", NULL },
	{ "given", { "192.0.2.1", "192.0.2.2:5353" }, "nameserver 192.0.2.53",
		"192.0.2.1@53 192.0.2.2@5353 ", NULL },
	{ "given, IPv6", { "2001:db8::1", "[2001:db8::2]", "[2001:db8::3]:54" }, "",
		"2001:db8::1@53 2001:db8::2@53 2001:db8::3@54 ", NULL },
	{ "given and the system's", { "192.0.2.1", "system" }, "nameserver 192.0.2.53",
		"192.0.2.1@53 192.0.2.53@53 ", NULL },
	{ "one is wrong", { "192.0.2.1:0", "192.0.2.2" }, "", "192.0.2.2@53 ", "192.0.2.1:0" },
	{ "all are wrong: the system's", { "dns.example" }, "nameserver 192.0.2.53",
		"192.0.2.53@53 ", "dns.example" },
	{ "words behind a bracket", { "[2001:db8::1]x" }, "nameserver 192.0.2.53", "192.0.2.53@53 ",
		"[2001:db8::1]x" },
};

static void
run_forwarders(void **state)
{
	const struct forwarders_row *t = *state;
	struct conf_list option = { 0, t->option };
	struct arena a = ARENA_INIT;
	struct buf text = BUF_INIT;
	struct forwarders f;

	while (t->option[option.n] != NULL)
		option.n++;
	forwarders_of(&option, bytes_from_str(t->resolv_conf), &a, &f);
	for (size_t i = 0; i < f.n; i++)
		buf_printf(&text, "%s ", f.v[i]);
	assert_string_equal(buf_str(&text), t->expected);
	if (t->bad != NULL)
		assert_string_equal(f.bad, t->bad);
	buf_free(&text);
	arena_reset(&a);
}

static void
test_too_many_forwarders(void **state)
{
	struct arena a = ARENA_INIT;
	struct buf text = BUF_INIT;
	const char *const system[] = { "system" };
	struct forwarders f;

	UNUSED(state);
	for (int i = 1; i < 100; i++)
		buf_printf(&text, "nameserver 192.0.2.%d\n", i);
	forwarders_of(&(struct conf_list){ 1, system }, buf_bytes(&text), &a, &f);
	assert_int_equal(f.n, FORWARDERS_MAX);
	assert_true(f.cut);
	buf_free(&text);
	arena_reset(&a);
}

/* --- answers ---------------------------------------------------------------------- */

#define PACKET                                                                                     \
	"\0\7\x81\x80\0\1\0\1\0\0\0\0"                                                             \
	"\1q\0\0\1\0\1"                                                                            \
	"\xc0\x0c\0\1\0\1\0\0\0\x3c\0\4\xc0\0\2\1"

static void
test_bogus_comes_first(void **state)
{
	const struct engine_result r = { .security = ENGINE_BOGUS,
		.packet = BYTES_LITERAL(PACKET),
		.why = "signature expired" };
	struct arena a = ARENA_INIT;
	struct dns_answer out;

	UNUSED(state);
	answer_make(&r, DNS_TYPE_A, "q", &a, &out);
	assert_int_equal(out.status, DNS_BOGUS);
	assert_int_equal(out.count, 0);
	assert_false(out.secure);
	assert_true(bytes_is(out.why, "signature expired"));
	arena_reset(&a);
}

static const struct result_row {
	const char *label;
	struct engine_result in;
	enum dns_status status;
	bool secure;
} results[] = {
	{ "secure", { .security = ENGINE_SECURE, .packet = BYTES_LITERAL(PACKET) }, DNS_OK, true },
	{ "insecure", { .packet = BYTES_LITERAL(PACKET) }, DNS_OK, false },
	{ "failure", { .rcode = 2 }, DNS_SERVFAIL, false },
	{ "refused", { .rcode = 5, .security = ENGINE_SECURE }, DNS_SERVFAIL, false },
	{ "no such name, without a packet", { .rcode = 3 }, DNS_NXDOMAIN, false },
	{ "silence", { .rcode = 2, .why = "at zone . upstream server timeout" }, DNS_TIMEOUT,
		false },
	{ "no packet", { .rcode = 0 }, DNS_SERVFAIL, false },
	{ "not a packet", { .packet = BYTES_LITERAL("abc") }, DNS_SERVFAIL, false },
};

static void
run_result(void **state)
{
	const struct result_row *t = *state;
	struct arena a = ARENA_INIT;
	struct dns_answer out;

	answer_make(&t->in, DNS_TYPE_A, "q", &a, &out);
	assert_int_equal(out.status, t->status);
	assert_int_equal(out.secure, t->secure);
	assert_true(bytes_is(out.canonical, "q"));
	arena_reset(&a);
}

/* n records of TXT, each with so many octets, the last first. */
static void
many(struct buf *out, unsigned n, uint8_t octets)
{
	static const uint8_t head[] = { 0, 7, 0x81, 0x80, 0, 1 },
			     question[] = { 1, 'q', 0, 0, 16, 0, 1 };
	static const uint8_t record[] = { 0xc0, 12, 0, 16, 0, 1, 0, 0, 0, 60, 0 };

	buf_put(out, head, sizeof(head));
	buf_put_u8(out, (uint8_t)(n >> 8));
	buf_put_u8(out, (uint8_t)n);
	buf_put_u32(out, 0);
	buf_put(out, question, sizeof(question));
	while (n-- > 0) {
		buf_put(out, record, sizeof(record));
		buf_put_u8(out, octets);
		buf_put_u8(out, (uint8_t)(octets - 1));
		buf_put_u8(out, (uint8_t)n);
		memset(buf_room(out, octets), 'x', octets);
		buf_added(out, octets - 2u);
	}
}

static void
test_cut(void **state)
{
	static const struct {
		unsigned n;
		uint8_t octets;
		unsigned left;
	} rows[] = { { 64, 10, 64 }, { 65, 10, 64 }, { 200, 10, 64 }, { 70, 255, 64 },
		{ 60, 255, 60 } };

	UNUSED(state);
	for (size_t i = 0; i < NITEMS(rows); i++) {
		struct arena a = ARENA_INIT;
		struct buf packet = BUF_INIT;
		struct engine_result r = { .rcode = 0 };
		struct dns_answer out;

		many(&packet, rows[i].n, rows[i].octets);
		r.packet = buf_bytes(&packet);
		answer_make(&r, DNS_TYPE_TXT, "q", &a, &out);
		assert_int_equal(out.status, DNS_OK);
		assert_int_equal(out.total, rows[i].n);
		assert_int_equal(out.count, rows[i].left);
		assert_int_equal(out.cut, rows[i].left < rows[i].n);
		for (unsigned k = 0; k < out.count; k++)
			assert_int_equal(out.rdata[k].p[1], k);
		buf_free(&packet);
		arena_reset(&a);
	}
}

static void
test_types(void **state)
{
	static const uint16_t bad[] = { 0, 41, 128, 249, 250, 251, 252, 253, 254, 255 },
			      good[] = { 1, 15, 16, 28, 33, 52, 127, 256, 257, 65535 };

	UNUSED(state);
	for (size_t i = 0; i < NITEMS(bad); i++)
		assert_false(answer_type_is_sane(bad[i]));
	for (size_t i = 0; i < NITEMS(good); i++)
		assert_true(answer_type_is_sane(good[i]));
}

int
main(void)
{
	struct CMUnitTest tests[NITEMS(names) + NITEMS(lists) + NITEMS(results) + 4];
	size_t n = 0;

	ADD_ROWS(tests, n, names, run_name);
	ADD_ROWS(tests, n, lists, run_forwarders);
	ADD_ROWS(tests, n, results, run_result);
	tests[n++] = (struct CMUnitTest)cmocka_unit_test(test_too_many_forwarders);
	tests[n++] = (struct CMUnitTest)cmocka_unit_test(test_bogus_comes_first);
	tests[n++] = (struct CMUnitTest)cmocka_unit_test(test_cut);
	tests[n++] = (struct CMUnitTest)cmocka_unit_test(test_types);
	ASSERT(n == NITEMS(tests));
	return cmocka_run_group_tests_name("resolver/words", tests, NULL, NULL);
}
