/* SPDX-License-Identifier: ISC */
/*
 * cli/queue.c - relais queue: which verb.
 *
 * Runs in:  relais, as root or whoever runs the suite.
 */
#include "queue.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

static const char usage[] =
	"relais queue VERB [ID...] [WHICH] [--json]\n"
	"  list [WHICH] [--limit N]     what waits, why, until when (the default)\n"
	"  show ID [--content|--json]   its state and its content\n"
	"  hold, release ID...|WHICH    no further attempt; take it up again\n"
	"  flush [ID...|DOMAIN|WHICH]   try now, those that gave no answer too; all without words\n"
	"  retry ID...|WHICH            the same, held or not\n"
	"  delete ID...|WHICH           for ever, nobody is told\n"
	"  bounce ID...|WHICH           back to the sender\n"
	"  requeue ID...|WHICH          look up aliases and routes anew, then try; who has it\n"
	"                               already does not get it again\n"
	"  stats [--senders]            domains by how long they wait, as qshape shows them\n"
	"  watch [--senders] [--interval 2s]   the same, live\n"
	"WHICH: --all, or any of these together (--yes: do not ask):\n";

static const struct verb {
	const char *name;
	int (*run)(struct cli *cli, int fd, int argc, char *argv[]);
} verbs[] = {
	{ "list", queue_list },
	{ "show", queue_show },
	{ "stats", queue_stats },
	{ "watch", queue_watch },
	{ "hold", queue_give_order },
	{ "release", queue_give_order },
	{ "flush", queue_give_order },
	{ "retry", queue_give_order },
	{ "delete", queue_give_order },
	{ "bounce", queue_give_order },
	{ "requeue", queue_give_order },
};

static const struct verb *
find_verb(const char *name)
{
	for (size_t i = 0; i < NITEMS(verbs); i++)
		if (strcmp(verbs[i].name, name) == 0)
			return &verbs[i];
	return NULL;
}

static void
print_usage(FILE *out)
{
	fprintf(out, "Usage: %s%s", usage, queue_filter_help);
}

int
cmd_queue(struct cli *cli, int argc, char *argv[])
{
	const bool named = argc > 1 && argv[1][0] != '-';
	const struct verb *verb = find_verb(named ? argv[1] : "list");
	int fd, status;

	for (int i = 1; i < argc; i++)
		if (strcmp(argv[i], "--help") == 0) {
			print_usage(stdout);
			return CLI_OK;
		}
	if (verb == NULL) {
		print_usage(stderr);
		return CLI_USAGE;
	}
	fd = cli_connect(cli, SERVICE_QMGR);
	if (fd < 0)
		return CLI_DOWN;
	status = verb->run(cli, fd, argc - named, argv + named);
	close(fd);
	return status;
}
