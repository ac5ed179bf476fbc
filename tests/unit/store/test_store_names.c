/* SPDX-License-Identifier: ISC */
/* tests/unit/store/test_store_names.c - names of message files and of folders. */
#include "mailbox.h"

#include "err.h"
#include "folder_name.h"
#include "maildir_name.h"

static const struct file_row {
	const char *label, *name, *key, *base;
	uint32_t uid;
	uint64_t size;
	unsigned flags;
	int result;
} file_rows[] = {
	{ "bare", "170.a.host", "170.a.host", "170.a.host", 0, 0, 0, ERR_OK },
	{ "ours", "170.Q1_0.host,S=40,U=17:2,FS", "170.Q1_0.host", "170.Q1_0.host,S=40,U=17", 17,
		40, STORE_FLAGGED | STORE_SEEN, ERR_OK },
	{ "mbsync's", "170.1_2.host,U=9:2,", "170.1_2.host", "170.1_2.host,U=9", 9, 0, 0, ERR_OK },
	{ "Dovecot's", "170.M1P2.host,S=5,W=6:2,DRTab", "170.M1P2.host", "170.M1P2.host,S=5,W=6", 0,
		5, STORE_DRAFT | STORE_ANSWERED | STORE_DELETED, ERR_OK },
	{ "another info", "170.a.host:1,S", "170.a.host", "170.a.host", 0, 0, 0, ERR_OK },
	{ "number too large", "170.a,U=99999999999999999999", "170.a",
		"170.a,U=99999999999999999999", 0, 0, 0, ERR_OK },
	{ "UID over 32 bits", "170.a,U=4294967296", "170.a", "170.a,U=4294967296", 0, 0, 0,
		ERR_OK },
	{ "no number", "170.a,U=,S=x", "170.a", "170.a,U=,S=x", 0, 0, 0, ERR_OK },
	{ "hidden", ".170.a", NULL, NULL, 0, 0, 0, ERR_SYNTAX },
	{ "empty", "", NULL, NULL, 0, 0, 0, ERR_SYNTAX },
	{ "no key", ",U=3", NULL, NULL, 0, 0, 0, ERR_SYNTAX },
	{ "only info", ":2,S", NULL, NULL, 0, 0, 0, ERR_SYNTAX },
};

static void
run_file(void **arg)
{
	const struct file_row *t = *arg;
	struct maildir_name n;

	assert_int_equal(maildir_name_parse(bytes_from_str(t->name), &n), t->result);
	if (t->result < 0)
		return;
	assert_true(bytes_is(n.key, t->key));
	assert_true(bytes_is(n.base, t->base));
	assert_int_equal(n.uid, t->uid);
	assert_int_equal(n.size, t->size);
	assert_int_equal(maildir_flags(n.letters), t->flags);
}

static const struct folder_row {
	const char *label, *name, *dir;
	int result;
} folder_rows[] = {
	{ "INBOX", "INBOX", ".", ERR_OK },
	{ "inbox", "inBox", ".", ERR_OK },
	{ "one level", "Sent", ".Sent", ERR_OK },
	{ "two levels", "Lists/relais", ".Lists.relais", ERR_OK },
	{ "dot in a level", "Lists/a.b", ".Lists.a\\2eb", ERR_OK },
	{ "backslash", "a\\b", ".a\\5cb", ERR_OK },
	{ "below INBOX", "Inbox/x", ".INBOX.x", ERR_OK },
	{ "modified UTF-7", "Entw&APw-rfe", ".Entw&APw-rfe", ERR_OK },
	{ "blank", "Sent Items", ".Sent Items", ERR_OK },
	{ "slash at the end", "Sent/", ".Sent", ERR_OK },
	{ "empty", "", NULL, ERR_SYNTAX },
	{ "only a slash", "/", NULL, ERR_SYNTAX },
	{ "slash in front", "/Sent", NULL, ERR_SYNTAX },
	{ "empty level", "a//b", NULL, ERR_SYNTAX },
	{ "dot", ".", NULL, ERR_SYNTAX },
	{ "up", "a/../b", NULL, ERR_SYNTAX },
	{ "eight bits", "Entw\xc3\xbcrfe", NULL, ERR_SYNTAX },
	{ "control", "a\tb", NULL, ERR_SYNTAX },
	{ "bad modified UTF-7", "a&b", NULL, ERR_SYNTAX },
};

static void
run_folder(void **arg)
{
	const struct folder_row *t = *arg;
	struct buf out = BUF_INIT, back = BUF_INIT;

	assert_int_equal(folder_name_to_dir(&out, bytes_from_str(t->name)), t->result);
	if (t->result == ERR_OK) {
		assert_string_equal(buf_str(&out), t->dir);
		if (strcmp(t->dir, ".") != 0) {
			struct buf again = BUF_INIT;

			assert_int_equal(folder_name_from_dir(&back, buf_bytes(&out)), ERR_OK);
			assert_int_equal(folder_name_to_dir(&again, buf_bytes(&back)), ERR_OK);
			assert_string_equal(buf_str(&again), t->dir);
			buf_free(&again);
		}
	}
	buf_free(&out);
	buf_free(&back);
}

static void
too_long(void **arg)
{
	struct buf out = BUF_INIT;
	char name[300];

	memset(name, 'x', sizeof(name));
	assert_int_equal(folder_name_to_dir(&out, bytes_make(name, 241)), ERR_LIMIT);
	memset(name, '.', 240);
	name[0] = 'x';
	assert_int_equal(folder_name_to_dir(&out, bytes_make(name, 240)), ERR_LIMIT);
	memset(name, 'x', 240);
	assert_int_equal(folder_name_to_dir(&out, bytes_make(name, 240)), ERR_OK);
	buf_free(&out);
}

static void
writing(void **arg)
{
	struct buf out = BUF_INIT;

	maildir_name_put(&out, BYTES_LITERAL("1.a.h,U=3"),
		maildir_letters(STORE_SEEN | STORE_DRAFT) | MAILDIR_LETTER('b') |
			MAILDIR_LETTER('P'));
	assert_string_equal(buf_str(&out), "1.a.h,U=3:2,DPSb");
	buf_clear(&out);
	maildir_base_with_uid(&out, BYTES_LITERAL("1.a.h,U=3,S=7"), 12);
	assert_string_equal(buf_str(&out), "1.a.h,S=7,U=12");
	buf_free(&out);
}

static void
special_use(void **arg)
{
	assert_int_equal(folder_name_special_use(BYTES_LITERAL("sent")), STORE_USE_SENT);
	assert_int_equal(folder_name_special_use(BYTES_LITERAL("Drafts")), STORE_USE_DRAFTS);
	assert_int_equal(folder_name_special_use(BYTES_LITERAL("a/Sent")), 0);
}

int
main(void)
{
	struct CMUnitTest tests[NITEMS(file_rows) + NITEMS(folder_rows) + 3];
	size_t n = 0;

	for (size_t i = 0; i < NITEMS(file_rows); i++)
		tests[n++] = (struct CMUnitTest){ file_rows[i].label, run_file, NULL, NULL,
			(void *)(uintptr_t)&file_rows[i] };
	for (size_t i = 0; i < NITEMS(folder_rows); i++)
		tests[n++] = (struct CMUnitTest){ folder_rows[i].label, run_folder, NULL, NULL,
			(void *)(uintptr_t)&folder_rows[i] };
	tests[n++] = (struct CMUnitTest)cmocka_unit_test(too_long);
	tests[n++] = (struct CMUnitTest)cmocka_unit_test(writing);
	tests[n++] = (struct CMUnitTest)cmocka_unit_test(special_use);
	return cmocka_run_group_tests_name("store/names", tests, NULL, NULL);
}
