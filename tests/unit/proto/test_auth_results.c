/* SPDX-License-Identifier: ISC */
/* tests/unit/proto/test_auth_results.c - the Authentication-Results field, written and read. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "auth_results.h"
#include "err.h"

static void
test_written(void **state)
{
	struct buf out = BUF_INIT;

	UNUSED(state);
	auth_results_begin(&out, "mx.example.org");
	auth_results_method(&out, "spf", AUTH_PASS);
	auth_results_property(&out, "smtp.mailfrom", BYTES_LITERAL("a@b.example"));
	auth_results_method(&out, "dkim", AUTH_FAIL);
	auth_results_reason(&out, BYTES_LITERAL("it \"does\" not match"));
	auth_results_property(&out, "header.d", BYTES_LITERAL("evil; dmarc=pass\r\nX: y"));
	auth_results_property(&out, "header.b", BYTES_LITERAL("ab/cd+ef"));
	auth_results_property(&out, "header.s", BYTES_NONE);
	auth_results_end(&out);
	assert_string_equal(buf_str(&out), "Authentication-Results: mx.example.org;\r\n"
					   "\tspf=pass smtp.mailfrom=a@b.example;\r\n"
					   "\tdkim=fail reason=\"it \\\"does\\\" not match\" "
					   "header.d=\"evil; dmarc=pass??X: y\"\r\n"
					   "\theader.b=\"ab/cd+ef\"\r\n");
	buf_free(&out);
}

/* Octets of strangers: text of a length that a line can hold, whatever they are. */
static void
test_not_text(void **state)
{
	struct buf out = BUF_INIT, path = BUF_INIT;

	UNUSED(state);
	auth_results_begin(&out, "mx");
	auth_results_method(&out, "dkim", AUTH_FAIL);
	auth_results_property(&out, "header.b", BYTES_LITERAL("ab\xc3"));
	auth_results_property(&out, "header.d", BYTES_LITERAL("\xc3\xa4.example"));
	auth_results_property(&out, "header.s", BYTES_LITERAL("a \xc3\xa4"));
	auth_results_end(&out);
	assert_string_equal(buf_str(&out), "Authentication-Results: mx;\r\n"
					   "\tdkim=fail header.b=\"ab?\" header.d=\xc3\xa4.example "
					   "header.s=\"a \xc3\xa4\"\r\n");
	buf_clear(&out);
	for (int i = 0; i < 512; i++)
		buf_put_u8(&path, '\\');
	auth_results_property(&out, "smtp.mailfrom", buf_bytes(&path));
	assert_true(out.len < 998);
	buf_free(&path);
	buf_free(&out);
}

static void
test_nothing_to_tell(void **state)
{
	struct buf out = BUF_INIT;

	UNUSED(state);
	auth_results_begin(&out, "mx.example.org");
	auth_results_end(&out);
	assert_string_equal(buf_str(&out), "Authentication-Results: mx.example.org; none\r\n");
	buf_free(&out);
}

/* n: what auth_results_id() returns */
static const struct id_row {
	const char *label, *value, *id;
	int n;
} id_rows[] = {
	{ "token", " mx.example.org; spf=pass", "mx.example.org", 15 },
	{ "version", " mx.example.org 1; spf=pass", "mx.example.org", 15 },
	{ "quoted", " \"mx \\\"x\";", "mx \"x", 9 },
	{ "comments", " (a (b) \\) c)\r\n\tmx;", "mx", 18 },
	{ "not ended", " mx.example.org", "", 0 },
	{ "in a comment", " (mx; ", "", 0 },
	{ "quote not ended", " \"mx;", NULL, 0 },
	{ "only blanks", " \r\n\t", "", 0 },
	{ "none", " ; spf=pass", "", ERR_SYNTAX },
};

static void
run_id(void **state)
{
	const struct id_row *t = *state;
	struct buf id = BUF_INIT;

	assert_int_equal(auth_results_id(bytes_from_str(t->value), &id), t->n);
	if (t->id != NULL)
		assert_string_equal(buf_str(&id), t->id);
	buf_free(&id);
}

static const struct read_row {
	const char *label, *rest;
	const char *said; /* "method=result[reason] name:value,...;" or "!" for an error */
} read_rows[] = {
	{ "none", "; none", "" },
	{ "nothing", "", "" },
	{ "version", " 1; spf=pass", "spf=pass[] ;" },
	{ "properties", "; SPF=Pass smtp.mailfrom=a@b.example",
		"spf=Pass[] smtp.mailfrom:a@b.example,;" },
	{ "several", "; spf=none; dkim=pass header.d=x header.s=\"y;z\"",
		"spf=none[] ;dkim=pass[] header.d:x,header.s:y;z,;" },
	{ "reason", "; dkim=fail (no) reason=\"bad \\\" one\" header.d=x",
		"dkim=fail[bad \" one] header.d:x,;" },
	{ "folded", ";\r\n\tspf=fail\r\n\t(c) smtp.helo=h;\r\n dmarc=fail",
		"spf=fail[] smtp.helo:h,;dmarc=fail[] ;" },
	{ "no result", "; spf", "!" },
	{ "no value", "; spf=", "!" },
	{ "comment not ended", "; spf=pass (", "!" },
	{ "garbage for a version", " x; spf=pass", "!" },
};

static void
run_read(void **state)
{
	const struct read_row *t = *state;
	struct bytes rest = bytes_from_str(t->rest);
	struct arena a = ARENA_INIT;
	struct buf said = BUF_INIT;
	struct auth_method m;
	int r;

	while ((r = auth_results_next(&rest, &a, &m)) == 1) {
		buf_put_bytes(&said, m.method);
		buf_put_str(&said, "=");
		buf_put_bytes(&said, m.result);
		buf_put_str(&said, "[");
		buf_put_bytes(&said, m.reason);
		buf_put_str(&said, "] ");
		for (size_t i = 0; i < m.nproperties; i++) {
			buf_put_bytes(&said, m.properties[i].name);
			buf_put_str(&said, ":");
			buf_put_bytes(&said, m.properties[i].value);
			buf_put_str(&said, ",");
		}
		buf_put_str(&said, ";");
	}
	if (r < 0) {
		buf_clear(&said);
		buf_put_str(&said, "!");
	}
	assert_string_equal(buf_str(&said), t->said);
	buf_free(&said);
	arena_reset(&a);
}

int
main(void)
{
	struct CMUnitTest tests[3 + NITEMS(id_rows) + NITEMS(read_rows)] = { cmocka_unit_test(
										     test_written),
		cmocka_unit_test(test_nothing_to_tell), cmocka_unit_test(test_not_text) };
	size_t n = 3;

	for (size_t i = 0; i < NITEMS(id_rows); i++)
		tests[n++] = (struct CMUnitTest){ id_rows[i].label, run_id, NULL, NULL,
			(void *)(uintptr_t)&id_rows[i] };
	for (size_t i = 0; i < NITEMS(read_rows); i++)
		tests[n++] = (struct CMUnitTest){ read_rows[i].label, run_read, NULL, NULL,
			(void *)(uintptr_t)&read_rows[i] };
	return cmocka_run_group_tests_name("proto/auth_results", tests, NULL, NULL);
}
