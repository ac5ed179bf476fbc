/* SPDX-License-Identifier: ISC */
/*
 * tests/unit/session/test_quota.c - a session that reports its use without end, or never waits
 * for an answer, while ledger is away: what waits for ledger stays small, and nothing is lost.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "daemon_private.h"
#include "spawner_private.h"

#define A_LOT 20000

/* A link lives as long as its process, and so does what waits in it. */
const char *__lsan_default_suppressions(void);
const char *
__lsan_default_suppressions(void)
{
	return "leak:setup\nleak:on_quota_\nleak:quota_last_words\n";
}

struct fixture {
	struct daemon_private daemon;
	struct spawner_spec spec;
	struct spawner spawner;
	struct spawned session;
	int peer;
};

static int
setup(void **state)
{
	struct fixture *f = xcalloc(1, sizeof(*f));
	int fds[2];

	assert_int_equal(socketpair(AF_UNIX, SOCK_SEQPACKET, 0, fds), 0);
	f->daemon.d.base = event_base_new();
	f->daemon.d.priv = &f->daemon;
	f->spec.name = "test";
	f->spawner.daemon = &f->daemon.d;
	f->spawner.spec = &f->spec;
	TAILQ_INIT(&f->spawner.sessions);
	/* without a master nobody introduces it: all that is sent waits */
	f->spawner.ledger = daemon_link(&f->daemon.d, SERVICE_LEDGER, CONTROL_ANY, NULL, 0);
	f->session.spawner = &f->spawner;
	f->session.serial = 1;
	f->session.account = xstrdup("anna@example.org");
	f->session.channel = ipc_channel_new(&(struct ipc_channel_spec){
		.base = f->daemon.d.base, .fd = fds[0], .peer = SERVICE_SESSION });
	TAILQ_INSERT_TAIL(&f->spawner.sessions, &f->session, link);
	f->peer = fds[1];
	*state = f;
	return 0;
}

static int
teardown(void **state)
{
	struct fixture *f = *state;

	ipc_channel_free(&f->session.channel);
	close(f->peer);
	free(f->session.account);
	return 0;
}

static struct ipc_call
call_of(struct fixture *f, uint32_t id)
{
	return (struct ipc_call){ .channel = f->session.channel, .ctx = &f->session, .id = id };
}

static void
report(struct fixture *f, int64_t octets, int64_t messages)
{
	struct ipc_call call = call_of(f, 0);

	on_quota_add(&call, &(struct session_quota_add_msg){ octets, messages });
}

static void
test_reports_are_summed_up(void **state)
{
	struct fixture *f = *state;

	for (int i = 0; i < A_LOT; i++)
		report(f, 10, 1);
	assert_int_equal(link_backlog(f->spawner.ledger), 1);
	/* the first is under way */
	assert_int_equal(f->session.news.octets, 10 * (A_LOT - 1));
	assert_int_equal(f->session.news.messages, A_LOT - 1);
	quota_last_words(&f->session);
	assert_int_equal(link_backlog(f->spawner.ledger), 2);
	assert_false(f->session.news.due);
}

static void
test_a_count_replaces_reports(void **state)
{
	struct fixture *f = *state;
	struct ipc_call call = call_of(f, 0);

	for (int i = 0; i < 3; i++)
		report(f, 10, 1);
	on_quota_set(&call, &(struct session_quota_set_msg){ 1000, 7 });
	report(f, -10, -1);
	assert_true(f->session.news.recounted);
	assert_int_equal(f->session.news.octets, 990);
	assert_int_equal(f->session.news.messages, 6);
	report(f, INT64_MIN, INT64_MIN); /* no use is below nothing */
	assert_int_equal(f->session.news.octets, 0);
}

static void
test_sums_have_an_end(void **state)
{
	struct fixture *f = *state;

	for (int i = 0; i < 4; i++)
		report(f, INT64_MAX, INT64_MIN);
	assert_int_equal(f->session.news.octets, INT64_MAX);
	assert_int_equal(f->session.news.messages, -INT64_MAX);
}

static void
test_questions_have_an_end(void **state)
{
	struct fixture *f = *state;
	struct ipc_packet packet = { .data = BUF_INIT };
	struct ipc_frame frame;
	struct ipc_reader in;
	struct session_quota_msg m;

	for (uint32_t i = 1; i <= A_LOT; i++) {
		struct ipc_call call = call_of(f, i);

		report(f, 1, 1);
		on_quota_get(&call, NULL);
		if (i % 100 == 0) {
			ipc_flush(f->session.channel);
			while (ipc_blocking_receive(f->peer, &packet, &frame, 0) == ERR_OK) {
				in = ipc_reader(frame.body);
				assert_int_equal(session_quota_decode(&in, &m), ERR_OK);
				assert_int_equal(m.status, ERR_BUSY);
			}
		}
	}
	assert_true(link_backlog(f->spawner.ledger) < 10);
	buf_free(&packet.data);
}

#define ON(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		ON(test_reports_are_summed_up),
		ON(test_a_count_replaces_reports),
		ON(test_sums_have_an_end),
		ON(test_questions_have_an_end),
	};

	return cmocka_run_group_tests_name("session/quota", tests, NULL, NULL);
}
