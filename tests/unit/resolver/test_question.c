/* SPDX-License-Identifier: ISC */
/*
 * tests/unit/resolver/test_question.c - questions under way with an engine that answers when it is
 * told to: joined questions, time-outs, late answers, bounds, callers who leave.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

#include "resolver.h"

#define TIMEOUT_MS 100
#define PACKET(name)                                                                               \
	"\0\7\x81\x80\0\1\0\1\0\0\0\0" name "\0\1\0\1\xc0\x0c\0\1\0\1\0\0\0\x3c\0\4\xc0\0\2\1"

/* ---- what question.c stands on ---- */

static struct {
	struct engine_question *asked[64];
	unsigned n, cancelled, fresh;
	bool cached; /* answer at once */
	int err;
	unsigned answered;
	uint32_t last_id;
	struct peer *last_peer;
	enum dns_status last;
} fake;

static void
answer(unsigned i)
{
	fake.asked[i]->done(
		fake.asked[i], &(struct engine_result){ .packet = BYTES_LITERAL(PACKET("\1q\0")),
				       .security = ENGINE_SECURE });
}

int
engine_ask(struct engine *e, const char *name, uint16_t type, struct engine_question *q)
{
	UNUSED(e);
	UNUSED(name);
	UNUSED(type);
	if (fake.err < 0)
		return fake.err;
	fake.asked[fake.n++] = q;
	if (fake.cached)
		answer(fake.n - 1);
	return ERR_OK;
}

void
engine_cancel(const struct engine_question *q)
{
	UNUSED(q);
	fake.cancelled++;
}

/* Never looked into. */
struct engine *
fresh_engine(struct fresh *f, uint64_t now_ms)
{
	UNUSED(now_ms);
	fake.fresh++;
	return (struct engine *)(void *)f;
}

void
resolver_reply(struct resolver *r, struct peer *p, uint32_t id, const struct dns_answer *a)
{
	UNUSED(r);
	fake.answered++;
	fake.last_id = id;
	fake.last_peer = p;
	fake.last = a->status;
}

/* ---- two callers ---- */

struct place {
	struct resolver r;
	struct daemon d;
	struct resolver_conf conf;
	struct peer smtpd, client;
	int ends[4];
};

static void
introduce(struct place *l, struct peer *p, enum service service, int ends[2])
{
	assert_int_equal(socketpair(AF_UNIX, SOCK_SEQPACKET, 0, ends), 0);
	p->channel = ipc_channel_new(&(struct ipc_channel_spec){
		.base = l->d.base, .fd = ends[0], .peer = service, .served = true });
	TAILQ_INIT(&p->waiters);
	LIST_INIT(&p->questions);
}

static int
set_up(void **state)
{
	struct place *l = xcalloc(1, sizeof(*l));

	memset(&fake, 0, sizeof(fake));
	l->d.base = event_base_new();
	l->conf = (struct resolver_conf){
		.timeout = TIMEOUT_MS, .questions = 8, .questions_per_caller = 5
	};
	l->r.d = &l->d;
	l->r.conf = &l->conf;
	questions_init(&l->r);
	introduce(l, &l->smtpd, SERVICE_SMTPD, l->ends);
	introduce(l, &l->client, SERVICE_SMTP_CLIENT, l->ends + 2);
	*state = l;
	return 0;
}

static int
tear_down(void **state)
{
	struct place *l = *state;

	questions_free(&l->r);
	assert_int_equal(l->r.nquestions + l->r.nwaiters, 0);
	ipc_channel_free(&l->smtpd.channel);
	ipc_channel_free(&l->client.channel);
	close(l->ends[1]);
	close(l->ends[3]);
	event_base_free(l->d.base);
	free(l);
	return 0;
}

static enum dns_status
ask(struct place *l, struct peer *p, uint32_t id, const char *name)
{
	return question_ask(&l->r,
		&(struct question_asked){ .peer = p, .id = id, .name = name, .type = DNS_TYPE_A });
}

/* Until so many have been answered. */
static void
until(struct place *l, unsigned answered)
{
	while (fake.answered < answered)
		assert_true(event_base_loop(l->d.base, EVLOOP_ONCE) >= 0);
}

static void
test_joined(void **state)
{
	struct place *l = *state;

	assert_int_equal(ask(l, &l->client, 1, "q"), DNS_OK);
	assert_int_equal(ask(l, &l->smtpd, 2, "q"), DNS_OK);
	assert_int_equal(
		question_ask(&l->r,
			&(struct question_asked){
				.peer = &l->client, .id = 3, .name = "q", .type = DNS_TYPE_MX }),
		DNS_OK);
	assert_int_equal(fake.n, 2); /* another type is another question */
	answer(0);
	assert_int_equal(fake.answered, 2);
	assert_int_equal(fake.last, DNS_OK);
	assert_int_equal(l->r.nwaiters, 1);
	assert_int_equal(l->r.nquestions, 1);
	assert_int_equal(l->r.numbers.joined, 1);
}

static void
test_cached(void **state)
{
	struct place *l = *state;

	fake.cached = true;
	assert_int_equal(ask(l, &l->client, 7, "q"), DNS_OK);
	assert_int_equal(fake.answered, 1);
	assert_int_equal(fake.last_id, 7);
	assert_int_equal(l->r.nquestions, 0);
	assert_int_equal(l->r.numbers.cache_hits, 1);
}

static void
test_engine_does_not_want_it(void **state)
{
	struct place *l = *state;

	fake.err = ERR_RESOURCE;
	assert_int_equal(ask(l, &l->client, 1, "q"), DNS_SERVFAIL);
	fake.err = ERR_SYNTAX;
	assert_int_equal(ask(l, &l->client, 2, "q"), DNS_BAD_NAME);
	assert_int_equal(l->r.nquestions + l->r.nwaiters + fake.answered, 0);
}

/* Nobody waits any more; who asks again joins, and the late answer is his. */
static void
test_late(void **state)
{
	struct place *l = *state;

	assert_int_equal(ask(l, &l->client, 1, "q"), DNS_OK);
	until(l, 1);
	assert_int_equal(fake.last, DNS_TIMEOUT);
	assert_int_equal(l->r.nwaiters, 0);
	assert_int_equal(l->r.nquestions, 1);
	assert_int_equal(ask(l, &l->smtpd, 2, "q"), DNS_OK);
	assert_int_equal(fake.n, 1);
	answer(0);
	assert_int_equal(fake.answered, 2);
	assert_int_equal(fake.last, DNS_OK);
	assert_ptr_equal(fake.last_peer, &l->smtpd);
	assert_int_equal(l->r.nquestions, 0);
	/* and one that nobody asks for again */
	assert_int_equal(ask(l, &l->client, 3, "r"), DNS_OK);
	until(l, 3);
	answer(1);
	assert_int_equal(fake.answered, 3);
	assert_int_equal(l->r.numbers.late, 1);
}

static void
test_bound_of_a_caller(void **state)
{
	static const char *const names[] = { "a", "b", "c", "d", "e", "f" };
	struct place *l = *state;

	for (uint32_t i = 0; i < 5; i++)
		assert_int_equal(ask(l, &l->client, i + 1, names[i]), DNS_OK);
	assert_int_equal(ask(l, &l->client, 6, "f"), DNS_BUSY);
	assert_int_equal(ask(l, &l->client, 6, "a"), DNS_BUSY);
	assert_int_equal(ask(l, &l->smtpd, 7, "a"), DNS_OK); /* another one's is another's */
	until(l, 6);
	assert_int_equal(l->r.nwaiters, 0);
	/* what it has brought up still counts */
	assert_int_equal(ask(l, &l->client, 8, "f"), DNS_BUSY);
	answer(0);
	assert_int_equal(ask(l, &l->client, 9, "f"), DNS_OK);
}

static void
strangers_get_half(void **state, enum service door)
{
	static const char *const names[] = { "a", "b", "c", "d", "e", "f", "g", "h" };
	struct place *l = *state;

	ipc_channel_free(&l->smtpd.channel);
	close(l->ends[1]);
	introduce(l, &l->smtpd, door, l->ends);
	for (uint32_t i = 0; i < 4; i++)
		assert_int_equal(ask(l, &l->smtpd, i + 1, names[i]), DNS_OK);
	assert_int_equal(ask(l, &l->smtpd, 5, names[4]), DNS_BUSY);
	for (uint32_t i = 4; i < 8; i++)
		assert_int_equal(ask(l, &l->client, i + 1, names[i]), DNS_OK);
	assert_int_equal(ask(l, &l->client, 9, "i"), DNS_BUSY);
}

static void
test_smtpd_gets_half(void **state)
{
	strangers_get_half(state, SERVICE_SMTPD);
}

static void
test_submission_gets_half(void **state)
{
	strangers_get_half(state, SERVICE_SUBMISSION);
}

static void
test_verifier_gets_half(void **state)
{
	strangers_get_half(state, SERVICE_VERIFIER);
}

static enum dns_status
ask_for(struct place *l, struct peer *p, const char *name, uint64_t network)
{
	return question_ask(&l->r,
		&(struct question_asked){
			.peer = p, .id = 1, .name = name, .type = DNS_TYPE_A, .network = network });
}

/* Of 20 that doors may ask for, 10 of one network; then others have more than it. */
static void
test_shares_of_networks(void **state)
{
	struct place *l = *state;
	char name[8];
	unsigned n = 0;

	l->conf.questions = 40;
	l->conf.questions_per_caller = 100;
	for (n = 0; n < 20; n++) {
		snprintf(name, sizeof(name), "a%u", n);
		if (ask_for(l, &l->smtpd, name, 7) == DNS_BUSY)
			break;
	}
	assert_int_equal(n, 10);
	assert_int_equal(ask_for(l, &l->smtpd, "a0", 7), DNS_OK); /* joined: no new question */
	for (uint64_t network = 8; network < 11; network++)
		for (n = 0; n < 4; n++) {
			snprintf(name, sizeof(name), "b%u-%u", (unsigned)network, n);
			assert_int_equal(
				ask_for(l, &l->smtpd, name, network), n < 3 ? DNS_OK : DNS_BUSY);
		}
	assert_int_equal(ask_for(l, &l->smtpd, "own", 0), DNS_OK);    /* for nobody outside */
	assert_int_equal(ask_for(l, &l->smtpd, "more", 0), DNS_BUSY); /* all 20 */
	answer(0);
	assert_int_equal(ask_for(l, &l->smtpd, "a11", 7), DNS_BUSY);
	assert_int_equal(ask_for(l, &l->smtpd, "c", 11), DNS_OK);
}

/* Those who wait for one name are counted, too. */
static void
test_shares_of_those_who_wait(void **state)
{
	struct place *l = *state;

	l->conf.questions = 40;
	l->conf.questions_per_caller = 16;
	for (unsigned i = 0; i < 8; i++)
		assert_int_equal(ask_for(l, &l->smtpd, "q", 7), DNS_OK);
	assert_int_equal(ask_for(l, &l->smtpd, "q", 7), DNS_BUSY);
	assert_int_equal(ask_for(l, &l->smtpd, "q", 8), DNS_OK);
	answer(0);
	assert_int_equal(ask_for(l, &l->smtpd, "q", 7), DNS_OK);
}

/* Past the cache: not joined with others, and not kept when nobody waits any more. */
static void
test_fresh(void **state)
{
	struct place *l = *state;
	struct question_asked asked = {
		.peer = &l->client, .id = 1, .name = "q", .type = DNS_TYPE_A, .fresh = true
	};

	assert_int_equal(ask(l, &l->client, 1, "q"), DNS_OK);
	assert_int_equal(fake.fresh, 0);
	assert_int_equal(question_ask(&l->r, &asked), DNS_OK);
	assert_int_equal(question_ask(&l->r, &asked), DNS_OK);
	assert_int_equal(fake.fresh, 1);
	assert_int_equal(l->r.nquestions, 2);
	until(l, 3);
	assert_int_equal(fake.cancelled, 1);
	assert_int_equal(l->r.nquestions, 1); /* the other one, late */
}

static void
test_a_caller_leaves(void **state)
{
	struct place *l = *state;

	assert_int_equal(ask(l, &l->client, 1, "q"), DNS_OK);
	assert_int_equal(ask(l, &l->smtpd, 2, "q"), DNS_OK);
	assert_int_equal(ask(l, &l->client, 3, "r"), DNS_OK);
	question_forget_peer(&l->r, &l->client);
	assert_int_equal(l->r.nwaiters, 1);
	answer(0);
	answer(1);
	assert_int_equal(fake.answered, 1);
	assert_ptr_equal(fake.last_peer, &l->smtpd);
	assert_int_equal(l->r.nquestions, 0);
}

int
main(void)
{
#define TEST(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)
	const struct CMUnitTest tests[] = { TEST(test_joined), TEST(test_cached),
		TEST(test_engine_does_not_want_it), TEST(test_late), TEST(test_bound_of_a_caller),
		TEST(test_smtpd_gets_half), TEST(test_submission_gets_half),
		TEST(test_verifier_gets_half), TEST(test_shares_of_networks),
		TEST(test_shares_of_those_who_wait), TEST(test_fresh), TEST(test_a_caller_leaves) };

	return cmocka_run_group_tests_name("resolver/question", tests, NULL, NULL);
}
