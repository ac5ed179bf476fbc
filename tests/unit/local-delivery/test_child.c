/* SPDX-License-Identifier: ISC */
/*
 * tests/unit/local-delivery/test_child.c - a system user's child: it delivers into its own
 * mailbox as that user, and finds no way to another's. Needs root, else it is skipped.
 */
#include "delivery_bench.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/wait.h>

#include "child.h"
#include "jail.h"

#define ALICE 61001
#define BOB   61002

static void
make_home(struct bench *b, const char *home, unsigned id)
{
	int fd = home_open(b->root_fd, bytes_from_str(home), true);

	assert_true(fd >= 0);
	close(fd);
	assert_int_equal(fchownat(b->root_fd, home, id, id, AT_SYMLINK_NOFOLLOW), 0);
}

static int
setup(void **arg)
{
	struct bench *b = xcalloc(1, sizeof(*b));

	*b = bench_start();
	b->d.conf = &b->conf;
	assert_int_equal(fchmod(b->folder->fd, 0755), 0);
	if (geteuid() == 0) {
		make_home(b, "d.test/alice", ALICE);
		make_home(b, "d.test/bob", BOB);
		/* a secret of bob's */
		assert_int_equal(mkdirat(b->root_fd, "d.test/bob/new", 0700), 0);
		assert_int_equal(fchownat(b->root_fd, "d.test/bob/new", BOB, BOB, 0), 0);
	}
	*arg = b;
	return 0;
}

static int
teardown(void **arg)
{
	struct bench *b = *arg;

	bench_end(b);
	free(b);
	return 0;
}

static struct delivery_item
item_for(unsigned uid, const char *home)
{
	struct delivery_item item = bench_item(BYTES_LITERAL(CONTENT));

	item.job.uid = item.job.gid = uid;
	item.job.home = bytes_from_str(home);
	return item;
}

static struct child_spec
spec_for(const struct bench *b, unsigned timeout_seconds)
{
	static struct buf filter;

	if (filter.len == 0)
		assert_int_equal(jail_seccomp_prepare(SANDBOX_FILES, &filter), ERR_OK);
	return (struct child_spec){ .root_fd = b->root_fd,
		.privileged = true,
		.timeout_seconds = timeout_seconds,
		.hostname = "mx.example.test",
		.filter = buf_bytes(&filter),
		.conf = &b->conf };
}

/* One child from birth to end. */
static bool
run_child(struct bench *b, struct delivery_item *items, size_t n)
{
	const struct child_spec spec = spec_for(b, 20);
	struct child child;
	bool well;

	assert_int_equal(child_start(&spec, items, n, &child), ERR_OK);
	well = child_finish(&child, items, n);
	for (size_t i = 0; i < n; i++)
		close(items[i].content_fd);
	return well;
}

static void
delivers_as_the_user(void **arg)
{
	struct bench *b = *arg;
	struct delivery_item items[3];
	struct stat st;

	if (geteuid() != 0)
		skip();
	for (uint32_t i = 0; i < 3; i++) {
		items[i] = item_for(ALICE, "d.test/alice");
		items[i].job.recipient = i;
	}
	assert_true(run_child(b, items, 3));
	for (size_t i = 0; i < 3; i++) {
		assert_string_equal(items[i].outcome.code, "2.0.0");
		assert_true(items[i].outcome.octets > strlen(CONTENT));
	}
	assert_int_equal(bench_count(b, "d.test/alice"), 3);
	assert_int_equal(fstatat(b->root_fd, "d.test/alice/new", &st, 0), 0);
	assert_int_equal(st.st_uid, ALICE);
	assert_int_equal(st.st_mode & 077, 0);
}

static const struct refused {
	const char *label, *home;
	unsigned uid;
} refuseds[] = {
	{ "another's mailbox", "d.test/bob", ALICE },
	{ "no mailbox", "d.test/nobody", ALICE },
	{ "root", "d.test/alice", 0 },
	{ "above the root", "../mail/d.test/alice", ALICE },
};

static void
run_refused(void **arg)
{
	const struct refused *t = *arg;
	struct bench *b;
	struct delivery_item item;

	if (geteuid() != 0)
		skip();
	setup((void **)&b);
	item = item_for(t->uid, t->home);
	run_child(b, &item, 1);
	assert_int_equal(item.outcome.status, DELIVERY_TEMPORARY);
	assert_int_equal(bench_count(b, "d.test/alice"), 0);
	assert_int_equal(bench_count(b, "d.test/bob"), 0);
	teardown((void **)&b);
}

static void
links_do_not_lead_out(void **arg)
{
	struct bench *b = *arg;
	struct delivery_item item;

	if (geteuid() != 0)
		skip();
	/* alice points her new/ at bob's; in her jail there is no such place */
	assert_int_equal(symlinkat("../bob/new", b->root_fd, "d.test/alice/new"), 0);
	item = item_for(ALICE, "d.test/alice");
	run_child(b, &item, 1);
	assert_int_equal(bench_count(b, "d.test/bob"), 0);
}

static void
a_child_that_dies_loses_nothing(void **arg)
{
	struct bench *b = *arg;
	const struct child_spec spec = spec_for(b, 1);
	struct delivery_item item;
	struct child child;
	bool well;

	if (geteuid() != 0)
		skip();
	item = item_for(ALICE, "d.test/alice");
	assert_int_equal(child_start(&spec, &item, 1, &child), ERR_OK);
	kill(child.pid, SIGKILL);
	well = child_finish(&child, &item, 1);
	close(item.content_fd);
	/* killed before or after it was done; if it did not say so, it is tried again */
	if (item.outcome.status != DELIVERY_WRITTEN) {
		assert_false(well);
		assert_int_equal(item.outcome.status, DELIVERY_TEMPORARY);
	}
	item = item_for(ALICE, "d.test/alice");
	item.job.flags = 0;
	assert_true(run_child(b, &item, 1));
	assert_string_equal(item.outcome.code, "2.0.0");
	assert_int_equal(bench_count(b, "d.test/alice"), 1);
}

int
main(void)
{
	static const struct CMUnitTest others[] = {
		cmocka_unit_test_setup_teardown(delivers_as_the_user, setup, teardown),
		cmocka_unit_test_setup_teardown(links_do_not_lead_out, setup, teardown),
		cmocka_unit_test_setup_teardown(a_child_that_dies_loses_nothing, setup, teardown),
	};
	TABLE_TESTS(tests, refuseds, run_refused);

	return cmocka_run_group_tests_name("local-delivery/child refused", tests, NULL, NULL) +
	       cmocka_run_group_tests_name("local-delivery/child", others, NULL, NULL);
}
