/* SPDX-License-Identifier: ISC */
/*
 * tests/unit/local-delivery/test_local.c - the whole daemon on a real mail root, with qmgr
 * played by the test at the other end of a channel; no master, no ledger, no jail.
 */
#include "delivery_bench.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/socket.h>

#include "daemon_private.h"
#include "local.h"

struct world {
	struct bench b;
	struct common_conf common;
	struct daemon_private p;
	struct daemon_spec spec;
	struct ipc_channel *theirs, *ours; /* qmgr's end, the daemon's end */
	unsigned answers, want;
	unsigned results[DELIVERY_STATUSES];
	char last_code[DELIVERY_CODE_MAX + 1];
	unsigned sync_answers, sync_failures;
	struct event *limit;
	struct world *next;
};

/* A daemon's parts have no end but its process': they stay reachable here. */
static struct world *worlds;

static void
on_close(void *ctx, struct ipc_channel *channel, int err)
{
	struct world *w = ctx;

	UNUSED(err);
	if (channel == w->ours)
		intake_peer_down(&w->p.d, channel);
	if (channel == w->ours)
		w->ours = NULL;
	else
		w->theirs = NULL;
}

/* The daemon's handlers get the struct daemon as ctx; its peer_down is called here. */
static void
on_daemon_close(void *ctx, struct ipc_channel *channel, int err)
{
	struct daemon *d = ctx;

	UNUSED(err);
	intake_peer_down(d, channel);
}

static void
too_long(evutil_socket_t fd, short what, void *arg)
{
	UNUSED(fd), UNUSED(what), UNUSED(arg);
	fail_msg("no answer within 20 seconds");
}

static void
connect_qmgr(struct world *w)
{
	int fds[2];

	assert_int_equal(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, fds), 0);
	w->theirs = ipc_channel_new(&(struct ipc_channel_spec){ .base = w->p.d.base,
		.fd = fds[0],
		.peer = SERVICE_LOCAL_DELIVERY,
		.ctx = w,
		.on_close = on_close });
	w->ours = ipc_channel_new(&(struct ipc_channel_spec){ .base = w->p.d.base,
		.fd = fds[1],
		.peer = SERVICE_QMGR,
		.routes = intake_routes,
		.nroutes = INTAKE_ROUTES,
		.ctx = &w->p.d,
		.on_close = on_daemon_close });
}

static int
setup(void **arg)
{
	struct world *w = xcalloc(1, sizeof(*w));
	const struct timeval limit = { 20, 0 };
	struct daemon *d = &w->p.d;

	w->b = bench_start();
	w->b.conf.open_folders = 16;
	w->common.hostname = "mx.example.test";
	d->spec = &w->spec;
	d->priv = &w->p;
	d->base = event_base_new();
	d->common = &w->common;
	d->conf = &w->b.conf;
	d->root_fd = w->b.root_fd;
	assert_int_equal(local_run(d), ERR_OK);
	connect_qmgr(w);
	w->limit = event_new(d->base, -1, 0, too_long, w);
	event_add(w->limit, &limit);
	w->next = worlds;
	worlds = w;
	*arg = w;
	return 0;
}

static int
teardown(void **arg)
{
	struct world *w = *arg;

	sys_fault_clear();
	local_stop(&w->p.d);
	ipc_channel_free(&w->theirs);
	if (w->ours != NULL)
		ipc_channel_free(&w->ours);
	event_free(w->limit);
	bench_end(&w->b);
	return 0;
}

static void
answered(struct world *w)
{
	if (++w->answers == w->want)
		event_base_loopbreak(w->p.d.base);
}

static void
on_result(void *arg, const struct ipc_answer *answer)
{
	struct world *w = arg;
	struct ipc_reader in = ipc_reader(answer->body);
	struct delivery_result result;

	if (answer->err == ERR_OK) {
		assert_int_equal(answer->type, DELIVERY_DELIVER_RESULT);
		assert_int_equal(delivery_result_decode(&in, &result), ERR_OK);
		w->results[result.status]++;
		bytes_to_str(result.code, w->last_code, sizeof(w->last_code));
	}
	answered(w);
}

static void
on_sync_result(void *arg, const struct ipc_answer *answer)
{
	struct world *w = arg;
	struct ipc_reader in = ipc_reader(answer->body);
	struct delivery_sync_result result;

	if (answer->err < 0)
		return; /* the channel went */
	assert_int_equal(delivery_sync_result_decode(&in, &result), ERR_OK);
	w->sync_answers++;
	w->sync_failures += result.status != DELIVERY_WRITTEN;
	answered(w);
}

static void
send_job(struct world *w, uint32_t n, const char *home, const char *account)
{
	struct delivery_item item = bench_item(BYTES_LITERAL(CONTENT));

	item.job.queue_id += n;
	item.job.home = bytes_from_str(home);
	item.job.account = bytes_from_str(account);
	if (n % 3 != 0) { /* both ways by turns */
		close(item.content_fd);
		item.content_fd = -1;
		item.job.content = content_inline(BYTES_LITERAL(CONTENT));
	}
	delivery_job_encode(ipc_compose(w->theirs), &item.job);
	ipc_request(w->theirs, item.content_fd < 0 ? DELIVERY_DELIVER : DELIVERY_DELIVER_FD,
		&item.content_fd, item.content_fd >= 0, 0, on_result, w);
}

static void
ask_sync(struct world *w)
{
	ipc_compose(w->theirs);
	ipc_request(w->theirs, DELIVERY_SYNC, NULL, 0, 0, on_sync_result, w);
}

static void
loop(struct world *w, unsigned want)
{
	w->answers = 0;
	w->want = want;
	event_base_dispatch(w->p.d.base);
	assert_int_equal(w->answers, want);
}

static void
many_jobs_and_a_sync(void **arg)
{
	struct world *w = *arg;

	for (uint32_t i = 0; i < 300; i++) /* more than one batch */
		send_job(w, i, i % 2 == 0 ? "d.test/u" : "d.test/v",
			i % 2 == 0 ? "u@d.test" : "v@d.test");
	loop(w, 300);
	assert_int_equal(w->results[DELIVERY_WRITTEN], 300);
	assert_int_equal(bench_count(&w->b, "d.test/u"), 150);
	assert_int_equal(bench_count(&w->b, "d.test/v"), 150);
	ask_sync(w);
	ask_sync(w);
	loop(w, 2);
	assert_int_equal(w->sync_answers, 2);
	assert_int_equal(w->sync_failures, 0);
}

static void
good_and_bad_ones_together(void **arg)
{
	struct world *w = *arg;

	send_job(w, 0, "d.test/u", "u@d.test");
	send_job(w, 1, "../outside", "x@d.test");
	send_job(w, 2, "d.test/u", "u@d.test");
	loop(w, 3);
	assert_int_equal(w->results[DELIVERY_WRITTEN], 2);
	assert_int_equal(w->results[DELIVERY_TEMPORARY], 1);
	assert_int_equal(bench_count(&w->b, "d.test/u"), 2);
}

static void
a_malformed_job_ends_the_channel(void **arg)
{
	struct world *w = *arg;
	struct delivery_item item = bench_item(BYTES_LITERAL(CONTENT));

	item.job.account = BYTES_LITERAL("u@d.test\r\nX: y");
	delivery_job_encode(ipc_compose(w->theirs), &item.job);
	ipc_request(w->theirs, DELIVERY_DELIVER_FD, &item.content_fd, 1, 0, on_result, w);
	w->ours = NULL; /* it frees itself */
	loop(w, 1);
	assert_int_equal(w->results[DELIVERY_WRITTEN], 0);
	assert_int_equal(bench_count(&w->b, "d.test/u"), 0);
}

/* qmgr dies with jobs and a SYNC under way: nothing is answered to nobody, and what was asked
 * for by then is done or not, but the next qmgr's repetition makes exactly one. */
static void
qmgr_goes_and_comes_again(void **arg)
{
	struct world *w = *arg;
	struct delivery_item item = bench_item(BYTES_LITERAL(CONTENT));

	send_job(w, 0, "d.test/u", "u@d.test");
	ask_sync(w);
	ipc_flush(w->theirs);
	event_base_loop(w->p.d.base, EVLOOP_NONBLOCK | EVLOOP_ONCE);
	w->want = 1000; /* what fails now is not counted */
	w->ours = NULL;
	ipc_channel_free(&w->theirs);
	for (int i = 0; i < 5; i++)
		event_base_loop(w->p.d.base, EVLOOP_NONBLOCK);
	connect_qmgr(w);
	item.job.flags = 0;
	delivery_job_encode(ipc_compose(w->theirs), &item.job);
	ipc_request(w->theirs, DELIVERY_DELIVER_FD, &item.content_fd, 1, 0, on_result, w);
	loop(w, 1);
	assert_string_equal(w->last_code, "2.0.0");
	assert_int_equal(bench_count(&w->b, "d.test/u"), 1);
}

static void
statistics_are_lines(void **arg)
{
	struct world *w = *arg;
	struct buf out = BUF_INIT;

	send_job(w, 0, "d.test/u", "u@d.test");
	loop(w, 1);
	intake_stats(&w->p.d, &out);
	assert_non_null(
		strstr(buf_str(&out), "relais_delivery_results_total{result=\"written\"} 1\n"));
	buf_free(&out);
}

#ifdef RELAIS_FAULTS
static void
a_failed_flush_is_told(void **arg)
{
	struct world *w = *arg;

	send_job(w, 0, "d.test/u", "u@d.test");
	loop(w, 1);
	sys_fault(SYS_SYNCFS, 1, EIO, false);
	ask_sync(w);
	loop(w, 1);
	assert_int_equal(w->sync_failures, 1);
	ask_sync(w); /* the next one is good again */
	loop(w, 1);
	assert_int_equal(w->sync_failures, 1);
}

static void
a_full_disk_keeps_mail_in_the_queue(void **arg)
{
	struct world *w = *arg;

	sys_fault(SYS_WRITE, 1, ENOSPC, true);
	send_job(w, 0, "d.test/u", "u@d.test");
	loop(w, 1);
	assert_int_equal(w->results[DELIVERY_TEMPORARY], 1);
	assert_string_equal(w->last_code, "4.3.1");
	sys_fault_clear();
	send_job(w, 0, "d.test/u", "u@d.test");
	loop(w, 1);
	assert_int_equal(bench_count(&w->b, "d.test/u"), 1);
}
#endif

#define IN_WORLD(test) cmocka_unit_test_setup_teardown(test, setup, teardown)

int
main(void)
{
	static const struct CMUnitTest tests[] = {
		IN_WORLD(many_jobs_and_a_sync),
		IN_WORLD(good_and_bad_ones_together),
		IN_WORLD(a_malformed_job_ends_the_channel),
		IN_WORLD(qmgr_goes_and_comes_again),
		IN_WORLD(statistics_are_lines),
#ifdef RELAIS_FAULTS
		IN_WORLD(a_failed_flush_is_told),
		IN_WORLD(a_full_disk_keeps_mail_in_the_queue),
#endif
	};

	return cmocka_run_group_tests_name("local-delivery/local", tests, NULL, NULL);
}
