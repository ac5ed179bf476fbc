/* SPDX-License-Identifier: ISC */
/* tests/unit/proto/test_next_hop.c - next hops: what is one, and the one way to write it. */
#include "../base/cases.h"

#include <stdio.h>

#include "err.h"
#include "next_hop.h"
#include "tls_level.h"

static const struct row {
	const char *label, *in;
	const char *out;  /* NULL: not a next hop; else its one form */
	const char *what; /* each alternative: protocol kind host port */
} rows[] = {
	{ "a domain", "example.org", "example.org", "smtp mx example.org 0;" },
	{ "case", "SMTP:Example.ORG", "example.org", "smtp mx Example.ORG 0;" },
	{ "a port", "example.org:587", "example.org:587", "smtp mx example.org 587;" },
	{ "a host", "smtp:[mx.example.org]:587", "[mx.example.org]:587",
		"smtp host mx.example.org 587;" },
	{ "IPv4", "[192.0.2.1]", "[192.0.2.1]", "smtp host 192.0.2.1 0;" },
	{ "IPv6", "[2001:DB8::1]:25", "[2001:db8::1]:25", "smtp host 2001:DB8::1 25;" },
	{ "IPv6 as a literal", "[IPv6:::1]", "[::1]", "smtp host ::1 0;" },
	{ "smtps", "smtps:[mx.example.org]:465", "smtps:[mx.example.org]",
		"smtps host mx.example.org 465;" },
	{ "smtps, other port", "smtps:mx.example.org:466", "smtps:mx.example.org:466",
		"smtps mx mx.example.org 466;" },
	{ "LMTP has no MX", "lmtp:host.example:24", "lmtp:[host.example]",
		"lmtp host host.example 24;" },
	{ "LMTP as Postfix writes it", "lmtp:inet:[127.0.0.1]:2400", "lmtp:[127.0.0.1]:2400",
		"lmtp host 127.0.0.1 2400;" },
	{ "a socket", "lmtp:unix:dovecot-lmtp", "lmtp:unix:dovecot-lmtp",
		"lmtp unix dovecot-lmtp 0;" },
	{ "SRV", "srv:example.org", "srv:example.org", "smtp srv example.org 0;" },
	{ "SRV by smtps", "smtps:srv:Example.org", "smtps:srv:example.org",
		"smtps srv Example.org 0;" },
	{ "SRV of another service", "srv:_smtp._tcp.example.org", "srv:_smtp._tcp.example.org",
		"smtp srv _smtp._tcp.example.org 0;" },
	{ "alternatives", " [a.example]:587 ,b.example,lmtp:unix:x ",
		"[a.example]:587, b.example, lmtp:unix:x",
		"smtp host a.example 587;smtp mx b.example 0;lmtp unix x 0;" },
	{ "a host called as a protocol", "smtp:inet:lmtp:25", "smtp:inet:lmtp:25",
		"smtp mx lmtp 25;" },
	{ "the same in brackets", "[smtp]", "[smtp]", "smtp host smtp 0;" },
	{ "one label", "mailhub", "mailhub", "smtp mx mailhub 0;" },
	{ "UTF-8", "m\xc3\xbcller.example", "m\xc3\xbcller.example",
		"smtp mx m\xc3\xbcller.example 0;" },
	{ "an error", "error:5.1.2 gone away", "error:5.1.2 gone away", "5.1.2 gone away" },
	{ "a temporary one", "error:4.7.1 later, perhaps", "error:4.7.1 later, perhaps",
		"later 4.7.1 later, perhaps" },
	{ "without a code", "ERROR: gone", "error:5.0.0 gone", "5.0.0 gone" },
	{ "only a code", "error:4.7.1", "error:4.7.1", "later 4.7.1 " },
	{ "without anything", "error:", "error:5.0.0", "5.0.0 " },
	{ "a code of success", "error:2.0.0 fine", NULL, NULL },
	{ "UTF-8 in an error", "error:5.0.0 f\xc3\xbcr", NULL, NULL },
	{ "nothing", "", NULL, NULL },
	{ "blanks", "  ", NULL, NULL },
	{ "smtp: alone", "smtp:", NULL, NULL },
	{ "an empty alternative", "a.example,,b.example", NULL, NULL },
	{ "a comma at the end", "a.example,", NULL, NULL },
	{ "IPv4 without brackets", "192.0.2.1", NULL, NULL },
	{ "IPv6 without brackets", "2001:db8::1", NULL, NULL },
	{ "not IPv6", "[IPv6:192.0.2.1]", NULL, NULL },
	{ "no end of brackets", "[a.example", NULL, NULL },
	{ "something behind brackets", "[a.example]25", NULL, NULL },
	{ "nothing in brackets", "[]:25", NULL, NULL },
	{ "port 0", "a.example:0", NULL, NULL },
	{ "port 65536", "a.example:65536", NULL, NULL },
	{ "no port", "a.example:", NULL, NULL },
	{ "no protocol", "uucp:a.example", NULL, NULL },
	{ "a number", "smtp:25", NULL, NULL },
	{ "two dots", "a..example", NULL, NULL },
	{ "a dot at the end", "a.example.", NULL, NULL },
	{ "a blank inside", "a.example b.example", NULL, NULL },
	{ "LMTP by SRV", "lmtp:srv:example.org", NULL, NULL },
	{ "SRV with a port", "srv:example.org:25", NULL, NULL },
	{ "SMTP to a socket", "unix:x", NULL, NULL },
	{ "a socket elsewhere", "lmtp:unix:../x", NULL, NULL },
	{ "a socket's path", "lmtp:unix:/run/x", NULL, NULL },
	{ "nine alternatives", "a.b,a.b,a.b,a.b,a.b,a.b,a.b,a.b,a.b", NULL, NULL },
};

static void
describe(const struct next_hop *h, char *out, size_t size)
{
	static const char *const kinds[] = { "mx", "host", "srv", "unix" };
	size_t n = 0;

	if (h->is_error)
		n += (size_t)snprintf(out, size, "%s%.*s %.*s", h->is_temporary ? "later " : "",
			(int)h->enhanced.n, (const char *)h->enhanced.p, (int)h->text.n,
			(const char *)h->text.p);
	for (unsigned i = 0; i < h->count; i++) {
		const struct next_hop_alternative *a = &h->alternatives[i];

		n += (size_t)snprintf(out + n, size - n, "%s %s %.*s %u;",
			next_hop_protocol_name(a->protocol), kinds[a->kind], (int)a->host.n,
			(const char *)a->host.p, a->port);
	}
}

static void
parse(void **arg)
{
	const struct row *t = *arg;
	struct buf b = BUF_INIT, again = BUF_INIT;
	struct next_hop h;
	const char *why = NULL;
	char what[500];
	int r = next_hop_parse(bytes_from_str(t->in), &h, &why);

	if (t->out == NULL) {
		assert_true(r < 0);
		assert_non_null(why);
		return;
	}
	assert_int_equal(r, ERR_OK);
	describe(&h, what, sizeof(what));
	assert_string_equal(what, t->what);
	next_hop_put(&b, &h);
	assert_string_equal(buf_str(&b), t->out);
	assert_int_equal(next_hop_parse(buf_bytes(&b), &h, &why), ERR_OK);
	next_hop_put(&again, &h);
	assert_string_equal(buf_str(&again), t->out);
	buf_free(&b);
	buf_free(&again);
}

static void
sizes(void **arg)
{
	static const char error[] = "error:", labels[] = "a.b.c.";
	char text[NEXT_HOP_MAX + 2];
	struct next_hop h;
	const char *why;

	UNUSED(arg);
	memset(text, 'x', sizeof(text));
	memcpy(text, error, sizeof(error) - 1);
	assert_int_equal(next_hop_parse(bytes_make(text, 6 + NEXT_HOP_TEXT_MAX), &h, &why), ERR_OK);
	assert_int_equal(
		next_hop_parse(bytes_make(text, 7 + NEXT_HOP_TEXT_MAX), &h, &why), ERR_LIMIT);
	assert_int_equal(next_hop_parse(bytes_make(text, NEXT_HOP_MAX + 1), &h, &why), ERR_LIMIT);
	memcpy(text, labels, sizeof(labels) - 1);
	assert_int_equal(next_hop_parse(bytes_make(text, 6 + 63), &h, &why), ERR_OK);
	assert_int_equal(next_hop_parse(bytes_make(text, 6 + 64), &h, &why), ERR_SYNTAX);
}

static void
levels(void **arg)
{
	enum tls_level level;

	UNUSED(arg);
	for (unsigned i = 0; i < TLS_LEVELS; i++) {
		assert_int_equal(
			tls_level_parse(bytes_from_str(tls_level_name((enum tls_level)i)), &level),
			ERR_OK);
		assert_int_equal(level, i);
	}
	assert_int_equal(tls_level_parse(BYTES_LITERAL("DANE-only"), &level), ERR_OK);
	assert_int_equal(tls_level_parse(BYTES_LITERAL("secure"), &level), ERR_SYNTAX);
	assert_int_equal(tls_level_parse(BYTES_NONE, &level), ERR_SYNTAX);
}

int
main(void)
{
	struct CMUnitTest tests[NITEMS(rows) + 2];
	size_t n = 0;

	ADD_ROWS(tests, n, rows, parse);
	tests[n++] = (struct CMUnitTest)cmocka_unit_test(sizes);
	tests[n++] = (struct CMUnitTest)cmocka_unit_test(levels);
	return cmocka_run_group_tests_name("proto/next_hop", tests, NULL, NULL);
}
