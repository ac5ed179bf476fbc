/* SPDX-License-Identifier: ISC */
/* tests/unit/directory/test_resolve.c - who gets it: the order of look-ups, aliases, loops. */
#include "../base/cases.h"
#include "text_tables.h"

#include <stdio.h>

#include "err.h"
#include "local_owner.h"
#include "resolve.h"

static const char *const texts[TABLE_KINDS] = {
	[TABLE_DOMAINS] = "example.org local\n"
			  "host.example.org local system-users\n"
			  "example.net alias example.org\n"
			  "relay.example relay\n",
	[TABLE_ACCOUNTS] = "joe@example.org $y$x quota=1000\n"
			   "ann@example.org $y$x\n"
			   "a+b@example.org $y$x\n"
			   "closed@example.org $y$x state=locked\n"
			   "reader@example.org $y$x state=no-mail\n"
			   "own@example.org $y$x uid=77 gid=78 home=special/own\n"
			   "few@example.org $y$x messages=10 send-as=info@example.org "
			   "send-as=few@elsewhere.example send-as=@sub.example "
			   "send-as=@host.example.org\n"
			   "self@example.org $y$x\n"
			   "\"odd one\"@example.org $y$x\n",
	[TABLE_ALIASES] = "info@example.org joe@example.org, ann@example.org\n"
			  "twice@example.org info joe@example.org\n"
			  "out@example.org joe@elsewhere.example\n"
			  "self@example.org self@example.org, joe@example.org\n"
			  "loop1@example.org loop2@example.org\n"
			  "loop2@example.org loop1@example.org\n"
			  "half@example.org joe@example.org, nobody@example.org\n"
			  "none@example.org nobody@example.org\n"
			  "joe+special@example.org ann@example.org\n"
			  "list@relay.example joe@example.org\n"
			  "root joe@example.org\n"
			  "abuse root\n"
			  "@host.example.org joe@example.org\n",
	[TABLE_SYSTEM_USERS] = "sam 1000 1001\n",
	[TABLE_SYSTEM_ALIASES] = "",
};

struct fixture {
	struct text_tables texts;
	struct bytes local[1];
};

static int
make(void **arg)
{
	static struct fixture f;

	if (text_tables_open(&f.texts, texts) < 0)
		return -1;
	f.local[0] = BYTES_LITERAL("conf.example");
	f.texts.t.local_domains = f.local;
	f.texts.t.nlocal_domains = 1;
	f.texts.t.postmaster = BYTES_LITERAL("ann@example.org");
	f.texts.t.mail_uid = 500;
	f.texts.t.mail_gid = 501;
	*arg = &f;
	return 0;
}

static int
destroy(void **arg)
{
	struct fixture *f = *arg;

	text_tables_close(&f->texts);
	return 0;
}

/* The verdict, or each target: "account[+detail]", ">address" (goes out), "!N" (an error). */
static const char *
describe(const struct resolution *r, char out[500])
{
	size_t n = 0;

	if (r->verdict != DIRECTORY_OK) {
		snprintf(out, 500, "verdict %d", (int)r->verdict);
		return out;
	}
	out[0] = 0;
	for (size_t i = 0; i < r->count; i++) {
		const struct directory_target *t = &r->targets[i];
		const char *blank = i > 0 ? " " : "";

		if (t->kind == DIRECTORY_TARGET_ERROR)
			n += (size_t)snprintf(out + n, 500 - n, "%s!%d", blank, (int)t->verdict);
		else if (t->kind == DIRECTORY_TARGET_REMOTE)
			n += (size_t)snprintf(out + n, 500 - n, "%s>%.*s", blank, (int)t->address.n,
				(const char *)t->address.p);
		else
			n += (size_t)snprintf(out + n, 500 - n, "%s%.*s%s%.*s", blank,
				(int)t->account.n, (const char *)t->account.p,
				t->detail.n > 0 ? "/" : "", (int)t->detail.n,
				(const char *)t->detail.p);
	}
	return out;
}

static const struct resolve_row {
	const char *label, *address, *expected;
} resolve_rows[] = {
	{ "account", "joe@example.org", "joe@example.org" },
	{ "case does not matter", "JOE@Example.ORG", "joe@example.org" },
	{ "quotes do not matter", "\"joe\"@example.org", "joe@example.org" },
	{ "quotes that matter", "\"odd one\"@example.org", "odd one@example.org" },
	{ "detail", "joe+lists@example.org", "joe@example.org/lists" },
	{ "detail that is an account", "a+b@example.org", "a+b@example.org" },
	{ "detail that is an alias", "joe+special@example.org", "ann@example.org" },
	{ "unknown", "nobody@example.org", "verdict 1" },
	{ "not an address", "joe", "verdict 3" },
	{ "nothing", "", "verdict 3" },
	{ "percent hack", "joe%example.org@example.org", "verdict 1" },
	{ "quoted route", "\"joe@example.org\"@example.org", "verdict 1" },
	{ "bang path", "host!joe@example.org", "verdict 1" },
	{ "elsewhere", "Joe@Elsewhere.example", ">Joe@Elsewhere.example" },
	{ "subdomain is another", "joe@sub.example.org", ">joe@sub.example.org" },
	{ "locked", "closed@example.org", "verdict 4" },
	{ "takes no mail", "reader@example.org", "verdict 4" },
	{ "alias", "info@example.org", "joe@example.org ann@example.org" },
	{ "detail goes through an alias", "info+x@example.org",
		"joe@example.org/x ann@example.org/x" },
	{ "alias of aliases, each once", "twice@example.org", "joe@example.org ann@example.org" },
	{ "alias that goes out", "out@example.org", ">joe@elsewhere.example" },
	{ "alias to itself is its account", "self@example.org",
		"self@example.org joe@example.org" },
	{ "loop", "loop1@example.org", "verdict 7" },
	{ "half good", "half@example.org", "joe@example.org !1" },
	{ "alias to nobody", "none@example.org", "!1" },
	{ "alias domain", "joe+y@example.net", "joe@example.org/y" },
	{ "alias domain, unknown", "nobody@example.net", "verdict 1" },
	{ "alias everywhere", "root@example.org", "joe@example.org" },
	{ "alias everywhere, twice", "abuse@example.org", "joe@example.org" },
	{ "relay", "any@relay.example", ">any@relay.example" },
	{ "alias in a relay domain", "list@relay.example", "joe@example.org" },
	{ "no alias everywhere for a relay domain", "root@relay.example", ">root@relay.example" },
	{ "domain of the configuration", "root@conf.example", "joe@example.org" },
	{ "postmaster by option", "postmaster@example.org", "ann@example.org" },
	{ "postmaster alone", "postmaster", "ann@example.org" },
	{ "postmaster in capitals", "POSTMASTER@CONF.example", "ann@example.org" },
	{ "system user", "sam@host.example.org", "sam@localhost" },
	{ "system user with detail", "sam+x@host.example.org", "sam@localhost/x" },
	{ "system user elsewhere", "sam@example.org", "verdict 1" },
	{ "catch-all", "whoever@host.example.org", "joe@example.org" },
	{ "literal is not ours", "joe@[192.0.2.1]", ">joe@[192.0.2.1]" },
};

static void
resolve_one(void **arg)
{
	const struct resolve_row *t = *arg;
	struct arena a = ARENA_INIT;
	struct resolution r;
	char out[500];
	void *fixture;

	assert_int_equal(make(&fixture), 0);
	resolve(&((struct fixture *)fixture)->texts.t, &a, bytes_from_str(t->address), NULL, &r);
	assert_string_equal(describe(&r, out), t->expected);
	arena_reset(&a);
	destroy(&fixture);
}

struct use {
	const char *account;
	uint64_t octets, messages;
};

static bool
use_of(void *arg, struct bytes account, uint64_t *octets, uint64_t *messages)
{
	const struct use *u = arg;

	if (!bytes_is(account, u->account))
		return false;
	*octets = u->octets;
	*messages = u->messages;
	return true;
}

static const struct rcpt_row {
	const char *label, *address;
	uint32_t flags;
	uint64_t size;
	struct use use;
	enum directory_verdict verdict;
} rcpt_rows[] = {
	{ "account", "joe@example.org", 0, 0, { "", 0, 0 }, DIRECTORY_OK },
	{ "fits", "joe@example.org", 0, 1000, { "", 0, 0 }, DIRECTORY_OK },
	{ "never fits", "joe@example.org", 0, 1001, { "", 0, 0 }, DIRECTORY_TOO_LARGE },
	{ "full", "joe@example.org", 0, 0, { "joe@example.org", 1000, 1 }, DIRECTORY_OVER_QUOTA },
	{ "over", "joe@example.org", 0, 0, { "joe@example.org", 2000, 1 }, DIRECTORY_OVER_QUOTA },
	{ "just fits", "joe@example.org", 0, 100, { "joe@example.org", 900, 1 }, DIRECTORY_OK },
	{ "just too much", "joe@example.org", 0, 101, { "joe@example.org", 900, 1 },
		DIRECTORY_OVER_QUOTA },
	{ "no limit", "ann@example.org", 0, 99999, { "ann@example.org", 1 << 30, 1 },
		DIRECTORY_OK },
	{ "messages", "few@example.org", 0, 0, { "few@example.org", 1, 10 }, DIRECTORY_OVER_QUOTA },
	{ "messages left", "few@example.org", 0, 0, { "few@example.org", 1, 9 }, DIRECTORY_OK },
	{ "one of two has room", "info@example.org", 0, 0, { "joe@example.org", 2000, 1 },
		DIRECTORY_OK },
	{ "elsewhere", "joe@elsewhere.example", 0, 0, { "", 0, 0 }, DIRECTORY_NO_RELAY },
	{ "elsewhere, may relay", "joe@elsewhere.example", DIRECTORY_MAY_RELAY, 0, { "", 0, 0 },
		DIRECTORY_OK },
	{ "relay domain", "joe@relay.example", 0, 0, { "", 0, 0 }, DIRECTORY_OK },
	{ "unknown, may relay", "nobody@example.org", DIRECTORY_MAY_RELAY, 0, { "", 0, 0 },
		DIRECTORY_UNKNOWN },
	{ "alias to nobody", "none@example.org", 0, 0, { "", 0, 0 }, DIRECTORY_UNKNOWN },
	{ "alias that goes out", "out@example.org", 0, 0, { "", 0, 0 }, DIRECTORY_OK },
	{ "route in quotes", "\"joe@elsewhere.example\"@example.org", 0, 0, { "", 0, 0 },
		DIRECTORY_UNKNOWN },
};

static void
rcpt_one(void **arg)
{
	const struct rcpt_row *t = *arg;
	struct directory_rcpt m = { bytes_from_str(t->address), t->size, t->flags };
	struct use use = t->use;
	struct arena a = ARENA_INIT;
	struct resolution r;
	void *fixture;

	assert_int_equal(make(&fixture), 0);
	resolve(&((struct fixture *)fixture)->texts.t, &a, m.address, NULL, &r);
	assert_int_equal(resolve_rcpt(&r, &m, use_of, &use).verdict, t->verdict);
	arena_reset(&a);
	destroy(&fixture);
}

static const struct owns_row {
	const char *label, *account, *address;
	int owns;
} owns_rows[] = {
	{ "own", "joe@example.org", "Joe@example.org", 1 },
	{ "own with detail", "joe@example.org", "joe+x@example.org", 1 },
	{ "by alias domain", "joe@example.org", "joe@example.net", 1 },
	{ "one of two behind an alias", "ann@example.org", "info@example.org", 0 },
	{ "alone behind an alias", "ann@example.org", "joe+special@example.org", 1 },
	{ "another's detail is an alias", "joe@example.org", "joe+special@example.org", 1 },
	{ "alias with an unknown target", "joe@example.org", "half@example.org", 0 },
	{ "alias that leads away", "joe@example.org", "out@example.org", 0 },
	{ "own, and an alias of that name", "self@example.org", "self@example.org", 1 },
	{ "behind another's own name", "joe@example.org", "self@example.org", 0 },
	{ "send-as an address", "few@example.org", "Info@Example.ORG", 1 },
	{ "send-as, by the alias domain", "few@example.org", "info@example.net", 0 },
	{ "send-as elsewhere", "few@example.org", "few@elsewhere.example", 1 },
	{ "send-as a domain", "few@example.org", "anybody@Sub.Example", 1 },
	{ "send-as a domain, not below it", "few@example.org", "a@b.sub.example", 0 },
	{ "send-as a domain that has an alias domain", "few@example.org", "x@host.example.org", 1 },
	{ "postmaster alone", "joe@example.org", "postmaster", 0 },
	{ "empty", "joe@example.org", "", 0 },
	{ "somebody else's", "ann@example.org", "joe@example.org", 0 },
	{ "unknown", "joe@example.org", "nobody@example.org", 0 },
	{ "catch-all gives nothing", "joe@example.org", "whoever@host.example.org", 0 },
	{ "elsewhere", "joe@example.org", "joe@elsewhere.example", 0 },
	{ "not an address", "joe@example.org", "<>", 0 },
};

static void
owns_one(void **arg)
{
	const struct owns_row *t = *arg;
	struct arena a = ARENA_INIT;
	struct directory_tables *tables;
	struct account account;
	void *fixture;

	assert_int_equal(make(&fixture), 0);
	tables = &((struct fixture *)fixture)->texts.t;
	assert_int_equal(
		tables_by_key(tables, &a, bytes_from_str(t->account), false, &account), ERR_OK);
	assert_int_equal(resolve_owns(tables, &a, &account, bytes_from_str(t->address)), t->owns);
	arena_reset(&a);
	destroy(&fixture);
}

/* A user of this machine, with two names. */
static const char *const hosts[LOCAL_HOSTS] = { "mx.example.org", "vm" };

static const struct owns_row local_rows[] = {
	{ "in the default domain", "www-data@localhost", "www-data@example.org", 1 },
	{ "with a detail", "www-data@localhost", "WWW-Data+cron@example.org", 1 },
	{ "by the alias domain", "www-data@localhost", "www-data@example.net", 1 },
	{ "at the host's name", "www-data@localhost", "www-data@mx.example.org", 1 },
	{ "at its other name", "www-data@localhost", "www-data@VM", 1 },
	{ "in a domain of the system's users", "sam@localhost", "sam@host.example.org", 1 },
	{ "another local domain", "www-data@localhost", "www-data@conf.example", 0 },
	{ "elsewhere", "www-data@localhost", "www-data@elsewhere.example", 0 },
	{ "below the host's name", "www-data@localhost", "www-data@a.mx.example.org", 0 },
	{ "another name", "www-data@localhost", "sam@host.example.org", 0 },
	{ "an account of that name", "joe@localhost", "joe@example.org", 0 },
	{ "an account of that name, with a detail", "joe@localhost", "joe+x@example.org", 0 },
	{ "the account's name at the host", "joe@localhost", "joe@mx.example.org", 1 },
	{ "an alias of that name", "info@localhost", "info@example.org", 0 },
	{ "an alias for every domain", "abuse@localhost", "abuse@example.org", 0 },
	{ "an account that has the detail", "a@localhost", "a+b@example.org", 0 },
	{ "no domain", "www-data@localhost", "www-data", 0 },
	{ "not an address", "www-data@localhost", "www-data@", 0 },
};

static void
local_one(void **arg)
{
	const struct owns_row *t = *arg;
	struct arena a = ARENA_INIT;
	void *fixture;

	assert_int_equal(make(&fixture), 0);
	assert_int_equal(local_owns(&((struct fixture *)fixture)->texts.t, &a,
				 bytes_from_str(t->account), hosts, bytes_from_str(t->address)),
		t->owns);
	arena_reset(&a);
	destroy(&fixture);
}

/* In which domains the mail of root and of trusted users is signed. */
static void
local_domains(void **arg)
{
	static const struct {
		const char *domain;
		int here;
	} domains[] = { { "example.org", 1 }, { "mx.example.org", 1 }, { "vm", 1 },
		{ "host.example.org", 1 }, { "conf.example", 0 }, { "elsewhere.example", 0 },
		{ "a.mx.example.org", 0 } };
	struct fixture *f = *arg;
	struct arena a = ARENA_INIT;

	for (size_t i = 0; i < NITEMS(domains); i++)
		assert_int_equal(
			local_domain(&f->texts.t, &a, hosts, bytes_from_str(domains[i].domain)),
			domains[i].here);
	arena_reset(&a);
}

static void
local_senders(void **arg)
{
	struct fixture *f = *arg;
	struct arena a = ARENA_INIT;

	assert_true(
		bytes_is(local_address(&f->texts.t, &a, BYTES_LITERAL("www-data@localhost"), hosts),
			"www-data@example.org"));
	assert_true(bytes_is(local_address(&f->texts.t, &a, BYTES_LITERAL("joe@localhost"), hosts),
		"joe@mx.example.org"));
	arena_reset(&a);
}

static void
values_of_targets(void **arg)
{
	struct fixture *f = *arg;
	struct arena a = ARENA_INIT;
	struct resolution r;

	resolve(&f->texts.t, &a, BYTES_LITERAL("own@example.org"), NULL, &r);
	assert_true(bytes_is(r.targets[0].home, "special/own"));
	assert_int_equal(r.targets[0].uid, 77);
	assert_int_equal(r.targets[0].gid, 78);
	assert_false(r.targets[0].system_user);
	resolve(&f->texts.t, &a, BYTES_LITERAL("joe@example.org"), NULL, &r);
	assert_true(bytes_is(r.targets[0].home, "example.org/joe"));
	assert_int_equal(r.targets[0].uid, 500);
	assert_int_equal(r.targets[0].quota_octets, 1000);
	resolve(&f->texts.t, &a, BYTES_LITERAL("sam@host.example.org"), NULL, &r);
	assert_true(bytes_is(r.targets[0].home, "localhost/sam"));
	assert_int_equal(r.targets[0].uid, 1000);
	assert_int_equal(r.targets[0].gid, 1001);
	assert_true(r.targets[0].system_user);
	arena_reset(&a);
}

static void
expansion_is_limited(void **arg)
{
	struct fixture *f = *arg;
	struct arena a = ARENA_INIT;
	struct resolution r;

	f->texts.t.expansion_limit = 2;
	resolve(&f->texts.t, &a, BYTES_LITERAL("info@example.org"), NULL, &r);
	assert_int_equal(r.verdict, DIRECTORY_LOOP);
	arena_reset(&a);
}

static void
logins(void **arg)
{
	struct fixture *f = *arg;
	struct arena a = ARENA_INIT;
	struct account account;

	assert_int_equal(tables_login(&f->texts.t, &a, BYTES_LITERAL("joe"), &account), ERR_OK);
	assert_true(bytes_is(account.key, "joe@example.org"));
	assert_int_equal(
		tables_login(&f->texts.t, &a, BYTES_LITERAL("JOE@example.net"), &account), ERR_OK);
	assert_true(bytes_is(account.key, "joe@example.org"));
	assert_int_equal(tables_login(&f->texts.t, &a, BYTES_LITERAL("info@example.org"), &account),
		ERR_NOT_FOUND);
	assert_int_equal(tables_login(&f->texts.t, &a, BYTES_LITERAL(""), &account), ERR_NOT_FOUND);
	assert_int_equal(tables_login(&f->texts.t, &a, BYTES_LITERAL("a@relay.example"), &account),
		ERR_NOT_FOUND);
	arena_reset(&a);
}

static void
tables_that_are_not_there(void **arg)
{
	struct directory_tables t = { .delimiters = "+", .expansion_limit = 10 };
	struct arena a = ARENA_INIT;
	struct resolution r;

	UNUSED(arg);
	tables_open(&t, "/nonexistent");
	resolve(&t, &a, BYTES_LITERAL("joe@example.org"), NULL, &r);
	assert_int_equal(r.verdict, DIRECTORY_TEMPORARY);
	tables_close(&t);
	arena_reset(&a);
}

int
main(void)
{
	const struct CMUnitTest others[] = {
		cmocka_unit_test_setup_teardown(values_of_targets, make, destroy),
		cmocka_unit_test_setup_teardown(expansion_is_limited, make, destroy),
		cmocka_unit_test_setup_teardown(logins, make, destroy),
		cmocka_unit_test_setup_teardown(local_domains, make, destroy),
		cmocka_unit_test_setup_teardown(local_senders, make, destroy),
		cmocka_unit_test(tables_that_are_not_there),
	};
	TABLE_TESTS(resolve_tests, resolve_rows, resolve_one);
	TABLE_TESTS(rcpt_tests, rcpt_rows, rcpt_one);
	TABLE_TESTS(owns_tests, owns_rows, owns_one);
	TABLE_TESTS(local_tests, local_rows, local_one);

	return cmocka_run_group_tests_name("directory/resolve", resolve_tests, NULL, NULL) +
	       cmocka_run_group_tests_name("directory/rcpt", rcpt_tests, NULL, NULL) +
	       cmocka_run_group_tests_name("directory/ownership", owns_tests, NULL, NULL) +
	       cmocka_run_group_tests_name("directory/local users", local_tests, NULL, NULL) +
	       cmocka_run_group_tests_name("directory/others", others, NULL, NULL);
}
