/* SPDX-License-Identifier: ISC */
/*
 * cli/cli.h - what the commands of relais(8) share.
 *
 * A command gets its own words (argv[0] is its name), prints results to stdout, reasons to
 * stderr, and returns the exit status. --json is each command's own option.
 */
#ifndef RELAIS_CLI_H
#define RELAIS_CLI_H

#include "cert_files.h"
#include "common_conf.h"
#include "control_msg.h"

enum cli_exit {
	CLI_OK = 0,
	CLI_FAILED = 1,    /* it was understood and did not succeed */
	CLI_USAGE = 2,     /* wrong words */
	CLI_DOWN = 3,      /* the suite, or a service of it, does not answer */
	CLI_DANGEROUS = 4, /* upgrade: it takes a dangerous change only if that is meant */
	CLI_LATER = 75,    /* not known at the moment: try again (EX_TEMPFAIL) */
};

struct cli {
	const char *conf_path;
	const char **overrides;
	size_t noverrides;
	struct conf conf;
	bool loaded;
	bool values_made;         /* conf is to be freed */
	bool tables_locked;       /* table_files_lock() */
	struct ipc_packet packet; /* of the last answer; borrowed bodies live in it */
};

/* Read the configuration, errors and all: for those who tell them in their own way. */
void cli_read(struct cli *cli);

/* Load the configuration; false after printing its errors. */
bool cli_load(struct cli *cli);
const struct common_conf *cli_common(struct cli *cli); /* after cli_load() */

/* Is there something to connect to? For those to whom it is no error if not. */
bool cli_is_running(struct cli *cli);

/* A connection to master, or through it to a service: a descriptor for ipc_blocking_*, or
 * -1 after printing why ("relais is not running", ...). */
int cli_connect_master(struct cli *cli);
int cli_connect(struct cli *cli, enum service service);

/* One request and its answer. ERR_OK or an error after printing the reason. */
int cli_ask(struct cli *cli, int fd, uint16_t type, struct bytes body, struct ipc_frame *answer);

/* Ask master; its text in *m (borrowed until the next question). CLI_OK, or the exit status
 * after printing the reason. */
int cli_ask_master(struct cli *cli, uint16_t type, struct bytes body, struct control_text *m);

/* The body of what reload and upgrade ask; argv: of the command. */
void cli_put_yes_really(struct buf *body, int argc, char *argv[]);

/* Say what an error, or errno, means for this (mostly a file), and what to do about it. */
void cli_say_err(const char *what, int err);
void cli_say_errno(const char *what);
void cli_say_cure(int err); /* only that */

/* Print usage: a line and what is wrong. Returns CLI_USAGE. */
int cli_usage(const char *usage, const char *wrong);

/* Each pair of certificate and key that the doors show: the files of section tls, or our own. */
void cert_each_configured(struct cli *cli, cert_files_fn *each, void *arg);

/* Usage texts, see usage.h. */
extern const char alias_usage[], ban_usage[], cert_usage[], complete_usage[], config_usage[],
	credentials_usage[], dkim_usage[], dmarc_usage[], dns_usage[], domain_usage[],
	explain_usage[], import_config_usage[], import_uids_usage[], incident_usage[],
	mailq_usage[], manual_usage[], map_usage[], postqueue_usage[], queue_usage[], quota_usage[],
	reload_usage[], route_usage[], sender_transport_usage[], setup_usage[],
	source_address_usage[], srs_usage[], status_usage[], stop_usage[], log_usage[],
	tls_policy_usage[], top_usage[], trace_usage[], transport_usage[], upgrade_usage[],
	user_usage[], user_app_password_usage[], user_forward_usage[], user_send_as_usage[];

/* dkim.c: the first keys of a domain (folded), unless it has some. Exit status. */
int dkim_make_first(struct cli *cli, const char *domain);

/* One file, one command. */
int cmd_ban(struct cli *cli, int argc, char *argv[]);
int cmd_cert(struct cli *cli, int argc, char *argv[]);
int cmd_alias(struct cli *cli, int argc, char *argv[]);
int cmd_credentials(struct cli *cli, int argc, char *argv[]);
int cmd_complete(struct cli *cli, int argc, char *argv[]);
int cmd_config(struct cli *cli, int argc, char *argv[]);
int cmd_dkim(struct cli *cli, int argc, char *argv[]);
int cmd_dmarc(struct cli *cli, int argc, char *argv[]);
int cmd_dns(struct cli *cli, int argc, char *argv[]);
int cmd_domain(struct cli *cli, int argc, char *argv[]);
int cmd_explain(struct cli *cli, int argc, char *argv[]);
int cmd_import_config(struct cli *cli, int argc, char *argv[]);
int cmd_import_uids(struct cli *cli, int argc, char *argv[]);
int cmd_incident(struct cli *cli, int argc, char *argv[]);
int cmd_mailq(struct cli *cli, int argc, char *argv[]);
int cmd_manual(struct cli *cli, int argc, char *argv[]);
int cmd_map(struct cli *cli, int argc, char *argv[]);
int cmd_postqueue(struct cli *cli, int argc, char *argv[]);
int cmd_queue(struct cli *cli, int argc, char *argv[]);
int cmd_quota(struct cli *cli, int argc, char *argv[]);
int cmd_reload(struct cli *cli, int argc, char *argv[]);
int cmd_route(struct cli *cli, int argc, char *argv[]);
int cmd_sender_transport(struct cli *cli, int argc, char *argv[]);
int cmd_setup(struct cli *cli, int argc, char *argv[]);
int cmd_source_address(struct cli *cli, int argc, char *argv[]);
int cmd_srs(struct cli *cli, int argc, char *argv[]);
int cmd_status(struct cli *cli, int argc, char *argv[]);
int cmd_log(struct cli *cli, int argc, char *argv[]);
int cmd_stop(struct cli *cli, int argc, char *argv[]);
int cmd_tls_policy(struct cli *cli, int argc, char *argv[]);
int cmd_top(struct cli *cli, int argc, char *argv[]);
int cmd_transport(struct cli *cli, int argc, char *argv[]);
int cmd_trace(struct cli *cli, int argc, char *argv[]);
int cmd_upgrade(struct cli *cli, int argc, char *argv[]);
int cmd_user(struct cli *cli, int argc, char *argv[]);
int cmd_user_app_password(struct cli *cli, int argc, char *argv[]);
int cmd_user_forward(struct cli *cli, int argc, char *argv[]);
int cmd_user_send_as(struct cli *cli, int argc, char *argv[]);
int cmd_user_state(struct cli *cli, int argc, char *argv[]); /* argv[0]: the verb */
bool user_is_state_verb(const char *name);

#endif
