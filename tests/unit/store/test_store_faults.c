/* SPDX-License-Identifier: ISC */
/*
 * tests/unit/store/test_store_faults.c - every system call of every operation fails in turn, once
 * or from then on: what was confirmed before stays, what was refused leaves nothing torn, and the
 * mailbox works again as soon as the calls do.
 */
#include "mailbox.h"

#include <errno.h>
#include <stdio.h>
#include <unistd.h>

#include "err.h"
#include "sys.h"

#define NTH_MAX 60

struct play {
	struct mailbox m;
	struct store_view *v;
	uint32_t uid;
	int result;
	bool done; /* the operation said so */
};

static void
op_deliver(struct play *p)
{
	struct store_delivery d = { .home = "a",
		.unique = BYTES_LITERAL("new_0"),
		.arrival = 1700000000,
		.content = BYTES_LITERAL("Subject: new\r\n\r\nnew\r\n") };
	struct store_delivered out;

	p->result = store_deliver(p->m.deliverer, &d, &out);
	p->uid = out.uid;
}

static void
op_append(struct play *p)
{
	const struct bytes keyword = BYTES_LITERAL("fresh");
	const struct store_new n = { .flags = STORE_SEEN, .keywords = &keyword, .n_keywords = 1 };
	struct store_placed placed;
	struct store_append *a;

	p->result = store_append_begin(p->m.account, BYTES_LITERAL("INBOX"), &a);
	if (p->result < 0)
		return;
	p->result = store_append_write(a, BYTES_LITERAL("Subject: new\r\n\r\nnew\r\n"));
	if (p->result < 0)
		store_append_abort(&a);
	else
		p->result = store_append_commit(&a, &n, &placed);
}

static void
op_flags(struct play *p)
{
	const struct store_flags_change c = { STORE_ADD, STORE_FLAGGED, 0, 0 };
	uint32_t uids[] = { 1, 2, 3 };

	p->result = store_change_flags(p->v, uids, 3, &c, NULL, NULL);
}

static void
op_expunge(struct play *p)
{
	uint32_t uids[] = { 2 };

	p->result = store_expunge(p->v, uids, 1, false);
}

static void
op_copy(struct play *p)
{
	struct arena a = ARENA_INIT;
	struct store_copied copied;
	uint32_t uids[] = { 1, 2 };

	p->result = store_copy(p->v, uids, 2, BYTES_LITERAL("Work"), false, &a, &copied);
	arena_reset(&a);
}

static void
op_move(struct play *p)
{
	struct arena a = ARENA_INIT;
	struct store_copied copied;
	uint32_t uids[] = { 1, 2 };

	p->result = store_copy(p->v, uids, 2, BYTES_LITERAL("Work"), true, &a, &copied);
	arena_reset(&a);
}

static void
op_close(struct play *p)
{
	const struct store_flags_change c = { STORE_ADD, STORE_SEEN, 0, 0 };
	uint32_t uids[] = { 3 };

	sys_fault_clear();
	assert_int_equal(store_change_flags(p->v, uids, 1, &c, NULL, NULL), ERR_OK);
}

static void
op_fold(struct play *p)
{
	struct store_flags_change c = { STORE_ADD, STORE_SEEN, 0, 0 };
	uint32_t uids[] = { 3 };

	for (int i = 0; i < 2000 && p->result == ERR_OK; i++) {
		c.how = i % 2 == 1 ? STORE_ADD : STORE_REMOVE;
		p->result = store_change_flags(p->v, uids, 1, &c, NULL, NULL);
	}
	store_close(&p->v);
}

static void
op_open(struct play *p)
{
	struct store_view *v;

	mailbox_put_file(&p->m, "new/180.x.host", "Subject: new\n\nnew\n");
	p->result = store_open(p->m.account, BYTES_LITERAL("INBOX"), 0, &v);
	store_close(&v);
}

static void
op_rebuild(struct play *p)
{
	struct store_view *v;

	mailbox_unlink(&p->m, "relais.log");
	p->result = store_open(p->m.account, BYTES_LITERAL("INBOX"), 0, &v);
	store_close(&v);
}

static void
op_create(struct play *p)
{
	p->result = store_folder_create(p->m.account, BYTES_LITERAL("Other"));
}

static void
op_rename(struct play *p)
{
	p->result =
		store_folder_rename(p->m.account, BYTES_LITERAL("Work"), BYTES_LITERAL("Works"));
}

static void
op_subscribe(struct play *p)
{
	p->result = store_folder_subscribe(p->m.account, BYTES_LITERAL("Work"), true);
}

struct row {
	const char *label;
	void (*op)(struct play *p);
	int more;  /* messages in INBOX afterwards, more than before, if it said OK */
	int least; /* and at least, if it did not */
	int most;
};

static const struct row rows[] = {
	{ "deliver", op_deliver, 1, 0, 1 },
	{ "append", op_append, 1, 0, 1 },
	{ "flags", op_flags, 0, 0, 0 },
	{ "expunge", op_expunge, -1, -1, 0 },
	{ "copy", op_copy, 0, 0, 0 },
	{ "move", op_move, -2, -2, 0 },
	{ "close", op_close, 0, 0, 0 },
	{ "fold", op_fold, 0, 0, 0 },
	{ "open", op_open, 1, 1, 1 },
	{ "rebuild", op_rebuild, 0, 0, 0 },
	{ "create", op_create, 0, 0, 0 },
	{ "rename", op_rename, 0, 0, 0 },
	{ "subscribe", op_subscribe, 0, 0, 0 },
};

/* Every message is whole and named once; how many there are. */
static int
count_whole(struct mailbox *m, const char *folder, struct play *p)
{
	struct store_view *v = mailbox_open(m, folder);
	uint32_t before = 0;
	char s[64];
	int n = (int)store_count(v);

	for (uint32_t i = 1; i <= store_count(v); i++) {
		struct store_cached c;

		assert_true(store_uid(v, i) > before);
		before = store_uid(v, i);
		mailbox_subject(v, i, s);
		assert_true(strcmp(s, "new") == 0 || s[0] == 'o');
		assert_int_equal(store_cached(v, i, &c), ERR_OK);
	}
	store_close(&v);
	return n;
}

static void
prepare(struct play *p)
{
	mailbox_make(&p->m);
	assert_int_equal(mailbox_deliver(&p->m, "q1_0", "o1"), 1);
	assert_int_equal(mailbox_append(&p->m, "INBOX", "o2", STORE_DRAFT), 2);
	assert_int_equal(mailbox_deliver(&p->m, "q3_0", "o3"), 3);
	assert_int_equal(store_folder_create(p->m.account, BYTES_LITERAL("Work")), ERR_OK);
	p->v = mailbox_open(&p->m, "INBOX");
}

/* How the operation may end with one call failing. false: the call was not reached. */
static bool
play_one(const struct row *t, enum sys_call call, unsigned nth, bool forever)
{
	struct play p = { .result = ERR_OK };
	int n, errnum = nth % 2 == 0 ? EIO : ENOSPC, works;
	struct store_folder *folders;
	struct arena a = ARENA_INIT;
	size_t n_folders;
	bool reached;

	prepare(&p);
	sys_fault(call, nth, errnum, forever);
	t->op(&p);
	if (t->op == op_close)
		sys_fault(call, nth, errnum, forever);
	store_close(&p.v);
	reached = p.result < 0 || forever; /* some failures are borne */
	sys_fault_clear();
	mailbox_reopen(&p.m);
	n = count_whole(&p.m, "INBOX", &p);
	if (p.result == ERR_OK)
		assert_int_equal(n, 3 + t->more);
	else
		assert_in_range((unsigned)n, (unsigned)(3 + t->least), (unsigned)(3 + t->most));
	works = t->op == op_rename && store_folder_exists(p.m.account, BYTES_LITERAL("Work")) < 0;
	n = count_whole(&p.m, works ? "Works" : "Work", &p);
	if (t->op == op_copy || t->op == op_move)
		assert_true(p.result == ERR_OK ? n == 2 : n == 0 || n == 2);
	if (t->op == op_deliver && p.result < 0) {
		op_deliver(&p); /* the queue tries again */
		assert_int_equal(p.result, ERR_OK);
	}
	mailbox_deliver(&p.m, "after_0", "o9");
	assert_int_equal(store_list(p.m.account, &a, &folders, &n_folders), ERR_OK);
	arena_reset(&a);
	mailbox_remove(&p.m);
	return reached;
}

static void
run_row(void **arg)
{
	static const enum sys_call calls[] = { SYS_OPEN, SYS_READ, SYS_WRITE, SYS_FDATASYNC,
		SYS_FSYNC, SYS_SYNCFS, SYS_RENAME, SYS_LINK, SYS_UNLINK, SYS_MKDIR, SYS_TRUNCATE };
	const struct row *t = *arg;

	if (sys_fault(SYS_OPEN, 0, 0, false) < 0)
		skip(); /* a build without fault injection */
	for (size_t i = 0; i < NITEMS(calls); i++) {
		unsigned misses = 0;

		for (unsigned nth = 1; nth < NTH_MAX && misses < 3; nth++)
			misses = play_one(t, calls[i], nth, false) ? 0 : misses + 1;
		play_one(t, calls[i], 1, true);
		play_one(t, calls[i], 3, true);
	}
}

int
main(void)
{
	struct CMUnitTest tests[NITEMS(rows)];

	for (size_t i = 0; i < NITEMS(rows); i++)
		tests[i] = (struct CMUnitTest){ rows[i].label, run_row, NULL, NULL,
			(void *)(uintptr_t)&rows[i] };
	return cmocka_run_group_tests_name("store/faults", tests, NULL, NULL);
}
