/* SPDX-License-Identifier: ISC */
/* cli/main.c - relais: one command for the operator; called as mailq or postqueue, it is that. */
#include <libgen.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli.h"

#define DEFAULT_CONF "/etc/relais/relais.conf"

static const struct command {
	const char *name;
	int (*run)(struct cli *cli, int argc, char *argv[]);
	const char *help;
} commands[] = {
	{ "status", cmd_status, "services, pids, restarts and counters" },
	{ "queue", cmd_queue, "what waits: list, show, hold, flush, bounce, delete, watch" },
	{ "trace", cmd_trace, "the story of a message, by its id, an address or its Message-ID" },
	{ "user", cmd_user, "add, list, change and delete accounts" },
	{ "alias", cmd_alias, "add, list and delete aliases" },
	{ "domain", cmd_domain, "add, list and delete mail domains" },
	{ "route", cmd_route, "tell what would happen with mail to an address" },
	{ "transport", cmd_transport, "add, list and delete next hops of recipients" },
	{ "sender-transport", cmd_sender_transport, "the same by senders" },
	{ "tls-policy", cmd_tls_policy, "how much TLS a next hop must have" },
	{ "credentials", cmd_credentials, "logins at relays" },
	{ "source-address", cmd_source_address, "our addresses and names by senders" },
	{ "srs", cmd_srs, "secrets of forwarded mail's reverse-paths" },
	{ "map", cmd_map, "compile the text tables" },
	{ "quota", cmd_quota, "show how much accounts use" },
	{ "ban", cmd_ban, "list, add and lift bans of addresses and logins" },
	{ "incident", cmd_incident, "accounts that may send nothing more: list, release, purge" },
	{ "cert", cmd_cert, "list and check the TLS certificates" },
	{ "dkim", cmd_dkim, "keys of DKIM: new, list, show, rotate, retire" },
	{ "dmarc", cmd_dmarc, "aggregate reports: what is counted, sending, what others report" },
	{ "dns", cmd_dns, "what a domain must publish, whether it does; ask the resolver" },
	{ "explain", cmd_explain, "what SPF, DKIM and DMARC say of a message, step by step" },
	{ "config", cmd_config, "check or show the configuration" },
	{ "reload", cmd_reload, "take up a changed configuration" },
	{ "stop", cmd_stop, "stop the suite, orderly" },
	{ "mailq", cmd_mailq, "the queue in the familiar form" },
	{ "postqueue", cmd_postqueue, "the queue as Postfix' command of that name" },
};

static int
usage(FILE *out, int status)
{
	fputs("Usage: relais [--config FILE] [--option NAME=VALUE]... COMMAND ...\n\n", out);
	for (size_t i = 0; i < NITEMS(commands); i++)
		fprintf(out, "  %-16s %s\n", commands[i].name, commands[i].help);
	fputs("\nrelais COMMAND --help tells more. The configuration is " DEFAULT_CONF
	      " unless\n--config or RELAIS_CONFIG names another.\n",
		out);
	return status;
}

static int
run(struct cli *cli, int argc, char *argv[])
{
	for (size_t i = 0; i < NITEMS(commands); i++)
		if (strcmp(commands[i].name, argv[0]) == 0)
			return commands[i].run(cli, argc, argv);
	fprintf(stderr, "relais: unknown command \"%s\"\n", argv[0]);
	return usage(stderr, CLI_USAGE);
}

int
main(int argc, char *argv[])
{
	const char *from_environment = getenv("RELAIS_CONFIG");
	struct cli cli = { .conf_path = from_environment != NULL ? from_environment : DEFAULT_CONF,
		.packet = { .data = BUF_INIT } };
	int i = 1, status;

	if (strcmp(basename(argv[0]), "mailq") == 0)
		return cmd_mailq(&cli, argc, argv);
	if (strcmp(basename(argv[0]), "postqueue") == 0)
		return cmd_postqueue(&cli, argc, argv);
	cli.overrides = xcalloc((size_t)argc, sizeof(*cli.overrides));
	for (; i < argc && argv[i][0] == '-'; i++) {
		if ((strcmp(argv[i], "--config") == 0 || strcmp(argv[i], "-c") == 0) &&
			i + 1 < argc)
			cli.conf_path = argv[++i];
		else if ((strcmp(argv[i], "--option") == 0 || strcmp(argv[i], "-o") == 0) &&
			 i + 1 < argc)
			cli.overrides[cli.noverrides++] = argv[++i];
		else
			return usage(strcmp(argv[i], "--help") == 0 ? stdout : stderr,
				strcmp(argv[i], "--help") == 0 ? CLI_OK : CLI_USAGE);
	}
	if (i >= argc)
		return usage(stderr, CLI_USAGE);
	status = run(&cli, argc - i, argv + i);
	if (cli.values_made)
		conf_free(&cli.conf);
	buf_free(&cli.packet.data);
	free(cli.overrides);
	return status;
}
