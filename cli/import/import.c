/* SPDX-License-Identifier: ISC */
/* cli/import/import.c - findings, options and tables of an import; what is written of them. */
#include "import.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "err.h"
#include "table.h"

void
import_init(struct import *im, const struct import_files *files)
{
	*im = (struct import){ .arena = ARENA_INIT, .files = files };
	STAILQ_INIT(&im->options);
	conf_init(&im->conf);
}

void
import_free(struct import *im)
{
	for (size_t i = 0; i < NITEMS(im->tables); i++)
		free(im->tables[i].entries);
	free(im->findings);
	free(im->accounts);
	conf_free(&im->conf);
	arena_reset(&im->arena);
}

const char *
import_verdict_name(enum import_verdict v)
{
	static const char *const names[IMPORT_VERDICTS] = { "taken", "needless", "by hand",
		"failed" };

	return names[v];
}

void
import_tell(struct import *im, const struct import_place *place, enum import_verdict v,
	const char *format, ...)
{
	struct buf words = BUF_INIT;
	va_list ap;

	va_start(ap, format);
	buf_vprintf(&words, format, ap);
	va_end(ap);
	if (im->nfindings == im->findings_cap) {
		im->findings_cap = im->findings_cap == 0 ? 64 : im->findings_cap * 2;
		im->findings = xrealloc(im->findings, im->findings_cap * sizeof(*im->findings));
	}
	im->findings[im->nfindings] = (struct import_finding){ *place, v,
		arena_str(&im->arena, buf_bytes(&words)), im->nfindings };
	im->nfindings++;
	buf_free(&words);
}

static bool
is_separator(uint8_t c)
{
	return bytes_find(BYTES_LITERAL(", \t\r\n"), c) != BYTES_NOT_FOUND;
}

bool
import_word(struct bytes *rest, struct bytes *word)
{
	size_t n = 0;

	while (rest->n > 0 && is_separator(rest->p[0]))
		*rest = bytes_skip(*rest, 1);
	while (n < rest->n && !is_separator(rest->p[n]))
		n++;
	*word = bytes_head(*rest, n);
	*rest = bytes_skip(*rest, n);
	return n > 0;
}

bool
import_read(
	struct import *im, const struct import_place *place, const char *path, struct bytes *text)
{
	int r = im->files->read(im->files->arg, &im->arena, path, text);

	if (r == ERR_OK)
		return true;
	import_tell(im, place, IMPORT_FAILED, "%s: %s", path, err_text(r));
	return false;
}

/* ---- options ---- */

void
import_only_tls(struct import *im, const struct import_place *place, bool yes)
{
	if (yes)
		import_tell(im, place, IMPORT_NEEDLESS, "plaintext_auth = never is the default");
	else
		import_tell(im, place, IMPORT_BY_HAND,
			"logins without TLS are refused; plaintext_auth = always would allow them");
}

static const struct opt_row *
option_row(const struct conf_section *section, const char *name)
{
	for (size_t i = 0; i < section->nrows; i++)
		if (strcmp(section->rows[i].name, name) == 0)
			return &section->rows[i];
	ASSERT(false); /* the rows of this folder name options that there are */
	return NULL;
}

static struct import_option *
find_option(const struct import *im, const struct opt_row *row)
{
	struct import_option *o;

	STAILQ_FOREACH (o, &im->options, link) {
		if (o->row == row)
			return o;
	}
	return NULL;
}

const struct import_place *
import_is_set(const struct import *im, const char *section, const char *option)
{
	const struct conf_section *s = conf_section_named(bytes_from_str(section));
	const struct import_option *o = find_option(im, option_row(s, option));

	return o == NULL ? NULL : &o->place;
}

static void
remember(struct import *im, const struct import_place *place, const struct conf_section *section,
	const struct opt_row *row)
{
	struct import_option *o = find_option(im, row);

	if (o == NULL) {
		o = arena_zalloc(&im->arena, sizeof(*o));
		STAILQ_INSERT_TAIL(&im->options, o, link);
	}
	o->section = section;
	o->row = row;
	o->place = *place;
}

bool
import_set_quietly(struct import *im, const struct import_place *place, const char *section,
	const char *option, struct bytes value, const char **why)
{
	const struct conf_section *s = conf_section_named(bytes_from_str(section));
	const struct opt_row *row = option_row(s, option);

	if (conf_set(s, conf_values(&im->conf, section), bytes_from_str(option), value,
		    &im->conf.arena, why) < 0)
		return false;
	remember(im, place, s, row);
	return true;
}

bool
import_set(struct import *im, const struct import_place *place, const char *section,
	const char *option, struct bytes value)
{
	const char *dot = section[0] == 0 ? "" : ".", *why = "";
	bool ok = import_set_quietly(im, place, section, option, value, &why);

	if (ok)
		import_tell(im, place, IMPORT_TAKEN, "%s%s%s = %.*s", section, dot, option,
			(int)value.n, (const char *)value.p);
	else
		import_tell(im, place, IMPORT_BY_HAND, "%s%s%s: \"%.*s\" %s", section, dot, option,
			(int)value.n, (const char *)value.p, why);
	return ok;
}

static bool
put_section(struct import *im, const struct conf_section *section, struct buf *out)
{
	const char *indent = section->name[0] == 0 ? "" : "\t";
	struct import_option *o;
	bool any = false;

	STAILQ_FOREACH (o, &im->options, link) {
		if (o->section != section)
			continue;
		if (!any && section->name[0] != 0)
			buf_printf(out, "\n%s {\n", section->name);
		any = true;
		buf_printf(out, "%s# %s of %s\n%s%s = ", indent, o->place.what, o->place.file,
			indent, o->row->name);
		conf_write_value(out, o->row, conf_values(&im->conf, section->name));
		buf_put_u8(out, '\n');
	}
	if (any && section->name[0] != 0)
		buf_put_str(out, "}\n");
	return any;
}

void
import_write_conf(struct import *im, struct buf *out)
{
	buf_put_str(out,
		"# Written by relais import-config. \"relais config defaults\" prints every "
		"option there is.\n");
	for (size_t i = 0; i < conf_section_count(); i++)
		put_section(im, conf_section_at(i), out);
}

/* ---- tables ---- */

static void
put_line(struct buf *out, struct bytes key, struct bytes value)
{
	buf_put_bytes(out, key);
	buf_put_u8(out, '\t');
	buf_put_bytes(out, value);
	buf_put_u8(out, '\n');
}

/* A file's name may have any octets; tables have no control characters. */
static void
put_comment(struct buf *out, const char *file)
{
	buf_put_str(out, "# from ");
	for (; *file != 0; file++)
		buf_put_u8(out, (uint8_t)*file < ' ' || *file == 0x7f ? '?' : (uint8_t)*file);
	buf_put_u8(out, '\n');
}

/* Read back as the command that compiles it reads it: what is taken here is right there. */
static bool
read_back(struct import *im, enum table_kind kind, struct buf *line, struct bytes *folded,
	const char **why)
{
	struct table t = TABLE_INIT;
	bool ok;

	table_parse(&t, buf_bytes(line));
	table_check(&t, kind);
	ok = t.nerrors == 0 && t.count == 1;
	if (ok)
		*folded = arena_bytes(&im->arena, t.entries[0].key);
	else
		*why = t.nerrors == 0 ? "not a line of a table"
				      : arena_str(&im->arena, bytes_from_str(t.errors[0].text));
	table_free(&t);
	return ok;
}

bool
import_put(struct import *im, const struct import_place *place, enum table_kind kind,
	struct bytes key, struct bytes value)
{
	struct import_table *t = &im->tables[kind];
	struct buf line = BUF_INIT;
	struct bytes folded;
	const char *why;
	bool ok;

	put_line(&line, key, value);
	ok = read_back(im, kind, &line, &folded, &why);
	buf_free(&line);
	if (!ok) {
		/* what is told may be shown to others: no password, no hash of one */
		const bool secret = kind == TABLE_ACCOUNTS || kind == TABLE_RELAY_CREDENTIALS;

		import_tell(im, place, IMPORT_BY_HAND, "%.*s %.*s: %s", (int)key.n,
			(const char *)key.p, secret ? 3 : (int)value.n,
			secret ? "..." : (const char *)value.p, why);
		return false;
	}
	if (t->count == t->cap) {
		t->cap = t->cap == 0 ? 64 : t->cap * 2;
		t->entries = xrealloc(t->entries, t->cap * sizeof(*t->entries));
	}
	t->entries[t->count++] = (struct import_entry){ *place, folded,
		arena_bytes(&im->arena, key), arena_bytes(&im->arena, value), false };
	return true;
}

bool
import_has(const struct import *im, enum table_kind kind, struct bytes key)
{
	const struct import_table *t = &im->tables[kind];

	for (size_t i = 0; i < t->count; i++)
		if (bytes_equal(t->entries[i].key, key))
			return true;
	return false;
}

void
import_write_table(const struct import *im, enum table_kind kind, struct buf *out)
{
	const struct import_table *t = &im->tables[kind];
	const char *file = NULL;

	for (size_t i = 0; i < t->count; i++) {
		const struct import_entry *e = &t->entries[i];

		if (e->repeated)
			continue;
		if (file == NULL || strcmp(file, e->place.file) != 0)
			put_comment(out, e->place.file);
		file = e->place.file;
		put_line(out, e->written, e->value);
	}
}

/* ---- the end ---- */

static int
by_key(const void *a, const void *b)
{
	const struct import_entry *const *x = a, *const *y = b;
	int r = bytes_compare((*x)->key, (*y)->key);

	return r != 0 ? r : *x < *y ? -1 : 1; /* the first one stays the first */
}

/* Of several lines with one key the first counts, as Postfix looks maps up in their order. */
static void
tell_repeated(struct import *im, struct import_table *t)
{
	struct import_entry **order = xcalloc(t->count, sizeof(struct import_entry *));
	size_t n = 0;

	for (size_t i = 0; i < t->count; i++)
		if (!t->entries[i].repeated)
			order[n++] = &t->entries[i];
	qsort(order, n, sizeof(*order), by_key);
	for (size_t i = 1, first = 0; i < n; i++) {
		if (!bytes_equal(order[first]->key, order[i]->key)) {
			first = i;
			continue;
		}
		order[i]->repeated = true;
		if (!bytes_equal(order[first]->value, order[i]->value))
			import_tell(im, &order[i]->place, IMPORT_NEEDLESS,
				"%.*s is in %s:%u already, and the first one counts",
				(int)order[i]->key.n, (const char *)order[i]->key.p,
				order[first]->place.file, order[first]->place.line);
	}
	free(order);
}

static int
by_place(const void *a, const void *b)
{
	const struct import_finding *x = a, *y = b;
	int r = strcmp(x->place.file, y->place.file);

	if (r == 0)
		r = (x->place.line > y->place.line) - (x->place.line < y->place.line);
	return r != 0 ? r : (x->number > y->number) - (x->number < y->number);
}

void
import_finish(struct import *im)
{
	import_accounts_finish(im);
	for (size_t i = 0; i < NITEMS(im->tables); i++)
		if (im->tables[i].count > 0)
			tell_repeated(im, &im->tables[i]);
	if (im->nfindings > 0)
		qsort(im->findings, im->nfindings, sizeof(*im->findings), by_place);
}
