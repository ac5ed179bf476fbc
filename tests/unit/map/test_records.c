/* SPDX-License-Identifier: ISC */
/* tests/unit/map/test_records.c - what each table takes and refuses. */
#include "../base/cases.h"

#include "err.h"
#include "records.h"

static const struct row {
	const char *label;
	enum table_kind kind;
	const char *line;
	const char *key; /* NULL: refused */
} rows[] = {
	{ "local domain", TABLE_DOMAINS, "Example.ORG local", "example.org" },
	{ "local with system users", TABLE_DOMAINS, "example.org local system-users",
		"example.org" },
	{ "relay domain", TABLE_DOMAINS, "example.org relay", "example.org" },
	{ "alias domain", TABLE_DOMAINS, "example.org alias example.net", "example.org" },
	{ "alias without target", TABLE_DOMAINS, "example.org alias", NULL },
	{ "alias to nonsense", TABLE_DOMAINS, "example.org alias a..b", NULL },
	{ "relay has no system users", TABLE_DOMAINS, "example.org relay system-users", NULL },
	{ "no class", TABLE_DOMAINS, "example.org", NULL },
	{ "words behind", TABLE_DOMAINS, "example.org local please", NULL },
	{ "address as domain", TABLE_DOMAINS, "joe@example.org local", NULL },

	{ "account", TABLE_ACCOUNTS, "Joe@Example.org $y$j9T$x", "joe@example.org" },
	{ "account without password", TABLE_ACCOUNTS, "joe@example.org *", "joe@example.org" },
	{ "account with all", TABLE_ACCOUNTS,
		"joe@example.org $6$a quota=1G messages=10 state=no-login home=a/b uid=5 gid=6",
		"joe@example.org" },
	{ "password in the clear", TABLE_ACCOUNTS, "joe@example.org secret", NULL },
	{ "no password field", TABLE_ACCOUNTS, "joe@example.org quota=1G", NULL },
	{ "account without domain", TABLE_ACCOUNTS, "postmaster *", NULL },
	{ "bad quota", TABLE_ACCOUNTS, "joe@example.org * quota=1X", NULL },
	{ "quota too large", TABLE_ACCOUNTS, "joe@example.org * quota=99999999T", NULL },
	{ "bad state", TABLE_ACCOUNTS, "joe@example.org * state=gone", NULL },
	{ "home outside", TABLE_ACCOUNTS, "joe@example.org * home=a/../../b", NULL },
	{ "home absolute", TABLE_ACCOUNTS, "joe@example.org * home=/etc", NULL },
	{ "uid of root", TABLE_ACCOUNTS, "joe@example.org * uid=0 gid=5", NULL },
	{ "uid without gid", TABLE_ACCOUNTS, "joe@example.org * uid=5", NULL },
	{ "gid without uid", TABLE_ACCOUNTS, "joe@example.org * gid=5", NULL },
	{ "unknown option", TABLE_ACCOUNTS, "joe@example.org * qouta=1G", NULL },

	{ "alias", TABLE_ALIASES, "Info@Example.org joe@example.org, ann@example.net",
		"info@example.org" },
	{ "alias by blanks", TABLE_ALIASES, "info@example.org joe@a.org ann@b.org",
		"info@example.org" },
	{ "alias to a local-part", TABLE_ALIASES, "info@example.org joe", "info@example.org" },
	{ "alias everywhere", TABLE_ALIASES, "Postmaster root", "postmaster" },
	{ "catch-all", TABLE_ALIASES, "@Example.org joe", "@example.org" },
	{ "alias without target", TABLE_ALIASES, "info@example.org", NULL },
	{ "only commas", TABLE_ALIASES, "info@example.org ,,", NULL },
	{ "target is a catch-all", TABLE_ALIASES, "info@example.org @example.net", NULL },
	{ "quoted target", TABLE_ALIASES, "info@example.org \"a, b\"@example.org",
		"info@example.org" },
	{ "quote stays open", TABLE_ALIASES, "info@example.org \"a", NULL },
	{ "pipe is no target", TABLE_ALIASES, "info@example.org |/bin/sh@x y@", NULL },

	{ "transport", TABLE_TRANSPORT, "Example.ORG smtp:[a.example]:587, b.example",
		"example.org" },
	{ "transport of an address", TABLE_TRANSPORT, "Joe@Example.org lmtp:unix:x",
		"joe@example.org" },
	{ "transport of what is below", TABLE_TRANSPORT, ".Example.org smtp:", ".example.org" },
	{ "transport of all", TABLE_TRANSPORT, "* error:4.7.1 not now", "*" },
	{ "transport of a UTF-8 domain", TABLE_TRANSPORT,
		"b\xc3\xbc"
		"cher.example smtp:",
		"xn--bcher-kva.example" },
	{ "transport of a literal", TABLE_TRANSPORT, "[192.0.2.1] smtp:", "[192.0.2.1]" },
	{ "transport without a next hop", TABLE_TRANSPORT, "example.org", NULL },
	{ "transport to nothing", TABLE_TRANSPORT, "example.org uucp:x", NULL },
	{ "transport of a catch-all", TABLE_TRANSPORT, "@example.org smtp:", NULL },
	{ "transport of a dot", TABLE_TRANSPORT, ". smtp:", NULL },

	{ "sender transport", TABLE_SENDER_TRANSPORT, "Joe@Example.org [a.example]",
		"joe@example.org" },
	{ "sender transport of a domain", TABLE_SENDER_TRANSPORT, "@Example.org [a.example]",
		"@example.org" },
	{ "sender transport of nobody", TABLE_SENDER_TRANSPORT, "<> [a.example]", "<>" },
	{ "sender transport without @", TABLE_SENDER_TRANSPORT, "example.org [a.example]", NULL },

	{ "policy", TABLE_TLS_POLICY, "Relay.example.net verify name=A.example name=.b.example",
		"relay.example.net" },
	{ "policy of a port", TABLE_TLS_POLICY, "[Relay.example.net]:587 encrypt",
		"relay.example.net:587" },
	{ "policy of an address", TABLE_TLS_POLICY, "[2001:DB8::1]:587 none", "[2001:db8::1]:587" },
	{ "policy of IPv4", TABLE_TLS_POLICY, "[192.0.2.1] none", "192.0.2.1" },
	{ "policy of what is below", TABLE_TLS_POLICY, ".Example.org dane-only", ".example.org" },
	{ "policy of a host called error", TABLE_TLS_POLICY, "error:587 may", "error:587" },
	{ "policy of two", TABLE_TLS_POLICY, "a.example,b.example may", NULL },
	{ "policy without a level", TABLE_TLS_POLICY, "a.example", NULL },
	{ "policy with another", TABLE_TLS_POLICY, "a.example secure", NULL },
	{ "names for encrypt", TABLE_TLS_POLICY, "a.example encrypt name=b.example", NULL },
	{ "no name", TABLE_TLS_POLICY, "a.example verify name=", NULL },
	{ "eight names", TABLE_TLS_POLICY,
		"a.example verify name=a name=b name=c name=d name=e name=f name=g name=h",
		"a.example" },
	{ "nine names", TABLE_TLS_POLICY,
		"a.example verify name=a name=b name=c name=d name=e name=f name=g name=h name=i",
		NULL },
	{ "match is Postfix'", TABLE_TLS_POLICY, "a.example verify match=b.example", NULL },

	{ "credentials", TABLE_RELAY_CREDENTIALS, "[Relay.example]:587 joe:se cret:x",
		"relay.example:587" },
	{ "credentials of a sender", TABLE_RELAY_CREDENTIALS, "Joe@Example.org joe:x",
		"joe@example.org" },
	{ "credentials of senders", TABLE_RELAY_CREDENTIALS, "@Example.org joe:x", "@example.org" },
	{ "no password", TABLE_RELAY_CREDENTIALS, "relay.example joe:", NULL },
	{ "no login", TABLE_RELAY_CREDENTIALS, "relay.example :x", NULL },
	{ "a word alone", TABLE_RELAY_CREDENTIALS, "relay.example joe", NULL },

	{ "source address", TABLE_SOURCE_ADDRESS,
		"@Example.org 192.0.2.1 2001:db8::1 helo=Mail.example.org", "@example.org" },
	{ "one family", TABLE_SOURCE_ADDRESS, "<> ipv4=192.0.2.1 ipv6=none", "<>" },
	{ "no family", TABLE_SOURCE_ADDRESS, "<> ipv4=none ipv6=none", NULL },
	{ "two of a family", TABLE_SOURCE_ADDRESS, "<> 192.0.2.1 192.0.2.2", NULL },
	{ "no address", TABLE_SOURCE_ADDRESS, "<> 192.0.2", NULL },
	{ "the wrong family", TABLE_SOURCE_ADDRESS, "<> ipv6=192.0.2.1", NULL },
	{ "no source at all", TABLE_SOURCE_ADDRESS, "<>", NULL },

	{ "system user", TABLE_SYSTEM_USERS, "joe 1000 1000", "joe" },
	{ "system user root", TABLE_SYSTEM_USERS, "root 0 0", NULL },
	{ "system user without gid", TABLE_SYSTEM_USERS, "joe 1000", NULL },
};

static void
run_row(void **arg)
{
	const struct row *t = *arg;
	struct table table = TABLE_INIT;

	table_parse(&table, bytes_from_str(t->line));
	table_check(&table, t->kind);
	assert_int_equal(table.count, 1);
	assert_int_equal(table.nerrors > 0, t->key == NULL);
	if (t->key != NULL)
		assert_true(bytes_is(table.entries[0].key, t->key));
	table_free(&table);
}

static void
account_values(void **arg)
{
	struct account_record r;
	const char *why;

	UNUSED(arg);
	assert_int_equal(account_record_parse(BYTES_LITERAL("$y$a  quota=1k\tmessages=7 "
							    "state=no-login home=x/y uid=5 gid=6"),
				 &r, &why),
		ERR_OK);
	assert_true(bytes_is(r.password, "$y$a"));
	assert_int_equal(r.quota_octets, 1024);
	assert_int_equal(r.quota_messages, 7);
	assert_int_equal(r.may, ACCOUNT_MAIL);
	assert_true(bytes_is(r.home, "x/y"));
	assert_int_equal(r.uid, 5);
	assert_int_equal(r.gid, 6);
}

int
main(void)
{
	const struct CMUnitTest others[] = { cmocka_unit_test(account_values) };
	TABLE_TESTS(tests, rows, run_row);

	return cmocka_run_group_tests_name("map/records", tests, NULL, NULL) +
	       cmocka_run_group_tests_name("map/record values", others, NULL, NULL);
}
