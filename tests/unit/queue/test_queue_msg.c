/* SPDX-License-Identifier: ISC */
/* tests/unit/queue/test_queue_msg.c - the conversation with qmgr: limits, and LIST's frame. */
#include "queue_msg.h"

#include <stdio.h>
#include <stdlib.h>

#include "cases.h"

#define IN_FD(at, octets)                                                                          \
	{                                                                                          \
		.in_fd = true, .offset = (at), .size = (octets)                                    \
	}

static const struct row {
	const char *label;
	struct queue_commit m;
	size_t envelope, prefix; /* octets */
	int err;
	size_t ticket, content;
} rows[] = {
	{ "plain", { .queue_id = 1 }, 100, 50, ERR_OK, 0, 10 },
	{ "in a memfd", { .queue_id = 1, .content = IN_FD(0, 100000) }, 100, 50, ERR_OK, 0, 0 },
	{ "lent", { .queue_id = 1, .content = IN_FD(16384, 1u << 30), .lent = true }, 100, 50,
		ERR_OK, 0, 0 },
	{ "inside, and lent", { .queue_id = 1, .lent = true }, 100, 50, ERR_SYNTAX, 0, 10 },
	{ "with a ticket", { .queue_id = 1 }, 100, 50, ERR_OK, QUEUE_TICKET_MAX, 0 },
	{ "ticket too large", { .queue_id = 1 }, 100, 50, ERR_SYNTAX, QUEUE_TICKET_MAX + 1, 0 },
	{ "no id", { .queue_id = 0 }, 100, 50, ERR_SYNTAX, 0, 10 },
	{ "largest of all", { .queue_id = 1 }, QUEUE_ENVELOPE_INLINE_MAX, QUEUE_PREFIX_MAX, ERR_OK,
		QUEUE_TICKET_MAX, CONTENT_INLINE_MAX },
	{ "envelope too large", { .queue_id = 1 }, QUEUE_ENVELOPE_INLINE_MAX + 1, 0, ERR_SYNTAX, 0,
		0 },
	{ "prefix too large", { .queue_id = 1 }, 0, QUEUE_PREFIX_MAX + 1, ERR_SYNTAX, 0, 0 },
	{ "content too large", { .queue_id = 1, .content = IN_FD(0, QUEUE_CONTENT_MAX + 1) }, 0, 0,
		ERR_SYNTAX, 0, 0 },
	{ "offset that overflows", { .queue_id = 1, .content = IN_FD(UINT64_MAX, 0) }, 0, 0,
		ERR_SYNTAX, 0, 0 },
};

static void
run_row(void **arg)
{
	const struct row *t = *arg;
	struct buf body = BUF_INIT, filling = BUF_INIT;
	struct queue_commit m = t->m, got;
	int (*decode)(struct ipc_reader * in, void *m) =
		m.content.in_fd ? queue_commit_fd_decode : queue_commit_decode;
	struct ipc_reader in;

	memset(buf_room(&filling, 60000), 'x', 60000);
	m.envelope = bytes_make(filling.data, t->envelope);
	m.prefix = bytes_make(filling.data, t->prefix);
	m.ticket = bytes_make(filling.data, t->ticket);
	if (!m.content.in_fd)
		m.content = content_inline(bytes_make(filling.data, t->content));
	queue_commit_encode(&body, &m);
	in = ipc_reader(buf_bytes(&body));
	assert_int_equal(decode(&in, &got), t->err);
	if (t->err == ERR_OK) {
		assert_true(body.len <= IPC_BODY_MAX);
		assert_true(got.queue_id == m.queue_id && got.content.size == m.content.size &&
			    got.content.offset == m.content.offset && got.lent == m.lent);
		assert_true(bytes_equal(got.content.octets, m.content.octets));
		assert_true(bytes_equal(got.envelope, m.envelope));
		assert_true(bytes_equal(got.ticket, m.ticket));
		for (size_t n = 0; n < body.len; n += 1 + body.len / 100) {
			in = ipc_reader(bytes_head(buf_bytes(&body), n));
			assert_int_equal(decode(&in, &got), ERR_SYNTAX);
		}
	}
	buf_free(&body);
	buf_free(&filling);
}

/* More than a frame holds: what fits comes, and the rest is asked for again. */
static void
test_list_fills_a_frame(void **state)
{
	struct queue_list_answer *m = xcalloc(2, sizeof(*m)), *got = m + 1;
	char text[QUEUE_TEXT_MAX + 100];
	struct buf body = BUF_INIT;
	struct ipc_reader in;

	memset(text, 'r', sizeof(text));
	m->total = m->n = QUEUE_LIST_MAX;
	m->n_rcpts = 3 * m->n;
	for (uint32_t i = 0; i < m->n; i++) {
		m->entries[i] = (struct queue_list_entry){ .queue_id = i + 1,
			.state = QUEUE_STATE_DEFERRED,
			.first_rcpt = 3 * i,
			.n_rcpts = 3,
			.reverse_path = BYTES_LITERAL("a@example.net") };
		for (uint32_t k = 0; k < 3; k++)
			m->rcpts[3 * i + k] =
				(struct queue_list_rcpt){ .reason = bytes_make(text, sizeof(text)),
					.number = k + 7 };
	}
	queue_list_answer_encode(&body, m);
	assert_true(body.len <= IPC_BODY_MAX);
	in = ipc_reader(buf_bytes(&body));
	assert_int_equal(queue_list_answer_decode(&in, got), ERR_OK);
	assert_true(got->more);
	assert_true(got->n > 20 && got->n < QUEUE_LIST_MAX);
	assert_int_equal(got->entries[got->n - 1].queue_id, got->n);
	assert_int_equal(got->rcpts[2].reason.n, QUEUE_ANSWER_MAX);
	/* a message whose recipients did not fit comes whole with the next answer */
	assert_int_equal(got->entries[got->n - 1].n_rcpts, 3);
	assert_int_equal(got->next_id, got->n + 1);
	assert_int_equal(got->next_rcpt, 0);
	/* but for one that fills a frame alone: it goes on with the next of them */
	buf_clear(&body);
	m->entries[0].n_rcpts = m->n_rcpts;
	m->n = 1;
	queue_list_answer_encode(&body, m);
	in = ipc_reader(buf_bytes(&body));
	assert_int_equal(queue_list_answer_decode(&in, got), ERR_OK);
	assert_true(got->more && got->n == 1 && got->n_rcpts > 20 && got->n_rcpts < m->n_rcpts);
	assert_int_equal(got->next_id, 1);
	assert_int_equal(got->next_rcpt, m->rcpts[got->n_rcpts].number);
	m->entries[0].n_rcpts = 3;
	buf_clear(&body);
	m->n = 3;
	queue_list_answer_encode(&body, m);
	in = ipc_reader(buf_bytes(&body));
	assert_int_equal(queue_list_answer_decode(&in, got), ERR_OK);
	assert_false(got->more);
	assert_int_equal(got->n, 3);
	buf_free(&body);
	free(m);
}

int
main(void)
{
	TABLE_TESTS(tests, rows, run_row);
	const struct CMUnitTest more[] = { cmocka_unit_test(test_list_fills_a_frame) };

	return cmocka_run_group_tests_name("ipc/queue_msg", tests, NULL, NULL) +
	       cmocka_run_group_tests_name("ipc/queue_msg list", more, NULL, NULL);
}
