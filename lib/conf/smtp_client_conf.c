/* SPDX-License-Identifier: ISC */
/* lib/conf/smtp_client_conf.c - Outgoing mail. */
#include "smtp_client_conf.h"

static const struct opt_row rows[] = {
	OPT_UINT(smtp_client_conf, processes, "0", 0, 256,
		"processes that send; 0: one for each core"),
	OPT_UINT(smtp_client_conf, port, "25", 1, 65535,
		"port at which other hosts take mail, where no route says otherwise"),
	OPT_STR(smtp_client_conf, helo, "",
		"name said in EHLO where no route says otherwise; empty: hostname"),
	OPT_IPV4(smtp_client_conf, source_ipv4, "",
		"our address for connections by IPv4; empty: the system chooses; none: they are "
		"not made"),
	OPT_IPV6(smtp_client_conf, source_ipv6, "",
		"our address for connections by IPv6; empty: the system chooses; none: they are "
		"not made"),
	OPT_WORD(smtp_client_conf, tls, "dane", "none may encrypt verify dane dane-only",
		"TLS where no policy says otherwise: none, may (if offered), encrypt (always), "
		"verify (always, and by a certificate that fits the name), dane (as DNSSEC says, "
		"else may), dane-only"),
	OPT_LIST(smtp_client_conf, tls_ca, "/etc/ssl/certs/ca-certificates.crt",
		"files (PEM) of the certificate authorities that verify trusts"),

	OPT_UINT(smtp_client_conf, address_limit, "5", 1, 32,
		"addresses tried for one job before it waits"),
	OPT_UINT(smtp_client_conf, session_limit, "2", 1, 4,
		"hosts spoken to for one job before what is left of it waits"),
	OPT_UINT(smtp_client_conf, connections, "2000", 10, 60000,
		"connections of one process, those that wait for mail included"),
	OPT_UINT(smtp_client_conf, idle_connections, "500", 0, 60000,
		"connections among these that are kept while they wait for more mail; 0: none are "
		"kept"),
	OPT_TIME(smtp_client_conf, idle_timeout, "5s", 0, 5 * OPT_MINUTE,
		"time for which a connection is kept without mail"),
	OPT_TIME(smtp_client_conf, reuse_time, "5m", OPT_SECOND, OPT_DAY,
		"age of a connection at which no further message is sent over it"),
	OPT_UINT(smtp_client_conf, reuse_limit, "1000", 1, 1000000,
		"messages sent over one connection"),
	OPT_TIME(smtp_client_conf, hop_cache_time, "5s", 0, OPT_HOUR,
		"time for which a route is remembered"),

	OPT_TIME(smtp_client_conf, connect_timeout, "30s", OPT_SECOND, 10 * OPT_MINUTE,
		"time to connect to one address"),
	OPT_TIME(smtp_client_conf, greeting_timeout, "5m", OPT_SECOND, OPT_HOUR,
		"time to wait for a greeting"),
	OPT_TIME(smtp_client_conf, command_timeout, "5m", OPT_SECOND, OPT_HOUR,
		"time to wait for the reply to a command, and for each step of TLS"),
	OPT_TIME(smtp_client_conf, data_timeout, "2m", OPT_SECOND, OPT_HOUR,
		"time to wait for the reply to DATA"),
	OPT_TIME(smtp_client_conf, block_timeout, "3m", OPT_SECOND, OPT_HOUR,
		"time in which some of the content must have left"),
	OPT_TIME(smtp_client_conf, final_timeout, "10m", OPT_SECOND, OPT_HOUR,
		"time to wait for the reply to a whole message"),
	OPT_TIME(smtp_client_conf, job_timeout, "1h", OPT_MINUTE, OPT_DAY,
		"time for one message at one next hop, all hosts and recipients together"),
	OPT_TIME(smtp_client_conf, stop_timeout, "7s", 0, 8 * OPT_SECOND,
		"time that messages under way get to finish at a stop or a reload"),
};

const struct conf_section smtp_client_section = { "smtp_client", "Outgoing mail",
	sizeof(struct smtp_client_conf), rows, NITEMS(rows) };
