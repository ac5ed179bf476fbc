/* SPDX-License-Identifier: ISC */
/*
 * tests/fuzz/fuzz_pop3_command.c - POP3's lines, commands and dot-stuffing. What was stuffed must
 * come out as it was when the client undoes it.
 */
#include "err.h"
#include "rfc1939.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
check_command(struct bytes line)
{
	struct rfc1939_command c;
	int r = rfc1939_parse(line, &c);

	ASSERT(r == ERR_OK || r == ERR_SYNTAX);
	ASSERT(c.verb < POP3_VERBS);
	ASSERT(r != ERR_OK || !c.has_number || c.number >= 1);
	ASSERT(c.text.n + c.extra.n <= line.n);
}

/* A client: lines end in CRLF, a doubled dot is one, a single one is the end. */
static void
unstuff(struct bytes in, struct buf *out)
{
	bool ended = false;

	while (in.n > 0 && !ended) {
		size_t lf = bytes_find(in, '\n');
		struct bytes line;

		ASSERT(lf != BYTES_NOT_FOUND);
		line = bytes_head(in, lf + 1);
		in = bytes_skip(in, lf + 1);
		ended = in.n == 0;
		if (ended) {
			ASSERT(bytes_is(line, ".\r\n"));
			break;
		}
		ASSERT(!bytes_is(line, ".\r\n") && !bytes_is(line, ".\n"));
		buf_put_bytes(out, line.p[0] == '.' ? bytes_skip(line, 1) : line);
	}
	ASSERT(ended);
}

static void
check_body(struct bytes message, size_t step)
{
	struct buf stuffed = BUF_INIT, plain = BUF_INIT;
	struct rfc1939_body body;

	rfc1939_body_start(&body);
	for (struct bytes rest = message; rest.n > 0; rest = bytes_skip(rest, step))
		rfc1939_body_add(&body, bytes_head(rest, step), &stuffed);
	rfc1939_body_end(&body, &stuffed);
	unstuff(buf_bytes(&stuffed), &plain);
	ASSERT(plain.len >= message.n && plain.len <= message.n + 2);
	ASSERT(bytes_equal(bytes_head(buf_bytes(&plain), message.n), message));
	buf_free(&stuffed);
	buf_free(&plain);
}

static void
check_top(struct bytes message, uint32_t lines)
{
	struct buf out = BUF_INIT;
	struct rfc1939_body body;

	rfc1939_body_start_top(&body, lines);
	rfc1939_body_add(&body, message, &out);
	rfc1939_body_end(&body, &out);
	ASSERT(out.len <= 2 * message.n + 5);
	buf_free(&out);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct bytes in = bytes_make(data, size), line;
	int used;

	if (size > 0) {
		check_body(bytes_skip(in, 1), 1 + data[0] % 16u);
		check_top(bytes_skip(in, 1), data[0]);
	}
	while ((used = rfc1939_line(in, &line)) > 0) {
		ASSERT((size_t)used > line.n && (size_t)used <= in.n);
		check_command(line);
		in = bytes_skip(in, (size_t)used);
	}
	ASSERT(used == 0 || used == ERR_LIMIT);
	return 0;
}
