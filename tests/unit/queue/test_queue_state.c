/* SPDX-License-Identifier: ISC */
/* tests/unit/queue/test_queue_state.c - a message's life, as events on its envelope. */
#include "queue_state.h"

#include "cases.h"
#include "err.h"

enum {
	D = QUEUE_EVENT_DELIVERED,
	T = QUEUE_EVENT_DEFERRED,
	B = QUEUE_EVENT_BOUNCED,
	X = QUEUE_EVENT_EXPANDED, /* to two targets */
	H = QUEUE_EVENT_HELD,
	R = QUEUE_EVENT_RELEASED,
	F = QUEUE_EVENT_FLUSHED,
	GONE = QUEUE_EVENT_REMOVED,
	TOLD = QUEUE_EVENT_REPORTED,
	Q = QUEUE_EVENT_REQUEUED,
	M = -1 /* the message */
};

/* Two recipients, 0 and 1. After the steps: how many are left, when the next is due. */
static const struct row {
	const char *label;
	struct step {
		int kind, rcpt;
		uint64_t next_s;
	} steps[8];
	uint32_t left, n;
	uint64_t next;
	uint32_t attempts;
	bool held;
	int err; /* of the last step */
} rows[] = {
	{ "fresh", { { 0, 0, 0 } }, 2, 2, 0, 0, false, ERR_OK },
	{ "one delivered", { { D, 0, 0 } }, 1, 2, 0, 0, false, ERR_OK },
	{ "both delivered", { { D, 0, 0 }, { D, 1, 0 } }, 0, 2, UINT64_MAX, 0, false, ERR_OK },
	{ "one deferred", { { D, 0, 0 }, { T, 1, 500 } }, 1, 2, 500, 1, false, ERR_OK },
	{ "deferred twice", { { T, 0, 500 }, { T, 1, 600 }, { T, 0, 900 } }, 2, 2, 600, 2, false,
		ERR_OK },
	{ "deferred, then delivered", { { T, 0, 500 }, { D, 0, 0 }, { D, 1, 0 } }, 0, 2, UINT64_MAX,
		0, false, ERR_OK },
	{ "bounced", { { B, 0, 0 }, { T, 1, 7 } }, 1, 2, 7, 1, false, ERR_OK },
	{ "delivered, recorded twice", { { D, 0, 0 }, { D, 0, 0 } }, 1, 2, 0, 0, false, ERR_OK },
	{ "deferred after delivered", { { D, 0, 0 }, { T, 0, 9 } }, 1, 2, 0, 0, false, ERR_OK },
	{ "expanded", { { X, 0, 0 } }, 3, 4, 0, 0, false, ERR_OK },
	{ "expanded and delivered", { { X, 0, 0 }, { D, 1, 0 }, { D, 2, 0 }, { T, 3, 77 } }, 1, 4,
		77, 1, false, ERR_OK },
	{ "both expanded", { { X, 1, 0 }, { X, 0, 0 } }, 4, 6, 0, 0, false, ERR_OK },
	{ "expanded twice", { { X, 0, 0 }, { X, 0, 0 } }, 3, 4, 0, 0, false, ERR_OK },
	{ "held", { { H, M, 0 } }, 2, 2, 0, 0, true, ERR_OK },
	{ "held and released", { { H, M, 0 }, { R, M, 0 } }, 2, 2, 0, 0, false, ERR_OK },
	{ "flushed", { { T, 0, 500 }, { T, 1, 500 }, { F, M, 0 } }, 2, 2, 0, 1, false, ERR_OK },
	{ "bounced and told", { { B, 0, 0 }, { TOLD, M, 0 } }, 1, 2, 0, 0, false, ERR_OK },
	{ "requeued", { { T, 0, 500 }, { T, 1, 600 }, { Q, 0, 0 } }, 2, 2, 0, 1, false, ERR_OK },
	{ "requeued when done", { { D, 0, 0 }, { Q, 0, 0 } }, 1, 2, 0, 0, false, ERR_OK },
	{ "an alias looked up anew", { { X, 0, 0 }, { D, 2, 0 }, { Q, 0, 0 }, { Q, 3, 0 } }, 2, 4,
		0, 0, false, ERR_OK },
	{ "and expanded again", { { X, 0, 0 }, { D, 2, 0 }, { Q, 0, 0 }, { Q, 3, 0 }, { X, 0, 0 } },
		3, 6, 0, 0, false, ERR_OK },
	{ "with another in between",
		{ { X, 0, 0 }, { Q, 0, 0 }, { Q, 2, 0 }, { X, 1, 0 }, { X, 0, 0 }, { T, 4, 9 },
			{ D, 3, 0 } },
		4, 8, 0, 1, false, ERR_OK },
	{ "twice",
		{ { X, 0, 0 }, { Q, 0, 0 }, { Q, 2, 0 }, { X, 0, 0 }, { Q, 0, 0 }, { X, 1, 0 },
			{ T, 0, 70 } },
		6, 8, 0, 1, false, ERR_OK },
	{ "then the alias has no members",
		{ { X, 0, 0 }, { Q, 0, 0 }, { Q, 2, 0 }, { Q, 3, 0 }, { D, 0, 0 } }, 1, 4, 0, 0,
		false, ERR_OK },
	{ "no such recipient", { { D, 2, 0 } }, 2, 2, 0, 0, false, ERR_SYNTAX },
};

static void
make_state(struct queue_state *s)
{
	struct envelope_rcpt to[] = { { .forward_path = BYTES_LITERAL("a@example.org") },
		{ .forward_path = BYTES_LITERAL("b@example.org") } };
	const struct envelope e = { .queue_id = 42, .n_rcpts = 2, .rcpts = to };
	struct buf octets = BUF_INIT;

	envelope_encode(&octets, &e);
	assert_int_equal(queue_state_init(s, buf_bytes(&octets)), ERR_OK);
	buf_free(&octets);
}

static int
apply(struct queue_state *s, const struct step *step, uint64_t seq)
{
	struct queue_event_target two[] = { { BYTES_LITERAL("x@example.org"),
						    BYTES_LITERAL("x@example.org"),
						    BYTES_LITERAL("owner@example.org") },
		{ BYTES_LITERAL("y@example.com"), { NULL, 0 }, { NULL, 0 } } };
	struct queue_event e = { .queue_id = 42,
		.kind = (uint32_t)step->kind,
		.rcpt = (uint32_t)step->rcpt,
		.next_s = step->next_s,
		.code = BYTES_LITERAL("4.2.2"),
		.text = BYTES_LITERAL("why") };

	if (step->kind == X) {
		e.n_targets = 2;
		e.targets = two;
	}
	return queue_state_apply(s, &e, seq);
}

static void
check(const struct queue_state *s, const struct row *t)
{
	assert_int_equal(s->left, t->left);
	assert_int_equal(s->n, t->n);
	assert_true(queue_state_next(s) == t->next);
	assert_int_equal(queue_state_attempts(s), t->attempts);
	assert_int_equal(s->held, t->held);
}

/* What is written for the message's own file leads to the same state. */
static void
check_written(const struct queue_state *s, const struct row *t)
{
	struct queue_state again;
	struct buf records = BUF_INIT;
	struct arena a = ARENA_INIT;
	struct queue_record r;
	struct queue_event e;
	struct bytes in;
	int used;

	make_state(&again);
	queue_state_write(s, &records, 9);
	in = buf_bytes(&records);
	while ((used = queue_record_parse(in, &r)) > 0) {
		assert_int_equal(queue_event_parse(r.body, &a, &e), ERR_OK);
		assert_int_equal(queue_state_apply(&again, &e, 0), ERR_OK);
		in = bytes_skip(in, (size_t)used);
	}
	assert_int_equal(in.n, 0);
	check(&again, t);
	for (uint32_t i = 0; i < s->n; i++) {
		assert_true(bytes_equal(s->rcpts[i].address, again.rcpts[i].address));
		assert_int_equal(s->rcpts[i].status, again.rcpts[i].status);
		assert_int_equal(s->rcpts[i].parent, again.rcpts[i].parent);
		assert_int_equal(s->rcpts[i].reported, again.rcpts[i].reported);
	}
	buf_free(&records);
	arena_reset(&a);
	queue_state_free(&again);
}

static void
run_row(void **arg)
{
	const struct row *t = *arg;
	struct queue_state s;
	int r = ERR_OK;
	uint64_t seq = 1;

	make_state(&s);
	for (size_t i = 0; i < NITEMS(t->steps) && t->steps[i].kind != 0; i++)
		r = apply(&s, &t->steps[i], seq++);
	assert_int_equal(r, t->err);
	check(&s, t);
	/* all over again with the same numbers: nothing changes */
	for (size_t i = 0; i < NITEMS(t->steps) && t->steps[i].kind != 0; i++)
		assert_int_equal(apply(&s, &t->steps[i], i + 1), ERR_OK);
	check(&s, t);
	check_written(&s, t);
	queue_state_free(&s);
}

/* What is written, read again. */
static void
read_again(const struct queue_state *s, struct queue_state *again)
{
	struct buf records = BUF_INIT;
	struct arena a = ARENA_INIT;
	struct queue_record r;
	struct queue_event e;
	struct bytes in;
	int used;

	make_state(again);
	queue_state_write(s, &records, 9);
	in = buf_bytes(&records);
	while ((used = queue_record_parse(in, &r)) > 0) {
		assert_int_equal(queue_event_parse(r.body, &a, &e), ERR_OK);
		assert_int_equal(queue_state_apply(again, &e, 0), ERR_OK);
		in = bytes_skip(in, (size_t)used);
	}
	buf_free(&records);
	arena_reset(&a);
}

/* Mail to other hosts: who waits for its next hop, who was relayed. */
static void
test_next_hops(void **arg)
{
	struct queue_event waits = { .queue_id = 42,
		.kind = QUEUE_EVENT_DEFERRED,
		.next_s = 700,
		.flags = QUEUE_EVENT_SUSPENDED | QUEUE_EVENT_UNTRIED,
		.next_hop = BYTES_LITERAL("example.net") };
	struct queue_event sent = { .queue_id = 42,
		.kind = QUEUE_EVENT_DELIVERED,
		.rcpt = 1,
		.flags = QUEUE_EVENT_RELAYED,
		.next_hop = BYTES_LITERAL("example.org"),
		.remote_mta = BYTES_LITERAL("mx.example.org") };
	const struct queue_event flushed = {
		.queue_id = 42, .kind = QUEUE_EVENT_FLUSHED, .rcpt = QUEUE_EVENT_MESSAGE
	};
	struct queue_state s, again;

	make_state(&s);
	assert_int_equal(queue_state_apply(&s, &waits, 1), ERR_OK);
	assert_int_equal(queue_state_apply(&s, &waits, 2), ERR_OK);
	assert_int_equal(queue_state_apply(&s, &sent, 3), ERR_OK);
	assert_int_equal(s.suspended, 1);
	assert_int_equal(s.rcpts[0].attempts, 0);
	read_again(&s, &again);
	assert_int_equal(again.suspended, 1);
	assert_true(again.rcpts[0].suspended);
	assert_int_equal(again.rcpts[0].attempts, 0);
	assert_int_equal(again.rcpts[0].next_s, 700);
	assert_true(bytes_is(again.rcpts[0].next_hop, "example.net"));
	assert_true(again.rcpts[1].relayed);
	assert_true(bytes_is(again.rcpts[1].remote_mta, "mx.example.org"));
	queue_state_free(&again);
	assert_int_equal(queue_state_apply(&s, &flushed, 4), ERR_OK);
	assert_int_equal(s.suspended, 0);
	assert_int_equal(queue_state_apply(&s, &waits, 5), ERR_OK);
	sent.rcpt = 0;
	assert_int_equal(queue_state_apply(&s, &sent, 6), ERR_OK);
	assert_int_equal(s.suspended, 0);
	assert_int_equal(s.left, 0);
	queue_state_free(&s);
}

/* As many targets as qmgr lets in are always taken: a record that it wrote can be read. */
static void
test_many_targets(void **state)
{
	static struct queue_event_target targets[QUEUE_EVENT_TARGETS_MAX];
	const struct queue_event more = {
		.kind = QUEUE_EVENT_EXPANDED, .n_targets = NITEMS(targets), .targets = targets
	};
	const struct queue_event again = { .kind = QUEUE_EVENT_REQUEUED };
	struct queue_state s;

	for (size_t i = 0; i < NITEMS(targets); i++)
		targets[i].address = targets[i].account = BYTES_LITERAL("a@b");
	make_state(&s);
	while (s.n + more.n_targets <= QUEUE_STATE_RCPTS_MAX) {
		assert_int_equal(queue_state_apply(&s, &more, 0), ERR_OK);
		assert_int_equal(queue_state_apply(&s, &again, 0), ERR_OK);
	}
	assert_in_range(s.n, QUEUE_STATE_RCPTS_MAX - NITEMS(targets), QUEUE_STATE_RCPTS_MAX);
	queue_state_free(&s);
}

int
main(void)
{
	const struct CMUnitTest more[] = { cmocka_unit_test(test_next_hops),
		cmocka_unit_test(test_many_targets) };

	TABLE_TESTS(tests, rows, run_row);

	return cmocka_run_group_tests_name("queue/state", tests, NULL, NULL) +
	       cmocka_run_group_tests_name("queue/state, more", more, NULL, NULL);
}
