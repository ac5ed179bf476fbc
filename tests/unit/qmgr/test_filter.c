/* SPDX-License-Identifier: ISC */
/*
 * tests/unit/qmgr/test_filter.c - which messages the operator means: by the message itself, and
 * never less by what the index keeps of it; domains against a plain model.
 */
#include "filter.h"

#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "cases.h"
#include "err.h"
#include "queue_id.h"

#define B(s) BYTES_LITERAL(s)
#define HOUR UINT64_C(3600000000)
#define AT   (UINT64_C(1800000000) * 1000000) /* when all came */

/* Messages; recipient 0 of the third was expanded to two targets. */
enum which {
	ALICE,  /* alice@example.org to bob@one.example, deferred; 1000 octets */
	NOBODY, /* <> to bob@one.example and carl@two.example */
	TEAM,   /* login dora: team@home.example, which is eve@five.example and fay@one.example */
	MESSAGES
};

static const struct row {
	const char *label;
	struct queue_filter f;
	bool means[MESSAGES];
} rows[] = {
	{ "all", { .min_size = 0 }, { true, true, true } },
	{ "a sender", { .sender = B("ALICE@example.org") }, { true, false, false } },
	{ "a sender's domain", { .sender = B("@example.ORG") }, { true, false, true } },
	{ "the null sender", { .sender = B("<>") }, { false, true, false } },
	{ "a domain", { .domain = B("one.example") }, { true, true, true } },
	{ "a domain of one of two", { .domain = B("Two.Example") }, { false, true, false } },
	{ "a domain, not a part of it", { .domain = B("wo.example") }, { false, false, false } },
	{ "an alias' domain is not where it goes", { .domain = B("home.example") },
		{ false, false, false } },
	{ "a recipient", { .recipient = B("Bob@one.example") }, { true, true, false } },
	{ "a target", { .recipient = B("fay@one.example") }, { false, false, true } },
	{ "the alias it comes from", { .recipient = B("team@home.example") },
		{ false, false, true } },
	{ "a recipient's domain", { .recipient = B("@five.example") }, { false, false, true } },
	{ "an alias' domain as the recipient's", { .recipient = B("@home.example") },
		{ false, false, true } },
	{ "a reason", { .reason = B("TIMED out") }, { true, false, false } },
	{ "a code", { .reason = B("4.4.1") }, { true, false, false } },
	{ "a reason that nobody has", { .reason = B("quota") }, { false, false, false } },
	{ "a next hop", { .next_hop = B("[relay.example]") }, { true, false, false } },
	{ "the same recipient by all",
		{ .recipient = B("bob@one.example"), .domain = B("two.example") },
		{ false, false, false } },
	{ "a login", { .login = B("dora@example.org") }, { false, false, true } },
	{ "large", { .min_size = 1001 }, { false, true, true } },
	{ "small", { .max_size = 1000 }, { true, false, false } },
	{ "since", { .from_us = AT + HOUR }, { false, false, false } },
	{ "until", { .until_us = AT + HOUR }, { true, true, true } },
	{ "tried", { .min_attempts = 1 }, { true, false, false } },
	{ "held", { .states = 1u << QUEUE_STATE_HOLD }, { false, false, false } },
	{ "deferred", { .states = 1u << QUEUE_STATE_DEFERRED | 1u << QUEUE_STATE_HOLD },
		{ true, true, true } },
	{ "several", { .sender = B("@example.org"), .domain = B("one.example"), .max_size = 5000 },
		{ true, false, true } },
};

static void
apply(struct queue_state *s, struct queue_event e)
{
	e.queue_id = s->envelope.queue_id;
	assert_int_equal(queue_state_apply(s, &e, 0), ERR_OK);
}

static void
make(enum which which, struct queue_state *s, uint64_t id)
{
	struct envelope_rcpt to[] = { { .forward_path = B("bob@one.example") },
		{ .forward_path = B("carl@two.example") } };
	struct queue_event_target targets[] = { { B("eve@five.example"), BYTES_NONE, BYTES_NONE },
		{ B("fay@one.example"), BYTES_NONE, BYTES_NONE } };
	struct envelope e = { .queue_id = id,
		.arrival_us = AT,
		.reverse_path = which == NOBODY ? BYTES_NONE
				: which == TEAM ? B("dora@example.org")
						: B("alice@example.org"),
		.login = which == TEAM ? B("dora@example.org") : BYTES_NONE,
		.n_rcpts = which == NOBODY ? 2 : 1,
		.rcpts = to };
	struct buf octets = BUF_INIT;

	if (which == TEAM)
		to[0].forward_path = B("team@home.example");
	envelope_encode(&octets, &e);
	assert_int_equal(queue_state_init(s, buf_bytes(&octets)), ERR_OK);
	buf_free(&octets);
	if (which == ALICE)
		apply(s, (struct queue_event){ .kind = QUEUE_EVENT_DEFERRED,
				 .next_s = 1,
				 .code = B("4.4.1"),
				 .text = B("Connection timed out"),
				 .next_hop = B("[relay.example]") });
	if (which == TEAM)
		apply(s,
			(struct queue_event){
				.kind = QUEUE_EVENT_EXPANDED, .n_targets = 2, .targets = targets });
}

static struct bytes
hop(const void *ctx, uint32_t rcpt)
{
	const struct queue_state *s = ctx;

	return s->rcpts[rcpt].next_hop;
}

static void
check(const struct row *t, enum which which)
{
	const uint64_t size = which == ALICE ? 1000 : 2000;
	struct queue_id_maker ids = { 0 };
	struct index x = { 0 };
	struct entry *e = index_add(&x, queue_id_make(&ids, AT));
	enum filter_verdict by_keys;
	struct queue_state s;
	struct key_facts facts;
	struct filter f;

	make(which, &s, e->id);
	index_enter(&x, e, ENTRY_DEFERRED);
	e->size = size;
	e->attempts = (uint16_t)queue_state_attempts(&s);
	e->login = login_hash(s.envelope.login);
	key_facts(&s, &facts);
	entry_set_keys(&x, e, &facts);
	filter_init(&f, &t->f);
	filter_turn(&f, &x);
	by_keys = filter_entry(&f, e, QUEUE_STATE_DEFERRED);
	if (by_keys != FILTER_READ)
		assert_int_equal(by_keys == FILTER_YES, t->means[which]);
	else
		assert_int_equal(
			filter_state(&f, &s, size, QUEUE_STATE_DEFERRED, hop, &s), t->means[which]);
	/* one that nobody has looked at yet is read, unless all are meant */
	e->flags |= ENTRY_UNREAD;
	if (filter_entry(&f, e, QUEUE_STATE_DEFERRED) == FILTER_READ)
		assert_int_equal(
			filter_state(&f, &s, size, QUEUE_STATE_DEFERRED, hop, &s), t->means[which]);
	filter_free(&f);
	queue_state_free(&s);
	index_free(&x);
}

static void
run_row(void **arg)
{
	const struct row *t = *arg;

	for (enum which which = 0; which < MESSAGES; which++)
		check(t, which);
}

/* What nobody's answer says is not looked for in files. */
static void
test_words(void **state)
{
	static const struct {
		struct queue_filter f;
		enum filter_verdict v;
	} asked[] = {
		{ { .reason = B("quota") }, FILTER_NO },
		{ { .reason = B("refused") }, FILTER_NO },
		{ { .reason = B("TIMED OUT") }, FILTER_READ },
		{ { .reason = B("4.4.1") }, FILTER_READ },
		{ { .reason = B("ti") }, FILTER_READ }, /* too short to say */
		{ { .next_hop = B("[relay.example]") }, FILTER_READ },
		{ { .next_hop = B("[other.example]") }, FILTER_NO },
		{ { .reason = B("timed"), .next_hop = B("[other.example]") }, FILTER_NO },
	};
	struct entry e = { .state = ENTRY_DEFERRED };
	struct queue_state s;
	struct key_facts facts;

	make(ALICE, &s, 1);
	key_facts(&s, &facts);
	e.words = facts.words;
	for (size_t i = 0; i < NITEMS(asked); i++) {
		struct filter f;

		filter_init(&f, &asked[i].f);
		f.from_domain = f.to_domain = DOMAINS_SEVERAL;
		assert_int_equal(filter_entry(&f, &e, QUEUE_STATE_DEFERRED), asked[i].v);
		filter_free(&f);
	}
	queue_state_free(&s);
}

/* Of very many recipients not all answers are looked at: the last one's is found all the same. */
static void
test_words_of_many(void **state)
{
	static struct envelope_rcpt to[5000];
	const struct queue_filter want = { .reason = B("the needle") };
	struct envelope e = { .queue_id = 1, .n_rcpts = NITEMS(to), .rcpts = to };
	struct entry entry = { .state = ENTRY_DEFERRED };
	struct buf octets = BUF_INIT;
	struct queue_state s;
	struct key_facts facts;
	struct filter f;

	for (size_t i = 0; i < NITEMS(to); i++)
		to[i].forward_path = B("bob@one.example");
	envelope_encode(&octets, &e);
	assert_int_equal(queue_state_init(&s, buf_bytes(&octets)), ERR_OK);
	buf_free(&octets);
	apply(&s, (struct queue_event){ .kind = QUEUE_EVENT_DEFERRED,
			  .rcpt = NITEMS(to) - 1,
			  .code = B("4.0.0"),
			  .text = B("found the needle") });
	key_facts(&s, &facts);
	entry.words = facts.words;
	filter_init(&f, &want);
	f.from_domain = f.to_domain = DOMAINS_SEVERAL;
	assert_int_equal(filter_entry(&f, &entry, QUEUE_STATE_DEFERRED), FILTER_READ);
	assert_true(filter_state(&f, &s, 0, QUEUE_STATE_DEFERRED, NULL, NULL));
	filter_free(&f);
	queue_state_free(&s);
}

/* ---- domains ---- */

#define NAMES 200

static void
test_domains(void **state)
{
	unsigned seed = (unsigned)time(NULL);
	struct domains d = { 0 };
	uint32_t numbers[NAMES] = { 0 }, refs[NAMES] = { 0 };

	printf("seed %u\n", seed);
	srand(seed);
	assert_int_equal(domains_take(&d, BYTES_NONE), DOMAINS_EMPTY);
	for (int step = 0; step < 20000; step++) {
		const unsigned i = (unsigned)rand() % NAMES;
		char name[32];

		snprintf(name, sizeof(name), i % 2 ? "d%u.example" : "D%u.EXAMPLE", i);
		if (rand() % 2) {
			numbers[i] = domains_take(&d, bytes_from_str(name));
			refs[i]++;
		} else if (refs[i] > 0) {
			domains_release(&d, numbers[i]);
			refs[i]--;
		}
		name[0] = 'd';
		assert_int_equal(domains_find(&d, bytes_from_str(name)),
			refs[i] > 0 ? numbers[i] : DOMAINS_NOBODY);
		if (refs[i] > 0)
			assert_true(bytes_is_nocase(domains_name(&d, numbers[i]), name));
	}
	assert_true(d.n <= NAMES + 1); /* numbers are used again */
	domains_free(&d);
}

int
main(void)
{
	TABLE_TESTS(tests, rows, run_row);
	const struct CMUnitTest others[] = { cmocka_unit_test(test_words),
		cmocka_unit_test(test_words_of_many), cmocka_unit_test(test_domains) };

	return cmocka_run_group_tests_name("qmgr/filter", tests, NULL, NULL) +
	       cmocka_run_group_tests_name("qmgr/domains", others, NULL, NULL);
}
