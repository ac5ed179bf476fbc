/* SPDX-License-Identifier: ISC */
/* tests/unit/ledger/test_dmarc_store.c - rows of aggregate reports: summed, limited, dropped; and
 * still there after the process died. */
#include "../base/cases.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "dmarc_store.h"
#include "err.h"

#define TODAY ((struct dmarc_part){ 20000, 0 })

static const struct dmarc_limits roomy = { 1000, 100000 };

static struct database *
open_database(void)
{
	struct database_options o = { getenv("TEST_FOLDER"), 4 * 1024 * 1024, 1000, NULL };
	struct database *db;
	bool anew;

	assert_int_equal(database_open(&o, &db, &anew), ERR_OK);
	assert_false(anew);
	return db;
}

static int
make_folder(void **arg)
{
	static char path[64];

	UNUSED(arg);
	snprintf(path, sizeof(path), "/tmp/relais-test-XXXXXX");
	return mkdtemp(path) == NULL ? -1 : setenv("TEST_FOLDER", path, 1);
}

static int
remove_folder(void **arg)
{
	char command[128];

	UNUSED(arg);
	snprintf(command, sizeof(command), "rm -rf '%s'", getenv("TEST_FOLDER"));
	return system(command); /* NOLINT: a path of our own making */
}

static int
add(struct database *db, struct dmarc_part part, const char *domain, unsigned source,
	const struct dmarc_limits *limits, uint64_t *total)
{
	const struct dmarc_row row = { .policy_domain = bytes_from_str(domain),
		.record = BYTES_LITERAL("v=DMARC1; p=none; rua=mailto:a@example.org"),
		.family = 4,
		.source = { 192, 0, (uint8_t)(source >> 8), (uint8_t)source },
		.header_from = bytes_from_str(domain) };
	struct database_txn *txn;
	int r;

	assert_int_equal(database_begin(db, &txn), ERR_OK);
	r = dmarc_store_add(db, txn, part, &row, 1000 + source, limits, total);
	if (r < 0)
		assert_int_equal(database_abort(db, txn, r), r);
	else
		assert_int_equal(database_commit(db, txn), ERR_OK);
	return r;
}

/* ---- what is there ---- */

struct sums {
	unsigned days, rows;
	uint64_t messages, unlisted, in_rows;
	struct dmarc_part last;
};

static int
on_day(void *arg, const struct dmarc_day *d)
{
	struct sums *s = arg;

	s->days++;
	s->rows += d->rows;
	s->messages += d->messages;
	s->unlisted += d->unlisted;
	s->last = (struct dmarc_part){ d->day, d->part };
	assert_true(d->record.n > 0 && d->first_s <= d->last_s);
	return ERR_OK;
}

static int
on_row(void *arg, const struct dmarc_rows_row *row)
{
	struct sums *s = arg;
	struct ipc_reader in = ipc_reader(row->row);
	struct dmarc_row m;

	assert_int_equal(dmarc_row_decode(&in, &m), ERR_OK);
	assert_int_equal(m.record.n, 0);
	s->rows++;
	s->in_rows += row->messages;
	return ERR_OK;
}

static struct sums
days(struct database *db)
{
	struct sums s = { 0 };

	assert_true(dmarc_store_days(db, BYTES_NONE, 1000, on_day, &s) >= 0);
	return s;
}

static struct sums
rows(struct database *db, struct dmarc_part part, const char *domain)
{
	const struct dmarc_rows which = { part.day, part.part, bytes_from_str(domain), BYTES_NONE };
	struct sums s = { 0 };
	int n = dmarc_store_rows(db, &which, 100000, on_row, &s);

	assert_int_equal(n, s.rows);
	return s;
}

/* ---- tests ---- */

static void
test_summed(void **arg)
{
	const struct dmarc_part tomorrow = { 20001, 0 }, second = { 20000, 1 };
	struct database *db = open_database();
	uint64_t total = 0, counted;
	uint32_t part;
	struct sums s;

	UNUSED(arg);
	for (unsigned i = 0; i < 30; i++)
		assert_int_equal(add(db, TODAY, "example.org", i % 3, &roomy, &total), ERR_OK);
	/* names that begin alike are others */
	assert_int_equal(add(db, TODAY, "example.or", 1, &roomy, &total), ERR_OK);
	assert_int_equal(add(db, TODAY, "example.org.uk", 1, &roomy, &total), ERR_OK);
	assert_int_equal(add(db, tomorrow, "example.org", 1, &roomy, &total), ERR_OK);
	assert_int_equal(add(db, second, "example.org", 1, &roomy, &total), ERR_OK);
	s = days(db);
	assert_int_equal(s.days, 5);
	assert_int_equal(s.messages, 34);
	assert_int_equal(s.rows, 7);
	assert_int_equal(s.last.day, 20001);
	s = rows(db, TODAY, "example.org");
	assert_int_equal(s.rows, 3);
	assert_int_equal(s.in_rows, 30);
	assert_int_equal(rows(db, TODAY, "example.o").rows, 0);
	assert_int_equal(total, 5 + 7);
	assert_int_equal(dmarc_store_count(db, 20000, &counted, &part), ERR_OK);
	assert_int_equal(counted, total);
	assert_int_equal(part, 1);
	database_close(&db);
}

static void
test_limited(void **arg)
{
	const struct dmarc_limits few = { 4, 1000 }, tight = { 1000, 7 };
	struct database *db = open_database();
	uint64_t total = 0;
	struct sums s;

	UNUSED(arg);
	for (unsigned i = 0; i < 10; i++)
		assert_int_equal(add(db, TODAY, "many.example", i, &few, &total), ERR_OK);
	s = days(db);
	assert_int_equal(s.messages, 10);
	assert_int_equal(s.rows, 4);
	assert_int_equal(s.unlisted, 6);
	/* a row that is there takes more */
	assert_int_equal(add(db, TODAY, "many.example", 0, &few, &total), ERR_OK);
	assert_int_equal(rows(db, TODAY, "many.example").in_rows, 5);
	assert_int_equal(total, 5);
	assert_int_equal(add(db, TODAY, "b.example", 0, &tight, &total), ERR_OK);
	assert_int_equal(add(db, TODAY, "c.example", 0, &tight, &total), ERR_LIMIT);
	assert_int_equal(add(db, TODAY, "b.example", 1, &tight, &total), ERR_OK); /* unlisted */
	assert_int_equal(total, 7);
	assert_int_equal(rows(db, TODAY, "b.example").rows, 1);
	database_close(&db);
}

static void
test_dropped(void **arg)
{
	struct database *db = open_database();
	struct bytes domain = BYTES_LITERAL("example.org");
	uint64_t total = 0;

	UNUSED(arg);
	for (unsigned i = 0; i < 700; i++) /* several batches */
		assert_int_equal(add(db, TODAY, "example.org", i, &roomy, &total), ERR_OK);
	assert_int_equal(add(db, TODAY, "example.com", 1, &roomy, &total), ERR_OK);
	assert_int_equal(dmarc_store_drop(db, TODAY, domain, 699, &total), ERR_BUSY);
	assert_int_equal(rows(db, TODAY, "example.org").rows, 700);
	assert_int_equal(dmarc_store_drop(db, TODAY, domain, 700, &total), ERR_OK);
	assert_int_equal(rows(db, TODAY, "example.org").rows, 0);
	assert_int_equal(dmarc_store_drop(db, TODAY, domain, 700, &total), ERR_NOT_FOUND);
	assert_int_equal(days(db).messages, 1);
	assert_int_equal(total, 2);
	database_close(&db);
}

/* A part stays open after a restart, when all before it is sent and dropped; it is no day. */
static void
test_opened(void **arg)
{
	struct database *db = open_database();
	uint64_t total = 0;
	uint32_t part;

	UNUSED(arg);
	assert_int_equal(add(db, TODAY, "example.org", 1, &roomy, &total), ERR_OK);
	for (uint32_t i = 1; i <= 3; i++)
		assert_int_equal(dmarc_store_open(db, (struct dmarc_part){ TODAY.day, i }), ERR_OK);
	assert_int_equal(
		dmarc_store_drop(db, TODAY, BYTES_LITERAL("example.org"), 1, &total), ERR_OK);
	database_close(&db);
	db = open_database();
	assert_int_equal(dmarc_store_count(db, TODAY.day, &total, &part), ERR_OK);
	assert_int_equal(part, 3);
	assert_int_equal(total, 0);
	assert_int_equal(days(db).days, 0);
	assert_int_equal(dmarc_store_count(db, TODAY.day + 1, &total, &part), ERR_OK);
	assert_int_equal(part, 0);
	database_close(&db);
}

/* ---- values that do not decode ---- */

static int
count_day(void *arg, const struct dmarc_day *d)
{
	struct sums *s = arg;

	s->days++;
	s->messages += d->messages;
	return ERR_OK;
}

static int
spoil(void *arg, struct bytes key, struct bytes value)
{
	struct buf *keys = arg;

	UNUSED(value);
	if (keys->len == 0) /* the first one: a.example's */
		buf_put_bytes(keys, key);
	return ERR_OK;
}

/* They count nothing, hinder nothing, and go as others do. */
static void
test_spoiled(void **arg)
{
	static const enum database_table tables[] = { TABLE_DMARC_DAYS, TABLE_DMARC_ROWS };
	struct database *db = open_database();
	struct buf key = BUF_INIT;
	uint64_t total = 0, counted;
	struct sums s = { 0 };
	uint32_t part;

	UNUSED(arg);
	assert_int_equal(add(db, TODAY, "a.example", 1, &roomy, &total), ERR_OK);
	assert_int_equal(add(db, TODAY, "b.example", 1, &roomy, &total), ERR_OK);
	for (size_t i = 0; i < NITEMS(tables); i++) {
		buf_clear(&key);
		assert_true(database_walk(db, tables[i], BYTES_NONE, 1, spoil, &key) == 1);
		assert_int_equal(
			database_put(db, NULL, tables[i], buf_bytes(&key), BYTES_LITERAL("spoilt")),
			ERR_OK);
	}
	assert_int_equal(dmarc_store_count(db, TODAY.day, &counted, &part), ERR_OK);
	assert_int_equal(dmarc_store_days(db, BYTES_NONE, 1, count_day, &s), 1);
	assert_int_equal(s.messages, 0);
	assert_int_equal(dmarc_store_days(db, BYTES_NONE, 1000, count_day, &s), 2);
	assert_int_equal(s.messages, 1);
	assert_int_equal(add(db, TODAY, "a.example", 1, &roomy, &total), ERR_OK); /* begins anew */
	assert_int_equal(rows(db, TODAY, "a.example").in_rows, 1);
	assert_int_equal(days(db).messages, 2);
	assert_int_equal(
		database_put(db, NULL, TABLE_DMARC_ROWS, buf_bytes(&key), BYTES_LITERAL("spoilt")),
		ERR_OK);
	assert_int_equal(
		dmarc_store_drop(db, TODAY, BYTES_LITERAL("a.example"), 1, &total), ERR_OK);
	assert_int_equal(days(db).days, 1);
	assert_int_equal(database_walk(db, TABLE_DMARC_ROWS, BYTES_NONE, 10, spoil, &key), 1);
	buf_free(&key);
	database_close(&db);
}

/* A process that is killed in the middle: what was committed is there. */
static void
test_killed(void **arg)
{
	struct database *db;
	uint64_t total = 0;
	int status;
	pid_t pid = fork();

	UNUSED(arg);
	if (pid == 0) {
		db = open_database();
		for (unsigned i = 0; i < 200; i++)
			(void)!add(db, TODAY, "example.org", i % 20, &roomy, &total);
		_exit(7); /* without closing anything */
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFEXITED(status) && WEXITSTATUS(status) == 7);
	db = open_database();
	assert_int_equal(rows(db, TODAY, "example.org").in_rows, 200);
	assert_int_equal(days(db).messages, 200);
	database_close(&db);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_summed, make_folder, remove_folder),
		cmocka_unit_test_setup_teardown(test_limited, make_folder, remove_folder),
		cmocka_unit_test_setup_teardown(test_dropped, make_folder, remove_folder),
		cmocka_unit_test_setup_teardown(test_opened, make_folder, remove_folder),
		cmocka_unit_test_setup_teardown(test_spoiled, make_folder, remove_folder),
		cmocka_unit_test_setup_teardown(test_killed, make_folder, remove_folder),
	};

	return cmocka_run_group_tests_name("ledger/dmarc_store", tests, NULL, NULL);
}
