/* SPDX-License-Identifier: ISC */
/*
 * cli/config_show.c - relais config show: what each option is, and where that was written. The text
 * is a configuration file again.
 */
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "config_check.h"
#include "printed.h"

struct showing {
	struct cli *cli;
	bool changed, origin;
	const char **names; /* sections and options; none: all */
	int count;
	json_t *json;
	const struct conf_section *open; /* whose "{" was printed */
	struct buf out;
};

/* ---- what a value comes to, where the option leaves it open ---- */

static const char *
first_domain(const struct conf *c)
{
	const struct common_conf *common = conf_values(c, "");

	return common->domain.n > 0 ? common->domain.v[0] : common->hostname;
}

static void
put_cores(struct buf *out, const struct conf *c)
{
	UNUSED(c);
	buf_printf(out, "%ld, one for each core", sysconf(_SC_NPROCESSORS_ONLN));
}

static void
put_hostname(struct buf *out, const struct conf *c)
{
	buf_put_str(out, ((const struct common_conf *)conf_values(c, ""))->hostname);
}

static void
put_first_domain(struct buf *out, const struct conf *c)
{
	buf_put_str(out, first_domain(c));
}

static void
put_postmaster(struct buf *out, const struct conf *c)
{
	buf_printf(out, "postmaster@%s", first_domain(c));
}

static const struct derived {
	const char *option, *open; /* the written value that leaves it open */
	void (*put)(struct buf *out, const struct conf *c);
} derived[] = {
	{ "workers", "0", put_cores },
	{ "smtp_client.processes", "0", put_cores },
	{ "mailauth.verifiers", "0", put_cores },
	{ "mailauth.signers", "0", put_cores },
	{ "directory.hash_threads", "0", put_cores },
	{ "smtp_client.helo", "\"\"", put_hostname },
	{ "mailauth.authserv_id", "\"\"", put_hostname },
	{ "mailauth.report_org", "\"\"", put_hostname },
	{ "directory.srs_domain", "\"\"", put_first_domain },
	{ "mailauth.report_from", "\"\"", put_postmaster },
};

static bool
put_derived(struct buf *out, const struct conf *c, const char *name, const char *value)
{
	for (size_t i = 0; i < NITEMS(derived); i++)
		if (strcmp(derived[i].option, name) == 0 && strcmp(derived[i].open, value) == 0) {
			derived[i].put(out, c);
			return true;
		}
	return false;
}

/* ---- one option ---- */

static bool
is_wanted(const struct showing *s, const struct conf_option *o, const char *name)
{
	if (s->changed && o->origin->file == NULL)
		return false;
	for (int i = 0; i < s->count; i++)
		if (strcmp(s->names[i], name) == 0 ||
			(o->section->name[0] != 0 && strcmp(s->names[i], o->section->name) == 0))
			return true;
	return s->count == 0;
}

static void
put_origin(struct buf *out, const struct conf_origin *o)
{
	if (o->file == NULL)
		buf_put_str(out, "default");
	else if (o->line == 0)
		buf_put_str(out, o->file);
	else
		buf_printf(out, "%s:%u", o->file, o->line);
}

static void
add_json(struct showing *s, const struct conf_option *o, const char *name, const char *value)
{
	struct buf comes_to = BUF_INIT;
	const bool is_open = put_derived(&comes_to, &s->cli->conf, name, value);

	json_array_append_new(s->json,
		json_pack("{s:s s:s s:s s:s s:s? s:o s:o s:b}", "option", name, "value", value,
			"default", o->row->value, "origin",
			o->origin->file == NULL                       ? "default"
			: strcmp(o->origin->file, CONF_OVERRIDE) == 0 ? "command line"
								      : "file",
			"file", o->origin->line > 0 ? o->origin->file : NULL, "line",
			o->origin->line > 0 ? json_integer(o->origin->line) : json_null(),
			"effective", is_open ? json_string(buf_str(&comes_to)) : json_null(),
			"restart", conf_option_is_at_start(o)));
	buf_free(&comes_to);
}

static void
add_text(struct showing *s, const struct conf_option *o, const char *name, const char *value)
{
	const bool within = o->section->name[0] != 0;

	if (s->open != o->section) {
		if (s->open != NULL && s->open->name[0] != 0)
			buf_put_str(&s->out, "}\n");
		if (within)
			buf_printf(
				&s->out, "%s%s {\n", s->out.len > 0 ? "\n" : "", o->section->name);
		s->open = o->section;
	}
	buf_printf(&s->out, "%s%s = %s", within ? "\t" : "", o->row->name, value);
	if (s->origin) {
		buf_put_str(&s->out, "  # ");
		put_origin(&s->out, o->origin);
		if (strchr(value, '\n') == NULL) {
			struct buf comes_to = BUF_INIT;

			if (put_derived(&comes_to, &s->cli->conf, name, value))
				buf_printf(&s->out, "; here %s", buf_str(&comes_to));
			buf_free(&comes_to);
		}
	}
	buf_put_u8(&s->out, '\n');
}

static void
add(struct showing *s, const struct conf_option *o)
{
	struct buf name = BUF_INIT, value = BUF_INIT;

	conf_option_put_name(&name, o);
	conf_write_value(&value, o->row, o->values);
	if (is_wanted(s, o, buf_str(&name))) {
		if (s->json != NULL)
			add_json(s, o, buf_str(&name), buf_str(&value));
		else
			add_text(s, o, buf_str(&name), buf_str(&value));
	}
	buf_free(&name);
	buf_free(&value);
}

/* Is there a word that is no section and no option? */
static int
check_names(const struct showing *s)
{
	struct conf_option o;

	for (int i = 0; i < s->count; i++)
		if (conf_section_named(bytes_from_str(s->names[i])) == NULL &&
			!conf_option_named(&s->cli->conf, s->names[i], &o)) {
			fprintf(stderr,
				"there is no section and no option \"%s\"; \"relais config "
				"show\" has them all\n",
				s->names[i]);
			return CLI_USAGE;
		}
	return CLI_OK;
}

int
config_show(struct cli *cli, int argc, char *argv[])
{
	struct showing s = { .cli = cli, .out = BUF_INIT };
	struct conf_option o;
	int status;

	s.names = xcalloc((size_t)argc, sizeof(*s.names));
	for (int i = 1; i < argc; i++) {
		if (strcmp(argv[i], "--changed") == 0)
			s.changed = true;
		else if (strcmp(argv[i], "--origin") == 0)
			s.origin = true;
		else if (strcmp(argv[i], "--json") == 0)
			s.json = json_array();
		else
			s.names[s.count++] = argv[i];
	}
	status = cli_load(cli) ? check_names(&s) : CLI_FAILED;
	for (size_t i = 0; status == CLI_OK && conf_option_at(&cli->conf, i, &o); i++)
		add(&s, &o);
	if (s.open != NULL && s.open->name[0] != 0)
		buf_put_str(&s.out, "}\n");
	if (status == CLI_OK && s.json != NULL)
		json_print(s.json);
	else if (s.out.len > 0)
		fwrite(s.out.data, 1, s.out.len, stdout);
	json_decref(s.json);
	buf_free(&s.out);
	free(s.names);
	return status;
}
