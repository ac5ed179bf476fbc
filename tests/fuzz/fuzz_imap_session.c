/* SPDX-License-Identifier: ISC */
/*
 * tests/fuzz/fuzz_imap_session.c - octets into a session whose mailbox has two messages, in memory.
 *
 * An octet 0xff in the input is not fed: the session is told instead that its folder changed, so
 * that IDLE and the pauses of the output are walked as well.
 */
#include "dialogue.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const char first[] =
	"a APPEND INBOX (\\Seen) {61+}\r\n"
	"From: a@example.org\r\nSubject: =?utf-8?q?x?=\r\n\r\nHello, world\r\n"
	"\r\n"
	"b APPEND INBOX ($Junk) {162+}\r\n"
	"Content-Type: multipart/mixed; boundary=x\r\n\r\n"
	"--x\r\nContent-Type: message/rfc822\r\n\r\nSubject: inner\r\n\r\ninner\r\n"
	"--x\r\nContent-Transfer-Encoding: base64\r\n\r\neA==\r\n--x--\r\n"
	"\r\n"
	"c SELECT INBOX\r\n";

static void
work(struct imap_session *s, struct bytes *in)
{
	do {
		imap_session_work(s, in);
		ASSERT(s->out.len < 2 * IMAP_OUT_MARK + 65536);
		buf_clear(&s->out);
	} while (!imap_session_over(s) && (in->n > 0 || imap_session_busy(s)));
}

static void
run(struct imap_session *s, struct bytes in)
{
	struct bytes head = bytes_from_str(first);

	work(s, &head);
	while (in.n > 0 && !imap_session_over(s)) {
		size_t n = bytes_find(in, 0xff);
		struct bytes piece = bytes_head(in, n == BYTES_NOT_FOUND ? in.n : n);

		in = bytes_skip(in, piece.n);
		work(s, &piece);
		if (in.n > 0) {
			in = bytes_skip(in, 1);
			imap_session_changed(s);
			imap_session_rest(s);
		}
	}
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const struct imap_host host = { .ctx = NULL };
	const struct imap_limits limits = { .message_octets = 4096 };
	struct imap_session *s;
	struct mailbox m;

	mailbox_open(&m);
	s = imap_session_new(m.account[0], NULL, &host, &limits);
	run(s, bytes_make(data, size));
	imap_session_free(&s);
	mailbox_close(&m);
	return 0;
}
