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
	mailauth_dns_fn *done; /* the question that waits */
	void *arg;
	char name[1100];
	uint16_t type;
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
say(struct zone *z, mailauth_dns_fn *done, void *arg)
{
	struct dns_answer answer = { .status = DNS_NODATA };
	struct bytes asked = bytes_from_str(z->name), domain, what;
	const char *rest = z->text;
	struct buf rdata[4] = { BUF_INIT, BUF_INIT, BUF_INIT, BUF_INIT };

	z->asked++;
	assert_true(z->asked < QUESTIONS_MAX);
	if (z->type == DNS_TYPE_TXT) {
		assert_true(bytes_starts_with(asked, BYTES_LITERAL("_dmarc.")));
		asked = bytes_skip(asked, 7);
	}
	while (next_entry(&rest, &domain, &what)) {
		if (!bytes_equal(domain, asked))
			continue;
		if (z->type == DNS_TYPE_TXT && bytes_is(what, "!fail"))
			answer.status = DNS_SERVFAIL;
		else if (z->type == DNS_TYPE_A && bytes_is(what, "!nx"))
			answer.status = DNS_NXDOMAIN;
		else if (z->type == DNS_TYPE_A && bytes_is(what, "!lost"))
			answer.status = DNS_TIMEOUT;
		else if (z->type == DNS_TYPE_TXT && what.p[0] != '!') {
			assert_true(answer.count < NITEMS(rdata));
			put_txt(&rdata[answer.count], what);
			answer.rdata[answer.count] = buf_bytes(&rdata[answer.count]);
			answer.total = ++answer.count;
			answer.status = DNS_OK;
		}
	}
	done(arg, &answer);
	for (size_t i = 0; i < NITEMS(rdata); i++)
		buf_free(&rdata[i]);
}

static void
ask(void *ctx, uint16_t type, struct bytes name, mailauth_dns_fn *done, void *arg)
{
	struct zone *z = ctx;

	assert_null(z->done); /* one question at a time */
	bytes_to_str(name, z->name, sizeof(z->name));
	z->type = type;
	if (z->later) {
		z->done = done;
		z->arg = arg;
	} else {
		say(z, done, arg);
	}
}

static void
answer_one(struct zone *z)
{
	mailauth_dns_fn *done = z->done;

	z->done = NULL;
	say(z, done, z->arg);
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

/* give_up: after so many answers */
static void
run(const struct row *t, bool later, unsigned give_up, struct got *g)
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
	for (unsigned i = 0; z.done != NULL && i < give_up; i++)
		answer_one(&z);
	dmarc_free(&c);
	assert_null(c);
	if (z.done != NULL) /* the answer that nobody waits for any more */
		answer_one(&z);
}

static void
check(const struct row *t, bool later)
{
	struct got g;

	run(t, later, QUESTIONS_MAX, &g);
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
		run(t, true, i, &g);
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
	while (z.done != NULL)
		answer_one(&z);
	assert_null(c);
}

int
main(void)
{
	struct CMUnitTest tests[NITEMS(rows) + 2];
	size_t count = 0;

	ADD_ROWS(tests, count, rows, case_row);
	tests[count++] = (struct CMUnitTest)cmocka_unit_test(queries_are_few);
	tests[count++] = (struct CMUnitTest)cmocka_unit_test(free_in_done);
	return cmocka_run_group_tests_name("mailauth/dmarc", tests, NULL, NULL);
}
