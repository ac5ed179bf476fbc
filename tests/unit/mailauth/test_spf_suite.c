/* SPDX-License-Identifier: ISC */
/*
 * tests/unit/mailauth/test_spf_suite.c - the test suite of RFC 7208, all of it, three times: with
 * answers at once, with answers in any order while all tests are under way, and one after another.
 *
 * Another table of the same form may be named as an argument; -v tells the steps.
 */
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "cases.h"
#include "spf.h"
#include "zone_dns.h"

#define SUITE     "tests/data/spf/rfc7208-tests.txt"
#define TESTS_MAX 64 /* of a scenario */

struct test {
	struct bytes name, helo, host, mailfrom, result, explanation;
	bool seen;
	enum spf_verdict verdict;
	char said[SPF_EXPLANATION_MAX + 1], problem[512];
};

struct scenario {
	char label[96];
	struct bytes lines;
	bool later;
};

static bool verbose;

static struct bytes
read_all(const char *path, struct arena *a)
{
	struct buf text = BUF_INIT;
	struct bytes out;
	FILE *f = fopen(path, "r");
	char line[4096];

	ASSERT(f != NULL);
	while (fgets(line, sizeof(line), f) != NULL)
		buf_put_str(&text, line);
	(void)fclose(f);
	out = arena_bytes(a, buf_bytes(&text));
	buf_free(&text);
	return out;
}

static size_t
read_tests(struct bytes lines, struct zone_dns *zone, struct test tests[TESTS_MAX])
{
	size_t n = 0;

	while (lines.n > 0) {
		struct bytes value = bytes_cut(&lines, '\n'), word = bytes_cut(&value, ' ');
		struct test *t = &tests[n == 0 ? 0 : n - 1];
		const struct {
			const char *word;
			struct bytes *out;
		} rows[] = { { "helo", &t->helo }, { "host", &t->host },
			{ "mailfrom", &t->mailfrom }, { "result", &t->result },
			{ "explanation", &t->explanation } };

		if (bytes_is(word, "zone"))
			zone_dns_add(zone, value);
		if (bytes_is(word, "test")) {
			ASSERT(n < TESTS_MAX);
			tests[n++].name = value;
		}
		for (size_t i = 0; i < NITEMS(rows); i++)
			if (bytes_is(word, rows[i].word))
				*rows[i].out = value;
	}
	return n;
}

static void
on_done(void *arg, const struct spf_result *result)
{
	struct test *t = arg;

	assert_false(t->seen);
	t->seen = true;
	t->verdict = result->verdict;
	(void)bytes_to_str(result->explanation, t->said, sizeof(t->said));
	(void)bytes_to_str(result->problem, t->problem, sizeof(t->problem));
	assert_true(result->lookups <= 10);
	assert_int_equal(result->problem.n > 0,
		result->verdict == SPF_NONE || result->verdict >= SPF_TEMPERROR);
}

static void
on_step(void *arg, struct bytes line)
{
	if (verbose)
		printf("    %.*s\n", (int)line.n, (const char *)line.p);
}

static void
start(struct spf_engine *e, const struct mailauth_dns *dns, struct test *t)
{
	struct spf_question q = { .identity = SPF_MAIL_FROM,
		.helo = t->helo,
		.mail_from = t->mailfrom,
		.receiver = BYTES_LITERAL("receiver.example.net"),
		.now = 1167627600 };

	if (verbose)
		printf("  %.*s\n", (int)t->name.n, (const char *)t->name.p);
	assert_int_equal(ip_block_parse(t->host, &q.client), ERR_OK);
	(void)spf_start(e, dns, &q, on_done, on_step, t);
}

static bool
is_expected(const struct test *t)
{
	struct bytes results = t->result;
	bool right = false;

	while (results.n > 0 && !right)
		right = bytes_is(bytes_cut(&results, '|'), spf_verdict_name(t->verdict));
	/* the suite's word for: no explanation of the domain */
	if (right && t->explanation.n > 0)
		right = bytes_is(t->explanation, t->said) ||
			(bytes_is(t->explanation, "DEFAULT") && t->said[0] == 0);
	return right;
}

static void
run_scenario(void **arg)
{
	const struct scenario *s = *arg;
	static struct zone_dns zone;
	struct test tests[TESTS_MAX] = { 0 };
	struct spf_engine *e = spf_engine_new();
	struct mailauth_dns dns = zone_dns_way(&zone);
	size_t n = read_tests(s->lines, &zone, tests), wrong = 0;

	zone.later = s->later;
	for (size_t i = 0; i < n; i++)
		start(e, &dns, &tests[i]);
	while (zone_dns_answer(&zone))
		;
	for (size_t i = 0; i < n; i++) {
		const struct test *t = &tests[i];

		assert_true(t->seen);
		if (is_expected(t))
			continue;
		wrong++;
		printf("%.*s: %s (%s) \"%s\", not %.*s \"%.*s\"\n", (int)t->name.n,
			(const char *)t->name.p, spf_verdict_name(t->verdict), t->problem, t->said,
			(int)t->result.n, (const char *)t->result.p, (int)t->explanation.n,
			(const char *)t->explanation.p);
	}
	spf_engine_free(e);
	zone_dns_reset(&zone);
	assert_int_equal(wrong, 0);
}

int
main(int argc, char **argv)
{
	static struct scenario scenarios[64];
	struct CMUnitTest tests[NITEMS(scenarios)];
	struct arena a = ARENA_INIT;
	size_t n = 0;
	struct bytes all, rest;
	int r;

	verbose = argc > 1 && strcmp(argv[argc - 1], "-v") == 0;
	all = read_all(argc > 1 && !verbose ? argv[1] : argc > 2 ? argv[1] : SUITE, &a);
	for (int later = 0; later < 2; later++)
		for (rest = all; rest.n > 0;) {
			size_t next =
				bytes_search(bytes_skip(rest, 1), BYTES_LITERAL("\nscenario "));
			size_t len = next == BYTES_NOT_FOUND ? rest.n : next + 2;
			struct scenario *s = &scenarios[n];
			struct bytes head;

			ASSERT(n < NITEMS(scenarios));
			s->later = later;
			s->lines = bytes_head(rest, len);
			rest = bytes_skip(rest, len);
			head = bytes_skip(bytes_head(s->lines, bytes_find(s->lines, '\n')), 9);
			(void)snprintf(s->label, sizeof(s->label), "%.*s, answers %s", (int)head.n,
				(const char *)head.p, later ? "later" : "at once");
			tests[n] = (struct CMUnitTest){ s->label, run_scenario, NULL, NULL, s };
			n++;
		}
	r = _cmocka_run_group_tests("rfc7208", tests, n, NULL, NULL);
	arena_reset(&a);
	return r;
}
