/* SPDX-License-Identifier: ISC */
/* tests/unit/session/test_token.c - tokens: once, in time, and not in a child. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include <stdio.h>
#include <sys/wait.h>
#include <unistd.h>

#include "random.h"
#include "token.h"

static struct session_start_msg
start_msg(uint8_t first)
{
	struct session_start_msg m = { .uid = 1000,
		.gid = 1001,
		.quota_octets = 5,
		.quota_messages = 6,
		.account = BYTES_LITERAL("anna@example.org"),
		.home = BYTES_LITERAL("example.org/anna") };

	random_fill(m.token, sizeof(m.token));
	m.token[0] = first;
	return m;
}

static void
test_once(void **arg)
{
	struct token_table *t = token_table_new();
	struct session_start_msg m = start_msg(1), other = start_msg(2);
	struct token_grant g;

	UNUSED(arg);
	assert_int_equal(token_take(t, m.token, 100, &g), ERR_NOT_FOUND);
	assert_int_equal(token_put(t, &m, 100), ERR_OK);
	assert_int_equal(token_put(t, &m, 100), ERR_EXISTS);
	assert_int_equal(token_count(t, 100), 1);
	assert_int_equal(token_take(t, other.token, 100, &g), ERR_NOT_FOUND);
	assert_int_equal(token_take(t, m.token, 100, &g), ERR_OK);
	assert_string_equal(g.account, "anna@example.org");
	assert_string_equal(g.home, "example.org/anna");
	assert_int_equal(g.uid, 1000);
	assert_int_equal(g.gid, 1001);
	assert_int_equal(g.quota_octets, 5);
	assert_int_equal(g.quota_messages, 6);
	assert_int_equal(token_take(t, m.token, 100, &g), ERR_NOT_FOUND);
	assert_int_equal(token_count(t, 100), 0);
	token_table_free(&t);
	assert_null(t);
}

static void
test_every_bit_counts(void **arg)
{
	struct token_table *t = token_table_new();
	struct session_start_msg m = start_msg(1);
	struct token_grant g;

	UNUSED(arg);
	assert_int_equal(token_put(t, &m, 0), ERR_OK);
	for (unsigned bit = 0; bit < 8 * SESSION_TOKEN_SIZE; bit++) {
		m.token[bit / 8] ^= (uint8_t)(1u << bit % 8);
		assert_int_equal(token_take(t, m.token, 1, &g), ERR_NOT_FOUND);
		m.token[bit / 8] ^= (uint8_t)(1u << bit % 8);
	}
	assert_int_equal(token_take(t, m.token, 1, &g), ERR_OK);
	token_table_free(&t);
}

static void
test_too_old(void **arg)
{
	struct token_table *t = token_table_new();
	struct session_start_msg m = start_msg(1);
	struct token_grant g;

	UNUSED(arg);
	assert_int_equal(token_put(t, &m, 1000), ERR_OK);
	assert_int_equal(token_take(t, m.token, 1000 + SESSION_TOKEN_LIFE_MS, &g), ERR_NOT_FOUND);
	assert_int_equal(token_put(t, &m, 1000 + SESSION_TOKEN_LIFE_MS), ERR_OK);
	assert_int_equal(
		token_take(t, m.token, 999 + 2 * (uint64_t)SESSION_TOKEN_LIFE_MS, &g), ERR_OK);
	token_table_free(&t);
}

static void
test_full(void **arg)
{
	struct token_table *t = token_table_new();
	struct session_start_msg m;
	struct token_grant g;

	UNUSED(arg);
	for (int i = 0; i < TOKENS_MAX; i++) {
		char account[32];

		snprintf(account, sizeof(account), "a%d@example", i / TOKENS_A_ACCOUNT_MAX);
		m = start_msg(1);
		m.account = bytes_from_str(account);
		assert_int_equal(token_put(t, &m, 5), ERR_OK);
	}
	m = start_msg(2);
	assert_int_equal(token_put(t, &m, 6), ERR_BUSY);
	assert_int_equal(token_count(t, 6), TOKENS_MAX);
	/* time makes room */
	assert_int_equal(token_put(t, &m, 5 + SESSION_TOKEN_LIFE_MS), ERR_OK);
	assert_int_equal(token_take(t, m.token, 6 + SESSION_TOKEN_LIFE_MS, &g), ERR_OK);
	token_table_free(&t);
}

/* Who knows one password can't keep the others out. */
static void
test_one_account_has_an_end(void **arg)
{
	struct token_table *t = token_table_new();
	struct session_start_msg m;
	struct token_grant g;

	UNUSED(arg);
	for (int i = 0; i < TOKENS_A_ACCOUNT_MAX; i++) {
		m = start_msg(1);
		assert_int_equal(token_put(t, &m, 5), ERR_OK);
	}
	assert_int_equal(token_take(t, m.token, 5, &g), ERR_OK);
	assert_int_equal(token_put(t, &m, 5), ERR_OK);
	m = start_msg(2);
	assert_int_equal(token_put(t, &m, 5), ERR_BUSY);
	m.account = BYTES_LITERAL("bob@example.org");
	assert_int_equal(token_put(t, &m, 5), ERR_OK);
	token_table_free(&t);
}

/* No session finds another's token in the memory it inherited. */
static void
test_not_in_a_child(void **arg)
{
	struct token_table *t = token_table_new();
	struct session_start_msg m = start_msg(1);
	struct token_grant g;
	int status;
	pid_t pid;

	UNUSED(arg);
	assert_int_equal(token_put(t, &m, 5), ERR_OK);
	pid = fork();
	if (pid == 0)
		_exit(token_count(t, 5) == 0 && token_take(t, m.token, 5, &g) == ERR_NOT_FOUND ? 0
											       : 1);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(status, 0);
	assert_int_equal(token_take(t, m.token, 5, &g), ERR_OK);
	token_table_free(&t);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_once),
		cmocka_unit_test(test_every_bit_counts),
		cmocka_unit_test(test_too_old),
		cmocka_unit_test(test_full),
		cmocka_unit_test(test_one_account_has_an_end),
		cmocka_unit_test(test_not_in_a_child),
	};

	return cmocka_run_group_tests_name("session/token", tests, NULL, NULL);
}
