/* SPDX-License-Identifier: ISC */
/* tests/unit/smtp-client/test_outbound_msg.c - round trips, and what a decoder refuses. */
#include "../base/cases.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "outbound_msg.h"

typedef int decode_fn(struct ipc_reader *in, void *m);

static struct outbound_job *
good_job(void)
{
	struct outbound_job *j = xcalloc(1, sizeof(*j));

	*j = (struct outbound_job){ .job_id = 7,
		.queue_id = 0x1122334455667788,
		.arrival_us = 1795298697000000,
		.flags = OUTBOUND_8BITMIME | OUTBOUND_RET_HDRS,
		.next_hop = BYTES_LITERAL("smtp:[relay.example.net]:587"),
		.reverse_path = BYTES_LITERAL("sender@example.org"),
		.envid = BYTES_LITERAL("QQ314159"),
		.prefix = BYTES_LITERAL("Received: from a\r\n\tby b\r\n"),
		.content = content_inline(BYTES_LITERAL("Subject: x\r\n\r\ny\r\n")),
		.n_rcpts = 2 };
	j->rcpts[0] = (struct outbound_rcpt){ 3, OUTBOUND_NOTIFY_SUCCESS,
		BYTES_LITERAL("a@example.net"), BYTES_LITERAL("rfc822;a+2Bb@example.net") };
	j->rcpts[1] = (struct outbound_rcpt){ 9, 0, BYTES_LITERAL("b@example.net"), BYTES_NONE };
	return j;
}

static struct outbound_result *
good_result(void)
{
	struct outbound_result *r = xcalloc(1, sizeof(*r));

	*r = (struct outbound_result){ .job_id = 7,
		.hop = OUTBOUND_REACHED,
		.resolve_us = 1,
		.connect_us = 2,
		.transmit_us = 3,
		.n_hosts = 1,
		.hosts = { { .name = BYTES_LITERAL("mx.example.net"),
			.address = BYTES_LITERAL("2001:db8::1"),
			.port = 25,
			.tls = BYTES_LITERAL("Verified TLSv1.3 TLS_AES_256_GCM_SHA384"),
			.reused = true } },
		.n_rcpts = 2 };
	r->rcpts[0] = (struct outbound_rcpt_result){ 3, OUTBOUND_SENT, 0, true,
		BYTES_LITERAL("2.0.0"), BYTES_LITERAL("250 2.0.0 Ok: queued as X") };
	r->rcpts[1] = (struct outbound_rcpt_result){ 9, OUTBOUND_PERMANENT, OUTBOUND_NO_HOST, false,
		BYTES_LITERAL("5.4.4"), BYTES_LITERAL("no MX host has an address") };
	return r;
}

/* Nothing shorter, and nothing longer, is a message. */
static void
refuses_cuts(struct buf *body, decode_fn *decode, void *got)
{
	struct ipc_reader in;

	for (size_t n = 0; n < body->len; n++) {
		in = ipc_reader(bytes_head(buf_bytes(body), n));
		assert_int_equal(decode(&in, got), ERR_SYNTAX);
	}
	buf_put_u8(body, 0);
	in = ipc_reader(buf_bytes(body));
	assert_int_equal(decode(&in, got), ERR_SYNTAX);
}

static void
job_round_trip(const struct outbound_job *job, decode_fn *decode)
{
	struct outbound_job *got = xcalloc(1, sizeof(*got));
	struct buf body = BUF_INIT, again = BUF_INIT;
	struct ipc_reader in;

	outbound_job_encode(&body, job);
	in = ipc_reader(buf_bytes(&body));
	assert_int_equal(decode(&in, got), ERR_OK);
	assert_int_equal(got->n_rcpts, job->n_rcpts);
	assert_int_equal(got->content.size, job->content.size);
	assert_true(bytes_equal(got->next_hop, job->next_hop));
	assert_true(bytes_equal(got->rcpts[0].orcpt, job->rcpts[0].orcpt));
	outbound_job_encode(&again, got);
	assert_true(bytes_equal(buf_bytes(&body), buf_bytes(&again)));
	refuses_cuts(&body, decode, got);
	buf_free(&body);
	buf_free(&again);
	free(got);
}

static void
jobs_round_trip(void **state)
{
	struct outbound_job *j = good_job();

	UNUSED(state);
	assert_true(sizeof(*j) <= IPC_MESSAGE_MAX);
	job_round_trip(j, outbound_job_decode);
	j->reverse_path = j->envid = j->prefix = BYTES_NONE;
	job_round_trip(j, outbound_job_decode);
	j->content = content_in_fd(4096, 1234567890123);
	job_round_trip(j, outbound_job_fd_decode);
	free(j);
}

static void
results_round_trip(void **state)
{
	struct outbound_result *r = good_result(), *got = xcalloc(1, sizeof(*got));
	struct buf body = BUF_INIT, again = BUF_INIT;
	struct ipc_reader in;

	UNUSED(state);
	outbound_result_encode(&body, r);
	in = ipc_reader(buf_bytes(&body));
	assert_int_equal(outbound_result_decode(&in, got), ERR_OK);
	assert_true(got->hosts[0].reused && got->rcpts[0].relayed);
	assert_int_equal(got->hosts[0].port, 25);
	outbound_result_encode(&again, got);
	assert_true(bytes_equal(buf_bytes(&body), buf_bytes(&again)));
	refuses_cuts(&body, outbound_result_decode, got);
	buf_free(&body);
	buf_free(&again);
	free(got);
	free(r);
}

/* The largest job that the limits allow fits a frame. */
static void
largest_job_fits(void **state)
{
	static char path[OUTBOUND_PATH_MAX], content[CONTENT_INLINE_MAX],
		prefix[OUTBOUND_PREFIX_MAX];
	struct outbound_job *j = good_job();
	struct buf body = BUF_INIT;
	size_t octets = 0;

	UNUSED(state);
	memset(path, 'a', sizeof(path));
	memset(content, 'b', sizeof(content));
	memset(prefix, 'c', sizeof(prefix));
	prefix[sizeof(prefix) - 2] = '\r';
	prefix[sizeof(prefix) - 1] = '\n';
	j->next_hop = bytes_make(path, OUTBOUND_NEXT_HOP_MAX);
	j->reverse_path = j->envid = bytes_make(path, sizeof(path));
	j->prefix = bytes_make(prefix, sizeof(prefix));
	j->content = content_inline(bytes_make(content, sizeof(content)));
	j->n_rcpts = 0;
	for (;;) {
		struct outbound_rcpt r = { j->n_rcpts, 0, bytes_make(path, 400),
			bytes_make(path, 400) };

		if (j->n_rcpts == OUTBOUND_RCPTS_MAX ||
			octets + outbound_rcpt_size(&r) > OUTBOUND_RCPTS_OCTETS)
			break;
		octets += outbound_rcpt_size(&r);
		j->rcpts[j->n_rcpts++] = r;
	}
	outbound_job_encode(&body, j);
	assert_true(body.len <= IPC_BODY_MAX);
	buf_free(&body);
	free(j);
}

/* ---- what is refused: each row spoils a good job ---- */

static void
no_queue_id(struct outbound_job *j)
{
	j->queue_id = 0;
}

static void
no_next_hop(struct outbound_job *j)
{
	j->next_hop = BYTES_NONE;
}

static void
unknown_flag(struct outbound_job *j)
{
	j->flags = OUTBOUND_FLAGS_ALL + 1;
}

static void
same_number_twice(struct outbound_job *j)
{
	j->rcpts[1].number = j->rcpts[0].number;
}

static void
no_forward_path(struct outbound_job *j)
{
	j->rcpts[1].forward_path = BYTES_NONE;
}

static void
line_end_in_reverse_path(struct outbound_job *j)
{
	j->reverse_path = BYTES_LITERAL("a@b>\r\nRCPT TO:<x@y");
}

static void
line_end_in_forward_path(struct outbound_job *j)
{
	j->rcpts[0].forward_path = BYTES_LITERAL("a@b\nx");
}

static void
line_end_in_orcpt(struct outbound_job *j)
{
	j->rcpts[0].orcpt = BYTES_LITERAL("rfc822;a\r");
}

static void
line_end_in_envid(struct outbound_job *j)
{
	j->envid = BYTES_LITERAL("a\r\nb");
}

static void
unfinished_prefix(struct outbound_job *j)
{
	j->prefix = BYTES_LITERAL("Received: x");
}

static void
unknown_notify(struct outbound_job *j)
{
	j->rcpts[0].notify = OUTBOUND_NOTIFY_ALL + 1;
}

static const struct row {
	const char *label;
	void (*spoil)(struct outbound_job *j);
} rows[] = {
	{ "no queue id", no_queue_id },
	{ "no next hop", no_next_hop },
	{ "a flag that is not known", unknown_flag },
	{ "a number twice", same_number_twice },
	{ "an empty forward-path", no_forward_path },
	{ "a line end in the reverse-path", line_end_in_reverse_path },
	{ "a line end in a forward-path", line_end_in_forward_path },
	{ "a line end in ORCPT", line_end_in_orcpt },
	{ "a line end in ENVID", line_end_in_envid },
	{ "a prefix that does not end its line", unfinished_prefix },
	{ "NOTIFY that is not known", unknown_notify },
};

static void
refused(void **state)
{
	const struct row *t = *state;
	struct outbound_job *j = good_job(), *got = xcalloc(1, sizeof(*got));
	struct buf body = BUF_INIT;
	struct ipc_reader in;

	t->spoil(j);
	outbound_job_encode(&body, j);
	in = ipc_reader(buf_bytes(&body));
	assert_int_equal(outbound_job_decode(&in, got), ERR_SYNTAX);
	buf_free(&body);
	free(got);
	free(j);
}

static void
result_of_no_host(void **state)
{
	struct outbound_result *r = good_result(), *got = xcalloc(1, sizeof(*got));
	struct buf body = BUF_INIT;
	struct ipc_reader in;

	UNUSED(state);
	r->rcpts[0].host = 1; /* there is only number 0 */
	outbound_result_encode(&body, r);
	in = ipc_reader(buf_bytes(&body));
	assert_int_equal(outbound_result_decode(&in, got), ERR_SYNTAX);
	buf_free(&body);
	free(got);
	free(r);
}

int
main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(jobs_round_trip),
		cmocka_unit_test(results_round_trip), cmocka_unit_test(largest_job_fits),
		cmocka_unit_test(result_of_no_host) };
	TABLE_TESTS(table, rows, refused);

	return cmocka_run_group_tests_name("ipc/outbound_msg", tests, NULL, NULL) +
	       cmocka_run_group_tests_name("ipc/outbound_msg refuses", table, NULL, NULL);
}
