/* SPDX-License-Identifier: ISC */
/*
 * tests/unit/mailauth/test_spf.c - checks of SPF beyond the suite of the RFC: what is told beside
 * the verdict, limits, what libspf2 alone would get wrong, many checks at once, cancelling.
 */
#include <stdio.h>
#include <stdlib.h>

#include "cases.h"
#include "spf.h"
#include "zone_dns.h"

#define ROWS_MAX 8

struct outcome {
	unsigned done;
	enum spf_verdict verdict;
	char domain[256], mechanism[128], explanation[SPF_EXPLANATION_MAX + 1], problem[512];
	unsigned lookups, void_lookups;
	struct buf steps;
};

static void
on_done(void *arg, const struct spf_result *r)
{
	struct outcome *o = arg;

	o->done++;
	o->verdict = r->verdict;
	(void)bytes_to_str(r->domain, o->domain, sizeof(o->domain));
	(void)bytes_to_str(r->mechanism, o->mechanism, sizeof(o->mechanism));
	(void)bytes_to_str(r->explanation, o->explanation, sizeof(o->explanation));
	(void)bytes_to_str(r->problem, o->problem, sizeof(o->problem));
	o->lookups = r->lookups;
	o->void_lookups = r->void_lookups;
}

static void
on_step(void *arg, struct bytes line)
{
	struct outcome *o = arg;

	buf_put_bytes(&o->steps, line);
	buf_put_u8(&o->steps, '\n');
}

static struct spf_question
question(const char *client, const char *mail_from)
{
	struct spf_question q = { .identity = SPF_MAIL_FROM,
		.helo = BYTES_LITERAL("helo.example.org"),
		.mail_from = bytes_from_str(mail_from),
		.receiver = BYTES_LITERAL("mx.example.net"),
		.now = 1 };

	assert_int_equal(ip_block_parse(bytes_from_str(client), &q.client), ERR_OK);
	return q;
}

/* A zone, and an engine. */
struct world {
	struct zone_dns zone;
	struct spf_engine *engine;
	struct mailauth_dns dns;
	struct outcome o; /* of the last check */
};

static struct world *
set_up(void)
{
	struct world *w = xcalloc(1, sizeof(*w));

	w->engine = spf_engine_new();
	w->dns = zone_dns_way(&w->zone);
	return w;
}

static void
tear_down(struct world *w)
{
	spf_engine_free(w->engine);
	zone_dns_reset(&w->zone);
	buf_free(&w->o.steps);
	free(w);
}

PRINTF_LIKE(2, 3) static void add(struct world *w, const char *format, ...)
{
	struct buf line = BUF_INIT;
	va_list ap;

	va_start(ap, format);
	buf_vprintf(&line, format, ap);
	va_end(ap);
	zone_dns_add(&w->zone, buf_bytes(&line));
	buf_free(&line);
}

/* With answers at once it has ended: its verdict. */
static enum spf_verdict
check(struct world *w, const char *client, const char *mail_from)
{
	struct spf_question q = question(client, mail_from);

	w->o.done = 0;
	w->zone.asked = 0;
	assert_null(spf_start(w->engine, &w->dns, &q, on_done, on_step, &w->o));
	assert_int_equal(w->o.done, 1);
	return w->o.verdict;
}

/* ---- one check each ---- */

#define X64 "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx"

static const struct row {
	const char *label;
	const char *zone[ROWS_MAX];
	const char *client, *mail_from;
	enum spf_verdict verdict;
	const char *domain, *mechanism, *explanation; /* NULL: not looked at */
} rows[] = {
	{ "the mechanism as written",
		{ "x.org TXT \"v=spf1 A:%{d}/24 -all\"", "x.org A 192.0.2.9" }, "192.0.2.1",
		"a@x.org", SPF_PASS, "x.org", "A:%{d}/24", "" },
	{ "nothing matches", { "x.org TXT \"v=spf1\"" }, "192.0.2.1", "a@x.org", SPF_NEUTRAL,
		"x.org", "default", "" },
	{ "the include that matches",
		{ "x.org TXT \"v=spf1 include:y.org -all\"",
			"y.org TXT \"v=spf1 ip4:192.0.2.1 -all exp=e.y.org\"" },
		"192.0.2.1", "a@x.org", SPF_PASS, "x.org", "include:y.org", "" },
	{ "the mechanism behind a redirect, and its explanation",
		{ "x.org TXT \"v=spf1 redirect=y.org exp=no.x.org\"",
			"y.org TXT \"v=spf1 -all exp=e.%{d}\"",
			"e.y.org TXT \"not %{c} of %{d}\"" },
		"192.0.2.1", "a@x.org", SPF_FAIL, "x.org", "-all", "not 192.0.2.1 of y.org" },
	{ "no explanation of an included domain",
		{ "x.org TXT \"v=spf1 include:y.org -all\"",
			"y.org TXT \"v=spf1 -all exp=e.y.org\"", "e.y.org TXT \"no\"" },
		"192.0.2.1", "a@x.org", SPF_FAIL, "x.org", "-all", "" },
	{ "an explanation too long",
		{ "x.org TXT \"v=spf1 -all exp=e.x.org\"",
			"e.x.org TXT "
			"\"%{l}%{l}%{l}%{l}%{l}%{l}%{l}%{l}%{l}%{l}%{l}%{l}%{l}%{l}\"" },
		"192.0.2.1", "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa@x.org",
		SPF_FAIL, "x.org", "-all", "" },
	{ "an explanation with a local-part that is not ASCII",
		{ "x.org TXT \"v=spf1 -all exp=e.x.org\"", "e.x.org TXT \"%{l} may not\"" },
		"192.0.2.1", "\xc3\xa4@x.org", SPF_FAIL, "x.org", "-all", "" },
	{ "an explanation that tries to end the line",
		{ "x.org TXT \"v=spf1 -all exp=e.x.org\"", "e.x.org TXT \"a\\013\\010250 ok\"" },
		"192.0.2.1", "a@x.org", SPF_FAIL, "x.org", "-all", "" },
	{ "loopback has no privilege", { "x.org TXT \"v=spf1 -all\"" }, "127.0.0.1", "a@x.org",
		SPF_FAIL, "x.org", "-all", NULL },
	{ "nor that of IPv6", { "x.org TXT \"v=spf1 -all\"" }, "::1", "a@x.org", SPF_FAIL, "x.org",
		"-all", NULL },
	{ "an IPv4 client in IPv6's clothes", { "x.org TXT \"v=spf1 ip4:192.0.2.1 -all\"" },
		"::ffff:192.0.2.1", "a@x.org", SPF_PASS, NULL, "ip4:192.0.2.1", NULL },
	{ "prefix 0 of ip4", { "x.org TXT \"v=spf1 ip4:10.0.0.1/0 -all\"" }, "192.0.2.1", "a@x.org",
		SPF_PASS, NULL, NULL, NULL },
	{ "which says nothing about IPv6", { "x.org TXT \"v=spf1 ip4:10.0.0.1/0 -all\"" }, "::2",
		"a@x.org", SPF_FAIL, NULL, NULL, NULL },
	{ "prefix 0 of ip6", { "x.org TXT \"v=spf1 ip6:::/0 -all\"" }, "2001:db8::1", "a@x.org",
		SPF_PASS, NULL, NULL, NULL },
	{ "prefix 0 of a", { "x.org TXT \"v=spf1 a/0 -all\"", "x.org A 10.0.0.1" }, "192.0.2.1",
		"a@x.org", SPF_PASS, NULL, NULL, NULL },
	{ "which wants an address", { "x.org TXT \"v=spf1 a/0 -all\"", "x.org AAAA ::1" },
		"192.0.2.1", "a@x.org", SPF_FAIL, NULL, NULL, NULL },
	{ "prefix 0 of mx, IPv6",
		{ "x.org TXT \"v=spf1 mx//0 -all\"", "x.org MX 1 m.x.org", "m.x.org AAAA ::2" },
		"2001:db8::1", "a@x.org", SPF_PASS, NULL, NULL, NULL },
	{ "prefixes of both families",
		{ "x.org TXT \"v=spf1 a/24//32 -all\"", "x.org AAAA 2001:db8:1::1" },
		"2001:db8:2::1", "a@x.org", SPF_PASS, NULL, "a/24//32", NULL },
	{ "the last bit of a prefix", { "x.org TXT \"v=spf1 ip4:192.0.2.0/31 -all\"" }, "192.0.2.2",
		"a@x.org", SPF_FAIL, NULL, NULL, NULL },
	{ "a null MX", { "x.org TXT \"v=spf1 mx -all\"", "x.org MX 0 ." }, "192.0.2.1", "a@x.org",
		SPF_FAIL, NULL, NULL, NULL },
	{ "an include of itself", { "x.org TXT \"v=spf1 include:x.org\"" }, "192.0.2.1", "a@x.org",
		SPF_PERMERROR, NULL, "", NULL },
	{ "a redirect to itself", { "x.org TXT \"v=spf1 redirect=x.org\"" }, "192.0.2.1", "a@x.org",
		SPF_PERMERROR, NULL, "", NULL },
	{ "two void look-ups", { "x.org TXT \"v=spf1 a:n.x.org a:n.x.org -all\"" }, "192.0.2.1",
		"a@x.org", SPF_FAIL, NULL, NULL, NULL },
	{ "three", { "x.org TXT \"v=spf1 a:n.x.org a:n.x.org a:n.x.org -all\"" }, "192.0.2.1",
		"a@x.org", SPF_PERMERROR, NULL, NULL, NULL },
	{ "three, of them one of the client's names",
		{ "x.org TXT \"v=spf1 a:n.x.org ptr exists:n.x.org -all\"" }, "192.0.2.1",
		"a@x.org", SPF_PERMERROR, NULL, NULL, NULL },
	{ "hosts of an mx without addresses are not counted",
		{ "x.org TXT \"v=spf1 mx mx mx -all\"", "x.org MX 1 m.x.org",
			"m.x.org A 10.0.0.1" },
		"2001:db8::1", "a@x.org", SPF_FAIL, NULL, "-all", NULL },
	{ "no answer about an mx's host",
		{ "x.org TXT \"v=spf1 mx -all\"", "x.org MX 1 m.x.org", "m.x.org TIMEOUT" },
		"192.0.2.1", "a@x.org", SPF_TEMPERROR, NULL, "", NULL },
	{ "no answer about a name of the client",
		{ "x.org TXT \"v=spf1 ptr -all\"", "1.2.0.192.in-addr.arpa PTR m.x.org",
			"m.x.org TIMEOUT" },
		"192.0.2.1", "a@x.org", SPF_FAIL, NULL, "-all", NULL },
	{ "a name of the client that is only similar",
		{ "x.org TXT \"v=spf1 ptr -all\"", "1.2.0.192.in-addr.arpa PTR m.ex.org",
			"m.ex.org A 192.0.2.1" },
		"192.0.2.1", "a@x.org", SPF_FAIL, NULL, "-all", NULL },
	{ "no label is made of a local-part that is not ASCII",
		{ "x.org TXT \"v=spf1 exists:%{l}.x.org -all\"", "\\195\\164.x.org A 127.0.0.2" },
		"192.0.2.1", "\xc3\xa4@x.org", SPF_FAIL, NULL, "-all", NULL },
	{ "an octet with a meaning in a name",
		{ "x.org TXT \"v=spf1 exists:%{l}.x.org -all\"", "a\\064b.x.org A 127.0.0.2" },
		"192.0.2.1", "\"a@b\"@x.org", SPF_FAIL, NULL, "-all", NULL },
	{ "a reverse-path of more than 512 octets", { "x.org TXT \"v=spf1 +all\"" }, "192.0.2.1",
		X64 X64 X64 X64 X64 X64 X64 X64 "@x.org", SPF_NONE, "", "", NULL },
	{ "U-labels",
		{ "xn--bcher-kva.example TXT \"v=spf1 exists:%{o}.x.org\"",
			"xn--bcher-kva.example.x.org A 127.0.0.2" },
		"192.0.2.1", "a@b\303\274cher.example", SPF_PASS, "xn--bcher-kva.example", NULL,
		NULL },
	{ "none that could be", { "x.org TXT \"v=spf1 +all\"" }, "192.0.2.1", "a@\xff.x.org",
		SPF_NONE, "", NULL, NULL },
	{ "no dot in the domain", { "org TXT \"v=spf1 +all\"" }, "192.0.2.1", "a@org", SPF_NONE, "",
		"", NULL },
	{ "an address as domain", { "192.0.2.1 TXT \"v=spf1 +all\"" }, "192.0.2.1", "a@192.0.2.1",
		SPF_NONE, "", NULL, NULL },
	{ "a null reverse-path",
		{ "helo.example.org TXT \"v=spf1 exists:%{s}.x.org\"",
			"postmaster\\064helo.example.org.x.org A 127.0.0.2" },
		"192.0.2.1", "", SPF_PASS, "helo.example.org", NULL, NULL },
};

static void
test_row(void **arg)
{
	const struct row *t = *arg;
	struct world *w = set_up();

	for (size_t i = 0; i < ROWS_MAX && t->zone[i] != NULL; i++)
		zone_dns_add(&w->zone, bytes_from_str(t->zone[i]));
	assert_string_equal(
		spf_verdict_name(check(w, t->client, t->mail_from)), spf_verdict_name(t->verdict));
	if (t->domain != NULL)
		assert_string_equal(w->o.domain, t->domain);
	if (t->mechanism != NULL)
		assert_string_equal(w->o.mechanism, t->mechanism);
	if (t->explanation != NULL)
		assert_string_equal(w->o.explanation, t->explanation);
	tear_down(w);
}

/* libspf2 drops the terms of a record behind 511 octets of its own form. */
static void
test_many_terms(void **state)
{
	struct world *w = set_up();
	struct buf line = BUF_INIT;

	buf_put_str(&line, "x.org TXT \"v=spf1\"");
	for (int i = 0; i < 200; i++)
		buf_printf(&line, " \" ip4:10.0.0.%d\"", i);
	buf_put_str(&line, " \" -all\"");
	zone_dns_add(&w->zone, buf_bytes(&line));
	assert_int_equal(check(w, "192.0.2.1", "a@x.org"), SPF_FAIL);
	assert_int_equal(check(w, "10.0.0.199", "a@x.org"), SPF_PASS);
	buf_free(&line);
	tear_down(w);
}

/* The worst record costs no more than it may: ten terms, each of them an mx of ten hosts. */
static void
test_amplification(void **state)
{
	struct world *w = set_up();

	add(w, "x.org TXT \"v=spf1 mx mx mx mx mx mx mx mx mx include:x.org\"");
	for (int i = 0; i < 10; i++)
		add(w, "x.org MX %d m%d.x.org", i, i);
	assert_int_equal(check(w, "192.0.2.1", "a@x.org"), SPF_PERMERROR);
	assert_int_equal(w->o.lookups, 10);
	assert_int_equal(w->zone.asked, 1 + 9 * 11 + 1);
	/* one host more, and nothing of it is looked up */
	add(w, "x.org MX 10 m10.x.org");
	assert_int_equal(check(w, "192.0.2.1", "a@x.org"), SPF_PERMERROR);
	assert_int_equal(w->zone.asked, 2);
	tear_down(w);
}

/* ---- many at once, and cancelled anywhere ---- */

#define MANY 1000

static struct world *
set_up_for_later(void)
{
	static const char *const lines[] = {
		"x.org TXT \"v=spf1 a:%{l}.%{d} exists:%{p}.%{d} include:y.org -all exp=e.x.org\"",
		"y.org TXT \"v=spf1 mx ptr include:z.org ?all\"",
		"z.org TXT \"v=spf1 a ip4:192.0.2.77 -all\"",
		"y.org MX 1 m1.x.org",
		"y.org MX 2 m2.x.org",
		"m1.x.org A 10.0.0.1",
		"m2.x.org A 10.0.0.2",
		"z.org A 10.0.0.3",
		"1.2.0.192.in-addr.arpa PTR n1.w.org",
		"1.2.0.192.in-addr.arpa PTR n2.w.org",
		"n2.w.org A 192.0.2.1",
		"e.x.org TXT \"%{i} is not ours, %{p}\"",
	};
	struct world *w = set_up();

	for (size_t i = 0; i < NITEMS(lines); i++)
		zone_dns_add(&w->zone, bytes_from_str(lines[i]));
	for (int i = 0; i < 16; i++)
		add(w, "u%d.x.org A 10.1.0.%d", i, i);
	w->zone.later = true;
	w->zone.random = 42;
	return w;
}

static void
test_many(void **state)
{
	static struct outcome o[MANY];
	struct world *w = set_up_for_later();

	for (int i = 0; i < MANY; i++) {
		char client[32], from[32];
		struct spf_question q;

		(void)snprintf(
			client, sizeof(client), i % 2 == 0 ? "10.1.0.%d" : "192.0.2.1", i % 16);
		(void)snprintf(from, sizeof(from), "u%d@x.org", i % 16);
		q = question(client, from);
		assert_non_null(spf_start(w->engine, &w->dns, &q, on_done, NULL, &o[i]));
	}
	assert_int_equal(w->zone.waiting, MANY);
	while (zone_dns_answer(&w->zone))
		;
	for (int i = 0; i < MANY; i++) {
		assert_int_equal(o[i].done, 1);
		assert_int_equal(o[i].verdict, i % 2 == 0 ? SPF_PASS : SPF_FAIL);
		if (i % 2 != 0)
			assert_string_equal(o[i].explanation, "192.0.2.1 is not ours, n2.w.org");
	}
	tear_down(w);
}

/* After each number of answers: nothing is told, nothing stays behind (LeakSanitizer looks). */
static void
test_cancel(void **state)
{
	struct world *w = set_up_for_later();
	struct spf_question q = question("192.0.2.1", "u1@x.org");

	for (unsigned answers = 0; w->o.done == 0; answers++) {
		struct spf_check *c = spf_start(w->engine, &w->dns, &q, on_done, on_step, &w->o);

		assert_true(answers < 100);
		for (unsigned i = 0; i < answers && w->o.done == 0; i++)
			assert_true(zone_dns_answer(&w->zone));
		if (w->o.done > 0)
			break;
		spf_cancel(c);
		while (zone_dns_answer(&w->zone)) /* what comes too late */
			;
		assert_int_equal(w->o.done, 0);
	}
	spf_cancel(NULL);
	tear_down(w);
}

/* ---- the steps ---- */

static void
test_steps(void **state)
{
	struct world *w = set_up();

	add(w, "x.org TXT \"v=spf1 mx include:y.org -all\"");
	add(w, "x.org MX 1 m.x.org");
	add(w, "m.x.org A 10.0.0.1");
	add(w, "y.org TXT \"v=spf1 a ?all\"");
	assert_int_equal(check(w, "192.0.2.1", "u1@x.org"), SPF_FAIL);
	assert_string_equal(buf_str(&w->o.steps), "x.org: v=spf1 mx include:y.org -all\n"
						  "MX of x.org: 1 m.x.org.\n"
						  "A of m.x.org: 10.0.0.1\n"
						  "mx: no match\n"
						  "  y.org: v=spf1 a ?all\n"
						  "  A of y.org: nodata\n"
						  "  a: no match\n"
						  "  ?all: neutral\n"
						  "include:y.org: no match\n"
						  "-all: fail\n");
	tear_down(w);
}

static void
test_no_address(void **state)
{
	struct world *w = set_up();
	struct spf_question q = question("192.0.2.1", "a@x.org");

	add(w, "x.org TXT \"v=spf1 +all\"");
	q.client = (struct ip_block){ 0 };
	assert_null(spf_start(w->engine, &w->dns, &q, on_done, NULL, &w->o));
	assert_int_equal(w->o.verdict, SPF_NONE);
	assert_int_equal(w->zone.asked, 0);
	tear_down(w);
}

int
main(void)
{
	struct CMUnitTest tests[NITEMS(rows) + 6] = {
		cmocka_unit_test(test_many_terms),
		cmocka_unit_test(test_amplification),
		cmocka_unit_test(test_many),
		cmocka_unit_test(test_cancel),
		cmocka_unit_test(test_steps),
		cmocka_unit_test(test_no_address),
	};
	size_t n = 6;

	ADD_ROWS(tests, n, rows, test_row);
	return cmocka_run_group_tests_name("spf", tests, NULL, NULL);
}
