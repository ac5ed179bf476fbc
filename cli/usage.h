/* SPDX-License-Identifier: ISC */
/*
 * cli/usage.h - usage texts, read: what may stand on a command line.
 *
 * A usage text is forms, one a line, each followed by what it does after two blanks or more; then
 * prose:
 *
 *	relais ban [list] [--json]          all bans
 *	       relais ban add ADDRESS|LOGIN [--time TIME]
 *	                                    [--reason TEXT]
 *
 *	TIME: like 90s, 10m, 2h, 7d; without it the ban has no end.
 *
 * A line that is indented further and begins with "[" goes on with the form. Small letters are to
 * be typed as they are ("add|del": one of them), capitals stand for the operator's words, [] may be
 * left out, "..." may be repeated. An option's value follows it after one blank. A paragraph "NAME:
 * ..." with options in it says what NAME stands for: these options are good in each form with NAME.
 */
#ifndef RELAIS_USAGE_H
#define RELAIS_USAGE_H

#include "commands.h"

enum usage_kind {
	USAGE_LITERAL, /* also "add|del" */
	USAGE_NAME,    /* also "ID|ADDRESS" */
	USAGE_OPTION,  /* "--json" */
	USAGE_OPEN,
	USAGE_CLOSE,
	USAGE_OR,
	USAGE_MORE,
};

struct usage_token {
	enum usage_kind kind;
	struct bytes text;
	bool is_value; /* of the option before it */
};

/* Both false at the end. A form begins with "relais". */
bool usage_next_form(struct bytes *rest, struct bytes *form);
bool usage_next_token(struct bytes *form, struct usage_token *t);

/* Does the name stand for options? */
bool usage_is_options(const struct command *c, struct bytes name);

/* Each text whose options are good in the form: itself, and paragraphs of its names. The i'th;
 * empty after the last. */
struct bytes usage_options_text(const struct command *c, struct bytes form, size_t i);

/* Is the option good in the form? *value: the name of its value; empty: it has none. */
bool usage_form_option(
	const struct command *c, struct bytes form, struct bytes option, struct bytes *value);

/* Is the word one of "add|del"? */
bool usage_is_one_of(struct bytes alternatives, const char *word);

/*
 * Are these words (argv[0]: the command) of one of the command's forms? Prints what is wrong and
 * how it goes. "--name=value" becomes two words: the result, *count of them, to be freed; NULL:
 * wrong.
 */
char **usage_check(const struct command *c, int argc, char *argv[], int *count);
void usage_words_free(char **words);

#endif
