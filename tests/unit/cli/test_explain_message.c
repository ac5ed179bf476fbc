/* SPDX-License-Identifier: ISC */
/* tests/unit/cli/test_explain_message.c - stored messages: line ends, and who brought them. */
#include "../base/cases.h"

#include "explain_message.h"

/* ---- line ends ---- */

static const struct crlf_row {
	const char *label, *in, *out;
} crlf_rows[] = {
	{ "lone LF", "a: b\n\nc\n", "a: b\r\n\r\nc\r\n" },
	{ "CRLF stays", "a: b\r\n\r\nc\r\n", "a: b\r\n\r\nc\r\n" },
	{ "both", "a: b\r\nc: d\n", "a: b\r\nc: d\r\n" },
	{ "no end", "a: b", "a: b\r\n" },
	{ "empty lines at the end", "a\n\n\n", "a\r\n\r\n\r\n" },
	{ "CR inside", "a\rb\n", "a\rb\r\n" },
	{ "nothing", "", "" },
	{ "a line of mbox", "From x@y Sun Nov 22 05:00:00 2026\na: b\n", "a: b\r\n" },
	{ "a From field", "From: x\n", "From: x\r\n" },
};

static void
run_crlf(void **state)
{
	const struct crlf_row *t = *state;
	struct buf out = BUF_INIT;

	explain_crlf(bytes_from_str(t->in), &out);
	assert_string_equal(buf_str(&out), t->out);
	buf_free(&out);
}

/* ---- Received ---- */

static const struct received_row {
	const char *label, *value, *client, *helo;
} received_rows[] = {
	{ "ours", "from mx.a.example (mx.a.example [192.0.2.1]) by mx.b.example with ESMTP id 1",
		"192.0.2.1", "mx.a.example" },
	{ "ours, IPv6", "from a.example ([IPv6:2001:db8::1]) by b.example with ESMTPS id 1",
		"2001:db8::1", "a.example" },
	{ "ours, an odd HELO", "from [192.0.2.1] (helo a?b) by b.example with SMTP id 1",
		"192.0.2.1", "a?b" },
	{ "Postfix", "from mail.a.example (unknown [192.0.2.1]) by b.example (Postfix) with ESMTP",
		"192.0.2.1", "mail.a.example" },
	{ "Exim", "from [192.0.2.1] (helo=a.example) by b.example with esmtp (Exim 4.96)",
		"192.0.2.1", "a.example" },
	{ "Exim with a name", "from host.example ([192.0.2.1] helo=a.example) by b.example",
		"192.0.2.1", "a.example" },
	{ "a literal", "from [192.0.2.7] (a.example [192.0.2.1]) by b.example", "192.0.2.7",
		"[192.0.2.7]" },
	{ "no address", "from a.example by b.example with ESMTP", NULL, NULL },
	{ "an address behind by", "from a.example by b.example ([192.0.2.9]) with ESMTP", NULL,
		NULL },
	{ "not from", "by b.example (relais, from uid 1000) id 1", NULL, NULL },
	{ "no address in brackets", "from a.example ([x]) by b.example", NULL, NULL },
	{ "a network", "from a.example ([192.0.2.0/24]) by b.example", NULL, NULL },
	{ "an open bracket", "from a.example ([192.0.2.1 by b.example", NULL, NULL },
	{ "nothing", "", NULL, NULL },
};

static void
run_received(void **state)
{
	const struct received_row *t = *state;
	struct explain_origin o = { .client.family = 0 };
	char text[IP_BLOCK_TEXT], helo[64];
	bool found = explain_received(bytes_from_str(t->value), &o);

	assert_int_equal(found, t->client != NULL);
	if (!found)
		return;
	assert_string_equal(ip_block_text(&o.client, text), t->client);
	assert_string_equal(bytes_to_str(o.helo, helo, sizeof(helo)), t->helo);
}

/* ---- the whole header ---- */

static void
test_origin(void **state)
{
	static const char message[] = "Return-Path: <joe@a.example>\r\n"
				      "Received: by mx.b.example id 1\r\n"
				      "Received: from localhost (localhost [127.0.0.1])\r\n"
				      "\tby mx.b.example with ESMTP\r\n"
				      "Received: from a.example\r\n"
				      "\t(mx.a.example [192.0.2.1]) by mx.b.example\r\n"
				      "Received: from inner.example ([192.0.2.9]) by a.example\r\n"
				      "Return-Path: <other@a.example>\r\n"
				      "From: joe@a.example\r\n"
				      "\r\n"
				      "Received: from body.example ([192.0.2.77]) by x\r\n";
	struct arena a = ARENA_INIT;
	struct explain_origin o;
	char text[IP_BLOCK_TEXT];

	(void)state;
	explain_origin(&a, bytes_from_str(message), &o);
	assert_true(o.has_return_path);
	assert_true(bytes_is(o.mail_from, "joe@a.example"));
	assert_string_equal(ip_block_text(&o.client, text), "192.0.2.1");
	assert_true(bytes_is(o.helo, "a.example"));
	explain_origin(&a, bytes_from_str("Return-Path: <>\r\n\r\n"), &o);
	assert_true(o.has_return_path && o.mail_from.n == 0 && o.client.family == 0);
	explain_origin(&a, BYTES_NONE, &o);
	assert_true(!o.has_return_path && o.client.family == 0 && o.helo.n == 0);
	arena_reset(&a);
}

int
main(void)
{
	TABLE_TESTS(crlfs, crlf_rows, run_crlf);
	TABLE_TESTS(receiveds, received_rows, run_received);
	const struct CMUnitTest wholes[] = { cmocka_unit_test(test_origin) };

	return cmocka_run_group_tests_name("explain/crlf", crlfs, NULL, NULL) +
	       cmocka_run_group_tests_name("explain/received", receiveds, NULL, NULL) +
	       cmocka_run_group_tests_name("explain/origin", wholes, NULL, NULL);
}
