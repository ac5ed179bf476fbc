/* SPDX-License-Identifier: ISC */
/* tests/unit/proto/test_dns.c - names, records and messages of DNS. */
#include "cases.h"

#include <stdlib.h>
#include <string.h>

#include "dns_packet.h"

#define LITERAL(s) BYTES_LITERAL(s)
#define A63        "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"

/* --- names ------------------------------------------------------------------------ */

/* text to wire and back; again: NULL is the same text */
static const struct name_row {
	const char *label, *text;
	int result;
	size_t wire;
	const char *again;
} names[] = {
	{ "a name", "mx.example.org", ERR_OK, 16, NULL },
	{ "a dot at the end", "mx.example.org.", ERR_OK, 16, "mx.example.org" },
	{ "case", "MX.Example.ORG", ERR_OK, 16, "mx.example.org" },
	{ "the root", ".", ERR_OK, 1, "" },
	{ "nothing is the root", "", ERR_OK, 1, NULL },
	{ "one label", "localhost", ERR_OK, 11, NULL },
	{ "underscores", "_25._tcp.mx", ERR_OK, 13, NULL },
	{ "a dot in a label", "a\\.b.c", ERR_OK, 7, NULL },
	{ "a dot in a label, by number", "a\\046b.c", ERR_OK, 7, "a\\.b.c" },
	{ "a backslash", "a\\\\b", ERR_OK, 5, NULL },
	{ "an octet by number", "\\000\\255", ERR_OK, 4, NULL },
	{ "a letter escaped", "\\a\\B", ERR_OK, 4, "ab" },
	{ "a blank", "a b", ERR_OK, 5, "a\\032b" },
	{ "octets above ASCII", "\xc3\xa9", ERR_OK, 4, "\\195\\169" },
	{ "the longest label", A63, ERR_OK, 65, NULL },
	{ "the longest name",
		A63 "." A63 "." A63
		    ".aaaaaaaaaaaaaaaaaaaaaaaaaaaaaa.bbbbbbbbbbbbbbbbbbbbbbbbbbbbbb",
		ERR_OK, 255, NULL },
	{ "a label too long", A63 "a.org", ERR_LIMIT, 0, NULL },
	{ "a name too long",
		A63 "." A63 "." A63
		    ".aaaaaaaaaaaaaaaaaaaaaaaaaaaaaa.bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb",
		ERR_LIMIT, 0, NULL },
	{ "a name too long by many labels",
		"a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a."
		"a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a."
		"a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a."
		"a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.",
		ERR_LIMIT, 0, NULL },
	{ "an empty label", "a..b", ERR_SYNTAX, 0, NULL },
	{ "a dot in front", ".a", ERR_SYNTAX, 0, NULL },
	{ "two dots", "..", ERR_SYNTAX, 0, NULL },
	{ "a backslash at the end", "a\\", ERR_SYNTAX, 0, NULL },
	{ "half a number", "a\\12", ERR_SYNTAX, 0, NULL },
	{ "no octet", "\\256", ERR_SYNTAX, 0, NULL },
};

static void
run_name(void **state)
{
	const struct name_row *t = *state;
	struct buf wire = BUF_INIT;
	struct bytes rest;
	char text[DNS_NAME_SIZE];

	assert_int_equal(dns_name_write(bytes_from_str(t->text), &wire), t->result);
	assert_int_equal(wire.len, t->wire);
	if (t->result == ERR_OK) {
		buf_put_str(&wire, "rest");
		rest = buf_bytes(&wire);
		assert_int_equal(
			dns_name_read(&rest, text), strlen(t->again != NULL ? t->again : t->text));
		assert_string_equal(text, t->again != NULL ? t->again : t->text);
		assert_true(bytes_is(rest, "rest"));
		for (size_t cut = 0; cut < t->wire; cut++) {
			rest = bytes_head(buf_bytes(&wire), cut);
			assert_int_equal(dns_name_read(&rest, text), ERR_SYNTAX);
			assert_int_equal(rest.n, cut);
		}
	}
	buf_free(&wire);
}

static const struct host_row {
	const char *label, *text;
	bool is;
} hosts[] = {
	{ "a host", "mx-1.example.org", true },
	{ "digits in front", "3com.example", true },
	{ "an underscore", "_dmarc.example.org", true },
	{ "one label", "localhost", true },
	{ "nothing", "", false },
	{ "a dot at the end", "example.org.", false },
	{ "an empty label", "a..b", false },
	{ "a hyphen in front", "-a.org", false },
	{ "a hyphen behind", "a-.org", false },
	{ "an escape", "a\\.b.org", false },
	{ "a bracket", "a]b", false },
	{ "UTF-8", "\xc3\xa9.org", false },
	{ "a label too long", A63 "a.org", false },
	{ "too long", A63 "." A63 "." A63 "." A63, false },
};

static void
run_host(void **state)
{
	const struct host_row *t = *state;

	assert_int_equal(dns_name_is_host(bytes_from_str(t->text)), t->is);
}

static void
test_bad_wire(void **state)
{
	static const struct bytes bad[] = { LITERAL("\xc0\x00"), LITERAL("\x40"), LITERAL("\x01"),
		LITERAL("\x01"
			"a") };
	char text[DNS_NAME_SIZE];

	UNUSED(state);
	for (size_t i = 0; i < NITEMS(bad); i++) {
		struct bytes rest = bad[i];

		assert_int_equal(dns_name_read(&rest, text), ERR_SYNTAX);
	}
}

static void
test_reverse(void **state)
{
	static const uint8_t four[4] = { 192, 0, 2, 17 },
			     six[16] = { 0x20, 0x01, 0x0d, 0xb8, [15] = 0x1f };
	char text[DNS_REVERSE_SIZE];

	UNUSED(state);
	dns_reverse_name(four, 4, text);
	assert_string_equal(text, "17.2.0.192.in-addr.arpa");
	dns_reverse_name(six, 16, text);
	assert_string_equal(text, "f.1.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.8.b.d.0.1.0.0.2."
				  "ip6.arpa");
}

/* --- records ---------------------------------------------------------------------- */

static const struct text_row {
	const char *label, *type;
	struct bytes rdata;
	const char *text;
} texts[] = {
	{ "A", "A", LITERAL("\xc0\x00\x02\x01"), "192.0.2.1" },
	{ "A, too short", "A", LITERAL("\xc0\x00\x02"), "\\# 3 c00002" },
	{ "AAAA", "aaaa", LITERAL("\x20\x01\x0d\xb8\0\0\0\0\0\0\0\0\0\0\0\1"), "2001:db8::1" },
	{ "AAAA with an A", "AAAA", LITERAL("\xc0\x00\x02\x01"), "\\# 4 c0000201" },
	{ "MX", "MX", LITERAL("\0\x0a\2MX\3org\0"), "10 mx.org." },
	{ "null MX", "MX", LITERAL("\0\0\0"), "0 ." },
	{ "MX with more behind", "MX", LITERAL("\0\x0a\2mx\0\0"), "\\# 7 000a026d780000" },
	{ "MX without a name", "MX", LITERAL("\0\x0a"), "\\# 2 000a" },
	{ "SRV", "SRV", LITERAL("\0\1\0\2\2\x4b\1a\0"), "1 2 587 a." },
	{ "SRV cut", "SRV", LITERAL("\0\1\0\2\2\x4b"), "\\# 6 00010002024b" },
	{ "TLSA", "TLSA", LITERAL("\3\1\1\xab\xcd"), "3 1 1 abcd" },
	{ "TLSA without data", "TLSA", LITERAL("\3\1\1"), "\\# 3 030101" },
	{ "PTR", "PTR", LITERAL("\4Host\0"), "host." },
	{ "CNAME to the root", "CNAME", LITERAL("\0"), "." },
	{ "TXT", "TXT", LITERAL("\5v=x 1\0\4\"\\\x01\xff"),
		"\"v=x 1\" \"\" \"\\\"\\\\\\001\\255\"" },
	{ "TXT, empty string", "TXT", LITERAL("\0"), "\"\"" },
	{ "TXT without strings", "TXT", LITERAL(""), "\\# 0" },
	{ "TXT that ends early", "TXT", LITERAL("\1a\5b"), "\\# 4 01610562" },
	{ "SOA", "SOA", LITERAL("\1a\0\1b\0\0\0\0\1\0\0\0\2\0\0\0\3\0\0\0\4\0\0\1\0"),
		"a. b. 1 2 3 4 256" },
	{ "SOA cut", "SOA", LITERAL("\1a\0\1b\0\0\0\0\1"), "\\# 10 01610001620000000001" },
	{ "DS", "DS", LITERAL("\1\2"), "\\# 2 0102" },
	{ "another type", "TYPE65280", LITERAL("\1"), "\\# 1 01" },
};

static void
run_text(void **state)
{
	const struct text_row *t = *state;
	struct buf out = BUF_INIT;
	uint16_t type;

	assert_int_equal(dns_type_parse(bytes_from_str(t->type), &type), ERR_OK);
	dns_rdata_put_text(&out, type, t->rdata);
	assert_string_equal(buf_str(&out), t->text);
	buf_free(&out);
}

static void
test_types(void **state)
{
	static const char *const bad[] = { "", "TYPE", "TYPE65536", "TYPEx", "NOPE", "A " };
	struct buf out = BUF_INIT;
	uint16_t type;

	UNUSED(state);
	for (size_t i = 0; i < NITEMS(bad); i++)
		assert_int_equal(dns_type_parse(bytes_from_str(bad[i]), &type), ERR_SYNTAX);
	assert_int_equal(dns_type_parse(LITERAL("type15"), &type), ERR_OK);
	dns_type_put(&out, type);
	dns_type_put(&out, 1234);
	assert_string_equal(buf_str(&out), "MXTYPE1234");
	buf_free(&out);
}

static void
test_txt(void **state)
{
	struct buf out = BUF_INIT;

	UNUSED(state);
	assert_int_equal(dns_txt_read(LITERAL("\4v=sp\2f1\0"), &out), ERR_OK);
	assert_int_equal(dns_txt_read(LITERAL("\1x\7y"), &out), ERR_SYNTAX);
	assert_int_equal(dns_txt_read(LITERAL(""), &out), ERR_SYNTAX);
	assert_string_equal(buf_str(&out), "v=spf1");
	buf_free(&out);
}

/* --- messages --------------------------------------------------------------------- */

#define HEAD(flags, answers, authority) "\0\7\x81" flags "\0\1\0" answers "\0" authority "\0\0"
#define QUESTION                        "\1Q\2eX\0\0\x0f\0\1" /* q.ex MX IN; q.ex is at 12, ex at 14 */
#define RR(name, type, ttl, length)     name "\0" type "\0\1\0\0\0" ttl "\0" length
#define SOA_RDATA                       "\0\0\0\0\0\1\0\0\0\1\0\0\0\1\0\0\0\1\0\0\0\x1e" /* minimum 30 */

static const struct packet_row {
	const char *label;
	struct bytes packet;
	uint16_t type;
	int result;
	uint8_t rcode;
	uint32_t ttl;
	const char *canonical, *records;
} packets[] = {
	{ "MX, compressed",
		LITERAL(HEAD("\x80", "\2", "\0") QUESTION RR(
			"\xc0\x0c", "\x0f", "\x3c", "\7") "\0\x0a\2mX\xc0\x0e" RR("\xc0\x0c",
			"\x0f", "\x1e", "\4") "\0\5\xc0\x0e"),
		DNS_TYPE_MX, ERR_OK, 0, 30, "q.ex", "10 mx.ex.,5 ex.," },
	{ "CNAME, then MX",
		LITERAL(HEAD("\x80", "\2", "\0") QUESTION RR("\xc0\x0c", "\5", "\x05",
			"\4") "\1A\xc0\x0e" RR("\1a\2Ex\0", "\x0f", "\x1e", "\3") "\0\1\0"),
		DNS_TYPE_MX, ERR_OK, 0, 5, "a.ex", "1 .," },
	{ "in the other order",
		LITERAL(HEAD("\x80", "\2", "\0") QUESTION RR("\1a\2ex\0", "\x0f", "\x1e",
			"\3") "\0\1\0" RR("\xc0\x0c", "\5", "\x05", "\4") "\1A\xc0\x0e"),
		DNS_TYPE_MX, ERR_OK, 0, 5, "a.ex", "1 .," },
	{ "a CNAME is asked for",
		LITERAL(HEAD("\x80", "\1", "\0")
				QUESTION RR("\xc0\x0c", "\5", "\x05", "\4") "\1A\xc0\x0e"),
		DNS_TYPE_CNAME, ERR_OK, 0, 5, "q.ex", "a.ex.," },
	{ "signatures and others are left out",
		LITERAL(HEAD("\x80", "\2", "\0") QUESTION RR("\xc0\x0c", "\x2e", "\x05",
			"\1") "x" RR("\xc0\x0e", "\x0f", "\x05", "\3") "\0\1\0"),
		DNS_TYPE_MX, ERR_OK, 0, 0, "q.ex", "" },
	{ "no data",
		LITERAL(HEAD("\x80", "\0", "\1") QUESTION RR("\xc0\x0e", "\6", "\x3c", "\x16")
				SOA_RDATA),
		DNS_TYPE_MX, ERR_OK, 0, 30, "q.ex", "" },
	{ "no such name",
		LITERAL(HEAD("\x83", "\0", "\1") QUESTION RR("\xc0\x0e", "\6", "\x0a", "\x16")
				SOA_RDATA),
		DNS_TYPE_MX, ERR_OK, 3, 10, "q.ex", "" },
	{ "no such name at the end of an alias",
		LITERAL(HEAD("\x83", "\1", "\0")
				QUESTION RR("\xc0\x0c", "\5", "\x05", "\4") "\1A\xc0\x0e"),
		DNS_TYPE_MX, ERR_OK, 3, 0, "a.ex", "" },
	{ "a CNAME to itself",
		LITERAL(HEAD("\x80", "\1", "\0")
				QUESTION RR("\xc0\x0c", "\5", "\x05", "\2") "\xc0\x0c"),
		DNS_TYPE_MX, ERR_LIMIT, 0, 0, NULL, NULL },
	{ "a pointer to itself", LITERAL(HEAD("\x80", "\0", "\0") "\xc0\x0c\0\x0f\0\1"),
		DNS_TYPE_MX, ERR_SYNTAX, 0, 0, NULL, NULL },
	{ "a pointer forward", LITERAL(HEAD("\x80", "\0", "\0") "\xc0\x0e\1a\0\0\x0f\0\1"),
		DNS_TYPE_MX, ERR_SYNTAX, 0, 0, NULL, NULL },
	{ "two pointers round",
		LITERAL(HEAD("\x80", "\1", "\0")
				QUESTION RR("\1a\xc0\x15", "\5", "\x05", "\2") "\xc0\x0c"),
		DNS_TYPE_MX, ERR_SYNTAX, 0, 0, NULL, NULL },
	{ "no question", LITERAL("\0\7\x81\x80\0\0\0\0\0\0\0\0"), DNS_TYPE_MX, ERR_SYNTAX, 0, 0,
		NULL, NULL },
	{ "more records said than are there",
		LITERAL(HEAD("\x80", "\2", "\0")
				QUESTION RR("\xc0\x0c", "\5", "\x05", "\4") "\1A\xc0\x0e"),
		DNS_TYPE_MX, ERR_SYNTAX, 0, 0, NULL, NULL },
	{ "rdata longer than the message",
		LITERAL(HEAD("\x80", "\1", "\0")
				QUESTION RR("\xc0\x0c", "\x0f", "\x05", "\7") "\0\1\0"),
		DNS_TYPE_MX, ERR_SYNTAX, 0, 0, NULL, NULL },
	{ "a name longer than its rdata",
		LITERAL(HEAD("\x80", "\2", "\0") QUESTION RR("\xc0\x0c", "\x0f", "\x05",
			"\4") "\0\1\2a" RR("\xc0\x0c", "\5", "\x05", "\2") "\xc0\x0c"),
		DNS_TYPE_MX, ERR_SYNTAX, 0, 0, NULL, NULL },
	{ "nothing", LITERAL(""), DNS_TYPE_MX, ERR_SYNTAX, 0, 0, NULL, NULL },
};

static void
run_packet(void **state)
{
	const struct packet_row *t = *state;
	struct arena a = ARENA_INIT;
	struct buf text = BUF_INIT;
	struct dns_found found;

	assert_int_equal(dns_packet_find(t->packet, t->type, &a, &found), t->result);
	if (t->result == ERR_OK) {
		for (size_t i = 0; i < found.n; i++) {
			dns_rdata_put_text(&text, t->type, found.rdata[i]);
			buf_put_str(&text, ",");
		}
		assert_int_equal(found.rcode, t->rcode);
		assert_int_equal(found.ttl, t->ttl);
		assert_string_equal(found.canonical, t->canonical);
		assert_string_equal(buf_str(&text), t->records);
	}
	buf_free(&text);
	arena_reset(&a);
}

/* However it is cut, nothing is read beyond its end (the sanitizers look). */
static void
test_cut_packets(void **state)
{
	struct arena a = ARENA_INIT;
	struct dns_found found;

	UNUSED(state);
	for (size_t i = 0; i < NITEMS(packets); i++)
		for (size_t cut = 0; cut < packets[i].packet.n; cut++) {
			uint8_t *copy = xmalloc(cut + 1);

			memcpy(copy, packets[i].packet.p, cut);
			(void)!dns_packet_find(bytes_make(copy, cut), packets[i].type, &a, &found);
			arena_reset(&a);
			free(copy);
		}
}

int
main(void)
{
	struct CMUnitTest
		tests[NITEMS(names) + NITEMS(hosts) + NITEMS(texts) + NITEMS(packets) + 5];
	size_t n = 0;

	ADD_ROWS(tests, n, names, run_name);
	ADD_ROWS(tests, n, hosts, run_host);
	ADD_ROWS(tests, n, texts, run_text);
	ADD_ROWS(tests, n, packets, run_packet);
	tests[n++] = (struct CMUnitTest)cmocka_unit_test(test_bad_wire);
	tests[n++] = (struct CMUnitTest)cmocka_unit_test(test_reverse);
	tests[n++] = (struct CMUnitTest)cmocka_unit_test(test_types);
	tests[n++] = (struct CMUnitTest)cmocka_unit_test(test_txt);
	tests[n++] = (struct CMUnitTest)cmocka_unit_test(test_cut_packets);
	ASSERT(n == NITEMS(tests));
	return cmocka_run_group_tests_name("proto/dns", tests, NULL, NULL);
}
