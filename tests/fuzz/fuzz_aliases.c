/* SPDX-License-Identifier: ISC */
/*
 * tests/fuzz/fuzz_aliases.c - aliases(5) and the files behind :include:. The input is parted by
 * NULs: the aliases, then the texts of included files, given out in turn. Whatever they are,
 * parsing ends, an entry that is taken without an error passes the check of its kind, and a
 * command comes from the aliases themselves only.
 */
#include "aliases.h"
#include "err.h"
#include "records.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct files {
	struct bytes all, rest;
	unsigned read;
};

static int
read_file(void *arg, const char *path, struct buf *out, const char **why)
{
	struct files *f = arg;

	ASSERT(path[0] == '/');
	f->read++;
	*why = "there is none";
	if (f->all.n == 0)
		return ERR_NOT_FOUND;
	if (f->rest.n == 0)
		f->rest = f->all; /* from the first one again: so there are loops */
	buf_put_bytes(out, bytes_cut(&f->rest, 0));
	return ERR_OK;
}

static void
check_entry(struct arena *a, const struct table_entry *e, bool may_run)
{
	struct bytes rest = e->value, target, what;
	const char *why;
	int r;

	ASSERT(e->value.n <= TABLE_VALUE_MAX);
	ASSERT(table_value_check(TABLE_SYSTEM_ALIASES, a, e->value, &why) == ERR_OK);
	while ((r = alias_next_target(&rest, &target)) > 0) {
		ASSERT(target.n > 0);
		if (alias_program(a, target, &what))
			ASSERT(what.n >= 2 && what.n <= ALIAS_PROGRAM_MAX && may_run);
	}
	ASSERT(r == ERR_OK);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct bytes in = bytes_make(data, size), text = bytes_cut(&in, 0);
	struct files f = { in, in, 0 };
	const struct aliases_files files = { read_file, &f };
	struct table t = TABLE_INIT;
	bool may_run = bytes_find(text, '|') != BYTES_NOT_FOUND ||
		       bytes_find(text, '/') != BYTES_NOT_FOUND;

	if (size > 100000)
		return 0;
	aliases_parse(&t, text, &files);
	table_check(&t, TABLE_SYSTEM_ALIASES);
	table_sort(&t);
	for (size_t i = 0; i < t.count && t.nerrors == 0; i++) {
		ASSERT(i == 0 || bytes_compare(t.entries[i - 1].key, t.entries[i].key) < 0);
		check_entry(&t.arena, &t.entries[i], may_run);
	}
	table_free(&t);
	return 0;
}
