/* SPDX-License-Identifier: ISC */
/* tests/unit/session/test_session_msg.c - the session conversation there and back. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "session_msg.h"

#define TOKEN                                                                                      \
	{                                                                                          \
		1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16                              \
	}

/* Whole it decodes; cut anywhere, or with one octet more, it does not. */
static void
check_decoder(const struct buf *b, int (*decode)(struct ipc_reader *in, void *m), void *m)
{
	struct buf longer = BUF_INIT;
	struct ipc_reader in;

	for (size_t n = 0; n < b->len; n++) {
		in = ipc_reader(bytes_head(buf_bytes(b), n));
		assert_int_equal(decode(&in, m), ERR_SYNTAX);
	}
	buf_put_bytes(&longer, buf_bytes(b));
	buf_put_u8(&longer, 0);
	in = ipc_reader(buf_bytes(&longer));
	assert_int_equal(decode(&in, m), ERR_SYNTAX);
	buf_free(&longer);
	in = ipc_reader(buf_bytes(b));
	assert_int_equal(decode(&in, m), ERR_OK);
}

static void
test_start(void **arg)
{
	const struct session_start_msg m = { TOKEN, SESSION_IMAP, 1, 2, 3, 4,
		BYTES_LITERAL("anna@example.org"), BYTES_LITERAL("example.org/anna") };
	struct session_start_msg got;
	struct buf b = BUF_INIT;

	UNUSED(arg);
	session_start_encode(&b, &m);
	check_decoder(&b, session_start_decode, &got);
	assert_memory_equal(got.token, m.token, SESSION_TOKEN_SIZE);
	assert_int_equal(got.protocol, SESSION_IMAP);
	assert_int_equal(got.uid, 1);
	assert_int_equal(got.gid, 2);
	assert_int_equal(got.quota_octets, 3);
	assert_int_equal(got.quota_messages, 4);
	assert_true(bytes_equal(got.account, m.account));
	assert_true(bytes_equal(got.home, m.home));
	buf_free(&b);
}

static void
test_take(void **arg)
{
	const struct session_take_msg m = { TOKEN, BYTES_LITERAL("id"), BYTES_LITERAL("192.0.2.1"),
		BYTES_LITERAL("2001:db8::1"), BYTES_LITERAL("a OK\r\n"),
		BYTES_LITERAL(" PLAIN LOGIN"), BYTES_LITERAL("b NOOP") };
	struct session_take_msg got;
	struct buf b = BUF_INIT;

	UNUSED(arg);
	session_take_encode(&b, &m);
	check_decoder(&b, session_take_decode, &got);
	assert_memory_equal(got.token, m.token, SESSION_TOKEN_SIZE);
	assert_true(bytes_equal(got.session_id, m.session_id));
	assert_true(bytes_equal(got.client, m.client));
	assert_true(bytes_equal(got.local, m.local));
	assert_true(bytes_equal(got.first_reply, m.first_reply));
	assert_true(bytes_equal(got.mechanisms, m.mechanisms));
	assert_true(bytes_equal(got.input, m.input));
	buf_free(&b);
}

static void
test_answers(void **arg)
{
	struct session_started_msg started;
	struct session_taken_msg taken;
	struct buf b = BUF_INIT;

	UNUSED(arg);
	session_started_encode(&b, &(struct session_started_msg){ ERR_BUSY });
	check_decoder(&b, session_started_decode, &started);
	assert_int_equal(started.status, ERR_BUSY);
	buf_clear(&b);
	session_taken_encode(&b, &(struct session_taken_msg){ ERR_LIMIT, 77 });
	check_decoder(&b, session_taken_decode, &taken);
	assert_int_equal(taken.status, ERR_LIMIT);
	assert_int_equal(taken.pid, 77);
	buf_free(&b);
}

static void
test_quota(void **arg)
{
	struct session_quota_add_msg add;
	struct session_quota_set_msg set;
	struct session_quota_msg quota;
	struct buf b = BUF_INIT;

	UNUSED(arg);
	session_quota_add_encode(&b, &(struct session_quota_add_msg){ -5, INT64_MIN });
	check_decoder(&b, session_quota_add_decode, &add);
	assert_true(add.octets == -5 && add.messages == INT64_MIN);
	buf_clear(&b);
	session_quota_set_encode(&b, &(struct session_quota_set_msg){ 5, UINT64_MAX });
	check_decoder(&b, session_quota_set_decode, &set);
	assert_true(set.octets == 5 && set.messages == UINT64_MAX);
	buf_clear(&b);
	session_quota_encode(&b, &(struct session_quota_msg){ ERR_PEER, 1, 2, 3, 4 });
	check_decoder(&b, session_quota_decode, &quota);
	assert_true(quota.status == ERR_PEER && quota.used_octets == 1 &&
		    quota.used_messages == 2 && quota.limit_octets == 3 &&
		    quota.limit_messages == 4);
	buf_free(&b);
}

static const struct home_row {
	const char *home;
	bool ok;
} homes[] = {
	{ "example.org/anna", true },
	{ "a", true },
	{ "a/..b/c.", true },
	{ "", false },
	{ "/", false },
	{ "/a", false },
	{ "a/", false },
	{ "a//b", false },
	{ ".", false },
	{ "..", false },
	{ "../a", false },
	{ "a/../b", false },
	{ "a/.", false },
	{ "a/..", false },
};

static void
test_homes(void **arg)
{
	char longest[SESSION_HOME_MAX + 1];

	UNUSED(arg);
	for (size_t i = 0; i < NITEMS(homes); i++)
		assert_int_equal(session_home_ok(bytes_from_str(homes[i].home)), homes[i].ok);
	assert_false(session_home_ok(BYTES_LITERAL("a\0b")));
	memset(longest, 'x', sizeof(longest));
	assert_true(session_home_ok(bytes_make(longest, SESSION_HOME_MAX)));
	assert_false(session_home_ok(bytes_make(longest, SESSION_HOME_MAX + 1)));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_start),
		cmocka_unit_test(test_take),
		cmocka_unit_test(test_answers),
		cmocka_unit_test(test_quota),
		cmocka_unit_test(test_homes),
	};

	return cmocka_run_group_tests_name("ipc/session_msg", tests, NULL, NULL);
}
