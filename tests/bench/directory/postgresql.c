/* SPDX-License-Identifier: ISC */
/*
 * tests/bench/directory/postgresql.c - look-ups and RCPT with a million accounts in PostgreSQL:
 * by one connection, and by the threads that directory uses (directory/lookups.h).
 *
 * usage: directory_postgresql_bench CONNINFO [ACCOUNTS]	(an empty database; ./postgresql)
 */
#include <libpq-fe.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>

#include "clock.h"
#include "directory_conf.h"
#include "err.h"
#include "lookups.h"
#include "map_build.h"
#include "map_layers.h"
#include "map_postgresql.h"
#include "resolve.h"

#define DOMAIN  "example.org"
#define WAITING 256

static const char *conninfo;
static char folder[] = "/tmp/relais-bench-XXXXXX";
static size_t accounts = 1000000;

static void
report(const char *what, uint64_t begin_us, size_t n)
{
	double seconds = (double)(clock_mono_us() - begin_us) / 1e6;

	printf("%-44s %8.2f s  %10.0f/s\n", what, seconds, (double)n / seconds);
	fflush(stdout);
}

static void
sql(PGconn *c, const char *text)
{
	PGresult *r = PQexec(c, text);

	if (PQresultStatus(r) != PGRES_COMMAND_OK) {
		fprintf(stderr, "%s", PQerrorMessage(c));
		exit(1);
	}
	PQclear(r);
}

static void
fill(void)
{
	PGconn *c = PQconnectdb(conninfo);
	FILE *in = fopen("conf/postgresql.sql", "re");
	struct buf text = BUF_INIT;
	char line[1000];
	uint64_t begin = clock_mono_us();

	if (PQstatus(c) != CONNECTION_OK || in == NULL) {
		fprintf(stderr, "%s", PQerrorMessage(c));
		exit(1);
	}
	while (fgets(line, sizeof(line), in) != NULL)
		buf_put_str(&text, line);
	fclose(in);
	sql(c, buf_str(&text));
	sql(c, "INSERT INTO domains (name) VALUES ('" DOMAIN "')");
	buf_clear(&text);
	buf_printf(&text,
		"INSERT INTO accounts (address, password, quota) SELECT 'user' || i || "
		"'.name@" DOMAIN "', '$y$j9T$4J41JmYlz.wpxm35kIgFxQ2IzA7duoP6YHQbR9f3jF8$"
		"wJCc0bhiOSBUMJy2lg3tyM2Wa68rFnxcgI5A7SZWaeC', 1073741824 "
		"FROM generate_series(0, %zu) AS i",
		accounts - 1);
	sql(c, buf_str(&text));
	sql(c, "ANALYZE");
	PQfinish(c);
	buf_free(&text);
	report("filled", begin, accounts);
}

/* The compiled tables behind the database: empty ones. */
static void
make_files(void)
{
	struct table none = TABLE_INIT;
	char path[128];

	if (mkdtemp(folder) == NULL)
		exit(1);
	for (int kind = 0; kind < TABLE_KINDS; kind++) {
		snprintf(path, sizeof(path), "%s/%s.db", folder,
			table_kind_name((enum table_kind)kind));
		if (map_build(path, &none) < 0)
			exit(1);
	}
}

static const struct directory_conf *
defaults(void)
{
	static struct arena a;

	return conf_defaults(&directory_section, &a);
}

static void
queries(const char *out[TABLE_KINDS])
{
	out[TABLE_DOMAINS] = defaults()->postgresql_domains;
	out[TABLE_ACCOUNTS] = defaults()->postgresql_accounts;
	out[TABLE_ALIASES] = defaults()->postgresql_aliases;
}

static struct bytes
any_address(struct arena *a, unsigned *seed, bool known)
{
	return bytes_from_str(arena_printf(a, "%s%zu.name@" DOMAIN, known ? "user" : "nobody",
		(size_t)rand_r(seed) % accounts));
}

static void
one_connection(const char *prepared)
{
	const char *texts[TABLE_KINDS] = { NULL };
	struct pg *pg = pg_new(&(struct pg_options){ prepared, 5000, 5000 });
	struct arena a = ARENA_INIT;
	struct bytes value;
	struct map m;
	unsigned seed = 1;
	size_t n = 50000;
	uint64_t begin;

	queries(texts);
	m = map_open_postgresql(pg, TABLE_ACCOUNTS, texts[TABLE_ACCOUNTS]);
	begin = clock_mono_us();
	for (size_t i = 0; i < n; i++) {
		if (map_get(&m, &a, any_address(&a, &seed, true), &value) != ERR_OK) {
			fprintf(stderr, "%s\n", pg_take_error(pg));
			exit(1);
		}
		arena_reset(&a);
	}
	report("look-up in one table, one connection", begin, n);
	map_close(&m);
	pg_free(&pg);
}

/* ---- as directory does it ---- */

struct question {
	struct arena arena;
	struct bytes address;
	struct resolution resolution;
	size_t *done;
	bool known;
};

static void
work(struct directory_tables *t, void *arg)
{
	struct question *q = arg;

	resolve(t, &q->arena, q->address, NULL, &q->resolution);
}

static void
done(void *arg)
{
	struct question *q = arg;

	ASSERT(q->resolution.verdict == (q->known ? DIRECTORY_OK : DIRECTORY_UNKNOWN));
	++*q->done;
	arena_reset(&q->arena);
	free(q);
}

static void
by_threads(const char *prepared, unsigned threads, uint64_t cache_ms, bool known)
{
	struct lookups_options options = { .threads = threads,
		.queue_max = WAITING,
		.folder = folder,
		.conninfo = prepared,
		.connect_timeout_ms = 5000,
		.query_timeout_ms = 5000,
		.cache_entries = 16384,
		.cache_ms = cache_ms };
	const struct directory_tables t = {
		.delimiters = "+", .expansion_limit = 100, .expansion_depth = 10
	};
	struct lookups *l;
	size_t n = 100000, asked = 0, answered = 0;
	unsigned seed = 2;
	char what[80];
	uint64_t begin;

	queries(options.queries);
	l = lookups_new(&options);
	lookups_configure(l, &t);
	if (lookups_start(l) < 0)
		exit(1);
	begin = clock_mono_us();
	while (answered < n) {
		struct pollfd p = { .fd = lookups_fd(l), .events = POLLIN };

		while (asked < n && lookups_counters(l).waiting < WAITING) {
			struct question *q = xcalloc(1, sizeof(*q));

			q->known = known;
			q->done = &answered;
			q->address = any_address(&q->arena, &seed, known);
			ASSERT(lookups_run(l, work, done, q) == ERR_OK);
			asked++;
		}
		(void)poll(&p, 1, -1);
		lookups_collect(l);
	}
	snprintf(what, sizeof(what), "RCPT, %s, %u connections, cache %s",
		known ? "known" : "unknown", threads, cache_ms > 0 ? "2s" : "off");
	report(what, begin, n);
	lookups_free(&l);
}

int
main(int argc, char *argv[])
{
	struct buf why = BUF_INIT;
	char *prepared, command[64];

	if (argc < 2)
		return 2;
	conninfo = argv[1];
	if (argc > 2)
		accounts = strtoul(argv[2], NULL, 10);
	prepared = pg_prepare_conninfo(conninfo, NULL, NULL, &why);
	if (prepared == NULL || accounts == 0) {
		fprintf(stderr, "%s\n", buf_str(&why));
		return 1;
	}
	printf("%zu accounts in PostgreSQL\n", accounts);
	make_files();
	fill();
	one_connection(prepared);
	for (unsigned threads = 1; threads <= 8; threads *= 2)
		by_threads(prepared, threads, 0, true);
	by_threads(prepared, 4, 0, false);
	by_threads(prepared, 4, 2000, true);
	free(prepared);
	snprintf(command, sizeof(command), "rm -rf '%s'", folder);
	return system(command); /* NOLINT: a path of our own making */
}
