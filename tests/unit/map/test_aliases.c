/* SPDX-License-Identifier: ISC */
/* tests/unit/map/test_aliases.c - /etc/aliases: what people write, and what becomes of it. */
#include "../base/cases.h"

#include "aliases.h"
#include "err.h"
#include "records.h"

static int
read_file(void *arg, const char *path, struct buf *out, const char **why)
{
	static const struct {
		const char *path, *text;
	} files[] = {
		{ "/members", "# who is in\n a@example.org, b\n\nReal Name <c@example.org>\r\n" },
		{ "/nested", ":include:/members\nd\n" },
		{ "/round", "x\n:include:/round\n" },
		{ "/program", "a\n|/bin/sh\n" },
		{ "/file", "/etc/passwd\n" },
		{ "/empty", "# nobody\n" },
	};

	UNUSED(arg);
	for (size_t i = 0; i < NITEMS(files); i++)
		if (strcmp(files[i].path, path) == 0) {
			buf_put_str(out, files[i].text);
			return ERR_OK;
		}
	*why = "No such file";
	return ERR_NOT_FOUND;
}

static const struct row {
	const char *label, *text;
	const char *expected; /* "key=value;" of each entry; or "!" and a part of the error */
} rows[] = {
	{ "nothing", "", "" },
	{ "comments", "# a\n\n   # b\n", "" },
	{ "one", "postmaster: root\n", "postmaster=root;" },
	{ "case of the name", "PostMaster: Root\n", "postmaster=Root;" },
	{ "several", "a: b, c@example.org ,d\n", "a=b, c@example.org, d;" },
	{ "continued", "a: b,\n\tc,\n# between\n   d\n", "a=b, c, d;" },
	{ "no blank", "a:b,c\n", "a=b, c;" },
	{ "CRLF", "a: b\r\nc: d\r\n", "a=b;c=d;" },
	{ "quoted name", "\"Odd One\": b\n", "odd one=b;" },
	{ "quoted address", "a: \"odd one\"@example.org\n", "a=\"odd one\"@example.org;" },
	{ "name and angles", "a: Real Name <b@example.org>, \"X, Y\" <c>\n",
		"a=b@example.org, c;" },
	{ "comment in it", "a: b (the (old) one), c(x)\n", "a=b, c;" },
	{ "backslash", "a: \\a, b\n", "a=a, b;" },
	{ "empty targets", "a: ,b,,\n", "a=b;" },
	{ "command", "a: |/bin/true\n", "a=\"|/bin/true\";" },
	{ "command with words", "a: \"|/bin/x -f 'y, z' \\\"q\\\"\", b\n",
		"a=\"|/bin/x -f 'y, z' \\\"q\\\"\", b;" },
	{ "blank behind the bar", "a: \"| /bin/x\"\n", "a=\"| /bin/x\";" },
	{ "file", "a: /var/mail/x\n", "a=\"/var/mail/x\";" },
	{ "quoted file", "a: \"/var/mail/with blank\"\n", "a=\"/var/mail/with blank\";" },
	{ "X.400 is no file", "a: /o=x/s=y/@example.org\n", "a=/o=x/s=y/@example.org;" },
	{ "included", "a: :include:/members\n", "a=a@example.org, b, c@example.org;" },
	{ "included, quoted", "a: \":include:/members\", z\n",
		"a=a@example.org, b, c@example.org, z;" },
	{ "included in included", "a: :include:/nested\n",
		"a=a@example.org, b, c@example.org, d;" },
	{ "included in a circle", "a: :include:/round\n", "!too deep" },
	{ "command in an included file", "a: :include:/program\n", "!not taken" },
	{ "file in an included file", "a: :include:/file\n", "!not taken" },
	{ "nobody in it", "a: :include:/empty\n", "!no target" },
	{ "not there", "a: :include:/none\n", "!No such file" },
	{ "relative", "a: :include:members\n", "!path from the root" },
	{ "twice", "a: b\nA: c\n", "!in line 1 already" },
	{ "no target", "a:\n", "!no target" },
	{ "no colon", "a b\n", "!name: target" },
	{ "no name", ": b\n", "!no domain" },
	{ "with a domain", "a@example.org: b\n", "!no domain" },
	{ "blanks within", "a: b c\n", "!comma is missing" },
	{ "open quote", "a: \"b\n", "!quote" },
	{ "begins with a blank", " a: b\n", "!blank" },
	{ "control character", "a: \"|x\x01y\"\n", "!control" },
	{ "not an address", "a: b@@c\n", "!target is no address" },
	{ "catch-all as a target", "a: @example.org\n", "!target is no address" },
};

static void
run_row(void **arg)
{
	const struct row *t = *arg;
	const struct aliases_files files = { read_file, NULL };
	struct table table = TABLE_INIT;
	struct buf got = BUF_INIT;

	aliases_parse(&table, bytes_from_str(t->text), &files);
	table_check(&table, TABLE_SYSTEM_ALIASES);
	table_sort(&table);
	if (t->expected[0] == '!') {
		assert_true(table.nerrors > 0);
		if (strstr(table.errors[0].text, t->expected + 1) == NULL)
			assert_string_equal(table.errors[0].text, t->expected + 1);
	} else {
		if (table.nerrors > 0)
			print_error("%s\n", table.errors[0].text);
		assert_int_equal(table.nerrors, 0);
		for (size_t i = 0; i < table.count; i++) {
			buf_put_bytes(&got, table.entries[i].key);
			buf_put_u8(&got, '=');
			buf_put_bytes(&got, table.entries[i].value);
			buf_put_u8(&got, ';');
		}
		assert_string_equal(buf_str(&got), t->expected);
	}
	buf_free(&got);
	table_free(&table);
}

int
main(void)
{
	TABLE_TESTS(tests, rows, run_row);

	return cmocka_run_group_tests_name("map/aliases", tests, NULL, NULL);
}
