/* SPDX-License-Identifier: ISC */
/* tests/unit/qmgr/fake.c - the world around qmgr, in one process: its start and end, and time. */
#include "fake_private.h"

#include <fcntl.h>
#include <stdlib.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "clock.h"
#include "sys.h"

struct fake *world;

/* ---- start and stop ---- */

void
fake_make(struct fake *f)
{
	memset(f, 0, sizeof(*f));
	snprintf(f->path, sizeof(f->path), "/tmp/relais-test-XXXXXX");
	assert_non_null(mkdtemp(f->path));
	f->root_fd = open(f->path, O_PATH | O_DIRECTORY | O_CLOEXEC);
	assert_int_equal(mkdirat(f->root_fd, "queue", 0700), 0);
	assert_int_equal(mkdirat(f->root_fd, "mail", 0700), 0);
	f->mail_fd = openat(f->root_fd, "mail", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	f->conf = (struct qmgr_conf){ .segment_size = 1 << 20,
		.segments = 4,
		.memory_limit = 64 << 20,
		.minimal_backoff = 1000,
		.maximal_backoff = 1000,
		.queue_lifetime = 100000,
		.bounce_size_limit = 50000,
		.double_bounce_to = "",
		.destination_concurrency = 5,
		.destination_concurrency_max = 20,
		.destination_recipients = 50,
		.destination_retry = 1000,
		.outbound_jobs = 1000 };
	f->common.hostname = "mx.example.org";
	f->ids.instance = 7;
	f->key.id = 1;
	f->lent_fd = -1;
	world = f;
}

static void
on_door_closed(void *ctx, struct ipc_channel *channel, int err)
{
	struct fake *f = ctx;

	if (channel == f->door)
		f->door = NULL;
	else if (channel == f->users_door)
		f->users_door = NULL;
	else
		f->operator_door = NULL;
}

static struct ipc_channel *
make_door(struct fake *f, enum service service, struct ipc_channel **qmgr_side)
{
	int pair[2];

	assert_int_equal(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair), 0);
	*qmgr_side = ipc_channel_new(&(struct ipc_channel_spec){ .base = f->d.base,
		.fd = pair[1],
		.peer = service,
		.routes = qmgr_spec.routes,
		.nroutes = qmgr_spec.nroutes,
		.ctx = &f->d });
	return ipc_channel_new(&(struct ipc_channel_spec){ .base = f->d.base,
		.fd = pair[0],
		.peer = SERVICE_QMGR,
		.ctx = f,
		.on_close = on_door_closed });
}

void
fake_start(struct fake *f)
{
	memset(&f->d, 0, sizeof(f->d));
	f->d.spec = &qmgr_spec;
	f->d.base = event_base_new();
	f->d.conf = &f->conf;
	f->d.common = &f->common;
	f->d.mailauth = &f->mailauth;
	f->d.root_fd = openat(f->root_fd, "queue", O_PATH | O_DIRECTORY | O_CLOEXEC);
	f->d.instances[SERVICE_LOCAL_DELIVERY] = 2;
	f->d.instances[SERVICE_SMTP_CLIENT] = 2;
	assert_int_equal(qmgr_spec.run(&f->d), ERR_OK);
	f->q = f->d.ctx;
	f->door = make_door(f, SERVICE_SMTPD, &f->qmgr_side);
	f->users_door = make_door(f, SERVICE_SUBMISSION, &f->users_side);
	f->operator_door = make_door(f, SERVICE_CLI, &f->operator_side);
}

static void
free_syncer(struct syncer *s)
{
	for (unsigned i = 0; i < s->n; i++) {
		buf_free(&s->outlets[i].link->compose);
		free(s->outlets[i].link);
	}
	free(s->outlets);
	event_free(s->timer);
	event_free(s->gather);
}

void
fake_stop(struct fake *f)
{
	struct qmgr *q = f->q;
	struct message *m;
	struct event *events[] = { q->flush_turn, q->lazy, q->pace, q->run, q->due, q->move_timer,
		q->move_again, q->draining, q->lent_timer };

	ipc_channel_free(&f->door);
	ipc_channel_free(&f->users_door);
	ipc_channel_free(&f->operator_door);
	operator_peer_down(q, f->operator_side);
	intake_peer_down(q, f->qmgr_side);
	intake_peer_down(q, f->users_side);
	lent_peer_down(q, f->qmgr_side);
	ipc_channel_free(&f->qmgr_side);
	ipc_channel_free(&f->users_side);
	ipc_channel_free(&f->operator_side);
	f->d.draining = true;
	f->finished = false;
	qmgr_spec.drain(&f->d);
	while (!f->finished)
		event_base_loop(f->d.base, EVLOOP_ONCE);
	events[7] = q->draining;
	qmgr_spec.stop(&f->d);
	while ((m = TAILQ_FIRST(&q->loaded)) != NULL) {
		m->jobs = 0;
		message_free(q, m);
	}
	index_free(&q->index);
	journal_close(&q->journal);
	folders_close(&q->folders);
	free_syncer(&q->local);
	free_syncer(&q->system);
	for (unsigned i = 0; i < q->remote.n; i++) {
		buf_free(&q->remote.links[i]->compose);
		free(q->remote.links[i]);
	}
	free(q->remote.links);
	resolve_cache_clear(q->resolved);
	free(q->resolved);
	buf_free(&q->directory->compose);
	free(q->directory);
	buf_free(&q->ledger->compose);
	free(q->ledger);
	if (q->signer != NULL)
		buf_free(&q->signer->compose);
	free(q->signer);
	buf_free(&q->stash);
	free(q->fresh.ids);
	free(q->retried.ids);
	for (size_t i = 0; i < NITEMS(events); i++)
		if (events[i] != NULL)
			event_free(events[i]);
	free(q);
	f->q = NULL;
	event_base_free(f->d.base);
	close(f->d.root_fd);
}

void
fake_remove(struct fake *f)
{
	char command[128];

	close(f->mail_fd);
	close(f->root_fd);
	snprintf(command, sizeof(command), "rm -rf %s", f->path);
	assert_int_equal(system(command), 0); /* NOLINT: a path of our own making */
}

/* ---- waiting ---- */

static void
on_tick(evutil_socket_t fd, short what, void *arg)
{
}

bool
fake_until(struct fake *f, bool (*done)(struct fake *f))
{
	const uint64_t end = clock_mono_us() + 10 * UINT64_C(1000000);
	const struct timeval tick = { 0, 2000 };

	while (!done(f)) {
		if (clock_mono_us() > end)
			return false;
		event_base_once(f->d.base, -1, EV_TIMEOUT, on_tick, NULL, &tick);
		event_base_loop(f->d.base, EVLOOP_ONCE);
	}
	return true;
}

void
fake_turns(struct fake *f, unsigned ms)
{
	const uint64_t end = clock_mono_us() + ms * UINT64_C(1000);
	const struct timeval tick = { 0, 2000 };

	while (clock_mono_us() < end) {
		event_base_once(f->d.base, -1, EV_TIMEOUT, on_tick, NULL, &tick);
		event_base_loop(f->d.base, EVLOOP_ONCE);
	}
}

bool
fake_answered(struct fake *f)
{
	const struct qmgr *q = f->q;

	return TAILQ_EMPTY(&q->parked) && TAILQ_EMPTY(&q->gathered) && TAILQ_EMPTY(&q->flying) &&
	       TAILQ_EMPTY(&q->storing) && f->answers == f->asked;
}

bool
fake_empty(struct fake *f)
{
	return fake_answered(f) && f->q->index.live == 0;
}

bool
fake_quiet(struct fake *f)
{
	return f->q->active_rcpts == 0 && f->q->remote.rcpts == 0 && f->q->fresh.n == 0 &&
	       f->q->retried.n == 0;
}

/* ---- of a test ---- */

struct fake *
fake_new(void)
{
	struct fake *f = xcalloc(1, sizeof(*f));

	log_open(open("/dev/null", O_WRONLY | O_CLOEXEC), "qmgr", "mx", LOG_LEVEL_INFO);
	fake_make(f);
	return f;
}

int
fake_setup(void **state)
{
	struct fake *f = fake_new();

	fake_start(f);
	*state = f;
	return 0;
}

int
fake_setup_sender(void **state)
{
	struct fake *f = fake_new();

	f->login = FAKE_SENDER;
	f->conf.bounce_size_limit = 1 << 20;
	fake_start(f);
	*state = f;
	return 0;
}

int
fake_teardown(void **state)
{
	struct fake *f = *state;

	sys_fault_clear();
	fake_stop(f);
	fake_remove(f);
	free(f);
	return 0;
}

struct buf
fake_content(size_t size)
{
	struct buf b = BUF_INIT;

	buf_put_str(&b, "Subject: large\r\n\r\n");
	while (b.len < size)
		buf_printf(&b, "line at %zu with some text to fill it up\r\n", b.len);
	return b;
}

void
fake_order(struct fake *f, enum queue_order_verb verb, uint64_t id)
{
	struct queue_order m = { .verb = verb, .queue_id = id };
	struct ipc_call call = { .channel = f->qmgr_side, .ctx = &f->d, .id = 0 };

	operator_order(&call, &m);
}
