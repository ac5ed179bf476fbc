/* SPDX-License-Identifier: ISC */
/*
 * tests/unit/proto/test_rfc5321_is_email.c - the addresses of the public is_email cases, by
 * their numbers, with what RFC 5321 sec. 4.1.2 says of each.
 *
 * Where is_email judges by RFC 5322 (comments, folding, domain literals that are no address)
 * SMTP says no. Where it says "too long" for a local-part over 64 octets we say yes: those
 * are sizes that must be supported, not ones that must be refused (sec. 4.5.3.1).
 */
#include "../base/cases.h"

#include "err.h"
#include "rfc5321.h"

#define GOOD ERR_OK
#define BAD  ERR_SYNTAX

static const struct row {
	const char *label;
	struct bytes address;
	int r;
} rows[] = {
	{ "1", BYTES_LITERAL(""), BAD },
	{ "2", BYTES_LITERAL("test"), BAD },
	{ "3", BYTES_LITERAL("@"), BAD },
	{ "4", BYTES_LITERAL("test@"), BAD },
	{ "5", BYTES_LITERAL("test@io"), GOOD },
	{ "6", BYTES_LITERAL("@io"), BAD },
	{ "7", BYTES_LITERAL("@iana.org"), BAD },
	{ "8", BYTES_LITERAL("test@iana.org"), GOOD },
	{ "9", BYTES_LITERAL("test@nominet.org.uk"), GOOD },
	{ "10", BYTES_LITERAL("test@about.museum"), GOOD },
	{ "11", BYTES_LITERAL("a@iana.org"), GOOD },
	{ "12", BYTES_LITERAL("test@e.com"), GOOD },
	{ "13", BYTES_LITERAL("test@iana.a"), GOOD },
	{ "14", BYTES_LITERAL("test.test@iana.org"), GOOD },
	{ "15", BYTES_LITERAL(".test@iana.org"), BAD },
	{ "16", BYTES_LITERAL("test.@iana.org"), BAD },
	{ "17", BYTES_LITERAL("test..iana.org"), BAD },
	{ "18", BYTES_LITERAL("test_exa-mple.com"), BAD },
	{ "19", BYTES_LITERAL("!#$%&`*+/=\?^`{|}~@iana.org"), GOOD },
	{ "20", BYTES_LITERAL("test\\@test@iana.org"), BAD },
	{ "21", BYTES_LITERAL("123@iana.org"), GOOD },
	{ "22", BYTES_LITERAL("test@123.com"), GOOD },
	{ "23", BYTES_LITERAL("test@iana.123"), GOOD },
	{ "24", BYTES_LITERAL("test@255.255.255.255"), GOOD },
	{ "25",
		BYTES_LITERAL("abcdefghijklmnopqrstuvwxyzabcdefghijklmnopqrstuvwxyzabcdefghiklm@"
			      "iana.org"),
		GOOD },
	{ "26",
		BYTES_LITERAL("abcdefghijklmnopqrstuvwxyzabcdefghijklmnopqrstuvwxyzabcdefghiklmn@"
			      "iana.org"),
		GOOD },
	{ "27",
		BYTES_LITERAL(
			"test@abcdefghijklmnopqrstuvwxyzabcdefghijklmnopqrstuvwxyzabcdefghikl.com"),
		GOOD },
	{ "28",
		BYTES_LITERAL(
			"test@abcdefghijklmnopqrstuvwxyzabcdefghijklmnopqrstuvwxyzabcdefghiklm."
			"com"),
		BAD },
	{ "29", BYTES_LITERAL("test@mason-dixon.com"), GOOD },
	{ "30", BYTES_LITERAL("test@-iana.org"), BAD },
	{ "31", BYTES_LITERAL("test@iana-.com"), BAD },
	{ "32", BYTES_LITERAL("test@c--n.com"), GOOD },
	{ "33", BYTES_LITERAL("test@iana.co-uk"), GOOD },
	{ "34", BYTES_LITERAL("test@.iana.org"), BAD },
	{ "35", BYTES_LITERAL("test@iana.org."), BAD },
	{ "36", BYTES_LITERAL("test@iana..com"), BAD },
	{ "37",
		BYTES_LITERAL("a@a.b.c.d.e.f.g.h.i.j.k.l.m.n.o.p.q.r.s.t.u.v.w.x.y.z.a.b.c.d.e.f.g."
			      "h.i.j.k.l.m.n.o.p.q.r.s.t.u.v.w.x.y.z.a.b.c.d.e.f.g.h.i.j.k.l.m.n.o."
			      "p.q.r.s.t.u.v.w.x.y.z.a.b.c.d.e.f.g.h.i.j.k.l.m.n.o.p.q.r.s.t.u.v.w."
			      "x.y.z.a.b.c.d.e.f.g.h.i.j.k.l.m.n.o.p.q.r.s.t.u.v"),
		GOOD },
	{ "38",
		BYTES_LITERAL("abcdefghijklmnopqrstuvwxyzabcdefghijklmnopqrstuvwxyzabcdefghiklm@"
			      "abcdefghijklmnopqrstuvwxyzabcdefghijklmnopqrstuvwxyzabcdefghikl."
			      "abcdefghijklmnopqrstuvwxyzabcdefghijklmnopqrstuvwxyzabcdefghikl."
			      "abcdefghijklmnopqrstuvwxyzabcdefghijklmnopqrstuvwxyzabcdefghi"),
		GOOD },
	{ "39",
		BYTES_LITERAL("abcdefghijklmnopqrstuvwxyzabcdefghijklmnopqrstuvwxyzabcdefghiklm@"
			      "abcdefghijklmnopqrstuvwxyzabcdefghijklmnopqrstuvwxyzabcdefghikl."
			      "abcdefghijklmnopqrstuvwxyzabcdefghijklmnopqrstuvwxyzabcdefghikl."
			      "abcdefghijklmnopqrstuvwxyzabcdefghijklmnopqrstuvwxyzabcdefghij"),
		GOOD },
	{ "40",
		BYTES_LITERAL("a@abcdefghijklmnopqrstuvwxyzabcdefghijklmnopqrstuvwxyzabcdefghikl."
			      "abcdefghijklmnopqrstuvwxyzabcdefghijklmnopqrstuvwxyzabcdefghikl."
			      "abcdefghijklmnopqrstuvwxyzabcdefghijklmnopqrstuvwxyzabcdefghikl."
			      "abcdefghijklmnopqrstuvwxyzabcdefghijklmnopqrstuvwxyzabcdefg.hij"),
		GOOD },
	{ "41",
		BYTES_LITERAL("a@abcdefghijklmnopqrstuvwxyzabcdefghijklmnopqrstuvwxyzabcdefghikl."
			      "abcdefghijklmnopqrstuvwxyzabcdefghijklmnopqrstuvwxyzabcdefghikl."
			      "abcdefghijklmnopqrstuvwxyzabcdefghijklmnopqrstuvwxyzabcdefghikl."
			      "abcdefghijklmnopqrstuvwxyzabcdefghijklmnopqrstuvwxyzabcdefg.hijk"),
		BAD },
	{ "42", BYTES_LITERAL("\"test\"@iana.org"), GOOD },
	{ "43", BYTES_LITERAL("\"\"@iana.org"), GOOD },
	{ "44", BYTES_LITERAL("\"\"\"@iana.org"), BAD },
	{ "45", BYTES_LITERAL("\"\\a\"@iana.org"), GOOD },
	{ "46", BYTES_LITERAL("\"\\\"\"@iana.org"), GOOD },
	{ "47", BYTES_LITERAL("\"\\\"@iana.org"), BAD },
	{ "48", BYTES_LITERAL("\"\\\\\"@iana.org"), GOOD },
	{ "49", BYTES_LITERAL("test\"@iana.org"), BAD },
	{ "50", BYTES_LITERAL("\"test@iana.org"), BAD },
	{ "51", BYTES_LITERAL("\"test\"test@iana.org"), BAD },
	{ "52", BYTES_LITERAL("test\"text\"@iana.org"), BAD },
	{ "53", BYTES_LITERAL("\"test\"\"test\"@iana.org"), BAD },
	{ "54", BYTES_LITERAL("\"test\".\"test\"@iana.org"), BAD },
	{ "55", BYTES_LITERAL("\"test\\ test\"@iana.org"), GOOD },
	{ "56", BYTES_LITERAL("\"test\".test@iana.org"), BAD },
	{ "57", BYTES_LITERAL("\"test\000\"@iana.org"), BAD },
	{ "58", BYTES_LITERAL("\"test\\\000\"@iana.org"), BAD },
	{ "59",
		BYTES_LITERAL("\"abcdefghijklmnopqrstuvwxyz abcdefghijklmnopqrstuvwxyz "
			      "abcdefghj\"@iana.org"),
		GOOD },
	{ "60",
		BYTES_LITERAL("\"abcdefghijklmnopqrstuvwxyz abcdefghijklmnopqrstuvwxyz "
			      "abcdefg\\h\"@iana.org"),
		GOOD },
	{ "61", BYTES_LITERAL("test@[255.255.255.255]"), GOOD },
	{ "62", BYTES_LITERAL("test@a[255.255.255.255]"), BAD },
	{ "63", BYTES_LITERAL("test@[255.255.255]"), BAD },
	{ "64", BYTES_LITERAL("test@[255.255.255.255.255]"), BAD },
	{ "65", BYTES_LITERAL("test@[255.255.255.256]"), BAD },
	{ "66", BYTES_LITERAL("test@[1111:2222:3333:4444:5555:6666:7777:8888]"), BAD },
	{ "67", BYTES_LITERAL("test@[IPv6:1111:2222:3333:4444:5555:6666:7777]"), BAD },
	{ "68", BYTES_LITERAL("test@[IPv6:1111:2222:3333:4444:5555:6666:7777:8888]"), GOOD },
	{ "69", BYTES_LITERAL("test@[IPv6:1111:2222:3333:4444:5555:6666:7777:8888:9999]"), BAD },
	{ "70", BYTES_LITERAL("test@[IPv6:1111:2222:3333:4444:5555:6666:7777:888G]"), BAD },
	{ "71", BYTES_LITERAL("test@[IPv6:1111:2222:3333:4444:5555:6666::8888]"), GOOD },
	{ "72", BYTES_LITERAL("test@[IPv6:1111:2222:3333:4444:5555::8888]"), GOOD },
	{ "73", BYTES_LITERAL("test@[IPv6:1111:2222:3333:4444:5555:6666::7777:8888]"), BAD },
	{ "74", BYTES_LITERAL("test@[IPv6::3333:4444:5555:6666:7777:8888]"), BAD },
	{ "75", BYTES_LITERAL("test@[IPv6:::3333:4444:5555:6666:7777:8888]"), GOOD },
	{ "76", BYTES_LITERAL("test@[IPv6:1111::4444:5555::8888]"), BAD },
	{ "77", BYTES_LITERAL("test@[IPv6:::]"), GOOD },
	{ "78", BYTES_LITERAL("test@[IPv6:1111:2222:3333:4444:5555:255.255.255.255]"), BAD },
	{ "79", BYTES_LITERAL("test@[IPv6:1111:2222:3333:4444:5555:6666:255.255.255.255]"), GOOD },
	{ "80", BYTES_LITERAL("test@[IPv6:1111:2222:3333:4444:5555:6666:7777:255.255.255.255]"),
		BAD },
	{ "81", BYTES_LITERAL("test@[IPv6:1111:2222:3333:4444::255.255.255.255]"), GOOD },
	{ "82", BYTES_LITERAL("test@[IPv6:1111:2222:3333:4444:5555:6666::255.255.255.255]"), BAD },
	{ "83", BYTES_LITERAL("test@[IPv6:1111:2222:3333:4444:::255.255.255.255]"), BAD },
	{ "84", BYTES_LITERAL("test@[IPv6::255.255.255.255]"), BAD },
	{ "85", BYTES_LITERAL(" test @iana.org"), BAD },
	{ "86", BYTES_LITERAL("test@ iana .com"), BAD },
	{ "87", BYTES_LITERAL("test . test@iana.org"), BAD },
	{ "88", BYTES_LITERAL("\015\012 test@iana.org"), BAD },
	{ "89", BYTES_LITERAL("\015\012 \015\012 test@iana.org"), BAD },
	{ "90", BYTES_LITERAL("(comment)test@iana.org"), BAD },
	{ "91", BYTES_LITERAL("((comment)test@iana.org"), BAD },
	{ "92", BYTES_LITERAL("(comment(comment))test@iana.org"), BAD },
	{ "93", BYTES_LITERAL("test@(comment)iana.org"), BAD },
	{ "94", BYTES_LITERAL("test(comment)test@iana.org"), BAD },
	{ "95", BYTES_LITERAL("test@(comment)[255.255.255.255]"), BAD },
	{ "96",
		BYTES_LITERAL(
			"(comment)abcdefghijklmnopqrstuvwxyzabcdefghijklmnopqrstuvwxyzabcdefghiklm@"
			"iana.org"),
		BAD },
	{ "97",
		BYTES_LITERAL(
			"test@(comment)"
			"abcdefghijklmnopqrstuvwxyzabcdefghijklmnopqrstuvwxyzabcdefghikl.com"),
		BAD },
	{ "98",
		BYTES_LITERAL("(comment)test@"
			      "abcdefghijklmnopqrstuvwxyzabcdefghijklmnopqrstuvwxyzabcdefghik."
			      "abcdefghijklmnopqrstuvwxyzabcdefghijklmnopqrstuvwxyzabcdefghik."
			      "abcdefghijklmnopqrstuvwxyzabcdefghijklmnopqrstuvwxyzabcdefghijk."
			      "abcdefghijklmnopqrstuvwxyzabcdefghijk.abcdefghijklmnopqrstu"),
		BAD },
	{ "99", BYTES_LITERAL("test@iana.org\012"), BAD },
	{ "100", BYTES_LITERAL("test@xn--hxajbheg2az3al.xn--jxalpdlp"), GOOD },
	{ "101", BYTES_LITERAL("xn--test@iana.org"), GOOD },
	{ "102", BYTES_LITERAL("test@iana.org-"), BAD },
	{ "103", BYTES_LITERAL("\"test@iana.org"), BAD },
	{ "104", BYTES_LITERAL("(test@iana.org"), BAD },
	{ "105", BYTES_LITERAL("test@(iana.org"), BAD },
	{ "106", BYTES_LITERAL("test@[1.2.3.4"), BAD },
	{ "107", BYTES_LITERAL("\"test\\\"@iana.org"), BAD },
	{ "108", BYTES_LITERAL("(comment\\)test@iana.org"), BAD },
	{ "109", BYTES_LITERAL("test@iana.org(comment\\)"), BAD },
	{ "110", BYTES_LITERAL("test@iana.org(comment\\"), BAD },
	{ "112", BYTES_LITERAL("test@[RFC-5322-domain-literal]"), BAD },
	{ "113", BYTES_LITERAL("test@[RFC-5322]-domain-literal]"), BAD },
	{ "114", BYTES_LITERAL("test@[RFC-5322-[domain-literal]"), BAD },
	{ "115", BYTES_LITERAL("test@[RFC-5322-\\\007-domain-literal]"), BAD },
	{ "116", BYTES_LITERAL("test@[RFC-5322-\\\011-domain-literal]"), BAD },
	{ "117", BYTES_LITERAL("test@[RFC-5322-\\]-domain-literal]"), BAD },
	{ "118", BYTES_LITERAL("test@[RFC-5322-domain-literal\\]"), BAD },
	{ "119", BYTES_LITERAL("test@[RFC-5322-domain-literal\\"), BAD },
	{ "120", BYTES_LITERAL("test@[RFC 5322 domain literal]"), BAD },
	{ "121", BYTES_LITERAL("test@[RFC-5322-domain-literal] (comment)"), BAD },
	{ "122", BYTES_LITERAL("\177@iana.org"), BAD },
	{ "123", BYTES_LITERAL("test@\177.org"), BAD },
	{ "124", BYTES_LITERAL("\"\177\"@iana.org"), BAD },
	{ "125", BYTES_LITERAL("\"\\\177\"@iana.org"), BAD },
	{ "126", BYTES_LITERAL("(\177)test@iana.org"), BAD },
	{ "127", BYTES_LITERAL("test@iana.org\015"), BAD },
	{ "128", BYTES_LITERAL("\015test@iana.org"), BAD },
	{ "129", BYTES_LITERAL("\"\015test\"@iana.org"), BAD },
	{ "130", BYTES_LITERAL("(\015)test@iana.org"), BAD },
	{ "131", BYTES_LITERAL("test@iana.org(\015)"), BAD },
	{ "132", BYTES_LITERAL("\012test@iana.org"), BAD },
	{ "133", BYTES_LITERAL("\"\012\"@iana.org"), BAD },
	{ "134", BYTES_LITERAL("\"\\\012\"@iana.org"), BAD },
	{ "135", BYTES_LITERAL("(\012)test@iana.org"), BAD },
	{ "136", BYTES_LITERAL("\007@iana.org"), BAD },
	{ "137", BYTES_LITERAL("test@\007.org"), BAD },
	{ "138", BYTES_LITERAL("\"\007\"@iana.org"), BAD },
	{ "139", BYTES_LITERAL("\"\\\007\"@iana.org"), BAD },
	{ "140", BYTES_LITERAL("(\007)test@iana.org"), BAD },
	{ "141", BYTES_LITERAL("\015\012test@iana.org"), BAD },
	{ "142", BYTES_LITERAL("\015\012 \015\012test@iana.org"), BAD },
	{ "143", BYTES_LITERAL(" \015\012test@iana.org"), BAD },
	{ "144", BYTES_LITERAL(" \015\012 test@iana.org"), BAD },
	{ "145", BYTES_LITERAL(" \015\012 \015\012test@iana.org"), BAD },
	{ "146", BYTES_LITERAL(" \015\012\015\012test@iana.org"), BAD },
	{ "147", BYTES_LITERAL(" \015\012\015\012 test@iana.org"), BAD },
	{ "148", BYTES_LITERAL("test@iana.org\015\012 "), BAD },
	{ "149", BYTES_LITERAL("test@iana.org\015\012 \015\012 "), BAD },
	{ "150", BYTES_LITERAL("test@iana.org\015\012"), BAD },
	{ "151", BYTES_LITERAL("test@iana.org\015\012 \015\012"), BAD },
	{ "152", BYTES_LITERAL("test@iana.org \015\012"), BAD },
	{ "153", BYTES_LITERAL("test@iana.org \015\012 "), BAD },
	{ "154", BYTES_LITERAL("test@iana.org \015\012 \015\012"), BAD },
	{ "155", BYTES_LITERAL("test@iana.org \015\012\015\012"), BAD },
	{ "156", BYTES_LITERAL("test@iana.org \015\012\015\012 "), BAD },
	{ "157", BYTES_LITERAL(" test@iana.org"), BAD },
	{ "158", BYTES_LITERAL("test@iana.org "), BAD },
	{ "159", BYTES_LITERAL("test@[IPv6:1::2:]"), BAD },
	{ "160", BYTES_LITERAL("\"test\\\302\251\"@iana.org"), BAD },
	{ "161", BYTES_LITERAL("test@iana/icann.org"), BAD },
	{ "165", BYTES_LITERAL("test.(comment)test@iana.org"), BAD },
	{ "166", BYTES_LITERAL("test@org"), GOOD },
	{ "167", BYTES_LITERAL("test@test.com"), GOOD },
	{ "168", BYTES_LITERAL("test@nic.no"), GOOD },
};

static void
run_row(void **state)
{
	const struct row *t = *state;
	struct mailbox m;
	assert_int_equal(rfc5321_parse_mailbox(t->address, 0, &m), t->r);
}

int
main(void)
{
	TABLE_TESTS(tests, rows, run_row);
	return cmocka_run_group_tests_name("proto/rfc5321 is_email", tests, NULL, NULL);
}
