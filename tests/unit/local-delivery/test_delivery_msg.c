/* SPDX-License-Identifier: ISC */
/* tests/unit/local-delivery/test_delivery_msg.c - round trips, and what a decoder refuses. */
#include "cases.h"

#include <string.h>

#include "delivery_msg.h"
#include "err.h"

static char big[DELIVERY_PREFIX_MAX + 2];

static struct delivery_job
good_job(void)
{
	return (struct delivery_job){
		.job_id = 1,
		.queue_id = 0x1122334455667788,
		.arrival_us = 1795298697000000,
		.quota_octets = 1 << 30,
		.recipient = 3,
		.uid = 1000,
		.gid = 1001,
		.flags = DELIVERY_8BITMIME | DELIVERY_FIRST_TRY,
		.account = BYTES_LITERAL("user@example.test"),
		.home = BYTES_LITERAL("example.test/user"),
		.detail = BYTES_LITERAL("lists"),
		.reverse_path = BYTES_LITERAL("sender@example.org"),
		.original_path = BYTES_LITERAL("User+lists@example.test"),
		.forward_path = BYTES_LITERAL("user+lists@example.test"),
		.prefix = BYTES_LITERAL("Received: from a\r\n\tby b\r\n"),
		.content = content_inline(BYTES_LITERAL("Subject: x\r\n\r\ny\r\n")),
	};
}

static void
round_trip(struct delivery_job job, int (*decode)(struct ipc_reader *in, void *m))
{
	struct delivery_job got;
	struct buf body = BUF_INIT, again = BUF_INIT;
	struct ipc_reader in;

	delivery_job_encode(&body, &job);
	in = ipc_reader(buf_bytes(&body));
	assert_int_equal(decode(&in, &got), ERR_OK);
	assert_int_equal(got.queue_id, job.queue_id);
	assert_int_equal(got.content.in_fd, job.content.in_fd);
	assert_int_equal(got.content.offset, job.content.offset);
	assert_int_equal(got.content.size, job.content.size);
	assert_true(bytes_equal(got.content.octets, job.content.octets));
	assert_int_equal(got.recipient, 3);
	assert_int_equal(got.gid, 1001);
	assert_true(bytes_equal(got.prefix, job.prefix));
	assert_true(bytes_equal(got.original_path, job.original_path));
	delivery_job_encode(&again, &got);
	assert_true(bytes_equal(buf_bytes(&body), buf_bytes(&again)));
	/* every shorter body is refused, and one octet more too */
	for (size_t n = 0; n < body.len; n++) {
		in = ipc_reader(bytes_head(buf_bytes(&body), n));
		assert_int_equal(decode(&in, &got), ERR_SYNTAX);
	}
	buf_put_u8(&body, 0);
	in = ipc_reader(buf_bytes(&body));
	assert_int_equal(decode(&in, &got), ERR_SYNTAX);
	buf_free(&body);
	buf_free(&again);
}

static void
jobs_round_trip(void **arg)
{
	struct delivery_job job = good_job();

	UNUSED(arg);
	round_trip(job, delivery_job_decode);
	job.content = content_inline(BYTES_NONE);
	round_trip(job, delivery_job_decode);
	job.content = content_in_fd(4096, 123456);
	round_trip(job, delivery_job_fd_decode);
}

/* The frame holds the largest of everything at once; content beyond its limit is refused. */
static void
largest_job(void **arg)
{
	struct delivery_job job = good_job(), got;
	struct buf body = BUF_INIT, much = BUF_INIT;
	struct bytes *const parts[] = { &job.account, &job.home, &job.detail, &job.reverse_path,
		&job.original_path, &job.forward_path, &job.prefix };
	const size_t most[] = { DELIVERY_ACCOUNT_MAX, DELIVERY_HOME_MAX, DELIVERY_DETAIL_MAX,
		DELIVERY_PATH_MAX, DELIVERY_PATH_MAX, DELIVERY_PATH_MAX, DELIVERY_PREFIX_MAX };
	struct ipc_reader in;

	UNUSED(arg);
	memset(buf_room(&much, 60000), 'x', 60000);
	buf_added(&much, 60000);
	memcpy(much.data + DELIVERY_PREFIX_MAX - 2, "\r\n", 2);
	for (size_t i = 0; i < NITEMS(parts); i++)
		*parts[i] = bytes_head(buf_bytes(&much), most[i]);
	job.content = content_inline(bytes_head(buf_bytes(&much), CONTENT_INLINE_MAX));
	delivery_job_encode(&body, &job);
	assert_true(body.len <= IPC_BODY_MAX);
	in = ipc_reader(buf_bytes(&body));
	assert_int_equal(delivery_job_decode(&in, &got), ERR_OK);
	buf_truncate(&body, body.len - CONTENT_INLINE_MAX - 4);
	ipc_put_bytes(&body, bytes_head(buf_bytes(&much), CONTENT_INLINE_MAX + 1));
	in = ipc_reader(buf_bytes(&body));
	assert_int_equal(delivery_job_decode(&in, &got), ERR_SYNTAX);
	buf_free(&body);
	buf_free(&much);
}

static const struct row {
	const char *label;
	size_t member; /* which struct bytes */
	struct bytes value;
	int r;
} rows[] = {
#define M(m) offsetof(struct delivery_job, m)
	{ "null reverse-path", M(reverse_path), { NULL, 0 }, ERR_OK },
	{ "no prefix", M(prefix), { NULL, 0 }, ERR_OK },
	{ "line end in the reverse-path", M(reverse_path), BYTES_LITERAL("a\r\nBcc: b"),
		ERR_SYNTAX },
	{ "bare LF in the account", M(account), BYTES_LITERAL("a\nb@c"), ERR_SYNTAX },
	{ "NUL in the home", M(home), BYTES_LITERAL("a\0b"), ERR_SYNTAX },
	{ "no account", M(account), { NULL, 0 }, ERR_SYNTAX },
	{ "no home", M(home), { NULL, 0 }, ERR_SYNTAX },
	{ "prefix without line end", M(prefix), BYTES_LITERAL("Received: x"), ERR_SYNTAX },
	{ "prefix with a bare LF at the end", M(prefix), BYTES_LITERAL("R: x\n"), ERR_SYNTAX },
	{ "longest reverse-path", M(reverse_path), { (uint8_t *)big, DELIVERY_PATH_MAX }, ERR_OK },
	{ "reverse-path too long", M(reverse_path), { (uint8_t *)big, DELIVERY_PATH_MAX + 1 },
		ERR_SYNTAX },
	{ "account too long", M(account), { (uint8_t *)big, DELIVERY_ACCOUNT_MAX + 1 },
		ERR_SYNTAX },
	{ "home too long", M(home), { (uint8_t *)big, DELIVERY_HOME_MAX + 1 }, ERR_SYNTAX },
	{ "detail too long", M(detail), { (uint8_t *)big, DELIVERY_DETAIL_MAX + 1 }, ERR_SYNTAX },
	{ "prefix too long", M(prefix), { (uint8_t *)big, DELIVERY_PREFIX_MAX + 1 }, ERR_SYNTAX },
#undef M
};

static void
run_row(void **arg)
{
	const struct row *t = *arg;
	struct delivery_job job = good_job(), got;
	struct buf body = BUF_INIT;
	struct ipc_reader in;

	memcpy((char *)&job + t->member, &t->value, sizeof(t->value));
	delivery_job_encode(&body, &job);
	in = ipc_reader(buf_bytes(&body));
	assert_int_equal(delivery_job_decode(&in, &got), t->r);
	buf_free(&body);
}

static void
numbers_out_of_range(void **arg)
{
	static const struct {
		uint64_t queue_id, offset, length;
	} bad[] = { { 0, 0, 0 }, { 1, UINT64_MAX, 0 }, { 1, 0, UINT64_MAX },
		{ 1, INT64_MAX / 2 + 1, 1 } };

	UNUSED(arg);
	for (size_t i = 0; i < NITEMS(bad); i++) {
		struct delivery_job job = good_job(), got;
		struct buf body = BUF_INIT;
		struct ipc_reader in;

		job.queue_id = bad[i].queue_id;
		job.content = content_in_fd(bad[i].offset, bad[i].length);
		delivery_job_encode(&body, &job);
		in = ipc_reader(buf_bytes(&body));
		assert_int_equal(delivery_job_fd_decode(&in, &got), ERR_SYNTAX);
		buf_free(&body);
	}
}

static void
results_round_trip(void **arg)
{
	struct delivery_result result = { 9, DELIVERY_PERMANENT, BYTES_LITERAL("5.2.2"),
		BYTES_LITERAL("mailbox is full") },
			       got;
	struct delivery_sync_result sync = { DELIVERY_TEMPORARY, BYTES_LITERAL("4.3.0"),
		BYTES_LITERAL("disk") },
				    got_sync;
	struct buf body = BUF_INIT;
	struct ipc_reader in;

	UNUSED(arg);
	delivery_result_encode(&body, &result);
	in = ipc_reader(buf_bytes(&body));
	assert_int_equal(delivery_result_decode(&in, &got), ERR_OK);
	assert_int_equal(got.job_id, 9);
	assert_int_equal(got.status, DELIVERY_PERMANENT);
	assert_true(bytes_is(got.code, "5.2.2"));
	assert_true(bytes_is(got.text, "mailbox is full"));
	body.data[body.start + 8] = DELIVERY_STATUSES;
	in = ipc_reader(buf_bytes(&body));
	assert_int_equal(delivery_result_decode(&in, &got), ERR_SYNTAX);
	buf_clear(&body);
	delivery_sync_result_encode(&body, &sync);
	in = ipc_reader(buf_bytes(&body));
	assert_int_equal(delivery_sync_result_decode(&in, &got_sync), ERR_OK);
	assert_int_equal(got_sync.status, DELIVERY_TEMPORARY);
	assert_true(bytes_is(got_sync.text, "disk"));
	buf_free(&body);
}

int
main(void)
{
	static const struct CMUnitTest others[] = {
		cmocka_unit_test(jobs_round_trip),
		cmocka_unit_test(largest_job),
		cmocka_unit_test(numbers_out_of_range),
		cmocka_unit_test(results_round_trip),
	};
	TABLE_TESTS(tests, rows, run_row);

	memset(big, 'x', sizeof(big));
	return cmocka_run_group_tests_name("delivery_msg fields", tests, NULL, NULL) +
	       cmocka_run_group_tests_name("delivery_msg", others, NULL, NULL);
}
