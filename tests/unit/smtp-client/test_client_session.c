/* SPDX-License-Identifier: ISC */
/*
 * tests/unit/smtp-client/test_client_session.c - dialogues with good, bad and awful peers.
 *
 * A script has one line for each line of the dialogue: "S:" is said by the server, "C:" must have
 * been said by the client ("B:" behind it: octets in hex), "R:" and "r:" must be the result then
 * (of the hop, and of each recipient), "!" is something that happens, "W:" is what the session
 * wants at the end. Each is run with the server's octets in one piece, one by one, and cut in two
 * at every place.
 */
#include "cases.h"

#include <stdio.h>
#include <stdlib.h>

#include "client_driver.h"
#include "encode.h"

enum {
	LMTP = 1 << 0,
	MAY = 1 << 1,
	ENCRYPT = 1 << 2,
	VERIFY = 1 << 3,
	WRAPPED = 1 << 4,
	AUTH = 1 << 5,
	CLEAR_AUTH = 1 << 6,
	CHUNKING = 1 << 7,
	NO_PIPELINING = 1 << 8,
	ONE_TRANSACTION = 1 << 9,
	OWN_NAME = 1 << 10,
	NULL_PATH = 1 << 11,
	EIGHT_BIT = 1 << 12, /* content */
	UTF8_RCPT = 1 << 13, /* the first recipient */
	UTF8_FLAG = 1 << 14,
	DSN = 1 << 15,
	CHUNKS = 1 << 16, /* content comes in chunks */
	SIGNED = 1 << 17, /* 8-bit content that can't be changed */
	BINARY = 1 << 18,
	UTF8_HEADER = 1 << 19,
	NO_FINAL_CRLF = 1 << 20,
	UTF8_SENDER = 1 << 21,
	STALL = 1 << 22, /* content stops coming behind its first line */
};

#define HELLO                                                                                      \
	"S:220 mx.example ESMTP\n"                                                                 \
	"C:EHLO relais.test\n"                                                                     \
	"S:250-mx.example\n"
#define PLAIN_HELLO HELLO "S:250 PIPELINING\n"
#define GROUP1                                                                                     \
	"C:MAIL FROM:<a@relais.test>\n"                                                            \
	"C:RCPT TO:<r1@mx.example>\n"                                                              \
	"C:DATA\n"
#define GROUP2                                                                                     \
	"C:MAIL FROM:<a@relais.test>\n"                                                            \
	"C:RCPT TO:<r1@mx.example>\n"                                                              \
	"C:RCPT TO:<r2@mx.example>\n"                                                              \
	"C:DATA\n"
#define GROUP3                                                                                     \
	"C:MAIL FROM:<a@relais.test>\n"                                                            \
	"C:RCPT TO:<r1@mx.example>\n"                                                              \
	"C:RCPT TO:<r2@mx.example>\n"                                                              \
	"C:RCPT TO:<r3@mx.example>\n"                                                              \
	"C:DATA\n"
#define BODY                                                                                       \
	"C:Received: by relais.test\n"                                                             \
	"C:From: a@relais.test\n"                                                                  \
	"C:Subject: x\n"                                                                           \
	"C:\n"                                                                                     \
	"C:..dot\n"                                                                                \
	"C:body\n"                                                                                 \
	"C:.\n"
#define OK3 "S:250 2.1.0 Ok\nS:250 2.1.5 Ok\nS:354 go\n"
#define OK2 "S:250 2.1.0 Ok\nS:250 2.1.5 Ok\n"
#define TO_STALL                                                                                   \
	HELLO "S:250-PIPELINING\nS:250 8BITMIME\nC:MAIL FROM:<a@relais.test> BODY=8BITMIME\n"      \
	      "C:RCPT TO:<r1@mx.example>\nC:DATA\n" OK3                                            \
	      "C:Received: by relais.test\nC:From: a@relais.test\nW:CONTENT\n"
#define TO_BODY PLAIN_HELLO GROUP1 OK3 BODY

static const struct row {
	const char *label;
	unsigned flags;
	uint32_t n_rcpts;
	const char *script;
} rows[] = {
#include "client_scripts.h"
};

/* --- the cast --------------------------------------------------------------------- */

static const char eight_bit[] = "From: a@relais.test\r\nMIME-Version: 1.0\r\nContent-Type: "
				"text/plain; charset=utf-8\r\nContent-Transfer-Encoding: "
				"8bit\r\n\r\nh\xc3\xa9\r\n";
static const char signed_8bit[] =
	"MIME-Version: 1.0\r\nContent-Type: multipart/signed; boundary=b\r\n\r\n--b\r\n"
	"Content-Transfer-Encoding: 8bit\r\n\r\nh\xc3\xa9\r\n--b\r\n\r\nsig\r\n--b--\r\n";
static const char binary[] = "MIME-Version: 1.0\r\nContent-Type: application/x\r\nContent-Transfer-"
			     "Encoding: binary\r\n\r\n\r\n.\r\n\x01\n\xff";
static const char utf8_header[] = "Subject: h\xc3\xa9\r\n\r\nbody\r\n";
static const char no_final_crlf[] = "Subject: x\r\n\r\n.";

static void
set_up(struct client_driver *d, const struct row *t)
{
	static const struct {
		unsigned flag;
		const char *text;
		size_t n;
	} contents[] = {
		{ EIGHT_BIT, eight_bit, sizeof(eight_bit) - 1 },
		{ SIGNED, signed_8bit, sizeof(signed_8bit) - 1 },
		{ BINARY, binary, sizeof(binary) - 1 },
		{ UTF8_HEADER, utf8_header, sizeof(utf8_header) - 1 },
		{ NO_FINAL_CRLF, no_final_crlf, sizeof(no_final_crlf) - 1 },
	};
	unsigned f = t->flags;

	driver_init(d, t->n_rcpts);
	d->policy.lmtp = (f & LMTP) != 0;
	d->policy.wrapped = (f & WRAPPED) != 0;
	d->policy.tls = f & MAY       ? CLIENT_TLS_MAY
			: f & ENCRYPT ? CLIENT_TLS_ENCRYPT
			: f & VERIFY  ? CLIENT_TLS_VERIFY
				      : CLIENT_TLS_NONE;
	if (f & AUTH) {
		d->policy.login = BYTES_LITERAL("user");
		d->policy.password = BYTES_LITERAL("pencil");
	}
	d->policy.clear_auth = (f & CLEAR_AUTH) != 0;
	d->policy.chunking = (f & CHUNKING) != 0;
	d->policy.pipelining = (f & NO_PIPELINING) == 0;
	d->policy.transactions_max = f & ONE_TRANSACTION ? 1 : 0;
	d->policy.own_name = f & OWN_NAME ? "mx.example" : NULL;
	if (f & NULL_PATH)
		d->job.reverse_path = BYTES_NONE;
	if (f & UTF8_RCPT)
		d->rcpts[0].forward_path = BYTES_LITERAL("r\xc3\xa9@mx.example");
	if (f & UTF8_SENDER)
		d->job.reverse_path = BYTES_LITERAL("\xc3\xa9@relais.test");
	if (f & UTF8_FLAG)
		d->job.flags |= OUTBOUND_SMTPUTF8;
	if (f & BINARY)
		d->job.flags |= OUTBOUND_BINARYMIME;
	if (f & DSN) {
		d->job.flags |= OUTBOUND_RET_HDRS;
		d->job.envid = BYTES_LITERAL("QQ+2B1");
		d->rcpts[0].notify = OUTBOUND_NOTIFY_SUCCESS | OUTBOUND_NOTIFY_DELAY;
		d->rcpts[0].orcpt = BYTES_LITERAL("rfc822;o+2B1@mx.example");
		d->rcpts[1].notify = OUTBOUND_NOTIFY_NEVER;
		d->rcpts[1].orcpt = BYTES_LITERAL("utf-8;\xe2\x82\xac@mx.example");
	}
	for (size_t i = 0; i < NITEMS(contents); i++)
		if (f & contents[i].flag)
			d->content = bytes_make(contents[i].text, contents[i].n);
	d->chunk = f & (CHUNKS | STALL) ? 7 : 0;
	d->stall = f & STALL ? 21 : 0;
}

/* --- what happens ----------------------------------------------------------------- */

static void
shake_hands(struct client_driver *d, bool authenticated)
{
	struct client_tls_state tls = { .authenticated = authenticated };

	assert_string_equal(driver_want(d), "TLS");
	tls.bindings[SASL_TLS_EXPORTER] = BYTES_LITERAL("0123456789abcdef");
	client_session_secured(d->session, &tls);
}

static void
happen(struct client_driver *d, struct bytes what)
{
	struct client_session *s = d->session;

	if (bytes_is(what, "tls"))
		shake_hands(d, true);
	else if (bytes_is(what, "tls-untrusted"))
		shake_hands(d, false);
	else if (bytes_is(what, "tlsfail"))
		client_session_tls_failed(s, "certificate has expired");
	else if (bytes_is(what, "close"))
		client_session_closed(s, NULL);
	else if (bytes_is(what, "reset"))
		client_session_closed(s, "Connection reset by peer");
	else if (bytes_is(what, "timeout")) {
		assert_true(client_session_deadline(s).seconds > 0);
		client_session_timeout(s);
	} else if (bytes_is(what, "job"))
		driver_job(d);
	else if (bytes_is(what, "quit"))
		client_session_quit(s);
	else if (bytes_is(what, "abort"))
		client_session_abort(s, "4.3.0", "queue file read error");
	else
		fail_msg("no such event");
	driver_settle(d);
}

/* --- running a script ------------------------------------------------------------- */

struct run {
	struct client_driver d;
	size_t one_by_one;
	size_t cut; /* the server's octets are cut at this one; 0: not */
	size_t fed;
};

static void
feed(struct run *r, struct bytes in)
{
	while (in.n > 0) {
		size_t n = in.n;

		if (r->one_by_one)
			n = 1;
		else if (r->cut > r->fed && r->cut - r->fed < n)
			n = r->cut - r->fed;
		driver_feed(&r->d, bytes_head(in, n));
		r->fed += n;
		in = bytes_skip(in, n);
	}
}

/* All lines of one kind at the front of the script, with CRLF, without their marks. */
static void
gather(struct bytes *script, uint8_t mark, struct buf *out)
{
	while (script->n > 0 && script->p[0] == mark) {
		struct bytes line = bytes_cut(script, '\n');

		buf_put_bytes(out, bytes_skip(line, 2));
		buf_put_str(out, "\r\n");
	}
}

static void
expect_text(struct buf *got, struct buf *want, const char *label)
{
	if (!bytes_equal(buf_bytes(got), buf_bytes(want)))
		fail_msg("%s:\ngot:\n%s\nwant:\n%s", label, buf_str(got), buf_str(want));
	buf_clear(got);
}

static void
step(struct run *r, struct bytes *script, const char *label)
{
	struct client_driver *d = &r->d;
	struct buf text = BUF_INIT;
	uint8_t mark = script->p[0];
	struct bytes line;

	if (mark == 'S') {
		gather(script, 'S', &text);
		feed(r, buf_bytes(&text));
	} else if (mark == 'C') {
		gather(script, 'C', &text);
		if (script->n > 0 && script->p[0] == 'B') {
			line = bytes_skip(bytes_cut(script, '\n'), 2);
			assert_int_equal(hex_decode(&text, line), 0);
		}
		expect_text(&d->said, &text, label);
	} else if (mark == 'R') {
		if (strcmp(driver_want(d), "DONE") != 0)
			fail_msg("%s: wants %s, not DONE; said: %s", label, driver_want(d),
				buf_str(&d->said));
		driver_take_result(d);
		while (script->n > 0 && (script->p[0] == 'R' || script->p[0] == 'r')) {
			buf_put_bytes(&text, bytes_cut(script, '\n'));
			buf_put_str(&text, "\r\n");
		}
		expect_text(&d->results, &text, label);
	} else {
		line = bytes_cut(script, '\n');
		if (mark == '!')
			happen(d, bytes_skip(line, 1));
		else {
			buf_put_bytes(&text, bytes_skip(line, 2));
			assert_string_equal(driver_want(d), buf_str(&text));
		}
	}
	buf_free(&text);
}

/* returns: octets that the server said */
static size_t
run_script(const struct row *t, bool one_by_one, size_t cut)
{
	struct run r = { .one_by_one = one_by_one, .cut = cut };
	struct bytes script = bytes_from_str(t->script);

	set_up(&r.d, t);
	driver_start(&r.d);
	while (script.n > 0)
		step(&r, &script, t->label);
	if (r.d.said.len > 0)
		fail_msg("%s: nobody expected: %s", t->label, buf_str(&r.d.said));
	driver_free(&r.d);
	return r.fed;
}

static void
run_row(void **arg)
{
	const struct row *t = *arg;
	size_t n = run_script(t, false, 0);

	run_script(t, true, 0);
	for (size_t cut = 1; cut < n; cut++)
		run_script(t, false, cut);
}

/* --- limits and time -------------------------------------------------------------- */

static void
test_endless_reply(void **state)
{
	static const struct bytes line = BYTES_LITERAL("250-and so on\r\n");
	struct client_driver d;
	struct bytes result;

	driver_init(&d, 1);
	driver_start(&d);
	driver_feed(&d, BYTES_LITERAL("220 mx\r\n"));
	for (int i = 0; i < 10000 && client_session_want(d.session) == CLIENT_WANT_READ; i++)
		driver_feed(&d, line);
	assert_string_equal(driver_want(&d), "DONE");
	driver_take_result(&d);
	result = buf_bytes(&d.results);
	assert_true(bytes_search(result, BYTES_LITERAL("an endless reply")) != BYTES_NOT_FOUND);
	assert_string_equal(driver_want(&d), "CLOSE");
	driver_free(&d);
}

/* A connection that is made before there is a job for it. */
static void
test_no_job_yet(void **state)
{
	struct client_driver d;

	driver_init(&d, 1);
	d.session = client_session_new(&d.policy);
	client_session_connected(d.session);
	driver_feed(&d, BYTES_LITERAL("220 mx\r\n"));
	assert_false(client_session_ready(d.session));
	driver_feed(&d, BYTES_LITERAL("250 mx\r\n"));
	assert_true(client_session_ready(d.session));
	assert_string_equal(driver_want(&d), "JOB");
	assert_false(client_session_reused(d.session));
	driver_job(&d);
	assert_string_equal(client_session_while(d.session), "sending MAIL FROM");
	driver_free(&d);

	/* it is refused meanwhile: the job is told to go elsewhere */
	driver_init(&d, 1);
	d.session = client_session_new(&d.policy);
	client_session_connected(d.session);
	driver_feed(&d, BYTES_LITERAL("554 no\r\n"));
	assert_string_equal(driver_want(&d), "CLOSE");
	driver_job(&d);
	assert_int_equal(client_session_result(d.session)->retry, CLIENT_RETRY_FRESH);
	driver_free(&d);
}

/* What comes, and the deadline then; RFC 5321 sec. 4.5.3.2. */
static const struct {
	const char *label, *in;
	uint32_t seconds;
} times[] = {
	{ "greeting", "", 300 },
	{ "EHLO", "220 mx\r\n", 300 },
	{ "MAIL", "250-mx\r\n250 8BITMIME\r\n", 300 },
	{ "RCPT", "250 ok\r\n", 300 },
	{ "DATA", "250 ok\r\n", 120 },
	{ "block", "354 go\r\n", 180 },
};

static void
test_deadlines(void **state)
{
	struct client_driver d;
	struct client_deadline was, is;

	driver_init(&d, 1);
	d.chunk = 7;
	d.stall = 21;
	driver_start(&d);
	for (size_t i = 0; i < NITEMS(times); i++) {
		struct bytes in = bytes_from_str(times[i].in);

		was = client_session_deadline(d.session);
		/* single octets win no time, the last one of a reply does */
		for (size_t k = 0; k + 1 < in.n && in.p[3] != '-'; k++) {
			driver_feed(&d, bytes_make(in.p + k, 1));
			is = client_session_deadline(d.session);
			assert_int_equal(is.step, was.step);
		}
		driver_feed(&d, in.n > 0 && in.p[3] != '-' ? bytes_skip(in, in.n - 1) : in);
		is = client_session_deadline(d.session);
		assert_true(in.n == 0 || is.step != was.step);
		assert_int_equal(is.seconds, times[i].seconds);
	}
	d.stall = 0;
	driver_settle(&d);
	assert_int_equal(client_session_deadline(d.session).seconds, 600);
	driver_free(&d);
}

/* Whoever must re-encode breaks the signatures, if there are any. */
static void
test_signatures(void **arg)
{
	static const struct {
		const char *ehlo, *prefix, *content;
		bool breaks;
	} cases[] = {
		{ "250 mx\r\n", "DKIM-Signature: x\r\n", eight_bit, true },
		{ "250 mx\r\n", "DKIM-Signature: x\r\n", "From: a@b\r\n\r\nDKIM-Signature:\r\n",
			false },
		{ "250 mx\r\n", "Received: x\r\n", eight_bit, false },
		{ "250-mx\r\n250 8BITMIME\r\n", "DKIM-Signature: x\r\n", eight_bit, false },
	};
	struct client_driver d;

	UNUSED(arg);
	for (size_t i = 0; i < NITEMS(cases); i++) {
		driver_init(&d, 1);
		d.job.prefix = bytes_from_str(cases[i].prefix);
		d.content = bytes_from_str(cases[i].content);
		driver_start(&d);
		driver_feed(&d, BYTES_LITERAL("220 mx\r\n"));
		driver_feed(&d, bytes_from_str(cases[i].ehlo));
		assert_int_equal(client_session_breaks_signature(d.session), cases[i].breaks);
		driver_free(&d);
	}
}

int
main(void)
{
	struct CMUnitTest tests[NITEMS(rows) + 4];
	size_t n = 0;

	ADD_ROWS(tests, n, rows, run_row);
	tests[n++] = (struct CMUnitTest)cmocka_unit_test(test_endless_reply);
	tests[n++] = (struct CMUnitTest)cmocka_unit_test(test_no_job_yet);
	tests[n++] = (struct CMUnitTest)cmocka_unit_test(test_deadlines);
	tests[n++] = (struct CMUnitTest)cmocka_unit_test(test_signatures);
	ASSERT(n == NITEMS(tests));
	return cmocka_run_group_tests_name("smtp-client/session", tests, NULL, NULL);
}
