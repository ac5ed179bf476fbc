/* SPDX-License-Identifier: ISC */
/* cli/dns.c - relais dns show|check|query: the words of the command. */
#include "dns.h"

#include <stdio.h>
#include <string.h>

const char dns_usage[] =
	"relais dns show DOMAIN [--nsupdate | --json | --mta-sts-policy]\n"
	"                       [--address IP]... [--rua MAILBOX]\n"
	"                       [--policy none|quarantine|reject]\n"
	"       relais dns check DOMAIN | --all [--quiet] [--json] [--address IP]...\n"
	"       relais dns query TYPE NAME [--fresh] [--json]\n"
	"\n"
	"show   the records that DOMAIN needs, as lines of a zone file: MX, SPF, DKIM,\n"
	"       DMARC, TLSA, SRV for clients, MTA-STS, TLS-RPT. --address: of this host,\n"
	"       if the world sees another; --rua: who gets reports; --policy: of DMARC;\n"
	"       --mta-sts-policy: only the file that a web server has to serve\n"
	"check  asks for them, for the addresses' names (PTR), and whether SPF lets our\n"
	"       own mail pass. --all: each local domain; --quiet: only what is not\n"
	"       right. Exit status: 0 right (hints do not count), 1 something is wrong,\n"
	"       75 something could not be asked\n"
	"query  what resolver finds, and whether DNSSEC proves it. TYPE: A, AAAA, MX,\n"
	"       TXT, PTR (also of an address), TLSA, SRV, CNAME, NS, SOA, TYPEnnn.\n"
	"       --fresh: past the cache, as check asks. Exit status: 0 records, 1 there\n"
	"       are none, 75 not known (try again later)";

static bool
take_address(struct dns_words *w, const char *text)
{
	struct ip_block b;

	if (w->n_addresses == DNS_ADDRESSES_MAX || ip_block_parse(bytes_from_str(text), &b) < 0 ||
		b.prefix != (b.family == 4 ? 32 : 128))
		return false;
	w->addresses[w->n_addresses++] = b;
	return true;
}

static bool
take_policy(struct dns_words *w, const char *text)
{
	for (unsigned p = 0; p < DMARC_POLICIES; p++)
		if (strcmp(text, dmarc_policy_name((enum dmarc_policy)p)) == 0) {
			w->policy = (enum dmarc_policy)p;
			return true;
		}
	return false;
}

/* A mailbox that can stand in a mailto: URI as it is. */
static bool
take_report_to(struct dns_words *w, const char *text)
{
	struct buf uri = BUF_INIT, mailbox = BUF_INIT;
	bool ok;

	buf_printf(&uri, "mailto:%s", text);
	ok = strpbrk(text, ",!;? %") == NULL && dmarc_mailto(buf_bytes(&uri), &mailbox) == ERR_OK;
	buf_free(&uri);
	buf_free(&mailbox);
	w->report_to = text;
	return ok;
}

int
dns_words(int argc, char *argv[], struct dns_words *out)
{
	bool ok = true;

	*out = (struct dns_words){ .policy = DMARC_NONE };
	for (int i = 1; i < argc && ok; i++) {
		const bool more = i + 1 < argc;

		if (strcmp(argv[i], "--json") == 0)
			out->form = DNS_FORM_JSON;
		else if (strcmp(argv[i], "--nsupdate") == 0)
			out->form = DNS_FORM_NSUPDATE;
		else if (strcmp(argv[i], "--mta-sts-policy") == 0)
			out->form = DNS_FORM_STS_POLICY;
		else if (strcmp(argv[i], "--quiet") == 0)
			out->quiet = true;
		else if (strcmp(argv[i], "--all") == 0)
			out->all = true;
		else if (strcmp(argv[i], "--address") == 0 && more)
			ok = take_address(out, argv[++i]);
		else if (strcmp(argv[i], "--rua") == 0 && more)
			ok = take_report_to(out, argv[++i]);
		else if (strcmp(argv[i], "--policy") == 0 && more)
			ok = take_policy(out, argv[++i]);
		else if (argv[i][0] != '-' && out->domain == NULL)
			out->domain = argv[i];
		else
			ok = false;
		if (!ok)
			fprintf(stderr, "relais dns: %s\n", argv[i]);
	}
	return ok && (out->domain != NULL) != out->all ? CLI_OK : cli_usage(dns_usage, NULL);
}

int
cmd_dns(struct cli *cli, int argc, char *argv[])
{
	static const struct {
		const char *verb;
		int (*run)(struct cli *cli, int argc, char *argv[]);
	} verbs[] = {
		{ "show", dns_show },
		{ "check", dns_report },
		{ "query", dns_query },
	};

	for (size_t i = 0; argc >= 2 && i < NITEMS(verbs); i++)
		if (strcmp(argv[1], verbs[i].verb) == 0)
			return verbs[i].run(cli, argc - 1, argv + 1);
	return cli_usage(dns_usage, NULL);
}
