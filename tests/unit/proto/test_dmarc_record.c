/* SPDX-License-Identifier: ISC */
/* tests/unit/proto/test_dmarc_record.c - what a DMARC record says; addresses for reports. What
 * follows from it for a message is in tests/unit/mailauth/test_dmarc.c. */
#include "../base/cases.h"

#include "dmarc_record.h"

#define n DMARC_NONE
#define q DMARC_QUARANTINE
#define r DMARC_REJECT

static const struct row {
	const char *label, *record;
	int err;
	enum dmarc_policy p, sp, np;
	const char *flags; /* d: adkim=s, s: aspf=s, t: t=y, y or n: psd, !: a problem is told */
	const char *fo;
	const char *rua; /* with blanks between */
} rows[] = {
	{ "the least", "v=DMARC1;p=none", ERR_OK, n, n, n, "", "0", "" },
	{ "all there is",
		"v=DMARC1; p=reject; sp=quarantine; np=none; adkim=s; aspf=s; t=y; psd=n; "
		"fo=1:d:s; "
		"rua=mailto:a@example.org; ruf=mailto:b@example.org",
		ERR_OK, r, q, n, "dstn", "1:d:s", "mailto:a@example.org" },
	{ "psd=y", "v=DMARC1; p=none; psd=y", ERR_OK, n, n, n, "y", "0", "" },
	{ "sp follows p", "v=DMARC1; p=reject", ERR_OK, r, r, r, "", "0", "" },
	{ "np follows sp", "v=DMARC1; p=none; sp=reject", ERR_OK, n, r, r, "", "0", "" },
	{ "np alone", "v=DMARC1; p=none; np=reject", ERR_OK, n, n, r, "", "0", "" },
	{ "blanks of both kinds", "v =\tDMARC1\t; p = reject\t", ERR_OK, r, r, r, "", "0", "" },
	{ "blanks in front", " v=DMARC1; p=reject", ERR_NOT_FOUND, n, n, n, "", "0", "" },
	{ "empty", "", ERR_NOT_FOUND, n, n, n, "", "0", "" },
	{ "v alone", "v", ERR_NOT_FOUND, n, n, n, "", "0", "" },
	{ "v=DMARC1 alone", "v=DMARC1", ERR_SYNTAX, n, n, n, "!", "0", "" },
	{ "v=DMARC11", "v=DMARC11; p=none", ERR_NOT_FOUND, n, n, n, "", "0", "" },
	{ "v=DMARC1=", "v=DMARC1=; p=none", ERR_NOT_FOUND, n, n, n, "", "0", "" },
	{ "two addresses", "v=DMARC1; p=none; rua=mailto:a@a.example , mailto:b@b.example", ERR_OK,
		n, n, n, "", "0", "mailto:a@a.example mailto:b@b.example" },
	{ "sizes of old", "v=DMARC1; p=none; rua=mailto:a@a.example!50m,mailto:b@b.example!1",
		ERR_OK, n, n, n, "", "0", "mailto:a@a.example mailto:b@b.example" },
	{ "a size that is none", "v=DMARC1; p=none; rua=mailto:a@a.example!x", ERR_OK, n, n, n, "!",
		"0", "" },
	{ "an empty place in the list", "v=DMARC1; p=none; rua=mailto:a@a.example,,", ERR_OK, n, n,
		n, "!", "0", "mailto:a@a.example" },
	{ "no URI", "v=DMARC1; p=none; rua=a@a.example", ERR_OK, n, n, n, "!", "0", "" },
	{ "a scheme alone", "v=DMARC1; p=none; rua=mailto:", ERR_OK, n, n, n, "!", "0", "" },
	{ "a blank in a URI", "v=DMARC1; p=none; rua=mailto:a b@a.example", ERR_OK, n, n, n, "!",
		"0", "" },
	{ "more than eight", "v=DMARC1; p=none; rua=a:1,a:2,a:3,a:4,a:5,a:6,a:7,a:8,a:9", ERR_OK, n,
		n, n, "!", "0", "a:1 a:2 a:3 a:4 a:5 a:6 a:7 a:8" },
	{ "fo: one", "v=DMARC1; p=none; fo=s", ERR_OK, n, n, n, "", "s", "" },
	{ "fo: in any order", "v=DMARC1; p=none; fo=S:0:d", ERR_OK, n, n, n, "", "0:d:s", "" },
	{ "fo: 0 and 1", "v=DMARC1; p=none; fo=0:1", ERR_OK, n, n, n, "!", "0", "" },
	{ "fo: twice", "v=DMARC1; p=none; fo=d:d", ERR_OK, n, n, n, "!", "0", "" },
	{ "fo: empty", "v=DMARC1; p=none; fo=", ERR_OK, n, n, n, "!", "0", "" },
	{ "fo: unknown", "v=DMARC1; p=none; fo=x", ERR_OK, n, n, n, "!", "0", "" },
	{ "a bad letter", "v=DMARC1; p=none; adkim=x", ERR_OK, n, n, n, "!", "0", "" },
	{ "p twice", "v=DMARC1; p=reject; p=none", ERR_OK, r, r, r, "!", "0", "" },
	{ "p empty, then p", "v=DMARC1; p=; p=none; rua=mailto:a@a.example", ERR_OK, n, n, n, "!",
		"0", "mailto:a@a.example" },
	{ "bad sp takes p with it", "v=DMARC1; p=reject; sp=x; rua=mailto:a@a.example", ERR_OK, n,
		n, n, "!", "0", "mailto:a@a.example" },
};

#undef n
#undef q
#undef r

static void
run_row(void **arg)
{
	const struct row *t = *arg;
	struct dmarc_record m;
	struct buf rua = BUF_INIT;
	char flags[8] = "", fo[16];
	size_t n = 0;

	assert_int_equal(dmarc_record_parse(bytes_from_str(t->record), &m), t->err);
	assert_int_equal(dmarc_record_is_one(bytes_from_str(t->record)), t->err != ERR_NOT_FOUND);
	if (t->err == ERR_NOT_FOUND)
		return;
	assert_int_equal(m.p, t->p);
	assert_int_equal(m.sp, t->sp);
	assert_int_equal(m.np, t->np);
	if (m.adkim_strict)
		flags[n++] = 'd';
	if (m.aspf_strict)
		flags[n++] = 's';
	if (m.testing)
		flags[n++] = 't';
	if (m.psd != DMARC_PSD_U)
		flags[n++] = m.psd == DMARC_PSD_Y ? 'y' : 'n';
	if (m.problem != NULL)
		flags[n++] = '!';
	assert_string_equal(flags, t->flags);
	assert_string_equal(dmarc_fo_text(m.fo, fo), t->fo);
	for (size_t i = 0; i < m.rua.n; i++)
		buf_printf(&rua, "%s%.*s", i == 0 ? "" : " ", (int)m.rua.uri[i].n,
			(const char *)m.rua.uri[i].p);
	assert_string_equal(buf_str(&rua), t->rua);
	buf_free(&rua);
}

static const struct address {
	const char *label, *uri;
	int err;
	const char *mailbox;
} addresses[] = {
	{ "plain", "mailto:a@example.org", ERR_OK, "a@example.org" },
	{ "capitals in the scheme", "MAILTO:a@example.org", ERR_OK, "a@example.org" },
	{ "percent", "mailto:a%2Bb%21c@example.org", ERR_OK, "a+b!c@example.org" },
	{ "a subject behind it", "mailto:a@example.org?subject=x", ERR_OK, "a@example.org" },
	{ "https", "https://example.org/", ERR_UNSUPPORTED, "" },
	{ "no domain", "mailto:a", ERR_SYNTAX, "" },
	{ "a literal", "mailto:a@[192.0.2.1]", ERR_SYNTAX, "" },
	{ "two of them", "mailto:a@example.org%2Cb@example.org", ERR_SYNTAX, "" },
	{ "a line end", "mailto:a%0D%0A@example.org", ERR_SYNTAX, "" },
	{ "a NUL", "mailto:a%00@example.org", ERR_SYNTAX, "" },
	{ "half an escape", "mailto:a%2", ERR_SYNTAX, "" },
	{ "8 bits", "mailto:\xc3\xa9@example.org", ERR_SYNTAX, "" },
	{ "nothing", "mailto:", ERR_SYNTAX, "" },
};

static void
run_address(void **arg)
{
	const struct address *t = *arg;
	struct buf out = BUF_INIT;

	buf_put_str(&out, ">");
	assert_int_equal(dmarc_mailto(bytes_from_str(t->uri), &out), t->err);
	assert_string_equal(buf_str(&out) + 1, t->mailbox);
	buf_free(&out);
}

int
main(void)
{
	struct CMUnitTest tests[NITEMS(rows) + NITEMS(addresses)];
	size_t n = 0;

	ADD_ROWS(tests, n, rows, run_row);
	ADD_ROWS(tests, n, addresses, run_address);
	return cmocka_run_group_tests_name("proto/dmarc_record", tests, NULL, NULL);
}
