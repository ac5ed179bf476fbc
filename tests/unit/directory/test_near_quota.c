/* SPDX-License-Identifier: ISC */
/* tests/unit/directory/test_near_quota.c - the set of full accounts, against a plain array. */
#include "../base/cases.h"

#include <stdio.h>
#include <stdlib.h>

#include "near_quota.h"

#define ACCOUNTS 500
#define STEPS    20000

static void
tell(struct near_quota *n, unsigned i, uint64_t octets, uint64_t limit)
{
	char account[32];
	struct ledger_use use = { .octets = octets, .messages = i, .limit_octets = limit };

	snprintf(account, sizeof(account), "user%u@example.org", i);
	use.account = bytes_from_str(account);
	near_quota_tell(n, &use);
}

static void
as_a_plain_array(void **arg)
{
	struct near_quota *n = near_quota_new();
	uint64_t model[ACCOUNTS] = { 0 }, octets, messages;
	unsigned seed = 7, known = 0;
	char account[32];

	UNUSED(arg);
	for (unsigned step = 0; step < STEPS; step++) {
		unsigned i = (unsigned)rand_r(&seed) % ACCOUNTS;
		uint64_t use = (unsigned)rand_r(&seed) % 200; /* of a limit of 100: near from 80 */

		tell(n, i, use, 100);
		model[i] = use;
	}
	for (unsigned i = 0; i < ACCOUNTS; i++) {
		snprintf(account, sizeof(account), "user%u@example.org", i);
		if (model[i] >= 80) {
			known++;
			assert_true(near_quota_use(n, bytes_from_str(account), &octets, &messages));
			assert_int_equal(octets, model[i]);
			assert_int_equal(messages, i);
		} else
			assert_false(
				near_quota_use(n, bytes_from_str(account), &octets, &messages));
	}
	assert_int_equal(near_quota_count(n), known);
	near_quota_clear(n);
	assert_int_equal(near_quota_count(n), 0);
	near_quota_free(&n);
}

static const struct row {
	const char *label;
	uint64_t use, limit;
	bool is_near;
} rows[] = {
	{ "no limit", 1000, 0, false },
	{ "unknown limit", 1000, LEDGER_LIMIT_UNKNOWN, false },
	{ "below", 79, 100, false },
	{ "at", 80, 100, true },
	{ "over", 101, 100, true },
	{ "tiny limit", 1, 1, true },
	{ "tiny limit, nothing used", 0, 1, false },
	{ "huge", UINT64_MAX / 2, UINT64_MAX / 2, true },
};

static void
near_one(void **arg)
{
	const struct row *t = *arg;

	assert_int_equal(ledger_is_near(t->use, t->limit), t->is_near);
}

int
main(void)
{
	const struct CMUnitTest others[] = { cmocka_unit_test(as_a_plain_array) };
	TABLE_TESTS(tests, rows, near_one);

	return cmocka_run_group_tests_name("directory/near", tests, NULL, NULL) +
	       cmocka_run_group_tests_name("directory/near_quota", others, NULL, NULL);
}
