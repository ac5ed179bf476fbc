/* SPDX-License-Identifier: ISC */
/* cli/main.c - relais: one command for the operator; called as mailq or postqueue, it is that. */
#include <errno.h>
#include <libgen.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "commands.h"
#include "usage.h"
#include "version.h"

#define DEFAULT_CONF "/etc/relais/relais.conf"

static bool
wants_help(const struct command *c, int argc, char *argv[])
{
	const int last = (c->flags & COMMAND_OWN_WORDS) != 0 && argc > 2 ? 2 : argc;

	for (int i = 1; i < last; i++)
		if (strcmp(argv[i], "--help") == 0)
			return true;
	return false;
}

/* "help [COMMAND [PART]]" */
static int
help(int argc, char *argv[])
{
	const struct command *c = command_of_words(argc, argv);

	if (argc == 0)
		commands_print(stdout);
	else if (strcmp(argv[0], "all") == 0)
		commands_print_all();
	else if (c == NULL)
		return command_unknown(argv[0]);
	else
		command_print_help(c);
	return CLI_OK;
}

static int
run(struct cli *cli, int argc, char *argv[])
{
	const struct command *c = command_of_words(argc, argv);
	int count, status = CLI_FAILED;
	char **words;

	if (strcmp(argv[0], "help") == 0)
		return help(argc - 1, argv + 1);
	if (c == NULL)
		return command_unknown(argv[0]);
	if (wants_help(c, argc, argv)) {
		command_print_help(c);
		return CLI_OK;
	}
	words = usage_check(c, argc, argv, &count);
	if (words == NULL)
		return CLI_USAGE;
	if ((c->flags & COMMAND_NO_CONF) != 0 || cli_load(cli)) {
		/* commands may put them into another order, and leave some out */
		char **own = xcalloc((size_t)count + 1, sizeof(*own));

		memcpy(own, words, (size_t)count * sizeof(*own));
		status = c->run(cli, count, own);
		free(own);
	}
	usage_words_free(words);
	return status;
}

/* What may stand before the command, besides --config and --option. */
static int
other_option(const char *word)
{
	if (strcmp(word, "--help") == 0) {
		commands_print(stdout);
		return CLI_OK;
	}
	if (strcmp(word, "--config") == 0 || strcmp(word, "-c") == 0)
		fprintf(stderr, "relais: %s wants a file\n", word);
	else if (strcmp(word, "--option") == 0 || strcmp(word, "-o") == 0)
		fprintf(stderr, "relais: %s wants NAME=VALUE\n", word);
	else
		fprintf(stderr, "relais: there is no option %s before the command\n", word);
	fputs("\"relais --help\" tells more\n", stderr);
	return CLI_USAGE;
}

/* What was printed must have been written: a list cut short by a full disk is no list. A reader
 * that left (head) wanted no more. */
static int
told(int status)
{
	if (fflush(stdout) == 0 && !ferror(stdout))
		return status;
	if (errno == EPIPE)
		return status;
	cli_say_errno("standard output");
	return status == CLI_OK ? CLI_FAILED : status;
}

int
main(int argc, char *argv[])
{
	const char *from_environment = getenv("RELAIS_CONFIG");
	struct cli cli = { .conf_path = from_environment != NULL ? from_environment : DEFAULT_CONF,
		.packet = { .data = BUF_INIT } };
	int i = 1, status;

	argv[0] = basename(argv[0]);
	if (strcmp(argv[0], "mailq") == 0 || strcmp(argv[0], "postqueue") == 0)
		return told(run(&cli, argc, argv));
	cli.overrides = xcalloc((size_t)argc, sizeof(*cli.overrides));
	for (; i < argc && argv[i][0] == '-'; i++) {
		if ((strcmp(argv[i], "--config") == 0 || strcmp(argv[i], "-c") == 0) &&
			i + 1 < argc)
			cli.conf_path = argv[++i];
		else if ((strcmp(argv[i], "--option") == 0 || strcmp(argv[i], "-o") == 0) &&
			 i + 1 < argc)
			cli.overrides[cli.noverrides++] = argv[++i];
		else if (strcmp(argv[i], "--version") == 0)
			return printf("relais %s\n", relais_version()) < 0;
		else
			return other_option(argv[i]);
	}
	if (i >= argc) {
		fputs("relais: a command is missing\n", stderr);
		commands_print(stderr);
		return CLI_USAGE;
	}
	status = told(run(&cli, argc - i, argv + i));
	if (cli.values_made)
		conf_free(&cli.conf);
	buf_free(&cli.packet.data);
	free(cli.overrides);
	return status;
}
