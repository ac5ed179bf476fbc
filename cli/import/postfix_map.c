/* SPDX-License-Identifier: ISC */
/*
 * cli/import/postfix_map.c - Postfix' maps: those made by postmap from a text are read from that
 * text; of the others is told what they are here.
 */
#include <string.h>

#include "err.h"
#include "postfix.h"
#include "table.h"

static const char *const text_types[] = { "hash", "btree", "lmdb", "cdb", "dbm", "sdbm",
	"texthash" };

static const struct {
	const char *type, *words;
} other_types[] = {
	{ "pgsql", "accounts, aliases, domains and routes can come from PostgreSQL here too: "
		   "directory.postgresql, docs/postgresql.md" },
	{ "mysql", "this suite asks PostgreSQL only; export the rows into the tables" },
	{ "sqlite", "export the rows into the tables" },
	{ "ldap", "this suite asks no LDAP; export the entries into the tables" },
	{ "regexp", "there are no patterns here; write a line for each address, or \"@domain\"" },
	{ "pcre", "there are no patterns here; write a line for each address, or \"@domain\"" },
	{ "cidr", "there are no maps of networks here" },
	{ "unix", "the system's users are those of domains with \"system-users\"" },
	{ "nis", "export the map into the tables" },
};

static bool
is_text_type(struct bytes type)
{
	for (size_t i = 0; i < NITEMS(text_types); i++)
		if (bytes_is(type, text_types[i]))
			return true;
	return false;
}

static void
tell_other(struct import *im, const struct import_place *place, struct bytes map, struct bytes type)
{
	const char *words = "a kind of map that this command does not read";

	for (size_t i = 0; i < NITEMS(other_types); i++)
		if (bytes_is(type, other_types[i].type))
			words = other_types[i].words;
	import_tell(im, place, IMPORT_BY_HAND, "%.*s: %s", (int)map.n, (const char *)map.p, words);
}

static void
read_text(struct postfix *p, const struct import_place *place, const char *path, struct bytes text,
	postfix_line *line, const void *arg)
{
	struct table t = TABLE_INIT;
	size_t taken = 0;

	table_parse(&t, text);
	for (size_t i = 0; i < t.nerrors && i < TABLE_ERRORS_MAX; i++)
		import_tell(p->im, &(struct import_place){ path, t.errors[i].line, "line" },
			IMPORT_BY_HAND, "%s", t.errors[i].text);
	for (size_t i = 0; i < t.count; i++) {
		const struct table_entry *e = &t.entries[i];
		struct bytes key = arena_bytes(&p->im->arena, e->key);
		struct import_place here = { path, e->line, arena_str(&p->im->arena, key) };

		taken += line(p, &here, key, arena_bytes(&p->im->arena, e->value), arg);
	}
	import_tell(p->im, place, IMPORT_TAKEN, "%s: %zu of %zu lines", path, taken,
		t.count + t.nerrors);
	table_free(&t);
}

/* "proxy:hash:/etc/postfix/virtual"; false: it is none that can be read. */
static bool
map_file(struct postfix *p, const struct import_place *place, struct bytes map, const char **path,
	struct bytes *text)
{
	struct bytes rest = map, type = bytes_cut(&rest, ':');

	if (bytes_is(type, "proxy"))
		type = bytes_cut(&rest, ':');
	if (rest.n == 0 && type.n > 0 && type.p[0] == '/') { /* no type: the default */
		rest = type;
		type = main_cf_value(&p->cf, "default_database_type");
	}
	if (!is_text_type(type) || rest.n == 0 || rest.p[0] != '/') {
		tell_other(p->im, place, map, type);
		return false;
	}
	*path = arena_str(&p->im->arena, rest);
	return import_read(p->im, place, *path, text);
}

unsigned
postfix_each_line(struct postfix *p, const struct import_place *place, struct bytes list,
	postfix_line *line, const void *arg)
{
	struct bytes map, text;
	const char *path;
	unsigned n = 0;

	while (import_word(&list, &map)) {
		if (!map_file(p, place, map, &path, &text))
			continue;
		read_text(p, place, path, text, line, arg);
		n++;
	}
	return n;
}

/* ---- lists of names ---- */

static void
names_of_file(struct postfix *p, const struct import_place *place, struct bytes path,
	postfix_name *name, const void *arg)
{
	struct bytes text, word;
	const char *file = arena_str(&p->im->arena, path);
	unsigned number = 0;

	if (!import_read(p->im, place, file, &text))
		return;
	while (text.n > 0) {
		struct bytes line = bytes_cut(&text, '\n');

		number++;
		if (bytes_trim(line).n > 0 && bytes_trim(line).p[0] == '#')
			continue;
		while (import_word(&line, &word))
			name(p,
				&(struct import_place){
					file, number, arena_str(&p->im->arena, word) },
				word, arg);
	}
}

struct name_arg {
	postfix_name *name;
	const void *arg;
};

static bool
key_is_name(struct postfix *p, const struct import_place *place, struct bytes key,
	struct bytes value, const void *arg)
{
	const struct name_arg *a = arg;

	UNUSED(value);
	a->name(p, place, key, a->arg);
	return true;
}

void
postfix_each_name(struct postfix *p, const struct import_place *place, struct bytes list,
	postfix_name *name, const void *arg)
{
	struct name_arg a = { name, arg };
	struct bytes word;

	while (import_word(&list, &word)) {
		if (word.p[0] == '!')
			import_tell(p->im, place, IMPORT_BY_HAND,
				"%.*s: lists have no exceptions here", (int)word.n,
				(const char *)word.p);
		else if (word.p[0] == '/')
			names_of_file(p, place, word, name, arg);
		else if (bytes_find(word, ':') != BYTES_NOT_FOUND)
			(void)postfix_each_line(p, place, word, key_is_name, &a);
		else
			name(p, place, word, arg);
	}
}
