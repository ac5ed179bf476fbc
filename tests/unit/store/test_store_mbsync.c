/* SPDX-License-Identifier: ISC */
/*
 * tests/unit/store/test_store_mbsync.c - mbsync works on the same tree, with its native UIDs: a
 * copy of the account is made, changed, and brought back. Skipped where there is no mbsync.
 */
#include "mailbox.h"

#include <stdio.h>
#include <stdlib.h>

#include "err.h"

static int
shell(struct mailbox *m, const char *command)
{
	char line[1000];

	snprintf(line, sizeof(line), "cd '%s' && { %s; } >mbsync.out 2>&1", m->path, command);
	return system(line);
}

static void
configure(struct mailbox *m)
{
	char path[100];
	FILE *f;

	snprintf(path, sizeof(path), "%s/rc", m->path);
	f = fopen(path, "w");
	assert_non_null(f);
	fprintf(f,
		"MaildirStore ours\nInbox %s/a\nSubFolders Maildir++\n\n"
		"MaildirStore copy\nInbox %s/copy\nSubFolders Maildir++\n\n"
		"Channel c\nFar :ours:\nNear :copy:\nPatterns *\nCreate Both\nExpunge Both\n"
		"SyncState *\n",
		m->path, m->path);
	fclose(f);
}

static void
both_ways(void **arg)
{
	const struct store_flags_change seen = { STORE_ADD, STORE_SEEN, 0, 0 };
	struct store_status before, st;
	struct store_view *v;
	struct mailbox m;
	uint32_t uid = 1;
	char name[256], s[64];

	if (system("command -v mbsync >/dev/null 2>&1") != 0)
		skip();
	mailbox_make(&m);
	configure(&m);
	mailbox_deliver(&m, "q1_0", "one");
	mailbox_deliver(&m, "q2_0", "two");
	mailbox_deliver(&m, "q3_0", "three");
	assert_int_equal(store_folder_create(m.account, BYTES_LITERAL("Lists/x")), ERR_OK);
	mailbox_append(&m, "Lists/x", "four", STORE_FLAGGED);
	v = mailbox_open(&m, "INBOX");
	assert_int_equal(store_change_flags(v, &uid, 1, &seen, NULL, NULL), ERR_OK);
	store_close(&v);
	assert_int_equal(store_status(m.account, BYTES_LITERAL("INBOX"), &before), ERR_OK);
	assert_int_equal(shell(&m, "mbsync -c rc c"), 0);
	assert_int_equal(shell(&m, "ls copy/cur/*,U=1:2,S && ls copy/.Lists.x/*/*,U=1:2,F"), 0);
	/* there: the first is flagged, the second removed, another comes */
	assert_int_equal(shell(&m, "mv copy/cur/*,U=1:2,S copy/cur/x,U=1:2,FS"), 0);
	assert_int_equal(shell(&m, "f=$(ls copy/*/*,U=2:2,*); mv $f copy/cur/y,U=2:2,ST"), 0);
	assert_int_equal(
		shell(&m, "printf 'From: x\\nSubject: five\\n\\nhi\\n' >copy/new/17.z.h"), 0);
	assert_int_equal(shell(&m, "mbsync -c rc c"), 0);
	v = mailbox_open(&m, "INBOX");
	store_view_status(v, &st);
	assert_int_equal(st.uidvalidity, before.uidvalidity);
	assert_int_equal(store_count(v), 3);
	assert_int_equal(store_uid(v, 1), 1);
	assert_int_equal(mailbox_flags(v, 1), STORE_SEEN | STORE_FLAGGED);
	assert_int_equal(store_uid(v, 2), 3);
	assert_true(store_uid(v, 3) >= before.uidnext);
	assert_string_equal(mailbox_subject(v, 3, s), "five");
	store_close(&v);
	/* and all are in agreement */
	assert_int_equal(shell(&m, "mbsync -c rc c && ls copy/cur copy/new | grep -c U="), 0);
	assert_string_equal(mailbox_find(&m, "cur", ",U=2:", name), "");
	mailbox_remove(&m);
}

int
main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(both_ways) };

	return cmocka_run_group_tests_name("store/mbsync", tests, NULL, NULL);
}
