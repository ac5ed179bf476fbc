/* SPDX-License-Identifier: ISC */
/*
 * tests/unit/store/test_store_folder.c - one mailbox at work: deliver, read, change, copy, and
 * what other programs do to the files.
 */
#include "mailbox.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "err.h"

static void
run(void **arg, void (*test)(struct mailbox *m))
{
	struct mailbox m;

	mailbox_make(&m);
	test(&m);
	mailbox_remove(&m);
}

static void
deliver_and_read(struct mailbox *m)
{
	struct store_view *v;
	struct store_message msg;
	struct store_cached c;
	struct store_status st;
	char s[64];

	assert_int_equal(mailbox_deliver(m, "q1_0", "one"), 1);
	assert_int_equal(mailbox_deliver(m, "q2_0", "two"), 2);
	assert_int_equal(mailbox_files(m, "new"), 2);
	v = mailbox_open(m, "INBOX");
	assert_int_equal(store_count(v), 2);
	store_message(v, 2, &msg);
	assert_int_equal(msg.uid, 2);
	assert_true(msg.recent);
	assert_int_equal(msg.internal_date, 1700000000);
	assert_string_equal(mailbox_subject(v, 2, s), "two");
	assert_int_equal(store_cached(v, 1, &c), ERR_OK);
	assert_true(bytes_search(c.envelope, BYTES_LITERAL("\"one\"")) != BYTES_NOT_FOUND);
	assert_true(bytes_search(c.fields, BYTES_LITERAL("Subject: one\r\n")) != BYTES_NOT_FOUND);
	store_view_status(v, &st);
	assert_int_equal(st.uidnext, 3);
	assert_int_equal(st.unseen, 2);
	assert_int_equal(st.first_unseen, 1);
	assert_int_equal(st.recent, 2);
	store_close(&v);
	assert_int_equal(mailbox_files(m, "new"), 0); /* the session was told of them */
	assert_int_equal(mailbox_files(m, "cur"), 2);
	v = mailbox_open(m, "INBOX");
	store_message(v, 1, &msg);
	assert_false(msg.recent);
	store_close(&v);
}

static void
exactly_once(struct mailbox *m)
{
	struct store_delivery d = { .home = "a",
		.unique = BYTES_LITERAL("q1_0"),
		.arrival = 1700000000,
		.content = BYTES_LITERAL("Subject: x\r\n\r\n"),
		.repeated = true };
	struct store_delivered out;
	struct store_view *v;
	char name[256], path[300];
	uint32_t one = 1;
	const struct store_flags_change seen = { STORE_ADD, STORE_SEEN, 0, 0 };

	assert_int_equal(store_deliver(m->deliverer, &d, &out), ERR_OK);
	assert_false(out.was_there);
	assert_int_equal(store_deliver(m->deliverer, &d, &out), ERR_OK);
	assert_true(out.was_there);
	assert_int_equal(out.uid, 1);
	/* with flags, in cur/, and without any index */
	v = mailbox_open(m, "INBOX");
	assert_int_equal(store_change_flags(v, &one, 1, &seen, NULL, NULL), ERR_OK);
	store_close(&v);
	assert_int_equal(mailbox_files(m, "cur"), 1);
	mailbox_reopen(m);
	assert_int_equal(store_deliver(m->deliverer, &d, &out), ERR_OK);
	assert_true(out.was_there);
	mailbox_unlink(m, "relais.log");
	mailbox_reopen(m);
	assert_int_equal(store_deliver(m->deliverer, &d, &out), ERR_OK);
	assert_true(out.was_there);
	assert_int_equal(mailbox_files(m, "cur") + mailbox_files(m, "new"), 1);
	/* its file lost though the index has it: delivered again, under a new UID */
	snprintf(path, sizeof(path), "cur/%s", mailbox_find(m, "cur", "q1_0", name));
	mailbox_unlink(m, path);
	assert_int_equal(store_deliver(m->deliverer, &d, &out), ERR_OK);
	assert_false(out.was_there);
	assert_true(out.uid > 1);
}

/* A power cut left a name without its content: nobody sees it, the next try replaces it. */
static void
torn_delivery(struct mailbox *m)
{
	struct store_delivery d = { .home = "a",
		.unique = BYTES_LITERAL("q1_0"),
		.arrival = 1700000000,
		.content = BYTES_LITERAL("Subject: whole\r\n\r\n"),
		.repeated = true };
	struct store_delivered out;
	struct store_view *v;
	char s[64];

	mailbox_put_file(m, "new/1700000000.q1_0.mx.example.org,S=18,U=7", "Subj");
	v = mailbox_open(m, "INBOX");
	assert_int_equal(store_count(v), 0);
	store_close(&v);
	assert_int_equal(store_deliver(m->deliverer, &d, &out), ERR_OK);
	assert_false(out.was_there);
	v = mailbox_open(m, "INBOX");
	assert_int_equal(store_count(v), 1);
	assert_string_equal(mailbox_subject(v, 1, s), "whole");
	store_close(&v);
	assert_int_equal(mailbox_files(m, "cur") + mailbox_files(m, "new"), 1);
}

static void
flags_and_names(struct mailbox *m)
{
	struct store_flags_change c = { STORE_ADD, STORE_SEEN | STORE_FLAGGED, 0, 0 };
	struct store_changes ch;
	struct store_view *v, *w;
	char name[256], path[300], to[300];
	uint32_t uids[] = { 1, 2, 99 }, skipped[3];
	size_t n_skipped;
	unsigned bit;

	mailbox_deliver(m, "q1_0", "one");
	mailbox_deliver(m, "q2_0", "two");
	v = mailbox_open(m, "INBOX");
	w = mailbox_open(m, "INBOX");
	assert_int_equal(store_change_flags(v, uids, 3, &c, NULL, NULL), ERR_OK);
	assert_int_equal(mailbox_flags(v, 1), STORE_SEEN | STORE_FLAGGED);
	assert_int_equal(store_refresh(v, 0, &ch), ERR_OK);
	assert_int_equal(ch.n_changed, 0); /* one's own change is not news */
	assert_int_equal(store_refresh(w, 0, &ch), ERR_OK);
	assert_int_equal(ch.n_changed, 2);
	assert_int_equal(store_refresh(w, 0, &ch), ERR_OK);
	assert_int_equal(ch.n_changed, 0);
	c = (struct store_flags_change){ STORE_REPLACE, STORE_DRAFT, 0, 1 };
	assert_int_equal(store_change_flags(w, uids, 2, &c, skipped, &n_skipped), ERR_OK);
	assert_int_equal(n_skipped, 2); /* unchanged since 1: no */
	assert_int_equal(store_keyword_bit(w, BYTES_LITERAL("work"), false, &bit), ERR_NOT_FOUND);
	assert_int_equal(store_keyword_bit(w, BYTES_LITERAL("work"), true, &bit), ERR_OK);
	c = (struct store_flags_change){ STORE_ADD, 0, (uint64_t)1 << bit, 0 };
	assert_int_equal(store_change_flags(w, uids, 1, &c, NULL, NULL), ERR_OK);
	assert_int_equal(store_refresh(v, 0, &ch), ERR_OK);
	assert_int_equal(ch.n_changed, 1);
	assert_true(ch.new_keywords);
	assert_string_equal(store_keyword_name(v, 0), "work");
	store_close(&v);
	store_close(&w);
	assert_true(strstr(mailbox_find(m, "cur", "q1_0", name), ":2,FSa") != NULL);
	/* another program takes one flag away and gives another */
	snprintf(path, sizeof(path), "cur/%s", name);
	*strstr(name, ":2,") = 0;
	snprintf(to, sizeof(to), "cur/%s:2,RSa", name);
	mailbox_rename(m, path, to);
	v = mailbox_open(m, "INBOX");
	assert_int_equal(mailbox_flags(v, 1), STORE_SEEN | STORE_ANSWERED);
	store_close(&v);
	/* all that is left is names and letters */
	mailbox_unlink(m, "relais.log");
	v = mailbox_open(m, "INBOX");
	assert_int_equal(store_count(v), 2);
	assert_int_equal(mailbox_flags(v, 1), STORE_SEEN | STORE_ANSWERED);
	assert_int_equal(store_keyword_bit(v, BYTES_LITERAL("WORK"), false, &bit), ERR_OK);
	store_close(&v);
}

static void
expunge_numbers(struct mailbox *m)
{
	const struct store_flags_change del = { STORE_ADD, STORE_DELETED, 0, 0 };
	struct store_changes ch;
	struct store_view *v, *w;
	uint32_t uids[] = { 2, 4 };
	char unique[16], s[64];

	for (int i = 1; i <= 5; i++) {
		snprintf(unique, sizeof(unique), "q%d_0", i);
		mailbox_deliver(m, unique, unique);
	}
	v = mailbox_open(m, "INBOX");
	w = mailbox_open(m, "INBOX");
	assert_int_equal(store_change_flags(v, uids, 2, &del, NULL, NULL), ERR_OK);
	assert_int_equal(store_expunge(v, NULL, 0, true), ERR_OK);
	assert_int_equal(store_count(w), 5);
	assert_int_equal(store_refresh(w, STORE_HOLD_EXPUNGED, &ch), ERR_OK);
	assert_int_equal(store_count(w), 5);
	assert_int_equal(ch.n_expunged, 0);
	mailbox_deliver(m, "q6_0", "six");
	assert_int_equal(store_refresh(w, 0, &ch), ERR_OK);
	assert_int_equal(ch.n_expunged, 2);
	assert_int_equal(ch.expunged[0], 2);
	assert_int_equal(ch.expunged[1], 3); /* the fourth, when the second is gone */
	assert_int_equal(ch.expunged_uids[1], 4);
	assert_int_equal(ch.exists, 4);
	assert_int_equal(ch.first_new, 4);
	assert_string_equal(mailbox_subject(w, 2, s), "q3_0");
	assert_int_equal(store_seq_of_uid(w, 4), 0);
	assert_int_equal(store_seq_from_uid(w, 4), 3);
	assert_int_equal(mailbox_files(m, "cur") + mailbox_files(m, "new"), 4);
	store_close(&v);
	store_close(&w);
	assert_int_equal(store_take_delta(m->account).messages, -2);
}

static void
foreign_files(struct mailbox *m)
{
	struct store_changes ch;
	struct store_view *v;
	struct store_message msg;
	struct store_content c;
	char name[256], path[300], to[300], s[64];

	mailbox_deliver(m, "q1_0", "one");
	v = mailbox_open(m, "INBOX");
	mailbox_put_file(m, "tmp/170.x.host", "Subject: foreign\n\nbody\n");
	mailbox_rename(m, "tmp/170.x.host", "new/170.x.host");
	assert_int_equal(store_refresh(v, 0, &ch), ERR_OK);
	assert_int_equal(ch.exists, 2);
	assert_int_equal(ch.first_new, 2);
	assert_string_equal(mailbox_subject(v, 2, s), "foreign");
	store_message(v, 2, &msg);
	assert_int_equal(msg.size, 23 + 3); /* with CRLF */
	assert_int_equal(store_content_open(v, 2, &c), ERR_OK);
	assert_int_equal(c.text.n, 26);
	store_content_close(&c);
	assert_true(strstr(mailbox_find(m, "new", "170.x", name), ",U=2") != NULL);
	/* moved to cur with a flag, while we look */
	snprintf(path, sizeof(path), "new/%s", name);
	snprintf(to, sizeof(to), "cur/%s:2,SP", name);
	mailbox_rename(m, path, to);
	assert_string_equal(mailbox_subject(v, 2, s), "foreign");
	assert_int_equal(store_refresh(v, 0, &ch), ERR_OK);
	assert_int_equal(ch.n_changed, 1);
	assert_int_equal(mailbox_flags(v, 2), STORE_SEEN);
	assert_string_equal(store_keyword_name(v, 0), "$Forwarded");
	store_message(v, 2, &msg);
	assert_int_equal(msg.keywords, 1);
	/* removed */
	mailbox_unlink(m, to);
	store_message(v, 1, &msg);
	assert_int_equal(store_content_open(v, 2, &c), ERR_NOT_FOUND);
	assert_int_equal(store_refresh(v, 0, &ch), ERR_OK);
	assert_int_equal(ch.n_expunged, 1);
	assert_int_equal(ch.expunged[0], 2);
	/* a copy of a file: another message */
	mailbox_put_file(m, "cur/171.y.host,U=1:2,F", "Subject: twin\n\n");
	assert_int_equal(store_refresh(v, 0, &ch), ERR_OK);
	assert_int_equal(ch.exists, 2);
	assert_int_equal(store_uid(v, 2), 3);
	assert_int_equal(mailbox_flags(v, 2), STORE_FLAGGED);
	assert_string_equal(mailbox_subject(v, 1, s), "one");
	store_close(&v);
}

/* mbsync puts ",U=" with a UID above the bound in .uidvalidity, and raises it. */
static void
foreign_uids(struct mailbox *m)
{
	struct store_changes ch;
	struct store_view *v;
	char text[64], whole[128], name[64];
	unsigned validity, bound;
	FILE *f;

	mailbox_deliver(m, "q1_0", "one");
	v = mailbox_open(m, "INBOX");
	snprintf(whole, sizeof(whole), "%s/a/.uidvalidity", m->path);
	f = fopen(whole, "r");
	assert_non_null(f);
	assert_int_equal(fscanf(f, "%u\n%u\n", &validity, &bound), 2);
	fclose(f);
	assert_true(bound >= 1);
	snprintf(text, sizeof(text), "%u\n%u\n", validity, bound + 1);
	mailbox_put_file(m, ".uidvalidity", text);
	snprintf(name, sizeof(name), "new/171.y.host,U=%u:2,", bound + 1);
	mailbox_put_file(m, name, "Subject: synced\n\n");
	assert_int_equal(store_refresh(v, 0, &ch), ERR_OK);
	assert_int_equal(store_uid(v, 2), bound + 1);
	assert_int_equal(mailbox_deliver(m, "q2_0", "two"), bound + 2);
	/* mbsync begins anew */
	snprintf(text, sizeof(text), "%u\n%u\n", validity + 5, 7U);
	mailbox_put_file(m, ".uidvalidity", text);
	mailbox_put_file(m, "cur/172.z.host,U=7:2,", "Subject: anew\n\n");
	assert_int_equal(store_refresh(v, 0, &ch), ERR_NOT_FOUND);
	store_close(&v);
	v = mailbox_open(m, "INBOX");
	assert_int_equal(store_count(v), 4);
	store_close(&v);
}

static void
copy_and_move(struct mailbox *m)
{
	const struct store_flags_change c = { STORE_ADD, STORE_SEEN, 1, 0 };
	struct arena a = ARENA_INIT;
	struct store_copied copied;
	struct store_changes ch;
	struct store_message msg;
	struct store_view *v, *w;
	uint32_t uids[] = { 3, 1, 77, 1 };
	char s[64];
	unsigned bit;

	mailbox_deliver(m, "q1_0", "one");
	mailbox_deliver(m, "q2_0", "two");
	mailbox_deliver(m, "q3_0", "three");
	v = mailbox_open(m, "INBOX");
	assert_int_equal(
		store_copy(v, uids, 4, BYTES_LITERAL("Work"), false, &a, &copied), ERR_NOT_FOUND);
	assert_int_equal(store_folder_create(m->account, BYTES_LITERAL("Work")), ERR_OK);
	assert_int_equal(store_keyword_bit(v, BYTES_LITERAL("k"), true, &bit), ERR_OK);
	assert_int_equal(store_change_flags(v, uids, 1, &c, NULL, NULL), ERR_OK);
	assert_int_equal(store_copy(v, uids, 4, BYTES_LITERAL("Work"), false, &a, &copied), ERR_OK);
	assert_int_equal(copied.n, 2);
	assert_int_equal(copied.from_uids[0], 1);
	assert_int_equal(copied.to_uids[1], 2);
	w = mailbox_open(m, "Work");
	assert_int_equal(store_count(w), 2);
	assert_string_equal(mailbox_subject(w, 2, s), "three");
	store_message(w, 2, &msg);
	assert_int_equal(msg.flags, STORE_SEEN);
	assert_int_equal(msg.internal_date, 1700000000);
	assert_string_equal(store_keyword_name(w, 0), "k");
	assert_int_equal(msg.keywords, 1);
	assert_int_equal(store_copy(v, uids, 1, BYTES_LITERAL("Work"), true, &a, &copied), ERR_OK);
	assert_int_equal(store_refresh(v, 0, &ch), ERR_OK);
	assert_int_equal(ch.n_expunged, 1);
	assert_int_equal(ch.exists, 2);
	assert_int_equal(store_refresh(w, 0, &ch), ERR_OK);
	assert_int_equal(ch.exists, 3);
	/* into itself */
	assert_int_equal(
		store_copy(w, uids + 1, 1, BYTES_LITERAL("Work"), false, &a, &copied), ERR_OK);
	assert_int_equal(store_refresh(w, 0, &ch), ERR_OK);
	assert_int_equal(ch.exists, 4);
	store_close(&v);
	store_close(&w);
	arena_reset(&a);
}

static void
append(struct mailbox *m)
{
	const struct bytes keywords[] = { BYTES_LITERAL("$Forwarded"), BYTES_LITERAL("x") };
	const struct store_new n = { STORE_DRAFT, keywords, 2, 1234567890 };
	struct store_placed placed;
	struct store_append *a;
	struct store_message msg;
	struct store_view *v;
	struct store_content c;
	static char big[3000000];
	char name[256];

	memset(big, 'x', sizeof(big));
	memcpy(big, "Subject: big\r\n\r\n", 16);
	assert_int_equal(
		store_append_begin(m->account, BYTES_LITERAL("Nowhere"), &a), ERR_NOT_FOUND);
	assert_null(a);
	mailbox_append(m, "INBOX", "small", 0);
	assert_int_equal(store_append_begin(m->account, BYTES_LITERAL("INBOX"), &a), ERR_OK);
	for (size_t i = 0; i < sizeof(big); i += 100000)
		assert_int_equal(store_append_write(a, bytes_make(big + i, 100000)), ERR_OK);
	assert_int_equal(store_append_commit(&a, &n, &placed), ERR_OK);
	assert_null(a);
	assert_int_equal(placed.uid, 2);
	assert_true(strstr(mailbox_find(m, "cur", "U=2", name), ":2,DPb") != NULL);
	v = mailbox_open(m, "INBOX");
	store_message(v, 2, &msg);
	assert_int_equal(msg.size, sizeof(big));
	assert_int_equal(msg.internal_date, 1234567890);
	assert_int_equal(msg.flags, STORE_DRAFT);
	assert_int_equal(store_content_open(v, 2, &c), ERR_OK);
	assert_int_equal(c.text.n, sizeof(big));
	assert_memory_equal(c.text.p, big, sizeof(big));
	store_content_close(&c);
	store_close(&v);
	assert_int_equal(store_append_begin(m->account, BYTES_LITERAL("INBOX"), &a), ERR_OK);
	assert_int_equal(store_append_write(a, bytes_make(big, sizeof(big))), ERR_OK);
	store_append_abort(&a);
	assert_int_equal(mailbox_files(m, "tmp"), 0);
	/* the date is the file's, should the index be lost */
	mailbox_unlink(m, "relais.log");
	v = mailbox_open(m, "INBOX");
	store_message(v, 2, &msg);
	assert_int_equal(msg.internal_date, 1234567890);
	store_close(&v);
}

static void
rebuild_keeps_uids(struct mailbox *m)
{
	static const char *const files[] = { "relais.log", "relais.index", "relais.cache" };
	const struct store_flags_change seen = { STORE_ADD, STORE_SEEN, 0, 0 };
	struct store_view *v;
	struct store_status st, before;
	uint32_t uids[] = { 2 }, last;
	char unique[16], s[64];

	for (int i = 1; i <= 6; i++) {
		snprintf(unique, sizeof(unique), "q%d_0", i);
		mailbox_deliver(m, unique, unique);
	}
	v = mailbox_open(m, "INBOX");
	assert_int_equal(store_expunge(v, uids, 1, false), ERR_OK);
	uids[0] = 3;
	assert_int_equal(store_change_flags(v, uids, 1, &seen, NULL, NULL), ERR_OK);
	store_close(&v);
	for (size_t i = 0; i < NITEMS(files) * 2; i++) {
		assert_int_equal(store_status(m->account, BYTES_LITERAL("INBOX"), &before), ERR_OK);
		mailbox_reopen(m);
		if (i % NITEMS(files) == 2 || i == 4)
			mailbox_put_file(m, files[i % NITEMS(files)], "rubbish");
		else if (i != 1)
			mailbox_unlink(m, files[i % NITEMS(files)]);
		last = mailbox_deliver(m, "again", "again");
		v = mailbox_open(m, "INBOX");
		store_view_status(v, &st);
		assert_int_equal(st.uidvalidity, before.uidvalidity);
		assert_true(last >= before.uidnext);
		assert_int_equal(store_uid(v, 1), 1);
		assert_int_equal(store_uid(v, 2), 3);
		assert_int_equal(mailbox_flags(v, 2), STORE_SEEN);
		assert_string_equal(mailbox_subject(v, 2, s), "q3_0");
		assert_int_equal(store_expunge(v, &last, 1, false), ERR_OK);
		store_close(&v);
	}
}

static void
pop3_lock(struct mailbox *m)
{
	const struct store_options o = { .hostname = "x" };
	struct store_account *other;
	struct store_view *v;
	char uidl[STORE_UIDL_SIZE];

	assert_int_equal(store_account_open(m->rootfd, &o, &other), ERR_OK);
	store_account_close(&other);
	assert_int_equal(store_maildrop_lock(m->account), ERR_OK);
	{
		char whole[128];
		int fd;

		snprintf(whole, sizeof(whole), "%s/a", m->path);
		fd = open(whole, O_RDONLY | O_DIRECTORY);
		assert_int_equal(store_account_open(fd, &o, &other), ERR_OK);
		close(fd);
	}
	assert_int_equal(store_maildrop_lock(other), ERR_BUSY);
	store_maildrop_unlock(m->account);
	assert_int_equal(store_maildrop_lock(other), ERR_OK);
	store_account_close(&other);
	assert_int_equal(store_maildrop_lock(m->account), ERR_OK);
	mailbox_deliver(m, "q1_0", "one");
	v = mailbox_open(m, "INBOX");
	assert_int_equal(strlen(store_uidl(v, 1, uidl)), 16);
	assert_memory_equal(uidl, "00000001", 8);
	store_close(&v);
}

static void
long_log_is_folded(struct mailbox *m)
{
	struct store_flags_change c = { STORE_ADD, STORE_SEEN, 0, 0 };
	struct store_view *v, *w;
	struct store_changes ch;
	uint32_t uids[200];
	char unique[16], whole[128];
	struct stat st;

	for (int i = 0; i < 200; i++) {
		snprintf(unique, sizeof(unique), "q%d_0", i);
		uids[i] = mailbox_deliver(m, unique, unique);
	}
	v = mailbox_open(m, "INBOX");
	w = mailbox_open(m, "INBOX");
	for (int i = 0; i < 400; i++) {
		c.how = i % 2 == 0 ? STORE_ADD : STORE_REMOVE;
		assert_int_equal(store_change_flags(v, uids, 200, &c, NULL, NULL), ERR_OK);
	}
	store_close(&v);
	snprintf(whole, sizeof(whole), "%s/a/relais.log", m->path);
	assert_int_equal(stat(whole, &st), 0);
	assert_true(st.st_size < 65536);
	/* one who looked on meanwhile */
	assert_int_equal(store_refresh(w, 0, &ch), ERR_OK);
	assert_int_equal(ch.exists, 200);
	assert_int_equal(ch.n_changed, 200);
	assert_int_equal(ch.n_expunged, 0);
	assert_int_equal(mailbox_deliver(m, "more", "more"), 201);
	assert_int_equal(store_refresh(w, 0, &ch), ERR_OK);
	assert_int_equal(ch.exists, 201);
	store_close(&w);
}

#define TEST(name)                                                                                 \
	static void test_##name(void **arg)                                                        \
	{                                                                                          \
		run(arg, name);                                                                    \
	}
TEST(deliver_and_read)
TEST(exactly_once)
TEST(torn_delivery)
TEST(flags_and_names)
TEST(expunge_numbers)
TEST(foreign_files)
TEST(foreign_uids)
TEST(copy_and_move)
TEST(append)
TEST(rebuild_keeps_uids)
TEST(pop3_lock)
TEST(long_log_is_folded)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_deliver_and_read),
		cmocka_unit_test(test_exactly_once),
		cmocka_unit_test(test_torn_delivery),
		cmocka_unit_test(test_flags_and_names),
		cmocka_unit_test(test_expunge_numbers),
		cmocka_unit_test(test_foreign_files),
		cmocka_unit_test(test_foreign_uids),
		cmocka_unit_test(test_copy_and_move),
		cmocka_unit_test(test_append),
		cmocka_unit_test(test_rebuild_keeps_uids),
		cmocka_unit_test(test_pop3_lock),
		cmocka_unit_test(test_long_log_is_folded),
	};

	return cmocka_run_group_tests_name("store/folder", tests, NULL, NULL);
}
