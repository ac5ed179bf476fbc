/* SPDX-License-Identifier: ISC */
/* tests/unit/pop3d_login/test_rfc1939.c - POP3 command lines and dot-stuffing. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "err.h"
#include "rfc1939.h"

static const struct command_row {
	const char *line;
	enum rfc1939_verb verb;
	int result;
	const char *text;
	uint32_t number, lines;
} commands[] = {
	{ "STAT", POP3_STAT, ERR_OK, "", 0, 0 },
	{ "stat ", POP3_STAT, ERR_OK, "", 0, 0 },
	{ "STAT 1", POP3_STAT, ERR_SYNTAX, "", 0, 0 },
	{ "LIST", POP3_LIST, ERR_OK, "", 0, 0 },
	{ "LIST 12", POP3_LIST, ERR_OK, "", 12, 0 },
	{ "LIST  12 ", POP3_LIST, ERR_OK, "", 12, 0 },
	{ "LIST 0", POP3_LIST, ERR_SYNTAX, "", 0, 0 },
	{ "LIST -1", POP3_LIST, ERR_SYNTAX, "", 0, 0 },
	{ "LIST 1 2", POP3_LIST, ERR_SYNTAX, "", 1, 0 },
	{ "LIST 4294967296", POP3_LIST, ERR_SYNTAX, "", 0, 0 },
	{ "RETR", POP3_RETR, ERR_SYNTAX, "", 0, 0 },
	{ "RETR 7", POP3_RETR, ERR_OK, "", 7, 0 },
	{ "DELE x", POP3_DELE, ERR_SYNTAX, "", 0, 0 },
	{ "TOP 3 0", POP3_TOP, ERR_OK, "", 3, 0 },
	{ "TOP 3 10", POP3_TOP, ERR_OK, "", 3, 10 },
	{ "TOP 3", POP3_TOP, ERR_SYNTAX, "", 3, 0 },
	{ "UIDL 2", POP3_UIDL, ERR_OK, "", 2, 0 },
	{ "USER a b", POP3_USER, ERR_OK, "a b", 0, 0 },
	{ "USER ", POP3_USER, ERR_SYNTAX, "", 0, 0 },
	{ "USER", POP3_USER, ERR_SYNTAX, "", 0, 0 },
	{ "PASS  x ", POP3_PASS, ERR_OK, " x ", 0, 0 },
	{ "AUTH PLAIN abc=", POP3_AUTH, ERR_OK, "PLAIN", 0, 0 },
	{ "AUTH PLAIN a b", POP3_AUTH, ERR_SYNTAX, "PLAIN", 0, 0 },
	{ "", POP3_UNKNOWN, ERR_OK, "", 0, 0 },
	{ "XTND", POP3_UNKNOWN, ERR_OK, "", 0, 0 },
};

static void
test_commands(void **arg)
{
	UNUSED(arg);
	for (size_t i = 0; i < NITEMS(commands); i++) {
		const struct command_row *t = &commands[i];
		struct rfc1939_command c;

		assert_int_equal(rfc1939_parse(bytes_from_str(t->line), &c), t->result);
		assert_int_equal(c.verb, t->verb);
		if (t->result != ERR_OK)
			continue;
		assert_true(bytes_is(c.text, t->text));
		assert_int_equal(c.number, t->number);
		assert_int_equal(c.has_number, t->number != 0);
		assert_int_equal(c.lines, t->lines);
	}
}

static void
test_lines(void **arg)
{
	static const uint8_t long_line[RFC1939_LINE_MAX];
	struct bytes line;

	UNUSED(arg);
	assert_int_equal(rfc1939_line(BYTES_LITERAL("NOOP\r\nX"), &line), 6);
	assert_true(bytes_is(line, "NOOP"));
	assert_int_equal(rfc1939_line(BYTES_LITERAL("\n"), &line), 1);
	assert_int_equal(line.n, 0);
	assert_int_equal(rfc1939_line(BYTES_LITERAL("NOOP\r"), &line), 0);
	assert_int_equal(rfc1939_line(BYTES_NONE, &line), 0);
	assert_int_equal(rfc1939_line(bytes_make(long_line, sizeof(long_line)), &line), ERR_LIMIT);
}

#define RETR (-1)

static const struct body_row {
	const char *message;
	int lines;
	const char *reply;
} bodies[] = {
	{ "A: b\r\n\r\ntext\r\n", RETR, "A: b\r\n\r\ntext\r\n.\r\n" },
	{ "A: b\r\n\r\n.\r\n..x\r\n", RETR, "A: b\r\n\r\n..\r\n...x\r\n.\r\n" },
	{ ".A: b\r\n\r\nno end", RETR, "..A: b\r\n\r\nno end\r\n.\r\n" },
	{ "", RETR, ".\r\n" },
	{ "A: b\r\n\r\n1\r\n2\r\n3\r\n", 0, "A: b\r\n\r\n.\r\n" },
	{ "A: b\r\n\r\n1\r\n2\r\n3\r\n", 2, "A: b\r\n\r\n1\r\n2\r\n.\r\n" },
	{ "A: b\r\n\r\n1\r\n2", 9, "A: b\r\n\r\n1\r\n2\r\n.\r\n" },
	{ "A: b\r\n", 0, "A: b\r\n.\r\n" },
	{ "\r\n.1\r\n2\r\n", 1, "\r\n..1\r\n.\r\n" },
};

static void
test_bodies(void **arg)
{
	UNUSED(arg);
	for (size_t i = 0; i < NITEMS(bodies); i++) {
		for (size_t step = 1; step < 30; step += 7) {
			struct bytes in = bytes_from_str(bodies[i].message);
			struct rfc1939_body b;
			struct buf out = BUF_INIT;

			if (bodies[i].lines == RETR)
				rfc1939_body_start(&b);
			else
				rfc1939_body_start_top(&b, (uint32_t)bodies[i].lines);
			for (; in.n > 0; in = bytes_skip(in, step))
				rfc1939_body_add(&b, bytes_head(in, step), &out);
			rfc1939_body_end(&b, &out);
			assert_string_equal(buf_str(&out), bodies[i].reply);
			buf_free(&out);
		}
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_commands),
		cmocka_unit_test(test_lines),
		cmocka_unit_test(test_bodies),
	};

	return cmocka_run_group_tests_name("proto/rfc1939", tests, NULL, NULL);
}
