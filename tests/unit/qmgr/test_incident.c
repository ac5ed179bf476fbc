/* SPDX-License-Identifier: ISC */
/* tests/unit/qmgr/test_incident.c - a login that may not send any more. */
#include <errno.h>

#include "fake.h"
#include "sys.h"

static bool
is_told(struct fake *f)
{
	return f->told > 0 && f->deliveries > 0;
}

/* What a blocked login has in the queue is held, and nothing else; postmaster is told once. */
static void
test_incident(void **state)
{
	struct fake *f = *state;
	struct ledger_incident m = { .login = BYTES_LITERAL("mallory@example.org"),
		.open = true,
		.since = 1800000000,
		.text = BYTES_LITERAL("too\r\nmuch") };
	const struct queue_order release = { .verb = QUEUE_ORDER_RELEASE, .filter.login = m.login };
	struct ipc_call call = { .channel = f->qmgr_side, .ctx = &f->d };
	uint64_t his, other;

	f->login = "mallory@example.org";
	his = fake_commit(f, "full@example.org", SMALL_MESSAGE);
	f->login = "alice@example.org";
	other = fake_commit(f, "full@example.org", SMALL_MESSAGE);
	assert_true(fake_until(f, fake_answered));
	fake_turns(f, 100);
	fake_incident(f, &m);
	assert_int_equal(index_find(&f->q->index, his)->state, ENTRY_HELD);
	assert_int_not_equal(index_find(&f->q->index, other)->state, ENTRY_HELD);
	assert_true(fake_until(f, is_told));
	assert_int_equal(f->told, 1);
	assert_int_equal(f->deliveries, 1); /* postmaster's */
	m.told = true;
	fake_incident(f, &m); /* ledger came back */
	m.open = false;
	fake_incident(f, &m);
	fake_turns(f, 50);
	assert_int_equal(f->deliveries, 1);
	fake_stop(f);
	fake_start(f);
	fake_turns(f, 100);
	assert_int_equal(index_find(&f->q->index, his)->state, ENTRY_HELD);
	f->full_is_ok = true;
	operator_order(&call, &release);
	assert_true(fake_until(f, fake_empty));
}

#ifdef RELAIS_FAULTS
/* ledger hears that postmaster was told only when that is durable. */
static void
test_cannot_be_told(void **state)
{
	struct fake *f = *state;
	const struct ledger_incident m = { .login = BYTES_LITERAL("mallory@example.org"),
		.open = true,
		.since = 1800000000,
		.text = BYTES_LITERAL("too much") };

	sys_fault(SYS_FDATASYNC, 1, EIO, false);
	fake_incident(f, &m);
	fake_turns(f, 100);
	assert_int_equal(f->told, 0);
	assert_int_equal(f->deliveries, 0);
	fake_incident(f, &m); /* ledger came back */
	assert_true(fake_until(f, is_told));
	assert_int_equal(f->told, 1);
	assert_true(fake_until(f, fake_empty));
	assert_int_equal(f->deliveries, 1);
}
#endif

int
main(void)
{
	const struct CMUnitTest tests[] = {
		FAKE_TEST(test_incident),
#ifdef RELAIS_FAULTS
		FAKE_TEST(test_cannot_be_told),
#endif
	};

	return cmocka_run_group_tests_name("qmgr/incident", tests, NULL, NULL);
}
