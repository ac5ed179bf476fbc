/* SPDX-License-Identifier: ISC */
/*
 * tests/unit/directory/test_backends.c - one table of addresses and what they lead to, for every
 * back end: text in memory, Berkeley DB, and PostgreSQL where RELAIS_TEST_POSTGRESQL names an
 * empty database (tests/system/test_postgresql.py does).
 */
#include "../base/cases.h"

#include <libpq-fe.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "aliases.h"
#include "err.h"
#include "map_build.h"
#include "map_layers.h"
#include "map_postgresql.h"
#include "resolve.h"

static const char *const texts[TABLE_KINDS] = {
	[TABLE_DOMAINS] = "example.org local\n"
			  "host.example.org local system-users\n"
			  "example.net alias example.org\n"
			  "relay.example relay\n",
	[TABLE_ACCOUNTS] = "joe@example.org $y$x quota=1000 messages=7\n"
			   "ann@example.org $y$x\n"
			   "\"odd one\"@example.org $y$x home=odd/one uid=77 gid=78\n"
			   "closed@example.org $y$x state=locked\n"
			   "away@example.org $y$x forward=ann@example.org,away@elsewhere.example\n"
			   "copy@example.org $y$x forward=ann@example.org keep=yes\n"
			   "ping@example.org * forward=pong@example.org\n"
			   "pong@example.org * forward=ping@example.net\n"
			   "round@example.org * forward=round@example.net keep=yes\n",
	[TABLE_ALIASES] =
		"info@example.org joe@example.org, ann@example.org, joe@example.org\n"
		"many@example.org info@example.org info joe@example.net ann\n"
		"list@example.org joe@example.org out@elsewhere.example inner@example.org\n"
		"owner-list@example.org ann@example.org\n"
		"inner@example.org ann@example.org\n"
		"owner-inner@example.org joe@example.org\n"
		"one@example.org joe@example.org\n"
		"owner-one@example.org owner-one@example.org ann@example.org\n"
		"twice@example.org a@elsewhere.example A@elsewhere.example\n"
		"d0@example.org d1@example.org\n"
		"d1@example.org d2@example.org\n"
		"d2@example.org d3@example.org\n"
		"d3@example.org d4@example.org\n"
		"d4@example.org joe@example.org\n"
		"loop1@example.org loop2@example.net\n"
		"loop2@example.org loop1@example.org\n"
		"half@example.org half@example.net, joe@example.org\n"
		"root joe@example.org\n"
		"@relay.example joe@example.org\n"
		"@host.example.org ann@example.org\n",
	[TABLE_SYSTEM_USERS] = "sam 1000 1001\n",
	[TABLE_SYSTEM_ALIASES] = "",
};

static const char system_aliases[] =
	"staff: sam, \"|/usr/bin/tool 'a, b' \\\"c\\\"\", /var/log/staff\n"
	"sam: sam, joe@example.org\n"
	"only: |/bin/cat\n"
	"crew: sam, only\n"
	"owner-crew: joe@example.org\n";

static int
no_files(void *arg, const char *path, struct buf *out, const char **why)
{
	UNUSED(arg), UNUSED(path), UNUSED(out);
	*why = "no files here";
	return ERR_DENIED;
}

/* ---- back ends ---- */

struct fixture {
	struct table tables[TABLE_KINDS];
	struct directory_tables t;
	struct pg *pg;
	char folder[64];
};

static void
parse(struct fixture *f)
{
	const struct aliases_files files = { no_files, NULL };

	for (int k = 0; k < TABLE_KINDS; k++) {
		f->tables[k] = TABLE_INIT;
		if (k == TABLE_SYSTEM_ALIASES)
			aliases_parse(&f->tables[k], bytes_from_str(system_aliases), &files);
		else
			table_parse(&f->tables[k], bytes_from_str(texts[k]));
		table_check(&f->tables[k], (enum table_kind)k);
		table_sort(&f->tables[k]);
		if (f->tables[k].nerrors > 0)
			print_error("%s:%u: %s\n", table_kind_name((enum table_kind)k),
				f->tables[k].errors[0].line, f->tables[k].errors[0].text);
		assert_int_equal(f->tables[k].nerrors, 0);
	}
	f->t.delimiters = "+";
	f->t.default_domain = BYTES_LITERAL("host.example.org");
	f->t.mail_uid = 500;
	f->t.mail_gid = 501;
	f->t.expansion_limit = 100;
	f->t.expansion_depth = 4;
}

static void
open_text(struct fixture *f)
{
	for (int k = 0; k < TABLE_KINDS; k++)
		f->t.maps[k] = map_open_text(&f->tables[k]);
}

static void
open_btree(struct fixture *f)
{
	char path[128];

	snprintf(f->folder, sizeof(f->folder), "/tmp/relais-test-XXXXXX");
	assert_non_null(mkdtemp(f->folder));
	for (int k = 0; k < TABLE_KINDS; k++) {
		snprintf(path, sizeof(path), "%s/%s.db", f->folder,
			table_kind_name((enum table_kind)k));
		assert_int_equal(map_build(path, &f->tables[k]), ERR_OK);
	}
	tables_open(&f->t, f->folder);
}

static void
execute(PGconn *c, const char *sql)
{
	PGresult *r = PQexec(c, sql);

	if (PQresultStatus(r) != PGRES_COMMAND_OK)
		print_error("%s: %s\n", sql, PQerrorMessage(c));
	assert_int_equal(PQresultStatus(r), PGRES_COMMAND_OK);
	PQclear(r);
}

static void
insert(PGconn *c, const char *sql, struct arena *a, struct bytes key, struct bytes value)
{
	const char *values[2] = { arena_str(a, key), value.p == NULL ? NULL : arena_str(a, value) };
	PGresult *r = PQexecParams(c, sql, 2, NULL, values, NULL, NULL, 0);

	if (PQresultStatus(r) != PGRES_COMMAND_OK)
		print_error("%s: %s\n", sql, PQerrorMessage(c));
	assert_int_equal(PQresultStatus(r), PGRES_COMMAND_OK);
	PQclear(r);
}

/* A compiled entry as rows of conf/postgresql.sql. */
static void
insert_entry(PGconn *c, enum table_kind kind, const struct table_entry *e, struct arena *a)
{
	static const char *const options[] = { "quota", "messages", "state", "home", "uid", "gid" };
	struct bytes rest = e->value, target;

	if (kind == TABLE_ALIASES) {
		while (alias_next_target(&rest, &target) > 0)
			insert(c, "INSERT INTO aliases VALUES ($1, $2) ON CONFLICT DO NOTHING", a,
				e->key, target);
		return;
	}
	if (kind == TABLE_DOMAINS) {
		struct domain_record d;
		const char *why;

		assert_int_equal(domain_record_parse(a, e->value, &d, &why), ERR_OK);
		insert(c,
			d.class == DOMAIN_LOCAL && d.system_users
				? "INSERT INTO domains VALUES ($1, 'local', $2, true)"
			: d.class == DOMAIN_LOCAL ? "INSERT INTO domains VALUES ($1, 'local', $2)"
			: d.class == DOMAIN_RELAY ? "INSERT INTO domains VALUES ($1, 'relay', $2)"
						  : "INSERT INTO domains VALUES ($1, 'alias', $2)",
			a, e->key, d.class == DOMAIN_ALIAS ? d.target : BYTES_NONE);
		return;
	}
	insert(c, "INSERT INTO accounts(address, password) VALUES ($1, $2)", a, e->key,
		bytes_cut(&rest, ' '));
	while (rest.n > 0) {
		struct bytes value = bytes_cut(&rest, ' '), name = bytes_cut(&value, '=');

		for (size_t i = 0; i < NITEMS(options); i++)
			if (bytes_is(name, options[i])) {
				/* once with its gid: the table wants both */
				char sql[200];

				snprintf(sql, sizeof(sql),
					"UPDATE accounts SET %s = $2%s%s WHERE "
					"address = $1",
					options[i],
					bytes_is(name, "uid") || bytes_is(name, "gid") ||
							bytes_is(name, "quota") ||
							bytes_is(name, "messages")
						? "::bigint"
						: "",
					bytes_is(name, "uid") ? ", gid = 1" : "");
				insert(c, sql, a, e->key, value);
			}
		if (bytes_is(name, "forward"))
			insert(c,
				"UPDATE accounts SET forward = string_to_array($2, ',') "
				"WHERE address = $1",
				a, e->key, value);
		if (bytes_is(name, "keep"))
			insert(c, "UPDATE accounts SET keep = $2::boolean WHERE address = $1", a,
				e->key, value);
	}
}

static void
fill_database(const struct fixture *f, const char *conninfo)
{
	PGconn *c = PQconnectdb(conninfo);
	struct buf sql = BUF_INIT;
	struct arena a = ARENA_INIT;
	char line[1000];
	FILE *in = fopen("conf/postgresql.sql", "re");

	assert_int_equal(PQstatus(c), CONNECTION_OK);
	assert_non_null(in);
	while (fgets(line, sizeof(line), in) != NULL)
		buf_put_str(&sql, line);
	fclose(in);
	execute(c, "SET client_min_messages = error");
	execute(c, "DROP TABLE IF EXISTS domains, accounts, aliases, transport, "
		   "sender_transport, tls_policy");
	execute(c, buf_str(&sql));
	for (int k = 0; k <= TABLE_ALIASES; k++)
		for (size_t i = 0; i < f->tables[k].count; i++)
			insert_entry(c, (enum table_kind)k, &f->tables[k].entries[i], &a);
	PQfinish(c);
	arena_reset(&a);
	buf_free(&sql);
}

static void
open_postgresql(struct fixture *f)
{
	/* the options' defaults; the order is the text's, so that one expectation fits all */
	static const char *const queries[] = {
		[TABLE_DOMAINS] =
			"SELECT class, target, CASE WHEN system_users THEN 'system-users' "
			"END FROM domains WHERE name = $1",
		[TABLE_ACCOUNTS] = "SELECT password, quota, messages, state, home, uid, gid, "
				   "array_to_string(forward, ',') AS forward, "
				   "CASE WHEN keep THEN 'yes' END AS keep, "
				   "array_to_string(words, ' ') AS words "
				   "FROM accounts WHERE address = $1",
		[TABLE_ALIASES] = "SELECT target FROM aliases WHERE address = $1 ORDER BY ctid",
	};
	const char *conninfo = getenv("RELAIS_TEST_POSTGRESQL");
	struct buf why = BUF_INIT;
	char *prepared;

	fill_database(f, conninfo);
	prepared = pg_prepare_conninfo(conninfo, NULL, NULL, &why);
	if (prepared == NULL)
		print_error("%s\n", buf_str(&why));
	assert_non_null(prepared);
	buf_free(&why);
	f->pg = pg_new(&(struct pg_options){ prepared, 5000, 5000 });
	free(prepared);
	open_text(f);
	for (size_t k = 0; k < NITEMS(queries); k++) {
		map_close(&f->t.maps[k]);
		f->t.maps[k] = map_open_postgresql(f->pg, (enum table_kind)k, queries[k]);
	}
}

static void
close_all(struct fixture *f)
{
	char command[128];

	tables_close(&f->t);
	pg_free(&f->pg);
	for (int k = 0; k < TABLE_KINDS; k++)
		table_free(&f->tables[k]);
	if (f->folder[0] == 0)
		return;
	snprintf(command, sizeof(command), "rm -rf '%s'", f->folder);
	assert_int_equal(system(command), 0); /* NOLINT: a path of our own making */
}

static const struct backend {
	const char *label;
	void (*open)(struct fixture *f);
} backends[] = {
	{ "text", open_text },
	{ "Berkeley DB", open_btree },
	{ "PostgreSQL", open_postgresql },
};

/* ---- the table ---- */

/* The verdict, or each target: "account[/detail]", ">address" (goes out), "!N" (an error), a
 * command or a file as it is; "<owner" behind it if it has one. */
static const char *
describe(const struct resolution *r, char out[1000])
{
	struct buf b = BUF_INIT;

	if (r->verdict != DIRECTORY_OK)
		buf_printf(&b, "verdict %d", (int)r->verdict);
	for (size_t i = 0; i < r->count && r->verdict == DIRECTORY_OK; i++) {
		const struct directory_target *t = &r->targets[i];

		if (i > 0)
			buf_put_u8(&b, ' ');
		if (t->kind == DIRECTORY_TARGET_ERROR)
			buf_printf(&b, "!%d", (int)t->verdict);
		else if (t->kind == DIRECTORY_TARGET_REMOTE)
			buf_printf(&b, ">%.*s", (int)t->address.n, (const char *)t->address.p);
		else
			buf_put_bytes(&b, t->account);
		if (t->detail.n > 0)
			buf_printf(&b, "/%.*s", (int)t->detail.n, (const char *)t->detail.p);
		if (t->reverse_path.n > 0)
			buf_printf(&b, "<%.*s", (int)t->reverse_path.n,
				(const char *)t->reverse_path.p);
	}
	bytes_to_str(buf_bytes(&b), out, 1000);
	buf_free(&b);
	return out;
}

static const struct row {
	const char *address, *expected;
} rows[] = {
	{ "joe@example.org", "joe@example.org" },
	{ "JOE+Lists@Example.NET", "joe@example.org/lists" },
	{ "\"odd one\"@example.org", "odd one@example.org" },
	{ "nobody@example.org", "verdict 1" },
	{ "o'neil@example.org", "verdict 1" },
	{ "x'; DROP TABLE accounts; --@example.org", "verdict 3" },
	{ "\"x'; DROP TABLE accounts; --\"@example.org", "verdict 1" },
	{ "\xff\xfe@example.org", "verdict 3" },
	{ "closed@example.org", "verdict 4" },
	{ "joe@relay.example", "joe@example.org" },
	/* several targets, each once */
	{ "info@example.org", "joe@example.org ann@example.org" },
	{ "info+x@example.org", "joe@example.org/x ann@example.org/x" },
	{ "many@example.org", "joe@example.org ann@example.org" },
	{ "twice@example.org", ">a@elsewhere.example" },
	/* forwards */
	{ "away@example.org", "ann@example.org >away@elsewhere.example" },
	{ "away+x@example.org", "ann@example.org >away@elsewhere.example" },
	{ "copy@example.org", "copy@example.org ann@example.org" },
	{ "ping@example.org", "verdict 7" },
	{ "round@example.org", "round@example.org" },
	/* owners of lists, the inner one for the inner list */
	{ "list@example.org", "joe@example.org<owner-list@example.org "
			      ">out@elsewhere.example<owner-list@example.org "
			      "ann@example.org<owner-inner@example.org" },
	{ "one@example.org", "joe@example.org<owner-one@example.org" },
	{ "owner-one@example.org", "!1 ann@example.org" },
	{ "crew@host.example.org", "sam@localhost<owner-crew@host.example.org "
				   "joe@example.org<owner-crew@host.example.org "
				   "|/bin/cat<owner-crew@host.example.org" },
	/* depth and loops */
	{ "d0@example.org", "verdict 7" },
	{ "d1@example.org", "joe@example.org" },
	{ "loop1@example.org", "verdict 7" },
	{ "half@example.org", "!1 joe@example.org" },
	/* the system's aliases: their domains only */
	{ "root@host.example.org", "joe@example.org" },
	{ "staff@host.example.org", "|/usr/bin/tool 'a, b' \"c\" /var/log/staff sam@localhost "
				    "joe@example.org" },
	{ "staff@example.org", "verdict 1" },
	{ "only@host.example.org", "|/bin/cat" },
	{ "sam@host.example.org", "sam@localhost joe@example.org" },
	{ "other@host.example.org", "ann@example.org" },
	{ "\"|/bin/sh\"@host.example.org", "ann@example.org" },
};

static void
run_backend(void **arg)
{
	const struct backend *b = *arg;
	struct fixture f = { 0 };
	char out[1000];

	if (b->open == open_postgresql && getenv("RELAIS_TEST_POSTGRESQL") == NULL)
		skip();
	parse(&f);
	b->open(&f);
	for (size_t i = 0; i < NITEMS(rows); i++) {
		struct arena a = ARENA_INIT;
		struct resolution r;

		resolve(&f.t, &a, bytes_from_str(rows[i].address), NULL, &r);
		if (strcmp(describe(&r, out), rows[i].expected) != 0)
			print_error("%s: %s\n", rows[i].address,
				f.pg != NULL ? pg_take_error(f.pg) : "");
		assert_string_equal(out, rows[i].expected);
		arena_reset(&a);
	}
	close_all(&f);
}

/* Ten thousand members: each once, quickly; and no more than the limit allows. */
static void
wide(void **arg)
{
	struct fixture f = { 0 };
	struct buf text = BUF_INIT;
	struct arena a = ARENA_INIT;
	struct resolution r;

	UNUSED(arg);
	parse(&f);
	table_free(&f.tables[TABLE_ALIASES]);
	buf_put_str(&text, "all@example.org ");
	for (unsigned i = 0; i < 20000; i++)
		buf_printf(&text, "user%u@elsewhere.example ", i % 10000);
	buf_put_u8(&text, '\n');
	f.tables[TABLE_ALIASES] = TABLE_INIT;
	table_parse(&f.tables[TABLE_ALIASES], buf_bytes(&text));
	table_check(&f.tables[TABLE_ALIASES], TABLE_ALIASES);
	assert_int_equal(f.tables[TABLE_ALIASES].nerrors, 0);
	open_text(&f);
	f.t.expansion_limit = 100000;
	resolve(&f.t, &a, BYTES_LITERAL("all@example.org"), NULL, &r);
	assert_int_equal(r.verdict, DIRECTORY_OK);
	assert_int_equal(r.count, 10000);
	f.t.expansion_limit = 19999;
	resolve(&f.t, &a, BYTES_LITERAL("all@example.org"), NULL, &r);
	assert_int_equal(r.verdict, DIRECTORY_LOOP);
	arena_reset(&a);
	close_all(&f);
	buf_free(&text);
}

/* A server that is not there: temporary, at once after the first try, never "unknown". */
static void
no_server(void **arg)
{
	struct fixture f = { 0 };
	struct arena a = ARENA_INIT;
	struct resolution r;
	struct buf why = BUF_INIT;
	char *conninfo =
		pg_prepare_conninfo("host=127.0.0.1 port=1 dbname=x user=x", NULL, NULL, &why);

	UNUSED(arg);
	assert_non_null(conninfo);
	parse(&f);
	f.pg = pg_new(&(struct pg_options){ conninfo, 2000, 2000 });
	free(conninfo);
	open_text(&f);
	f.t.maps[TABLE_ACCOUNTS] = map_open_chain(
		map_open_postgresql(f.pg, TABLE_ACCOUNTS, "SELECT 1"), f.t.maps[TABLE_ACCOUNTS]);
	for (int i = 0; i < 1000; i++) {
		resolve(&f.t, &a, BYTES_LITERAL("joe@example.org"), NULL, &r);
		assert_int_equal(r.verdict, DIRECTORY_TEMPORARY);
	}
	assert_true(strlen(pg_take_error(f.pg)) > 0);
	assert_string_equal(pg_take_error(f.pg), "");
	arena_reset(&a);
	close_all(&f);
}

static const struct conninfo_row {
	const char *given, *root, *has; /* has: NULL: refused */
} conninfo_rows[] = {
	{ "host=localhost dbname=mail user=u", NULL, "sslmode='disable'" },
	{ "host=127.0.0.1 dbname=mail user=u", NULL, "hostaddr='127.0.0.1'" },
	{ "host=192.0.2.1 dbname=mail user=u", NULL, "sslmode='require'" },
	{ "host=192.0.2.1 sslmode=verify-full user=u", NULL, "sslmode='verify-full'" },
	{ "postgresql://u@127.0.0.1:5433/mail", NULL, "port='5433'" },
	{ "host=/run/postgresql user=u", NULL, "host='/run/postgresql'" },
	{ "host=/run/postgresql user=u", "/var/lib/relais/directory", NULL },
	{ "host=/var/lib/relais/directory/pg user=u", "/var/lib/relais/directory", "host='/pg'" },
	{ "host=/var/lib/relais/directory2 user=u", "/var/lib/relais/directory", NULL },
	{ "user=u password='a b\\'c'", NULL, "password='a b\\'c'" },
	{ "nonsense", NULL, NULL },
	{ "host=no-such-host.invalid user=u", NULL, NULL },
};

static void
conninfos(void **arg)
{
	UNUSED(arg);
	for (size_t i = 0; i < NITEMS(conninfo_rows); i++) {
		const struct conninfo_row *t = &conninfo_rows[i];
		struct buf why = BUF_INIT;
		char *made = pg_prepare_conninfo(t->given, NULL, t->root, &why);

		if ((made == NULL) != (t->has == NULL) ||
			(made != NULL && strstr(made, t->has) == NULL))
			print_error("%s: %s\n", t->given, made != NULL ? made : buf_str(&why));
		assert_int_equal(made == NULL, t->has == NULL);
		assert_true(made != NULL || why.len > 0);
		buf_free(&why);
		if (made != NULL)
			assert_non_null(strstr(made, t->has));
		free(made);
	}
}

int
main(void)
{
	struct CMUnitTest tests[NITEMS(backends) + 3] = { { "wide", wide, NULL, NULL, NULL },
		{ "no server", no_server, NULL, NULL, NULL },
		{ "connection strings", conninfos, NULL, NULL, NULL } };

	for (size_t i = 0; i < NITEMS(backends); i++)
		tests[3 + i] = (struct CMUnitTest){ backends[i].label, run_backend, NULL, NULL,
			table_row(&backends[i]) };
	return cmocka_run_group_tests_name("directory/backends", tests, NULL, NULL);
}
