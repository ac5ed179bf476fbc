/* SPDX-License-Identifier: ISC */
/* lib/conf/imapd_conf.c - Reading mail over IMAP. */
#include "imapd_conf.h"

static const struct opt_row rows[] = {
	OPT_LIST(imapd_conf, listen, "*:143",
		"addresses and ports where clients begin TLS with STARTTLS"),
	OPT_LIST(imapd_conf, listen_tls, "*:993",
		"addresses and ports where TLS begins with the connection (RFC 8314)"),
	OPT_UINT(imapd_conf, connection_limit, "10000", 1, 1000000,
		"connections before login at once in one process"),
	OPT_UINT(imapd_conf, client_connection_limit, "100", 0, 1000000,
		"connections before login at once from one address in one process; 0: no limit"),
	OPT_TIME(imapd_conf, login_timeout, "3m", OPT_SECOND, OPT_HOUR, "time to log in"),
	OPT_TIME(imapd_conf, idle_timeout, "30m", OPT_MINUTE, OPT_DAY,
		"time without a command (RFC 3501 5.4: at least 30 minutes)"),
	OPT_UINT(imapd_conf, sessions_per_account, "50", 1, 100000,
		"sessions at once of one account"),
	OPT_UINT(imapd_conf, session_limit, "10000", 1, 1000000, "sessions at once in all"),
	OPT_SIZE(imapd_conf, message_size_limit, "64M", OPT_KIB, 2047 * OPT_MIB,
		"largest message that APPEND stores, octets"),
	OPT_UINT(imapd_conf, failed_logins, "3", 1, 100,
		"refused passwords before a connection is closed"),
};

const struct conf_section imapd_section = { "imapd", "Reading mail over IMAP",
	sizeof(struct imapd_conf), rows, NITEMS(rows) };
