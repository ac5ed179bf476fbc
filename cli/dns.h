/* SPDX-License-Identifier: ISC */
/*
 * cli/dns.h - what the files of `relais dns` share. Records and checks themselves: cli/dns/.
 *
 *	dns.c		the words of the command
 *	dns_query.c	query: any record
 *	dns_facts.c	what is known of this suite
 *	dns_show.c	show: records to publish
 *	dns_report.c	check: are they there?
 */
#ifndef RELAIS_CLI_DNS_H
#define RELAIS_CLI_DNS_H

#include "cli.h"
#include "dns_msg.h"
#include "dns_plan.h"

/* argv[0] is the verb. Exit status. */
int dns_query(struct cli *cli, int argc, char *argv[]);
int dns_show(struct cli *cli, int argc, char *argv[]);
int dns_report(struct cli *cli, int argc, char *argv[]);

/* One question over a connection to resolver, DNS_QUERY or DNS_QUERY_FRESH; the answer is borrowed
 * until the next. CLI_OK, or the exit status after printing why. */
int dns_ask_resolver(struct cli *cli, int fd, enum dns_message how, const struct dns_query *m,
	struct dns_answer *answer);

enum dns_form {
	DNS_FORM_TEXT,
	DNS_FORM_NSUPDATE,
	DNS_FORM_JSON,
	DNS_FORM_STS_POLICY, /* no record: the file that MTA-STS wants */
};

/* What the command's words say. */
struct dns_words {
	const char *domain;
	enum dns_form form;
	bool quiet;
	bool all; /* each local domain, in place of one */
	size_t n_addresses;
	struct ip_block addresses[DNS_ADDRESSES_MAX];
	const char *report_to; /* NULL: not said */
	enum dmarc_policy policy;
};

/* CLI_OK, or CLI_USAGE after printing why. */
int dns_words(int argc, char *argv[], struct dns_words *out);

/* The names of all local domains, in the arena; how many. */
size_t dns_local_domains(struct cli *cli, struct arena *a, const char *const **names);

/* All that is known, in the arena. false after printing why nothing can be said of the domain. */
bool dns_facts(
	struct cli *cli, struct arena *a, const struct dns_words *words, struct dns_facts *out);

#endif
