/* SPDX-License-Identifier: ISC */
/* tests/unit/proto/test_spf_record.c - records and macros of SPF; the Received-SPF field. */
#include "cases.h"
#include "received_spf.h"
#include "spf_macro.h"
#include "spf_record.h"

/* ---- the grammar, RFC 7208 sec. 12 ---- */

static const struct record {
	const char *label, *text;
	int r;
	unsigned directives;
} records[] = {
	{ "nothing but the version", "v=spf1", ERR_OK, 0 },
	{ "blanks", "v=spf1   a  -all  ", ERR_OK, 2 },
	{ "names in any case", "V=SPF1 A Mx pTr INCLUDE:x.org -ALL", ERR_OK, 5 },
	{ "each qualifier", "v=spf1 +a -a ~a ?a", ERR_OK, 4 },
	{ "two qualifiers", "v=spf1 --all", ERR_SYNTAX, 0 },
	{ "only a qualifier", "v=spf1 -", ERR_SYNTAX, 0 },
	{ "unknown mechanism", "v=spf1 moo", ERR_SYNTAX, 0 },
	{ "error behind all", "v=spf1 -all moo", ERR_SYNTAX, 0 },
	{ "all with an argument", "v=spf1 -all:x.org", ERR_SYNTAX, 0 },
	{ "all with a prefix", "v=spf1 -all/8", ERR_SYNTAX, 0 },
	{ "include without domain", "v=spf1 include", ERR_SYNTAX, 0 },
	{ "include with an empty one", "v=spf1 include:", ERR_SYNTAX, 0 },
	{ "include with a prefix", "v=spf1 include:x.org/24", ERR_SYNTAX, 0 },
	{ "exists with a prefix", "v=spf1 exists:x.org/24", ERR_SYNTAX, 0 },
	{ "ptr with a prefix", "v=spf1 ptr:x.org/24", ERR_SYNTAX, 0 },
	{ "ptr with an empty domain", "v=spf1 ptr:", ERR_SYNTAX, 0 },
	{ "a with prefixes", "v=spf1 a/24 a//64 a/24//64 a:x.org/0//0", ERR_OK, 4 },
	{ "a with the second first", "v=spf1 a//64/24", ERR_SYNTAX, 0 },
	{ "a with a leading zero", "v=spf1 a/024", ERR_SYNTAX, 0 },
	{ "a with 33", "v=spf1 a/33", ERR_SYNTAX, 0 },
	{ "a with 129", "v=spf1 a//129", ERR_SYNTAX, 0 },
	{ "a with 2^64 and 8", "v=spf1 a/18446744073709551624", ERR_SYNTAX, 0 },
	{ "a with an empty prefix", "v=spf1 a:x.org/", ERR_SYNTAX, 0 },
	{ "a with an empty domain", "v=spf1 a:/24", ERR_SYNTAX, 0 },
	{ "a with a port", "v=spf1 a:x.org:8080", ERR_SYNTAX, 0 },
	{ "a of an address", "v=spf1 a:192.0.2.1", ERR_SYNTAX, 0 },
	{ "a of one label", "v=spf1 a:localhost", ERR_SYNTAX, 0 },
	{ "dot at the end", "v=spf1 a:x.org.", ERR_OK, 1 },
	{ "two of them", "v=spf1 a:x.org..", ERR_SYNTAX, 0 },
	{ "top label of digits and hyphens", "v=spf1 a:x.1-2 a:x.a1", ERR_OK, 2 },
	{ "that ends in a hyphen", "v=spf1 a:x.a-", ERR_SYNTAX, 0 },
	{ "a macro at the end", "v=spf1 exists:x.%{d} exists:%{i}", ERR_OK, 2 },
	{ "an escape at the end", "v=spf1 exists:x%_ exists:x%% exists:x%-", ERR_OK, 3 },
	{ "text behind a macro", "v=spf1 exists:%{d}x", ERR_SYNTAX, 0 },
	{ "a slash in a macro", "v=spf1 a:%{l/}/24", ERR_OK, 1 },
	{ "macros for texts only", "v=spf1 exists:%{c}.x.org", ERR_SYNTAX, 0 },
	{ "an unknown macro", "v=spf1 exists:%{q}.x.org", ERR_SYNTAX, 0 },
	{ "a macro that does not end", "v=spf1 exists:%{d.x.org", ERR_SYNTAX, 0 },
	{ "no parts", "v=spf1 exists:%{d0}", ERR_SYNTAX, 0 },
	{ "many parts", "v=spf1 exists:%{d99999999999999999999r}", ERR_OK, 1 },
	{ "unknown delimiter", "v=spf1 exists:%{d;}", ERR_SYNTAX, 0 },
	{ "reversed twice", "v=spf1 exists:%{drr}", ERR_SYNTAX, 0 },
	{ "lonely percent sign", "v=spf1 exists:%x.org", ERR_SYNTAX, 0 },
	{ "IPv4", "v=spf1 ip4:192.0.2.1 ip4:192.0.2.0/24 ip4:0.0.0.0/0", ERR_OK, 3 },
	{ "three numbers", "v=spf1 ip4:192.0.2/24", ERR_SYNTAX, 0 },
	{ "a number too large", "v=spf1 ip4:192.0.2.256", ERR_SYNTAX, 0 },
	{ "a number with a zero", "v=spf1 ip4:192.0.02.1", ERR_SYNTAX, 0 },
	{ "IPv4 with two prefixes", "v=spf1 ip4:192.0.2.0/24//64", ERR_SYNTAX, 0 },
	{ "IPv4 without any", "v=spf1 ip4", ERR_SYNTAX, 0 },
	{ "IPv4 with a slash", "v=spf1 ip4:192.0.2.1/", ERR_SYNTAX, 0 },
	{ "IPv6", "v=spf1 ip6:2001:db8::/32 ip6:::1 ip6:::192.0.2.1 ip6:::/0", ERR_OK, 4 },
	{ "IPv6 the longest", "v=spf1 ip6:1234:5678:1234:5678:1234:5678:123.123.123.123/128",
		ERR_OK, 1 },
	{ "IPv6 with brackets", "v=spf1 ip6:[::1]", ERR_SYNTAX, 0 },
	{ "IPv6 with a zone", "v=spf1 ip6:fe80::1%_", ERR_SYNTAX, 0 },
	{ "IPv6 in ip4", "v=spf1 ip4:::1", ERR_SYNTAX, 0 },
	{ "IPv4 in ip6", "v=spf1 ip6:192.0.2.1", ERR_SYNTAX, 0 },
	{ "modifiers", "v=spf1 exp=e.org redirect=r.org moo=%{t} x.y_z-1=", ERR_OK, 0 },
	{ "redirect twice", "v=spf1 redirect=r.org redirect=r.org", ERR_SYNTAX, 0 },
	{ "redirect twice, one beside all", "v=spf1 redirect=r.org -all redirect=r.org", ERR_SYNTAX,
		0 },
	{ "exp twice", "v=spf1 exp=e.org exp=e.org", ERR_SYNTAX, 0 },
	{ "redirect to nothing", "v=spf1 redirect=", ERR_SYNTAX, 0 },
	{ "redirect with a prefix", "v=spf1 redirect=r.org/24", ERR_SYNTAX, 0 },
	{ "redirect as a mechanism", "v=spf1 redirect:r.org", ERR_SYNTAX, 0 },
	{ "a modifier with a qualifier", "v=spf1 +exp=e.org", ERR_SYNTAX, 0 },
	{ "an unknown one with a bad macro", "v=spf1 moo=%{x}", ERR_SYNTAX, 0 },
	{ "an unknown one that begins with a digit", "v=spf1 4moo=1", ERR_SYNTAX, 0 },
	{ "a tab", "v=spf1\ta", ERR_SYNTAX, 0 },
	{ "an octet of eight bits", "v=spf1 a:x\xc3\xa4.org", ERR_SYNTAX, 0 },
};

static void
test_record(void **arg)
{
	const struct record *t = *arg;
	struct arena a = ARENA_INIT;
	struct spf_record out;
	struct bytes where;
	const char *why = NULL;

	assert_int_equal(spf_record_parse(bytes_from_str(t->text), &a, &out, &why, &where), t->r);
	if (t->r == ERR_OK)
		assert_int_equal(out.count, t->directives);
	else
		assert_non_null(why);
	arena_reset(&a);
}

static void
test_long_record(void **state)
{
	struct buf text = BUF_INIT;
	struct arena a = ARENA_INIT;
	struct spf_record out;
	struct bytes where;
	const char *why;

	buf_put_str(&text, "v=spf1");
	while (text.len + 2 <= SPF_RECORD_MAX)
		buf_put_str(&text, " a");
	assert_int_equal(spf_record_parse(buf_bytes(&text), &a, &out, &why, &where), ERR_OK);
	assert_int_equal(out.count, (SPF_RECORD_MAX - 6) / 2);
	buf_put_str(&text, " a");
	assert_int_equal(spf_record_parse(buf_bytes(&text), &a, &out, &why, &where), ERR_LIMIT);
	buf_free(&text);
	arena_reset(&a);
}

static void
test_is_record(void **state)
{
	assert_true(spf_record_is(BYTES_LITERAL("v=spf1")));
	assert_true(spf_record_is(BYTES_LITERAL("V=Spf1 ")));
	assert_false(spf_record_is(BYTES_LITERAL("v=spf10")));
	assert_false(spf_record_is(BYTES_LITERAL("v=spf1\ta")));
	assert_false(spf_record_is(BYTES_LITERAL(" v=spf1")));
	assert_false(spf_record_is(BYTES_LITERAL("v=spf")));
}

/* ---- macros, RFC 7208 sec. 7.4 and more ---- */

static const struct expansion {
	const char *label, *text, *v4, *v6; /* NULL: as with IPv4 */
} expansions[] = {
	{ "s", "%{s}", "strong-bad@email.example.com", NULL },
	{ "o", "%{o}", "email.example.com", NULL },
	{ "d", "%{d}", "email.example.com", NULL },
	{ "d4", "%{d4}", "email.example.com", NULL },
	{ "d3", "%{d3}", "email.example.com", NULL },
	{ "d2", "%{d2}", "example.com", NULL },
	{ "d1", "%{d1}", "com", NULL },
	{ "dr", "%{dr}", "com.example.email", NULL },
	{ "d2r", "%{d2r}", "example.email", NULL },
	{ "l", "%{l}", "strong-bad", NULL },
	{ "l-", "%{l-}", "strong.bad", NULL },
	{ "lr", "%{lr}", "strong-bad", NULL },
	{ "lr-", "%{lr-}", "bad.strong", NULL },
	{ "l1r-", "%{l1r-}", "strong", NULL },
	{ "l of several delimiters", "%{l.-t}", NULL, NULL },
	{ "reversed address", "%{ir}.%{v}._spf.%{d2}", "3.2.0.192.in-addr._spf.example.com",
		"1.0.B.C.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.8.B.D.0.1.0.0.2.ip6._spf.example."
		"com" },
	{ "reversed local-part", "%{lr-}.lp._spf.%{d2}", "bad.strong.lp._spf.example.com", NULL },
	{ "both", "%{lr-}.lp.%{ir}.%{v}._spf.%{d2}",
		"bad.strong.lp.3.2.0.192.in-addr._spf.example.com",
		"bad.strong.lp.1.0.B.C.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.8.B.D.0.1.0.0.2.ip6."
		"_spf.example.com" },
	{ "one part of it", "%{ir}.%{v}.%{l1r-}.lp._spf.%{d2}",
		"3.2.0.192.in-addr.strong.lp._spf.example.com", "" },
	{ "trusted domains", "%{d2}.trusted-domains.example.net",
		"example.com.trusted-domains.example.net", NULL },
	{ "the readable address", "%{c}", "192.0.2.3", "2001:db8::cb01" },
	{ "time, receiver, client, HELO", "%{t} %{r} %{p} %{h}",
		"1167627600 mx.example.net mx.example.org helo.example.com", NULL },
	{ "escapes", "%%%_%-", "% %20", NULL },
	{ "escaped for an URL", "%{S}%{C}", "strong-bad%40email.example.com192.0.2.3",
		"strong-bad%40email.example.com2001%3Adb8%3A%3Acb01" },
	{ "capitals with parts", "%{D2R}", "example.email", NULL },
};

static void
expand(const struct expansion *t, const char *client, const char *want)
{
	struct spf_macro_values v = { .sender = BYTES_LITERAL("strong-bad@email.example.com"),
		.local_part = BYTES_LITERAL("strong-bad"),
		.sender_domain = BYTES_LITERAL("email.example.com"),
		.domain = BYTES_LITERAL("email.example.com"),
		.helo = BYTES_LITERAL("helo.example.com"),
		.receiver = BYTES_LITERAL("mx.example.net"),
		.validated = BYTES_LITERAL("mx.example.org"),
		.now = 1167627600 };
	struct bytes text = bytes_from_str(t->text);
	struct buf out = BUF_INIT;

	assert_int_equal(ip_block_parse(bytes_from_str(client), &v.client), ERR_OK);
	if (t->v4 == NULL) {
		assert_int_equal(spf_macro_check(text, SPF_MACRO_TEXT), ERR_SYNTAX);
		return;
	}
	assert_int_equal(spf_macro_check(text, SPF_MACRO_TEXT), ERR_OK);
	assert_int_equal(spf_macro_expand(&out, text, &v), ERR_OK);
	if (want[0] != 0)
		assert_string_equal(buf_str(&out), want);
	buf_free(&out);
}

static void
test_expansion(void **arg)
{
	const struct expansion *t = *arg;

	expand(t, "192.0.2.3", t->v4);
	expand(t, "2001:db8::cb01", t->v6 != NULL ? t->v6 : t->v4);
}

static void
test_empty_parts(void **state)
{
	struct spf_macro_values v = { .local_part = BYTES_LITERAL(".a..b.") };
	struct buf out = BUF_INIT;

	assert_int_equal(
		spf_macro_expand(&out, BYTES_LITERAL("%{lr}|%{l2}|%{l9}|%{l2r}|%{s}|%{s1r}"), &v),
		ERR_OK);
	assert_string_equal(buf_str(&out), ".b..a.|b.|.a..b.|a.||");
	buf_free(&out);
}

static void
test_uses(void **state)
{
	assert_true(spf_macro_uses(BYTES_LITERAL("a.%{P1r}.b"), 'p'));
	assert_false(spf_macro_uses(BYTES_LITERAL("p.%{d}.%%{p}"), 'p'));
}

/* What would make text without end is stopped. */
static void
test_expansion_limit(void **state)
{
	static uint8_t octets[600];
	struct spf_macro_values v = { .local_part = bytes_make(octets, sizeof(octets)) };
	struct buf text = BUF_INIT, out = BUF_INIT;

	memset(octets, 'x', sizeof(octets));
	for (int i = 0; i < 100; i++)
		buf_put_str(&text, "%{L}");
	assert_int_equal(spf_macro_expand(&out, buf_bytes(&text), &v), ERR_LIMIT);
	assert_true(out.len < SPF_EXPANSION_MAX + 3 * sizeof(octets) + 1);
	buf_free(&text);
	buf_free(&out);
}

#define X50 "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx."

static const struct name {
	const char *label, *text, *out; /* NULL: none */
} names[] = {
	{ "plain", "Mail.Example.org", "Mail.Example.org" },
	{ "dot at the end", "mail.example.org.", "mail.example.org" },
	{ "two of them", "mail.example.org..", NULL },
	{ "dot in front", ".example.org", NULL },
	{ "empty label", "mail..org", NULL },
	{ "empty", "", NULL },
	{ "octets with a meaning", "a b\"c\\d.x@y.org", "a\\032b\\034c\\092d.x\\064y.org" },
	{ "63 octets", X50 "abcdefghijklmabcdefghijklmabcdefghijklmabcdefghijklmabcdefghijk",
		X50 "abcdefghijklmabcdefghijklmabcdefghijklmabcdefghijklmabcdefghijk" },
	{ "64 octets", X50 "abcdefghijklmabcdefghijklmabcdefghijklmabcdefghijklmabcdefghijkl",
		NULL },
	{ "cut on the left", "ab." X50 X50 X50 X50 X50 "abc", X50 X50 X50 X50 X50 "abc" },
	{ "as long as it may be", X50 X50 X50 X50 X50 "abc", X50 X50 X50 X50 X50 "abc" },
};

static void
test_name(void **arg)
{
	const struct name *t = *arg;
	char out[DNS_NAME_SIZE];
	int r = spf_target_name(bytes_from_str(t->text), out);

	if (t->out == NULL) {
		assert_int_equal(r, ERR_SYNTAX);
		return;
	}
	assert_string_equal(out, t->out);
	assert_int_equal(r, strlen(out));
}

/* ---- the field ---- */

static void
test_field(void **state)
{
	struct received_spf m = { .result = AUTH_PASS,
		.client = BYTES_LITERAL("192.0.2.1"),
		.helo = BYTES_LITERAL("mail.example.org"),
		.mail_from = BYTES_LITERAL("a@example.org"),
		.receiver = BYTES_LITERAL("mx.example.net"),
		.domain = BYTES_LITERAL("example.org"),
		.mechanism = BYTES_LITERAL("ip4:192.0.2.0/24") };
	struct buf out = BUF_INIT;

	received_spf_put(&out, &m);
	assert_string_equal(buf_str(&out),
		"Received-SPF: pass\r\n"
		"\t(mx.example.net: 192.0.2.1 is permitted by example.org)\r\n"
		"\tidentity=mailfrom;\r\n"
		"\tclient-ip=192.0.2.1;\r\n"
		"\thelo=mail.example.org;\r\n"
		"\tenvelope-from=\"a@example.org\";\r\n"
		"\treceiver=mx.example.net;\r\n"
		"\tmechanism=\"ip4:192.0.2.0/24\";\r\n");
	buf_clear(&out);
	m = (struct received_spf){ .result = AUTH_PERMERROR,
		.of_helo = true,
		.client = BYTES_LITERAL("2001:db8::1"),
		.helo = BYTES_LITERAL("a\r\nX: y\"\\\xff)"),
		.receiver = BYTES_LITERAL("mx"),
		.problem = BYTES_LITERAL("it is (wrong)") };
	received_spf_put(&out, &m);
	assert_string_equal(buf_str(&out),
		"Received-SPF: permerror\r\n"
		"\t(mx: 2001:db8::1 is not judged for an error in the policy of any domain)\r\n"
		"\tidentity=helo;\r\n"
		"\tclient-ip=\"2001:db8::1\";\r\n"
		"\thelo=\"a??X: y\\\"\\\\?\\)\";\r\n"
		"\treceiver=mx;\r\n"
		"\tproblem=\"it is \\(wrong\\)\";\r\n");
	buf_free(&out);
}

int
main(void)
{
	struct CMUnitTest tests[NITEMS(records) + NITEMS(expansions) + NITEMS(names) + 6] = {
		cmocka_unit_test(test_long_record),
		cmocka_unit_test(test_is_record),
		cmocka_unit_test(test_empty_parts),
		cmocka_unit_test(test_uses),
		cmocka_unit_test(test_expansion_limit),
		cmocka_unit_test(test_field),
	};
	size_t n = 6;

	ADD_ROWS(tests, n, records, test_record);
	ADD_ROWS(tests, n, expansions, test_expansion);
	ADD_ROWS(tests, n, names, test_name);
	return cmocka_run_group_tests_name("spf_record", tests, NULL, NULL);
}
