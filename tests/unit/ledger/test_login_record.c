/* SPDX-License-Identifier: ISC */
/* tests/unit/ledger/test_login_record.c - known networks, last uses, incidents in the database. */
#include "../base/cases.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "err.h"
#include "incidents.h"
#include "login_record.h"

#define DAY 86400

static int
make_database(void **arg)
{
	static char path[64];
	struct database_options o = { path, 4 * 1024 * 1024, 1000, NULL };
	struct database *db;
	bool anew;

	snprintf(path, sizeof(path), "/tmp/relais-test-XXXXXX");
	if (mkdtemp(path) == NULL || database_open(&o, &db, &anew) < 0)
		return -1;
	*arg = db;
	return setenv("TEST_FOLDER", path, 1);
}

static int
remove_database(void **arg)
{
	struct database *db = *arg;
	char command[128];

	database_close(&db);
	snprintf(command, sizeof(command), "rm -rf '%s'", getenv("TEST_FOLDER"));
	return system(command); /* NOLINT: a path of our own making */
}

static struct ip_block
network(unsigned n)
{
	struct ip_block b = { .family = 4, .prefix = 24, .addr = { 10, 0, (uint8_t)n } };

	return b;
}

static void
right(struct database *db, const char *login, const char *credential, unsigned n, uint64_t now)
{
	const struct ledger_tried m = { .client = BYTES_LITERAL("10.0.0.1"),
		.login = bytes_from_str(login),
		.protocol = LEDGER_POP3,
		.credential = bytes_from_str(credential) };
	struct ip_block b = network(n);

	assert_int_equal(logins_right(db, &m, &b, now), ERR_OK);
}

static bool
known(struct database *db, const char *login, unsigned n)
{
	struct ip_block b = network(n);
	bool yes;

	assert_int_equal(logins_known(db, bytes_from_str(login), &b, &yes), ERR_OK);
	return yes;
}

static void
networks(void **arg)
{
	assert_false(known(*arg, "a@x", 1));
	for (unsigned n = 1; n <= LOGINS_NETWORKS; n++)
		right(*arg, "a@x", "", n, (uint64_t)n * DAY);
	right(*arg, "a@x", "", 1, 100 * DAY); /* used again: the second is the oldest now */
	right(*arg, "a@x", "", 200, 101 * DAY);
	assert_true(known(*arg, "a@x", 1));
	assert_false(known(*arg, "a@x", 2));
	assert_true(known(*arg, "a@x", 3));
	assert_true(known(*arg, "a@x", 200));
	assert_false(known(*arg, "b@x", 200));
}

static void
uses(void **arg)
{
	struct ledger_last_use_answer *a = xcalloc(1, sizeof(*a));
	struct buf room = BUF_INIT;

	right(*arg, "u@x", "", 1, 1000);
	right(*arg, "u@x", "telephone", 1, 2000);
	right(*arg, "u@x", "telephone", 1, 2010); /* within the minute: not written */
	right(*arg, "u@xy", "other", 1, 3000);
	right(*arg, "u@w", "", 1, 3000);
	assert_int_equal(logins_last_use(*arg, BYTES_LITERAL("u@x"), &room, a), ERR_OK);
	assert_int_equal(a->count, 2);
	assert_int_equal(a->rows[0].credential.n, 0);
	assert_true(bytes_equal(a->rows[1].credential, BYTES_LITERAL("telephone")));
	assert_true(bytes_equal(a->rows[1].client, BYTES_LITERAL("10.0.0.1")));
	assert_int_equal(a->rows[1].when, 2000);
	assert_int_equal(a->rows[1].protocol, LEDGER_POP3);
	right(*arg, "u@x", "telephone", 1, 2060);
	assert_int_equal(logins_last_use(*arg, BYTES_LITERAL("u@x"), &room, a), ERR_OK);
	assert_int_equal(a->rows[1].when, 2060);
	assert_int_equal(logins_last_use(*arg, BYTES_LITERAL("nobody@x"), &room, a), ERR_OK);
	assert_int_equal(a->count, 0);
	buf_free(&room);
	free(a);
}

static int
count_row(void *arg, struct bytes login, const struct incident *i)
{
	(void)login;
	assert_int_equal(i->text_len, 4);
	++*(unsigned *)arg;
	return ERR_OK;
}

static void
incidents(void **arg)
{
	struct incident i = { .since_s = 5, .refused = 7, .text = "much", .text_len = 4 }, out;
	unsigned n = 0;

	assert_int_equal(incident_get(*arg, BYTES_LITERAL("a@x"), &out), ERR_NOT_FOUND);
	assert_int_equal(incident_put(*arg, BYTES_LITERAL("a@x"), &i), ERR_OK);
	i.told = true;
	assert_int_equal(incident_put(*arg, BYTES_LITERAL("b@x"), &i), ERR_OK);
	assert_int_equal(incident_get(*arg, BYTES_LITERAL("b@x"), &out), ERR_OK);
	assert_true(out.told && out.refused == 7 && out.text_len == 4);
	assert_int_equal(incident_walk(*arg, BYTES_NONE, count_row, &n), 2);
	assert_int_equal(n, 2);
	assert_int_equal(incident_walk(*arg, BYTES_LITERAL("a@x"), count_row, &n), 1);
	assert_int_equal(incident_del(*arg, BYTES_LITERAL("a@x")), ERR_OK);
	assert_int_equal(incident_del(*arg, BYTES_LITERAL("a@x")), ERR_NOT_FOUND);
}

int
main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(networks), cmocka_unit_test(uses),
		cmocka_unit_test(incidents) };

	return cmocka_run_group_tests_name(
		"ledger/login_record", tests, make_database, remove_database);
}
