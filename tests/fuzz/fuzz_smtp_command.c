/* SPDX-License-Identifier: ISC */
/*
 * tests/fuzz/fuzz_smtp_command.c - one command line in each place of a session (the first
 * octet chooses): always exactly one reply, or a question that gets one.
 */
#include "rfc5321.h"
#include "session_driver.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const char *const places[] = { "", "EHLO c\r\n", "EHLO c\r\nMAIL FROM:<>\r\n",
	"EHLO c\r\nMAIL FROM:<a@b> SMTPUTF8\r\n",
	"HELO c\r\nMAIL FROM:<a@b>\r\nRCPT TO:<b@example.org>\r\n",
	"EHLO c\r\nMAIL FROM:<a@b>\r\nRCPT TO:<b@example.org>\r\nBDAT 1\r\nx" };

/* Last lines of replies: "250 ..." and not "250-...". */
static unsigned
count_replies(struct bytes replies)
{
	unsigned n = 0;
	while (replies.n > 0) {
		struct bytes line = bytes_cut(&replies, '\n');
		ASSERT(line.n >= 5 && line.p[line.n - 1] == '\r' &&
			line.n < RFC5321_REPLY_LINE_MAX);
		ASSERT(line.p[0] >= '2' && line.p[0] <= '5' &&
			(line.p[3] == ' ' || line.p[3] == '-'));
		n += line.p[3] == ' ';
	}
	return n;
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct driver d;
	struct bytes rest = bytes_make(data, size);

	if (size == 0)
		return 0;
	driver_init(&d);
	driver_feed(&d, bytes_from_str(places[data[0] % NITEMS(places)]), 0);
	buf_clear(&d.replies);
	rest = bytes_skip(rest, 1);
	struct bytes line = bytes_cut(&rest, '\n');
	if (line.n > 0 && line.n < SMTP_LINE_MAX - 2) {
		driver_feed(&d, line, 0);
		ASSERT(d.replies.len == 0 || d.session.wait == SMTP_WAIT_CLOSE);
		driver_feed(&d, BYTES_LITERAL("\r\n"), 0);
		unsigned n = count_replies(buf_bytes(&d.replies));
		ASSERT(n == 1 || (n == 0 && d.session.state == SMTP_CHUNK));
	}
	driver_free(&d);
	return 0;
}
