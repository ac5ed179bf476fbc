/* SPDX-License-Identifier: ISC */
/*
 * tests/unit/pop3d/test_transaction.c - POP3's TRANSACTION state on a real mailbox of three
 * messages, by rows; and what is left in it afterwards.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "err.h"
#include "sys.h"
#include "transaction.h"

static const char *const messages[] = {
	"Subject: one\r\n\r\nfirst\r\n",           /* 23 octets */
	"Subject: two\r\n\r\n.dot\r\n..\r\n.\r\n", /* 29 */
	"Subject: three\r\n\r\n1\r\n2\r\n3\r\n",   /* 27 */
};

static const struct row {
	const char *label, *input, *output; /* output: without CRs */
	unsigned left;                      /* messages in the INBOX afterwards */
	bool over;
} rows[] = {
	{ "stat", "STAT\r\n", "+OK 3 79\n", 3, false },
	{ "list", "LIST\r\n", "+OK 3 messages (79 octets)\n1 23\n2 29\n3 27\n.\n", 3, false },
	{ "list one", "LIST 2\r\n", "+OK 2 29\n", 3, false },
	{ "list none", "LIST 4\r\n", "-ERR There is no message 4.\n", 3, false },
	{ "retr", "RETR 1\r\n", "+OK 23 octets\nSubject: one\n\nfirst\n.\n", 3, false },
	{ "retr with dots", "RETR 2\r\n", "+OK 29 octets\nSubject: two\n\n..dot\n...\n..\n.\n", 3,
		false },
	{ "top 0", "TOP 3 0\r\n", "+OK\nSubject: three\n\n.\n", 3, false },
	{ "top 2", "TOP 3 2\r\n", "+OK\nSubject: three\n\n1\n2\n.\n", 3, false },
	{ "noop, lower case, bare LF", "noop\n", "+OK\n", 3, false },
	{ "dele then quit", "DELE 2\r\nQUIT\r\n", "+OK Marked to be deleted.\n+OK Logging out.\n",
		2, true },
	{ "dele all, pipelined", "DELE 1\r\nDELE 2\r\nDELE 3\r\nSTAT\r\nQUIT\r\n",
		"+OK Marked to be deleted.\n+OK Marked to be deleted.\n"
		"+OK Marked to be deleted.\n+OK 0 0\n+OK Logging out.\n",
		0, true },
	{ "dele without quit", "DELE 2\r\n", "+OK Marked to be deleted.\n", 3, false },
	{ "dele twice", "DELE 2\r\nDELE 2\r\n",
		"+OK Marked to be deleted.\n-ERR There is no message 2.\n", 3, false },
	{ "what is marked is not there", "DELE 2\r\nSTAT\r\nLIST\r\nRETR 2\r\nUIDL 2\r\n",
		"+OK Marked to be deleted.\n+OK 2 50\n+OK 2 messages (50 octets)\n1 23\n3 27\n.\n"
		"-ERR There is no message 2.\n-ERR There is no message 2.\n",
		3, false },
	{ "rset", "DELE 2\r\nRSET\r\nSTAT\r\nQUIT\r\n",
		"+OK Marked to be deleted.\n+OK\n+OK 3 79\n+OK Logging out.\n", 3, true },
	{ "after quit nothing", "QUIT\r\nSTAT\r\n", "+OK Logging out.\n", 3, true },
	{ "unknown", "XTND\r\n", "-ERR Unknown command.\n", 3, false },
	{ "login again", "USER x\r\n", "-ERR Unknown command.\n", 3, false },
	{ "bad arguments", "RETR x\r\nTOP 1\r\nSTAT 1\r\n",
		"-ERR Invalid arguments.\n-ERR Invalid arguments.\n-ERR Invalid arguments.\n", 3,
		false },
	{ "capa", "CAPA\r\n",
		"+OK\nTOP\nUIDL\nRESP-CODES\nAUTH-RESP-CODE\nPIPELINING\nEXPIRE NEVER\n"
		"IMPLEMENTATION relais\nUSER\nSASL PLAIN LOGIN\n.\n",
		3, false },
};

struct fixture {
	char folder[64];
	int root_fd;
};

static void
append(struct store_account *account, const char *text)
{
	const struct store_new attributes = { .internal_date = 1000 };
	struct store_append *a;
	struct store_placed placed;

	assert_int_equal(store_append_begin(account, BYTES_LITERAL("INBOX"), &a), ERR_OK);
	assert_int_equal(store_append_write(a, bytes_from_str(text)), ERR_OK);
	assert_int_equal(store_append_commit(&a, &attributes, &placed), ERR_OK);
}

static int
setup(void **state)
{
	const struct store_options options = { "host" };
	struct fixture *f = calloc(1, sizeof(*f));
	struct store_account *account;

	snprintf(f->folder, sizeof(f->folder), "/tmp/relais-pop3-XXXXXX");
	assert_non_null(mkdtemp(f->folder));
	f->root_fd = open(f->folder, O_RDONLY | O_DIRECTORY);
	assert_int_equal(store_account_open(f->root_fd, &options, &account), ERR_OK);
	for (size_t i = 0; i < NITEMS(messages); i++)
		append(account, messages[i]);
	store_account_close(&account);
	*state = f;
	return 0;
}

static int
teardown(void **state)
{
	struct fixture *f = *state;
	char command[100];

	sys_fault_clear();
	close(f->root_fd);
	snprintf(command, sizeof(command), "rm -rf %s", f->folder);
	assert_int_equal(system(command), 0);
	free(f);
	return 0;
}

/* As the owner does: long replies are asked for until they end. */
static void
play(struct pop3_transaction *t, struct bytes input, size_t step, struct buf *out)
{
	struct buf pending = BUF_INIT;
	size_t used = 1;

	while (!t->over && (input.n > 0 || used > 0)) {
		buf_put_bytes(&pending, bytes_head(input, step));
		input = bytes_skip(input, step);
		used = pop3_input(t, buf_bytes(&pending), out);
		buf_consume(&pending, used);
		while (pop3_is_sending(t))
			pop3_send_more(t, out);
	}
	buf_free(&pending);
}

static void
assert_output(struct buf *out, const char *expected)
{
	struct buf plain = BUF_INIT;

	for (size_t i = 0; i < out->len; i++)
		if (buf_bytes(out).p[i] != '\r')
			buf_put_u8(&plain, buf_bytes(out).p[i]);
	assert_string_equal(buf_str(&plain), expected);
	buf_free(&plain);
	buf_free(out);
}

static void
run(const struct row *row, size_t step)
{
	struct pop3_transaction t;
	struct buf out = BUF_INIT;
	struct maildrop drop;
	void *state;

	assert_int_equal(setup(&state), 0);
	assert_int_equal(maildrop_open(((struct fixture *)state)->root_fd, "host", &drop), ERR_OK);
	pop3_transaction_init(&t, &drop);
	t.mechanisms = BYTES_LITERAL(" PLAIN LOGIN");
	play(&t, bytes_from_str(row->input), step, &out);
	assert_output(&out, row->output);
	assert_int_equal(t.over, row->over);
	assert_int_equal(t.change.messages, (int64_t)row->left - 3);
	pop3_transaction_cleanup(&t);
	maildrop_close(&drop);
	assert_int_equal(maildrop_open(((struct fixture *)state)->root_fd, "host", &drop), ERR_OK);
	assert_int_equal(drop.count, row->left);
	maildrop_close(&drop);
	teardown(&state);
}

static void
run_row(void **arg)
{
	run(*arg, SIZE_MAX);
	run(*arg, 1);
}

/* RETR makes a message seen, TOP does not, and DELE takes it away with the mark. */
static void
test_retr_is_seen(void **arg)
{
	struct store_message message;
	struct pop3_transaction t;
	struct buf out = BUF_INIT;
	struct maildrop drop;
	void *state;
	int root;

	UNUSED(arg);
	assert_int_equal(setup(&state), 0);
	root = ((struct fixture *)state)->root_fd;
	assert_int_equal(maildrop_open(root, "host", &drop), ERR_OK);
	pop3_transaction_init(&t, &drop);
	play(&t, BYTES_LITERAL("RETR 1\r\nRETR 2\r\nDELE 1\r\nTOP 3 1\r\nQUIT\r\n"), SIZE_MAX,
		&out);
	buf_free(&out);
	maildrop_close(&drop);
	assert_int_equal(maildrop_open(root, "host", &drop), ERR_OK);
	assert_int_equal(drop.count, 2);
	store_message(drop.view, 1, &message);
	assert_int_equal(message.flags, STORE_SEEN);
	store_message(drop.view, 2, &message);
	assert_int_equal(message.flags, 0);
	maildrop_close(&drop);
	teardown(&state);
}

/* The lock is exclusive, in one process too; and UIDL is the same in the next session. */
static void
test_lock_and_uidl(void **arg)
{
	char before[3][STORE_UIDL_SIZE], after[STORE_UIDL_SIZE];
	struct maildrop drop, other;
	void *state;
	int root;

	UNUSED(arg);
	assert_int_equal(setup(&state), 0);
	root = ((struct fixture *)state)->root_fd;
	assert_int_equal(maildrop_open(root, "host", &drop), ERR_OK);
	assert_int_equal(maildrop_open(root, "host", &other), ERR_BUSY);
	for (uint32_t i = 1; i <= 3; i++)
		store_uidl(drop.view, i, before[i - 1]);
	assert_string_not_equal(before[0], before[1]);
	maildrop_mark(&drop, 1);
	assert_int_equal(maildrop_update(&drop, &(struct store_usage){ 0 }), ERR_OK);
	maildrop_close(&drop);
	assert_int_equal(maildrop_open(root, "host", &drop), ERR_OK);
	assert_int_equal(drop.count, 2);
	assert_string_equal(store_uidl(drop.view, 1, after), before[1]);
	assert_string_equal(store_uidl(drop.view, 2, after), before[2]);
	maildrop_close(&drop);
	teardown(&state);
}

/* Removal that may not have reached the disk is never confirmed. */
static void
test_quit_fails(void **arg)
{
	struct pop3_transaction t;
	struct buf out = BUF_INIT;
	struct maildrop drop;
	void *state;

	UNUSED(arg);
	assert_int_equal(setup(&state), 0);
	assert_int_equal(maildrop_open(((struct fixture *)state)->root_fd, "host", &drop), ERR_OK);
	pop3_transaction_init(&t, &drop);
	play(&t, BYTES_LITERAL("DELE 1\r\n"), SIZE_MAX, &out);
	buf_clear(&out);
	if (sys_fault(SYS_FDATASYNC, 1, 5, true) == ERR_OK) {
		assert_int_equal(sys_fault(SYS_WRITE, 1, 28, true), ERR_OK);
		play(&t, BYTES_LITERAL("QUIT\r\n"), SIZE_MAX, &out);
		assert_true(bytes_starts_with(buf_bytes(&out), BYTES_LITERAL("-ERR [SYS/")));
		assert_true(t.over);
		sys_fault_clear();
	}
	buf_free(&out);
	pop3_transaction_cleanup(&t);
	maildrop_close(&drop);
	teardown(&state);
}

/* One DELE and QUIT while the nth call of a kind fails; what is then in the maildrop. */
static void
quit_with_fault(enum sys_call call, unsigned nth)
{
	struct pop3_transaction t;
	struct buf out = BUF_INIT;
	struct maildrop drop;
	bool confirmed;
	void *state;
	int root;

	assert_int_equal(setup(&state), 0);
	root = ((struct fixture *)state)->root_fd;
	assert_int_equal(maildrop_open(root, "host", &drop), ERR_OK);
	pop3_transaction_init(&t, &drop);
	play(&t, BYTES_LITERAL("DELE 2\r\n"), SIZE_MAX, &out);
	buf_clear(&out);
	assert_int_equal(sys_fault(call, nth, 5, false), ERR_OK);
	play(&t, BYTES_LITERAL("QUIT\r\n"), SIZE_MAX, &out);
	sys_fault_clear();
	confirmed = bytes_starts_with(buf_bytes(&out), BYTES_LITERAL("+OK"));
	pop3_transaction_cleanup(&t);
	maildrop_close(&drop);
	assert_int_equal(maildrop_open(root, "host", &drop), ERR_OK);
	assert_true(drop.count == 2 || (!confirmed && drop.count == 3));
	/* what was not marked is there, whatever failed */
	assert_int_equal(maildrop_size(&drop, 1), 23);
	assert_int_equal(maildrop_size(&drop, drop.count), 27);
	maildrop_close(&drop);
	buf_free(&out);
	teardown(&state);
}

static void
test_quit_with_each_fault(void **arg)
{
	UNUSED(arg);
	if (sys_fault(SYS_WRITE, 1, 5, false) == ERR_UNSUPPORTED)
		return; /* a build without fault injection */
	sys_fault_clear();
	for (int call = 0; call < SYS_CALLS; call++)
		for (unsigned nth = 1; nth <= 6; nth++)
			quit_with_fault((enum sys_call)call, nth);
}

static void
test_too_many_errors(void **arg)
{
	struct buf input = BUF_INIT, out = BUF_INIT;
	struct pop3_transaction t;
	struct maildrop drop;
	void *state;

	UNUSED(arg);
	assert_int_equal(setup(&state), 0);
	assert_int_equal(maildrop_open(((struct fixture *)state)->root_fd, "host", &drop), ERR_OK);
	pop3_transaction_init(&t, &drop);
	for (int i = 0; i < POP3_ERRORS_MAX + 5; i++)
		buf_put_str(&input, "FOO\r\n");
	play(&t, buf_bytes(&input), SIZE_MAX, &out);
	assert_true(t.over);
	assert_int_equal(t.errors, POP3_ERRORS_MAX);
	buf_free(&input);
	buf_free(&out);
	pop3_transaction_cleanup(&t);
	maildrop_close(&drop);
	teardown(&state);
}

int
main(void)
{
	struct CMUnitTest tests[NITEMS(rows) + 5];
	size_t n = NITEMS(rows);

	for (size_t i = 0; i < NITEMS(rows); i++)
		tests[i] = (struct CMUnitTest){ rows[i].label, run_row, NULL, NULL,
			(void *)(uintptr_t)&rows[i] };
	tests[n++] = (struct CMUnitTest)cmocka_unit_test(test_lock_and_uidl);
	tests[n++] = (struct CMUnitTest)cmocka_unit_test(test_retr_is_seen);
	tests[n++] = (struct CMUnitTest)cmocka_unit_test(test_quit_fails);
	tests[n++] = (struct CMUnitTest)cmocka_unit_test(test_quit_with_each_fault);
	tests[n++] = (struct CMUnitTest)cmocka_unit_test(test_too_many_errors);
	return cmocka_run_group_tests_name("pop3d/transaction", tests, NULL, NULL);
}
