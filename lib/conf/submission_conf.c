/* SPDX-License-Identifier: ISC */
/* lib/conf/submission_conf.c - The users' door: mail from our own users, ports 587 and 465. */
#include "submission_conf.h"

static const struct opt_row rows[] = {
	OPT_LIST(smtpd_conf, listen, "*:587",
		"addresses and ports where clients begin TLS with STARTTLS"),
	OPT_LIST(smtpd_conf, listen_tls, "*:465",
		"addresses and ports where TLS begins with the connection (RFC 8314)"),
	OPT_BOOL(smtpd_conf, sendmail, "yes",
		"local users may send by sendmail(1), through the socket RUN/sendmail"),
	OPT_LIST(
		smtpd_conf, trusted_users, "", "local users who may send as anybody, besides root"),
	OPT_SIZE(smtpd_conf, message_size_limit, "50M", OPT_KIB, 2047 * OPT_MIB,
		"largest message, octets (SIZE)"),
	OPT_SIZE(smtpd_conf, header_size_limit, "256K", OPT_KIB, 16 * OPT_MIB,
		"largest header of a message, octets"),
	OPT_UINT(smtpd_conf, recipient_limit, "1000", 100, 5000,
		"forward-paths in one mail transaction"),
	OPT_UINT(smtpd_conf, connection_limit, "5000", 1, 1000000,
		"connections at once in one process"),
	OPT_UINT(smtpd_conf, client_connection_limit, "200", 0, 1000000,
		"connections at once from one address in one process; 0: no limit"),
	OPT_TIME(smtpd_conf, command_timeout, "5m", OPT_SECOND, OPT_HOUR,
		"wait for a command (RFC 5321 4.5.3.2: at least 5 minutes)"),
	OPT_TIME(smtpd_conf, login_timeout, "1m", OPT_SECOND, OPT_HOUR,
		"wait for a command, and for TLS to begin, before AUTH"),
	OPT_TIME(smtpd_conf, data_timeout, "5m", OPT_SECOND, OPT_HOUR,
		"wait for a piece of content"),
	OPT_UINT(smtpd_conf, error_limit, "20", 1, 10000,
		"errors of one client before it is sent away with 421"),
	OPT_UINT(smtpd_conf, failed_logins, "3", 1, 100,
		"failed logins in a connection before it is ended with 421"),
	OPT_UINT(smtpd_conf, hop_limit, "50", 10, 1000,
		"Received fields in a message before it is taken for a loop"),
	OPT_UINT(smtpd_conf, junk_limit, "100", 1, 10000,
		"NOOP, RSET, VRFY ... without a message before each counts as an error"),
	OPT_SIZE(smtpd_conf, text_line_limit, "0", 0, OPT_GIB,
		"longest line of a message with its CRLF (RFC 5321 4.5.3.1.6: 1000); 0: no limit"),
	OPT_BOOL(smtpd_conf, hide_client, "no",
		"keep the client's address and name out of the Received field"),
	OPT_BOOL(smtpd_conf, strict_paths, "no",
		"refuse blanks after FROM: and TO:, as RFC 5321 3.3 would have it"),
};

const struct conf_section submission_section = { "submission",
	"The users' door: mail from our own users, ports 587 and 465", sizeof(struct smtpd_conf),
	rows, NITEMS(rows) };
