/* SPDX-License-Identifier: ISC */
/* tests/unit/metrics/test_http_request.c - heads of requests, whole and octet by octet. */
#include <string.h>

#include "cases.h"
#include "http_request.h"

static const struct row {
	const char *label, *in;
	enum http_status status;
	const char *method, *path;
} rows[] = {
	{ "plain", "GET /metrics HTTP/1.1\r\nHost: x\r\n\r\n", HTTP_OK, "GET", "/metrics" },
	{ "query", "GET /metrics?a=b HTTP/1.1\r\nHost: x\r\n\r\n", HTTP_OK, "GET", "/metrics" },
	{ "HEAD", "HEAD / HTTP/1.0\r\n\r\n", HTTP_OK, "HEAD", "/" },
	{ "bare LF", "GET / HTTP/1.1\nHost: x\n\n", HTTP_OK, "GET", "/" },
	{ "empty lines first", "\r\n\r\nGET / HTTP/1.1\r\n\r\n", HTTP_OK, "GET", "/" },
	{ "other method", "BREW /pot HTTP/1.1\r\n\r\n", HTTP_OK, "BREW", "/pot" },
	{ "nothing", "", HTTP_MORE, NULL, NULL },
	{ "half a line", "GET /metr", HTTP_MORE, NULL, NULL },
	{ "head not ended", "GET / HTTP/1.1\r\nHost: x\r\n", HTTP_MORE, NULL, NULL },
	{ "no version", "GET /\r\n\r\n", HTTP_BAD, NULL, NULL },
	{ "two blanks", "GET  / HTTP/1.1\r\n\r\n", HTTP_BAD, NULL, NULL },
	{ "absolute form", "GET http://x/metrics HTTP/1.1\r\n\r\n", HTTP_BAD, NULL, NULL },
	{ "asterisk form", "OPTIONS * HTTP/1.1\r\n\r\n", HTTP_BAD, NULL, NULL },
	{ "control in the target", "GET /\x01 HTTP/1.1\r\n\r\n", HTTP_BAD, NULL, NULL },
	{ "control in a field", "GET / HTTP/1.1\r\nA: \x02\r\n\r\n", HTTP_BAD, NULL, NULL },
	{ "bare CR in a field", "GET / HTTP/1.1\r\nA: b\rc\r\n\r\n", HTTP_BAD, NULL, NULL },
	{ "folded field", "GET / HTTP/1.1\r\nA: b\r\n c\r\n\r\n", HTTP_BAD, NULL, NULL },
	{ "blank before colon", "GET / HTTP/1.1\r\nA : b\r\n\r\n", HTTP_BAD, NULL, NULL },
	{ "field without colon", "GET / HTTP/1.1\r\nHost\r\n\r\n", HTTP_BAD, NULL, NULL },
	{ "two hosts", "GET / HTTP/1.1\r\nHost: a\r\nhost: b\r\n\r\n", HTTP_BAD, NULL, NULL },
	{ "HTTP/2.0", "GET / HTTP/2.0\r\n\r\n", HTTP_VERSION, NULL, NULL },
	{ "no HTTP", "GET / HTTQ/1.1\r\n\r\n", HTTP_BAD, NULL, NULL },
	{ "SMTP", "EHLO me\r\n\r\n", HTTP_BAD, NULL, NULL },
};

static void
run_row(void **arg)
{
	const struct row *t = *arg;
	const struct bytes in = bytes_from_str(t->in);
	struct http_request r;

	for (size_t n = 0; n <= in.n; n++) {
		const enum http_status status = http_request_parse(bytes_head(in, n), &r);

		assert_int_equal(status, n < in.n ? HTTP_MORE : t->status);
	}
	if (t->method != NULL) {
		assert_true(bytes_is(r.method, t->method));
		assert_true(bytes_is(r.path, t->path));
	}
}

static void
test_too_large(void **state)
{
	static char in[HTTP_HEAD_MAX + 1];
	struct http_request r;

	UNUSED(state);
	memset(in, 'a', sizeof(in));
	assert_int_equal(http_request_parse(bytes_make(in, HTTP_HEAD_MAX - 1), &r), HTTP_MORE);
	assert_int_equal(http_request_parse(bytes_make(in, sizeof(in)), &r), HTTP_TOO_LARGE);
}

int
main(void)
{
	const struct CMUnitTest whole[] = { cmocka_unit_test(test_too_large) };
	TABLE_TESTS(tests, rows, run_row);

	return cmocka_run_group_tests_name("metrics/http_request", whole, NULL, NULL) +
	       cmocka_run_group_tests_name("metrics/http_request rows", tests, NULL, NULL);
}
