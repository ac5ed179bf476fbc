/* SPDX-License-Identifier: ISC */
/* tests/unit/local-delivery/test_syncer.c - every question gets one answer, errors too. */
#include "cases.h"

#include <errno.h>
#include <event2/event.h>
#include <unistd.h>

#include "delivery.h"
#include "sys.h"
#include "test_folder.h"

struct asker {
	struct syncer *s;
	struct event_base *base;
	int answers, failures, want, ask_again;
};

static void
on_done(void *arg, int err)
{
	struct asker *a = arg;

	a->answers++;
	a->failures += err < 0;
	if (a->ask_again > 0) {
		a->ask_again--;
		syncer_ask(a->s, on_done, a);
	}
	if (a->answers == a->want)
		event_base_loopbreak(a->base);
}

static struct asker
run(int questions, int ask_again)
{
	struct test_folder *f = test_folder_new();
	struct asker a = { .want = questions + ask_again, .ask_again = ask_again };

	a.base = event_base_new();
	a.s = syncer_new(a.base, f->fd);
	for (int i = 0; i < questions; i++)
		syncer_ask(a.s, on_done, &a);
	assert_int_equal(a.answers, 0); /* never from within */
	event_base_dispatch(a.base);
	syncer_free(&a.s);
	event_base_free(a.base);
	test_folder_free(&f);
	return a;
}

static void
all_are_answered(void **arg)
{
	struct asker a = run(50, 20);

	UNUSED(arg);
	assert_int_equal(a.answers, 70);
	assert_int_equal(a.failures, 0);
}

#ifdef RELAIS_FAULTS
static void
a_failed_sync_is_told(void **arg)
{
	struct asker a;

	UNUSED(arg);
	sys_fault(SYS_SYNCFS, 1, EIO, true);
	a = run(3, 0);
	sys_fault_clear();
	assert_int_equal(a.failures, 3);
}
#endif

static void
ends_while_somebody_waits(void **arg)
{
	struct event_base *base = event_base_new();
	struct asker a = { 0 };
	struct test_folder *f = test_folder_new();

	UNUSED(arg);
	a.s = syncer_new(base, f->fd);
	syncer_ask(a.s, on_done, &a);
	syncer_ask(a.s, on_done, &a);
	syncer_free(&a.s);
	syncer_free(&a.s);
	event_base_free(base);
	test_folder_free(&f);
	assert_int_equal(a.answers, 0);
}

int
main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(all_are_answered),
#ifdef RELAIS_FAULTS
		cmocka_unit_test(a_failed_sync_is_told),
#endif
		cmocka_unit_test(ends_while_somebody_waits),
	};

	return cmocka_run_group_tests_name("local-delivery/syncer", tests, NULL, NULL);
}
