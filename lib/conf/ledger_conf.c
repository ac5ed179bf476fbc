/* SPDX-License-Identifier: ISC */
/* lib/conf/ledger_conf.c - The owner of durable changing state. */
#include "ledger_conf.h"

static const struct opt_row rows[] = {
	OPT_TIME(ledger_conf, commit_interval, "20ms", 1, 10 * OPT_SECOND,
		"time for which changes gather before they are committed together"),
	OPT_TIME(ledger_conf, checkpoint_interval, "1s", 100, OPT_MINUTE,
		"time between checkpoints of the database"),
	OPT_SIZE(ledger_conf, cache_size, "16M", OPT_MIB, 2 * OPT_GIB,
		"memory for the database's pages"),

	OPT_TIME(ledger_conf, failure_window, "1h", OPT_SECOND, 30 * OPT_DAY,
		"time in which failed logins are forgotten"),
	OPT_UINT(ledger_conf, address_failures, "10", 1, 1000000,
		"failed logins within failure_window for which an address (IPv6: its /64) is "
		"banned, over all protocols"),
	OPT_UINT(ledger_conf, network_failures, "100", 0, 1000000,
		"the same for an IPv4 /24 or an IPv6 /48; 0: networks are not banned"),
	OPT_UINT(ledger_conf, login_failures, "50", 0, 1000000,
		"failed logins at one account, from networks it never logged in from, for which "
		"only "
		"networks it did log in from may try; 0: never"),
	OPT_TIME(ledger_conf, delay_first, "1s", 0, OPT_MINUTE,
		"time for which the answer to a first failed login of an address is held; doubles "
		"with "
		"each further one"),
	OPT_TIME(ledger_conf, delay_max, "15s", 0, 20 * OPT_SECOND, "and its longest"),
	OPT_TIME(ledger_conf, ban_time, "10m", OPT_SECOND, 365 * OPT_DAY,
		"length of a first ban; doubles with each further one of the same address"),
	OPT_TIME(ledger_conf, ban_time_max, "7d", OPT_SECOND, 365 * OPT_DAY, "and its longest"),
	OPT_TIME(ledger_conf, ban_memory, "30d", 0, 365 * OPT_DAY,
		"time for which an ended ban makes the next one longer"),
	OPT_UINT(ledger_conf, ban_limit, "100000", 100, 10000000,
		"bans that are kept; when there are more the first to end goes"),
	OPT_NETS(ledger_conf, ban_exempt, "",
		"addresses and networks whose failed logins are neither counted nor delayed: "
		"\"192.0.2.7\", \"2001:db8::/32\""),
	OPT_UINT(ledger_conf, attempt_table_size, "65536", 1024, 16777216,
		"addresses, and again accounts, whose failures are kept in memory (96 octets "
		"each)"),

	OPT_UINT(ledger_conf, send_messages, "1000", 0, 100000000,
		"messages that an account may submit in 24 hours; 0: any number"),
	OPT_UINT(ledger_conf, send_recipients, "2000", 0, 100000000,
		"recipients of these; 0: any number"),
	OPT_UINT(ledger_conf, send_new_recipients, "300", 0, 100000000,
		"recipients among these that the account never wrote to before; 0: any number"),
	OPT_UINT(ledger_conf, send_incident_factor, "3", 0, 1000,
		"times send_new_recipients, wanted within one hour, for which an account may send "
		"nothing until \"relais incident release\"; 0: never"),
	OPT_UINT(ledger_conf, send_remembered, "2000", 1, 16000,
		"recipients that are remembered of each account (4 octets each)"),
	OPT_LIST(ledger_conf, send_exempt, "", "accounts without these limits"),

	OPT_UINT(ledger_conf, dmarc_rows, "5000", 10, 1000000,
		"rows of one domain's DMARC report that are kept; messages that would need more "
		"are only counted"),
	OPT_UINT(ledger_conf, dmarc_rows_total, "200000", 100, 100000000,
		"rows of all reports that wait to be sent (about 400 octets each)"),
};

const struct conf_section ledger_section = { "ledger", "The owner of durable changing state",
	sizeof(struct ledger_conf), rows, NITEMS(rows) };
