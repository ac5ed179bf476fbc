/* SPDX-License-Identifier: ISC */
/* cli/import/main_cf.c - Postfix' main.cf, see the header. */
#include "main_cf.h"

#include <stdlib.h>
#include <string.h>

#include "buf.h"
#include "check.h"

#define DEPTH_MAX 20
#define STEPS_MAX                                                                                  \
	10000 /* settings looked at for one value: names may refer to each other in rings */
#define VALUE_MAX ((size_t)1 << 20)

/* Defaults that values refer to, or that decide what mail is taken. */
static const struct {
	const char *name, *value;
} defaults[] = {
	{ "myorigin", "$myhostname" },
	{ "mydestination", "$myhostname, localhost.$mydomain, localhost" },
	{ "relay_domains", "" },
	{ "virtual_alias_domains", "$virtual_alias_maps" },
	{ "alias_maps", "hash:/etc/aliases" },
	{ "config_directory", "/etc/postfix" },
	{ "queue_directory", "/var/spool/postfix" },
	{ "data_directory", "/var/lib/postfix" },
	{ "default_database_type", "hash" },
	{ "mail_name", "Postfix" },
	{ "virtual_transport", "virtual" },
	{ "smtp_tls_security_level", "" },
};

void
main_cf_free(struct main_cf *m)
{
	free(m->settings);
	*m = (struct main_cf){ .arena = m->arena };
}

struct main_cf_setting *
main_cf_find(const struct main_cf *m, struct bytes name)
{
	for (size_t i = m->count; i > 0; i--)
		if (bytes_is(name, m->settings[i - 1].name))
			return &m->settings[i - 1];
	return NULL;
}

static void
add(struct main_cf *m, struct bytes line, unsigned number)
{
	size_t at = bytes_find(line, '=');
	struct bytes name = bytes_trim(bytes_head(line, at));
	struct main_cf_setting *before;

	if (at == BYTES_NOT_FOUND || name.n == 0 || name.n > 200) {
		if (m->bad_line == 0)
			m->bad_line = number;
		return;
	}
	before = main_cf_find(m, name);
	if (before != NULL)
		before->again = number;
	if (m->count == m->cap) {
		m->cap = m->cap == 0 ? 64 : m->cap * 2;
		m->settings = xrealloc(m->settings, m->cap * sizeof(*m->settings));
	}
	m->settings[m->count++] = (struct main_cf_setting){ .name = arena_str(m->arena, name),
		.written = arena_bytes(m->arena, bytes_trim(bytes_skip(line, at + 1))),
		.line = number };
}

void
main_cf_parse(struct main_cf *m, struct bytes text)
{
	struct buf whole = BUF_INIT; /* a line with those that go on with it */
	unsigned number = 0, first = 0;

	while (text.n > 0) {
		struct bytes line = bytes_cut(&text, '\n'), trimmed = bytes_trim(line);

		number++;
		if (trimmed.n == 0 || trimmed.p[0] == '#')
			continue; /* within a setting too */
		if (line.p[0] == ' ' || line.p[0] == '\t') {
			buf_put_u8(&whole, ' ');
			buf_put_bytes(&whole, trimmed);
			if (first == 0)
				first = number;
			continue;
		}
		if (whole.len > 0)
			add(m, buf_bytes(&whole), first);
		buf_clear(&whole);
		buf_put_bytes(&whole, trimmed);
		first = number;
	}
	if (whole.len > 0)
		add(m, buf_bytes(&whole), first);
	buf_free(&whole);
}

/* ---- values ---- */

struct expansion {
	struct main_cf *m;
	struct buf out;
	unsigned depth, steps;
};

static void expand(struct expansion *x, struct bytes text);
static void expand_name(struct expansion *x, struct bytes name);

static bool
is_name(uint8_t c)
{
	return ascii_is_alpha(c) || ascii_is_digit(c) || c == '_';
}

/* A value by itself, within the same bounds; in the arena. */
static struct bytes
value_of(struct expansion *x, struct bytes name)
{
	struct buf before = x->out;
	struct bytes value;

	x->out = BUF_INIT;
	expand_name(x, name);
	value = arena_bytes(x->m->arena, bytes_trim(buf_bytes(&x->out)));
	buf_free(&x->out);
	x->out = before;
	return value;
}

/* Postfix: mydomain is myhostname without its first label. */
static void
expand_mydomain(struct expansion *x)
{
	struct bytes host = value_of(x, BYTES_LITERAL("myhostname"));
	size_t dot = bytes_find(host, '.');

	if (dot == BYTES_NOT_FOUND)
		buf_put_str(&x->out, "localdomain");
	else
		buf_put_bytes(&x->out, bytes_skip(host, dot + 1));
}

static void
expand_name(struct expansion *x, struct bytes name)
{
	const struct main_cf_setting *s = main_cf_find(x->m, name);

	if (++x->depth <= DEPTH_MAX && x->steps++ < STEPS_MAX) {
		if (s != NULL)
			expand(x, s->written);
		else if (bytes_is(name, "mydomain"))
			expand_mydomain(x);
		else
			for (size_t i = 0; i < NITEMS(defaults); i++)
				if (bytes_is(name, defaults[i].name))
					expand(x, bytes_from_str(defaults[i].value));
	}
	x->depth--;
}

/* What is between the braces: name, name?text (if it has a value), name:text (if it has none). */
static void
expand_braces(struct expansion *x, struct bytes in)
{
	size_t n = 0;
	struct bytes name, text, value;

	in = bytes_trim(in);
	while (n < in.n && is_name(in.p[n]))
		n++;
	name = bytes_head(in, n);
	text = bytes_skip(in, n + 1);
	if (n == in.n) {
		expand_name(x, name);
		return;
	}
	value = value_of(x, name);
	if ((in.p[n] == '?' && value.n > 0) || (in.p[n] == ':' && value.n == 0))
		expand(x, text);
}

/* The octets up to the bracket that closes the one before in. */
static size_t
closing(struct bytes in, uint8_t open, uint8_t close)
{
	unsigned depth = 1;

	for (size_t i = 0; i < in.n; i++) {
		depth += in.p[i] == open;
		depth -= in.p[i] == close;
		if (depth == 0)
			return i;
	}
	return in.n;
}

static void
expand(struct expansion *x, struct bytes text)
{
	if (x->depth > DEPTH_MAX)
		return;
	while (text.n > 0 && x->out.len < VALUE_MAX) {
		size_t n = bytes_find(text, '$');

		buf_put_bytes(&x->out, bytes_head(text, n));
		if (n == BYTES_NOT_FOUND)
			return;
		text = bytes_skip(text, n + 1);
		if (text.n > 0 && (text.p[0] == '{' || text.p[0] == '(')) {
			uint8_t close = text.p[0] == '{' ? '}' : ')';

			n = closing(bytes_skip(text, 1), text.p[0], close);
			x->depth++;
			expand_braces(x, bytes_head(bytes_skip(text, 1), n));
			x->depth--;
			text = bytes_skip(text, n + 2);
		} else if (text.n > 0 && text.p[0] == '$') {
			buf_put_u8(&x->out, '$');
			text = bytes_skip(text, 1);
		} else {
			for (n = 0; n < text.n && is_name(text.p[n]);)
				n++;
			expand_name(x, bytes_head(text, n));
			text = bytes_skip(text, n);
		}
	}
}

struct bytes
main_cf_expand(struct main_cf *m, struct bytes text)
{
	struct expansion x = { .m = m, .out = BUF_INIT };
	struct bytes out;

	expand(&x, text);
	out = arena_bytes(m->arena, bytes_trim(bytes_head(buf_bytes(&x.out), VALUE_MAX)));
	buf_free(&x.out);
	return out;
}

struct bytes
main_cf_value(struct main_cf *m, const char *name)
{
	struct expansion x = { .m = m, .out = BUF_INIT };
	struct bytes out;

	expand_name(&x, bytes_from_str(name));
	out = arena_bytes(m->arena, bytes_trim(bytes_head(buf_bytes(&x.out), VALUE_MAX)));
	buf_free(&x.out);
	return out;
}
