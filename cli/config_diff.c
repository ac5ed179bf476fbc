/* SPDX-License-Identifier: ISC */
/*
 * cli/config_diff.c - relais config diff: this configuration against the defaults, another file, or
 * what the suite has that runs. As diff(1): 0 the same, 1 different.
 */
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "config_check.h"
#include "err.h"
#include "printed.h"

/* Which of the two is the older: what runs, or the other file, or the defaults. */
struct comparing {
	struct cli *cli;
	const struct conf *old, *fresh;
	struct conf_findings dangers; /* of going from old to fresh */
	json_t *json;
	struct buf out;
	unsigned n;
};

static const struct conf_finding *
danger_of(const struct comparing *c, const char *name)
{
	for (const struct conf_finding *f = c->dangers.first; f != NULL; f = f->next)
		if (strcmp(f->option, name) == 0)
			return f;
	return NULL;
}

static void
add(struct comparing *c, const struct conf_option *a, const struct conf_option *b)
{
	struct buf name = BUF_INIT, old = BUF_INIT, fresh = BUF_INIT;
	const struct conf_finding *danger;
	const bool restart = conf_option_is_at_start(a);

	c->n++;
	conf_option_put_name(&name, a);
	conf_write_value(&old, a->row, a->values);
	conf_write_value(&fresh, b->row, b->values);
	danger = danger_of(c, buf_str(&name));
	if (c->json != NULL) {
		json_array_append_new(c->json,
			json_pack("{s:s s:s s:s s:s? s:o s:b s:s?}", "option", buf_str(&name),
				"old", buf_str(&old), "new", buf_str(&fresh), "file",
				b->origin->file, "line",
				b->origin->line > 0 ? json_integer(b->origin->line) : json_null(),
				"restart", restart, "danger",
				danger != NULL ? danger->text : NULL));
	} else {
		conf_put_difference(&c->out, a, b);
		if (restart)
			buf_put_str(&c->out, "  [needs a restart]");
		if (danger != NULL)
			buf_printf(&c->out, "  [dangerous: %s]", danger->text);
		buf_put_u8(&c->out, '\n');
	}
	buf_free(&name);
	buf_free(&old);
	buf_free(&fresh);
}

/* A danger is told with one option of several that make it: that one may be as it was. */
static void
put_other_dangers(struct comparing *c)
{
	struct conf_option a, b;

	for (const struct conf_finding *f = c->dangers.first; f != NULL; f = f->next)
		if (conf_option_named(c->old, f->option, &a) &&
			conf_option_named(c->fresh, f->option, &b) && conf_option_equal(&a, &b))
			buf_printf(&c->out, "[dangerous: %s]\n", f->text);
}

static int
compare(struct cli *cli, const struct conf *old, const struct conf *fresh, const char *path,
	bool json)
{
	struct comparing c = { .cli = cli,
		.old = old,
		.fresh = fresh,
		.json = json ? json_array() : NULL,
		.out = BUF_INIT };
	struct conf_option a, b;

	conf_findings_init(&c.dangers, fresh, path);
	(void)conf_find_new_dangers(&c.dangers, old);
	for (size_t i = 0; conf_option_at(old, i, &a) && conf_option_at(fresh, i, &b); i++)
		if (!conf_option_equal(&a, &b))
			add(&c, &a, &b);
	put_other_dangers(&c);
	if (json)
		json_print(c.json);
	else if (c.out.len > 0)
		fwrite(c.out.data, 1, c.out.len, stdout);
	json_decref(c.json);
	buf_free(&c.out);
	conf_findings_free(&c.dangers);
	return c.n > 0 ? CLI_FAILED : CLI_OK;
}

/* What the suite has; master shows it as `config show` would. */
static int
read_running(struct cli *cli, struct conf *running)
{
	struct control_text m = { 0 };
	int r = cli_ask_master(cli, CONTROL_CONFIG_SHOW, BYTES_NONE, &m);

	if (r != CLI_OK)
		return r;
	if (m.err < 0 || conf_parse(running, "running", m.text) < 0) {
		fprintf(stderr, "the suite that runs is of another version: its configuration "
				"cannot be read\n");
		return CLI_FAILED;
	}
	return CLI_OK;
}

static bool
read_file(struct conf *c, const char *path)
{
	(void)conf_load(c, path);
	for (const struct conf_error *e = c->first; e != NULL; e = e->next)
		fprintf(stderr, "%s:%u: %s\n", e->file, e->line, e->text);
	return c->first == NULL;
}

int
config_diff(struct cli *cli, int argc, char *argv[])
{
	bool json = false, with_running = false;
	const char *file = NULL;
	struct conf other;
	int status = CLI_OK;

	for (int i = 1; i < argc; i++) {
		if (strcmp(argv[i], "--json") == 0)
			json = true;
		else if (strcmp(argv[i], "--running") == 0)
			with_running = true;
		else
			file = argv[i];
	}
	if (with_running && file != NULL)
		return cli_usage(config_usage, "relais config diff: FILE or --running, not both");
	if (!cli_load(cli))
		return CLI_USAGE; /* 1 means that they differ */
	conf_init(&other);
	if (with_running)
		status = read_running(cli, &other);
	else if (file != NULL && !read_file(&other, file))
		status = CLI_USAGE;
	if (status == CLI_OK)
		status = compare(cli, &other, &cli->conf, cli->conf_path, json);
	else if (status == CLI_FAILED)
		status = CLI_USAGE;
	conf_free(&other);
	return status;
}
