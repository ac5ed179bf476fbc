/* SPDX-License-Identifier: ISC */
/*
 * lib/map/aliases.h - /etc/aliases as sendmail and Postfix know it, aliases(5):
 *
 *	# comment
 *	name: target, target,
 *	      target
 *	"odd name": :include:/path, "|command with words", /file, Real Name <a@example.org>
 *
 * A target is an address, a local-part, a command, a file that mail is appended to, or the
 * members in a file. Comments in parentheses go, a quoted string is one word, a backslash
 * takes the next octet as it is. In included files lines end a target too, lines with # are
 * comments, and commands and files are refused.
 *
 * Pure but for reading included files, which the caller does. Runs in: the operator's command.
 */
#ifndef RELAIS_ALIASES_H
#define RELAIS_ALIASES_H

#include "table.h"

#define ALIASES_INCLUDE_DEPTH 8
#define ALIASES_INCLUDES_MAX  10000 /* read in all, repetitions too */

struct aliases_files {
	/* The text of an included file; < 0 with *why set: it may not or cannot be read. */
	int (*read)(void *arg, const char *path, struct buf *out, const char **why);
	void *arg;
};

/*
 * Parse text into entries of TABLE_SYSTEM_ALIASES as records.h describes them; errors are
 * noted in the table. Follow with table_check() and table_sort(). Everything is copied.
 */
void aliases_parse(struct table *t, struct bytes text, const struct aliases_files *files);

#endif
