/* SPDX-License-Identifier: ISC */
/*
 * tests/unit/imapd/test_faults.c - each system call on the way of a change fails in turn: what was
 * answered OK is there afterwards, and the session never ends in a wrong state.
 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>

#include <cmocka.h>

#include "dialogue.h"
#include "err.h"
#include "sys.h"

#define NTH_MAX 60

static const struct row {
	const char *label;
	enum sys_call call;
	int error;
} rows[] = {
	{ "open", SYS_OPEN, EIO },
	{ "read", SYS_READ, EIO },
	{ "write", SYS_WRITE, ENOSPC },
	{ "fdatasync", SYS_FDATASYNC, EIO },
	{ "fsync", SYS_FSYNC, EIO },
	{ "syncfs", SYS_SYNCFS, EIO },
	{ "rename", SYS_RENAME, EIO },
	{ "link", SYS_LINK, EIO },
	{ "unlink", SYS_UNLINK, EIO },
	{ "mkdir", SYS_MKDIR, EACCES },
	{ "truncate", SYS_TRUNCATE, EIO },
};

/* Commands, and how a fresh session sees that each was done. */
static const struct step {
	const char *command, *proof, *answer;
} steps[] = {
	{ "a APPEND INBOX (\\Seen) {6+}\r\na: b\r\n\r\n", "STATUS INBOX (MESSAGES)",
		"* STATUS INBOX (MESSAGES 2)" },
	{ "a STORE 1 +FLAGS (\\Flagged)\r\n", "SEARCH FLAGGED", "* SEARCH 1" },
	{ "a STORE 1 +FLAGS ($Label)\r\n", "SEARCH KEYWORD $Label", "* SEARCH 1" },
	{ "a COPY 1 other\r\n", "STATUS other (MESSAGES)", "* STATUS other (MESSAGES 1)" },
	{ "a CREATE third\r\n", "STATUS third (MESSAGES)", "* STATUS third (MESSAGES 0)" },
	{ "a UID MOVE 1 other\r\n", "STATUS INBOX (MESSAGES)", "* STATUS INBOX (MESSAGES 0)" },
	{ "a RENAME other more\r\n", "STATUS more (MESSAGES)", "* STATUS more (MESSAGES 0)" },
	{ "a SUBSCRIBE other\r\n", "LSUB \"\" *", "* LSUB (\\HasNoChildren) \"/\" other" },
	{ "a FETCH 1 BODY[]\r\n", "SEARCH SEEN", "* SEARCH 1" },
	{ "a DELETE other\r\n", "LIST \"\" other", "b OK LIST completed" },
};

static void
say(struct imap_session *s, const char *text)
{
	struct bytes in = bytes_from_str(text);

	do
		imap_session_work(s, &in);
	while (!imap_session_over(s) && (in.n > 0 || imap_session_busy(s)));
}

static bool
said(struct imap_session *s, const char *what)
{
	return bytes_search(buf_bytes(&s->out), bytes_from_str(what)) != BYTES_NOT_FOUND;
}

static struct imap_session *
begin(struct store_account *account, const char *first)
{
	const struct imap_host host = { .ctx = NULL };
	const struct imap_limits limits = { .message_octets = 0 };
	struct imap_session *s = imap_session_new(account, NULL, &host, &limits);

	say(s, first);
	buf_clear(&s->out);
	return s;
}

/* What another process would see: an account opened anew. */
static bool
is_done(const struct mailbox *m, const struct step *t)
{
	struct imap_session *s = begin(m->account[1], "x SELECT INBOX\r\n");
	char line[100];
	bool done;

	snprintf(line, sizeof(line), "b %s\r\n", t->proof);
	say(s, line);
	done = said(s, t->answer);
	imap_session_free(&s);
	return done;
}

/* false: the fault did not come up any more */
static bool
try_step(const struct row *row, const struct step *t, unsigned nth)
{
	struct imap_session *s;
	struct mailbox m;
	bool ok, over;

	mailbox_open(&m);
	s = begin(m.account[0],
		"x APPEND INBOX {6+}\r\na: b\r\n\r\nx CREATE other\r\nx SELECT INBOX\r\n");
	assert_int_equal(sys_fault(row->call, nth, row->error, false), ERR_OK);
	say(s, t->command);
	sys_fault_clear();
	ok = said(s, "a OK");
	over = imap_session_over(s);
	if (!ok && !said(s, "a NO") && !over)
		fail_msg("%s %u, %s: no answer: %s", row->label, nth, t->command, buf_str(&s->out));
	buf_clear(&s->out);
	if (!over) {
		say(s, "c NOOP\r\n");
		assert_true(said(s, "c OK") || imap_session_over(s));
	}
	imap_session_free(&s);
	if (ok && !is_done(&m, t))
		fail_msg("%s %u: answered OK and not done: %s", row->label, nth, t->command);
	mailbox_close(&m);
	return !ok;
}

static void
run_row(void **arg)
{
	const struct row *row = *arg;

	if (sys_fault(row->call, 1, EIO, false) == ERR_UNSUPPORTED)
		skip();
	sys_fault_clear();
	for (size_t i = 0; i < NITEMS(steps); i++) {
		unsigned quiet = 0;

		/* some faults are made good without a word: go on a little */
		for (unsigned nth = 1; nth < NTH_MAX && quiet < 8; nth++)
			quiet = try_step(row, &steps[i], nth) ? 0 : quiet + 1;
	}
}

int
main(void)
{
	struct CMUnitTest tests[NITEMS(rows)];

	for (size_t i = 0; i < NITEMS(rows); i++)
		tests[i] = (struct CMUnitTest){ rows[i].label, run_row, NULL, NULL,
			(void *)(uintptr_t)&rows[i] };
	return cmocka_run_group_tests_name("imapd/faults", tests, NULL, NULL);
}
