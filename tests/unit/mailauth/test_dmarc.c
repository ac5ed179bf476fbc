/* SPDX-License-Identifier: ISC */
/*
 * tests/unit/mailauth/test_dmarc.c - DMARC over a DNS of strings: the table of dmarc_cases.h, each
 * row with answers at once, with answers later, and with the check given up after each answer.
 */
#include "../base/cases.h"

#include <stdio.h>
#include <stdlib.h>

#include "dmarc_cases.h"
#include "dmarc_library.h"
#include "mailauth_dns.h"

#define QUESTIONS_MAX 200

/* The DNS of a row. */
struct zone {
	const char *text;
	bool later;
	struct asked {
		mailauth_dns_fn *done;
		void *arg;
		char name[1100];
		uint16_t type;
	} waiting[DMARC_AUTHORS_MAX]; /* one of each author, the oldest first */
	size_t n;
	unsigned asked;
};

/* The next entry of the zone: false at the end. */
static bool
next_entry(const char **rest, struct bytes *domain, struct bytes *what)
{
	const char *end = strstr(*rest, " | ");
	struct bytes entry = bytes_make(*rest, end == NULL ? strlen(*rest) : (size_t)(end - *rest));

	if (entry.n == 0)
		return false;
	*rest += entry.n + (end == NULL ? 0 : 3);
	*domain = bytes_cut(&entry, ' ');
	*what = entry;
	return true;
}

static void
put_txt(struct buf *out, struct bytes text)
{
	while (text.n > 0) { /* short strings, so that joining is tested */
		struct bytes one = bytes_head(text, 17);

		buf_put_u8(out, (uint8_t)one.n);
		buf_put_bytes(out, one);
		text = bytes_skip(text, one.n);
	}
}

static void
say(struct zone *z, const struct asked *w)
{
	struct dns_answer answer = { .status = DNS_NODATA };
	struct bytes asked = bytes_from_str(w->name), domain, what;
	const char *rest = z->text;
	struct buf rdata[4] = { BUF_INIT, BUF_INIT, BUF_INIT, BUF_INIT };

	z->asked++;
	assert_true(z->asked < QUESTIONS_MAX);
	if (w->type == DNS_TYPE_TXT) {
		assert_true(bytes_starts_with(asked, BYTES_LITERAL("_dmarc.")));
		asked = bytes_skip(asked, 7);
	}
	while (next_entry(&rest, &domain, &what)) {
		if (!bytes_equal(domain, asked))
			continue;
		if (w->type == DNS_TYPE_TXT && bytes_is(what, "!fail"))
			answer.status = DNS_SERVFAIL;
		else if (w->type == DNS_TYPE_A && bytes_is(what, "!nx"))
			answer.status = DNS_NXDOMAIN;
		else if (w->type == DNS_TYPE_A && bytes_is(what, "!lost"))
			answer.status = DNS_TIMEOUT;
		else if (w->type == DNS_TYPE_TXT && what.p[0] != '!') {
			assert_true(answer.count < NITEMS(rdata));
			put_txt(&rdata[answer.count], what);
			answer.rdata[answer.count] = buf_bytes(&rdata[answer.count]);
			answer.total = ++answer.count;
			answer.status = DNS_OK;
		}
	}
	w->done(w->arg, &answer);
	for (size_t i = 0; i < NITEMS(rdata); i++)
		buf_free(&rdata[i]);
}

static void
ask(void *ctx, uint16_t type, struct bytes name, mailauth_dns_fn *done, void *arg)
{
	struct asked w = { .done = done, .arg = arg, .type = type };
	struct zone *z = ctx;

	bytes_to_str(name, w.name, sizeof(w.name));
	if (z->later) {
		assert_true(z->n < NITEMS(z->waiting));
		z->waiting[z->n++] = w;
	} else {
		say(z, &w);
	}
}

static void
answer_one(struct zone *z)
{
	const struct asked w = z->waiting[0];

	memmove(z->waiting, z->waiting + 1, --z->n * sizeof(w));
	say(z, &w);
}

/* ---- rows to questions ---- */

static struct dmarc_identifier
identifier(struct bytes text)
{
	static const struct {
		const char *word;
		enum dmarc_auth auth;
	} words[] = { { "pass", DMARC_AUTH_PASS }, { "fail", DMARC_AUTH_FAIL },
		{ "temp", DMARC_AUTH_TEMPERROR } };
	struct bytes word = bytes_cut(&text, ' ');

	for (size_t i = 0; i < NITEMS(words); i++)
		if (bytes_is(word, words[i].word))
			return (struct dmarc_identifier){ words[i].auth, text };
	fail_msg("no such word in the table");
	return (struct dmarc_identifier){ 0 };
}

static void
question(const struct row *t, struct dmarc_question *out)
{
	struct bytes rest = bytes_from_str(t->from);

	*out = (struct dmarc_question){ 0 };
	while (t->from != NULL) {
		size_t end = 0; /* a line end that is no folding */

		while (end < rest.n &&
			(rest.p[end] != '\n' || (end + 1 < rest.n && rest.p[end + 1] == ' ')))
			end++;
		out->from[out->from_count++] = bytes_head(rest, end);
		if (end == rest.n)
			break;
		rest = bytes_skip(rest, end + 1);
	}
	if (t->spf != NULL)
		out->spf = identifier(bytes_from_str(t->spf));
	rest = bytes_from_str(t->dkim);
	while (rest.n > 0)
		out->dkim[out->dkim_count++] = identifier(bytes_cut(&rest, ','));
}

struct got {
	bool done;
	enum dmarc_result result;
	enum dmarc_policy policy;
	char how[3], org[256], at[256];
	struct buf trace;
};

static void
on_done(void *arg, const struct dmarc_result_row *row)
{
	struct got *g = arg;

	assert_false(g->done);
	g->done = true;
	g->result = row->result;
	g->policy = row->policy;
	snprintf(g->how, sizeof(g->how), "%s%s", row->spf_aligned ? "s" : "",
		row->dkim_aligned ? "d" : "");
	bytes_to_str(row->org_domain, g->org, sizeof(g->org));
	bytes_to_str(row->policy_domain, g->at, sizeof(g->at));
	assert_true(row->words.n > 0);
	assert_true(dmarc_library_agrees(row));
	assert_true((row->dkim_strict & ~row->dkim_relaxed) == 0);
	if (row->dkim_aligned)
		assert_true((row->dkim_relaxed >> row->dkim_which & 1) == 1);
}

static void
on_trace(void *arg, struct bytes line)
{
	struct got *g = arg;

	for (size_t i = 0; i < line.n; i++)
		assert_true(line.p[i] >= ' ' && line.p[i] <= '~');
	buf_put_bytes(&g->trace, line);
	buf_put_u8(&g->trace, '\n');
}

/* answers: so many; then it is freed, or has to say what is known */
static void
run(const struct row *t, bool later, unsigned answers, bool give_up, struct got *g)
{
	struct zone z = { .text = t->zone, .later = later };
	const struct mailauth_dns dns = { ask, &z };
	struct dmarc_check *c = dmarc_new(&dns);
	struct dmarc_question q;

	*g = (struct got){ .trace = BUF_INIT };
	question(t, &q);
	dmarc_trace(c, on_trace, g);
	dmarc_run(c, &q, on_done, g);
	memset(&q, 0x55, sizeof(q)); /* it is a copy that is worked on */
	for (unsigned i = 0; z.n > 0 && i < answers; i++)
		answer_one(&z);
	if (give_up && !g->done)
		dmarc_give_up(c);
	dmarc_free(&c);
	assert_null(c);
	while (z.n > 0) /* the answers that nobody waits for any more */
		answer_one(&z);
}

static void
check(const struct row *t, bool later)
{
	struct got g;

	run(t, later, QUESTIONS_MAX, false, &g);
	assert_true(g.done);
	if (g.result != t->result || g.policy != t->policy || strcmp(g.how, t->how) != 0)
		fail_msg("sec. %s: %s, policy %s, aligned \"%s\"; trace:\n%s", t->section,
			dmarc_result_name(g.result), dmarc_policy_name(g.policy), g.how,
			buf_str(&g.trace));
	if (t->org != NULL)
		assert_string_equal(g.org, t->org);
	if (t->at != NULL)
		assert_string_equal(g.at, t->at);
	buf_free(&g.trace);
}

static void
case_row(void **arg)
{
	const struct row *t = *arg;
	struct got g;

	check(t, false);
	check(t, true);
	for (unsigned i = 0; i < 12; i++) {
		run(t, true, i, false, &g);
		buf_free(&g.trace);
		run(t, true, i, true, &g);
		assert_true(g.done && (g.result != PASS || t->result == PASS));
		buf_free(&g.trace);
	}
}

/* The worst that a sender can make us ask. */
static void
queries_are_few(void **arg)
{
	static const char dkim[] =
		"pass a.b.c.d.e.f.g.h.example.com,pass b.b.c.d.e.f.g.h.example.com";
	const struct row t = { .from = LONG,
		.spf = "pass c.b.c.d.e.f.g.h.example.com",
		.dkim = dkim,
		.zone = "example.com v=DMARC1; p=reject" };
	struct zone z = { .text = t.zone };
	const struct mailauth_dns dns = { ask, &z };
	struct dmarc_check *c = dmarc_new(&dns);
	struct got g = { .trace = BUF_INIT };
	struct dmarc_question q;

	UNUSED(arg);
	question(&t, &q);
	dmarc_run(c, &q, on_done, &g);
	dmarc_free(&c);
	assert_int_equal(g.result, DMARC_RESULT_PASS);
	/* 8 for the author, then for the others only what was not asked yet: their own names, and
	 * d to h above them */
	assert_true(z.asked <= 8 + 3 + 5);
}

static void
freed_in_done(void *arg, const struct dmarc_result_row *row)
{
	struct dmarc_check **c = arg;

	assert_int_equal(row->result, DMARC_RESULT_FAIL);
	dmarc_free(c);
}

static void
free_in_done(void **arg)
{
	const struct row t = { .from = A_ORG, .zone = REJECT };
	struct zone z = { .text = t.zone, .later = true };
	const struct mailauth_dns dns = { ask, &z };
	struct dmarc_check *c = dmarc_new(&dns);
	struct dmarc_question q;

	UNUSED(arg);
	question(&t, &q);
	dmarc_run(c, &q, freed_in_done, &c);
	while (z.n > 0)
		answer_one(&z);
	assert_null(c);
}

/* Others, whose DNS never answers, do not hide who fails. */
static void
slow_authors(void **arg)
{
	static const char *const from[] = { "a@example.org, b@slow1.example, c@slow2.example",
		"b@slow1.example, c@slow2.example, a@example.org" };

	UNUSED(arg);
	for (size_t i = 0; i < NITEMS(from); i++) {
		const struct row t = { .from = from[i], .zone = REJECT };
		struct zone z = { .text = t.zone, .later = true };
		const struct mailauth_dns dns = { ask, &z };
		struct dmarc_check *c = dmarc_new(&dns);
		struct got g = { .trace = BUF_INIT };
		struct dmarc_question q;
		struct asked w;

		question(&t, &q);
		dmarc_run(c, &q, on_done, &g);
		assert_int_equal(z.n, 3);
		for (size_t k = 0; k < 5; k++) { /* all that comes of example.org */
			size_t at = 0;

			while (at < z.n && strstr(z.waiting[at].name, "slow") != NULL)
				at++;
			if (at == z.n)
				break;
			w = z.waiting[at];
			z.waiting[at] = z.waiting[--z.n];
			say(&z, &w);
		}
		assert_false(g.done);
		dmarc_give_up(c);
		assert_true(g.done);
		assert_int_equal(g.result, FAIL);
		assert_int_equal(g.policy, DMARC_REJECT);
		dmarc_free(&c);
		while (z.n > 0)
			answer_one(&z);
		buf_free(&g.trace);
	}
}

static void
header_cut(void **arg)
{
	const struct row t = { .from = A_ORG, .spf = "pass example.org", .zone = REJECT };
	struct zone z = { .text = t.zone };
	const struct mailauth_dns dns = { ask, &z };
	struct dmarc_check *c = dmarc_new(&dns);
	struct got g = { .trace = BUF_INIT };
	struct dmarc_question q;

	UNUSED(arg);
	question(&t, &q);
	q.header_cut = true;
	dmarc_run(c, &q, on_done, &g);
	dmarc_free(&c);
	assert_int_equal(g.result, PERMERROR);
}

int
main(void)
{
	struct CMUnitTest tests[NITEMS(rows) + 4];
	size_t count = 0;

	ADD_ROWS(tests, count, rows, case_row);
	tests[count++] = (struct CMUnitTest)cmocka_unit_test(queries_are_few);
	tests[count++] = (struct CMUnitTest)cmocka_unit_test(free_in_done);
	tests[count++] = (struct CMUnitTest)cmocka_unit_test(slow_authors);
	tests[count++] = (struct CMUnitTest)cmocka_unit_test(header_cut);
	return cmocka_run_group_tests_name("mailauth/dmarc", tests, NULL, NULL);
}
