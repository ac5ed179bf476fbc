/* SPDX-License-Identifier: ISC */
/*
 * lib/conf/conf.c - the configuration file: lines, sections, includes, and every error at
 * once.
 */
#include "conf.h"

#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "err.h"
#include "nearest.h"
#include "sys.h"

#define FILE_MAX      ((off_t)4 * 1024 * 1024)
#define INCLUDE_DEPTH 8
#define ERRORS_MAX    200

struct parser {
	struct conf *conf;
	const char *file;
	unsigned line, section_line;
	const struct conf_section *section; /* NULL: inside an unknown one */
	bool in_section;
};

void
conf_init(struct conf *c)
{
	*c = (struct conf){ .arena = ARENA_INIT };
	c->last = &c->first;
	c->values = arena_alloc(&c->arena, conf_section_count() * sizeof(*c->values));
	c->origins = arena_alloc(&c->arena, conf_section_count() * sizeof(*c->origins));
	for (size_t i = 0; i < conf_section_count(); i++) {
		const struct conf_section *s = conf_section_at(i);

		c->values[i] = conf_defaults(s, &c->arena);
		c->origins[i] = arena_zalloc(&c->arena, s->nrows * sizeof(*c->origins[i]));
	}
}

void
conf_free(struct conf *c)
{
	arena_reset(&c->arena);
}

void *
conf_values(const struct conf *c, const char *section)
{
	for (size_t i = 0; i < conf_section_count(); i++)
		if (strcmp(conf_section_at(i)->name, section) == 0)
			return c->values[i];
	return NULL;
}

void
conf_add_error(struct conf *c, const char *file, unsigned line, const char *format, ...)
{
	struct conf_error *e = arena_zalloc(&c->arena, sizeof(*e));
	char text[512];
	va_list ap;

	va_start(ap, format);
	vsnprintf(text, sizeof(text), format, ap);
	va_end(ap);
	e->file = arena_str(&c->arena, bytes_from_str(file));
	e->line = line;
	e->text = arena_str(&c->arena, bytes_from_str(text));
	*c->last = e;
	c->last = &e->next;
}

/* ---- "did you mean" ---- */

static void
add_unknown(struct parser *p, struct bytes name, const char *what)
{
	struct nearest near = nearest_to(name);
	char shown[64], found[64];

	if (strcmp(what, "section") == 0) {
		for (size_t i = 1; i < conf_section_count(); i++)
			nearest_consider(&near, bytes_from_str(conf_section_at(i)->name));
	} else {
		for (size_t i = 0; i < p->section->nrows; i++)
			nearest_consider(&near, bytes_from_str(p->section->rows[i].name));
	}
	bytes_to_str(name, shown, sizeof(shown));
	if (near.found.n > 0)
		conf_add_error(p->conf, p->file, p->line,
			"unknown %s \"%s\" (did you mean \"%s\"?)", what, shown,
			bytes_to_str(near.found, found, sizeof(found)));
	else
		conf_add_error(p->conf, p->file, p->line, "unknown %s \"%s\"", what, shown);
}

/* ---- lines ---- */

/*
 * The value at the start of in: quoted, or up to a '#' or the end. out: unescaped, in the
 * arena. ERR_SYNTAX with *why if a quote is not closed or text follows it.
 */
static int
take_value(struct arena *a, struct bytes in, struct bytes *out, const char **why)
{
	uint8_t *text;
	size_t n = 0, i;

	in = bytes_trim(in);
	if (in.n == 0 || in.p[0] != '"') {
		*out = bytes_trim(bytes_head(in, bytes_find(in, '#')));
		return ERR_OK;
	}
	text = arena_alloc(a, in.n);
	for (i = 1; i < in.n && in.p[i] != '"'; i++) {
		if (in.p[i] == '\\' && i + 1 < in.n)
			i++;
		text[n++] = in.p[i];
	}
	if (i >= in.n) {
		*why = "the quote is not closed";
		return ERR_SYNTAX;
	}
	in = bytes_trim(bytes_skip(in, i + 1));
	if (in.n > 0 && in.p[0] != '#') {
		*why = "text after the closing quote";
		return ERR_SYNTAX;
	}
	*out = bytes_make(text, n);
	return ERR_OK;
}

/* Notes where the option is written; NULL if there is no such one. */
static struct conf_origin *
note_origin(struct parser *p, struct bytes name)
{
	struct conf *c = p->conf;
	struct conf_origin *origin = NULL;

	for (size_t i = 0; i < conf_section_count(); i++)
		for (size_t j = 0; conf_section_at(i) == p->section && j < p->section->nrows; j++)
			if (bytes_is(name, p->section->rows[j].name))
				origin = &c->origins[i][j];
	if (origin != NULL)
		*origin = (struct conf_origin){ .file = arena_str(
							&c->arena, bytes_from_str(p->file)),
			.line = p->line,
			.line_before = origin->file != NULL && strcmp(origin->file, p->file) == 0
					       ? origin->line
					       : 0 };
	return origin;
}

static void
assign(struct parser *p, struct bytes name, struct bytes written)
{
	struct conf_origin *origin;
	struct conf *c = p->conf;
	struct bytes value;
	const char *why;
	char shown[64], shown_value[128];
	int r;

	if (p->section == NULL)
		return; /* the section's name was the error */
	origin = note_origin(p, name);
	r = take_value(&c->arena, written, &value, &why);
	bytes_to_str(name, shown, sizeof(shown));
	if (r < 0) {
		if (origin != NULL)
			origin->refused = true;
		conf_add_error(c, p->file, p->line, "%s: %s", shown, why);
		return;
	}
	r = conf_set(p->section, conf_values(c, p->section->name), name, value, &c->arena, &why);
	if (origin != NULL)
		origin->refused = r < 0;
	if (r == ERR_NOT_FOUND)
		add_unknown(p, name, "option");
	else if (r < 0)
		conf_add_error(c, p->file, p->line, "%s: \"%s\" %s", shown,
			bytes_to_str(value, shown_value, sizeof(shown_value)), why);
}

static void
include(struct parser *p, struct bytes written)
{
	struct conf *c = p->conf;
	struct bytes value;
	const char *why, *path, *slash = strrchr(p->file, '/');

	if (take_value(&c->arena, written, &value, &why) < 0 || value.n == 0) {
		conf_add_error(c, p->file, p->line, "include needs a file name");
		return;
	}
	if (c->depth >= INCLUDE_DEPTH) {
		conf_add_error(c, p->file, p->line, "includes are nested too deep");
		return;
	}
	path = value.p[0] == '/' || slash == NULL
		       ? arena_str(&c->arena, value)
		       : arena_printf(&c->arena, "%.*s%.*s", (int)(slash - p->file + 1), p->file,
				 (int)value.n, (const char *)value.p);
	c->depth++;
	(void)conf_load(c, path);
	c->depth--;
}

static void
open_section(struct parser *p, struct bytes name)
{
	name = bytes_trim(name);
	if (p->in_section)
		conf_add_error(p->conf, p->file, p->line,
			"a section inside a section; is the one of line %u not closed?",
			p->section_line);
	p->in_section = true;
	p->section_line = p->line;
	p->section = name.n == 0 ? NULL : conf_section_named(name);
	if (p->section == NULL)
		add_unknown(p, name, "section");
}

static void
close_section(struct parser *p)
{
	if (!p->in_section)
		conf_add_error(p->conf, p->file, p->line, "\"}\" without a section");
	p->in_section = false;
	p->section = conf_section_at(0);
}

static void
parse_line(struct parser *p, struct bytes line)
{
	struct bytes rest = line, name;
	char shown[64];

	line = bytes_trim(line);
	if (line.n == 0 || line.p[0] == '#')
		return;
	if (line.p[0] == '}') {
		close_section(p);
		line = bytes_trim(bytes_skip(line, 1));
		if (line.n > 0 && line.p[0] != '#')
			conf_add_error(p->conf, p->file, p->line, "text after \"}\"");
		return;
	}
	if (bytes_starts_with(line, BYTES_LITERAL("include")) && line.n > 7 &&
		(line.p[7] == ' ' || line.p[7] == '\t' || line.p[7] == '"')) {
		include(p, bytes_skip(line, 7));
		return;
	}
	name = bytes_trim(bytes_cut(&rest, '='));
	if (name.n < line.n && bytes_find(line, '=') != BYTES_NOT_FOUND) {
		assign(p, name, rest);
		return;
	}
	line = bytes_trim(bytes_head(line, bytes_find(line, '#')));
	if (line.n > 0 && line.p[line.n - 1] == '{') {
		open_section(p, bytes_head(line, line.n - 1));
		return;
	}
	conf_add_error(p->conf, p->file, p->line,
		"\"%s\" is neither \"option = value\" nor \"section {\"",
		bytes_to_str(line, shown, sizeof(shown)));
}

static int
outcome(const struct conf *c)
{
	return c->first == NULL ? ERR_OK : ERR_SYNTAX;
}

int
conf_parse(struct conf *c, const char *file, struct bytes text)
{
	struct parser p = { .conf = c, .file = file, .section = conf_section_at(0) };

	while (text.n > 0) {
		p.line++;
		parse_line(&p, bytes_cut(&text, '\n'));
	}
	if (p.in_section)
		conf_add_error(
			c, file, p.section_line, "the section that begins here is not closed");
	return outcome(c);
}

int
conf_load(struct conf *c, const char *path)
{
	struct stat st;
	uint8_t *text;
	ssize_t n;
	int fd = sys_openat(AT_FDCWD, path, O_RDONLY, 0);

	if (fd < 0 || fstat(fd, &st) != 0 || !S_ISREG(st.st_mode) || st.st_size > FILE_MAX) {
		conf_add_error(c, path, 0, "cannot be read: %s",
			fd < 0 ? strerror(errno) : "not a file, or over 4 MiB");
		if (fd >= 0)
			close(fd);
		return ERR_NOT_FOUND;
	}
	text = xmalloc((size_t)st.st_size);
	n = sys_read_full(fd, text, (size_t)st.st_size);
	close(fd);
	if (n < 0)
		conf_add_error(c, path, 0, "cannot be read: %s", strerror(errno));
	else
		(void)conf_parse(c, path, bytes_make(text, (size_t)n));
	free(text);
	return outcome(c);
}

int
conf_override(struct conf *c, const char *assignment)
{
	struct bytes value = bytes_from_str(assignment), name = bytes_cut(&value, '=');
	size_t dot = bytes_find(name, '.');
	struct parser p = { .conf = c, .file = CONF_OVERRIDE, .section = conf_section_at(0) };

	if (strchr(assignment, '=') == NULL) {
		conf_add_error(c, p.file, 0, "\"%s\" is not NAME=VALUE", assignment);
		return ERR_SYNTAX;
	}
	if (dot != BYTES_NOT_FOUND) {
		p.section = conf_section_named(bytes_head(name, dot));
		if (p.section == NULL)
			add_unknown(&p, bytes_head(name, dot), "section");
		name = bytes_skip(name, dot + 1);
	}
	assign(&p, bytes_trim(name), value);
	return outcome(c);
}

void
conf_show(struct buf *out, const struct conf *c)
{
	for (size_t i = 0; i < conf_section_count(); i++) {
		const struct conf_section *s = conf_section_at(i);

		if (i > 0)
			buf_printf(out, "\n%s {\n", s->name);
		for (size_t j = 0; j < s->nrows; j++) {
			buf_printf(out, "%s%s = ", i > 0 ? "\t" : "", s->rows[j].name);
			conf_write_value(out, &s->rows[j], c->values[i]);
			buf_put_u8(out, '\n');
		}
		if (i > 0)
			buf_put_str(out, "}\n");
	}
}
