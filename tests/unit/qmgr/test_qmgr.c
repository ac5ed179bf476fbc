/* SPDX-License-Identifier: ISC */
/* tests/unit/qmgr/test_qmgr.c - the queue manager whole, with a fake world around it. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "clock.h"
#include "err.h"
#include "fake.h"
#include "sys.h"

static const char small[] = "Subject: hello\r\n\r\nBody.\r\n";

static int
setup(void **state)
{
	struct fake *f = xcalloc(1, sizeof(*f));

	log_open(open("/dev/null", O_WRONLY | O_CLOEXEC), "qmgr", "mx", LOG_LEVEL_INFO);
	fake_make(f);
	fake_start(f);
	*state = f;
	return 0;
}

static int
teardown(void **state)
{
	struct fake *f = *state;

	sys_fault_clear();
	fake_stop(f);
	fake_remove(f);
	free(f);
	return 0;
}

static unsigned
count_files(struct fake *f, const char *folder)
{
	char path[256];
	unsigned n = 0;
	struct dirent *e;
	DIR *dir;

	snprintf(path, sizeof(path), "%s/%s", f->path, folder);
	dir = opendir(path);
	assert_non_null(dir);
	while ((e = readdir(dir)) != NULL)
		if (e->d_name[0] != '.')
			n++;
	closedir(dir);
	return n;
}

static unsigned
message_files(struct fake *f)
{
	char folder[64];
	unsigned n = 0;

	for (unsigned i = 0; i < FILES_FOLDERS; i++) {
		snprintf(folder, sizeof(folder), "queue/message/%02x", i);
		n += count_files(f, folder);
	}
	return n;
}

static struct buf
make_content(size_t size)
{
	struct buf b = BUF_INIT;

	buf_put_str(&b, "Subject: large\r\n\r\n");
	while (b.len < size)
		buf_printf(&b, "line at %zu with some text to fill it up\r\n", b.len);
	return b;
}

static bool
all_synced(struct fake *f)
{
	return fake_empty(f);
}

static void
test_delivers(void **state)
{
	struct fake *f = *state;
	struct buf got = BUF_INIT;
	uint64_t id = fake_commit(f, "user@example.org", bytes_from_str(small));

	assert_true(fake_until(f, fake_answered));
	assert_int_equal(f->accepted, 1);
	assert_true(fake_until(f, all_synced));
	assert_true(fake_delivered(f, id, 0, "user@example.org", &got) > 0);
	assert_true(bytes_starts_with(buf_bytes(&got), BYTES_LITERAL("Received: from ")));
	assert_true(bytes_search(buf_bytes(&got), BYTES_LITERAL("\r\nSubject: hello\r\n")) !=
		    BYTES_NOT_FOUND);
	assert_int_equal(f->deliveries, 1);
	assert_int_equal(f->syncs, 1);
	assert_int_equal(f->q->stats.delivered, 1);
	assert_int_equal(f->q->n_loaded, 0);
	assert_int_equal(f->q->memory, 0);
	buf_free(&got);
}

static void
test_many_share_a_flush(void **state)
{
	struct fake *f = *state;

	for (int i = 0; i < 200; i++)
		fake_commit(f, "user@example.org", bytes_from_str(small));
	assert_true(fake_until(f, all_synced));
	assert_int_equal(f->accepted, 200);
	assert_true(f->q->stats.flushes < 60);
	assert_int_equal(f->deliveries, 200);
	assert_int_equal(f->repeated, 0);
}

/* The same mailbox many times: directory is asked once a second. */
static void
test_resolves_are_kept_a_second(void **state)
{
	struct fake *f = *state;

	fake_commit(f, "user@example.org", bytes_from_str(small));
	assert_true(fake_until(f, all_synced));
	for (int i = 0; i < 20; i++)
		fake_commit(f, "user@example.org", bytes_from_str(small));
	assert_true(fake_until(f, all_synced));
	assert_int_equal(f->resolves, 1);
	fake_turns(f, 1100);
	fake_commit(f, "user@example.org", bytes_from_str(small));
	assert_true(fake_until(f, all_synced));
	assert_int_equal(f->resolves, 2);
	assert_int_equal(f->deliveries, 22);
}

static void
test_journal_goes_round(void **state)
{
	struct fake *f = *state;
	struct buf content = make_content(20000);

	/* 4 segments of 1 MiB, 20 MiB of mail */
	for (int round = 0; round < 50; round++) {
		for (int i = 0; i < 20; i++)
			fake_commit(f, "user@example.org", buf_bytes(&content));
		assert_true(fake_until(f, all_synced));
	}
	assert_int_equal(f->accepted, 1000);
	assert_int_equal(f->deliveries, 1000);
	assert_true(f->q->journal.n_segments <= 4);
	buf_free(&content);
}

static void
test_large_is_lent_a_file(void **state)
{
	struct fake *f = *state;
	struct buf content = make_content(300000), got = BUF_INIT;
	uint64_t id = fake_commit_lent(f, "user@example.org", buf_bytes(&content));

	assert_true(fake_until(f, fake_answered));
	assert_int_equal(f->accepted, 1);
	assert_true(fake_until(f, all_synced));
	assert_true(fake_delivered(f, id, 0, "user@example.org", &got) > 300000);
	assert_true(bytes_equal(
		bytes_skip(buf_bytes(&got), got.len - content.len), buf_bytes(&content)));
	fake_turns(f, 50);
	assert_int_equal(message_files(f), 0);
	buf_free(&content);
	buf_free(&got);
}

/* A door that was taken over keeps a way to write into the file, and uses it after the 250. */
static void
test_lent_file_kept_by_the_door(void **state)
{
	struct fake *f = *state;
	struct buf content = make_content(300000), got = BUF_INIT;
	uint64_t id;
	void *map;

	f->keep_lent = true;
	f->full_is_ok = false;
	id = fake_commit_lent(f, "full@example.org", buf_bytes(&content));
	assert_true(fake_until(f, fake_answered));
	assert_int_equal(f->accepted, 1);
	assert_int_equal(pwrite(f->kept_fd, "X", 1, (off_t)f->lent_offset + 1000), 1);
	close(f->kept_fd);
	f->full_is_ok = true;
	assert_true(fake_until(f, all_synced));
	assert_true(fake_delivered(f, id, 0, "full@example.org", &got) > 300000);
	assert_true(bytes_equal(
		bytes_skip(buf_bytes(&got), got.len - content.len), buf_bytes(&content)));
	assert_int_equal(f->q->stats.corrupt, 0);
	/* the same by a mapping, the descriptor being closed */
	id = fake_commit_lent(f, "user@example.org", buf_bytes(&content));
	map = mmap(NULL, 65536, PROT_READ | PROT_WRITE, MAP_SHARED, f->kept_fd, 0);
	assert_true(map != MAP_FAILED);
	close(f->kept_fd);
	assert_true(fake_until(f, fake_answered));
	((char *)map)[f->lent_offset + 1000] = 'X';
	assert_true(fake_until(f, all_synced));
	munmap(map, 65536);
	buf_clear(&got);
	assert_true(fake_delivered(f, id, 0, "user@example.org", &got) > 300000);
	assert_true(bytes_equal(
		bytes_skip(buf_bytes(&got), got.len - content.len), buf_bytes(&content)));
	assert_int_equal(count_files(f, "queue/lent"), 0);
	buf_free(&content);
	buf_free(&got);
}

/* Files that were lent and never committed go: when nobody has them, when the door has gone,
 * at the next start. */
static void
test_lent_files_are_swept(void **state)
{
	struct fake *f = *state;
	int fds[3];

	for (size_t i = 0; i < NITEMS(fds); i++)
		fds[i] = fake_lend(f);
	assert_int_equal(count_files(f, "queue/lent"), 3);
	close(fds[0]);
	lent_sweep(f->q, 0);
	assert_int_equal(count_files(f, "queue/lent"), 2);
	lent_sweep(f->q, 60000000);
	assert_int_equal(count_files(f, "queue/lent"), 2);
	lent_peer_down(f->q, f->qmgr_side);
	assert_int_equal(count_files(f, "queue/lent"), 0);
	assert_true(write(fds[1], "x", 1) == 1);
	close(fds[1]);
	close(fds[2]);
	assert_int_equal(mknodat(f->root_fd, "queue/lent/7", S_IFREG | 0600, 0), 0);
	fake_stop(f);
	fake_start(f);
	assert_int_equal(count_files(f, "queue/lent"), 0);
}

static void
test_retries(void **state)
{
	struct fake *f = *state;

	fake_commit(f, "full@example.org user@example.org", bytes_from_str(small));
	assert_true(fake_until(f, fake_answered));
	fake_turns(f, 200);
	assert_int_equal(f->q->index.live, 1);
	assert_true(f->q->stats.deferrals >= 1);
	assert_int_equal(f->q->stats.delivered, 1);
	f->full_is_ok = true;
	assert_true(fake_until(f, all_synced));
	assert_int_equal(f->deliveries, 2);
	assert_int_equal(f->repeated, 0);
}

static void
test_gives_up(void **state)
{
	struct fake *f = *state;

	f->conf.queue_lifetime = 0;
	f->q->backoff.lifetime_s = 0;
	fake_commit(f, "full@example.org", bytes_from_str(small));
	assert_true(fake_until(f, all_synced));
	assert_int_equal(f->q->stats.expired, 1);
	assert_int_equal(f->q->stats.bounced, 1);
}

static void
test_fails_for_good(void **state)
{
	struct fake *f = *state;

	fake_commit(f, "unknown@example.org bad@example.org user@example.org none@example.org",
		bytes_from_str(small));
	assert_true(fake_until(f, all_synced));
	assert_int_equal(f->q->stats.bounced, 2);
	assert_int_equal(f->q->stats.delivered, 2);
}

/* What submission commits is the login's own by directory's word, or it is refused. */
static void
test_tickets(void **state)
{
	struct fake *f = *state;
	const char *login = "alice@example.org";
	struct send_ticket_key other = { .id = 1, .key = { 7 } };
	const uint64_t id = queue_id_make(&f->ids, clock_wall_us());
	const struct bytes path = BYTES_LITERAL("sender@example.net");
	const struct {
		const char *label;
		struct send_ticket t;
		const struct send_ticket_key *key;
		uint64_t at_s;
		int err;
	} rows[] = {
		{ "another login's", { BYTES_LITERAL("bob@example.org"), id, path }, &f->key,
			now_s(), ERR_DENIED },
		{ "another reverse-path", { bytes_from_str(login), id, BYTES_LITERAL("b@c") },
			&f->key, now_s(), ERR_DENIED },
		{ "another id", { bytes_from_str(login), id + 1, path }, &f->key, now_s(),
			ERR_DENIED },
		{ "another key", { bytes_from_str(login), id, path }, &other, now_s(), ERR_DENIED },
		{ "too old", { bytes_from_str(login), id, path }, &f->key,
			now_s() - SEND_TICKET_LIFE_S - 10, ERR_BUSY },
	};
	struct buf ticket = BUF_INIT;

	f->login = login;
	for (size_t i = 0; i < NITEMS(rows); i++) {
		buf_clear(&ticket);
		send_ticket_make(rows[i].key, &rows[i].t, rows[i].at_s, &ticket);
		f->ticket = buf_bytes(&ticket);
		fake_commit_at(f, id, "user@example.org", bytes_from_str(small));
		assert_true(fake_until(f, fake_answered));
		assert_int_equal(f->last_err, rows[i].err);
		assert_int_equal(f->refused, i + 1);
	}
	assert_int_equal(f->q->stats.forged, 4);
	f->ticket = BYTES_NONE;
	fake_commit_at(f, id, "user@example.org", bytes_from_str(small));
	assert_true(fake_until(f, all_synced));
	assert_int_equal(f->deliveries, 1);
	fake_commit_at(f, id, "user@example.org", bytes_from_str(small)); /* the same once more */
	assert_true(fake_until(f, fake_answered));
	assert_int_equal(f->last_err, ERR_DENIED);
	f->ticket = BYTES_LITERAL("not a ticket");
	fake_commit(f, "user@example.org", bytes_from_str(small));
	assert_true(fake_until(f, fake_answered));
	assert_int_equal(f->last_err, ERR_DENIED);
	f->ticket = BYTES_NONE;
	f->key.id++; /* directory restarted, qmgr has not heard of it yet: 4yz, and it asks */
	fake_commit(f, "user@example.org", bytes_from_str(small));
	assert_true(fake_until(f, fake_answered));
	assert_int_equal(f->last_err, ERR_BUSY);
	fake_directory_restarts(f);
	fake_turns(f, 20);
	fake_commit(f, "user@example.org", bytes_from_str(small));
	assert_true(fake_until(f, fake_answered));
	assert_int_equal(f->accepted, 2);
	buf_free(&ticket);
}

static void
test_alias(void **state)
{
	struct fake *f = *state;
	uint64_t id = fake_commit(f, "all@example.org", bytes_from_str(small));

	assert_true(fake_until(f, fake_answered));
	fake_turns(f, 200);
	assert_true(fake_delivered(f, id, 1, "a@example.org", NULL) > 0);
	assert_true(fake_delivered(f, id, 2, "b@example.org", NULL) > 0);
	assert_int_equal(f->q->index.live, 1);
	f->full_is_ok = true;
	assert_true(fake_until(f, all_synced));
	assert_true(fake_delivered(f, id, 3, "full@example.org", NULL) > 0);
	/* those that had it did not get it again */
	assert_int_equal(f->deliveries, 3);
}

/* Between two attempts the alias loses who has the message and the one that has not; nobody
 * gets it twice, and who is left out is not bounced. */
static void
test_alias_changes_between_attempts(void **state)
{
	struct fake *f = *state;

	fake_commit(f, "all@example.org", bytes_from_str(small));
	assert_true(fake_until(f, fake_answered));
	fake_turns(f, 200);
	assert_int_equal(f->deliveries, 2);
	f->full_leads_to = "a@example.org b@example.org";
	assert_true(fake_until(f, all_synced));
	assert_int_equal(f->deliveries, 2);
	assert_int_equal(f->q->stats.bounced, 0);
	f->full_leads_to = NULL;
	fake_commit(f, "all@example.org", bytes_from_str(small));
	assert_true(fake_until(f, fake_answered));
	fake_turns(f, 200);
	assert_int_equal(f->deliveries, 4);
	f->full_leads_to = "a@example.org c@example.org d@example.org";
	assert_true(fake_until(f, all_synced));
	assert_int_equal(f->deliveries, 6);
	assert_int_equal(f->repeated, 0);
}

/* A member whom the sender named, too, has one copy; so has a member of two aliases. */
static void
test_alias_and_member(void **state)
{
	struct fake *f = *state;

	f->full_is_ok = true;
	fake_commit(f, "A@example.org all@example.org all@example.net", bytes_from_str(small));
	assert_true(fake_until(f, all_synced));
	assert_int_equal(f->deliveries, 3);
}

static void
test_alias_by_pages(void **state)
{
	struct fake *f = *state;

	f->page = 1;
	f->full_is_ok = true;
	fake_commit(f, "all@example.org", bytes_from_str(small));
	assert_true(fake_until(f, all_synced));
	assert_int_equal(f->deliveries, 3);
}

static void
test_alias_survives_restart(void **state)
{
	struct fake *f = *state;

	fake_commit(f, "all@example.org", bytes_from_str(small));
	assert_true(fake_until(f, fake_answered));
	fake_turns(f, 200);
	fake_stop(f);
	fake_start(f);
	assert_int_equal(f->q->index.live, 1);
	assert_int_equal(message_files(f), 1);
	f->full_is_ok = true;
	assert_true(fake_until(f, all_synced));
	assert_int_equal(f->deliveries, 3);
	assert_int_equal(f->repeated, 0);
	fake_stop(f);
	fake_start(f);
	assert_int_equal(f->q->index.live, 0);
}

static void
test_lost_deliverer(void **state)
{
	struct fake *f = *state;

	fake_commit(f, "lost@example.org", bytes_from_str(small));
	assert_true(fake_until(f, all_synced));
	assert_int_equal(f->deliveries, 2);
	assert_int_equal(f->repeated, 1);
}

static void
test_lost_directory(void **state)
{
	struct fake *f = *state;

	f->directory_down = true;
	fake_commit(f, "user@example.org", bytes_from_str(small));
	assert_true(fake_until(f, fake_answered));
	fake_turns(f, 100);
	assert_int_equal(f->q->index.live, 1);
	f->directory_down = false;
	assert_true(fake_until(f, all_synced));
	assert_int_equal(f->deliveries, 1);
}

static void
test_failed_sync(void **state)
{
	struct fake *f = *state;

	f->sync_fails = true;
	fake_commit(f, "user@example.org", bytes_from_str(small));
	assert_true(fake_until(f, fake_answered));
	fake_turns(f, 300);
	assert_int_equal(f->q->stats.delivered, 0);
	f->sync_fails = false;
	assert_true(fake_until(f, all_synced));
	assert_int_equal(f->q->stats.delivered, 1);
	assert_true(f->repeated > 0);
}

static void
test_duplicate_id(void **state)
{
	struct fake *f = *state;

	fake_commit(f, "user@example.org", bytes_from_str(small));
	f->ids.last_us--; /* the same again */
	f->ids.last_us =
		queue_id_time_us(fake_commit(f, "user@example.org", bytes_from_str(small)));
	assert_true(fake_until(f, all_synced));
	assert_int_equal(f->accepted, 2);
}

static uint64_t
order(struct fake *f, enum queue_order_verb verb, uint64_t id)
{
	struct queue_order m = { .verb = verb, .queue_id = id };
	struct ipc_call call = { .channel = f->qmgr_side, .ctx = &f->d, .id = 0 };

	operator_order(&call, &m);
	return 0;
}

static void
test_hold_and_release(void **state)
{
	struct fake *f = *state;
	uint64_t id = fake_commit(f, "full@example.org", bytes_from_str(small));

	assert_true(fake_until(f, fake_answered));
	fake_turns(f, 100);
	order(f, QUEUE_ORDER_HOLD, id);
	f->full_is_ok = true;
	fake_turns(f, 1300);
	assert_int_equal(f->q->index.live, 1);
	fake_stop(f);
	fake_start(f);
	fake_turns(f, 100);
	assert_int_equal(f->q->index.live, 1);
	assert_int_equal(index_find(&f->q->index, id)->state, ENTRY_HELD);
	order(f, QUEUE_ORDER_FLUSH, id); /* refused: held */
	fake_turns(f, 100);
	assert_int_equal(f->q->index.live, 1);
	order(f, QUEUE_ORDER_RELEASE, 0);
	assert_true(fake_until(f, all_synced));
	assert_int_equal(f->deliveries, 1);
}

static bool
is_told(struct fake *f)
{
	return f->told > 0;
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
	his = fake_commit(f, "full@example.org", bytes_from_str(small));
	f->login = "alice@example.org";
	other = fake_commit(f, "full@example.org", bytes_from_str(small));
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
	assert_true(fake_until(f, all_synced));
}

/* Only what the login sent; the others stay. */
static void
test_delete_of_a_login(void **state)
{
	struct fake *f = *state;
	const struct queue_order m = { .verb = QUEUE_ORDER_DELETE,
		.filter.login = BYTES_LITERAL("mallory@example.org") };
	struct ipc_call call = { .channel = f->qmgr_side, .ctx = &f->d };
	uint64_t other;

	f->login = "mallory@example.org";
	fake_commit(f, "full@example.org", bytes_from_str(small));
	fake_commit(f, "full@example.org", bytes_from_str(small));
	f->login = "";
	other = fake_commit(f, "full@example.org", bytes_from_str(small));
	assert_true(fake_until(f, fake_answered));
	fake_turns(f, 100);
	operator_order(&call, &m);
	fake_turns(f, 50);
	assert_int_equal(f->q->index.live, 1);
	assert_non_null(index_find(&f->q->index, other));
}

static void
test_flush_now(void **state)
{
	struct fake *f = *state;
	uint64_t id;

	f->q->backoff.min_s = f->q->backoff.max_s = 1000;
	id = fake_commit(f, "full@example.org", bytes_from_str(small));
	assert_true(fake_until(f, fake_answered));
	fake_turns(f, 100);
	f->full_is_ok = true;
	order(f, QUEUE_ORDER_FLUSH, id);
	assert_true(fake_until(f, all_synced));
}

static void
test_delete(void **state)
{
	struct fake *f = *state;
	uint64_t id = fake_commit(f, "full@example.org", bytes_from_str(small));

	assert_true(fake_until(f, fake_answered));
	fake_turns(f, 100);
	order(f, QUEUE_ORDER_DELETE, id);
	assert_int_equal(f->q->index.live, 0);
	fake_stop(f);
	fake_start(f);
	assert_int_equal(f->q->index.live, 0);
}

/* An alias is looked up anew: who has the message does not get it again, the others do, also when
 * the power is cut before they have it. */
static void
test_requeue(void **state)
{
	struct fake *f = *state;
	uint64_t id = fake_commit(f, "all@example.org", bytes_from_str(small));

	f->q->backoff.min_s = f->q->backoff.max_s = 1000;
	assert_true(fake_until(f, fake_answered));
	fake_turns(f, 200);
	assert_int_equal(f->deliveries, 2);
	order(f, QUEUE_ORDER_REQUEUE, id);
	fake_turns(f, 200);
	assert_int_equal(f->deliveries, 2);
	assert_int_equal(index_find(&f->q->index, id)->rcpts_left, 1);
	fake_stop(f);
	fake_start(f); /* from its file: the same state */
	order(f, QUEUE_ORDER_HOLD, id);
	order(f, QUEUE_ORDER_REQUEUE, id); /* refused: held */
	f->full_is_ok = true;
	order(f, QUEUE_ORDER_RETRY, id);
	assert_true(fake_until(f, all_synced));
	assert_int_equal(f->deliveries, 3);
	assert_int_equal(f->repeated, 0);
	assert_true(fake_delivered(f, id, 4, "full@example.org", NULL) > 0);
	fake_stop(f);
	fake_start(f);
	assert_int_equal(f->q->index.live, 0);
}

static bool
one_deferred(struct fake *f)
{
	return f->q->stats.deferrals == 1;
}

/* What is with a deliverer goes its way, the rest comes back. */
static void
test_bounce(void **state)
{
	struct fake *f = *state;
	uint64_t id;

	f->q->backoff.min_s = f->q->backoff.max_s = 1000;
	id = fake_commit(f, "user@example.org full@example.org", bytes_from_str(small));
	assert_true(fake_until(f, one_deferred)); /* the other one's is not synced yet */
	order(f, QUEUE_ORDER_BOUNCE, id);
	assert_int_equal(f->q->stats.bounced, 1);
	assert_true(fake_until(f, all_synced));
	assert_int_equal(f->q->stats.delivered, 1);
	assert_int_equal(f->q->index.live, 0);
}

/* A page at a time, by what qmgr says; each message once, each recipient once. */
static void
test_orders_of_a_filter(void **state)
{
	struct fake *f = *state;
	struct queue_order m = { .verb = QUEUE_ORDER_HOLD,
		.filter.recipient = BYTES_LITERAL("full@example.org") };
	struct ipc_call call = { .channel = f->qmgr_side, .ctx = &f->d };

	f->q->backoff.min_s = f->q->backoff.max_s = 1000;
	for (unsigned i = 0; i < 20; i++)
		fake_commit(
			f, i % 2 ? "full@example.org" : "full@example.net", bytes_from_str(small));
	assert_true(fake_until(f, fake_answered));
	fake_turns(f, 200);
	operator_order(&call, &m);
	fake_turns(f, 50);
	assert_int_equal(f->q->index.counts[ENTRY_HELD], 10);
	fake_stop(f);
	fake_start(f); /* nobody has read the files yet */
	m.verb = QUEUE_ORDER_DELETE;
	operator_order(&call, &m);
	fake_turns(f, 50);
	assert_int_equal(f->q->index.live, 10);
	m.filter = (struct queue_filter){ .domain = BYTES_LITERAL("example.net") };
	operator_order(&call, &m);
	fake_turns(f, 50);
	assert_int_equal(f->q->index.live, 0);
	assert_int_equal(f->q->index.domains.live, 0);
}

static bool
no_files(struct fake *f)
{
	return message_files(f) == 0;
}

/* Messages that wait and stand in the way become files; none is lost or doubled. */
static void
test_moves_out_of_the_journal(void **state)
{
	struct fake *f = *state;
	struct buf content = make_content(20000);

	for (int i = 0; i < 50; i++)
		fake_commit(f, "full@example.org", buf_bytes(&content));
	assert_true(fake_until(f, fake_answered));
	for (int round = 0; round < 20; round++) {
		for (int i = 0; i < 20; i++)
			fake_commit(f, "user@example.org", buf_bytes(&content));
		fake_turns(f, 150);
		assert_true(fake_until(f, fake_answered));
	}
	assert_int_equal(f->refused, 0);
	assert_true(f->q->stats.moved >= 50);
	fake_turns(f, 100);
	assert_true(message_files(f) >= 50);
	f->full_is_ok = true;
	assert_true(fake_until(f, all_synced));
	assert_int_equal(f->deliveries, 450);
	assert_int_equal(f->repeated, 0);
	assert_true(fake_until(f, no_files));
	buf_free(&content);
}

/* Content beyond the memory budget is dropped and read back. */
static void
test_memory_budget(void **state)
{
	struct fake *f = *state;
	struct buf content = make_content(20000);

	f->conf.memory_limit = 50000;
	for (int i = 0; i < 40; i++)
		fake_commit(f, "user@example.org", buf_bytes(&content));
	assert_true(fake_until(f, all_synced));
	assert_int_equal(f->deliveries, 40);
	assert_int_equal(f->q->memory, 0);
	buf_free(&content);
}

static void
test_restart_keeps_waiting(void **state)
{
	struct fake *f = *state;
	struct buf content = make_content(300000);
	uint64_t one = fake_commit(f, "full@example.org x@example.org", bytes_from_str(small));
	uint64_t two = fake_commit_lent(f, "full@example.org y@example.org", buf_bytes(&content));

	assert_true(fake_until(f, fake_answered));
	fake_turns(f, 200);
	for (int i = 0; i < 3; i++) {
		fake_stop(f);
		fake_start(f);
		assert_int_equal(f->q->index.live, 2);
		assert_int_equal(message_files(f), 2);
	}
	f->full_is_ok = true;
	assert_true(fake_until(f, all_synced));
	assert_true(fake_delivered(f, one, 0, "full@example.org", NULL) > 0);
	assert_true(fake_delivered(f, one, 1, "x@example.org", NULL) > 0);
	assert_true(fake_delivered(f, two, 0, "full@example.org", NULL) > 300000);
	assert_true(fake_delivered(f, two, 1, "y@example.org", NULL) > 300000);
	assert_int_equal(f->deliveries, 4);
	buf_free(&content);
}

static void
test_damaged_file_is_set_aside(void **state)
{
	struct fake *f = *state;
	char path[256], name[QUEUE_FILE_NAME_MAX];
	uint64_t id = fake_commit(f, "full@example.org", bytes_from_str(small));
	int fd;

	assert_true(fake_until(f, fake_answered));
	fake_turns(f, 200);
	fake_stop(f);
	fake_start(f); /* now it is a file */
	fake_stop(f);
	snprintf(path, sizeof(path), "%s/queue/message/%s", f->path, queue_file_name(id, name));
	fd = open(path, O_WRONLY);
	assert_true(fd >= 0);
	assert_int_equal(pwrite(fd, "XXXX", 4, 140), 4);
	close(fd);
	fake_start(f);
	assert_true(fake_until(f, all_synced));
	assert_int_equal(f->q->stats.corrupt, 1);
	assert_int_equal(count_files(f, "queue/corrupt"), 2);
}

/* The envelope is whole, the content is not what was written: nobody gets any of it. */
static void
test_damaged_content_is_not_delivered(void **state)
{
	struct fake *f = *state;
	char path[256], name[QUEUE_FILE_NAME_MAX];
	struct buf content = make_content(300000);
	const uint64_t ids[] = { fake_commit(f, "full@example.org", bytes_from_str(small)),
		fake_commit_lent(f, "full@example.org full@example.net", buf_bytes(&content)) };

	assert_true(fake_until(f, fake_answered));
	fake_turns(f, 200);
	fake_stop(f);
	fake_start(f); /* now both are files */
	fake_stop(f);
	for (size_t i = 0; i < NITEMS(ids); i++) {
		int fd;
		off_t size;

		snprintf(path, sizeof(path), "%s/queue/message/%s", f->path,
			queue_file_name(ids[i], name));
		fd = open(path, O_RDWR);
		assert_true(fd >= 0);
		size = i == 0 ? 330 : lseek(fd, 0, SEEK_END) - 1000;
		assert_int_equal(pwrite(fd, "X", 1, size), 1);
		close(fd);
	}
	f->full_is_ok = true;
	fake_start(f);
	assert_true(fake_until(f, all_synced));
	assert_int_equal(f->q->stats.corrupt, 2);
	assert_int_equal(f->deliveries, 0);
	assert_int_equal(count_files(f, "queue/corrupt"), 4);
	buf_free(&content);
}

/* What waits is not known at the start but for its name; the operator need not wait. */
static void
test_orders_before_the_files_are_read(void **state)
{
	struct fake *f = *state;
	uint64_t ids[4];

	for (size_t i = 0; i < NITEMS(ids); i++)
		ids[i] = fake_commit(f, "full@example.org", bytes_from_str(small));
	assert_true(fake_until(f, fake_answered));
	fake_turns(f, 200);
	fake_stop(f);
	fake_start(f); /* now they are files */
	fake_stop(f);
	f->full_is_ok = true;
	f->conf.minimal_backoff = f->conf.maximal_backoff = 1000 * 1000;
	fake_start(f);
	for (size_t i = 0; i < NITEMS(ids); i++)
		assert_true(index_find(&f->q->index, ids[i])->flags & ENTRY_UNREAD);
	order(f, QUEUE_ORDER_HOLD, ids[0]);
	order(f, QUEUE_ORDER_DELETE, ids[1]);
	order(f, QUEUE_ORDER_FLUSH, ids[2]);
	assert_int_equal(f->q->index.live, 3);
	assert_int_equal(index_find(&f->q->index, ids[0])->state, ENTRY_HELD);
	fake_turns(f, 1500);
	assert_int_equal(f->deliveries, 2);
	assert_int_equal(f->q->index.live, 1);
	order(f, QUEUE_ORDER_RELEASE, 0);
	assert_true(fake_until(f, all_synced));
	assert_int_equal(f->deliveries, 3);
}

#ifdef RELAIS_FAULTS
/* Every call of a kind fails once: the answer is a temporary error, and mail goes on. */
static void
test_failed_flush(void **state)
{
	struct fake *f = *state;
	const int errnums[] = { EIO, ENOSPC };

	for (size_t i = 0; i < NITEMS(errnums); i++) {
		f->asked = f->answers = f->accepted = f->refused = 0;
		sys_fault(SYS_FDATASYNC, 1, errnums[i], false);
		fake_commit(f, "user@example.org", bytes_from_str(small));
		assert_true(fake_until(f, fake_answered));
		assert_int_equal(f->refused, 1);
		assert_int_equal(f->last_err, i == 0 ? ERR_IO : ERR_NO_SPACE);
		fake_commit(f, "user@example.org", bytes_from_str(small));
		assert_true(fake_until(f, all_synced));
		assert_int_equal(f->accepted, 1);
		assert_int_equal(f->deliveries, i + 1);
	}
	fake_stop(f);
	fake_start(f);
	assert_int_equal(f->q->index.live, 0); /* nor does a refused one come back */
}

static bool
one_left(struct fake *f)
{
	return f->q->index.live == 1;
}

/* A disk that fails for long: the journal does not grow without end, what was confirmed
 * stays, and when the disk is well again so is the queue. */
static void
test_flushes_fail_for_long(void **state)
{
	struct fake *f = *state;

	fake_commit(f, "full@example.org", bytes_from_str(small));
	assert_true(fake_until(f, fake_answered));
	for (int round = 0; round < 3; round++) {
		sys_fault(SYS_FDATASYNC, 1, EIO, true);
		for (int i = 0; i < 40; i++) {
			fake_commit(f, "user@example.org", bytes_from_str(small));
			fake_turns(f, 10);
			assert_true(f->q->journal.n_segments <= 2 * f->conf.segments);
		}
		assert_true(fake_until(f, fake_answered));
		assert_int_equal(f->last_err, ERR_IO);
		assert_int_equal(f->accepted, round + 1);
		assert_int_equal(f->q->index.live, 1);
		sys_fault_clear();
		fake_turns(f, 2200);
		fake_commit(f, "full@example.net", bytes_from_str(small));
		assert_true(fake_until(f, fake_answered));
		assert_int_equal(f->accepted, round + 2);
		f->full_is_ok = round == 2;
		if (round < 2) {
			order(f, QUEUE_ORDER_DELETE,
				index_next(&f->q->index, index_next(&f->q->index, 0)->id)->id);
			assert_true(fake_until(f, one_left)); /* when its job is back */
		}
	}
	assert_true(fake_until(f, all_synced));
	assert_int_equal(f->deliveries, 2);
	fake_stop(f);
	fake_start(f);
	assert_int_equal(f->q->index.live, 0);
}

/* Each system call in turn, at each of its first calls: nothing confirmed is lost, nothing
 * is delivered that was refused, and nothing hangs. */
static void
test_every_call_fails_once(void **state)
{
	struct fake *f = *state;
	const enum sys_call calls[] = { SYS_OPEN, SYS_READ, SYS_WRITE, SYS_FDATASYNC, SYS_FSYNC,
		SYS_SYNCFS, SYS_RENAME, SYS_LINK, SYS_UNLINK, SYS_TRUNCATE, SYS_ALLOCATE,
		SYS_MEMFD };
	struct buf content = make_content(200000);

	for (size_t c = 0; c < NITEMS(calls); c++)
		for (unsigned nth = 1; nth <= 4; nth++) {
			sys_fault(calls[c], nth, EIO, false);
			fake_commit(f, "user@example.org", bytes_from_str(small));
			if (calls[c] != SYS_OPEN && calls[c] != SYS_MEMFD) {
				fake_commit_lent(f, "user@example.org", buf_bytes(&content));
			}
			fake_turns(f, 5);
			sys_fault_clear();
			assert_true(fake_until(f, all_synced));
		}
	assert_true(f->q->stats.delivered >= f->accepted);
	fake_stop(f);
	fake_start(f);
	assert_int_equal(f->q->index.live, 0);
	buf_free(&content);
}
#endif

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_delivers),
		TEST(test_many_share_a_flush),
		TEST(test_resolves_are_kept_a_second),
		TEST(test_journal_goes_round),
		TEST(test_large_is_lent_a_file),
		TEST(test_lent_file_kept_by_the_door),
		TEST(test_lent_files_are_swept),
		TEST(test_retries),
		TEST(test_gives_up),
		TEST(test_fails_for_good),
		TEST(test_tickets),
		TEST(test_alias),
		TEST(test_alias_changes_between_attempts),
		TEST(test_alias_and_member),
		TEST(test_alias_by_pages),
		TEST(test_alias_survives_restart),
		TEST(test_requeue),
		TEST(test_bounce),
		TEST(test_orders_of_a_filter),
		TEST(test_lost_deliverer),
		TEST(test_lost_directory),
		TEST(test_failed_sync),
		TEST(test_duplicate_id),
		TEST(test_hold_and_release),
		TEST(test_incident),
		TEST(test_delete_of_a_login),
		TEST(test_flush_now),
		TEST(test_delete),
		TEST(test_moves_out_of_the_journal),
		TEST(test_memory_budget),
		TEST(test_restart_keeps_waiting),
		TEST(test_damaged_file_is_set_aside),
		TEST(test_damaged_content_is_not_delivered),
		TEST(test_orders_before_the_files_are_read),
#ifdef RELAIS_FAULTS
		TEST(test_failed_flush),
		TEST(test_flushes_fail_for_long),
		TEST(test_every_call_fails_once),
#endif
	};

	return cmocka_run_group_tests_name("qmgr", tests, NULL, NULL);
}
