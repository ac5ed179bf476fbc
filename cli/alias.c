/* SPDX-License-Identifier: ISC */
/* cli/alias.c - relais alias add|list|del: lines of the aliases table. */
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "err.h"
#include "printed.h"
#include "table_files.h"

const char alias_usage[] =
	"relais alias add NAME TARGET...\n"
	"       relais alias list [DOMAIN] [--json]\n"
	"       relais alias del NAME [TARGET...]   without targets: all of it\n"
	"\n"
	"NAME: user@domain, user (in every local domain) or @domain (whoever is not\n"
	"there). TARGET: an address, or a local-part in the domain asked for.";

/* What a command on one alias works with. */
struct alias {
	struct table_file f;
	struct arena arena;
	struct bytes key, old; /* old: its targets; empty: there is no such alias */
};

static void
alias_close(struct alias *a)
{
	table_file_free(&a->f);
	arena_reset(&a->arena);
}

static bool
fold(struct arena *a, const char *name, struct bytes *out)
{
	const char *why;

	if (table_key_fold(TABLE_ALIASES, a, bytes_from_str(name), out, &why) == ERR_OK)
		return true;
	fprintf(stderr, "%s: %s\n", name, why);
	return false;
}

static bool
alias_open(struct cli *cli, struct alias *a, const char *name)
{
	*a = (struct alias){ .arena = ARENA_INIT };
	if (!table_files_lock(cli) || !table_file_load(cli, TABLE_ALIASES, &a->f))
		return false;
	if (name == NULL)
		return true;
	if (!fold(&a->arena, name, &a->key))
		return false;
	if (table_file_find(&a->f, a->key, &a->old)) /* the table's own goes when it is edited */
		a->old = arena_bytes(&a->arena, a->old);
	return true;
}

/* Is the target one of these words? */
static bool
is_one_of(struct arena *a, struct bytes target, char *words[], int n)
{
	struct bytes folded, other;
	const char *why;

	if (table_key_fold(TABLE_ALIASES, a, target, &folded, &why) < 0)
		folded = target;
	for (int i = 0; i < n; i++)
		if (table_key_fold(TABLE_ALIASES, a, bytes_from_str(words[i]), &other, &why) ==
				ERR_OK &&
			bytes_equal(folded, other))
			return true;
	return false;
}

/* The old targets but those named; how many are left. */
static unsigned
put_others(struct alias *a, struct buf *line, char *words[], int n)
{
	struct bytes rest = a->old, target;
	unsigned left = 0;

	while (alias_next_target(&rest, &target) > 0) {
		if (is_one_of(&a->arena, target, words, n))
			continue;
		if (left++ > 0)
			buf_put_str(line, ", ");
		buf_put_bytes(line, target);
	}
	return left;
}

/* One word of the table's form: an address or a local-part. */
static bool
is_target(struct arena *a, const char *word)
{
	struct bytes rest = bytes_from_str(word), target, folded;

	if (alias_next_target(&rest, &target) == 1 && rest.n == 0 && target.p[0] != '@' &&
		fold(a, word, &folded))
		return true;
	fprintf(stderr, "%s: a target is an address or a local-part\n", word);
	return false;
}

static int
add(struct cli *cli, const char *name, char *targets[], int n)
{
	struct alias a;
	struct buf line = BUF_INIT;
	struct bytes value;
	bool ok = alias_open(cli, &a, name);
	unsigned count = ok ? put_others(&a, &line, targets, n) : 0;

	for (int i = 0; ok && i < n; i++) {
		ok = is_target(&a.arena, targets[i]);
		buf_printf(&line, "%s%s", count++ > 0 ? ", " : "", targets[i]);
	}
	value = buf_bytes(&line);
	ok = ok && table_file_edit(cli, &a.f, a.key, bytes_from_str(name), &value);
	buf_free(&line);
	alias_close(&a);
	return ok ? CLI_OK : CLI_FAILED;
}

static int
del(struct cli *cli, const char *name, char *targets[], int n)
{
	struct alias a;
	struct buf line = BUF_INIT;
	struct bytes value;
	unsigned left = 0;
	bool ok = alias_open(cli, &a, name);

	if (ok && a.old.n == 0) {
		fprintf(stderr, "%s: no such alias\n", name);
		ok = false;
	}
	if (ok && n > 0)
		left = put_others(&a, &line, targets, n);
	value = buf_bytes(&line);
	ok = ok && table_file_edit(cli, &a.f, a.key, BYTES_NONE, left > 0 ? &value : NULL);
	buf_free(&line);
	alias_close(&a);
	return ok ? CLI_OK : CLI_FAILED;
}

static void
show(json_t *out, const struct table_entry *e)
{
	struct bytes rest = e->value, target;
	json_t *o, *targets;

	if (out == NULL) {
		printf("%-40.*s %.*s\n", (int)e->key.n, (const char *)e->key.p, (int)e->value.n,
			(const char *)e->value.p);
		return;
	}
	o = json_object();
	targets = json_array();
	while (alias_next_target(&rest, &target) > 0)
		json_array_append_new(
			targets, json_stringn_nocheck((const char *)target.p, target.n));
	json_object_set_new(o, "alias", json_stringn_nocheck((const char *)e->key.p, e->key.n));
	json_object_set_new(o, "targets", targets);
	json_array_append_new(out, o);
}

static int
list(struct cli *cli, const char *domain, bool json)
{
	struct table_file f;
	json_t *out = json ? json_array() : NULL;
	struct bytes folded = BYTES_NONE;
	bool ok = table_file_load(cli, TABLE_ALIASES, &f);

	if (ok && domain != NULL &&
		mail_domain_fold(&f.table.arena, bytes_from_str(domain), &folded) < 0) {
		fprintf(stderr, "%s: not a domain name\n", domain);
		ok = false;
	}
	for (size_t i = 0; ok && i < f.table.count; i++) {
		struct bytes key = f.table.entries[i].key;
		size_t at = bytes_find_last(key, '@');

		if (domain == NULL ||
			(at != BYTES_NOT_FOUND && bytes_equal(bytes_skip(key, at + 1), folded)))
			show(out, &f.table.entries[i]);
	}
	if (ok && out != NULL)
		json_print(out);
	json_decref(out);
	table_file_free(&f);
	return ok ? CLI_OK : CLI_FAILED;
}

int
cmd_alias(struct cli *cli, int argc, char *argv[])
{
	const char *verb = argc > 1 ? argv[1] : "", *domain = NULL;
	bool json = false;

	if (strcmp(verb, "add") == 0 && argc > 3)
		return add(cli, argv[2], argv + 3, argc - 3);
	if (strcmp(verb, "del") == 0 && argc > 2)
		return del(cli, argv[2], argv + 3, argc - 3);
	if (strcmp(verb, "list") != 0)
		return cli_usage(alias_usage, NULL);
	for (int i = 2; i < argc; i++) {
		if (strcmp(argv[i], "--json") == 0)
			json = true;
		else if (domain == NULL && argv[i][0] != '-')
			domain = argv[i];
		else
			return cli_usage(alias_usage, NULL);
	}
	return list(cli, domain, json);
}
