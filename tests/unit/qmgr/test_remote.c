/* SPDX-License-Identifier: ISC */
/* tests/unit/qmgr/test_remote.c - mail to other hosts, with a played smtp-client. */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "clock.h"
#include "fake.h"

#define NEVER_MS 100000 /* longer than any test */

static int
setup(void **state)
{
	struct fake *f = fake_new();

	/* what is tried again in time is woken by its destination */
	f->conf.minimal_backoff = f->conf.maximal_backoff = NEVER_MS;
	fake_start(f);
	*state = f;
	return 0;
}

static uint64_t
commit(struct fake *f, const char *rcpts)
{
	return fake_commit(f, rcpts, SMALL_MESSAGE);
}

/* Committed, and nothing is on its way. */
static bool
settled(struct fake *f)
{
	return fake_answered(f) && fake_quiet(f) && f->q->remote.all.flying == 0;
}

static void
host(struct fake *f, const char *next_hop, enum outbound_hop hop)
{
	size_t i = 0;

	while (f->hosts[i].next_hop != NULL && strcmp(f->hosts[i].next_hop, next_hop) != 0)
		i++;
	assert_true(i < NITEMS(f->hosts));
	f->hosts[i] = (struct fake_host){ next_hop, hop };
}

static void
test_sends(void **state)
{
	struct fake *f = *state;

	commit(f, "someone@a.far.example");
	assert_true(fake_until(f, fake_empty));
	assert_int_equal(f->jobs, 1);
	assert_int_equal(f->sent, 1);
	assert_int_equal(f->q->stats.delivered, 1);
	assert_int_equal(f->q->remote.rcpts, 0);
}

/* Of one message what has the same next hop goes together, 50 at once; local ones their way. */
static void
test_recipients_together(void **state)
{
	struct fake *f = *state;

	commit(f, "1@a.far.example 2@a.far.example 3@b.far.example user@example.org "
		  "4@a.far.example");
	assert_true(fake_until(f, fake_empty));
	assert_int_equal(f->jobs, 2);
	assert_int_equal(f->most_rcpts, 3);
	assert_int_equal(f->sent, 4);
	assert_int_equal(f->deliveries, 1);
}

static void
test_recipients_per_job(void **state)
{
	struct fake *f = *state;
	struct buf rcpts = BUF_INIT;

	f->conf.destination_recipients = 7;
	for (int i = 0; i < 40; i++)
		buf_printf(&rcpts, "%s%d@a.far.example", i == 0 ? "" : " ", i);
	commit(f, buf_str(&rcpts));
	assert_true(fake_until(f, fake_empty));
	assert_int_equal(f->most_rcpts, 7);
	assert_int_equal(f->jobs, 6);
	assert_int_equal(f->sent, 40);
	buf_free(&rcpts);
}

static void
test_bounces(void **state)
{
	struct fake *f = *state;

	commit(f, "never@a.far.example ok@a.far.example");
	assert_true(fake_until(f, fake_empty));
	assert_int_equal(f->q->stats.bounced, 1);
	assert_int_equal(f->sent, 1);
}

static void
test_defers(void **state)
{
	struct fake *f = *state;
	const struct queue_rcpt *r;
	struct entry *e;
	uint64_t id;

	f->later_most = 1;
	id = commit(f, "later@a.far.example ok@a.far.example");
	assert_true(fake_until(f, settled));
	e = index_find(&f->q->index, id);
	assert_int_equal(e->state, ENTRY_DEFERRED);
	assert_int_equal(e->rcpts_left, 1);
	assert_int_equal(e->hop, 0); /* its own matter, not its destination's */
	r = &e->msg->state.rcpts[0];
	assert_int_equal(r->status, RCPT_DEFERRED);
	assert_false(r->suspended);
	assert_true(bytes_is(r->next_hop, "a.far.example"));
	assert_true(bytes_is(r->remote_mta, "mx.far.example"));
	assert_true(bytes_is(r->code, "4.2.0"));
	assert_true(e->due_s > now_s() + 50);
}

static void
test_refused(void **state)
{
	struct fake *f = *state;

	host(f, "null.far.example", OUTBOUND_REFUSED);
	commit(f, "never@null.far.example");
	assert_true(fake_until(f, fake_empty));
	assert_int_equal(f->q->stats.bounced, 1);
}

/* Many wait for a dead destination: few connections, none of the messages is in the heap for a
 * try of its own; others are not kept waiting; and all goes when it is back. */
static void
test_dead_and_back(void **state)
{
	struct fake *f = *state;
	const uint64_t now = now_s();
	unsigned jobs;

	host(f, "dead.far.example", OUTBOUND_UNREACHABLE);
	for (int i = 0; i < 300; i++)
		commit(f, "someone@dead.far.example");
	assert_true(fake_until(f, settled));
	assert_true(f->jobs <= 5);
	jobs = f->jobs;
	assert_int_equal(f->q->remote.all.dead, 1);
	assert_int_equal(f->q->remote.all.parked, 300);
	assert_int_equal(f->q->index.counts[ENTRY_DEFERRED], 300);
	assert_true(index_first_due(&f->q->index)->due_s >= now + NEVER_MS / 1000 - 1);
	commit(f, "someone@good.far.example");
	fake_turns(f, 200);
	assert_int_equal(f->sent, 1);
	fake_turns(f, 1100); /* a probe */
	assert_int_equal(f->jobs, jobs + 2);
	host(f, "dead.far.example", OUTBOUND_REACHED);
	assert_true(fake_until(f, fake_empty));
	assert_int_equal(f->sent, 301);
	assert_int_equal(f->q->remote.all.parked, 0);
	assert_int_equal(f->q->remote.all.dead, 0);
}

/* Each waits for its own: what is not dead does not wait. */
static void
test_recipients_of_dead_and_good(void **state)
{
	struct fake *f = *state;

	host(f, "dead.far.example", OUTBOUND_UNREACHABLE);
	host(f, "gone.far.example", OUTBOUND_UNREACHABLE);
	commit(f, "1@dead.far.example 2@good.far.example 3@gone.far.example user@example.org");
	assert_true(fake_until(f, settled));
	fake_turns(f, 300);
	assert_int_equal(f->sent, 1);
	assert_int_equal(f->deliveries, 1);
	assert_int_equal(f->q->remote.all.parked, 1);
	host(f, "dead.far.example", OUTBOUND_REACHED);
	host(f, "gone.far.example", OUTBOUND_REACHED);
	assert_true(fake_until(f, fake_empty)); /* parked here, then there */
	assert_int_equal(f->sent, 3);
}

/* The tables change: a new next hop, and what waited goes there. */
static void
test_route_changes(void **state)
{
	struct fake *f = *state;

	host(f, "dead.far.example", OUTBOUND_UNREACHABLE);
	for (int i = 0; i < 50; i++)
		commit(f, "someone@dead.far.example");
	assert_true(fake_until(f, settled));
	f->route = "smtp:[relay.example.net]:587";
	assert_true(fake_until(f, fake_empty));
	assert_int_equal(f->sent, 50);
}

static void
test_too_old(void **state)
{
	struct fake *f = *state;

	f->conf.queue_lifetime = 2000;
	qmgr_spec.reload(&f->d);
	host(f, "dead.far.example", OUTBOUND_UNREACHABLE);
	f->conf.destination_retry = NEVER_MS;
	qmgr_spec.reload(&f->d);
	commit(f, "1@dead.far.example");
	commit(f, "2@dead.far.example");
	assert_true(fake_until(f, settled));
	assert_int_equal(f->q->index.live, 2);
	assert_true(fake_until(f, fake_empty));
	assert_int_equal(f->q->stats.expired, 2);
}

/* The process that had it is gone: perhaps sent, perhaps not; once more, not counted. */
static void
test_smtp_client_dies(void **state)
{
	struct fake *f = *state;

	f->lose_jobs = 3;
	for (int i = 0; i < 3; i++)
		commit(f, "someone@a.far.example");
	assert_true(fake_until(f, fake_empty));
	assert_int_equal(f->sent, 3);
	assert_int_equal(f->jobs, 6);
	assert_int_equal(f->q->stats.deferrals, 0);
	assert_int_equal(f->q->remote.all.dead, 0);
}

/* Too many connections: fewer, and the mail goes on. */
static void
test_busy(void **state)
{
	struct fake *f = *state;

	host(f, "busy.far.example", OUTBOUND_BUSY);
	for (int i = 0; i < 20; i++)
		commit(f, "someone@busy.far.example");
	fake_turns(f, 300);
	assert_int_equal(f->sent, 0);
	host(f, "busy.far.example", OUTBOUND_REACHED);
	fake_turns(f, 1500);
	assert_true(f->sent >= 10); /* the first few were tried too often, and wait */
	assert_true(f->q->remote.all.n == 1);
}

/* A flood of one sender for a host that hangs: what finds no room in memory is parked. Mail for
 * others, and mailboxes here, do not notice; then all of it is sent. */
static void
test_flood(void **state)
{
	struct fake *f = *state;
	const struct destinations *ds = &f->q->remote.all;
	enum {
		MANY = DEST_ITEMS_MAX / 2 + 500
	};

	f->slow = "slow.far.example";
	for (int i = 0; i < MANY; i++) {
		commit(f, "someone@slow.far.example");
		if (i % 200 == 0)
			fake_turns(f, 1);
	}
	assert_true(fake_until(f, fake_answered));
	while (f->q->fresh.n > 0 || f->q->active_rcpts > 0)
		fake_turns(f, 10);
	assert_in_range(ds->flying, 1, 5);
	assert_in_range(ds->items, 1000, DEST_ITEMS_MAX / 2 + 1);
	assert_int_equal(ds->parked + ds->items + ds->flying, MANY);
	assert_int_equal(f->q->stats.deferrals, 0);
	commit(f, "someone@good.far.example user@example.org");
	fake_turns(f, 300);
	assert_int_equal(f->sent, 1);
	assert_int_equal(f->deliveries, 1);
	f->slow = NULL;
	assert_true(fake_until(f, fake_empty));
	assert_int_equal(f->sent, MANY + 1);
	assert_int_equal(ds->parked, 0);
}

/* What waits at a destination is known after a restart, and tried. */
static void
test_restart(void **state)
{
	struct fake *f = *state;

	f->conf.minimal_backoff = f->conf.maximal_backoff = 1000;
	qmgr_spec.reload(&f->d);
	host(f, "dead.far.example", OUTBOUND_UNREACHABLE);
	for (int i = 0; i < 100; i++)
		commit(f, "someone@dead.far.example");
	assert_true(fake_until(f, settled));
	fake_stop(f);
	fake_start(f);
	assert_int_equal(f->q->index.live, 100);
	host(f, "dead.far.example", OUTBOUND_REACHED);
	f->asked = f->answers = 0;
	assert_true(fake_until(f, fake_empty));
	assert_int_equal(f->sent, 100);
}

/* The operator deletes, holds and releases what is parked. */
static void
test_orders(void **state)
{
	struct fake *f = *state;
	uint64_t ids[3];

	host(f, "dead.far.example", OUTBOUND_UNREACHABLE);
	f->conf.destination_retry = NEVER_MS;
	qmgr_spec.reload(&f->d);
	for (int i = 0; i < 3; i++)
		ids[i] = commit(f, "someone@dead.far.example");
	assert_true(fake_until(f, settled));
	assert_int_equal(f->q->remote.all.parked, 3);
	fake_order(f, QUEUE_ORDER_DELETE, ids[0]);
	assert_int_equal(f->q->remote.all.parked, 2);
	fake_order(f, QUEUE_ORDER_HOLD, ids[1]);
	host(f, "dead.far.example", OUTBOUND_REACHED);
	fake_order(f, QUEUE_ORDER_FLUSH, ids[2]);
	fake_turns(f, 300);
	assert_int_equal(f->sent, 1);
	assert_int_equal(f->q->index.live, 1);
	fake_order(f, QUEUE_ORDER_RELEASE, ids[1]);
	assert_true(fake_until(f, fake_empty));
	assert_int_equal(f->sent, 2);
	assert_int_equal(f->q->remote.all.parked, 0);
}

/* Without the service mail waits, with a reason. */
static void
test_no_service(void **state)
{
	struct fake *f = *state;

	f->q->remote.n = 0;
	commit(f, "someone@a.far.example");
	assert_true(fake_until(f, settled));
	assert_int_equal(f->q->index.counts[ENTRY_DEFERRED], 1);
	f->q->remote.n = 2;
}

static void
test_bad_answers(void **state)
{
	struct fake *f = *state;

	f->bad_answers = 4;
	for (int i = 0; i < 4; i++)
		commit(f, "1@a.far.example 2@a.far.example");
	assert_true(fake_until(f, fake_empty));
	assert_int_equal(f->sent, 8);
}

/* For the domain of the address that forwards, once for a message; and nothing else is. */
static void
test_forwards_are_signed(void **state)
{
	struct fake *f = *state;

	f->mailauth.sign = f->mailauth.sign_forwards = true;
	f->fields = "DKIM-Signature: d=example.org\r\n";
	f->signs_for = "example.org";
	qmgr_spec.reload(&f->d);
	commit(f, "away@example.org");
	assert_true(fake_until(f, fake_empty));
	assert_int_equal(f->signs, 1);
	assert_int_equal(f->signed_jobs, 1);
	commit(f, "user@relayed.far.example"); /* a relay domain */
	f->login = "sender@example.net";       /* submission has signed it */
	commit(f, "away@example.org");
	assert_true(fake_until(f, fake_empty));
	assert_int_equal(f->sent, 3);
	assert_int_equal(f->signs, 1);
	f->login = NULL;
	f->fields = NULL; /* no key: it goes as it is */
	commit(f, "away@example.org");
	assert_true(fake_until(f, fake_empty));
	assert_int_equal(f->sent, 4);
	assert_int_equal(f->signs, 2);
	assert_int_equal(f->signed_jobs, 1);
}

static void
signs_forwards(struct fake *f)
{
	f->mailauth.sign = f->mailauth.sign_forwards = true;
	f->fields = "DKIM-Signature: d=";
	f->signs_for = "";
	qmgr_spec.reload(&f->d);
}

/* To several hosts: asked once for each domain, and none goes before there is an answer, nor with
 * what is another domain's. */
static void
test_forwards_to_many(void **state)
{
	struct fake *f = *state;

	signs_forwards(f);
	f->signer_hangs = true;
	commit(f, "both@example.org");
	fake_turns(f, 50);
	assert_int_equal(f->jobs, 0);
	f->signer_hangs = false;
	assert_true(fake_until(f, fake_empty));
	assert_int_equal(f->signs, 1);
	assert_int_equal(f->jobs, 2);
	assert_int_equal(f->signed_for_org, 2);
	f->signer_hangs = true;
	commit(f, "both@example.org both@example.net");
	fake_turns(f, 50);
	assert_int_equal(f->jobs, 2);
	f->signer_hangs = false;
	assert_true(fake_until(f, fake_empty));
	assert_int_equal(f->signs, 3);
	assert_int_equal(f->jobs, 6);
	assert_int_equal(f->signed_jobs, 6);
	assert_int_equal(f->signed_for_org, 4);
}

/* Deleted while it is with the signer: nothing is sent, and nothing is left. */
static void
test_forward_deleted(void **state)
{
	struct fake *f = *state;
	uint64_t id;

	signs_forwards(f);
	f->signer_hangs = true;
	id = commit(f, "both@example.org");
	fake_turns(f, 50);
	fake_order(f, QUEUE_ORDER_DELETE, id);
	f->signer_hangs = false;
	assert_true(fake_until(f, fake_empty));
	assert_int_equal(f->jobs, 0);
}

/* A signer that is not there is not waited for by each message. */
static void
test_forwards_without_signer(void **state)
{
	struct fake *f = *state;
	unsigned asked;

	signs_forwards(f);
	f->signer_down = true;
	commit(f, "both@example.org");
	assert_true(fake_until(f, fake_empty));
	assert_int_equal(f->sent, 2);
	asked = f->signs;
	f->signer_down = false;
	commit(f, "both@example.org");
	assert_true(fake_until(f, fake_empty));
	assert_int_equal(f->sent, 4);
	assert_int_equal(f->signs, asked);
	f->q->forwards_unsigned_until_ms = clock_mono_ms(); /* as if that was over */
	commit(f, "both@example.org");
	assert_true(fake_until(f, fake_empty));
	assert_int_equal(f->signs, asked + 1);
	assert_int_equal(f->signed_jobs, 2);
}

int
main(void)
{
#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, fake_teardown)
	const struct CMUnitTest tests[] = {
		TEST(test_sends),
		TEST(test_recipients_together),
		TEST(test_recipients_per_job),
		TEST(test_bounces),
		TEST(test_defers),
		TEST(test_refused),
		TEST(test_dead_and_back),
		TEST(test_recipients_of_dead_and_good),
		TEST(test_route_changes),
		TEST(test_too_old),
		TEST(test_smtp_client_dies),
		TEST(test_busy),
		TEST(test_flood),
		TEST(test_restart),
		TEST(test_orders),
		TEST(test_no_service),
		TEST(test_bad_answers),
		TEST(test_forwards_are_signed),
		TEST(test_forwards_to_many),
		TEST(test_forward_deleted),
		TEST(test_forwards_without_signer),
	};

	return cmocka_run_group_tests_name("qmgr/remote", tests, NULL, NULL);
}
