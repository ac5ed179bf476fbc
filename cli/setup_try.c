/* SPDX-License-Identifier: ISC */
/*
 * cli/setup_try.c - relais setup proves itself: a message to oneself, submitted as a mail client
 * does it (TLS, AUTH), and read back over IMAP.
 *
 * Runs in:  relais.
 * Sources:  RFC 5321, RFC 4954 (AUTH), RFC 3501.
 */
#include <stdio.h>
#include <time.h>

#include "clock.h"
#include "encode.h"
#include "imapd_conf.h"
#include "random.h"
#include "setup.h"
#include "submission_conf.h"
#include "talk.h"

#define STEP_MS 30000

struct trying {
	struct setup *s;
	struct talk talk;
	struct buf initial;    /* of SASL PLAIN, base64 */
	struct buf message_id; /* with its brackets */
	unsigned tag;
};

/* A line; secret ones are wiped. false: why is set. */
static bool put(struct trying *t, const char *format, ...) PRINTF_LIKE(2, 3);

static bool
put(struct trying *t, const char *format, ...)
{
	struct buf line = BUF_SECRET;
	va_list ap;
	bool ok;

	va_start(ap, format);
	buf_vprintf(&line, format, ap);
	va_end(ap);
	ok = talk_put(&t->talk, buf_bytes(&line));
	buf_free(&line);
	return ok;
}

/* It said something else than it should. */
static bool
refused(struct trying *t, struct bytes line)
{
	snprintf(t->talk.why, sizeof(t->talk.why), "it said \"%.*s\"",
		line.n < 150 ? (int)line.n : 150, (const char *)line.p);
	return false;
}

/* ---- both doors ---- */

/* The first door of these, TLS from the first octet where there is one. false: why is set. */
static bool
open_door(struct trying *t, const struct conf_list *tls, const struct conf_list *plain,
	bool (*begin_tls)(struct trying *t))
{
	const bool implicit = tls->n > 0;
	const char *address = implicit ? tls->v[0] : plain->n > 0 ? plain->v[0] : "";

	return talk_open(&t->talk, address, STEP_MS) && (implicit || begin_tls(t)) &&
	       talk_start_tls(&t->talk, cli_common(t->s->cli)->hostname);
}

static bool
close_door(struct trying *t, const char *what, const struct conf_list *tls,
	const struct conf_list *plain, bool ok)
{
	if (!ok)
		fprintf(stderr, "%s (%s): %s\n", what,
			tls->n > 0     ? tls->v[0]
			: plain->n > 0 ? plain->v[0]
				       : "no address is configured",
			t->talk.why);
	talk_close(&t->talk);
	return ok;
}

/* ---- submission ---- */

static bool
smtp_reply_is(struct trying *t, char class)
{
	struct bytes line;

	do
		if (!talk_line(&t->talk, &line))
			return false;
	while (line.n > 3 && line.p[3] == '-');
	return (line.n >= 3 && line.p[0] == (uint8_t) class) || refused(t, line);
}

static bool
smtp_begin_tls(struct trying *t)
{
	return smtp_reply_is(t, '2') && put(t, "EHLO localhost\r\n") && smtp_reply_is(t, '2') &&
	       put(t, "STARTTLS\r\n") && smtp_reply_is(t, '2');
}

static bool
put_message(struct trying *t)
{
	const char *account = t->s->answer[SETUP_ACCOUNT];
	const char *host = cli_common(t->s->cli)->hostname;
	char date[CLOCK_DATE_SIZE];

	return put(t,
		"From: <%s>\r\nTo: <%s>\r\nSubject: relais works\r\nDate: %s\r\nMessage-ID: %s\r\n"
		"\r\nThis message was submitted at %s with TLS and a login, queued, delivered\r\n"
		"and read back over IMAP by \"relais setup\".\r\n.\r\n",
		account, account, clock_rfc5322_date(time(NULL), date), buf_str(&t->message_id),
		host);
}

static bool
submit(struct trying *t)
{
	const struct smtpd_conf *conf = conf_values(&t->s->cli->conf, "submission");
	const char *account = t->s->answer[SETUP_ACCOUNT];
	bool ok = open_door(t, &conf->listen_tls, &conf->listen, smtp_begin_tls);

	/* behind STARTTLS there is no second greeting */
	ok = ok && (conf->listen_tls.n == 0 || smtp_reply_is(t, '2')) &&
	     put(t, "EHLO localhost\r\n") && smtp_reply_is(t, '2') &&
	     put(t, "AUTH PLAIN %s\r\n", buf_str(&t->initial)) && smtp_reply_is(t, '2');
	if (ok) {
		char tls[TLS_DESCRIPTION_SIZE];

		printf("Submission: logged in as %s, %s; the certificate is %s by the system's "
		       "authorities.\n",
			account, tls_to_host_describe(t->talk.tls, tls),
			tls_to_host_trust(t->talk.tls) >= TLS_TRUSTED ? "trusted"
								      : "not vouched for");
	}
	ok = ok && put(t, "MAIL FROM:<%s>\r\n", account) && smtp_reply_is(t, '2') &&
	     put(t, "RCPT TO:<%s>\r\n", account) && smtp_reply_is(t, '2') && put(t, "DATA\r\n") &&
	     smtp_reply_is(t, '3') && put_message(t) && smtp_reply_is(t, '2');
	if (ok)
		ok = put(t, "QUIT\r\n") && smtp_reply_is(t, '2');
	return close_door(t, "submission", &conf->listen_tls, &conf->listen, ok);
}

/* ---- IMAP ---- */

static bool
is_tagged(const struct trying *t, struct bytes line, struct bytes *rest)
{
	char tag[16];
	const int n = snprintf(tag, sizeof(tag), "a%u ", t->tag);

	if (!bytes_starts_with(line, bytes_make(tag, (size_t)n)))
		return false;
	*rest = bytes_skip(line, (size_t)n);
	return true;
}

typedef void line_fn(void *arg, struct bytes line);

/* Lines up to the tagged one, which has to be OK. */
static bool
imap_done(struct trying *t, line_fn *each, void *arg)
{
	struct bytes line, rest;

	for (;;) {
		if (!talk_line(&t->talk, &line))
			return false;
		if (is_tagged(t, line, &rest))
			return bytes_starts_with_nocase(rest, BYTES_LITERAL("OK")) ||
			       refused(t, line);
		if (each != NULL)
			each(arg, line);
	}
}

static bool
imap_greeting(struct trying *t)
{
	struct bytes line;

	return talk_line(&t->talk, &line) &&
	       (bytes_starts_with(line, BYTES_LITERAL("* OK")) || refused(t, line));
}

static bool
imap_begin_tls(struct trying *t)
{
	return imap_greeting(t) && put(t, "a%u STARTTLS\r\n", ++t->tag) && imap_done(t, NULL, NULL);
}

static bool
imap_login(struct trying *t)
{
	struct bytes line;

	if (!put(t, "a%u AUTHENTICATE PLAIN\r\n", ++t->tag) || !talk_line(&t->talk, &line))
		return false;
	if (line.n == 0 || line.p[0] != '+')
		return refused(t, line);
	return put(t, "%s\r\n", buf_str(&t->initial)) && imap_done(t, NULL, NULL);
}

/* "* SEARCH 5" */
static void
take_uid(void *arg, struct bytes line)
{
	uint64_t *uid = arg, n;
	const struct bytes head = BYTES_LITERAL("* SEARCH ");
	struct bytes rest = bytes_skip(line, head.n);

	if (bytes_starts_with_nocase(line, head) &&
		bytes_to_u64(bytes_cut(&rest, ' '), UINT32_MAX, &n) == ERR_OK)
		*uid = n;
}

static bool
imap_find(struct trying *t, uint64_t *uid)
{
	const struct timespec pause = { 0, 100 * 1000000L };

	for (*uid = 0; clock_mono_ms() < t->talk.end_ms;) {
		if (!put(t, "a%u NOOP\r\n", ++t->tag) || !imap_done(t, NULL, NULL) ||
			!put(t, "a%u UID SEARCH HEADER Message-ID \"%s\"\r\n", ++t->tag,
				buf_str(&t->message_id)) ||
			!imap_done(t, take_uid, uid))
			return false;
		if (*uid > 0)
			return true;
		nanosleep(&pause, NULL);
	}
	snprintf(t->talk.why, sizeof(t->talk.why),
		"the message did not arrive within %d seconds; \"relais queue list\" and \"relais "
		"trace %s\" say why",
		STEP_MS / 1000, t->s->answer[SETUP_ACCOUNT]);
	return false;
}

/* What a FETCH gives, but for its first and last line. */
static void
show_line(void *arg, struct bytes line)
{
	UNUSED(arg);
	if (!bytes_starts_with(line, BYTES_LITERAL("* ")) && !bytes_is(line, ")"))
		printf("    %.*s\n", (int)line.n, (const char *)line.p);
}

static bool
read_back(struct trying *t)
{
	const struct imapd_conf *conf = conf_values(&t->s->cli->conf, "imapd");
	uint64_t uid = 0;
	bool ok = open_door(t, &conf->listen_tls, &conf->listen, imap_begin_tls);

	ok = ok && (conf->listen_tls.n == 0 || imap_greeting(t)) && imap_login(t) &&
	     put(t, "a%u SELECT INBOX\r\n", ++t->tag) && imap_done(t, NULL, NULL) &&
	     imap_find(t, &uid);
	if (ok)
		printf("Read back over IMAP:\n\n");
	ok = ok && put(t, "a%u UID FETCH %u BODY[]\r\n", ++t->tag, (unsigned)uid) &&
	     imap_done(t, show_line, NULL);
	if (ok)
		ok = put(t, "a%u LOGOUT\r\n", ++t->tag) && imap_done(t, NULL, NULL);
	return close_door(t, "IMAP", &conf->listen_tls, &conf->listen, ok);
}

/* ---- both ---- */

static void
make_words(struct trying *t)
{
	const char *account = t->s->answer[SETUP_ACCOUNT];
	struct buf plain = BUF_SECRET, id = BUF_INIT;
	uint8_t random[12];

	buf_put_u8(&plain, 0);
	buf_put_str(&plain, account);
	buf_put_u8(&plain, 0);
	buf_put_str(&plain, t->s->answer[SETUP_PASSWORD]);
	base64_encode(&t->initial, buf_bytes(&plain));
	buf_free(&plain);
	random_fill(random, sizeof(random));
	hex_encode(&id, bytes_make(random, sizeof(random)));
	buf_printf(&t->message_id, "<%s@%s>", buf_str(&id), cli_common(t->s->cli)->hostname);
	buf_free(&id);
}

bool
setup_try(struct setup *s)
{
	struct trying t = { .s = s, .initial = BUF_SECRET, .message_id = BUF_INIT };
	bool ok;

	if (s->answer[SETUP_ACCOUNT] == NULL || s->answer[SETUP_PASSWORD] == NULL) {
		printf("No message to oneself: that needs --account and --password-file.\n");
		return true;
	}
	make_words(&t);
	ok = submit(&t) && read_back(&t);
	buf_free(&t.initial);
	buf_free(&t.message_id);
	return ok;
}
