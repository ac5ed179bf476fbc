/* SPDX-License-Identifier: ISC */
/*
 * tests/unit/mailauth/test_signer_check.c - who gets a signature, for which domain, with which
 * keys; and that keys which are replaced stay with the messages that are under way.
 */
#include "../base/cases.h"

#include "clock.h"
#include "dkim_key.h"
#include "err.h"
#include "signer.h"

static const char *const local_domains[] = { "own.example" };

static struct world {
	struct daemon d;
	struct common_conf common;
	struct mailauth_conf mailauth;
	struct signer s;
	unsigned asked; /* for the ticket key */
} world;

void
signer_ask_ticket_key(struct signer *s)
{
	UNUSED(s);
	world.asked++;
}

static void
add_keys(const char *domain)
{
	struct dkim_key_set set = { .domain = bytes_from_str(domain) };
	struct buf pem = BUF_SECRET;

	assert_int_equal(dkim_key_generate(DKIM_KEY_ED25519, &pem), ERR_OK);
	set.keys[DKIM_KEY_ED25519].selector = BYTES_LITERAL("e1");
	set.keys[DKIM_KEY_ED25519].pem = buf_bytes(&pem);
	signer_keys_take(&world.s.keys, &set);
	buf_free(&pem);
}

static int
set_up(void **state)
{
	UNUSED(state);
	world = (struct world){ .common = { .hostname = "mx1.provider.example",
					.domain = { 1, local_domains } },
		.mailauth = { .report_from = "dmarc@reports.example" } };
	world.d.common = &world.common;
	world.d.mailauth = &world.mailauth;
	world.s.d = &world.d;
	world.s.loaded = true;
	world.s.ticket_key = (struct send_ticket_key){ .id = 5, .key = "a key" };
	add_keys("example.org");
	add_keys("provider.example");
	add_keys("own.example");
	add_keys("xn--mnchen-3ya.example");
	add_keys("reports.example");
	add_keys("own.sub.example");
	return 0;
}

static int
tear_down(void **state)
{
	UNUSED(state);
	signer_keys_free(&world.s.keys);
	return 0;
}

#define FROM_JOE  "From: Joe <joe@example.org>\r\nSubject: x\r\n\r\n"
#define LOGIN     "joe@example.org"
#define ORG       "example.org"
#define BY_TICKET SERVICE_SUBMISSION

static const struct row {
	const char *label;
	enum service peer;
	const char *domain, *header;
	/* the ticket; NULL: none, else the domain that it is for */
	const char *ticket, *login;
	uint64_t made_s, queue_id; /* made_s: so long ago */
	bool forwards;
	int err;
	const char *keys; /* whose */
} rows[] = {
	{ "a login's own", BY_TICKET, ORG, FROM_JOE, ORG, LOGIN, 0, 7, false, ERR_OK, ORG },
	{ "any case", BY_TICKET, "Example.ORG", "FROM:joe@EXAMPLE.org\r\n\r\n", ORG, LOGIN, 0, 7,
		false, ERR_OK, ORG },
	{ "U-labels", BY_TICKET, "m\303\274nchen.example", "From: x@xn--mnchen-3ya.example\r\n\r\n",
		"xn--mnchen-3ya.example", LOGIN, 0, 7, false, ERR_OK, "xn--mnchen-3ya.example" },
	{ "several authors", BY_TICKET, ORG, "From: a@example.org, b@other.example\r\n\r\n", ORG,
		LOGIN, 0, 7, false, ERR_OK, ORG },
	{ "a group", BY_TICKET, ORG, "From: us: a@example.org;\r\n\r\n", ORG, LOGIN, 0, 7, false,
		ERR_OK, ORG },
	{ "no ticket", BY_TICKET, ORG, FROM_JOE, NULL, LOGIN, 0, 7, false, ERR_DENIED, NULL },
	{ "a ticket for another domain", BY_TICKET, ORG, FROM_JOE, "own.example", LOGIN, 0, 7,
		false, ERR_DENIED, NULL },
	{ "a ticket for qmgr", BY_TICKET, ORG, FROM_JOE, "", LOGIN, 0, 7, false, ERR_DENIED, NULL },
	{ "another message's", BY_TICKET, ORG, FROM_JOE, ORG, LOGIN, 0, 8, false, ERR_DENIED,
		NULL },
	{ "another login's", BY_TICKET, ORG, FROM_JOE, ORG, "ann@example.org", 0, 7, false,
		ERR_DENIED, NULL },
	{ "too old", BY_TICKET, ORG, FROM_JOE, ORG, LOGIN, SEND_TICKET_LIFE_S + 5, 7, false,
		ERR_DENIED, NULL },
	{ "From is another's", BY_TICKET, ORG, "From: boss@own.example\r\n\r\n", ORG, LOGIN, 0, 7,
		false, ERR_DENIED, NULL },
	{ "From is a subdomain's", BY_TICKET, ORG, "From: boss@a.example.org\r\n\r\n", ORG, LOGIN,
		0, 7, false, ERR_DENIED, NULL },
	{ "two From", BY_TICKET, ORG, "From: joe@example.org\r\n" FROM_JOE, ORG, LOGIN, 0, 7, false,
		ERR_DENIED, NULL },
	{ "no From", BY_TICKET, ORG, "Subject: x\r\n\r\n", ORG, LOGIN, 0, 7, false, ERR_DENIED,
		NULL },
	{ "From in the body", BY_TICKET, ORG, "Subject: x\r\n\r\nFrom: joe@example.org\r\n", ORG,
		LOGIN, 0, 7, false, ERR_DENIED, NULL },
	{ "From without a domain", BY_TICKET, ORG, "From: joe\r\n\r\n", ORG, LOGIN, 0, 7, false,
		ERR_DENIED, NULL },
	{ "a domain without keys", BY_TICKET, "none.example", "From: a@none.example\r\n\r\n",
		"none.example", LOGIN, 0, 7, false, ERR_NOT_FOUND, NULL },
	{ "a subdomain of one with keys", BY_TICKET, "a.example.org",
		"From: a@a.example.org\r\n\r\n", "a.example.org", LOGIN, 0, 7, false, ERR_OK, ORG },
	{ "one far below", BY_TICKET, "c.b.a.example.org", "From: a@c.b.a.example.org\r\n\r\n",
		"c.b.a.example.org", LOGIN, 0, 7, false, ERR_OK, ORG },
	{ "a subdomain with its own keys", BY_TICKET, "own.sub.example",
		"From: a@own.sub.example\r\n\r\n", "own.sub.example", LOGIN, 0, 7, false, ERR_OK,
		"own.sub.example" },
	{ "the nearest above it", BY_TICKET, "a.own.sub.example",
		"From: a@a.own.sub.example\r\n\r\n", "a.own.sub.example", LOGIN, 0, 7, false,
		ERR_OK, "own.sub.example" },
	{ "keys of one beside it", BY_TICKET, "other.sub.example",
		"From: a@other.sub.example\r\n\r\n", "other.sub.example", LOGIN, 0, 7, false,
		ERR_NOT_FOUND, NULL },
	{ "a name that ends like it", BY_TICKET, "notexample.org", "From: a@notexample.org\r\n\r\n",
		"notexample.org", LOGIN, 0, 7, false, ERR_NOT_FOUND, NULL },
	{ "a subdomain's ticket for the domain above", BY_TICKET, ORG, FROM_JOE, "a.example.org",
		LOGIN, 0, 7, false, ERR_DENIED, NULL },
	{ "no domain", BY_TICKET, "no domain", FROM_JOE, ORG, LOGIN, 0, 7, false, ERR_SYNTAX,
		NULL },
	{ "a report of qmgr's", SERVICE_QMGR, "mx1.provider.example",
		"From: MAILER-DAEMON@mx1.provider.example\r\n\r\n", NULL, "", 0, 7, false, ERR_OK,
		"provider.example" },
	{ "of a local domain", SERVICE_QMGR, "own.example", FROM_JOE, NULL, "", 0, 7, false, ERR_OK,
		"own.example" },
	{ "of a customer's", SERVICE_QMGR, ORG, FROM_JOE, NULL, "", 0, 7, false, ERR_DENIED, NULL },
	{ "a forward", SERVICE_QMGR, ORG, "From: a@far.example\r\n\r\n", NULL, "", 0, 7, true,
		ERR_OK, ORG },
	{ "a report of DMARC's", SERVICE_DMARC_REPORTER, "reports.example",
		"From: dmarc@reports.example\r\n\r\n", NULL, "", 0, 7, false, ERR_OK,
		"reports.example" },
	{ "the reporter forwards nothing", SERVICE_DMARC_REPORTER, ORG, FROM_JOE, NULL, "", 0, 7,
		true, ERR_DENIED, NULL },
};

static void
run_row(void **state)
{
	const struct row *t = *state;
	const uint64_t now_s = clock_wall_us() / 1000000;
	const struct send_ticket made = { BYTES_LITERAL(LOGIN), 7, BYTES_LITERAL("joe@example.org"),
		bytes_from_str(t->ticket) };
	struct signer_domain *keys = NULL;
	struct buf ticket = BUF_INIT;
	struct signer_sign m = { .domain = bytes_from_str(t->domain),
		.login = bytes_from_str(t->login),
		.queue_id = t->queue_id,
		.reverse_path = BYTES_LITERAL("joe@example.org") };
	const char *why;

	world.mailauth.sign_forwards = t->forwards;
	if (t->ticket != NULL)
		send_ticket_make(&world.s.ticket_key, &made, now_s - t->made_s, &ticket);
	m.ticket = buf_bytes(&ticket);
	assert_int_equal(
		signer_may(&world.s, t->peer, &m, bytes_from_str(t->header), &keys, &why), t->err);
	if (t->err == ERR_OK)
		assert_string_equal(keys->name, t->keys);
	else
		assert_true(keys == NULL && why[0] != 0);
	signer_domain_release(&keys);
	buf_free(&ticket);
}

static void
not_ready(void **state)
{
	const struct send_ticket made = { BYTES_LITERAL(LOGIN), 7, BYTES_NONE, BYTES_LITERAL(ORG) };
	struct signer_domain *keys = NULL;
	struct signer_sign m = {
		.domain = BYTES_LITERAL(ORG), .login = BYTES_LITERAL(LOGIN), .queue_id = 7
	};
	struct buf ticket = BUF_INIT;
	const char *why;

	UNUSED(state);
	send_ticket_make(&world.s.ticket_key, &made, clock_wall_us() / 1000000, &ticket);
	m.ticket = buf_bytes(&ticket);
	world.s.loaded = false;
	assert_int_equal(signer_may(&world.s, BY_TICKET, &m, BYTES_LITERAL(FROM_JOE), &keys, &why),
		ERR_BUSY);
	world.s.loaded = true;
	assert_int_equal(world.asked, 0);
	/* of a directory that was started anew, or none is known yet */
	for (unsigned i = 0; i < 2; i++) {
		world.s.ticket_key.id = i * 9;
		assert_int_equal(
			signer_may(&world.s, BY_TICKET, &m, BYTES_LITERAL(FROM_JOE), &keys, &why),
			ERR_BUSY);
		assert_int_equal(world.asked, i + 1);
	}
	buf_free(&ticket);
}

/* ---- the keys ---- */

static void
keys_that_change(void **state)
{
	struct signer_keys *keys = &world.s.keys;
	struct signer_domain *held = signer_domain_hold(signer_keys_find(keys, BYTES_LITERAL(ORG)));
	const struct dkim_key_set none = { .domain = BYTES_LITERAL(ORG) };
	const struct dkim_key_set bad = { .domain = BYTES_LITERAL("bad.example"),
		.keys = { { BYTES_LITERAL("r1"), BYTES_LITERAL("no key") } } };
	struct dkim_signing_key out[DKIM_KEY_TYPES];

	UNUSED(state);
	add_keys(ORG); /* others */
	assert_ptr_not_equal(signer_keys_find(keys, BYTES_LITERAL(ORG)), held);
	signer_keys_take(keys, &none);
	assert_null(signer_keys_find(keys, BYTES_LITERAL(ORG)));
	assert_int_equal(signer_domain_keys(held, out), 1); /* as good as before */
	signer_domain_release(&held);
	/* found out when it is used */
	signer_keys_take(keys, &bad);
	assert_int_equal(
		signer_domain_keys(signer_keys_find(keys, BYTES_LITERAL("bad.example")), out), 0);
	/* what a new keeper does not name is gone */
	signer_keys_begin(keys);
	add_keys("new.example");
	add_keys("own.example");
	signer_keys_end(keys);
	assert_int_equal(keys->n, 2);
	assert_non_null(signer_keys_find(keys, BYTES_LITERAL("own.example")));
	assert_non_null(signer_keys_find_above(keys, BYTES_LITERAL("a.b.own.example")));
	assert_null(signer_keys_find_above(keys, BYTES_LITERAL("own.example.org")));
	assert_null(signer_keys_find_above(keys, BYTES_NONE));
}

int
main(void)
{
	struct CMUnitTest tests[NITEMS(rows) + 2];
	size_t n = 0;

	ADD_ROWS(tests, n, rows, run_row);
	tests[n++] = (struct CMUnitTest){ "not ready", not_ready, NULL, NULL, NULL };
	tests[n++] = (struct CMUnitTest){ "keys that change", keys_that_change, NULL, NULL, NULL };
	for (size_t i = 0; i < n; i++) {
		tests[i].setup_func = set_up;
		tests[i].teardown_func = tear_down;
	}
	return cmocka_run_group_tests_name("mailauth/signer_check", tests, NULL, NULL);
}
