/* SPDX-License-Identifier: ISC */
/* lib/conf/pop3d_conf.c - Reading mail over POP3. */
#include "pop3d_conf.h"

static const struct opt_row rows[] = {
	OPT_LIST(pop3d_conf, listen, "*:110",
		"addresses and ports where clients begin TLS with STLS"),
	OPT_LIST(pop3d_conf, listen_tls, "*:995",
		"addresses and ports where TLS begins with the connection (RFC 8314)"),
	OPT_UINT(pop3d_conf, connection_limit, "10000", 1, 1000000,
		"connections before login at once in one process"),
	OPT_UINT(pop3d_conf, client_connection_limit, "100", 0, 1000000,
		"connections before login at once from one address in one process; 0: no limit"),
	OPT_TIME(pop3d_conf, login_timeout, "3m", OPT_SECOND, OPT_HOUR, "time to log in"),
	OPT_TIME(pop3d_conf, idle_timeout, "10m", OPT_MINUTE, OPT_DAY,
		"time without a command (RFC 1939 3: at least 10 minutes)"),
	OPT_UINT(pop3d_conf, sessions_per_account, "10", 1, 100000,
		"sessions at once of one account"),
	OPT_UINT(pop3d_conf, session_limit, "10000", 1, 1000000, "sessions at once in all"),
	OPT_UINT(pop3d_conf, failed_logins, "3", 1, 100,
		"refused passwords before a connection is closed"),
};

const struct conf_section pop3d_section = { "pop3d", "Reading mail over POP3",
	sizeof(struct pop3d_conf), rows, NITEMS(rows) };
