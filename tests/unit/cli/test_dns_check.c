/* SPDX-License-Identifier: ISC */
/*
 * tests/unit/cli/test_dns_check.c - what is found when a domain's records are checked: all that is
 * planned is published, and each row changes one thing.
 */
#include "../base/cases.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <stdlib.h>

#include "dns_check.h"

#define KEY   "v=DKIM1; k=rsa; p=QUJD"
#define OTHER "v=DKIM1; k=rsa; p=WFla"

/* ---- a small DNS ---- */

struct fake {
	const struct dns_plan *plan;
	const struct change *change;
	bool secure;
	struct arena a;
	struct dns_answer answer;
};

struct extra {
	uint16_t type;
	const char *name, *data; /* TXT: the text; else as in a zone file */
};

/* What is there besides, in all rows. */
static const struct extra always[] = {
	{ DNS_TYPE_PTR, "1.2.0.192.in-addr.arpa", "mx.a.example" },
	{ DNS_TYPE_A, "mta-sts.a.example", "192.0.2.1" },
};

static const struct change {
	const char *label;
	struct extra gone;      /* no such records (data is not looked at) */
	struct extra add[3];    /* those instead, or besides */
	enum dns_status status; /* of what is gone; OK: NODATA */
	bool insecure, no_spf, no_keys, keys_unknown;
	const char *stranger; /* what SPF says of one: "pass" */
	const char *ours;     /* and of us; NULL: pass */
	enum dns_level level;
	const char *what, *text;
} rows[] = {
	{ "all is right", .level = DNS_RIGHT },
	{ "no MX", { DNS_TYPE_MX, "a.example", "" }, .level = DNS_WRONG, .what = "MX",
		.text = "there is no MX record" },
	{ "no such domain", { DNS_TYPE_MX, "a.example", "" }, .status = DNS_NXDOMAIN,
		.level = DNS_WRONG, .what = "MX", .text = "does not exist" },
	{ "MX not known", { DNS_TYPE_MX, "a.example", "" }, .status = DNS_TIMEOUT,
		.level = DNS_UNKNOWN, .what = "MX", .text = "MX could not be asked: timeout" },
	{ "bogus", { DNS_TYPE_MX, "a.example", "" }, .status = DNS_BOGUS, .level = DNS_UNKNOWN,
		.what = "MX", .text = "bogus" },
	{ "another's MX", { DNS_TYPE_MX, "a.example", "" },
		{ { DNS_TYPE_MX, "a.example", "10 other.example" },
			{ DNS_TYPE_A, "other.example", "192.0.2.5" } },
		.level = DNS_WRONG, .what = "MX", .text = "mx.a.example is none of its hosts" },
	{ "a null MX", { DNS_TYPE_MX, "a.example", "" }, { { DNS_TYPE_MX, "a.example", "0 ." } },
		.level = DNS_WRONG, .what = "MX", .text = "takes no mail" },
	{ "a second MX without address", .add = { { DNS_TYPE_MX, "a.example", "20 mx2.example" } },
		.level = DNS_WRONG, .what = "MX", .text = "it has no address" },
	{ "no address", { DNS_TYPE_A, "mx.a.example", "" }, .level = DNS_WRONG, .what = "address",
		.text = "it has no address" },
	{ "another address", { DNS_TYPE_A, "mx.a.example", "" },
		{ { DNS_TYPE_A, "mx.a.example", "192.0.2.2" },
			{ DNS_TYPE_PTR, "2.2.0.192.in-addr.arpa", "mx.a.example" } },
		.level = DNS_HINT, .what = "address", .text = "192.0.2.1 is ours" },
	{ "no PTR", { DNS_TYPE_PTR, "1.2.0.192.in-addr.arpa", "" }, .level = DNS_WRONG,
		.what = "PTR", .text = "the address has no name" },
	{ "a PTR that does not lead back", { DNS_TYPE_PTR, "1.2.0.192.in-addr.arpa", "" },
		{ { DNS_TYPE_PTR, "1.2.0.192.in-addr.arpa", "x.isp.example" } }, .level = DNS_WRONG,
		.what = "PTR", .text = "x.isp.example does not lead back" },
	{ "a PTR of another name", { DNS_TYPE_PTR, "1.2.0.192.in-addr.arpa", "" },
		{ { DNS_TYPE_PTR, "1.2.0.192.in-addr.arpa", "x.isp.example" },
			{ DNS_TYPE_A, "x.isp.example", "192.0.2.1" } },
		.level = DNS_HINT, .what = "PTR", .text = "its name is x.isp.example" },
	{ "no SPF", { DNS_TYPE_TXT, "a.example", "" }, .level = DNS_WRONG, .what = "SPF",
		.text = "there is none" },
	{ "SPF beside other texts", .add = { { DNS_TYPE_TXT, "a.example", "site=1" } },
		.level = DNS_RIGHT },
	{ "two SPF records", .add = { { DNS_TYPE_TXT, "a.example", "v=spf1 -all" } },
		.level = DNS_WRONG, .what = "SPF", .text = "there are 2" },
	{ "SPF with an error", { DNS_TYPE_TXT, "a.example", "" },
		{ { DNS_TYPE_TXT, "a.example", "v=spf1 ipv4:192.0.2.1 -all" } }, .level = DNS_WRONG,
		.what = "SPF", .text = "ipv4:192.0.2.1" },
	{ "SPF without us", .ours = "fail", .level = DNS_WRONG, .what = "SPF",
		.text = "mail from our address 192.0.2.1: fail" },
	{ "SPF for anybody", .stranger = "pass", .level = DNS_WRONG, .what = "SPF",
		.text = "anybody passes" },
	{ "SPF that says nothing", .stranger = "neutral", .level = DNS_HINT, .what = "SPF",
		.text = "neutral" },
	{ "SPF can't be checked", .no_spf = true, .level = DNS_UNKNOWN, .what = "SPF",
		.text = "mailauth-verify does not answer" },
	{ "no SPF of HELO", { DNS_TYPE_TXT, "mx.a.example", "" }, .level = DNS_HINT,
		.what = "SPF of HELO", .text = "there is none" },
	{ "no DKIM", { DNS_TYPE_TXT, "s1._domainkey.a.example", "" }, .level = DNS_WRONG,
		.what = "DKIM", .text = "there is none (key is active)" },
	{ "another DKIM key", { DNS_TYPE_TXT, "s1._domainkey.a.example", "" },
		{ { DNS_TYPE_TXT, "s1._domainkey.a.example", OTHER } }, .level = DNS_WRONG,
		.what = "DKIM", .text = "it has another key" },
	{ "the same DKIM key in other words", { DNS_TYPE_TXT, "s1._domainkey.a.example", "" },
		{ { DNS_TYPE_TXT, "s1._domainkey.a.example", "p=QU JD" } }, .level = DNS_RIGHT },
	{ "a DKIM key that is revoked", { DNS_TYPE_TXT, "s1._domainkey.a.example", "" },
		{ { DNS_TYPE_TXT, "s1._domainkey.a.example", "v=DKIM1; p=" } }, .level = DNS_WRONG,
		.what = "DKIM", .text = "revoked" },
	{ "no record of a key that retires", { DNS_TYPE_TXT, "s0._domainkey.a.example", "" },
		.level = DNS_HINT, .what = "DKIM", .text = "key is retiring" },
	{ "no key", .no_keys = true, .level = DNS_WRONG, .what = "DKIM",
		.text = "there is no key" },
	{ "keys not known", .keys_unknown = true, .level = DNS_UNKNOWN, .what = "DKIM",
		.text = "dkim-keeper does not answer" },
	{ "no DMARC", { DNS_TYPE_TXT, "_dmarc.a.example", "" }, .level = DNS_WRONG, .what = "DMARC",
		.text = "there is none" },
	{ "two DMARC records", .add = { { DNS_TYPE_TXT, "_dmarc.a.example", "v=DMARC1; p=none" } },
		.level = DNS_WRONG, .what = "DMARC", .text = "there are 2" },
	{ "DMARC of no policy", { DNS_TYPE_TXT, "_dmarc.a.example", "" },
		{ { DNS_TYPE_TXT, "_dmarc.a.example",
			"v=DMARC1; p=none; rua=mailto:x@a.example" } },
		.level = DNS_HINT, .what = "DMARC", .text = "p=none" },
	{ "DMARC with an error", { DNS_TYPE_TXT, "_dmarc.a.example", "" },
		{ { DNS_TYPE_TXT, "_dmarc.a.example",
			"v=DMARC1; p=refuse; rua=mailto:x@a.example" } },
		.level = DNS_WRONG, .what = "DMARC", .text = "" },
	{ "DMARC without reports", { DNS_TYPE_TXT, "_dmarc.a.example", "" },
		{ { DNS_TYPE_TXT, "_dmarc.a.example", "v=DMARC1; p=reject" } }, .level = DNS_HINT,
		.what = "DMARC", .text = "no rua" },
	{ "DMARC reports to who does not want them", { DNS_TYPE_TXT, "_dmarc.a.example", "" },
		{ { DNS_TYPE_TXT, "_dmarc.a.example",
			"v=DMARC1; p=reject; rua=mailto:x@b.example" } },
		.level = DNS_WRONG, .what = "DMARC", .text = "b.example does not say" },
	{ "DMARC reports to who wants them", { DNS_TYPE_TXT, "_dmarc.a.example", "" },
		{ { DNS_TYPE_TXT, "_dmarc.a.example",
			  "v=DMARC1; p=reject; rua=mailto:x@b.example" },
			{ DNS_TYPE_TXT, "a.example._report._dmarc.b.example", "v=DMARC1" } },
		.level = DNS_RIGHT },
	{ "no TLSA", { DNS_TYPE_TLSA, "_25._tcp.mx.a.example", "" }, .level = DNS_HINT,
		.what = "TLSA", .text = "there is none" },
	{ "no TLSA, no DNSSEC", { DNS_TYPE_TLSA, "_25._tcp.mx.a.example", "" }, .insecure = true,
		.level = DNS_HINT, .what = "TLSA", .text = "not in a zone with DNSSEC" },
	{ "TLSA without DNSSEC", .insecure = true, .level = DNS_HINT, .what = "TLSA",
		.text = "nobody looks at it" },
	{ "TLSA of another key", { DNS_TYPE_TLSA, "_25._tcp.mx.a.example", "" },
		{ { DNS_TYPE_TLSA, "_25._tcp.mx.a.example", "3 1 1" } }, .level = DNS_WRONG,
		.what = "TLSA", .text = "1 of our 1 certificates fits none" },
	{ "TLSA of an authority", { DNS_TYPE_TLSA, "_25._tcp.mx.a.example", "" },
		{ { DNS_TYPE_TLSA, "_25._tcp.mx.a.example", "2 1 1" } }, .level = DNS_RIGHT },
	{ "no SRV", { DNS_TYPE_SRV, "_imaps._tcp.a.example", "" }, .level = DNS_HINT, .what = "SRV",
		.text = "there is none" },
	{ "SRV of another port", { DNS_TYPE_SRV, "_imaps._tcp.a.example", "" },
		{ { DNS_TYPE_SRV, "_imaps._tcp.a.example", "0 1 994 mx.a.example" } },
		.level = DNS_WRONG, .what = "SRV", .text = "a port where we do not listen" },
	{ "SRV of another host", { DNS_TYPE_SRV, "_imaps._tcp.a.example", "" },
		{ { DNS_TYPE_SRV, "_imaps._tcp.a.example", "0 1 993 x.example" } },
		.level = DNS_HINT, .what = "SRV", .text = "it leads to x.example" },
	{ "SRV of what is not offered", { DNS_TYPE_SRV, "_pop3._tcp.a.example", "" },
		{ { DNS_TYPE_SRV, "_pop3._tcp.a.example", "0 1 110 mx.a.example" } },
		.level = DNS_WRONG, .what = "SRV", .text = "a port where we do not listen" },
	{ "no MTA-STS", { DNS_TYPE_TXT, "_mta-sts.a.example", "" }, .level = DNS_RIGHT },
	{ "MTA-STS without id", { DNS_TYPE_TXT, "_mta-sts.a.example", "" },
		{ { DNS_TYPE_TXT, "_mta-sts.a.example", "v=STSv1;" } }, .level = DNS_WRONG,
		.what = "MTA-STS", .text = "it has no id" },
	{ "MTA-STS without a host", { DNS_TYPE_A, "mta-sts.a.example", "" }, .level = DNS_HINT,
		.what = "MTA-STS", .text = "has no address" },
	{ "no TLS-RPT", { DNS_TYPE_TXT, "_smtp._tls.a.example", "" }, .level = DNS_HINT,
		.what = "TLS-RPT", .text = "there is none" },
	{ "TLS-RPT to nobody", { DNS_TYPE_TXT, "_smtp._tls.a.example", "" },
		{ { DNS_TYPE_TXT, "_smtp._tls.a.example", "v=TLSRPTv1; x=y" } }, .level = DNS_WRONG,
		.what = "TLS-RPT", .text = "it has no rua" },
};

static struct bytes
make_rdata(struct arena *a, const struct extra *x)
{
	struct buf wire = BUF_INIT;
	char name[256] = "";
	unsigned n[3] = { 0, 0, 0 };
	struct bytes kept;
	uint8_t octets[4];

	switch (x->type) {
	case DNS_TYPE_TXT:
		return dns_txt_make(a, bytes_from_str(x->data));
	case DNS_TYPE_A:
		assert_int_equal(inet_pton(AF_INET, x->data, octets), 1);
		return arena_bytes(a, bytes_make(octets, 4));
	case DNS_TYPE_TLSA:
		for (const char *p = x->data; *p != 0; p += p[1] == 0 ? 1 : 2)
			buf_put_u8(&wire, (uint8_t)(*p - '0'));
		for (int i = 0; i < 32; i++)
			buf_put_u8(&wire, 0xee);
		break;
	case DNS_TYPE_MX:
		assert_int_equal(sscanf(x->data, "%u %255s", &n[0], name), 2);
		break;
	case DNS_TYPE_SRV:
		assert_int_equal(sscanf(x->data, "%u %u %u %255s", &n[0], &n[1], &n[2], name), 4);
		break;
	default:
		snprintf(name, sizeof(name), "%s", x->data);
	}
	for (int i = 0; i < (x->type == DNS_TYPE_MX ? 1 : x->type == DNS_TYPE_SRV ? 3 : 0); i++) {
		buf_put_u8(&wire, (uint8_t)(n[i] >> 8));
		buf_put_u8(&wire, (uint8_t)n[i]);
	}
	if (x->type != DNS_TYPE_TLSA)
		assert_int_equal(dns_name_write(bytes_from_str(name), &wire), ERR_OK);
	kept = arena_bytes(a, buf_bytes(&wire));
	buf_free(&wire);
	return kept;
}

static bool
is_it(const struct extra *x, uint16_t type, const char *name)
{
	return x->name != NULL && x->type == type && strcmp(x->name, name) == 0;
}

static void
put(struct fake *f, struct bytes rdata)
{
	f->answer.rdata[f->answer.count++] = rdata;
	f->answer.total = f->answer.count;
	f->answer.status = DNS_OK;
}

static const struct dns_answer *
answer(void *ctx, uint16_t type, const char *name)
{
	struct fake *f = ctx;
	const struct change *c = f->change;
	const bool gone = is_it(&c->gone, type, name);

	f->answer = (struct dns_answer){
		.status = DNS_NODATA, .secure = !c->insecure, .canonical = bytes_from_str(name)
	};
	for (size_t i = 0; !gone && i < f->plan->n; i++)
		if (f->plan->records[i].type == type && strcmp(f->plan->records[i].name, name) == 0)
			put(f, f->plan->records[i].rdata);
	for (size_t i = 0; !gone && i < NITEMS(always); i++)
		if (is_it(&always[i], type, name))
			put(f, make_rdata(&f->a, &always[i]));
	for (size_t i = 0; i < NITEMS(c->add); i++)
		if (is_it(&c->add[i], type, name))
			put(f, make_rdata(&f->a, &c->add[i]));
	if (gone && c->status != DNS_OK)
		f->answer.status = c->status;
	return &f->answer;
}

static enum auth_result
result_named(const char *name)
{
	for (unsigned r = 0; r < AUTH_RESULT_COUNT; r++)
		if (strcmp(auth_result_name((enum auth_result)r), name) == 0)
			return (enum auth_result)r;
	return AUTH_NONE;
}

static bool
spf(void *ctx, const struct mailauth_spf_question *q, struct mailauth_spf_result *out)
{
	const struct fake *f = ctx;
	const bool ours = bytes_is(q->client, "192.0.2.1") || bytes_is(q->client, "192.0.2.2");
	const char *said = ours ? f->change->ours : f->change->stranger;

	assert_true(bytes_is(q->mail_from, "postmaster@a.example"));
	*out = (struct mailauth_spf_result){ .mail_from = {
						     .result = result_named(said != NULL ? said
									    : ours       ? "pass"
										   : "softfail"),
						     .mechanism = BYTES_LITERAL("mx"),
					     } };
	return !f->change->no_spf;
}

/* ---- the checks ---- */

static void
make_facts(struct dns_facts *f, const struct change *c)
{
	static const struct dns_service services[DNS_SERVICES] = { { "_submissions", 465, 0 },
		{ "_submission", 587, 10 }, { "_imaps", 993, 0 }, { "_imap", 143, 10 },
		{ "_pop3s", 995, 20 }, { "_pop3", 0, 30 } };

	*f = (struct dns_facts){ .domain = "a.example",
		.hostname = "mx.a.example",
		.n_addresses = 1,
		.signs = true,
		.keys_known = !c->keys_unknown,
		.n_keys = c->no_keys || c->keys_unknown ? 0 : 3,
		.keys = { { .selector = BYTES_LITERAL("s0"),
				  .state = DKIM_RETIRING,
				  .record = BYTES_LITERAL("v=DKIM1; k=rsa; p=MTIz") },
			{ .selector = BYTES_LITERAL("s1"),
				.state = DKIM_ACTIVE,
				.record = BYTES_LITERAL(KEY) },
			{ .selector = BYTES_LITERAL("s2"),
				.state = DKIM_PENDING,
				.record = BYTES_LITERAL("v=DKIM1; k=ed25519; p=MTIz") } },
		.n_certificates = 1,
		.report_to = "postmaster@a.example",
		.policy = DMARC_REJECT };
	assert_int_equal(ip_block_parse(BYTES_LITERAL("192.0.2.1"), &f->addresses[0]), ERR_OK);
	memset(f->certificates[0].key, 0xab, 32);
	memcpy(f->services, services, sizeof(services));
}

static bool
has(const struct dns_findings *all, const struct change *c)
{
	for (size_t i = 0; i < all->n; i++)
		if (all->findings[i].level == c->level &&
			strcmp(all->findings[i].what, c->what) == 0 &&
			strstr(all->findings[i].text, c->text) != NULL)
			return true;
	return false;
}

static void
run_change(void **state)
{
	const struct change *c = *state;
	static struct dns_plan plan;
	static struct dns_facts facts;
	static struct dns_findings found;
	static struct fake fake;
	const struct dns_asker asker = { answer, spf, &fake };
	struct arena a = ARENA_INIT;

	make_facts(&facts, c);
	dns_plan_make(&a, &facts, &plan);
	fake = (struct fake){ .plan = &plan, .change = c };
	dns_check(&a, &facts, &plan, &asker, &found);
	assert_true(found.n > 0);
	if (dns_worst(&found) != c->level || (c->what != NULL && !has(&found, c))) {
		for (size_t i = 0; i < found.n; i++)
			print_message("%s %s %s: %s\n", dns_level_name(found.findings[i].level),
				found.findings[i].what, found.findings[i].name,
				found.findings[i].text);
		fail_msg("worst is %s", dns_level_name(dns_worst(&found)));
	}
	arena_reset(&fake.a);
	arena_reset(&a);
}

int
main(void)
{
	TABLE_TESTS(changes, rows, run_change);

	return cmocka_run_group_tests_name("dns/check", changes, NULL, NULL);
}
