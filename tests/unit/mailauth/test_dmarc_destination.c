/* SPDX-License-Identifier: ISC */
/* tests/unit/mailauth/test_dmarc_destination.c - to whom reports go: RFC 9990 sec. 4. */
#include "../base/cases.h"

#include <limits.h>
#include <stdlib.h>

#include "dmarc_destination.h"
#include "zone_dns.h"

#define RECORD "_dmarc.example.org TXT \"v=DMARC1; p=none\""
#define OTHER  "_dmarc.example.net TXT \"v=DMARC1; p=none\""

static const struct row {
	const char *label, *domain, *rua;
	const char *zone; /* lines */
	const char *to;   /* with blanks between */
	size_t unknown, refused;
} rows[] = {
	{ "the domain itself", "example.org", "mailto:a@example.org", RECORD, "a@example.org", 0,
		0 },
	{ "capitals", "example.org", "mailto:A@Example.ORG", RECORD, "A@Example.ORG", 0, 0 },
	{ "below it", "example.org", "mailto:a@x.example.org", RECORD, "a@x.example.org", 0, 0 },
	{ "above it", "x.example.org", "mailto:a@example.org",
		RECORD "\n_dmarc.x.example.org TXT \"v=DMARC1; p=none\"", "a@example.org", 0, 0 },
	{ "another, who says nothing", "example.org", "mailto:a@example.net", RECORD "\n" OTHER, "",
		0, 1 },
	{ "another, who wants it", "example.org", "mailto:a@example.net",
		RECORD "\n" OTHER "\nexample.org._report._dmarc.example.net TXT \"v=DMARC1\"",
		"a@example.net", 0, 0 },
	{ "another, who wants it for any", "example.org", "mailto:a@example.net",
		RECORD "\nexample.org._report._dmarc.example.net TXT \"v=DMARC1;\"",
		"a@example.net", 0, 0 },
	{ "another, who has other text there", "example.org", "mailto:a@example.net",
		RECORD "\nexample.org._report._dmarc.example.net TXT \"yes\"", "", 0, 1 },
	{ "several records of consent", "example.org", "mailto:a@example.net",
		RECORD "\nexample.org._report._dmarc.example.net TXT \"v=DMARC1\""
		       "\nexample.org._report._dmarc.example.net TXT \"v=DMARC1\"",
		"a@example.net", 0, 0 },
	{ "another mailbox of that host", "example.org", "mailto:a@example.net",
		RECORD "\nexample.org._report._dmarc.example.net TXT "
		       "\"v=DMARC1; rua=mailto:b@example.net\"",
		"b@example.net", 0, 0 },
	{ "a mailbox of a third host", "example.org", "mailto:a@example.net",
		RECORD "\nexample.org._report._dmarc.example.net TXT "
		       "\"v=DMARC1; rua=mailto:b@victim.example\"",
		"", 0, 1 },
	{ "consent to another domain", "example.org", "mailto:a@example.net",
		RECORD "\nexample.com._report._dmarc.example.net TXT \"v=DMARC1\"", "", 0, 1 },
	{ "a sibling that is its own organization", "a.example.org", "mailto:a@b.example.org",
		"_dmarc.a.example.org TXT \"v=DMARC1; p=none; psd=n\"\n" RECORD, "", 0, 1 },
	{ "a web page", "example.org", "https://example.org/report", RECORD, "", 0, 1 },
	{ "one of two", "example.org", "mailto:a@example.net,mailto:b@example.org", RECORD,
		"b@example.org", 0, 1 },
	{ "the same twice", "example.org", "mailto:a@example.org,mailto:A@example.org", RECORD,
		"a@example.org", 0, 0 },
	{ "no answer for consent", "example.org", "mailto:a@example.net",
		RECORD "\nexample.org._report._dmarc.example.net TIMEOUT", "", 1, 0 },
	{ "no answer for the walk, but consent", "example.org", "mailto:a@example.net",
		RECORD "\n_dmarc.example.net TIMEOUT\n"
		       "example.org._report._dmarc.example.net TXT \"v=DMARC1\"",
		"a@example.net", 0, 0 },
	{ "no address", "example.org", "", RECORD, "", 0, 0 },
};

struct got {
	bool done;
	struct buf to;
	size_t unknown, refused;
};

static void
on_done(void *arg, const struct dmarc_destinations *d)
{
	struct got *g = arg;

	assert_false(g->done);
	g->done = true;
	for (size_t i = 0; i < d->n; i++)
		buf_printf(&g->to, "%s%.*s", i == 0 ? "" : " ", (int)d->mailbox[i].n,
			(const char *)d->mailbox[i].p);
	g->unknown = d->unknown;
	g->refused = d->refused;
}

static void
run(const struct row *t, bool later, unsigned give_up)
{
	struct zone_dns *z = xcalloc(1, sizeof(*z));
	struct bytes zone = bytes_from_str(t->zone), rest = bytes_from_str(t->rua);
	struct mailauth_dns dns;
	struct dmarc_asking *a;
	struct dmarc_uris rua = { 0 };
	struct got g = { .to = BUF_INIT };

	while (zone.n > 0)
		zone_dns_add(z, bytes_cut(&zone, '\n'));
	while (rest.n > 0)
		rua.uri[rua.n++] = bytes_cut(&rest, ',');
	z->later = later;
	dns = zone_dns_way(z);
	a = dmarc_destinations_new(&dns);
	dmarc_destinations_run(a, bytes_from_str(t->domain), &rua, on_done, &g);
	for (unsigned i = 0; i < give_up && zone_dns_answer(z); i++)
		;
	dmarc_destinations_free(&a);
	while (zone_dns_answer(z))
		;
	if (give_up == UINT_MAX) {
		assert_true(g.done);
		assert_string_equal(buf_str(&g.to), t->to);
		assert_int_equal(g.unknown, t->unknown);
		assert_int_equal(g.refused, t->refused);
	}
	buf_free(&g.to);
	zone_dns_reset(z);
	free(z);
}

static void
run_row(void **arg)
{
	run(*arg, false, UINT_MAX);
	run(*arg, true, UINT_MAX);
	for (unsigned i = 0; i < 6; i++)
		run(*arg, true, i);
}

int
main(void)
{
	TABLE_TESTS(tests, rows, run_row);
	return cmocka_run_group_tests_name("mailauth/dmarc_destination", tests, NULL, NULL);
}
