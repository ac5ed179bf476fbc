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

const char queue_usage[] =
	"relais queue [list] [WHICH] [--limit N] [--json]   what waits, and why\n"
	"       relais queue show ID [--content | --json]   its state and its content\n"
	"       relais queue hold|release ID... | WHICH     no further attempt; go on\n"
	"       relais queue flush [ID... | DOMAIN | WHICH]   try now; no word: all\n"
	"       relais queue retry ID... | WHICH     the same, held or not\n"
	"       relais queue delete ID... | WHICH    for ever, nobody is told\n"
	"       relais queue bounce ID... | WHICH    back to the sender\n"
	"       relais queue requeue ID... | WHICH   look up routes anew, then try\n"
	"       relais queue stats [--senders] [--json]   domains by how long they wait\n"
	"       relais queue watch [--senders] [--interval 2s] [--once]   the same, live\n"
	"\n"
	"WHICH: --all, or any of these together (--yes: do not ask):\n"
	"  --sender ADDRESS|@DOMAIN|<>   --recipient ADDRESS|@DOMAIN   --domain DOMAIN\n"
	"  --reason WORDS    in the last reply    --state active|deferred|hold\n"
	"  --age 4h  --age 1h-2d  --age -10m      how long it waits (s, m, h, d)\n"
	"  --size 1M  --size 10k-1M  --size -10k  --attempts 3 (at least)\n"
	"  --next-hop HOP    --login LOGIN";

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

int
cmd_queue(struct cli *cli, int argc, char *argv[])
{
	const bool named = argc > 1 && argv[1][0] != '-';
	const struct verb *verb = find_verb(named ? argv[1] : "list");
	int fd, status;

	if (verb == NULL)
		return cli_usage(queue_usage, NULL);
	fd = cli_connect(cli, SERVICE_QMGR);
	if (fd < 0)
		return CLI_DOWN;
	status = verb->run(cli, fd, argc - named, argv + named);
	close(fd);
	return status;
}
