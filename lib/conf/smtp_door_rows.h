/* SPDX-License-Identifier: ISC */
/*
 * lib/conf/smtp_door_rows.h - the options that both SMTP doors have, smtpd and submission: rows for
 * their tables of a struct smtpd_conf.
 */
#ifndef RELAIS_SMTP_DOOR_ROWS_H
#define RELAIS_SMTP_DOOR_ROWS_H

#include "smtpd_conf.h"

#define SMTP_DOOR_ROWS                                                                             \
	OPT_SIZE(smtpd_conf, message_size_limit, "50M", OPT_KIB, 2047 * OPT_MIB,                   \
		"largest message, octets (SIZE)"),                                                 \
		OPT_UINT(smtpd_conf, connection_limit, "5000", 1, 1000000,                         \
			"connections at once in one process"),                                     \
		OPT_UINT(smtpd_conf, client_connection_limit, "200", 0, 1000000,                   \
			"connections at once from one address in one process; 0: no limit"),       \
		OPT_TIME(smtpd_conf, command_timeout, "5m", OPT_SECOND, OPT_HOUR,                  \
			"wait for a command (RFC 5321 4.5.3.2: at least 5 minutes)"),              \
		OPT_TIME(smtpd_conf, data_timeout, "5m", OPT_SECOND, OPT_HOUR,                     \
			"wait for a piece of content"),                                            \
		OPT_TIME(smtpd_conf, transaction_timeout, "4h", OPT_SECOND, 7 * OPT_DAY,           \
			"time for one message, from MAIL to the end of its data"),                 \
		OPT_UINT(smtpd_conf, error_limit, "20", 1, 10000,                                  \
			"errors of one client before it is sent away with 421"),                   \
		OPT_UINT(smtpd_conf, hop_limit, "50", 10, 1000,                                    \
			"Received fields in a message before it is taken for a loop"),             \
		OPT_UINT(smtpd_conf, junk_limit, "100", 1, 10000,                                  \
			"NOOP, RSET, VRFY ... without a message before each counts as an error"),  \
		OPT_SIZE(smtpd_conf, text_line_limit, "0", 0, OPT_GIB,                             \
			"longest line of a message with its CRLF (RFC 5321 4.5.3.1.6: 1000); 0: "  \
			"no limit"),                                                               \
		OPT_BOOL(smtpd_conf, strict_paths, "no",                                           \
			"refuse blanks after FROM: and TO:, as RFC 5321 3.3 would have it"),       \
		OPT_BOOL(smtpd_conf, client_names, "yes",                                          \
			"look up the clients' names in DNS, for the log and the Received field")

#endif
