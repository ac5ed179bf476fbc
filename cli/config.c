/* SPDX-License-Identifier: ISC */
/* cli/config.c - relais config check|show|diff|defaults. */
#include <stdio.h>
#include <string.h>

#include "config_check.h"

const char config_usage[] =
	"relais config check [--json] [--strict] [--online]\n"
	"       relais config check --list\n"
	"       relais config show [SECTION|OPTION...] [--changed] [--origin] [--json]\n"
	"       relais config diff [FILE] [--running] [--json]\n"
	"       relais config defaults\n"
	"\n"
	"check says every error and warning at once, with what to do. Exit status 1 for\n"
	"an error, with --strict for a warning, too. --online asks name servers and the\n"
	"database, too. --list: what is looked at.\n"
	"\n"
	"show prints each option with its value; --changed only those that are written\n"
	"somewhere, --origin with the place. SECTION|OPTION: like smtpd, or smtpd.listen.\n"
	"\n"
	"diff compares with the defaults, with FILE, or with what the running suite has.\n"
	"Exit status 0: the same; 1: they differ; 2 or 3: it could not be done.\n"
	"\n"
	"defaults prints a file with every option's default.";

static int
defaults(struct cli *cli, int argc, char *argv[])
{
	struct buf text = BUF_INIT;

	UNUSED(cli);
	UNUSED(argc);
	UNUSED(argv);
	conf_write_shipped_file(&text);
	fwrite(text.data, 1, text.len, stdout);
	buf_free(&text);
	return CLI_OK;
}

static const struct verb {
	const char *name;
	int (*run)(struct cli *cli, int argc, char *argv[]);
} verbs[] = {
	{ "check", config_check },
	{ "show", config_show },
	{ "diff", config_diff },
	{ "defaults", defaults },
};

int
cmd_config(struct cli *cli, int argc, char *argv[])
{
	for (size_t i = 0; i < NITEMS(verbs); i++)
		if (argc > 1 && strcmp(argv[1], verbs[i].name) == 0)
			return verbs[i].run(cli, argc - 1, argv + 1);
	return cli_usage(config_usage, "relais config: check, show, diff or defaults");
}
