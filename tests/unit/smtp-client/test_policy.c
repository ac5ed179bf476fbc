/* SPDX-License-Identifier: ISC */
/*
 * tests/unit/smtp-client/test_policy.c - what TLS a host must speak and as whom it must be known;
 * what a route and our options come to together.
 */
#include "../base/cases.h"

#include <stdlib.h>
#include <string.h>

#include "client.h"

enum verdict {
	NONE = CLIENT_TLS_NONE,
	MAY = CLIENT_TLS_MAY,
	ENCRYPT = CLIENT_TLS_ENCRYPT,
	VERIFY = CLIENT_TLS_VERIFY,
	SKIP, /* no mail to this host */
};

static const struct row {
	const char *label;
	enum tls_level level;
	bool required;
	enum hosts_tlsa tlsa;
	enum verdict expected;
	enum tls_judge judge;
	const char *names; /* joined by blanks */
	enum next_hop_kind kind;
	bool trusted;
	const char *told; /* by tls_policy */
} rows[] = {
#define MX_HOST   .kind = NEXT_HOP_MX
#define SURE_MX   .kind = NEXT_HOP_MX, .trusted = true
#define SURE_HOST .kind = NEXT_HOP_HOST, .trusted = true
	{ "none", TLS_LEVEL_NONE, false, HOSTS_TLSA_NONE, NONE, TLS_JUDGE_NOBODY, "", MX_HOST },
	{ "may", TLS_LEVEL_MAY, false, HOSTS_TLSA_NONE, MAY, TLS_JUDGE_NOBODY, "", MX_HOST },
	{ "encrypt", TLS_LEVEL_ENCRYPT, false, HOSTS_TLSA_NONE, ENCRYPT, TLS_JUDGE_NOBODY, "",
		MX_HOST },
	{ "verify: only the domain is sure", TLS_LEVEL_VERIFY, false, HOSTS_TLSA_NONE, VERIFY,
		TLS_JUDGE_PKIX, "example.org", MX_HOST },
	{ "verify: DNSSEC vouches for the host", TLS_LEVEL_VERIFY, false, HOSTS_TLSA_NONE, VERIFY,
		TLS_JUDGE_PKIX, "mx.example.org example.org canonical.example", SURE_MX },
	{ "verify: the operator names the host", TLS_LEVEL_VERIFY, false, HOSTS_TLSA_NONE, VERIFY,
		TLS_JUDGE_PKIX, "mx.example.org", SURE_HOST },
	{ "verify: the operator names the name", TLS_LEVEL_VERIFY, false, HOSTS_TLSA_NONE, VERIFY,
		TLS_JUDGE_PKIX, ".example.net", SURE_MX, .told = ".example.net" },
	{ "dane: usable", TLS_LEVEL_DANE, false, HOSTS_TLSA_USABLE, VERIFY, TLS_JUDGE_DANE,
		"base.example example.org canonical.example", SURE_MX },
	{ "dane: usable, of a host that the operator names", TLS_LEVEL_DANE, true,
		HOSTS_TLSA_USABLE, VERIFY, TLS_JUDGE_DANE, "base.example", SURE_HOST },
	{ "dane: none usable", TLS_LEVEL_DANE, false, HOSTS_TLSA_UNUSABLE, ENCRYPT,
		TLS_JUDGE_NOBODY, "", SURE_MX },
	{ "dane: none", TLS_LEVEL_DANE, false, HOSTS_TLSA_NONE, MAY, TLS_JUDGE_NOBODY, "",
		MX_HOST },
	{ "dane: none, but there is a login", TLS_LEVEL_DANE, true, HOSTS_TLSA_NONE, ENCRYPT,
		TLS_JUDGE_NOBODY, "", SURE_HOST },
	{ "dane: not known", TLS_LEVEL_DANE, false, HOSTS_TLSA_UNKNOWN, SKIP, TLS_JUDGE_NOBODY, "",
		SURE_MX },
	{ "dane-only: usable", TLS_LEVEL_DANE_ONLY, false, HOSTS_TLSA_USABLE, VERIFY,
		TLS_JUDGE_DANE, "base.example example.org canonical.example", SURE_MX },
	{ "dane-only: none usable", TLS_LEVEL_DANE_ONLY, false, HOSTS_TLSA_UNUSABLE, SKIP,
		TLS_JUDGE_NOBODY, "", SURE_MX },
	{ "dane-only: none", TLS_LEVEL_DANE_ONLY, false, HOSTS_TLSA_NONE, SKIP, TLS_JUDGE_NOBODY,
		"", MX_HOST },
	{ "dane-only: not known", TLS_LEVEL_DANE_ONLY, false, HOSTS_TLSA_UNKNOWN, SKIP,
		TLS_JUDGE_NOBODY, "", SURE_MX },
};

static void
run_row(void **state)
{
	const struct row *t = *state;
	const struct hosts_result found = { .domain = "example.org",
		.canonical = t->trusted ? "canonical.example" : "example.org" };
	struct tls_tlsa record = { 3, 1, 1, BYTES_NONE };
	const struct host host = { .name = "mx.example.org",
		.trusted = t->trusted,
		.tlsa = t->tlsa,
		.tlsa_base = "base.example",
		.n_tlsa = 1,
		.records = &record };
	struct place place = { .kind = t->kind,
		.tls = t->level,
		.tls_required = t->required,
		.n_names = t->told != NULL,
		.names = { t->told } };
	struct host_policy got;
	struct buf names = BUF_INIT;
	const char *why = NULL;
	int r = host_policy(&place, &found, &host, &got, &why);

	assert_int_equal(r, t->expected == SKIP ? ERR_DENIED : ERR_OK);
	if (r == ERR_OK) {
		assert_int_equal((int)got.tls, (int)t->expected);
		assert_int_equal(got.judge, t->judge);
		for (unsigned i = 0; i < got.n_names; i++)
			buf_printf(&names, "%s%s", i == 0 ? "" : " ", got.names[i]);
		assert_string_equal(buf_str(&names), t->names);
		assert_string_equal(got.server_name,
			t->judge == TLS_JUDGE_DANE ? "base.example" : "mx.example.org");
	} else {
		assert_non_null(why);
	}
	buf_free(&names);
}

/* ---- routes and options ---- */

static const struct smtp_client_conf conf = {
	.port = 2525, .helo = "", .source_ipv4 = "192.0.2.9", .source_ipv6 = "none"
};

static struct hop *
make(const struct directory_hop_answer *a)
{
	return hop_make(a, &conf, TLS_LEVEL_MAY, "us.example");
}

static void
options_fill_what_routes_leave_open(void **state)
{
	struct directory_hop_answer a = { .count = 1,
		.alternatives = { { .kind = NEXT_HOP_MX, .host = BYTES_LITERAL("example.org") } } };
	struct hop *h = make(&a);

	UNUSED(state);
	assert_int_equal(h->n, 1);
	assert_int_equal(h->places[0].port, 2525);
	assert_int_equal(h->places[0].tls, TLS_LEVEL_MAY);
	assert_string_equal(h->helo, "us.example");
	assert_true(h->use[0] && !h->use[1]);
	assert_int_equal(h->source[0].family, 4);
	hop_free(&h);
	a.helo = BYTES_LITERAL("other.example");
	a.source_ipv4 = BYTES_LITERAL("none");
	a.source_ipv6 = BYTES_LITERAL("2001:db8::9");
	a.alternatives[0].has_tls = true;
	a.alternatives[0].tls = TLS_LEVEL_VERIFY;
	a.alternatives[0].tls_names = BYTES_LITERAL("a.example .b.example");
	a.alternatives[0].port = 26;
	h = make(&a);
	assert_int_equal(h->places[0].port, 26);
	assert_int_equal(h->places[0].tls, TLS_LEVEL_VERIFY);
	assert_int_equal(h->places[0].n_names, 2);
	assert_string_equal(h->places[0].names[1], ".b.example");
	assert_string_equal(h->helo, "other.example");
	assert_true(!h->use[0] && h->use[1]);
	assert_int_equal(h->source[1].family, 6);
	hop_free(&h);
}

/* Passwords do not go in clear by a default. */
static void
what_must_be_secret_is(void **state)
{
	struct directory_hop_answer a = { .count = 2,
		.alternatives = { { .kind = NEXT_HOP_HOST,
					  .host = BYTES_LITERAL("relay.example"),
					  .tls_required = true,
					  .login = BYTES_LITERAL("ada"),
					  .password = BYTES_LITERAL("secret") },
			{ .protocol = NEXT_HOP_LMTP,
				.kind = NEXT_HOP_UNIX,
				.host = BYTES_LITERAL("dovecot-lmtp") } } };
	struct hop *h = make(&a), *again = make(&a);

	UNUSED(state);
	assert_int_equal(h->places[0].tls, TLS_LEVEL_ENCRYPT);
	assert_int_equal(h->places[1].tls, TLS_LEVEL_NONE);
	assert_int_equal(h->places[1].port, 0);
	/* the same place twice has the same key; the key does not hold the password */
	assert_true(bytes_equal(h->places[0].key, again->places[0].key));
	assert_false(bytes_equal(h->places[0].key, h->places[1].key));
	assert_int_equal(bytes_search(h->places[0].key, BYTES_LITERAL("secret")), BYTES_NOT_FOUND);
	hop_free(&again);
	a.alternatives[0].login = BYTES_LITERAL("bob");
	again = make(&a);
	assert_false(bytes_equal(h->places[0].key, again->places[0].key));
	hop_free(&again);
	hop_free(&h);
}

/* Where troubles are remembered, and forgotten when the address answers again. */
static void
troubles(void **state)
{
	struct trouble *t = trouble_new();
	struct ip_block a, b;

	UNUSED(state);
	assert_int_equal(ip_block_parse(BYTES_LITERAL("192.0.2.1"), &a), ERR_OK);
	assert_int_equal(ip_block_parse(BYTES_LITERAL("2001:db8::1"), &b), ERR_OK);
	assert_false(trouble_is(t, &a, 25));
	trouble_put(t, &a, 25, true);
	assert_true(trouble_is(t, &a, 25));
	assert_false(trouble_is(t, &a, 26));
	assert_false(trouble_is(t, &b, 25));
	trouble_put(t, &a, 25, false);
	assert_false(trouble_is(t, &a, 25));
	free(t);
}

int
main(void)
{
	const struct CMUnitTest more[] = { cmocka_unit_test(options_fill_what_routes_leave_open),
		cmocka_unit_test(what_must_be_secret_is), cmocka_unit_test(troubles) };
	TABLE_TESTS(tests, rows, run_row);

	return cmocka_run_group_tests_name("smtp-client/policy", tests, NULL, NULL) +
	       cmocka_run_group_tests_name("smtp-client/hop", more, NULL, NULL);
}
