/* SPDX-License-Identifier: ISC */
/* tests/unit/queue/test_envelope.c - envelopes: round trips, and octets cut or changed. */
#include "envelope.h"

#include <stdlib.h>

#include "cases.h"
#include "err.h"

static struct envelope_rcpt rcpts[] = {
	{ BYTES_LITERAL("user@example.org"), BYTES_LITERAL("rfc822;user@example.org"),
		ENVELOPE_NOTIFY_FAILURE },
	{ BYTES_LITERAL("\"a b\"@example.org"), { NULL, 0 }, 0 },
	{ BYTES_LITERAL("gr\xc3\xbc\xc3\x9f@example.org"), { NULL, 0 }, ENVELOPE_NOTIFY_NEVER },
};

static const struct envelope example = {
	.queue_id = 77,
	.arrival_us = UINT64_C(1795302771000000),
	.flags = ENVELOPE_8BITMIME | ENVELOPE_SMTPUTF8 | ENVELOPE_RET_HDRS,
	.reverse_path = BYTES_LITERAL("sender@example.net"),
	.envid = BYTES_LITERAL("QQ314159"),
	.client_address = BYTES_LITERAL("2001:db8::1"),
	.client_name = BYTES_LITERAL("client.example.net"),
	.helo = BYTES_LITERAL("client"),
	.protocol = BYTES_LITERAL("ESMTP"),
	.session_id = BYTES_LITERAL("3f291486abd76e9a"),
	.login = BYTES_LITERAL(""),
	.n_rcpts = NITEMS(rcpts),
	.rcpts = rcpts,
};

static void
test_round_trip(void **arg)
{
	struct buf one = BUF_INIT, two = BUF_INIT;
	struct arena a = ARENA_INIT;
	struct envelope e;

	envelope_encode(&one, &example);
	assert_int_equal(envelope_decode(buf_bytes(&one), &a, &e), ERR_OK);
	assert_int_equal(e.n_rcpts, 3);
	assert_true(bytes_is(e.rcpts[1].forward_path, "\"a b\"@example.org"));
	assert_true(bytes_is(e.session_id, "3f291486abd76e9a"));
	assert_int_equal(e.rcpts[2].notify, ENVELOPE_NOTIFY_NEVER);
	envelope_encode(&two, &e);
	assert_true(bytes_equal(buf_bytes(&one), buf_bytes(&two)));
	buf_free(&one);
	buf_free(&two);
	arena_reset(&a);
}

/* No prefix of it is an envelope, nor anything with an octet more. */
static void
test_every_length(void **arg)
{
	struct buf whole = BUF_INIT;
	struct arena a = ARENA_INIT;
	struct envelope e;

	envelope_encode(&whole, &example);
	for (size_t n = 0; n < whole.len; n++) {
		uint8_t *cut = malloc(n + 1); /* so that a read past the end is seen */

		assert_non_null(cut);
		memcpy(cut, whole.data, n);
		assert_true(envelope_decode(bytes_make(cut, n), &a, &e) < 0);
		free(cut);
	}
	buf_put_u8(&whole, 0);
	assert_int_equal(envelope_decode(buf_bytes(&whole), &a, &e), ERR_SYNTAX);
	buf_free(&whole);
	arena_reset(&a);
}

static const struct row {
	const char *label;
	size_t at; /* a u32 there is set */
	uint32_t value;
	int err;
} rows[] = {
	{ "a later version", 0, 2, ERR_UNSUPPORTED },
	{ "unknown flags", 4, 1u << 20, ERR_SYNTAX },
	{ "endless reverse-path", 24, UINT32_MAX, ERR_LIMIT },
	{ "reverse-path over its limit", 24, ENVELOPE_PATH_MAX + 1, ERR_LIMIT },
	{ "reverse-path past the end", 24, 1000, ERR_SYNTAX },
};

static void
run_row(void **arg)
{
	const struct row *t = *arg;
	struct buf whole = BUF_INIT;
	struct arena a = ARENA_INIT;
	struct envelope e;

	envelope_encode(&whole, &example);
	set_u32(whole.data + t->at, t->value);
	assert_int_equal(envelope_decode(buf_bytes(&whole), &a, &e), t->err);
	buf_free(&whole);
	arena_reset(&a);
}

static void
test_recipients_claimed(void **arg)
{
	struct envelope none = example;
	struct buf whole = BUF_INIT;
	struct arena a = ARENA_INIT;
	struct envelope e;

	none.n_rcpts = 0;
	envelope_encode(&whole, &none);
	assert_int_equal(envelope_decode(buf_bytes(&whole), &a, &e), ERR_OK);
	/* a number of recipients that would take much memory */
	set_u32(whole.data + whole.len - 4, ENVELOPE_RCPT_MAX);
	assert_int_equal(envelope_decode(buf_bytes(&whole), &a, &e), ERR_LIMIT);
	assert_true(a.used < 4096);
	buf_free(&whole);
	arena_reset(&a);
}

int
main(void)
{
	TABLE_TESTS(tests, rows, run_row);
	const struct CMUnitTest more[] = { cmocka_unit_test(test_round_trip),
		cmocka_unit_test(test_every_length), cmocka_unit_test(test_recipients_claimed) };

	return cmocka_run_group_tests_name("queue/envelope", tests, NULL, NULL) +
	       cmocka_run_group_tests_name("queue/envelope whole", more, NULL, NULL);
}
