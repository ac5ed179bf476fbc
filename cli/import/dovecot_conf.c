/* SPDX-License-Identifier: ISC */
/* cli/import/dovecot_conf.c - Dovecot's configuration, see the header. */
#include "dovecot_conf.h"

#include <stdlib.h>

#include "buf.h"
#include "check.h"

struct block {
	const char *name;
	unsigned number;
};

struct reader {
	struct dovecot_conf *conf;
	const char *file;
	unsigned line;
	struct block open[DOVECOT_DEPTH_MAX];
	unsigned depth; /* may be over DOVECOT_DEPTH_MAX */
};

void
dovecot_conf_free(struct dovecot_conf *c)
{
	free(c->settings);
	*c = (struct dovecot_conf){ .arena = c->arena };
}

static void
add(struct reader *r, struct bytes name, struct bytes value)
{
	static const struct block none = { "", 0 };
	struct dovecot_conf *c = r->conf;
	unsigned depth = r->depth < DOVECOT_DEPTH_MAX ? r->depth : DOVECOT_DEPTH_MAX;
	const struct block *in = depth == 0 ? &none : &r->open[depth - 1];

	if (c->count == c->cap) {
		c->cap = c->cap == 0 ? 64 : c->cap * 2;
		c->settings = xrealloc(c->settings, c->cap * sizeof(*c->settings));
	}
	c->settings[c->count++] = (struct dovecot_setting){ in->name, in->number,
		arena_str(c->arena, name), arena_bytes(c->arena, value), r->file, r->line };
}

static void
open_block(struct reader *r, struct bytes line)
{
	struct bytes name = bytes_trim(bytes_cut(&line, ' '));

	if (r->depth++ < DOVECOT_DEPTH_MAX)
		r->open[r->depth - 1] =
			(struct block){ arena_str(r->conf->arena, bytes_trim(bytes_head(name,
									  bytes_find(name, '{')))),
				++r->conf->blocks };
}

/* Quotes around the whole go. */
static struct bytes
unquoted(struct bytes value)
{
	if (value.n >= 2 && (value.p[0] == '"' || value.p[0] == '\'') &&
		value.p[value.n - 1] == value.p[0])
		return bytes_head(bytes_skip(value, 1), value.n - 2);
	return value;
}

/* A '#' behind a blank begins a comment. */
static struct bytes
without_comment(struct bytes line)
{
	for (size_t i = 0; i < line.n; i++)
		if (line.p[i] == '#' && (i == 0 || line.p[i - 1] == ' ' || line.p[i - 1] == '\t'))
			return bytes_head(line, i);
	return line;
}

static void
read_line(struct reader *r, struct bytes line)
{
	size_t equals = bytes_find(line, '=');
	struct bytes rest = line;

	if (line.p[0] == '}') {
		r->depth -= r->depth > 0;
	} else if (line.p[line.n - 1] == '{' && equals == BYTES_NOT_FOUND) {
		open_block(r, bytes_head(line, line.n - 1));
	} else if (line.p[0] == '!') {
		struct bytes word = bytes_cut(&rest, ' ');

		add(r, word, bytes_trim(rest));
	} else if (equals != BYTES_NOT_FOUND) {
		add(r, bytes_trim(bytes_head(line, equals)),
			unquoted(bytes_trim(bytes_skip(line, equals + 1))));
	} else { /* "passdb { driver = pam" and "}" on one line, or no setting at all */
		add(r, BYTES_LITERAL("?"), line);
	}
}

void
dovecot_conf_parse(struct dovecot_conf *c, const char *file, struct bytes text)
{
	struct reader r = { .conf = c, .file = file };
	struct buf whole = BUF_INIT;
	unsigned number = 0;

	while (text.n > 0) {
		struct bytes line = bytes_trim(without_comment(bytes_cut(&text, '\n')));

		number++;
		if (whole.len == 0)
			r.line = number;
		if (line.n > 0 && line.p[line.n - 1] == '\\') {
			buf_put_bytes(&whole, bytes_head(line, line.n - 1));
			continue;
		}
		buf_put_bytes(&whole, line);
		line = bytes_trim(buf_bytes(&whole));
		if (line.n > 0)
			read_line(&r, line);
		buf_clear(&whole);
	}
	if (bytes_trim(buf_bytes(&whole)).n > 0)
		read_line(&r, bytes_trim(buf_bytes(&whole)));
	buf_free(&whole);
}
