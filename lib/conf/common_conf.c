/* SPDX-License-Identifier: ISC */
/* lib/conf/common_conf.c - options outside any section. */
#include "common_conf.h"

static const struct opt_row rows[] = {
	OPT_STR(common_conf, hostname, "localhost",
		"name of this host in greetings and trace fields (a fully qualified name)"),
	OPT_LIST(common_conf, domain, "", "local mail domains, besides those of the domains table"),
	OPT_STR(common_conf, smarthost, "",
		"where all mail goes that no table has a route for, as \"[relay.example.net]:587\" "
		"(several, parted by commas, are tried in turn); empty: to the recipients' hosts"),
	OPT_STR(common_conf, mail_root, "/var/mail/relais",
		"folder of all mailboxes: DOMAIN/LOCAL-PART"),
	OPT_STR(common_conf, queue, "/var/spool/relais", "folder of the queue"),
	OPT_STR(common_conf, state, "/var/lib/relais",
		"folder of durable state: compiled tables, the ledger"),
	OPT_STR(common_conf, tables, "/etc/relais",
		"folder of the text tables: domains, accounts, aliases"),
	OPT_STR(common_conf, run, "/run/relais",
		"folder of the control socket and the jails' empty root"),
	OPT_STR(common_conf, log, "syslog", "where log lines go: a file, syslog or stderr"),
	OPT_WORD(common_conf, log_level, "info", "debug info warning error", "least level logged"),
	OPT_STR(common_conf, mail_user, "relais-mail", "owner of virtual users' mailboxes"),
	OPT_STR(common_conf, smtp_user, "relais-smtp", "user of the SMTP doors"),
	OPT_STR(common_conf, login_user, "relais-login", "user of the IMAP and POP3 login halves"),
	OPT_STR(common_conf, queue_user, "relais-queue", "user of the queue manager"),
	OPT_STR(common_conf, directory_user, "relais-dir", "user of the directory"),
	OPT_STR(common_conf, state_user, "relais-state", "user of the ledger"),
	OPT_STR(common_conf, keys_user, "relais-keys", "user of the keyholder"),
	OPT_STR(common_conf, outbound_user, "relais-out", "user of what sends mail out"),
	OPT_STR(common_conf, dns_user, "relais-dns", "user of the resolver"),
	OPT_STR(common_conf, verify_user, "relais-verify",
		"user of what verifies SPF, DKIM and DMARC"),
	OPT_STR(common_conf, sign_user, "relais-sign", "user of what makes DKIM signatures"),
	OPT_STR(common_conf, dkim_user, "relais-dkim", "user of the keeper of DKIM keys"),
	OPT_STR(common_conf, report_user, "relais-report", "user of what sends DMARC reports"),
	OPT_STR(common_conf, metrics_user, "relais-metrics", "user of what serves the counters"),
	OPT_WORD(common_conf, plaintext_auth, "never", "never loopback always",
		"who may log in without TLS: never (nobody), loopback (clients on it) or always"),
	OPT_BOOL(common_conf, scram_sha_1, "no",
		"offer the SASL mechanism SCRAM-SHA-1 too, for old clients"),
	OPT_BOOL(common_conf, channel_binding, "no",
		"offer SCRAM with channel binding (-PLUS) over TLS; mutt 2.2 would choose it and "
		"cannot do it"),
	OPT_UINT(common_conf, workers, "0", 0, 256, "processes of each door; 0: one for each core"),
	OPT_TIME(common_conf, watchdog, "2m", 0, OPT_HOUR,
		"a process that does not answer for so long is ended and started again; 0: never"),
};

const struct conf_section common_section = { "", "Options of the whole suite",
	sizeof(struct common_conf), rows, NITEMS(rows) };
