/* SPDX-License-Identifier: ISC */
/* cli/domain.c - relais domain add|list|del: lines of the domains table. */
#include <jansson.h>
#include <stdio.h>
#include <string.h>

#include "err.h"
#include "printed.h"
#include "table_files.h"

const char domain_usage[] = "relais domain add NAME [local [system-users] | relay | alias OTHER]\n"
			    "       relais domain list [--json]\n"
			    "       relais domain del NAME";

static bool
fold(struct table_file *f, const char *name, struct bytes *out)
{
	if (mail_domain_fold(&f->table.arena, bytes_from_str(name), out) == ERR_OK)
		return true;
	fprintf(stderr, "%s: not a domain name\n", name);
	return false;
}

static int
add(struct cli *cli, struct table_file *f, int argc, char *argv[])
{
	struct buf line = BUF_INIT;
	struct bytes key, old, value;
	struct arena arena = ARENA_INIT;
	struct domain_record d;
	const char *why;
	bool ok;

	for (int i = 1; i < argc; i++)
		buf_printf(&line, "%s%s", i > 1 ? " " : "", argv[i]);
	if (argc == 1)
		buf_put_str(&line, "local");
	value = buf_bytes(&line);
	ok = fold(f, argv[0], &key);
	key = arena_bytes(
		&arena, ok ? key : BYTES_NONE); /* the table's own goes when it is edited */
	if (ok && table_file_find(f, key, &old)) {
		fprintf(stderr, "%s: is there already\n", argv[0]);
		ok = false;
	}
	if (ok && domain_record_parse(&arena, value, &d, &why) < 0) {
		fprintf(stderr, "%s\n", why);
		ok = false;
	}
	ok = ok && table_file_edit(cli, f, key, key, &value);
	if (ok && d.system_users)
		ok = table_files_build(cli, true);
	arena_reset(&arena);
	buf_free(&line);
	return ok ? CLI_OK : CLI_FAILED;
}

static unsigned
accounts_of(const struct table_file *accounts, struct bytes domain)
{
	unsigned n = 0;

	for (size_t i = 0; i < accounts->table.count; i++) {
		struct bytes key = accounts->table.entries[i].key;

		n += bytes_equal(bytes_skip(key, bytes_find_last(key, '@') + 1), domain);
	}
	return n;
}

static int
del(struct cli *cli, struct table_file *f, const char *name)
{
	struct table_file accounts;
	struct arena arena = ARENA_INIT;
	struct bytes key, old;
	unsigned n = 0;
	bool ok = table_file_load(cli, TABLE_ACCOUNTS, &accounts) && fold(f, name, &key);

	key = arena_bytes(&arena, ok ? key : BYTES_NONE);
	if (ok && !table_file_find(f, key, &old)) {
		fprintf(stderr, "%s: no such domain in the table\n", name);
		ok = false;
	}
	if (ok && (n = accounts_of(&accounts, key)) > 0) {
		fprintf(stderr, "%s: has %u accounts; delete them first\n", name, n);
		ok = false;
	}
	ok = ok && table_file_edit(cli, f, key, key, NULL);
	table_file_free(&accounts);
	arena_reset(&arena);
	return ok ? CLI_OK : CLI_FAILED;
}

static void
show(json_t *out, const char *name, size_t n, const char *kind, const char *where)
{
	if (out == NULL)
		printf("%-40.*s %s%s\n", (int)n, name, kind, where);
	else
		json_array_append_new(
			out, json_pack("{s:s%,s:s,s:s}", "domain", name, n, "class", kind, "source",
				     where[0] == 0 ? "table" : "configuration"));
}

static int
list(struct cli *cli, const struct table_file *f, bool json)
{
	const struct conf_list *configured = &cli_common(cli)->domain;
	json_t *out = json ? json_array() : NULL;
	char value[300];

	for (size_t i = 0; i < configured->n; i++)
		show(out, configured->v[i], strlen(configured->v[i]), "local", " (configuration)");
	for (size_t i = 0; i < f->table.count; i++)
		show(out, (const char *)f->table.entries[i].key.p, f->table.entries[i].key.n,
			bytes_to_str(f->table.entries[i].value, value, sizeof(value)), "");
	if (out != NULL)
		json_print(out);
	json_decref(out);
	return CLI_OK;
}

int
cmd_domain(struct cli *cli, int argc, char *argv[])
{
	const char *verb = argc > 1 ? argv[1] : "";
	struct table_file f;
	int status = CLI_FAILED;

	if (!(strcmp(verb, "list") == 0 && argc <= 3) && !(strcmp(verb, "add") == 0 && argc >= 3) &&
		!(strcmp(verb, "del") == 0 && argc == 3))
		return cli_usage(domain_usage, NULL);
	if (!table_files_lock(cli))
		return CLI_FAILED;
	if (!table_file_load(cli, TABLE_DOMAINS, &f)) {
		table_file_free(&f);
		return CLI_FAILED;
	}
	if (verb[0] == 'l')
		status = list(cli, &f, argc == 3 && strcmp(argv[2], "--json") == 0);
	else if (verb[0] == 'a')
		status = add(cli, &f, argc - 2, argv + 2);
	else
		status = del(cli, &f, argv[2]);
	table_file_free(&f);
	return status;
}
