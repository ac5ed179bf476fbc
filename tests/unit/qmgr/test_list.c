/* SPDX-License-Identifier: ISC */
/* tests/unit/qmgr/test_list.c - LIST by pages, while files are read and mail is under way. */
#include <stdlib.h>

#include "err.h"
#include "fake.h"

#define MANY 300

struct asking {
	struct queue_list ask;
	unsigned pages, found;
	bool over, lost;
};

static struct asking asking;

static void ask(struct fake *f);

static void
on_page(void *arg, const struct ipc_answer *answer)
{
	struct queue_list_answer *a;
	struct ipc_reader in = ipc_reader(answer->body);
	struct fake *f = arg;

	if (answer->err < 0) {
		asking.lost = true;
		return;
	}
	a = xcalloc(1, sizeof(*a));
	assert_int_equal(queue_list_answer_decode(&in, a), ERR_OK);
	asking.pages++;
	asking.found += a->n;
	asking.over = !a->more;
	asking.ask.from_id = a->next_id;
	asking.ask.from_rcpt = a->next_rcpt;
	free(a);
	if (!asking.over)
		ask(f);
}

static void
ask(struct fake *f)
{
	queue_list_encode(ipc_compose(f->operator_door), &asking.ask);
	ipc_request(f->operator_door, QUEUE_LIST, NULL, 0, 0, on_page, f);
}

static bool
is_over(struct fake *f)
{
	return asking.over;
}

static void
begin(struct fake *f, struct queue_filter filter)
{
	asking = (struct asking){
		.ask = { .filter = filter, .max = QUEUE_LIST_MAX, .max_rcpts = 10 }
	};
	ask(f);
}

/* They wait in files, and nobody has read those since the start. */
static int
setup(void **state)
{
	struct fake *f = fake_new();

	f->conf.minimal_backoff = f->conf.maximal_backoff = 1000 * 1000;
	fake_start(f);
	for (unsigned i = 0; i < MANY; i++)
		fake_commit(f, i % 3 == 0 ? "full@example.org" : "full@example.net", SMALL_MESSAGE);
	assert_true(fake_until(f, fake_answered));
	assert_true(fake_until(f, fake_quiet));
	fake_stop(f);
	fake_start(f);
	*state = f;
	return 0;
}

static void
test_each_once(void **state)
{
	static const struct {
		struct queue_filter filter;
		unsigned found;
	} rows[] = {
		{ { .min_size = 0 }, MANY },
		{ { .reason = BYTES_LITERAL("mailbox FULL") }, MANY },
		{ { .reason = BYTES_LITERAL("no such words") }, 0 },
		{ { .reason = BYTES_LITERAL("zz") }, 0 }, /* all are read for that */
		{ { .domain = BYTES_LITERAL("example.org") }, MANY / 3 },
	};
	struct fake *f = *state;

	for (unsigned mail = 0; mail < 2; mail++)
		for (size_t i = 0; i < NITEMS(rows); i++) {
			f->q->active_rcpts += mail; /* something is under way: others come first */
			begin(f, rows[i].filter);
			assert_true(fake_until(f, is_over));
			assert_int_equal(asking.found, rows[i].found);
			f->q->active_rcpts -= mail;
			assert_true(TAILQ_EMPTY(&f->q->listings));
		}
}

static bool
is_waiting(struct fake *f)
{
	return !TAILQ_EMPTY(&f->q->listings);
}

/* The operator leaves while his page waits for its turn. */
static void
test_operator_leaves(void **state)
{
	struct fake *f = *state;

	f->q->active_rcpts++;
	begin(f, (struct queue_filter){ .reason = BYTES_LITERAL("zz") });
	assert_true(fake_until(f, is_waiting));
	operator_peer_down(f->q, f->operator_side);
	fake_turns(f, 50);
	assert_true(TAILQ_EMPTY(&f->q->listings));
	assert_int_equal(asking.pages, 0);
	f->q->active_rcpts--;
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_each_once, setup, fake_teardown),
		cmocka_unit_test_setup_teardown(test_operator_leaves, setup, fake_teardown),
	};

	return cmocka_run_group_tests_name("qmgr/operator", tests, NULL, NULL);
}
