/* SPDX-License-Identifier: ISC */
/* lib/conf/smtpd_conf.c - The public door: mail from other hosts, port 25. */
#include "smtpd_conf.h"

#include "smtp_door_rows.h"

static const struct opt_row rows[] = {
	OPT_LIST(smtpd_conf, listen, "*:25",
		"addresses and ports: ADDRESS:PORT, [ADDRESS]:PORT or *:PORT"),
	OPT_UINT(smtpd_conf, recipient_limit, "1000", 100, 50000,
		"forward-paths in one mail transaction"),
	OPT_SIZE(smtpd_conf, header_size_limit, "512K", OPT_KIB, OPT_MIB - OPT_KIB,
		"largest header of a message, octets; in what is read of it SPF, DKIM and DMARC "
		"look for its author"),
	OPT_TIME(smtpd_conf, greet_delay, "0s", 0, OPT_MINUTE,
		"wait before the greeting; who talks meanwhile is refused"),
	SMTP_DOOR_ROWS,
};

const struct conf_section smtpd_section = { "smtpd",
	"The public door: mail from other hosts, port 25", sizeof(struct smtpd_conf), rows,
	NITEMS(rows) };
