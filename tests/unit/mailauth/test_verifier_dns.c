/* SPDX-License-Identifier: ISC */
/*
 * tests/unit/mailauth/test_verifier_dns.c - a job's questions when the time for them is over: they
 * are answered at once, so that a check that asks on and on leaves some time to those behind it.
 */
#include "../base/cases.h"

#include "clock.h"
#include "verifier.h"

static void
on_answer(void *arg, const struct dns_answer *answer)
{
	*(enum dns_status *)arg = answer->status;
}

static void
time_is_over(void **state)
{
	struct verifier v = { .kept = answers_kept_new() };
	struct job j = { .v = &v };
	enum dns_status status = DNS_OK;

	UNUSED(state);
	job_dns_init(&j);
	j.ask_until_ms = clock_mono_ms();
	j.until_ms = j.ask_until_ms + 10000; /* the job's own is not */
	j.dns.ask(j.dns.ctx, DNS_TYPE_TXT, BYTES_LITERAL("x.example"), on_answer, &status);
	assert_int_equal(status, DNS_TIMEOUT);
	assert_true(LIST_EMPTY(&j.questions));
	answers_kept_free(v.kept);
}

int
main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(time_is_over) };

	return cmocka_run_group_tests_name("mailauth/verifier_dns", tests, NULL, NULL);
}
