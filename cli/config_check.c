/* SPDX-License-Identifier: ISC */
/* cli/config_check.c - relais config check: every error and warning at once, see the header. */
#include "config_check.h"
#include "printed.h"

#include <jansson.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "printed.h"

static const struct config_check_row *const topics[] = { config_check_files, config_check_tables,
	config_check_tls, config_check_machine, config_check_online };

static void
look(struct config_check *k)
{
	conf_check_syntax(k->found);
	conf_check(k->found);
	for (size_t i = 0; i < NITEMS(topics); i++)
		for (const struct config_check_row *r = topics[i]; r->name != NULL; r++) {
			k->found->check = r->name;
			k->found->blocks = false;
			if (!r->online || k->online)
				r->find(k);
		}
}

static json_t *
finding_json(const struct conf_finding *n)
{
	return json_pack("{s:s s:s s:s s:o s:o s:s s:s}", "severity",
		conf_severity_name(n->severity), "check", n->check, "file", n->file, "line",
		n->line > 0 ? json_integer(n->line) : json_null(), "option",
		n->option != NULL ? json_string(n->option) : json_null(), "text", n->text, "cure",
		n->cure);
}

static void
print_json(const struct conf_findings *f)
{
	json_t *all = json_array(), *top;

	for (const struct conf_finding *n = f->first; n != NULL; n = n->next)
		json_array_append_new(all, finding_json(n));
	top = json_pack("{s:s s:i s:i s:o}", "file", f->path, "errors", (int)f->count[CONF_ERROR],
		"warnings", (int)f->count[CONF_WARNING], "findings", all);
	json_print(top);
	json_decref(top);
}

static void
put_count(struct buf *out, unsigned n, const char *what)
{
	if (n == 0)
		buf_printf(out, "no %ss", what);
	else
		buf_printf(out, "%u %s%s", n, what, n == 1 ? "" : "s");
}

/* Errors first. */
static void
print_text(const struct conf_findings *f)
{
	struct buf out = BUF_INIT;

	for (int s = CONF_ERROR; s >= CONF_NOTE; s--)
		for (const struct conf_finding *n = f->first; n != NULL; n = n->next) {
			if ((int)n->severity != s)
				continue;
			conf_finding_put(&out, n);
			buf_put_u8(&out, '\n');
		}
	buf_printf(&out, "%s: ", f->path);
	put_count(&out, f->count[CONF_ERROR], "error");
	if (f->count[CONF_WARNING] > 0) {
		buf_put_str(&out, ", ");
		put_count(&out, f->count[CONF_WARNING], "warning");
	}
	buf_put_u8(&out, '\n');
	fwrite(out.data, 1, out.len, stdout);
	buf_free(&out);
}

bool
config_check_errors(struct cli *cli)
{
	struct conf_findings found;
	struct config_check k = { .cli = cli, .found = &found, .is_root = geteuid() == 0 };
	struct buf out = BUF_INIT;
	bool none;

	conf_findings_init(&found, &cli->conf, cli->conf_path);
	k.running = cli_is_running(cli);
	look(&k);
	for (const struct conf_finding *n = found.first; n != NULL; n = n->next) {
		if (n->severity != CONF_ERROR)
			continue;
		conf_finding_put(&out, n);
		buf_put_u8(&out, '\n');
	}
	fputs(buf_str(&out), stderr);
	none = found.count[CONF_ERROR] == 0;
	buf_free(&out);
	conf_findings_free(&found);
	return none;
}

/* Every row there is, with its line: for people, and for the test of the manual. */
static int
print_rows(void)
{
	for (size_t i = 0; i < nconf_checks; i++)
		printf("%-20s %s\n", conf_checks[i].name, conf_checks[i].doc);
	for (size_t i = 0; i < NITEMS(topics); i++)
		for (const struct config_check_row *r = topics[i]; r->name != NULL; r++)
			printf("%-20s %s%s\n", r->name, r->doc, r->online ? " (--online)" : "");
	return CLI_OK;
}

int
config_check(struct cli *cli, int argc, char *argv[])
{
	struct conf_findings found;
	struct config_check k = { .cli = cli, .found = &found, .is_root = geteuid() == 0 };
	bool json = false, strict = false;
	int status = CLI_OK;

	for (int i = 1; i < argc; i++) {
		if (strcmp(argv[i], "--list") == 0)
			return print_rows();
		json |= strcmp(argv[i], "--json") == 0;
		strict |= strcmp(argv[i], "--strict") == 0;
		k.online |= strcmp(argv[i], "--online") == 0;
	}
	cli_read(cli);
	conf_findings_init(&found, &cli->conf, cli->conf_path);
	k.running = cli_is_running(cli);
	look(&k);
	if (json)
		print_json(&found);
	else
		print_text(&found);
	if (found.count[CONF_ERROR] > 0 || (strict && found.count[CONF_WARNING] > 0))
		status = CLI_FAILED;
	conf_findings_free(&found);
	return status;
}
