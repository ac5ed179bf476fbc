/* SPDX-License-Identifier: ISC */
/*
 * tests/unit/proto/test_rfc5322.c - fields, addresses, dates and message ids, as they come.
 */
#include <stdio.h>
#include <stdlib.h>

#include "cases.h"
#include "err.h"
#include "rfc5322.h"

/* --- fields: "name=value|" for each, then what is left ---------------------------- */

static const struct field_row {
	const char *label, *in, *out;
	size_t header_len;
} field_rows[] = {
	{ "fields: two", "A: b\r\nC:d\r\n\r\nbody", "A= b|C=d|", 13 },
	{ "fields: folded", "A: b\r\n c\r\n\td\r\nE: f\r\n\r\n", "A= b\r\n c\r\n\td|E= f|", 22 },
	{ "fields: bare LF", "A: b\n c\nD: e\n\nbody", "A= b\n c|D= e|", 14 },
	{ "fields: no blank line", "A: b\r\nC: d", "A= b|C= d|", 10 },
	{ "fields: no header", "\r\nbody", "", 2 },
	{ "fields: no header, LF", "\nbody", "", 1 },
	{ "fields: nothing", "", "", 0 },
	{ "fields: no colon", "From me\r\nA: b\r\n\r\n", "From me=|A= b|", 17 },
	{ "fields: blank before colon", "A \t: b\r\n\r\n", "A= b|", 10 },
	{ "fields: begins folded", " x\r\nA: b\r\n\r\n", "= x|A= b|", 12 },
	{ "fields: line of blanks goes on", "A: b\r\n \r\nC: d\r\n\r\n", "A= b\r\n |C= d|", 17 },
	{ "fields: empty value", "A:\r\n\r\n", "A=|", 6 },
	{ "fields: empty name", ": x\r\n\r\n", "= x|", 7 },
	{ "fields: lone CR is text", "A: b\rC: d\r\n\r\n", "A= b\rC: d|", 13 },
	{ "fields: CR CR LF is no blank line", "A: b\r\n\r\r\nC: d", "A= b|\r=|C= d|", 13 },
};

static void
run_fields(void **arg)
{
	const struct field_row *t = *arg;
	struct bytes rest = bytes_from_str(t->in);
	struct rfc5322_field f;
	struct buf out = BUF_INIT;
	size_t raw = 0;

	while (rfc5322_field_next(&rest, &f)) {
		buf_put_bytes(&out, f.name);
		buf_put_u8(&out, '=');
		buf_put_bytes(&out, f.value);
		buf_put_u8(&out, '|');
		raw += f.raw.n;
	}
	assert_string_equal(buf_str(&out), t->out);
	assert_int_equal(raw + rest.n, strlen(t->in));
	assert_int_equal(rfc5322_header_len(bytes_from_str(t->in)), t->header_len);
	buf_free(&out);
}

static const struct text_row {
	const char *label, *in, *out;
} unfold_rows[] = {
	{ "unfold: nothing to do", " abc ", "abc" },
	{ "unfold: CRLF", " a\r\n b\r\n\tc", "a b\tc" },
	{ "unfold: LF", "a\n b", "a b" },
	{ "unfold: only blanks", " \r\n ", "" },
	{ "unfold: empty", "", "" },
};

static void
run_unfold(void **arg)
{
	const struct text_row *t = *arg;
	struct arena a = ARENA_INIT;
	struct buf out = BUF_INIT;

	rfc5322_unfold(&out, bytes_from_str(t->in));
	assert_string_equal(buf_str(&out), t->out);
	assert_true(bytes_is(rfc5322_unfolded(&a, bytes_from_str(t->in)), t->out));
	buf_free(&out);
	arena_reset(&a);
}

static const struct text_row crlf_rows[] = {
	{ "crlf: bare", "a\nb\n\n", "a\r\nb\r\n\r\n" },
	{ "crlf: right already", "a\r\nb\r\n", "a\r\nb\r\n" },
	{ "crlf: mixed", "\na\r\n\nb", "\r\na\r\n\r\nb" },
	{ "crlf: lone CR stays", "a\rb\r\r\n", "a\rb\r\r\n" },
	{ "crlf: empty", "", "" },
};

static void
run_crlf(void **arg)
{
	const struct text_row *t = *arg;
	struct buf out = BUF_INIT;

	rfc5322_put_crlf(&out, bytes_from_str(t->in));
	assert_string_equal(buf_str(&out), t->out);
	assert_int_equal(rfc5322_has_bare_lf(bytes_from_str(t->in)), strcmp(t->in, t->out) != 0);
	assert_false(rfc5322_has_bare_lf(buf_bytes(&out)));
	buf_free(&out);
}

/* --- addresses: "name|route|local@domain", groups as "name:{" and "}" ------------- */

static const struct text_row address_rows[] = {
	{ "address: bare", "a@b", "||a@b" },
	{ "address: angle", "<a@b>", "||a@b" },
	{ "address: name", "Ada Lovelace <ada@example.org>", "Ada Lovelace||ada@example.org" },
	{ "address: quoted name", "\"Doe, \\\"J\\\"\" <a@b>", "Doe, \"J\"||a@b" },
	{ "address: dots in name", "J. R. Tolkien <a@b>", "J. R. Tolkien||a@b" },
	{ "address: dot next to letter", "J.R.Tolkien <a@b>", "J.R.Tolkien||a@b" },
	{ "address: comment name", "a@b (The Name)", "The Name||a@b" },
	{ "address: comment in comment", "a@b (x (y) \\) z)", "x (y) ) z||a@b" },
	{ "address: comment and name", "N (c) <a@b> (d)", "N||a@b" },
	{ "address: list", "a@b, c@d,e@f", "||a@b ||c@d ||e@f" },
	{ "address: empty members", ",, a@b,,", "||a@b" },
	{ "address: folded", "a@b,\r\n\tN\r\n M <c@d>", "||a@b N M||c@d" },
	{ "address: quoted local-part", "\"a b\"@c", "||a b@c" },
	{ "address: obs-local-part", "a . b . c @ d . e", "||a.b.c@d.e" },
	{ "address: mixed words", "x.\"y z\".w@d", "||x.y z.w@d" },
	{ "address: domain-literal", "a@[127.0.0.1]", "||a@[127.0.0.1]" },
	{ "address: IPv6 literal", "<a@[IPv6:2001:db8::1]>", "||a@[IPv6:2001:db8::1]" },
	{ "address: route", "<@x,@y:a@b>", "|@x,@y|a@b" },
	{ "address: group", "G: a@b, N <c@d>;", "G:{ ||a@b N||c@d }" },
	{ "address: empty group", "undisclosed-recipients:;", "undisclosed-recipients:{ }" },
	{ "address: group, then one", "G: a@b; , c@d", "G:{ ||a@b } ||c@d" },
	{ "address: group without end", "G: a@b", "G:{ ||a@b }" },
	{ "address: name before bare", "Ada ada@b", "Ada||ada@b" },
	{ "address: address as name", "a@b <c@d>", "a@b||c@d" },
	{ "address: one word", "root", "||root@" },
	{ "address: words only", "Some One", "Some One||@" },
	{ "address: null", "<>", "||@" },
	{ "address: encoded word stays", "=?utf-8?Q?=C3=A4?= <a@b>", "=?utf-8?Q?=C3=A4?=||a@b" },
	{ "address: 8 bit", "J\xc3\xbcrgen <j\xc3\xbc@b>", "J\xc3\xbcrgen||j\xc3\xbc@b" },
	{ "address: missing >", "N <a@b, c@d", "N||a@b ||c@d" },
	{ "address: unclosed quote", "\"N <a@b>, c@d", "\"N||a@b ||c@d" },
	{ "address: unclosed comment", "a@b (N, c@d", "||a@b ||c@d" },
	{ "address: unclosed literal", "a@[1.2", "||a@[" },
	{ "address: two at", "a@b@c", "||a@b" },
	{ "address: junk behind", "<a@b> junk <x>, c@d", "||a@b ||c@d" },
	{ "address: mailto", "<mailto:a@b>", "||a@b" },
	{ "address: lone specials", "@ < > ; : ,", "@||@" },
	{ "address: nothing", " (only a comment) ", "" },
};

static void
run_address(void **arg)
{
	const struct text_row *t = *arg;
	struct arena a = ARENA_INIT;
	struct buf out = BUF_INIT;

	for (struct rfc5322_address *p = rfc5322_addresses(&a, bytes_from_str(t->in)); p != NULL;
		p = p->next) {
		if (out.len > 0)
			buf_put_u8(&out, ' ');
		if (p->kind == RFC5322_GROUP_END) {
			buf_put_u8(&out, '}');
			continue;
		}
		buf_put_bytes(&out, p->name);
		if (p->kind == RFC5322_GROUP_BEGIN) {
			buf_put_str(&out, ":{");
			continue;
		}
		buf_put_u8(&out, '|');
		buf_put_bytes(&out, p->route);
		buf_put_u8(&out, '|');
		buf_put_bytes(&out, p->local_part);
		buf_put_u8(&out, '@');
		buf_put_bytes(&out, p->domain);
	}
	assert_string_equal(buf_str(&out), t->out);
	buf_free(&out);
	arena_reset(&a);
}

/* Broken brackets in number: what is linear is done at once. */
static void
test_address_is_linear(void **state)
{
	static const char *const units[] = { "<@", "<@,", "@[,", "\"", "(", "a@b <", "a:", "<a@[" };
	struct arena a = ARENA_INIT;

	for (size_t i = 0; i < NITEMS(units); i++) {
		struct buf in = BUF_INIT;

		while (in.len < 1000000)
			buf_put_str(&in, units[i]);
		rfc5322_addresses(&a, buf_bytes(&in));
		buf_free(&in);
		arena_reset(&a);
	}
}

/* --- dates ------------------------------------------------------------------------ */

static const struct date_row {
	const char *label, *in;
	int64_t utc; /* -1: not a date */
	int32_t zone;
} date_rows[] = {
	{ "date: usual", "Sat, 21 Nov 2026 22:04:57 +0100", 1795295097, 3600 },
	{ "date: UTC", "21 Nov 2026 21:04:57 GMT", 1795295097, 0 },
	{ "date: west", "Sat, 21 Nov 2026 16:04:57 -0500", 1795295097, -18000 },
	{ "date: no seconds", "Sat, 21 Nov 2026 21:04 +0000", 1795295040, 0 },
	{ "date: comment", "Sat, 21 Nov 2026 22:04:57 +0100 (CET (x))", 1795295097, 3600 },
	{ "date: comments between", "Sat,(a)21(b)Nov(c)2026(d)22:04:57(e)+0100", 1795295097, 3600 },
	{ "date: obs-zone", "Sat, 21 Nov 2026 16:04:57 EST", 1795295097, -18000 },
	{ "date: military zone", "Sat, 21 Nov 2026 21:04:57 Z", 1795295097, 0 },
	{ "date: no zone", "Sat, 21 Nov 2026 21:04:57", 1795295097, 0 },
	{ "date: two digits", "21 Nov 26 21:04:57 +0000", 1795295097, 0 },
	{ "date: two digits, last century", "1 Jan 70 00:00:01 +0000", 1, 0 },
	{ "date: three digits", "1 Jan 100 00:00:00 +0000", 946684800, 0 },
	{ "date: asctime", "Sat Nov 21 21:04:57 2026", 1795295097, 0 },
	{ "date: dashes", "21-Nov-2026 22:04:57 +0100", 1795295097, 3600 },
	{ "date: no blank before the zone", "21 Nov 2026 16:04:57-0500", 1795295097, -18000 },
	{ "date: nor before a plus", "21 Nov 2026 22:04:57+0100", 1795295097, 3600 },
	{ "date: folded", "Sat,\r\n 21 Nov 2026\r\n\t21:04:57 +0000", 1795295097, 0 },
	{ "date: one digit", "1 Feb 2026 01:02:03 +0000", 1769907723, 0 },
	{ "date: long names", "Saturday, 21 November 2026 21:04:57 +0000", 1795295097, 0 },
	{ "date: leap second", "31 Dec 2016 23:59:60 +0000", 1483228800, 0 },
	{ "date: no date", "yesterday", -1, 0 },
	{ "date: empty", "", -1, 0 },
	{ "date: no time", "21 Nov 2026", -1, 0 },
	{ "date: day 32", "32 Nov 2026 21:04:57 +0000", -1, 0 },
	{ "date: hour 25", "21 Nov 2026 25:04:57 +0000", -1, 0 },
	{ "date: huge year", "21 Nov 20260 21:04:57 +0000", -1, 0 },
};

static void
run_date(void **arg)
{
	const struct date_row *t = *arg;
	struct rfc5322_date d = { 0, 0 };
	int r = rfc5322_parse_date(bytes_from_str(t->in), &d);

	assert_int_equal(r, t->utc < 0 ? ERR_SYNTAX : ERR_OK);
	if (r == ERR_OK) {
		assert_int_equal(d.utc, t->utc);
		assert_int_equal(d.zone_secs, t->zone);
	}
}

/* --- message ids ------------------------------------------------------------------ */

static const struct text_row id_rows[] = {
	{ "msgid: one", "<a@b>", "<a@b> " },
	{ "msgid: some", "<a@b> <c@d>\r\n <e@f>", "<a@b> <c@d> <e@f> " },
	{ "msgid: words between", "Your message <a@b> of today <c@d>.", "<a@b> <c@d> " },
	{ "msgid: broken", "<<a@b> > <c@d", "<a@b> " },
	{ "msgid: none", "a@b", "" },
};

static void
run_id(void **arg)
{
	const struct text_row *t = *arg;
	struct bytes rest = bytes_from_str(t->in), id;
	struct buf out = BUF_INIT;

	while (rfc5322_msgid_next(&rest, &id)) {
		buf_put_bytes(&out, id);
		buf_put_u8(&out, ' ');
	}
	assert_string_equal(buf_str(&out), t->out);
	buf_free(&out);
}

int
main(void)
{
	struct CMUnitTest tests[200];
	size_t n = 0;

	ADD_ROWS(tests, n, field_rows, run_fields);
	ADD_ROWS(tests, n, unfold_rows, run_unfold);
	ADD_ROWS(tests, n, crlf_rows, run_crlf);
	ADD_ROWS(tests, n, address_rows, run_address);
	ADD_ROWS(tests, n, date_rows, run_date);
	ADD_ROWS(tests, n, id_rows, run_id);
	tests[n++] = (struct CMUnitTest)cmocka_unit_test(test_address_is_linear);
	return _cmocka_run_group_tests("proto/rfc5322", tests, n, NULL, NULL);
}
