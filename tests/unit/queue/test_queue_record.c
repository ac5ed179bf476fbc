/* SPDX-License-Identifier: ISC */
/* tests/unit/queue/test_queue_record.c - records, events, message files' headers: octets
 * cut, octets changed, numbers out of range. */
#include "queue_record.h"

#include <stdlib.h>

#include "cases.h"
#include "err.h"
#include "queue_file.h"

static struct queue_event_target targets[] = {
	{ BYTES_LITERAL("a@example.org"), BYTES_LITERAL("a@example.org"),
		BYTES_LITERAL("owner-list@example.org") },
	{ BYTES_LITERAL("b@example.com"), { NULL, 0 }, { NULL, 0 } },
};

static const struct row {
	const char *label;
	struct queue_event e;
	int err;
} rows[] = {
	{ "delivered",
		{ .queue_id = 5,
			.kind = QUEUE_EVENT_DELIVERED,
			.rcpt = 3,
			.code = BYTES_LITERAL("2.0.0"),
			.text = BYTES_LITERAL("ok") },
		ERR_OK },
	{ "deferred", { .queue_id = 5, .kind = QUEUE_EVENT_DEFERRED, .next_s = 1795302771 },
		ERR_OK },
	{ "expanded",
		{ .queue_id = 5, .kind = QUEUE_EVENT_EXPANDED, .n_targets = 2, .targets = targets },
		ERR_OK },
	{ "held", { .queue_id = 5, .kind = QUEUE_EVENT_HELD, .rcpt = QUEUE_EVENT_MESSAGE },
		ERR_OK },
	{ "reported", { .queue_id = 5, .kind = QUEUE_EVENT_REPORTED, .rcpt = QUEUE_EVENT_MESSAGE },
		ERR_OK },
	{ "relayed to another host",
		{ .queue_id = 5,
			.kind = QUEUE_EVENT_DELIVERED,
			.flags = QUEUE_EVENT_RELAYED,
			.next_hop = BYTES_LITERAL("example.net"),
			.remote_mta = BYTES_LITERAL("mx.example.net") },
		ERR_OK },
	{ "suspended, untried",
		{ .queue_id = 5,
			.kind = QUEUE_EVENT_DEFERRED,
			.flags = QUEUE_EVENT_SUSPENDED | QUEUE_EVENT_UNTRIED,
			.next_hop = BYTES_LITERAL("smtp:[relay.example.net]:587") },
		ERR_OK },
	{ "unknown flag",
		{ .queue_id = 5, .kind = QUEUE_EVENT_DEFERRED, .flags = QUEUE_EVENT_FLAGS_ALL + 1 },
		ERR_SYNTAX },
	{ "no message", { .kind = QUEUE_EVENT_DELIVERED }, ERR_SYNTAX },
	{ "no kind", { .queue_id = 5 }, ERR_SYNTAX },
	{ "unknown kind", { .queue_id = 5, .kind = QUEUE_EVENT_KINDS }, ERR_SYNTAX },
	{ "held, of a recipient", { .queue_id = 5, .kind = QUEUE_EVENT_HELD, .rcpt = 1 },
		ERR_SYNTAX },
	{ "delivered, of the message",
		{ .queue_id = 5, .kind = QUEUE_EVENT_DELIVERED, .rcpt = QUEUE_EVENT_MESSAGE },
		ERR_SYNTAX },
	{ "expanded to nothing", { .queue_id = 5, .kind = QUEUE_EVENT_EXPANDED }, ERR_SYNTAX },
	{ "delivered with targets",
		{ .queue_id = 5,
			.kind = QUEUE_EVENT_DELIVERED,
			.n_targets = 2,
			.targets = targets },
		ERR_SYNTAX },
};

static void
run_row(void **arg)
{
	const struct row *t = *arg;
	struct buf one = BUF_INIT, two = BUF_INIT;
	struct arena a = ARENA_INIT;
	struct queue_event e, older = t->e;
	size_t short_form;

	/* as it was before there was mail to other hosts */
	older.flags = 0;
	older.next_hop = older.remote_mta = BYTES_NONE;
	queue_event_put(&one, &older);
	short_form = one.len;
	buf_clear(&one);
	queue_event_put(&one, &t->e);
	assert_int_equal(queue_event_parse(buf_bytes(&one), &a, &e), t->err);
	if (t->err == ERR_OK) {
		queue_event_put(&two, &e);
		assert_true(bytes_equal(buf_bytes(&one), buf_bytes(&two)));
		for (size_t n = 0; n < one.len; n++)
			assert_int_equal(
				queue_event_parse(bytes_head(buf_bytes(&one), n), &a, &e) == ERR_OK,
				n == short_form);
	}
	buf_free(&one);
	buf_free(&two);
	arena_reset(&a);
}

/* What would say nothing is not there: one form for one event. */
static void
test_empty_addition(void **arg)
{
	const struct queue_event e = { .queue_id = 5, .kind = QUEUE_EVENT_DELIVERED };
	struct buf octets = BUF_INIT;
	struct arena a = ARENA_INIT;
	struct queue_event out;

	queue_event_put(&octets, &e);
	assert_int_equal(queue_event_parse(buf_bytes(&octets), &a, &out), ERR_OK);
	for (int i = 0; i < 3; i++)
		buf_put_u32(&octets, 0);
	assert_int_equal(queue_event_parse(buf_bytes(&octets), &a, &out), ERR_SYNTAX);
	buf_free(&octets);
	arena_reset(&a);
}

static void
put_record(struct buf *out, const char *body, uint64_t seq)
{
	size_t begin = queue_record_begin(out);

	buf_put_str(out, body);
	queue_record_end(out, begin, QUEUE_RECORD_EVENT, seq, seq - 1);
}

static void
test_records_in_a_row(void **arg)
{
	static const char *const bodies[] = { "", "1", "1234567", "12345678", "123456789" };
	struct buf all = BUF_INIT;
	struct queue_record r;
	struct bytes in;

	for (size_t i = 0; i < NITEMS(bodies); i++)
		put_record(&all, bodies[i], i + 1);
	assert_int_equal(all.len % 8, 0);
	in = buf_bytes(&all);
	for (size_t i = 0; i < NITEMS(bodies); i++) {
		int used = queue_record_parse(in, &r);

		assert_true(used > 0);
		assert_true(bytes_is(r.body, bodies[i]));
		assert_int_equal(r.seq, i + 1);
		assert_int_equal(r.flushed, i);
		assert_int_equal(r.type, QUEUE_RECORD_EVENT);
		in = bytes_skip(in, (size_t)used);
	}
	assert_int_equal(in.n, 0);
	buf_free(&all);
}

/* Cut anywhere: "more". Any bit changed: never the same record. */
static void
test_cut_and_changed(void **arg)
{
	struct buf one = BUF_INIT;
	struct queue_record r;

	put_record(&one, "some body of a record", 9);
	for (size_t n = 0; n < one.len; n++)
		assert_int_equal(queue_record_parse(bytes_head(buf_bytes(&one), n), &r), 0);
	for (size_t i = 0; i < QUEUE_RECORD_HEADER + 21; i++)
		for (unsigned bit = 0; bit < 8; bit++) {
			one.data[i] ^= (uint8_t)(1u << bit);
			assert_true(queue_record_parse(buf_bytes(&one), &r) <= 0);
			one.data[i] ^= (uint8_t)(1u << bit);
		}
	buf_free(&one);
}

static void
test_message(void **arg)
{
	struct buf body = BUF_INIT;
	struct queue_message m = { .queue_id = 4,
		.prefix_size = 3,
		.envelope = BYTES_LITERAL("envelope") },
			     got;

	queue_message_put_head(&body, &m);
	buf_put_str(&body, "preand content");
	assert_int_equal(queue_message_parse(buf_bytes(&body), &got), ERR_OK);
	assert_true(bytes_is(got.envelope, "envelope"));
	assert_true(bytes_is(got.content, "preand content"));
	set_u32(body.data + 12, 15); /* more prefix than content */
	assert_int_equal(queue_message_parse(buf_bytes(&body), &got), ERR_SYNTAX);
	set_u32(body.data + 12, 3);
	set_u32(body.data + 8, 2); /* unknown flag */
	assert_int_equal(queue_message_parse(buf_bytes(&body), &got), ERR_SYNTAX);
	buf_free(&body);
}

static const struct file_row {
	const char *label;
	struct queue_file f;
	uint64_t size;
	int err;
} file_rows[] = {
	{ "plain", { 9, 128, 50, 178, 1000, 1178, 1, 2, 100 }, 1178, ERR_OK },
	{ "with events", { 9, 128, 50, 178, 1000, 1178, 1, 2, 100 }, 5000, ERR_OK },
	{ "lent", { 9, 128, 50, 16000, 1000, 17000, 1, 2, 384 }, 17000, ERR_OK },
	{ "envelope behind", { 9, 17000, 5000, 16000, 1000, 22000, 1, 2, 384 }, 22000, ERR_OK },
	{ "empty content", { 9, 128, 50, 178, 0, 178, 1, 2, 0 }, 178, ERR_OK },
	{ "no id", { 0, 128, 50, 178, 1000, 1178, 1, 2, 100 }, 1178, ERR_CORRUPT },
	{ "cut", { 9, 128, 50, 178, 1000, 1178, 1, 2, 100 }, 1177, ERR_CORRUPT },
	{ "envelope in the header", { 9, 127, 50, 178, 1000, 1178, 1, 2, 100 }, 1178, ERR_CORRUPT },
	{ "content in the header", { 9, 128, 50, 0, 1000, 1178, 1, 2, 100 }, 1178, ERR_CORRUPT },
	{ "overlap", { 9, 128, 51, 178, 1000, 1178, 1, 2, 100 }, 1178, ERR_CORRUPT },
	{ "events in the content", { 9, 128, 50, 178, 1000, 1177, 1, 2, 100 }, 1178, ERR_CORRUPT },
	{ "prefix larger", { 9, 128, 50, 178, 10, 188, 1, 2, 11 }, 188, ERR_CORRUPT },
	{ "sum overflows", { 9, 128, 50, UINT64_MAX - 5, 1000, 1178, 1, 2, 100 }, 1178,
		ERR_CORRUPT },
	{ "size overflows", { 9, 128, 50, 178, UINT64_MAX - 100, 1178, 1, 2, 100 }, 1178,
		ERR_CORRUPT },
};

static void
run_file_row(void **arg)
{
	const struct file_row *t = *arg;
	uint8_t header[QUEUE_FILE_HEADER];
	struct queue_file f;

	queue_file_encode(&t->f, header);
	assert_int_equal(
		queue_file_decode(bytes_make(header, sizeof(header)), t->size, &f), t->err);
	if (t->err < 0)
		return;
	assert_int_equal(f.content_size, t->f.content_size);
	for (size_t i = 0; i < sizeof(header); i++) {
		header[i] ^= 0x10;
		assert_true(queue_file_decode(bytes_make(header, sizeof(header)), t->size, &f) < 0);
		header[i] ^= 0x10;
	}
}

int
main(void)
{
	TABLE_TESTS(tests, rows, run_row);
	TABLE_TESTS(files, file_rows, run_file_row);
	const struct CMUnitTest more[] = { cmocka_unit_test(test_records_in_a_row),
		cmocka_unit_test(test_empty_addition), cmocka_unit_test(test_cut_and_changed),
		cmocka_unit_test(test_message) };

	return cmocka_run_group_tests_name("queue/event", tests, NULL, NULL) +
	       cmocka_run_group_tests_name("queue/file", files, NULL, NULL) +
	       cmocka_run_group_tests_name("queue/record", more, NULL, NULL);
}
