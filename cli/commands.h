/* SPDX-License-Identifier: ISC */
/*
 * cli/commands.h - all commands of relais(8): their names, their help, who runs them.
 *
 * A command's usage text is the only place where its words are written down: --help prints it, the
 * words on the command line are checked against it (usage.h), completion and the man pages'
 * synopses come from it.
 */
#ifndef RELAIS_COMMANDS_H
#define RELAIS_COMMANDS_H

#include <stdio.h>

#include "cli.h"

enum command_group {
	GROUP_SUITE,
	GROUP_PEOPLE,
	GROUP_MAIL,
	GROUP_ROUTES,
	GROUP_TRUST,
	GROUP_FAMILIAR,
	COMMAND_GROUPS,
	GROUP_HIDDEN = COMMAND_GROUPS, /* for completion and the build */
	GROUP_PART, /* of the command that its first word names: help of its own */
};

enum command_flag {
	COMMAND_NO_CONF = 1,   /* loads the configuration itself, or does without */
	COMMAND_OWN_WORDS = 2, /* its words are another program's: not checked */
};

struct command {
	const char *name; /* "ban"; "user forward" */
	enum command_group group;
	unsigned flags;
	int (*run)(struct cli *cli, int argc, char *argv[]); /* a part's: its command's */
	const char *usage;
	const char *help; /* one line */
};

/* The i'th, or NULL after the last; one by its name; the part that these words are, else their
 * command, else NULL. */
const struct command *command_at(size_t i);
const struct command *command_named(const char *name);
const struct command *command_of_words(int argc, char *argv[]);

/* Say that there is no such command, and which one may be meant. CLI_USAGE. */
int command_unknown(const char *name);

void commands_print(FILE *out);
void commands_print_all(void); /* a line on each */
void command_print_help(const struct command *c);

#endif
