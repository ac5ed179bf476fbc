/* SPDX-License-Identifier: ISC */
/* lib/conf/submission_conf.c - The users' door: mail from our own users, ports 587 and 465. */
#include "submission_conf.h"

#include "smtp_door_rows.h"

static const struct opt_row rows[] = {
	OPT_LIST(smtpd_conf, listen, "*:587",
		"addresses and ports where clients begin TLS with STARTTLS"),
	OPT_LIST(smtpd_conf, listen_tls, "*:465",
		"addresses and ports where TLS begins with the connection (RFC 8314)"),
	OPT_BOOL(smtpd_conf, sendmail, "yes",
		"local users may send by sendmail(1), through the socket RUN/sendmail"),
	OPT_UINT(smtpd_conf, recipient_limit, "1000", 100, 5000,
		"forward-paths in one mail transaction"),
	OPT_SIZE(smtpd_conf, header_size_limit, "256K", OPT_KIB, 16 * OPT_MIB,
		"largest header of a message, octets"),
	OPT_TIME(smtpd_conf, login_timeout, "1m", OPT_SECOND, OPT_HOUR,
		"wait for a command, and for TLS to begin, before AUTH"),
	OPT_UINT(smtpd_conf, failed_logins, "3", 1, 100,
		"failed logins in a connection before it is ended with 421"),
	OPT_BOOL(smtpd_conf, hide_client, "no",
		"keep the client's address and name out of the Received field"),
	SMTP_DOOR_ROWS,
};

const struct conf_section submission_section = { "submission",
	"The users' door: mail from our own users, ports 587 and 465", sizeof(struct smtpd_conf),
	rows, NITEMS(rows) };
