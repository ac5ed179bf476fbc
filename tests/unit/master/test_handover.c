/* SPDX-License-Identifier: ISC */
/* tests/unit/master/test_handover.c - what one master leaves to the next: round, and read by
 * others. */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>

#include <cmocka.h>

#include "err.h"
#include "handover.h"

#define HEAD "relais-handover 1\n"

static void
test_round(void **state)
{
	struct handover h = { .births = 57,
		.generation = 3,
		.ready = 1,
		.started_ms = 1000,
		.started_wall_us = UINT64_C(1800000000000000),
		.version = BYTES_LITERAL("0.1.0"),
		.log = 5,
		.control = 9,
		.arena = ARENA_INIT };
	struct handover got;
	struct handover_child *c;
	struct handover_listener *l;
	struct buf text = BUF_INIT;

	UNUSED(state);
	memset(h.secret, 0xa5, sizeof(h.secret));
	for (uint32_t i = 0; i < 5; i++) {
		c = handover_add_child(&h);
		c->service = BYTES_LITERAL("smtpd");
		c->state = BYTES_LITERAL("ready");
		c->instance = i;
		c->pid = 800 + i;
		c->fd = i == 4 ? -1 : (int)(20 + i);
		c->started_ms = UINT64_MAX;
	}
	l = handover_add_listener(&h);
	l->service = BYTES_LITERAL("submission");
	l->label = BYTES_LITERAL("sendmail");
	l->address = BYTES_LITERAL("/run/a folder/with%\n/sendmail");
	l->fd = 30;
	handover_encode(&text, &h);
	assert_int_equal(handover_decode(buf_bytes(&text), &got), ERR_OK);
	assert_int_equal(got.births, 57);
	assert_int_equal(got.generation, 3);
	assert_int_equal(got.log, 5);
	assert_int_equal(got.control, 9);
	assert_memory_equal(got.secret, h.secret, sizeof(h.secret));
	assert_true(bytes_is(got.version, "0.1.0"));
	assert_int_equal(got.nchildren, 5);
	assert_int_equal(got.children[3].pid, 803);
	assert_int_equal(got.children[3].fd, 23);
	assert_int_equal(got.children[4].fd, -1);
	assert_true(got.children[4].started_ms == UINT64_MAX);
	assert_int_equal(got.nlisteners, 1);
	assert_true(bytes_equal(got.listeners[0].address, l->address));
	/* whatever is missing of it is noticed */
	for (size_t n = 0; n + 1 < text.len; n++) {
		struct handover part;

		assert_true(handover_decode(bytes_make(text.data, n), &part) < 0);
		handover_free(&part);
	}
	handover_free(&got);
	handover_free(&h);
	buf_free(&text);
}

static const struct {
	const char *name, *text;
	int err;
} rows[] = {
	{ "nothing but the head", HEAD "end\n", ERR_OK },
	{ "empty", "", ERR_SYNTAX },
	{ "another number", "relais-handover 2\nend\n", ERR_UNSUPPORTED },
	{ "no number", "relais-handover x\nend\n", ERR_SYNTAX },
	{ "no head", "master births=1\nend\n", ERR_SYNTAX },
	{ "unknown kinds and fields", HEAD "master colour=red births=1\nweather fine\nend\n",
		ERR_OK },
	{ "no end", HEAD "master births=1\n", ERR_SYNTAX },
	{ "something behind the end", HEAD "end\nmaster births=1\n", ERR_SYNTAX },
	{ "a number that is none", HEAD "master births=many\nend\n", ERR_SYNTAX },
	{ "a number too large", HEAD "master births=4294967296\nend\n", ERR_SYNTAX },
	{ "a negative descriptor", HEAD "master log=-3\nend\n", ERR_SYNTAX },
	{ "a descriptor too large", HEAD "master log=2147483648\nend\n", ERR_SYNTAX },
	{ "an escape cut short", HEAD "child service=smtpd%4\nend\n", ERR_SYNTAX },
	{ "an escape that is none", HEAD "child service=%zz\nend\n", ERR_SYNTAX },
	{ "a NUL", HEAD "child service=smtpd%00\nend\n", ERR_LIMIT },
	{ "a secret too short", HEAD "master secret=abcd\nend\n", ERR_SYNTAX },
};

static void
test_rows(void **state)
{
	UNUSED(state);
	for (size_t i = 0; i < NITEMS(rows); i++) {
		struct handover h;

		if (handover_decode(bytes_from_str(rows[i].text), &h) != rows[i].err)
			fail_msg("%s", rows[i].name);
		handover_free(&h);
	}
}

static void
test_limits(void **state)
{
	struct buf text = BUF_INIT;
	struct handover h;

	UNUSED(state);
	buf_put_str(&text, HEAD "listener address=");
	for (size_t i = 0; i <= HANDOVER_TEXT; i++)
		buf_put_str(&text, "x");
	buf_put_str(&text, "\nend\n");
	assert_int_equal(handover_decode(buf_bytes(&text), &h), ERR_LIMIT);
	handover_free(&h);
	buf_clear(&text);
	buf_put_str(&text, HEAD);
	for (size_t i = 0; i <= HANDOVER_ROWS; i++)
		buf_put_str(&text, "child\n");
	buf_put_str(&text, "end\n");
	assert_int_equal(handover_decode(buf_bytes(&text), &h), ERR_LIMIT);
	handover_free(&h);
	buf_free(&text);
}

int
main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(test_round),
		cmocka_unit_test(test_rows), cmocka_unit_test(test_limits) };

	return cmocka_run_group_tests(tests, NULL, NULL);
}
