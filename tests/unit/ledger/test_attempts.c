/* SPDX-License-Identifier: ISC */
/* tests/unit/ledger/test_attempts.c - counts of failed logins, with a clock of our own. */
#include "../base/cases.h"

#include <stdio.h>
#include <string.h>

#include "attempts.h"

#define SECOND UINT64_C(1000)
#define MINUTE (60 * SECOND)
#define HOUR   (60 * MINUTE)

static const struct attempts_policy policy = { .window_ms = HOUR,
	.address_limit = 10,
	.network_limit = 40,
	.login_limit = 20,
	.delay_first_ms = 1000,
	.delay_max_ms = 15000 };

static struct attempt
from(const char *address, const char *login)
{
	struct attempt t = { .login = bytes_from_str(login) };

	if (address[0] != 0)
		assert_int_equal(ip_block_parse(bytes_from_str(address), &t.address), 0);
	return t;
}

static struct attempts_news
fail_guess(struct attempts *a, const struct attempt *t, uint64_t guess, uint64_t now)
{
	struct ledger_try_answer answer;
	struct attempts_news news;

	attempts_try(a, &policy, t, now, &answer);
	assert_int_equal(answer.verdict, LEDGER_TRY_GO);
	attempts_tried(a, &policy, t, LEDGER_TRIED_WRONG, guess, now, &news);
	return news;
}

static struct attempts_news
failure(struct attempts *a, const char *address, const char *login, uint64_t now)
{
	struct attempt t = from(address, login);

	return fail_guess(a, &t, 0, now);
}

static struct ledger_try_answer
ask(struct attempts *a, const struct attempt *t, uint64_t now)
{
	struct ledger_try_answer answer;
	struct attempts_news news;

	attempts_try(a, &policy, t, now, &answer);
	if (answer.verdict == LEDGER_TRY_GO)
		attempts_tried(a, &policy, t, LEDGER_TRIED_UNDECIDED, 0, now, &news);
	return answer;
}

/* The tenth failure bans, whatever logins and protocols they were at. */
static void
address_limit(void **arg)
{
	struct attempts *a = attempts_new(1024);
	char login[32];

	for (uint32_t i = 1; i <= 10; i++) {
		struct attempts_news news;

		snprintf(login, sizeof(login), "user%u@x", i);
		news = failure(a, "192.0.2.7", login, i * SECOND);
		assert_int_equal(news.address, i == 10 ? 10 : 0);
		assert_int_equal(news.network, 0);
	}
	/* after the ban it begins anew */
	assert_int_equal(failure(a, "192.0.2.7", "a@x", 12 * SECOND).address, 0);
	attempts_free(&a);
}

static void
one_v6_client_is_a_64(void **arg)
{
	struct attempts *a = attempts_new(1024);
	char address[64];

	for (uint32_t i = 1; i <= 10; i++) {
		snprintf(address, sizeof(address), "2001:db8:0:1::%x", i);
		assert_int_equal(failure(a, address, "a@x", SECOND).address, i == 10 ? 10 : 0);
	}
	assert_int_equal(failure(a, "2001:db8:0:2::1", "a@x", SECOND).address, 0);
	attempts_free(&a);
}

static void
slow_failures_leak(void **arg)
{
	struct attempts *a = attempts_new(1024);

	for (uint64_t i = 0; i < 1000; i++) /* one in seven minutes, for days */
		assert_int_equal(failure(a, "192.0.2.7", "a@x", i * 7 * MINUTE).address, 0);
	attempts_free(&a);
}

static void
networks(void **arg)
{
	struct attempts *a = attempts_new(1024);
	uint32_t banned_at = 0;
	char address[32];

	for (uint32_t i = 1; i <= 40 && banned_at == 0; i++) {
		snprintf(address, sizeof(address), "198.51.100.%u", i);
		if (failure(a, address, "a@x", SECOND).network != 0)
			banned_at = i;
	}
	assert_int_equal(banned_at, 40);
	attempts_free(&a);
}

/* Many addresses at one login: the login is guarded, its known networks count for nothing. */
static void
logins(void **arg)
{
	struct attempts *a = attempts_new(1024);
	struct attempt owner = from("203.0.113.5", "alice@x");
	uint32_t guarded_at = 0;
	char address[32];

	owner.known = true;
	for (uint64_t i = 0; i < 5; i++)
		assert_int_equal(fail_guess(a, &owner, i + 1, SECOND).login, 0);
	for (uint32_t i = 1; i <= 20 && guarded_at == 0; i++) {
		snprintf(address, sizeof(address), "198.51.%u.1", i);
		if (failure(a, address, "alice@x", SECOND).login != 0)
			guarded_at = i;
	}
	assert_int_equal(guarded_at, 20);
	attempts_free(&a);
}

static void
delays(void **arg)
{
	static const uint32_t expected[] = { 1000, 2000, 4000, 8000, 15000, 15000 };
	struct attempts *a = attempts_new(1024);
	struct attempt t = from("192.0.2.7", "a@x");

	for (size_t i = 0; i < NITEMS(expected); i++) {
		assert_int_equal(ask(a, &t, SECOND).delay_ms, expected[i]);
		(void)failure(a, "192.0.2.7", "b@x", SECOND);
	}
	t = from("", "a@x"); /* no address: a UNIX socket */
	assert_int_equal(ask(a, &t, SECOND).delay_ms, 1000);
	attempts_free(&a);
}

static void
right_takes_back_its_own(void **arg)
{
	struct attempts *a = attempts_new(1024);
	struct attempt own = from("192.0.2.7", "own@x");
	struct ledger_try_answer answer;
	struct attempts_news news;

	for (unsigned i = 0; i < 3; i++)
		(void)failure(a, "192.0.2.7", "own@x", SECOND);
	for (unsigned i = 0; i < 4; i++)
		(void)failure(a, "192.0.2.7", "victim@x", SECOND);
	assert_int_equal(attempts_failures(a, &policy, &own.address, BYTES_NONE, SECOND), 7);
	attempts_try(a, &policy, &own, SECOND, &answer);
	attempts_tried(a, &policy, &own, LEDGER_TRIED_RIGHT, 0, SECOND, &news);
	assert_int_equal(attempts_failures(a, &policy, &own.address, BYTES_NONE, SECOND), 4);
	attempts_free(&a);
}

/* An old password in a telephone, again and again from home. */
static void
repetition(void **arg)
{
	struct attempts *a = attempts_new(1024);
	struct attempt home = from("203.0.113.5", "alice@x");

	home.known = true;
	for (uint64_t i = 0; i < 100; i++)
		assert_int_equal(fail_guess(a, &home, 4711, SECOND).address, 0);
	assert_int_equal(attempts_failures(a, &policy, &home.address, BYTES_NONE, SECOND), 1);
	home.known = false; /* from elsewhere it counts */
	for (uint64_t i = 0; i < 8; i++)
		assert_int_equal(fail_guess(a, &home, 4711, SECOND).address, 0);
	assert_int_not_equal(fail_guess(a, &home, 4711, SECOND).address, 0);
	attempts_free(&a);
}

static void
many_at_once(void **arg)
{
	struct attempts *a = attempts_new(1024);
	struct attempt t = from("192.0.2.7", "a@x"), known = t;
	struct ledger_try_answer answer;
	unsigned went = 0;

	known.known = true;
	for (unsigned i = 0; i < 200; i++) { /* without failures: as many as a large office */
		attempts_try(a, &policy, &t, SECOND, &answer);
		went += answer.verdict == LEDGER_TRY_GO;
	}
	assert_int_equal(went, 100);
	attempts_try(a, &policy, &known, SECOND, &answer);
	assert_int_equal(answer.verdict, LEDGER_TRY_GO);
	attempts_forget_pending(a);
	(void)failure(a, "192.0.2.7", "a@x", SECOND);
	for (went = 0; went < 200; went++) {
		attempts_try(a, &policy, &t, SECOND, &answer);
		if (answer.verdict != LEDGER_TRY_GO)
			break;
	}
	assert_int_equal(answer.verdict, LEDGER_TRY_LATER);
	assert_int_equal(went, 9); /* one failed, ten are allowed */
	attempts_free(&a);
}

static void
trust(void **arg)
{
	struct attempts *a = attempts_new(1024);
	struct attempt t = from("192.0.2.7", "a@x");

	assert_int_equal(ask(a, &t, SECOND).trust, LEDGER_TRUST_NEUTRAL);
	(void)failure(a, "192.0.2.7", "b@x", SECOND);
	assert_int_equal(ask(a, &t, SECOND).trust, LEDGER_TRUST_SUSPECT);
	t.known = true;
	assert_int_equal(ask(a, &t, SECOND).trust, LEDGER_TRUST_KNOWN);
	t.known = false;
	assert_int_equal(ask(a, &t, 2 * HOUR).trust, LEDGER_TRUST_NEUTRAL);
	attempts_free(&a);
}

/* Twenty failures a second of whomever: who is not known comes last, for a while. */
static void
storm(void **arg)
{
	struct attempts *a = attempts_new(4096);
	struct attempt t = from("203.0.113.7", "a@x");
	char address[32];

	for (uint32_t i = 0; i < 190; i++) {
		snprintf(address, sizeof(address), "10.%u.0.1", i);
		(void)failure(a, address, "b@x", SECOND);
	}
	assert_int_equal(ask(a, &t, SECOND).trust, LEDGER_TRUST_NEUTRAL);
	for (uint32_t i = 0; i < 20; i++) {
		snprintf(address, sizeof(address), "10.%u.1.1", i);
		(void)failure(a, address, "c@x", SECOND);
	}
	assert_int_equal(ask(a, &t, SECOND).trust, LEDGER_TRUST_SUSPECT);
	t.known = true;
	assert_int_equal(ask(a, &t, SECOND).trust, LEDGER_TRUST_KNOWN);
	t.known = false;
	assert_int_equal(ask(a, &t, 20 * SECOND).trust, LEDGER_TRUST_NEUTRAL);
	attempts_free(&a);
}

/* A flood of addresses and names that come once does not wash out one that tries much. */
static void
flood(void **arg)
{
	struct attempts *a = attempts_new(1024);
	struct attempt heavy = from("192.0.2.7", "heavy@x");
	char address[32], login[32];

	for (unsigned i = 0; i < 8; i++)
		(void)failure(a, "192.0.2.7", "heavy@x", SECOND);
	for (uint32_t i = 0; i < 200000; i++) {
		snprintf(address, sizeof(address), "10.%u.%u.%u", i >> 16, i >> 8 & 255, i & 255);
		snprintf(login, sizeof(login), "random%u@x", i);
		(void)failure(a, address, login, 2 * SECOND);
	}
	assert_int_equal(attempts_failures(a, &policy, &heavy.address, BYTES_NONE, 3 * SECOND), 8);
	assert_int_equal(attempts_failures(a, &policy, NULL, heavy.login, 3 * SECOND), 8);
	attempts_free(&a);
}

static void
time_going_back(void **arg)
{
	struct attempts *a = attempts_new(1024);

	(void)failure(a, "192.0.2.7", "a@x", HOUR);
	assert_int_equal(failure(a, "192.0.2.7", "a@x", SECOND).address, 0);
	attempts_free(&a);
}

int
main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(address_limit),
		cmocka_unit_test(one_v6_client_is_a_64), cmocka_unit_test(slow_failures_leak),
		cmocka_unit_test(networks), cmocka_unit_test(logins), cmocka_unit_test(delays),
		cmocka_unit_test(right_takes_back_its_own), cmocka_unit_test(repetition),
		cmocka_unit_test(many_at_once), cmocka_unit_test(trust), cmocka_unit_test(storm),
		cmocka_unit_test(flood), cmocka_unit_test(time_going_back) };

	return cmocka_run_group_tests_name("ledger/attempts", tests, NULL, NULL);
}
