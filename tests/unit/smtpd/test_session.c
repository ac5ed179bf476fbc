/* SPDX-License-Identifier: ISC */
/*
 * tests/unit/smtpd/test_session.c - dialogues with a session, each fed whole, octet by octet
 * and in pieces of seven: replies and what reaches the queue must be the same.
 *
 * Column replies: code and enhanced code of each reply. Column committed: what the driver's
 * queue got (session_driver.c), NULL if nothing may get there.
 */
#include "../base/cases.h"

#include <stdio.h>
#include <stdlib.h>

#include "err.h"
#include "session_driver.h"
#include "session_impl.h"

#define HI    "EHLO client.example\r\n"
#define FROM  "MAIL FROM:<a@client.example>\r\n"
#define TO    "RCPT TO:<b@example.org>\r\n"
#define START HI FROM TO
#define OK3   "250 250/2.1.0 250/2.1.5 "
#define ENV   "proto=ESMTP flags=0 from=<a@client.example> to=<b@example.org>\n"
#define GOT   "250/2.0.0"

static const struct row {
	const char *label, *in, *replies, *committed;
} rows[] = {
	/* the walk, and order (RFC 5321 sec. 4.1.4) */
	{ "a message", START "DATA\r\nx\r\n.\r\nQUIT\r\n", OK3 "354 250/2.0.0 221/2.0.0",
		ENV "x\r\n|\n" },
	{ "HELO", "HELO c\r\n" FROM TO "DATA\r\n.\r\n", OK3 "354 " GOT,
		"proto=SMTP flags=0 from=<a@client.example> to=<b@example.org>\n|\n" },
	{ "two messages", START "DATA\r\n1\r\n.\r\n" FROM TO "DATA\r\n2\r\n.\r\n",
		OK3 "354 " GOT " 250/2.1.0 250/2.1.5 354 " GOT, ENV "1\r\n|\n" ENV "2\r\n|\n" },
	{ "verbs in any case", "ehlo c\r\nMail From:<>\r\nrCPT tO:<b@example.org>\r\ndata\r\n.\r\n",
		OK3 "354 " GOT, "proto=ESMTP flags=0 from=<> to=<b@example.org>\n|\n" },
	{ "MAIL before EHLO", FROM, "503/5.5.1", NULL },
	{ "nested MAIL", HI FROM FROM, "250 250/2.1.0 503/5.5.1", NULL },
	{ "RCPT before MAIL", HI TO, "250 503/5.5.1", NULL },
	{ "DATA before MAIL", HI "DATA\r\n", "250 503/5.5.1", NULL },
	{ "DATA before RCPT", HI FROM "DATA\r\n", "250 250/2.1.0 503/5.5.1", NULL },
	{ "DATA, all recipients refused", HI FROM "RCPT TO:<unknown@example.org>\r\nDATA\r\n",
		"250 250/2.1.0 550/5.1.1 554/5.5.1", NULL },
	{ "DATA with a parameter", START "DATA now\r\n", OK3 "501/5.5.4", NULL },
	{ "one of two refused", START "RCPT TO:<unknown@example.org>\r\nDATA\r\n.\r\n",
		OK3 "550/5.1.1 354 " GOT, ENV "|\n" },
	{ "EHLO drops the transaction", START HI "DATA\r\n", OK3 "250 503/5.5.1", NULL },
	{ "RSET drops the transaction", START "RSET\r\nDATA\r\n", OK3 "250/2.0.0 503/5.5.1", NULL },
	{ "RSET before EHLO", "RSET\r\n" FROM, "250/2.0.0 503/5.5.1", NULL },
	{ "refused EHLO keeps the transaction", START "EHLO\r\nDATA\r\n.\r\n",
		OK3 "501/5.5.4 354 " GOT, ENV "|\n" },
	{ "after QUIT nothing", "QUIT\r\nNOOP\r\n", "221/2.0.0", NULL },
	{ "QUIT with a parameter", "QUIT 1\r\n", "501/5.5.4", NULL },

	/* the small verbs */
	{ "NOOP with a parameter", "NOOP x y\r\n", "250/2.0.0", NULL },
	{ "VRFY", "VRFY joe\r\n", "252/2.5.0", NULL },
	{ "VRFY of nobody", "VRFY\r\n", "501/5.5.4", NULL },
	{ "EXPN", "EXPN list\r\n", "502/5.5.1", NULL },
	{ "HELP", "HELP\r\n", "214/2.0.0", NULL },
	{ "unknown verb", "HALLO c\r\n", "500/5.5.2", NULL },
	{ "empty line", "\r\n", "500/5.5.2", NULL },
	{ "blank before the verb", " NOOP\r\n", "500/5.5.2", NULL },
	{ "trailing blanks", "NOOP \t \r\nQUIT \r\n", "250/2.0.0 221/2.0.0", NULL },
	{ "STARTTLS is not offered", "STARTTLS\r\n", "500/5.5.2", NULL },
	{ "a browser", "POST / HTTP/1.1\r\n" START, "500/5.5.2", NULL },

	/* names of clients */
	{ "EHLO without a name", "EHLO\r\n", "501/5.5.4", NULL },
	{ "EHLO with two words", "EHLO my host\r\n", "501/5.5.4", NULL },
	{ "EHLO with a literal", "EHLO [192.0.2.1]\r\n", "250", NULL },
	{ "EHLO with an underscore", "EHLO my_host\r\n", "250", NULL },
	{ "EHLO with UTF-8", "EHLO b\303\274cher.example\r\n", "501/5.5.4", NULL },

	/* paths */
	{ "blank before the path", HI "MAIL FROM: <a@b>\r\n", "250 250/2.1.0", NULL },
	{ "no brackets", HI "MAIL FROM:a@b\r\n", "250 501/5.1.7", NULL },
	{ "no colon", HI "MAIL FROM <a@b>\r\n", "250 501/5.5.4", NULL },
	{ "no path", HI "MAIL\r\n", "250 501/5.5.4", NULL },
	{ "octets behind the path", HI "MAIL FROM:<a@b>x\r\n", "250 501/5.1.7", NULL },
	{ "null forward-path", HI FROM "RCPT TO:<>\r\n", "250 250/2.1.0 501/5.1.3", NULL },
	{ "postmaster", HI FROM "RCPT TO:<postmaster>\r\n", OK3, NULL },
	{ "UTF-8 without SMTPUTF8", HI "MAIL FROM:<\303\274@b>\r\n", "250 553/5.6.7", NULL },
	{ "UTF-8 recipient without SMTPUTF8", HI FROM "RCPT TO:<\303\274@example.org>\r\n",
		"250 250/2.1.0 553/5.6.7", NULL },
	{ "UTF-8 with SMTPUTF8",
		HI "MAIL FROM:<\303\274@b> SMTPUTF8\r\nRCPT "
		   "TO:<\303\244@example.org>\r\nDATA\r\n.\r\n",
		OK3 "354 " GOT,
		"proto=UTF8SMTP flags=2 from=<\303\274@b> to=<\303\244@example.org>\n|\n" },

	/* no relay for strangers, in any notation */
	{ "relay", HI FROM "RCPT TO:<x@other.example>\r\n", "250 250/2.1.0 554/5.7.1", NULL },
	{ "relay by source route", HI FROM "RCPT TO:<@example.org:x@other.example>\r\n",
		"250 250/2.1.0 554/5.7.1", NULL },
	{ "route dropped", HI FROM "RCPT TO:<@other.example:b@example.org>\r\nDATA\r\n.\r\n",
		OK3 "354 " GOT, ENV "|\n" },
	{ "relay by percent", HI FROM "RCPT TO:<x%other.example@example.org>\r\n",
		"250 250/2.1.0 550/5.1.1", NULL },
	{ "relay by bang", HI FROM "RCPT TO:<other.example!x@example.org>\r\n",
		"250 250/2.1.0 550/5.1.1", NULL },
	{ "relay by quotes", HI FROM "RCPT TO:<\"x@other.example\"@example.org>\r\n",
		"250 250/2.1.0 550/5.1.1", NULL },
	{ "relay by literal", HI FROM "RCPT TO:<x@[192.0.2.1]>\r\n", "250 250/2.1.0 554/5.7.1",
		NULL },
	{ "needless quotes are the same address",
		HI FROM "RCPT TO:<\"b\"@example.org>\r\nDATA\r\n.\r\n", OK3 "354 " GOT, ENV "|\n" },

	/* parameters */
	{ "all of MAIL's and RCPT's",
		HI "MAIL FROM:<a@b> SIZE=10 BODY=8BITMIME RET=HDRS ENVID=q+2B1 SMTPUTF8\r\n"
		   "RCPT TO:<b@example.org> NOTIFY=SUCCESS,DELAY ORCPT=rfc822;b@c\r\nDATA\r\n.\r\n",
		OK3 "354 " GOT,
		"proto=UTF8SMTP flags=11 from=<a@b> envid=<q+2B1> to=<b@example.org> notify=10 "
		"orcpt=<rfc822;b@c>\n|\n" },
	{ "unknown parameter", HI "MAIL FROM:<a@b> FOO=1\r\n", "250 555/5.5.4", NULL },
	{ "parameter twice", HI "MAIL FROM:<a@b> SIZE=1 SIZE=2\r\n", "250 501/5.5.4", NULL },
	{ "SIZE over the limit", HI "MAIL FROM:<a@b> SIZE=1001\r\n", "250 552/5.3.4", NULL },
	{ "SIZE of 20 digits", HI "MAIL FROM:<a@b> SIZE=99999999999999999999\r\n", "250 552/5.3.4",
		NULL },
	{ "SIZE of 21 digits", HI "MAIL FROM:<a@b> SIZE=999999999999999999999\r\n", "250 501/5.5.4",
		NULL },
	{ "SIZE without a value", HI "MAIL FROM:<a@b> SIZE\r\n", "250 501/5.5.4", NULL },
	{ "SMTPUTF8 with a value", HI "MAIL FROM:<a@b> SMTPUTF8=1\r\n", "250 501/5.5.4", NULL },
	{ "BODY=BINARYMIME is not offered", HI "MAIL FROM:<a@b> BODY=BINARYMIME\r\n",
		"250 501/5.5.4", NULL },
	{ "NOTIFY=NEVER with another", HI FROM "RCPT TO:<b@example.org> NOTIFY=NEVER,DELAY\r\n",
		"250 250/2.1.0 501/5.5.4", NULL },
	{ "NOTIFY with an empty word", HI FROM "RCPT TO:<b@example.org> NOTIFY=DELAY,\r\n",
		"250 250/2.1.0 501/5.5.4", NULL },
	{ "refused parameter leaves no transaction", HI "MAIL FROM:<a@b> FOO\r\n" TO,
		"250 555/5.5.4 503/5.5.1", NULL },

	/* DATA's transparency */
	{ "dots", START "DATA\r\n..\r\n...x\r\n.y\r\n.\r\n", OK3 "354 " GOT,
		ENV ".\r\n..x\r\ny\r\n|\n" },
	{ "dot in a line", START "DATA\r\na.\r\nb.c\r\n.\r\n", OK3 "354 " GOT,
		ENV "a.\r\nb.c\r\n|\n" },
	{ "commands in content", START "DATA\r\nQUIT\r\nMAIL FROM:<>\r\n.\r\n", OK3 "354 " GOT,
		ENV "QUIT\r\nMAIL FROM:<>\r\n|\n" },
	{ "too large",
		START "DATA\r\n"
		      "0123456789012345678901234567890123456789012345678901234567890123456789\r\n"
		      "%950\r\n.\r\nNOOP\r\n",
		OK3 "354 552/5.3.4 250/2.0.0", NULL },
	{ "mail loop",
		START "DATA\r\nReceived: 1\r\nreceived: 2\r\nX: y\r\nRECEIVED: 3\r\n"
		      "Received: 4\r\n\r\n.\r\n",
		OK3 "354 554/5.4.6", NULL },
	{ "Received in the body",
		START "DATA\r\nReceived: 1\r\nReceived: 2\r\n\r\nReceived: 3\r\n"
		      "Received: 4\r\n.\r\n",
		OK3 "354 " GOT,
		ENV "Received: 1\r\nReceived: 2\r\n\r\nReceived: 3\r\nReceived: 4\r\n|\n" },

	/* smuggling: only CRLF "." CRLF ends data, and each of these is
	 * refused at the true end, behind which nothing is read any more */
	{ "LF . LF", START "DATA\r\nx\n.\nMAIL FROM:<>\r\n.\r\nNOOP\r\n", OK3 "354 550/5.6.0",
		NULL },
	{ "LF . CRLF", START "DATA\r\nx\n.\r\nMAIL FROM:<>\r\n.\r\nNOOP\r\n", OK3 "354 550/5.6.0",
		NULL },
	{ "CRLF . LF", START "DATA\r\nx\r\n.\nMAIL FROM:<>\r\n.\r\nNOOP\r\n", OK3 "354 550/5.6.0",
		NULL },
	{ "CR . CR", START "DATA\r\nx\r.\rMAIL FROM:<>\r\n.\r\nNOOP\r\n", OK3 "354 550/5.6.0",
		NULL },
	{ "CR . CRLF", START "DATA\r\nx\r.\r\nMAIL FROM:<>\r\n.\r\nNOOP\r\n", OK3 "354 550/5.6.0",
		NULL },
	{ "CRLF . CR", START "DATA\r\nx\r\n.\rMAIL FROM:<>\r\n.\r\nNOOP\r\n", OK3 "354 550/5.6.0",
		NULL },
	{ "CRLF . CR CRLF", START "DATA\r\nx\r\n.\r\r\nMAIL FROM:<>\r\n.\r\nNOOP\r\n",
		OK3 "354 550/5.6.0", NULL },
	{ "LF . CR LF behind CR", START "DATA\r\nx\r\r\n.\r\nNOOP\r\n", OK3 "354 550/5.6.0", NULL },
	{ "LF CR . CRLF", START "DATA\r\nx\n\r.\r\nNO\r\n.\r\nNOOP\r\n", OK3 "354 550/5.6.0",
		NULL },
	{ "bare LF in a line", START "DATA\r\nx\ny\r\n.\r\n", OK3 "354 550/5.6.0", NULL },
	{ "bare CR in a line", START "DATA\r\nx\ry\r\n.\r\n", OK3 "354 550/5.6.0", NULL },
	{ "dot, dot, bare LF", START "DATA\r\n..\n.\r\nNO\r\n.\r\n", OK3 "354 550/5.6.0", NULL },
	{ "bare LF in a command", START "NOOP\nDATA\r\n", OK3 "500/5.5.2", NULL },
	{ "LF only", "EHLO c\nMAIL FROM:<>\n", "500/5.5.2", NULL },
	{ "CR LF at the start of LF", "\nNOOP\r\n", "500/5.5.2", NULL },
	{ "bare CR in a command", HI "NO\rOP\r\nNOOP\r\n", "250 500/5.5.2 250/2.0.0", NULL },
	{ "CR CR LF ends a command oddly", HI "NOOP\r\r\nNOOP\r\n", "250 500/5.5.2 250/2.0.0",
		NULL },

	/* BDAT */
	{ "one chunk", START "BDAT 3 LAST\r\nx\r\nQUIT\r\n", OK3 GOT " 221/2.0.0", ENV "x\r\n|\n" },
	{ "no dots in chunks", START "BDAT 7 LAST\r\n.\r\n..\r\n\r\n", OK3 GOT " 500/5.5.2",
		ENV ".\r\n..\r\n|\n" },
	{ "two chunks", START "BDAT 2\r\nx\rBDAT 1 last\r\n\n", OK3 "250/2.0.0 " GOT,
		ENV "x\r\n|\n" },
	{ "empty last chunk", START "BDAT 3\r\nx\r\nBDAT 0 LAST\r\n", OK3 "250/2.0.0 " GOT,
		ENV "x\r\n|\n" },
	{ "nothing at all", START "BDAT 0 LAST\r\n", OK3 GOT, ENV "|\n" },
	{ "no final line end", START "BDAT 1 LAST\r\nx", OK3 GOT, ENV "x|\n" },
	{ "chunk with a bare LF", START "BDAT 2\r\nx\nBDAT 1 LAST\r\ny", OK3 "550/5.6.0 503/5.5.1",
		NULL },
	{ "ends in a CR", START "BDAT 2 LAST\r\nx\r", OK3 "550/5.6.0", NULL },
	{ "chunk before RCPT is read all the same", HI "BDAT 6 LAST\r\nNOOP\r\nNOOP\r\n",
		"250 503/5.5.1 250/2.0.0", NULL },
	{ "chunk before EHLO", "BDAT 6 LAST\r\nNOOP\r\nNOOP\r\n", "503/5.5.1 250/2.0.0", NULL },
	{ "chunk too large", START "BDAT 1200 LAST\r\n%1200NOOP\r\n", OK3 "552/5.3.4 250/2.0.0",
		NULL },
	{ "chunks too large", START "BDAT 900\r\n%900BDAT 300 LAST\r\n%300NOOP\r\n",
		OK3 "250/2.0.0 552/5.3.4 250/2.0.0", NULL },
	{ "DATA after BDAT", START "BDAT 3\r\nx\r\nDATA\r\n", OK3 "250/2.0.0 503/5.5.1", NULL },
	{ "RCPT after BDAT", START "BDAT 3\r\nx\r\n" TO, OK3 "250/2.0.0 503/5.5.1", NULL },
	{ "RSET after BDAT", START "BDAT 3\r\nx\r\nRSET\r\n" FROM,
		OK3 "250/2.0.0 250/2.0.0 250/2.1.0", NULL },
	{ "NOOP after BDAT", START "BDAT 3\r\nx\r\nNOOP\r\nBDAT 3 LAST\r\ny\r\n",
		OK3 "250/2.0.0 250/2.0.0 " GOT, ENV "x\r\ny\r\n|\n" },
	{ "BDAT without a size", START "BDAT\r\nNOOP\r\n", OK3 "501/5.5.4", NULL },
	{ "BDAT with a bad size", START "BDAT -1\r\nNOOP\r\n", OK3 "501/5.5.4", NULL },
	{ "BDAT with another word", START "BDAT 1 FIRST\r\nNOOP\r\n", OK3 "501/5.5.4", NULL },

	/* limits */
	{ "recipients", START TO TO TO TO TO "DATA\r\n.\r\n",
		OK3 "250/2.1.5 250/2.1.5 250/2.1.5 250/2.1.5 452/4.5.3 354 " GOT,
		"proto=ESMTP flags=0 from=<a@client.example> to=<b@example.org> to=<b@example.org> "
		"to=<b@example.org> to=<b@example.org> to=<b@example.org>\n|\n" },
	{ "line of 2047 octets", "NOOP %2040\r\nNOOP\r\n", "250/2.0.0 250/2.0.0", NULL },
	{ "line of 2049 octets", "NOOP %2042\r\nNOOP\r\n", "500/5.5.2 250/2.0.0", NULL },
	{ "line of 9000 octets", "NOOP %9000\r\nNOOP\r\n", "500/5.5.2 250/2.0.0", NULL },
	{ "long line with a bare LF", "NOOP %3000\nNOOP\r\n", "500/5.5.2", NULL },
	{ "errors", "X\r\nX\r\nX\r\nX\r\nX\r\nX\r\nX\r\nX\r\nX\r\nX\r\nX\r\nX\r\nX\r\n",
		"500/5.5.2 500/5.5.2 500/5.5.2 500/5.5.2 500/5.5.2 500/5.5.2 500/5.5.2 500/5.5.2 "
		"500/5.5.2 "
		"500/5.5.2 500/5.5.2 421/4.7.0",
		NULL },
	{ "temporary refusals are no errors", START "RCPT TO:<later@example.org>\r\n",
		OK3 "451/4.3.0", NULL },
};

/* "%900" stands for that many 'x'. */
static void
expand(struct buf *out, const char *in)
{
	for (; *in != '\0'; in++) {
		char *end;
		if (*in != '%' || in[1] < '0' || in[1] > '9') {
			buf_put_u8(out, (uint8_t)*in);
			continue;
		}
		for (unsigned long n = strtoul(in + 1, &end, 10); n > 0; n--)
			buf_put_u8(out, 'x');
		in = end - 1;
	}
}

/* "250-a\r\n250 2.1.0 b\r\n" becomes "250/2.1.0 ". */
static void
summarize(struct buf *out, struct bytes replies)
{
	while (replies.n > 0) {
		struct bytes line = bytes_cut(&replies, '\n');
		assert_true(line.n >= 4 && line.n < 512 && line.p[line.n - 1] == '\r');
		if (line.p[3] != ' ')
			continue;
		buf_put(out, line.p, 3);
		if (line.n > 9 && line.p[5] == '.' && line.p[7] == '.')
			buf_printf(out, "/%.5s", (const char *)line.p + 4);
		buf_put_u8(out, ' ');
	}
}

static void
run_pieces(const struct row *t, size_t piece)
{
	struct driver d;
	struct buf in = BUF_INIT, codes = BUF_INIT, wanted = BUF_INIT;

	driver_init(&d);
	expand(&in, t->in);
	driver_feed(&d, buf_bytes(&in), piece);
	summarize(&codes, buf_bytes(&d.replies));
	buf_printf(
		&wanted, "%s%s", t->replies, t->replies[strlen(t->replies) - 1] == ' ' ? "" : " ");
	assert_string_equal(buf_str(&codes), buf_str(&wanted));
	assert_string_equal(buf_str(&d.committed), t->committed == NULL ? "" : t->committed);
	driver_free(&d);
	buf_free(&in);
	buf_free(&codes);
	buf_free(&wanted);
}

static void
run_row(void **state)
{
	const struct row *t = *state;
	run_pieces(t, 0);
	run_pieces(t, 1);
	run_pieces(t, 7);
}

static void
nul(void **state)
{
	static const char in[] = "NO\0OP\r\n" START "DATA\r\na\0b\r\n.\r\nNOOP\r\n";
	struct driver d;

	UNUSED(state);
	driver_init(&d);
	driver_feed(&d, bytes_make(in, sizeof(in) - 1), 0);
	assert_int_equal(d.messages, 0);
	assert_non_null(strstr(buf_str(&d.replies), "550 5.6.0 NUL"));
	assert_non_null(strstr(buf_str(&d.replies), "500 5.5.2 bare <CR> or NUL"));
	driver_free(&d);
}

/* No answer of the queue but "yes" makes a 250. */
static void
failures(void **state)
{
	static const struct {
		int commit, store;
		const char *reply;
	} cases[] = { { ERR_PEER, 0, "451 4.3.0" }, { 0, ERR_NO_SPACE, "452 4.3.1" },
		{ 0, ERR_IO, "451 4.3.0" } };
	UNUSED(state);
	for (size_t i = 0; i < NITEMS(cases); i++) {
		struct driver d;
		driver_init(&d);
		d.commit_error = cases[i].commit;
		d.store_error = cases[i].store;
		driver_feed(&d, BYTES_LITERAL(START "DATA\r\nx\r\n"), 0);
		buf_clear(&d.replies);
		driver_feed(&d, BYTES_LITERAL(".\r\n"), 0);
		assert_true(
			bytes_starts_with(buf_bytes(&d.replies), bytes_from_str(cases[i].reply)));
		assert_int_equal(d.messages, 0);
		assert_int_equal(d.session.state, SMTP_READY);
		driver_free(&d);
	}
}

static void
log_lines(void **state)
{
	struct driver d;
	struct buf counts = BUF_INIT;

	UNUSED(state);
	driver_init(&d);
	driver_feed(&d,
		BYTES_LITERAL(HI FROM "RCPT TO:<unknown@example.org>\r\n" TO
				      "RCPT TO:<x@other.example>\r\nDATA\r\n.\r\nQUIT\r\n"),
		0);
	const char *log = buf_str(&d.log);
	assert_non_null(strstr(log,
		"NOQUEUE: reject: RCPT from unknown[192.0.2.7]: 550 5.1.1 User unknown; "
		"from=<a@client.example> to=<unknown@example.org> proto=ESMTP "
		"helo=<client.example>\n"));
	assert_non_null(strstr(log, ": client=unknown[192.0.2.7], session=s1\n"));
	assert_non_null(strstr(log, ": reject: RCPT from unknown[192.0.2.7]: 554 5.7.1 "));
	smtp_session_put_counts(&d.session, &counts);
	assert_string_equal(buf_str(&counts), "ehlo=1 mail=1 rcpt=1/3 data=1 quit=1 commands=5/7");
	buf_free(&counts);
	driver_free(&d);
}

static void
ends(void **state)
{
	struct driver d;

	UNUSED(state);
	/* idle: at once; in a transaction: when it has ended */
	driver_init(&d);
	driver_feed(&d, BYTES_LITERAL(HI), 0);
	smtp_session_drain(&d.session, &d.out);
	assert_int_equal(d.session.wait, SMTP_WAIT_CLOSE);
	assert_non_null(strstr(buf_str(&d.replies), "421 4.3.2"));
	driver_free(&d);

	driver_init(&d);
	driver_feed(&d, BYTES_LITERAL(START), 0);
	smtp_session_drain(&d.session, &d.out);
	assert_int_equal(d.session.wait, SMTP_WAIT_INPUT);
	driver_feed(&d, BYTES_LITERAL("DATA\r\n.\r\n"), 0);
	assert_int_equal(d.messages, 1);
	assert_int_equal(d.session.wait, SMTP_WAIT_CLOSE);
	assert_non_null(strstr(buf_str(&d.replies), "queued\r\n421 4.3.2"));
	driver_free(&d);

	driver_init(&d);
	driver_feed(&d, BYTES_LITERAL(START "DATA\r\nx"), 0);
	smtp_session_timeout(&d.session, &d.out);
	assert_int_equal(d.session.wait, SMTP_WAIT_CLOSE);
	assert_non_null(strstr(buf_str(&d.log), "timeout after DATA from"));
	driver_free(&d);

	driver_init(&d);
	smtp_session_early_talker(&d.session, BYTES_LITERAL("EHLO x\r\n"), 1234, &d.out);
	assert_int_equal(d.session.wait, SMTP_WAIT_CLOSE);
	assert_true(bytes_starts_with(buf_bytes(&d.replies), BYTES_LITERAL("554 ")));
	assert_string_equal(
		buf_str(&d.log), "PREGREET 8 after 1.23 from unknown[192.0.2.7]: EHLO x\n");
	driver_free(&d);
}

/* A message's Received field, without its last line: the date. */
static const struct received_row {
	const char *label, *client, *name, *in, *field;
} received_rows[] = {
	{ "one recipient", "192.0.2.7", NULL, START,
		"Received: from client.example ([192.0.2.7])\r\n"
		"\tby mx.example.org with ESMTP id QID (session s1)\r\n\tfor "
		"<b@example.org>;\r\n" },
	{ "several recipients are not told", "192.0.2.7", NULL, START TO,
		"Received: from client.example ([192.0.2.7])\r\n"
		"\tby mx.example.org with ESMTP id QID (session s1);\r\n" },
	{ "IPv6, name known, HELO", "2001:db8::1", "c.example", "HELO x\r\n" FROM TO,
		"Received: from x (c.example [IPv6:2001:db8::1])\r\n"
		"\tby mx.example.org with SMTP id QID (session s1)\r\n\tfor <b@example.org>;\r\n" },
	{ "name with specials", "192.0.2.7", NULL, "EHLO a)(b\\\r\n" FROM TO,
		"Received: from [192.0.2.7] (helo a??b?)\r\n"
		"\tby mx.example.org with ESMTP id QID (session s1)\r\n\tfor "
		"<b@example.org>;\r\n" },
	{ "UTF-8", "192.0.2.7", NULL, HI "MAIL FROM:<> SMTPUTF8\r\n" TO,
		"Received: from client.example ([192.0.2.7])\r\n"
		"\tby mx.example.org with UTF8SMTP id QID (session s1)\r\n\tfor "
		"<b@example.org>;\r\n" },
};

static void
run_received(void **state)
{
	const struct received_row *t = *state;
	struct driver d;
	struct buf field = BUF_INIT;

	driver_init(&d);
	d.session.client = t->client;
	d.session.name = t->name;
	driver_feed(&d, bytes_from_str(t->in), 0);
	memcpy(d.session.txn->queue_id, "QID", 4);
	smtp_put_received(&d.session, &field);
	assert_true(bytes_starts_with(buf_bytes(&field), bytes_from_str(t->field)));
	struct bytes date = bytes_skip(buf_bytes(&field), strlen(t->field));
	assert_true(date.n > 20 && date.p[0] == '\t' &&
		    bytes_search(date, BYTES_LITERAL("\r\n")) == date.n - 2);
	buf_free(&field);
	driver_free(&d);
}

int
main(void)
{
	TABLE_TESTS(tests, rows, run_row);
	static const struct CMUnitTest others[] = { cmocka_unit_test(nul),
		cmocka_unit_test(failures), cmocka_unit_test(log_lines), cmocka_unit_test(ends) };
	TABLE_TESTS(fields, received_rows, run_received);
	return cmocka_run_group_tests_name("smtpd/session dialogues", tests, NULL, NULL) +
	       cmocka_run_group_tests_name("smtpd/session Received", fields, NULL, NULL) +
	       cmocka_run_group_tests_name("smtpd/session", others, NULL, NULL);
}
