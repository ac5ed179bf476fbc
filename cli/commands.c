/* SPDX-License-Identifier: ISC */
/* cli/commands.c - the table of commands, see the header. */
#include "commands.h"

#include <string.h>

#include "nearest.h"

static const struct command commands[] = {
	{ "status", GROUP_SUITE, 0, cmd_status, status_usage,
		"what runs, what waits, whether all is well" },
	{ "top", GROUP_SUITE, 0, cmd_top, top_usage, "the same, live" },
	{ "config", GROUP_SUITE, COMMAND_NO_CONF, cmd_config, config_usage,
		"check or show the configuration" },
	{ "reload", GROUP_SUITE, 0, cmd_reload, reload_usage, "take up a changed configuration" },
	{ "upgrade", GROUP_SUITE, 0, cmd_upgrade, upgrade_usage,
		"have newly installed programs take over" },
	{ "stop", GROUP_SUITE, 0, cmd_stop, stop_usage, "stop the suite, orderly" },
	{ "log", GROUP_SUITE, 0, cmd_log, log_usage, "go on in a new log file" },
	{ "setup", GROUP_SUITE, COMMAND_NO_CONF, cmd_setup, setup_usage,
		"from an installed package to a user who can log in" },
	{ "import-config", GROUP_SUITE, COMMAND_NO_CONF, cmd_import_config, import_config_usage,
		"Postfix' and Dovecot's configuration as ours" },
	{ "import-uids", GROUP_SUITE, COMMAND_NO_CONF, cmd_import_uids, import_uids_usage,
		"Dovecot's Maildirs keep their UIDs" },

	{ "domain", GROUP_PEOPLE, 0, cmd_domain, domain_usage, "mail domains: add, list, delete" },
	{ "user", GROUP_PEOPLE, 0, cmd_user, user_usage, "accounts: add, list, change, delete" },
	{ "user forward", GROUP_PART, 0, cmd_user, user_forward_usage, NULL },
	{ "user app-password", GROUP_PART, 0, cmd_user, user_app_password_usage, NULL },
	{ "user send-as", GROUP_PART, 0, cmd_user, user_send_as_usage, NULL },
	{ "alias", GROUP_PEOPLE, 0, cmd_alias, alias_usage, "aliases: add, list, delete" },
	{ "map", GROUP_PEOPLE, 0, cmd_map, map_usage, "compile the text tables" },
	{ "quota", GROUP_PEOPLE, 0, cmd_quota, quota_usage, "how much accounts use" },

	{ "queue", GROUP_MAIL, 0, cmd_queue, queue_usage,
		"what waits: list, show, hold, flush, bounce, delete" },
	{ "trace", GROUP_MAIL, 0, cmd_trace, trace_usage,
		"what became of a message: by id, address, Message-ID" },
	{ "route", GROUP_MAIL, 0, cmd_route, route_usage,
		"what would happen with mail to an address" },
	{ "explain", GROUP_MAIL, 0, cmd_explain, explain_usage,
		"what SPF, DKIM and DMARC say of a message" },

	{ "transport", GROUP_ROUTES, 0, cmd_transport, transport_usage, "next hops of recipients" },
	{ "sender-transport", GROUP_ROUTES, 0, cmd_sender_transport, sender_transport_usage,
		"next hops of senders" },
	{ "tls-policy", GROUP_ROUTES, 0, cmd_tls_policy, tls_policy_usage,
		"how much TLS a next hop must have" },
	{ "credentials", GROUP_ROUTES, 0, cmd_credentials, credentials_usage, "logins at relays" },
	{ "source-address", GROUP_ROUTES, 0, cmd_source_address, source_address_usage,
		"our addresses and names, by senders" },
	{ "srs", GROUP_ROUTES, 0, cmd_srs, srs_usage, "secrets of forwarded mail's reverse-paths" },

	{ "ban", GROUP_TRUST, 0, cmd_ban, ban_usage, "bans of addresses and logins" },
	{ "incident", GROUP_TRUST, 0, cmd_incident, incident_usage,
		"accounts that may send nothing more" },
	{ "cert", GROUP_TRUST, 0, cmd_cert, cert_usage, "list and check the TLS certificates" },
	{ "dkim", GROUP_TRUST, 0, cmd_dkim, dkim_usage, "keys of DKIM" },
	{ "dmarc", GROUP_TRUST, 0, cmd_dmarc, dmarc_usage, "aggregate reports, ours and others'" },
	{ "dns", GROUP_TRUST, 0, cmd_dns, dns_usage,
		"what a domain must publish, and whether it does" },

	{ "mailq", GROUP_FAMILIAR, COMMAND_NO_CONF | COMMAND_OWN_WORDS, cmd_mailq, mailq_usage,
		"the queue in the familiar form" },
	{ "postqueue", GROUP_FAMILIAR, COMMAND_NO_CONF | COMMAND_OWN_WORDS, cmd_postqueue,
		postqueue_usage, "the queue as Postfix' command of that name" },
	{ "complete", GROUP_HIDDEN, COMMAND_NO_CONF | COMMAND_OWN_WORDS, cmd_complete,
		complete_usage, NULL },
	{ "manual", GROUP_HIDDEN, COMMAND_NO_CONF, cmd_manual, manual_usage, NULL },
};

static const char *const group_titles[COMMAND_GROUPS] = {
	[GROUP_SUITE] = "The suite",
	[GROUP_PEOPLE] = "Domains and people",
	[GROUP_MAIL] = "Mail",
	[GROUP_ROUTES] = "Where mail goes",
	[GROUP_TRUST] = "Trust",
	[GROUP_FAMILIAR] = "As elsewhere",
};

const struct command *
command_at(size_t i)
{
	return i < NITEMS(commands) ? &commands[i] : NULL;
}

const struct command *
command_named(const char *name)
{
	for (size_t i = 0; i < NITEMS(commands); i++)
		if (strcmp(commands[i].name, name) == 0)
			return &commands[i];
	return NULL;
}

const struct command *
command_of_words(int argc, char *argv[])
{
	const struct command *c;
	char two[100];

	if (argc > 1) {
		snprintf(two, sizeof(two), "%s %s", argv[0], argv[1]);
		if ((c = command_named(two)) != NULL)
			return c;
	}
	return argc > 0 && strchr(argv[0], ' ') == NULL ? command_named(argv[0]) : NULL;
}

int
command_unknown(const char *name)
{
	struct nearest near = nearest_to(bytes_from_str(name));

	for (size_t i = 0; i < NITEMS(commands); i++)
		if (commands[i].group < COMMAND_GROUPS)
			nearest_consider(&near, bytes_from_str(commands[i].name));
	fprintf(stderr, "relais: there is no command \"%s\"", name);
	if (near.found.n > 0)
		fprintf(stderr, " (did you mean \"%.*s\"?)", (int)near.found.n,
			(const char *)near.found.p);
	fputs("\n\"relais --help\" lists them\n", stderr);
	return CLI_USAGE;
}

/* The names of a group, behind its title. */
static void
print_names(FILE *out, enum command_group group)
{
	int column = fprintf(out, "  %-20s", group_titles[group]);

	for (size_t i = 0; i < NITEMS(commands); i++) {
		if (commands[i].group != group)
			continue;
		if (column + (int)strlen(commands[i].name) + 1 > 79)
			column = fprintf(out, "\n  %-20s", "") - 1;
		column += fprintf(out, " %s", commands[i].name);
	}
	putc('\n', out);
}

void
commands_print(FILE *out)
{
	fputs("Usage: relais [--config FILE] [--option NAME=VALUE]... COMMAND ...\n"
	      "       relais help [COMMAND | all]     what it does; all: a line on each\n"
	      "       relais --version\n\n",
		out);
	for (int group = 0; group < COMMAND_GROUPS; group++)
		print_names(out, (enum command_group)group);
	fputs("\n"
	      "The configuration is /etc/relais/relais.conf, unless --config or RELAIS_CONFIG\n"
	      "in the environment names another; --option sets one option besides.\n"
	      "Exit status: 0 done, 1 not done, 2 wrong words, 3 the suite does not answer,\n"
	      "75 not known now: again later. All of it: relais(8).\n",
		out);
}

void
commands_print_all(void)
{
	for (int group = 0; group < COMMAND_GROUPS; group++) {
		printf("%s:\n", group_titles[group]);
		for (size_t i = 0; i < NITEMS(commands); i++)
			if (commands[i].group == (enum command_group)group)
				printf("  %-18s %s\n", commands[i].name, commands[i].help);
	}
}

void
command_print_help(const struct command *c)
{
	printf("Usage: %s\n", c->usage);
}
