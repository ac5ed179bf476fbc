/* SPDX-License-Identifier: ISC */
/* cli/pages.h - lists that a service gives page by page, as text or as JSON; times for people. */
#ifndef RELAIS_CLI_PAGES_H
#define RELAIS_CLI_PAGES_H

#include <jansson.h>

#include "cli.h"
#include "printed.h"

/* The words of a command over such a list: "THING [list | VERB WORD...] [--json]". */
struct cli_verb {
	const char *verb; /* "list" if there is none */
	int argc;         /* of what follows it */
	char **argv;
	bool json;
};
struct cli_verb cli_verb(int argc, char *argv[]);

/* How one list is asked for and shown. */
struct cli_pages {
	uint16_t type; /* of the question */
	void (*ask)(struct buf *body, struct bytes after);
	/* Show the rows of an answer (out: add them to it; NULL: print them) and put where the
	 * next page begins into after. returns: rows, 0 at the end; or an error */
	int (*show)(struct ipc_reader *in, json_t *out, struct buf *after);
};

/* All pages. The exit status. */
int cli_pages(struct cli *cli, int fd, const struct cli_pages *p, bool json);

/* "2026-01-31 12:00:00", local time; "never" for 0 */
#define CLI_TIME_TEXT 32
const char *cli_time_text(uint64_t seconds, char out[CLI_TIME_TEXT]);

#endif
