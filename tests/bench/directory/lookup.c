/* SPDX-License-Identifier: ISC */
/*
 * tests/bench/directory/lookup.c - how long a million accounts take: parse, check, compile, look
 * up, answer RCPT, log in (auth.c).
 *
 * usage: directory_bench [ACCOUNTS]
 * Times are of CPU: what it costs, on one core.
 */
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#include "auth.h"
#include "err.h"
#include "map_build.h"

#define ROUTES 10000 /* lines of the table transport */
#define DOMAIN BENCH_DOMAIN

uint64_t
bench_cpu_us(void)
{
	struct timespec t;

	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
	return (uint64_t)t.tv_sec * 1000000 + (uint64_t)t.tv_nsec / 1000;
}

double
bench_cpu_since(uint64_t begin_us)
{
	return (double)(bench_cpu_us() - begin_us) / 1e6;
}

void
bench_report(const char *what, double seconds, size_t n)
{
	printf("%-34s %8.2f s  %10.0f/s\n", what, seconds, (double)n / seconds);
	fflush(stdout);
}

static void
compile(const char *folder, enum table_kind kind, struct bytes text)
{
	struct table t = TABLE_INIT;
	uint64_t begin = bench_cpu_us();
	char path[128];
	bool large;
	int r;

	table_parse(&t, text);
	table_check(&t, kind);
	table_sort(&t);
	large = t.count > 1000;
	if (large)
		bench_report("text: parse, check, sort", bench_cpu_since(begin), t.count);
	if (t.nerrors > 0) {
		fprintf(stderr, "line %u: %s\n", t.errors[0].line, t.errors[0].text);
		exit(1);
	}
	begin = bench_cpu_us();
	snprintf(path, sizeof(path), "%s/%s.db", folder, table_kind_name(kind));
	r = map_build(path, &t);
	if (r < 0) {
		fprintf(stderr, "%s: %s\n", path, err_text(r));
		exit(1);
	}
	if (large)
		bench_report("compile: new file, flush, rename", bench_cpu_since(begin), t.count);
	table_free(&t);
}

static bool
no_use(void *arg, struct bytes account, uint64_t *octets, uint64_t *messages)
{
	UNUSED(arg), UNUSED(account), UNUSED(octets), UNUSED(messages);
	return false;
}

static void
measure(struct directory_tables *t, size_t accounts, const char *what, bool whole, bool known)
{
	struct arena a = ARENA_INIT;
	unsigned seed = 1;
	size_t n = 500000, right = 0;
	uint64_t begin = bench_cpu_us();

	for (size_t i = 0; i < n; i++) {
		size_t number = (size_t)rand_r(&seed) % accounts;
		struct directory_rcpt m = { .size_octets = 4096 };
		struct resolution r;
		struct bytes value;

		m.address = bytes_from_str(
			arena_printf(&a, "%s%zu.name@" DOMAIN, known ? "user" : "nobody", number));
		if (whole) {
			resolve(t, &a, m.address, NULL, &r);
			right += resolve_rcpt(&r, &m, no_use, NULL).verdict ==
				 (known ? DIRECTORY_OK : DIRECTORY_UNKNOWN);
		} else
			right += map_get(&t->maps[TABLE_ACCOUNTS], &a, m.address, &value) ==
				 (known ? ERR_OK : ERR_NOT_FOUND);
		arena_reset(&a);
	}
	bench_report(what, bench_cpu_since(begin), n);
	ASSERT(right == n);
}

/* Mail that leaves: the next hop of one of as many domains, by MX or by a table's line. */
static void
measure_routes(struct directory_tables *t, size_t lines, const char *what, const char *domain)
{
	struct bytes sender = BYTES_LITERAL("user1.name@" DOMAIN);
	struct arena a = ARENA_INIT;
	unsigned seed = 1;
	size_t n = 500000, right = 0;
	uint64_t begin = bench_cpu_us();

	for (size_t i = 0; i < n; i++) {
		size_t number = (size_t)rand_r(&seed) % lines;
		struct resolution r;

		resolve(t, &a,
			bytes_from_str(arena_printf(&a, "somebody@%s%zu.example", domain, number)),
			&sender, &r);
		right += r.count == 1 && r.targets[0].kind == DIRECTORY_TARGET_REMOTE;
		arena_reset(&a);
	}
	bench_report(what, bench_cpu_since(begin), n);
	ASSERT(right == n);
}

static void
compile_routes(const char *folder, size_t lines)
{
	struct buf text = BUF_INIT;

	for (size_t i = 0; i < lines; i++)
		buf_printf(&text, "routed%zu.example smtp:[relay%zu.example.net]:587\n", i, i);
	compile(folder, TABLE_TRANSPORT, buf_bytes(&text));
	for (int kind = TABLE_SENDER_TRANSPORT; kind < TABLE_SYSTEM_USERS; kind++)
		compile(folder, (enum table_kind)kind, BYTES_NONE);
	buf_free(&text);
}

int
main(int argc, char *argv[])
{
	size_t accounts = argc > 1 ? strtoul(argv[1], NULL, 10) : 1000000;
	char folder[] = "/tmp/relais-bench-XXXXXX", command[64];
	struct directory_tables t = {
		.delimiters = "+", .expansion_limit = 100, .expansion_depth = 10
	};
	struct buf text = BUF_INIT, value = BUF_INIT;

	if (accounts == 0 || mkdtemp(folder) == NULL)
		return 1;
	printf("%zu accounts; CPU time, and how many a second and core\n", accounts);
	bench_account_value(&value);
	for (size_t i = 0; i < accounts; i++)
		buf_printf(&text, "user%zu.name@" DOMAIN " %s\n", i, buf_str(&value));
	compile(folder, TABLE_ACCOUNTS, buf_bytes(&text));
	compile(folder, TABLE_DOMAINS, BYTES_LITERAL(DOMAIN " local\n"));
	compile(folder, TABLE_ALIASES, BYTES_LITERAL("root user1.name@" DOMAIN "\n"));
	compile(folder, TABLE_SYSTEM_USERS, BYTES_NONE);
	compile(folder, TABLE_SYSTEM_ALIASES, BYTES_NONE);
	compile_routes(folder, ROUTES);
	buf_free(&text);
	buf_free(&value);
	tables_open(&t, folder);
	measure(&t, accounts, "look-up in one table", false, true);
	measure(&t, accounts, "RCPT, known", true, true);
	measure(&t, accounts, "RCPT, unknown", true, false);
	measure_routes(&t, ROUTES, "next hop, by MX", "far");
	measure_routes(&t, ROUTES, "next hop, by a line", "routed");
	bench_auth(&t, accounts);
	tables_close(&t);
	snprintf(command, sizeof(command), "rm -rf '%s'", folder);
	return system(command); /* NOLINT: a path of our own making */
}
