/* SPDX-License-Identifier: ISC */
/* tests/unit/map/test_layers.c - maps over maps; rows of a database as values. */
#include "../base/cases.h"

#include <stdlib.h>
#include <unistd.h>

#include "err.h"
#include "map_layers.h"
#include "sql_rows.h"

/* A map that answers what it is told and counts the questions. */
struct told {
	int result;
	const char *value;
	unsigned asked;
};

static int
told_get(void *self, struct arena *a, struct bytes key, struct bytes *value)
{
	struct told *t = self;

	UNUSED(key);
	t->asked++;
	if (t->result == ERR_OK)
		*value = arena_bytes(a, bytes_from_str(t->value));
	return t->result;
}

static int
told_refresh(void *self)
{
	UNUSED(self);
	return 0;
}

static void
told_close(void *self)
{
	UNUSED(self);
}

static const struct map_driver told_driver = { told_get, told_refresh, told_close };

static const struct chain_row {
	const char *label;
	int first, second, expected;
	const char *value;
	unsigned second_asked;
} chain_rows[] = {
	{ "first has it", ERR_OK, ERR_OK, ERR_OK, "1", 0 },
	{ "second has it", ERR_NOT_FOUND, ERR_OK, ERR_OK, "2", 1 },
	{ "nobody has it", ERR_NOT_FOUND, ERR_NOT_FOUND, ERR_NOT_FOUND, "", 1 },
	{ "first might have had it", ERR_IO, ERR_OK, ERR_IO, "", 0 },
	{ "second fails", ERR_NOT_FOUND, ERR_IO, ERR_IO, "", 1 },
};

static void
run_chain(void **arg)
{
	const struct chain_row *t = *arg;
	struct told one = { t->first, "1", 0 }, two = { t->second, "2", 0 };
	struct map m = map_open_chain(
		(struct map){ &told_driver, &one }, (struct map){ &told_driver, &two });
	struct arena a = ARENA_INIT;
	struct bytes value = BYTES_NONE;

	assert_int_equal(map_get(&m, &a, BYTES_LITERAL("k"), &value), t->expected);
	assert_true(bytes_is(value, t->value));
	assert_int_equal(two.asked, t->second_asked);
	assert_int_equal(map_refresh(&m), 0);
	map_close(&m);
	arena_reset(&a);
}

static void
cache(void **arg)
{
	struct told below = { ERR_OK, "value", 0 };
	struct map_cache *c = map_cache_new(64, 50);
	struct map m = map_open_cached((struct map){ &told_driver, &below }, c, 1);
	struct map other = map_open_cached((struct map){ &told_driver, &below }, c, 2);
	struct arena a = ARENA_INIT;
	struct bytes value;

	UNUSED(arg);
	for (int i = 0; i < 3; i++)
		assert_int_equal(map_get(&m, &a, BYTES_LITERAL("k"), &value), ERR_OK);
	assert_true(bytes_is(value, "value"));
	assert_int_equal(below.asked, 1);
	assert_int_equal(map_get(&other, &a, BYTES_LITERAL("k"), &value), ERR_OK);
	assert_int_equal(below.asked, 2); /* another table's key */
	below.result = ERR_NOT_FOUND;
	for (int i = 0; i < 3; i++)
		assert_int_equal(map_get(&m, &a, BYTES_LITERAL("none"), &value), ERR_NOT_FOUND);
	assert_int_equal(below.asked, 3);
	below.result = ERR_IO; /* never remembered */
	for (int i = 0; i < 3; i++)
		assert_int_equal(map_get(&m, &a, BYTES_LITERAL("io"), &value), ERR_IO);
	assert_int_equal(below.asked, 6);
	usleep(60000);
	below.result = ERR_OK;
	assert_int_equal(map_get(&m, &a, BYTES_LITERAL("none"), &value), ERR_OK);
	for (unsigned i = 0; i < 10000; i++) /* more than it holds */
		assert_int_equal(
			map_get(&m, &a, bytes_from_str(arena_printf(&a, "key%u", i)), &value),
			ERR_OK);
	map_close(&m);
	map_close(&other);
	map_cache_free(&c);
	arena_reset(&a);
}

static const struct rows_row {
	const char *label;
	enum table_kind kind;
	size_t rows, columns;
	const char *names[4], *fields[8];
	int err;
	const char *value;
} rows_rows[] = {
	{ "no row", TABLE_ACCOUNTS, 0, 1, { "password" }, { NULL }, ERR_NOT_FOUND, "" },
	{ "account", TABLE_ACCOUNTS, 1, 3, { "password", "quota", "state" },
		{ "$y$x", "100", "locked" }, ERR_OK, "$y$x quota=100 state=locked" },
	{ "NULL columns", TABLE_ACCOUNTS, 1, 3, { "password", "quota", "home" },
		{ "*", NULL, "a/b" }, ERR_OK, "* home=a/b" },
	{ "words", TABLE_ACCOUNTS, 1, 2, { "password", "words" },
		{ "*", "send-as=a@example.org keep=no" }, ERR_OK,
		"* send-as=a@example.org keep=no" },
	{ "NULL password", TABLE_ACCOUNTS, 1, 1, { "password" }, { NULL }, ERR_SYNTAX, "" },
	{ "a blank would add an option", TABLE_ACCOUNTS, 1, 2, { "password", "home" },
		{ "*", "a state=active" }, ERR_SYNTAX, "" },
	{ "line end", TABLE_ACCOUNTS, 1, 2, { "password", "home" }, { "*", "a\nb" }, ERR_SYNTAX,
		"" },
	{ "unknown column", TABLE_ACCOUNTS, 1, 2, { "password", "color" }, { "*", "red" },
		ERR_SYNTAX, "" },
	{ "two accounts", TABLE_ACCOUNTS, 2, 1, { "password" }, { "*", "*" }, ERR_SYNTAX, "" },
	{ "home above the root", TABLE_ACCOUNTS, 1, 2, { "password", "home" }, { "*", "../x" },
		ERR_SYNTAX, "" },
	{ "domain", TABLE_DOMAINS, 1, 3, { "a", "b", "c" }, { "local", NULL, "system-users" },
		ERR_OK, "local system-users" },
	{ "alias domain", TABLE_DOMAINS, 1, 2, { "a", "b" }, { "alias", "example.org" }, ERR_OK,
		"alias example.org" },
	{ "no such class", TABLE_DOMAINS, 1, 1, { "a" }, { "foreign" }, ERR_SYNTAX, "" },
	{ "targets", TABLE_ALIASES, 3, 1, { "target" }, { "a@b.example", "\"x y\"@c.example", "d" },
		ERR_OK, "a@b.example, \"x y\"@c.example, d" },
	{ "all NULL", TABLE_ALIASES, 2, 1, { "target" }, { NULL, NULL }, ERR_SYNTAX, "" },
	{ "next hops", TABLE_TRANSPORT, 2, 1, { "next_hop" },
		{ "smtp:[a.example]:587", "lmtp:unix:x" }, ERR_OK,
		"smtp:[a.example]:587, lmtp:unix:x" },
	{ "an error is one", TABLE_TRANSPORT, 1, 1, { "next_hop" }, { "error:5.7.1 no, never" },
		ERR_OK, "error:5.7.1 no, never" },
	{ "no next hop", TABLE_SENDER_TRANSPORT, 1, 1, { "next_hop" }, { "uucp:x" }, ERR_SYNTAX,
		"" },
	{ "policy", TABLE_TLS_POLICY, 1, 2, { "level", "names" }, { "verify", "name=a.example" },
		ERR_OK, "verify name=a.example" },
	{ "no policy", TABLE_TLS_POLICY, 1, 1, { "level" }, { "secure" }, ERR_SYNTAX, "" },
	{ "catch-all as a target", TABLE_ALIASES, 1, 1, { "target" }, { "@b.example" }, ERR_SYNTAX,
		"" },
};

static void
run_rows(void **arg)
{
	const struct rows_row *t = *arg;
	struct bytes names[4], fields[8], value = BYTES_NONE;
	const struct sql_rows rows = { t->rows, t->columns, names, fields };
	struct arena a = ARENA_INIT;
	const char *why;

	for (size_t i = 0; i < NITEMS(names); i++)
		names[i] = bytes_from_str(t->names[i]);
	for (size_t i = 0; i < NITEMS(fields); i++)
		fields[i] = bytes_from_str(t->fields[i]);
	assert_int_equal(sql_rows_value(t->kind, &rows, &a, &value, &why), t->err);
	assert_true(bytes_is(value, t->value));
	arena_reset(&a);
}

int
main(void)
{
	const struct CMUnitTest others[] = { cmocka_unit_test(cache) };
	TABLE_TESTS(chains, chain_rows, run_chain);
	TABLE_TESTS(rows, rows_rows, run_rows);

	return cmocka_run_group_tests_name("map/chain", chains, NULL, NULL) +
	       cmocka_run_group_tests_name("map/sql rows", rows, NULL, NULL) +
	       cmocka_run_group_tests_name("map/cache", others, NULL, NULL);
}
