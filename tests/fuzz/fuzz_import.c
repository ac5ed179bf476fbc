/* SPDX-License-Identifier: ISC */
/*
 * tests/fuzz/fuzz_import.c - Postfix' and Dovecot's files: whatever they hold, reading ends, and
 * what is written is a configuration and tables without an error.
 */
#include "err.h"
#include "import.h"
#include "table.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Every file that is named is the rest of the input. */
static int
read_rest(void *arg, struct arena *a, const char *path, struct bytes *text)
{
	UNUSED(a);
	*text = *(const struct bytes *)arg;
	return path[1] == 'n' ? ERR_NOT_FOUND : ERR_OK;
}

static struct conf_list
glob_one(void *arg, struct arena *a, const char *pattern)
{
	const char **one = arena_alloc(a, sizeof(*one));

	UNUSED(arg);
	*one = pattern;
	return (struct conf_list){ 1, one };
}

static void
check_conf(struct import *im)
{
	struct buf out = BUF_INIT;
	struct conf c;

	import_write_conf(im, &out);
	conf_init(&c);
	(void)conf_parse(&c, "written", buf_bytes(&out));
	ASSERT(c.first == NULL);
	conf_free(&c);
	buf_free(&out);
}

static void
check_table(struct import *im, enum table_kind kind)
{
	struct buf out = BUF_INIT;
	struct table t = TABLE_INIT;

	import_write_table(im, kind, &out);
	table_parse(&t, buf_bytes(&out));
	table_check(&t, kind);
	table_sort(&t);
	ASSERT(t.nerrors == 0);
	table_free(&t);
	buf_free(&out);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct bytes text, rest;
	struct import_files files = { read_rest, glob_one, &rest };
	struct import im;

	if (size == 0 || size > 4000)
		return 0;
	rest = bytes_make(data + 1, size - 1);
	text = bytes_cut(&rest, 0);
	import_init(&im, &files);
	if (data[0] % 4 == 0)
		import_postfix(&im, "/main.cf", text);
	else if (data[0] % 4 == 1)
		import_dovecot(&im, "/dovecot.conf", text);
	else
		import_passwd_file(&im, "/users", text, BYTES_LITERAL("CRYPT"));
	if (data[0] % 4 == 3)
		import_dovecot(&im, "/dovecot.conf", rest);
	import_finish(&im);
	check_conf(&im);
	for (int kind = 0; kind < TABLE_SYSTEM_USERS; kind++)
		check_table(&im, (enum table_kind)kind);
	import_free(&im);
	return 0;
}
