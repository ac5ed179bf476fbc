/* SPDX-License-Identifier: ISC */
/* tests/unit/proto/test_log_line.c - log lines, read again. */
#include "log_line.h"

#include "cases.h"
#include "err.h"

#define HEAD "Nov 22 05:06:59 mx relais/qmgr[6020]: 4jXH9v2MRkz1: "

static const struct row {
	const char *label, *line;
	bool ok;
	enum log_event event;
	const char *id, *a, *b, *c; /* three fields that the event has, see fields_of() */
} rows[] = {
	{ "sent",
		HEAD "to=<b@example.org>, relay=mx.example[192.0.2.1]:25, delay=1, "
		     "delays=0.1/0/0.4/0.5, dsn=2.0.0, status=sent (250 2.0.0 Ok: queued)",
		true, LOG_RCPT, "4jXH9v2MRkz1", "b@example.org", "sent", "250 2.0.0 Ok: queued" },
	{ "of an alias",
		HEAD "to=<b@example.org>, orig_to=<all@example.org>, relay=none, delay=1, "
		     "delays=1/0/0/0, dsn=4.3.0, status=deferred (a (b) c)",
		true, LOG_RCPT, "4jXH9v2MRkz1", "b@example.org", "deferred", "a (b) c" },
	{ "an address with words of ours in it",
		HEAD "to=<\"x>, relay=y, status=sent (z\"@example.org>, relay=none, delay=1, "
		     "delays=1/0/0/0, dsn=5.1.1, status=bounced (no)",
		true, LOG_RCPT, "4jXH9v2MRkz1", "\"x>, relay=y, status=sent (z\"@example.org",
		"bounced", "no" },
	{ "a connection used again",
		HEAD "to=<b@example.org>, relay=mx[192.0.2.1]:25, conn_use=2, delay=1, "
		     "delays=1/0/0/0, dsn=2.0.0, status=sent (ok)",
		true, LOG_RCPT, "4jXH9v2MRkz1", "b@example.org", "sent", "ok" },
	{ "cut", HEAD "to=<b@example.or", true, LOG_RCPT, "4jXH9v2MRkz1", "b@example.or", "", "" },
	{ "active", HEAD "from=<a@example.net>, size=263, nrcpt=2 (queue active)", true, LOG_ACTIVE,
		"4jXH9v2MRkz1", "a@example.net", "263", "2" },
	{ "from nobody", HEAD "from=<>, size=1, nrcpt=1 (queue active)", true, LOG_ACTIVE,
		"4jXH9v2MRkz1", "", "1", "1" },
	{ "client",
		HEAD "client=h.example[2001:db8::1], sasl_method=PLAIN, "
		     "sasl_username=a@example.org, session=s1",
		true, LOG_CLIENT, "4jXH9v2MRkz1", "h.example[2001:db8::1]", "a@example.org", "s1" },
	{ "local user", HEAD "client=localhost[127.0.0.1], local_user=root, session=s1", true,
		LOG_CLIENT, "4jXH9v2MRkz1", "localhost[127.0.0.1]", "root", "s1" },
	{ "message-id", HEAD "message-id=<x@y>", true, LOG_MESSAGE_ID, "4jXH9v2MRkz1", "<x@y>", "",
		"" },
	{ "removed", HEAD "removed", true, LOG_REMOVED, "4jXH9v2MRkz1", "", "", "" },
	{ "report", HEAD "sender non-delivery notification: 4jXH9v2MRkz2", true, LOG_CHILD,
		"4jXH9v2MRkz1", "4jXH9v2MRkz2", "", "" },
	{ "no report", HEAD "sender non-delivery notification: not an id", true, LOG_OTHER,
		"4jXH9v2MRkz1", "", "", "" },
	{ "a day of one digit", "Nov  2 05:06:59 mx relais/qmgr[6020]: 4jXH9v2MRkz1: removed", true,
		LOG_REMOVED, "4jXH9v2MRkz1", "", "", "" },
	{ "with a year",
		"2026-11-22T05:06:59.123456+01:00 mx relais/qmgr[6]: 4jXH9v2MRkz1: removed", true,
		LOG_REMOVED, "4jXH9v2MRkz1", "", "", "" },
	{ "Zulu", "2026-11-22T05:06:59Z mx relais/qmgr[6]: 4jXH9v2MRkz1: removed", true,
		LOG_REMOVED, "4jXH9v2MRkz1", "", "", "" },
	{ "TLS",
		"Nov 22 05:06:59 mx relais/smtpd[7]: Anonymous TLS connection established from "
		"unknown[192.0.2.7]: TLSv1.3 with cipher X",
		true, LOG_TLS, "", "unknown[192.0.2.7]", "TLSv1.3 with cipher X", "" },
	{ "TLS, cut",
		"Nov 22 05:06:59 mx relais/smtpd[7]: Anonymous TLS connection established from h",
		true, LOG_OTHER, "", "", "", "" },
	{ "refused without an id",
		"Nov 22 05:06:59 mx relais/smtpd[7]: NOQUEUE: reject: RCPT from x", true, LOG_OTHER,
		"", "", "", "" },
	{ "a warning", "Nov 22 05:06:59 mx relais/smtpd[7]: warning: to=<a@b>", true, LOG_OTHER, "",
		"", "", "" },
	{ "no such month", "Nox 22 05:06:59 mx relais/qmgr[6]: 4jXH9v2MRkz1: removed", false,
		LOG_OTHER, "", "", "", "" },
	{ "no pid", "Nov 22 05:06:59 mx kernel: 4jXH9v2MRkz1: removed", false, LOG_OTHER, "", "",
		"", "" },
	{ "empty", "", false, LOG_OTHER, "", "", "", "" },
};

static void
fields_of(const struct log_fields *f, struct bytes out[3])
{
	const struct bytes by_event[][3] = { [LOG_RCPT] = { f->to, f->status, f->reply },
		[LOG_ACTIVE] = { f->from, f->size, f->nrcpt },
		[LOG_CLIENT] = { f->client, f->login, f->session },
		[LOG_MESSAGE_ID] = { f->message_id, f->method, f->method },
		[LOG_CHILD] = { f->child, f->method, f->method },
		[LOG_TLS] = { f->client, f->tls, f->method } };

	memset(out, 0, 3 * sizeof(*out));
	if ((size_t)f->event < NITEMS(by_event))
		memcpy(out, by_event[f->event], 3 * sizeof(*out));
}

static void
run_row(void **arg)
{
	const struct row *t = *arg;
	const char *want[3] = { t->a, t->b, t->c };
	struct log_line l;
	struct log_fields f;
	struct bytes got[3];

	assert_int_equal(log_line_parse(bytes_from_str(t->line), &l), t->ok);
	if (!t->ok)
		return;
	log_line_fields(&l, &f);
	assert_int_equal(f.event, t->event);
	assert_true(bytes_is(l.queue_id, t->id));
	fields_of(&f, got);
	for (size_t i = 0; i < 3; i++)
		assert_true(bytes_is(got[i], want[i]));
}

int
main(void)
{
	TABLE_TESTS(tests, rows, run_row);

	return cmocka_run_group_tests_name("proto/log_line", tests, NULL, NULL);
}
