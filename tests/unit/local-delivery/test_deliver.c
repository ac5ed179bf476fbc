/* SPDX-License-Identifier: ISC */
/* tests/unit/local-delivery/test_deliver.c - jobs on a real Maildir, with every fault. */
#include "delivery_bench.h"

#include <errno.h>
#include <stdlib.h>
#include <time.h>

#include "folder.h"

static const struct row {
	const char *label;
	struct bytes account, home, detail, content;
	uint64_t quota, used;
	uint64_t missing; /* the content is so much shorter than said */
	bool tempfail, no_delivered_to;
	const char *code;
	const char *where; /* the Maildir that has one message afterwards; NULL: none */
} rows[] = {
#define USER BYTES_LITERAL("u@d.test"), BYTES_LITERAL("d.test/u")
#define NONE                                                                                       \
	{                                                                                          \
		NULL, 0                                                                            \
	}
#define TEXT BYTES_LITERAL(CONTENT)
	{ "plain", USER, NONE, TEXT, 0, 0, 0, 0, 0, "2.0.0", "d.test/u" },
	{ "empty content", USER, NONE, BYTES_LITERAL(""), 0, 0, 0, 0, 0, "2.0.0", "d.test/u" },
	{ "header only", USER, NONE, BYTES_LITERAL("A: b\r\n"), 0, 0, 0, 0, 0, "2.0.0",
		"d.test/u" },
	{ "detail with a folder", USER, BYTES_LITERAL("lists"), TEXT, 0, 0, 0, 0, 0, "2.0.0",
		"d.test/u/.lists" },
	{ "detail without a folder", USER, BYTES_LITERAL("other"), TEXT, 0, 0, 0, 0, 0, "2.0.0",
		"d.test/u" },
	{ "detail that climbs", USER, BYTES_LITERAL("../../v"), TEXT, 0, 0, 0, 0, 0, "2.0.0",
		"d.test/u" },
	{ "detail that is not UTF-8", USER, BYTES_LITERAL("\xff"), TEXT, 0, 0, 0, 0, 0, "2.0.0",
		"d.test/u" },
	{ "new account", BYTES_LITERAL("n@d.test"), BYTES_LITERAL("d.test/n"), NONE, TEXT, 0, 0, 0,
		0, 0, "2.0.0", "d.test/n" },
	{ "new domain", BYTES_LITERAL("n@e.test"), BYTES_LITERAL("e.test/n"), NONE, TEXT, 0, 0, 0,
		0, 0, "2.0.0", "e.test/n" },
	{ "loop", USER, NONE, BYTES_LITERAL("Delivered-To: u@d.test\r\n\r\nbody\r\n"), 0, 0, 0, 0,
		0, "5.4.6", NULL },
	{ "no loop check", USER, NONE, BYTES_LITERAL("Delivered-To: u@d.test\r\n\r\nbody\r\n"), 0,
		0, 0, 0, 1, "2.0.0", "d.test/u" },
	{ "somebody else's Delivered-To", USER, NONE,
		BYTES_LITERAL("Delivered-To: x@d.test\r\n\r\n"), 0, 0, 0, 0, 0, "2.0.0",
		"d.test/u" },
	{ "within the quota", USER, NONE, TEXT, 1000, 800, 0, 0, 0, "2.0.0", "d.test/u" },
	{ "within the grace", USER, NONE, TEXT, 1000, 980, 0, 0, 0, "2.0.0", "d.test/u" },
	{ "over the grace", USER, NONE, TEXT, 1000, 1050, 0, 0, 0, "5.2.2", NULL },
	{ "over the grace, kept", USER, NONE, TEXT, 1000, 1050, 0, 1, 0, "4.2.2", NULL },
	{ "larger than the mailbox", USER, NONE, TEXT, 10, 0, 0, 0, 0, "5.2.2", NULL },
	{ "content shorter than said", USER, NONE, TEXT, 0, 0, 1, 0, 0, "4.3.0", NULL },
	{ "home above the root", BYTES_LITERAL("u@d.test"), BYTES_LITERAL("../outside"), NONE, TEXT,
		0, 0, 0, 0, 0, "4.3.5", NULL },
	{ "home is a symbolic link", BYTES_LITERAL("l@d.test"), BYTES_LITERAL("d.test/link"), NONE,
		TEXT, 0, 0, 0, 0, 0, "4.3.5", NULL },
	{ "domain is a symbolic link", BYTES_LITERAL("u@l.test"), BYTES_LITERAL("l.test/u"), NONE,
		TEXT, 0, 0, 0, 0, 0, "4.3.5", NULL },
};

/* u@d.test with a folder "lists", and links to what lies outside the mail root */
static void
furnish(struct bench *b)
{
	const struct store_options options = { .hostname = "mx.example.test" };
	struct store_account *account;
	int fd;

	assert_int_equal(mkdirat(b->folder->fd, "outside", 0700), 0);
	fd = home_open(b->root_fd, BYTES_LITERAL("d.test/u"), true);
	assert_true(fd >= 0);
	assert_int_equal(store_account_open(fd, &options, &account), ERR_OK);
	assert_int_equal(store_folder_create(account, BYTES_LITERAL("lists")), ERR_OK);
	store_account_close(&account);
	close(fd);
	assert_int_equal(symlinkat("../../outside", b->root_fd, "d.test/link"), 0);
	assert_int_equal(symlinkat("../outside", b->root_fd, "l.test"), 0);
}

static void
run_row(void **arg)
{
	const struct row *t = *arg;
	struct bench b = bench_start();
	struct delivery_item item = bench_item(t->content);

	furnish(&b);
	b.conf.quota_full_tempfail = t->tempfail;
	b.conf.delivered_to = !t->no_delivered_to;
	assert_int_equal(bench_open(&b), ERR_OK);
	item.job.account = t->account;
	item.job.home = t->home;
	item.job.detail = t->detail;
	item.job.quota_octets = t->quota;
	item.job.content.size += t->missing;
	quota_tell(b.d.quota,
		&(struct ledger_use){
			.account = t->account, .octets = t->used, .limit_octets = t->quota });
	bench_deliver(&b, &item, 1);
	assert_string_equal(item.outcome.code, t->code);
	assert_int_equal(item.outcome.octets > 0, t->where != NULL);
	assert_int_equal(quota_untold(b.d.quota), t->where != NULL);
	if (t->where != NULL) {
		struct buf got = bench_file(&b, t->where);
		struct bytes text = buf_bytes(&got);

		assert_int_equal(bench_count(&b, t->where), 1);
		assert_true(
			bytes_starts_with(text, BYTES_LITERAL("Return-Path: <a@example.org>\r\n")));
		assert_true(bytes_equal(bytes_skip(text, text.n - t->content.n), t->content));
		assert_int_equal(item.outcome.octets, text.n);
		buf_free(&got);
	} else {
		assert_int_equal(bench_count(&b, "d.test/u"), 0);
	}
	assert_int_equal(test_folder_count(b.folder, "outside"), 0);
	bench_end(&b);
}

static void
file_is_fields_and_content(void **arg)
{
	struct bench b = bench_start();
	struct delivery_item item = bench_item(BYTES_LITERAL(CONTENT));
	struct buf got;

	UNUSED(arg);
	assert_int_equal(bench_open(&b), ERR_OK);
	bench_deliver(&b, &item, 1);
	assert_string_equal(item.outcome.code, "2.0.0");
	got = bench_file(&b, "d.test/u");
	assert_string_equal(buf_str(&got),
		"Return-Path: <a@example.org>\r\nDelivered-To: u@d.test\r\n" PREFIX CONTENT);
	assert_int_equal(bench_indexed(&b, "d.test/u", "INBOX"), 1);
	buf_free(&got);
	bench_end(&b);
}

static void
large_content_comes_from_the_descriptor(void **arg)
{
	struct bench b = bench_start();
	struct buf big = BUF_INIT, got;
	struct delivery_item item;

	UNUSED(arg);
	assert_int_equal(bench_open(&b), ERR_OK);
	buf_put_str(&big, "XXXX" CONTENT); /* four octets of something else first */
	while (big.len < 700000)
		buf_printf(&big, "line %zu\r\n", big.len);
	item = bench_item(buf_bytes(&big));
	item.job.content.offset = 4;
	item.job.content.size -= 4;
	bench_deliver(&b, &item, 1);
	assert_string_equal(item.outcome.code, "2.0.0");
	got = bench_file(&b, "d.test/u");
	assert_true(got.len > big.len);
	assert_true(bytes_equal(bytes_skip(buf_bytes(&got), got.len - (big.len - 4)),
		bytes_skip(buf_bytes(&big), 4)));
	buf_free(&got);
	buf_free(&big);
	bench_end(&b);
}

static void
the_same_job_again_adds_nothing(void **arg)
{
	struct bench b = bench_start();

	UNUSED(arg);
	for (int round = 0; round < 3; round++) {
		struct delivery_item item = bench_item(BYTES_LITERAL(CONTENT));

		if (round > 0)
			item.job.flags = 0;
		store_deliverer_free(&b.d.store); /* as after a restart */
		assert_int_equal(bench_open(&b), ERR_OK);
		bench_deliver(&b, &item, 1);
		assert_string_equal(item.outcome.code, "2.0.0");
		assert_int_equal(item.outcome.octets > 0, round == 0); /* counted once */
		assert_int_equal(bench_count(&b, "d.test/u"), 1);
	}
	assert_int_equal(bench_indexed(&b, "d.test/u", "INBOX"), 1);
	bench_end(&b);
}

static void
recipients_of_one_message_are_different(void **arg)
{
	struct bench b = bench_start();
	struct delivery_item items[3];

	UNUSED(arg);
	assert_int_equal(bench_open(&b), ERR_OK);
	for (uint32_t i = 0; i < 3; i++) {
		items[i] = bench_item(BYTES_LITERAL(CONTENT));
		items[i].job.recipient = i;
	}
	bench_deliver(&b, items, 3);
	assert_int_equal(bench_count(&b, "d.test/u"), 3);
	bench_end(&b);
}

static void
a_batch_keeps_order_and_results_apart(void **arg)
{
	static const char *const homes[] = { "d.test/c", "d.test/a", "d.test/b" };
	static const char *const accounts[] = { "c@d.test", "a@d.test", "b@d.test" };
	struct bench b = bench_start();
	struct delivery_item items[DELIVERY_BATCH_MAX];

	UNUSED(arg);
	assert_int_equal(bench_open(&b), ERR_OK);
	for (size_t i = 0; i < NITEMS(items); i++) {
		items[i] = bench_item(i % 7 == 0 ? BYTES_LITERAL("Delivered-To: c@d.test\r\n\r\n")
						 : BYTES_LITERAL(CONTENT));
		items[i].job.job_id = i;
		items[i].job.queue_id += i;
		items[i].job.home = bytes_from_str(homes[i % 3]);
		items[i].job.account = bytes_from_str(accounts[i % 3]);
	}
	bench_deliver(&b, items, NITEMS(items));
	for (size_t i = 0; i < NITEMS(items); i++) {
		assert_int_equal(items[i].job.job_id, i);
		assert_string_equal(items[i].outcome.code, i % 21 == 0 ? "5.4.6" : "2.0.0");
	}
	assert_int_equal(bench_count(&b, "d.test/c") + bench_count(&b, "d.test/a") +
				 bench_count(&b, "d.test/b"),
		(int)NITEMS(items) - 7);
	assert_int_equal(quota_untold(b.d.quota), 3);
	bench_end(&b);
}

/* What a user's own session could leave behind to get at another's mail. */
static void
links_inside_a_mailbox_lead_nowhere(void **arg)
{
	static const char *const places[] = { "new", "cur", "tmp" };

	UNUSED(arg);
	for (size_t i = 0; i < NITEMS(places); i++) {
		struct bench b = bench_start();
		struct delivery_item item = bench_item(BYTES_LITERAL(CONTENT));
		char path[64];

		furnish(&b);
		assert_int_equal(mkdirat(b.root_fd, "d.test/victim", 0700), 0);
		assert_int_equal(mkdirat(b.root_fd, "d.test/victim/new", 0700), 0);
		snprintf(path, sizeof(path), "d.test/u/%s", places[i]);
		unlinkat(b.root_fd, path, AT_REMOVEDIR);
		assert_int_equal(symlinkat("../victim/new", b.root_fd, path), 0);
		assert_int_equal(bench_open(&b), ERR_OK);
		bench_deliver(&b, &item, 1);
		assert_int_equal(item.outcome.status, DELIVERY_TEMPORARY);
		assert_int_equal(test_folder_count(b.folder, "mail/d.test/victim/new"), 0);
		bench_end(&b);
	}
}

/* Files of writers that died: swept when they are older than 36 hours, never before. */
static void
old_rubbish_is_swept(void **arg)
{
	struct bench b = bench_start();
	/* nobody can make a file that was changed long ago: the clock is put forward instead, and
	 * what is fresh then is so by its time of writing */
	const time_t then = time(NULL) + 37 * 3600;
	const struct timespec fresh[2] = { { then, 0 }, { then, 0 } };
	struct folder *f;
	int home;

	UNUSED(arg);
	furnish(&b);
	home = openat(b.root_fd, "d.test/u", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	close(openat(home, "tmp/old", O_CREAT | O_WRONLY | O_CLOEXEC, 0600));
	close(openat(home, "tmp/fresh", O_CREAT | O_WRONLY | O_CLOEXEC, 0600));
	assert_int_equal(mkdirat(home, "tmp/folder", 0700), 0);
	assert_int_equal(utimensat(home, "tmp/fresh", fresh, 0), 0);
	assert_int_equal(folder_open(home, &f), ERR_OK);
	folder_sweep_tmp(f, time(NULL));
	assert_int_equal(test_folder_count(b.folder, "mail/d.test/u/tmp"), 3);
	folder_sweep_tmp(f, then);
	assert_int_equal(test_folder_count(b.folder, "mail/d.test/u/tmp"), 2);
	folder_close(&f);
	bench_end(&b);
}

#ifdef RELAIS_FAULTS
/*
 * Each call of each kind fails in turn. Either the job is done all the same, or it is to be
 * tried again and nothing half-done can be seen; the next try makes exactly one message.
 */
static void
fault_once(enum sys_call call, unsigned nth, bool forever, bool *reached)
{
	struct bench b = bench_start();
	struct delivery_item item = bench_item(BYTES_LITERAL(CONTENT));
	struct buf got;

	furnish(&b);
	assert_int_equal(bench_open(&b), ERR_OK);
	sys_fault(call, nth, ENOSPC, forever);
	bench_deliver(&b, &item, 1);
	*reached = item.outcome.status != DELIVERY_WRITTEN;
	sys_fault_clear();
	assert_int_not_equal(item.outcome.status, DELIVERY_PERMANENT);
	if (*reached && call != SYS_UNLINK)
		assert_int_equal(test_folder_count(b.folder, "mail/d.test/u/tmp"), 0);
	if (bench_count(&b, "d.test/u") > 0) { /* whatever can be seen is whole */
		got = bench_file(&b, "d.test/u");
		assert_true(bytes_equal(bytes_skip(buf_bytes(&got), got.len - strlen(CONTENT)),
			bytes_from_str(CONTENT)));
		buf_free(&got);
	}
	for (int round = 0; round < 2; round++) {
		item = bench_item(BYTES_LITERAL(CONTENT));
		item.job.flags = 0;
		if (round == 1) {
			store_deliverer_free(&b.d.store);
			assert_int_equal(bench_open(&b), ERR_OK);
		}
		bench_deliver(&b, &item, 1);
		assert_string_equal(item.outcome.code, "2.0.0");
		assert_int_equal(bench_count(&b, "d.test/u"), 1);
	}
	assert_int_equal(bench_indexed(&b, "d.test/u", "INBOX"), 1);
	bench_end(&b);
}

static void
every_call_may_fail(void **arg)
{
	static const enum sys_call calls[] = { SYS_OPEN, SYS_READ, SYS_WRITE, SYS_RENAME, SYS_LINK,
		SYS_MKDIR, SYS_TRUNCATE, SYS_ALLOCATE, SYS_UNLINK };
	unsigned failures = 0;

	UNUSED(arg);
	for (size_t c = 0; c < NITEMS(calls); c++) {
		/* some failures are borne: the end is where several in a row did nothing */
		for (unsigned nth = 1, quiet = 0; quiet < 5; nth++) {
			bool reached, reached_all;

			fault_once(calls[c], nth, false, &reached);
			fault_once(calls[c], nth, true, &reached_all);
			failures += (unsigned)reached + (unsigned)reached_all;
			quiet = reached || reached_all ? 0 : quiet + 1;
		}
	}
	print_message("%u failed deliveries\n", failures);
	assert_true(failures > 20);
}
#endif

int
main(void)
{
	static const struct CMUnitTest others[] = {
		cmocka_unit_test(file_is_fields_and_content),
		cmocka_unit_test(large_content_comes_from_the_descriptor),
		cmocka_unit_test(the_same_job_again_adds_nothing),
		cmocka_unit_test(recipients_of_one_message_are_different),
		cmocka_unit_test(a_batch_keeps_order_and_results_apart),
		cmocka_unit_test(links_inside_a_mailbox_lead_nowhere),
		cmocka_unit_test(old_rubbish_is_swept),
#ifdef RELAIS_FAULTS
		cmocka_unit_test(every_call_may_fail),
#endif
	};
	TABLE_TESTS(tests, rows, run_row);

	return cmocka_run_group_tests_name("local-delivery/deliver jobs", tests, NULL, NULL) +
	       cmocka_run_group_tests_name("local-delivery/deliver", others, NULL, NULL);
}
