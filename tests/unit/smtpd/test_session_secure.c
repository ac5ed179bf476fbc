/* SPDX-License-Identifier: ISC */
/*
 * tests/unit/smtpd/test_session_secure.c - STARTTLS and AUTH in a session: each verb in each state,
 * at both doors, before and after. Dialogues are fed whole, octet by octet and by sevens.
 */
#include "../base/cases.h"

#include <stdio.h>
#include <stdlib.h>

#include "err.h"
#include "session_driver.h"
#include "session_impl.h"

enum door {
	MX,          /* port 25 with a keyholder */
	MX_NO_KEYS,  /* without */
	SUBMISSION,  /* port 587 */
	SUBMISSIONS, /* port 465: TLS before the greeting */
	CLEAR,       /* port 587, a client that may log in without TLS */
	NO_KEYS,     /* port 587 without a keyholder */
	LOCAL        /* sendmail's socket */
};

#define HI    "EHLO client.example\r\n"
#define TLS   "STARTTLS\r\n"
#define LOGIN "AUTH PLAIN Z29vZA==\r\n"
#define FROM  "MAIL FROM:<a@client.example>\r\n"
#define TO    "RCPT TO:<b@example.org>\r\n"
#define DATA  "DATA\r\nx\r\n.\r\n"
#define IN    HI TLS HI LOGIN
#define OK_IN "250 220/2.0.0 250 235/2.7.0"

static const struct row {
	const char *label;
	enum door door;
	const char *in, *replies, *proto; /* proto: of the message that got through, or NULL */
} rows[] = {
	/* STARTTLS, RFC 3207 */
	{ "port 25", MX, HI TLS HI FROM TO DATA,
		"250 220/2.0.0 250 250/2.1.0 250/2.1.5 354 250/2.0.0", "ESMTPS" },
	{ "EHLO is needed again", MX, HI TLS FROM, "250 220/2.0.0 503/5.5.1", NULL },
	{ "before EHLO", MX, TLS HI, "220/2.0.0 250", NULL },
	{ "with a parameter", MX, HI "STARTTLS now\r\n", "250 501/5.5.4", NULL },
	{ "twice", MX, HI TLS HI TLS, "250 220/2.0.0 250 503/5.5.1", NULL },
	{ "in a transaction", MX, HI FROM TLS TO, "250 250/2.1.0 503/5.5.1 250/2.1.5", NULL },
	{ "between chunks", MX, HI FROM TO "BDAT 3\r\nx\r\n" TLS,
		"250 250/2.1.0 250/2.1.5 250/2.0.0 503/5.5.1", NULL },
	{ "keyholder is not there", MX_NO_KEYS, HI TLS FROM, "250 454/4.7.0 250/2.1.0", NULL },
	{ "keyholder is not there, 587", NO_KEYS, HI TLS LOGIN FROM,
		"250 454/4.7.0 538/5.7.11 530/5.7.0", NULL },
	{ "TLS from the first octet", SUBMISSIONS, HI TLS LOGIN FROM,
		"250 503/5.5.1 235/2.7.0 250/2.1.0", NULL },

	/* who may say AUTH, RFC 4954 */
	{ "port 25 has no AUTH", MX, HI TLS HI LOGIN, "250 220/2.0.0 250 500/5.5.2", NULL },
	{ "not before TLS", SUBMISSION, HI LOGIN "AUTH LOGIN\r\nAUTH X\r\n",
		"250 538/5.7.11 538/5.7.11 538/5.7.11", NULL },
	{ "MAIL before TLS", SUBMISSION, HI FROM, "250 530/5.7.0", NULL },
	{ "MAIL before AUTH", SUBMISSION, HI TLS HI FROM, "250 220/2.0.0 250 530/5.7.0", NULL },
	{ "other verbs before AUTH", SUBMISSION, HI "NOOP\r\n" TO "DATA\r\nRSET\r\nVRFY x\r\n",
		"250 250/2.0.0 503/5.5.1 503/5.5.1 250/2.0.0 252/2.5.0", NULL },
	{ "BDAT before AUTH is read and refused", SUBMISSION, HI "BDAT 6 LAST\r\nNOOP\r\nNOOP\r\n",
		"250 503/5.5.1 250/2.0.0", NULL },
	{ "the whole way", SUBMISSION, IN FROM TO DATA, OK_IN " 250/2.1.0 250/2.1.5 354 250/2.0.0",
		"ESMTPSA" },
	{ "before EHLO", SUBMISSION, HI TLS LOGIN, "250 220/2.0.0 503/5.5.1", NULL },
	{ "in a transaction", SUBMISSION, IN FROM LOGIN, OK_IN " 250/2.1.0 503/5.5.1", NULL },
	{ "one success only", SUBMISSION, IN LOGIN, OK_IN " 503/5.5.1", NULL },
	{ "EHLO forgets no login", SUBMISSION, IN HI FROM, OK_IN " 250 250/2.1.0", NULL },
	{ "RSET forgets no login", SUBMISSION, IN "RSET\r\n" FROM, OK_IN " 250/2.0.0 250/2.1.0",
		NULL },
	{ "where clear is allowed", CLEAR, HI LOGIN FROM TO DATA,
		"250 235/2.7.0 250/2.1.0 250/2.1.5 354 250/2.0.0", "ESMTPA" },
	{ "TLS forgets the login", CLEAR, HI LOGIN TLS HI FROM,
		"250 235/2.7.0 220/2.0.0 250 530/5.7.0", NULL },

	/* the exchange */
	{ "no mechanism", SUBMISSION, HI TLS HI "AUTH\r\n", "250 220/2.0.0 250 501/5.5.4", NULL },
	{ "unknown mechanism", SUBMISSION, HI TLS HI "AUTH EXTERNAL\r\nAUTH X =\r\n",
		"250 220/2.0.0 250 504/5.5.4 504/5.5.4", NULL },
	{ "not offered: SCRAM-SHA-1", SUBMISSION, HI TLS HI "AUTH SCRAM-SHA-1\r\n",
		"250 220/2.0.0 250 504/5.5.4", NULL },
	{ "any case", SUBMISSION, HI TLS HI "auth plain Z29vZA==\r\n",
		"250 220/2.0.0 250 235/2.7.0", NULL },
	{ "challenge and response", SUBMISSION, HI TLS HI "AUTH LOGIN\r\nZ29vZA==\r\n" FROM,
		"250 220/2.0.0 250 334 235/2.7.0 250/2.1.0", NULL },
	{ "several rounds", SUBMISSION,
		HI TLS HI "AUTH LOGIN\r\nbW9yZQ==\r\nbW9yZQ==\r\nZ29vZA==\r\n",
		"250 220/2.0.0 250 334 334 334 235/2.7.0", NULL },
	{ "empty initial response", SUBMISSION, HI TLS HI "AUTH PLAIN =\r\n",
		"250 220/2.0.0 250 535/5.7.8", NULL },
	{ "empty response", SUBMISSION, HI TLS HI "AUTH PLAIN\r\n\r\n",
		"250 220/2.0.0 250 334 535/5.7.8", NULL },
	{ "cancelled", SUBMISSION, HI TLS HI "AUTH PLAIN\r\n*\r\nNOOP\r\n",
		"250 220/2.0.0 250 334 501/5.7.0 250/2.0.0", NULL },
	{ "no base64", SUBMISSION, HI TLS HI "AUTH PLAIN\r\nNOOP\r\nNOOP\r\n",
		"250 220/2.0.0 250 334 535/5.7.8 250/2.0.0", NULL },
	{ "bad base64", SUBMISSION, HI TLS HI "AUTH PLAIN\r\nZ29v!\r\nNOOP\r\n",
		"250 220/2.0.0 250 334 501/5.5.2 250/2.0.0", NULL },
	{ "bad base64 at once", SUBMISSION, HI TLS HI "AUTH PLAIN Z\r\nAUTH PLAIN Z29v ZA==\r\n",
		"250 220/2.0.0 250 501/5.5.2 501/5.5.2", NULL },
	{ "response of 2046 octets", SUBMISSION, HI TLS HI "AUTH PLAIN %2728\r\n",
		"250 220/2.0.0 250 535/5.7.8", NULL },
	{ "response over 2048 octets", SUBMISSION, HI TLS HI "AUTH PLAIN %2732\r\n",
		"250 220/2.0.0 250 500/5.5.6", NULL },
	{ "response line over 12288 octets", SUBMISSION,
		HI TLS HI "AUTH PLAIN\r\n%13000\r\nNOOP\r\n",
		"250 220/2.0.0 250 334 500/5.5.2 250/2.0.0", NULL },
	{ "bare LF in the exchange", SUBMISSION, HI TLS HI "AUTH PLAIN\r\nZ29vZA==\nNOOP\r\n",
		"250 220/2.0.0 250 334 500/5.5.2", NULL },

	/* failures */
	{ "wrong", SUBMISSION, HI TLS HI "AUTH PLAIN YmFk\r\n" FROM LOGIN,
		"250 220/2.0.0 250 535/5.7.8 530/5.7.0 235/2.7.0", NULL },
	{ "three wrong ones", SUBMISSION,
		HI TLS HI "AUTH PLAIN YmFk\r\nAUTH PLAIN YmFk\r\nAUTH PLAIN YmFk\r\n" LOGIN,
		"250 220/2.0.0 250 535/5.7.8 535/5.7.8 535/5.7.8 421/4.7.0", NULL },
	{ "temporary failures are no wrong ones", SUBMISSION,
		HI TLS HI
		"AUTH PLAIN bGF0ZXI=\r\nAUTH PLAIN bGF0ZXI=\r\nAUTH PLAIN bGF0ZXI=\r\n" LOGIN,
		"250 220/2.0.0 250 454/4.7.0 454/4.7.0 454/4.7.0 235/2.7.0", NULL },

	/* AUTH= of MAIL */
	{ "AUTH=<>", SUBMISSION, IN "MAIL FROM:<a@b> AUTH=<>\r\n", OK_IN " 250/2.1.0", NULL },
	{ "AUTH=mailbox", SUBMISSION, IN "MAIL FROM:<a@b> AUTH=e+3Dmc2@example.com\r\n",
		OK_IN " 250/2.1.0", NULL },
	{ "AUTH=nonsense", SUBMISSION, IN "MAIL FROM:<a@b> AUTH=e+3\r\nMAIL FROM:<a@b> AUTH\r\n",
		OK_IN " 501/5.5.4 501/5.5.4", NULL },
	{ "AUTH= on port 25", MX, HI "MAIL FROM:<a@b> AUTH=<>\r\n", "250 555/5.5.4", NULL },

	/* sendmail's socket */
	{ "local user", LOCAL, HI FROM TO DATA, "250 250/2.1.0 250/2.1.5 354 250/2.0.0", "ESMTPA" },
	{ "local user needs no AUTH", LOCAL, HI LOGIN TLS, "250 503/5.5.1 454/4.7.0", NULL },
};

static void
expand(struct buf *out, const char *in)
{
	for (; *in != '\0'; in++) {
		char *end;
		if (*in != '%') {
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
		if (out->len > 0)
			buf_put_u8(out, ' ');
		buf_put(out, line.p, 3);
		struct bytes rest = bytes_skip(line, 4), word = bytes_cut(&rest, ' ');
		if (word.n >= 5 && word.p[1] == '.' && word.p[3] == '.')
			buf_printf(out, "/%.*s", (int)word.n, (const char *)word.p);
	}
}

static void
open_door(struct driver *d, enum door door)
{
	if (door == MX || door == MX_NO_KEYS) {
		driver_init(d);
		d->policy.starttls = true;
	} else {
		driver_init_submission(d, NULL);
	}
	d->session.tls_ready = door == MX || door == SUBMISSION || door == CLEAR;
	d->session.clear_auth = door == CLEAR;
	if (door == SUBMISSIONS)
		smtp_session_secured(&d->session, "TLSv1.3 with cipher X (1/1 bits)", &d->out);
	if (door == LOCAL)
		smtp_session_local(&d->session, BYTES_LITERAL("joe@localhost"),
			BYTES_LITERAL("joe@example.org"));
}

static void
run_pieces(const struct row *t, size_t piece)
{
	struct driver d;
	struct buf in = BUF_INIT, codes = BUF_INIT, proto = BUF_INIT;

	open_door(&d, t->door);
	expand(&in, t->in);
	driver_feed(&d, buf_bytes(&in), piece);
	summarize(&codes, buf_bytes(&d.replies));
	assert_string_equal(buf_str(&codes), t->replies);
	assert_int_equal(d.messages, t->proto != NULL);
	if (t->proto != NULL) {
		buf_printf(&proto, "proto=%s ", t->proto);
		assert_true(bytes_starts_with(buf_bytes(&d.committed), buf_bytes(&proto)));
	}
	driver_free(&d);
	buf_free(&in);
	buf_free(&codes);
	buf_free(&proto);
}

static void
run_row(void **state)
{
	const struct row *t = *state;

	run_pieces(t, 0);
	run_pieces(t, 1);
	run_pieces(t, 7);
}

/* What EHLO offers, by door and state. */
static const struct offer {
	const char *label;
	enum door door;
	const char *in, *there, *not_there;
} offers[] = {
	{ "port 25 offers STARTTLS", MX, HI, "250-STARTTLS\r\n", "AUTH" },
	{ "587 offers no AUTH before TLS", SUBMISSION, HI, "250-STARTTLS\r\n", "AUTH" },
	{ "587 offers AUTH within TLS", SUBMISSION, HI TLS HI,
		"250-AUTH SCRAM-SHA-256 PLAIN LOGIN\r\n", "EXTERNAL" },
	{ "465 offers AUTH at once", SUBMISSIONS, HI, "250-AUTH ", "STARTTLS" },
	{ "587 offers both in the clear if allowed", CLEAR, HI, "250-STARTTLS\r\n250-AUTH ",
		"XLOGIN" },
	{ "and no AUTH once logged in", CLEAR, HI LOGIN, "235 2.7.0", "XLOGIN" },
	{ "the local socket tells who one is", LOCAL, HI, "250-XLOGIN joe@example.org\r\n",
		"STARTTLS" },
};

static void
run_offer(void **state)
{
	const struct offer *t = *state;
	struct driver d;

	open_door(&d, t->door);
	driver_feed(&d, bytes_from_str(t->in), 0);
	assert_non_null(strstr(buf_str(&d.replies), t->there));
	assert_null(strstr(buf_str(&d.replies), t->not_there));
	driver_free(&d);
}

static void
log_lines(void **state)
{
	struct driver d;

	UNUSED(state);
	open_door(&d, SUBMISSION);
	driver_feed(&d, BYTES_LITERAL(HI TLS HI "AUTH PLAIN YmFk\r\n" LOGIN FROM TO DATA), 0);
	const char *log = buf_str(&d.log);
	assert_non_null(strstr(log, "Anonymous TLS connection established from unknown[192.0.2.7]: "
				    "TLSv1.3 with cipher X (256/256 bits)\n"));
	assert_non_null(
		strstr(log, "warning: unknown[192.0.2.7]: SASL PLAIN authentication failed: "
			    "no such login, sasl_username=bad\n"));
	assert_non_null(strstr(log, ": client=unknown[192.0.2.7], sasl_method=PLAIN, "
				    "sasl_username=joe@example.org, session=s1\n"));
	assert_null(strstr(log, "good"));
	driver_free(&d);
}

/* The Received field, without its date. */
static const struct received {
	const char *label;
	enum door door;
	bool hide;
	const char *in, *field;
} fields[] = {
	{ "TLS", MX, false, HI TLS HI FROM TO DATA,
		"Received: from client.example ([192.0.2.7])\r\n"
		"\t(using TLSv1.3 with cipher X (256/256 bits))\r\n"
		"\tby mx.example.org with ESMTPS id " },
	{ "hidden", SUBMISSION, true, IN FROM TO DATA,
		"Received: by mx.example.org with ESMTPSA id " },
	{ "local", LOCAL, false, HI FROM TO DATA,
		"Received: by mx.example.org (relais, from 192.0.2.7) id " },
};

static void
run_field(void **state)
{
	const struct received *t = *state;
	struct driver d;
	struct buf received = BUF_INIT;

	open_door(&d, t->door);
	d.policy.hide_client = t->hide;
	struct bytes in = bytes_from_str(t->in);
	driver_feed(&d, bytes_head(in, in.n - 3), 0); /* all but its end */
	smtp_put_received(&d.session, &received);
	assert_true(bytes_starts_with(buf_bytes(&received), bytes_from_str(t->field)));
	buf_free(&received);
	driver_free(&d);
}

int
main(void)
{
	TABLE_TESTS(tests, rows, run_row);
	TABLE_TESTS(offer_tests, offers, run_offer);
	TABLE_TESTS(field_tests, fields, run_field);
	const struct CMUnitTest others[] = { cmocka_unit_test(log_lines) };

	return cmocka_run_group_tests_name("smtpd/secure", tests, NULL, NULL) +
	       cmocka_run_group_tests_name("smtpd/offers", offer_tests, NULL, NULL) +
	       cmocka_run_group_tests_name("smtpd/received", field_tests, NULL, NULL) +
	       cmocka_run_group_tests_name("smtpd/secure log", others, NULL, NULL);
}
