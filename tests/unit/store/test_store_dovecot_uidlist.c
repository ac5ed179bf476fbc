/* SPDX-License-Identifier: ISC */
/*
 * tests/unit/store/test_store_dovecot_uidlist.c - Dovecot's list of UIDs: its lines, and Maildirs
 * that are taken over by it. (With the real Dovecot: tests/system/test_moving.py.)
 */
#include "../base/cases.h"
#include "mailbox.h"

#include <fcntl.h>
#include <stdio.h>
#include <unistd.h>

#include "dovecot_uidlist.h"
#include "err.h"

static const struct list_row {
	const char *label, *text;
	int opened; /* the result of opening */
	uint32_t uidvalidity, uidnext;
	int end; /* the result behind the last good line */
	unsigned n;
	uint32_t last; /* UID */
	const char *name;
} list_rows[] = {
	{ "version 3", "3 V7 N9 Gab\n5 :a,S=1:2,\n8 W2 S3 :b:2,F\n", ERR_OK, 7, 9, 0, 2, 8,
		"b:2,F" },
	{ "version 1", "1 7 9\n5 a\n8 b:2,\n", ERR_OK, 7, 9, 0, 2, 8, "b:2," },
	{ "no message", "3 V7 N1\n", ERR_OK, 7, 1, 0, 0, 0, NULL },
	{ "no end of line", "3 V7 N9\n5 :a", ERR_OK, 7, 9, 0, 1, 5, "a" },
	{ "a colon in the name", "3 V7 N9\n5 :a:b\n", ERR_OK, 7, 9, 0, 1, 5, "a:b" },
	{ "another version", "4 V7 N9\n", ERR_UNSUPPORTED, 0, 0, 0, 0, 0, NULL },
	{ "nothing", "", ERR_UNSUPPORTED, 0, 0, 0, 0, 0, NULL },
	{ "no validity", "3 N9\n", ERR_SYNTAX, 0, 9, 0, 0, 0, NULL },
	{ "validity 0", "3 V0 N9\n", ERR_SYNTAX, 0, 0, 0, 0, 0, NULL },
	{ "no next UID", "3 V7\n", ERR_SYNTAX, 7, 0, 0, 0, 0, NULL },
	{ "not a number", "3 Vx N9\n", ERR_SYNTAX, 0, 0, 0, 0, 0, NULL },
	{ "UIDs that fall", "3 V7 N9\n5 :a\n4 :b\n", ERR_OK, 7, 9, ERR_SYNTAX, 1, 5, "a" },
	{ "a UID twice", "3 V7 N9\n5 :a\n5 :b\n", ERR_OK, 7, 9, ERR_SYNTAX, 1, 5, "a" },
	{ "a UID above the next", "3 V7 N9\n9 :a\n", ERR_OK, 7, 9, ERR_SYNTAX, 0, 0, NULL },
	{ "no name", "3 V7 N9\n5 W2\n", ERR_OK, 7, 9, ERR_SYNTAX, 0, 0, NULL },
	{ "an empty name", "3 V7 N9\n5 :\n", ERR_OK, 7, 9, ERR_SYNTAX, 0, 0, NULL },
	{ "an empty line", "3 V7 N9\n\n5 :a\n", ERR_OK, 7, 9, ERR_SYNTAX, 0, 0, NULL },
};

static void
run_list(void **state)
{
	const struct list_row *t = *state;
	struct dovecot_uidlist l;
	uint32_t uid, last = 0;
	struct bytes name, last_name = BYTES_NONE;
	unsigned n = 0;
	int r;

	assert_int_equal(dovecot_uidlist_open(&l, bytes_from_str(t->text)), t->opened);
	assert_int_equal(l.uidvalidity, t->uidvalidity);
	assert_int_equal(l.uidnext, t->uidnext);
	if (t->opened < 0)
		return;
	while ((r = dovecot_uidlist_next(&l, &uid, &name)) > 0) {
		n++;
		last = uid;
		last_name = name;
	}
	assert_int_equal(r, t->end);
	assert_int_equal(n, t->n);
	assert_int_equal(last, t->last);
	assert_true(t->name == NULL || bytes_is(last_name, t->name));
}

/* ---- a Maildir ---- */

#define MESSAGE "Subject: x\r\n\r\nx\r\n"

/* In the mailbox m: one of the list, one that is not in it, one in new/. */
static void
make_dovecot(struct mailbox *m, const char *list)
{
	char path[100];

	mailbox_make(m);
	mailbox_shut(m);
	snprintf(path, sizeof(path), "%s/a/.uidvalidity", m->path);
	assert_true(unlink(path) == 0 || access(path, F_OK) != 0);
	mailbox_put_file(m, "cur/1.M1P1.host,S=16,W=17:2,S", MESSAGE);
	mailbox_put_file(m, "cur/2.M2P2.host:2,F", MESSAGE);
	mailbox_put_file(m, "new/3.M3P3.host,S=16", MESSAGE);
	mailbox_put_file(m, DOVECOT_UIDLIST, list);
}

static int
take_over(struct mailbox *m, size_t *taken, size_t *others)
{
	char path[100];
	int fd, r;

	snprintf(path, sizeof(path), "%s/a", m->path);
	fd = open(path, O_RDONLY | O_DIRECTORY);
	assert_true(fd >= 0);
	r = dovecot_uidlist_take_over(fd, taken, others);
	close(fd);
	return r;
}

static const char good_list[] = "3 V777 N100 Gab\n41 :1.M1P1.host,S=16,W=17:2,\n"
				"57 :3.M3P3.host,S=16\n";

static void
test_taken_over(void **arg)
{
	struct store_status st;
	struct store_view *v;
	struct mailbox m;
	size_t taken, others;

	UNUSED(arg);
	make_dovecot(&m, good_list);
	assert_int_equal(take_over(&m, &taken, &others), ERR_OK);
	assert_int_equal(taken, 2);
	assert_int_equal(others, 1);
	assert_int_equal(take_over(&m, &taken, &others), ERR_EXISTS);
	mailbox_reopen(&m);
	v = mailbox_open(&m, "INBOX");
	store_view_status(v, &st);
	assert_int_equal(st.uidvalidity, 777);
	assert_int_equal(st.messages, 3);
	assert_int_equal(store_uid(v, 1), 41);
	assert_int_equal(store_uid(v, 2), 57);
	assert_true(store_uid(v, 3) >= 100); /* above all that Dovecot gave out */
	assert_true(st.uidnext > store_uid(v, 3));
	store_close(&v);
	mailbox_remove(&m);
}

/* After a crash: some files have their new names, .uidvalidity is not there or empty. */
static void
test_half_done(void **arg)
{
	struct mailbox m;
	size_t taken, others;
	char name[256];

	UNUSED(arg);
	make_dovecot(&m, good_list);
	mailbox_rename(&m, "cur/1.M1P1.host,S=16,W=17:2,S", "cur/1.M1P1.host,S=16,W=17,U=41:2,S");
	assert_int_equal(take_over(&m, &taken, &others), ERR_OK);
	assert_int_equal(taken, 2);
	assert_string_equal(
		mailbox_find(&m, "cur", "U=41", name), "1.M1P1.host,S=16,W=17,U=41:2,S");
	mailbox_unlink(&m, ".uidvalidity");
	mailbox_put_file(&m, ".uidvalidity", "");
	assert_int_equal(take_over(&m, &taken, &others), ERR_OK);
	assert_int_equal(taken, 2);
	assert_int_equal(take_over(&m, &taken, &others), ERR_EXISTS);
	mailbox_reopen(&m);
	mailbox_remove(&m);
}

static void
test_nothing_changed(void **arg)
{
	struct mailbox m;
	size_t taken, others;
	char name[256];

	UNUSED(arg);
	make_dovecot(&m, "3 V777 N100\n41 :1.M1P1.host,S=16:2,\n9 :2.M2P2.host\n");
	assert_int_equal(take_over(&m, &taken, &others), ERR_SYNTAX);
	assert_string_equal(mailbox_find(&m, "cur", "U=", name), "");
	mailbox_unlink(&m, DOVECOT_UIDLIST);
	assert_int_equal(take_over(&m, &taken, &others), ERR_NOT_FOUND);
	mailbox_reopen(&m);
	mailbox_remove(&m);
}

int
main(void)
{
	TABLE_TESTS(lists, list_rows, run_list);
	const struct CMUnitTest wholes[] = { cmocka_unit_test(test_taken_over),
		cmocka_unit_test(test_half_done), cmocka_unit_test(test_nothing_changed) };

	return cmocka_run_group_tests_name("uidlist/lines", lists, NULL, NULL) +
	       cmocka_run_group_tests_name("uidlist/Maildirs", wholes, NULL, NULL);
}
