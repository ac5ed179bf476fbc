/* SPDX-License-Identifier: ISC */
/* lib/conf/smtpd_conf.c - The public door: mail from other hosts, port 25. */
#include "smtpd_conf.h"

static const struct opt_row rows[] = {
	OPT_LIST(smtpd_conf, listen, "*:25",
		"addresses and ports: ADDRESS:PORT, [ADDRESS]:PORT or *:PORT"),
	OPT_SIZE(smtpd_conf, message_size_limit, "50M", OPT_KIB, 2047 * OPT_MIB,
		"largest message, octets (SIZE)"),
	OPT_UINT(smtpd_conf, recipient_limit, "1000", 100, 50000,
		"forward-paths in one mail transaction"),
	OPT_UINT(smtpd_conf, connection_limit, "5000", 1, 1000000,
		"connections at once in one process"),
	OPT_UINT(smtpd_conf, client_connection_limit, "200", 0, 1000000,
		"connections at once from one address in one process; 0: no limit"),
	OPT_TIME(smtpd_conf, command_timeout, "5m", OPT_SECOND, OPT_HOUR,
		"wait for a command (RFC 5321 4.5.3.2: at least 5 minutes)"),
	OPT_TIME(smtpd_conf, data_timeout, "5m", OPT_SECOND, OPT_HOUR,
		"wait for a piece of content"),
	OPT_TIME(smtpd_conf, transaction_timeout, "4h", OPT_SECOND, 7 * OPT_DAY,
		"time for one message, from MAIL to the end of its data"),
	OPT_UINT(smtpd_conf, error_limit, "20", 1, 10000,
		"errors of one client before it is sent away with 421"),
	OPT_UINT(smtpd_conf, hop_limit, "50", 10, 1000,
		"Received fields in a message before it is taken for a loop"),
	OPT_TIME(smtpd_conf, greet_delay, "0s", 0, OPT_MINUTE,
		"wait before the greeting; who talks meanwhile is refused"),
	OPT_UINT(smtpd_conf, junk_limit, "100", 1, 10000,
		"NOOP, RSET, VRFY ... without a message before each counts as an error"),
	OPT_SIZE(smtpd_conf, text_line_limit, "0", 0, OPT_GIB,
		"longest line of a message with its CRLF (RFC 5321 4.5.3.1.6: 1000); 0: no limit"),
	OPT_BOOL(smtpd_conf, strict_paths, "no",
		"refuse blanks after FROM: and TO:, as RFC 5321 3.3 would have it"),
};

const struct conf_section smtpd_section = { "smtpd",
	"The public door: mail from other hosts, port 25", sizeof(struct smtpd_conf), rows,
	NITEMS(rows) };
