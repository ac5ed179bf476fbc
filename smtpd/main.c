/* SPDX-License-Identifier: ISC */
/*
 * smtpd/main.c - the public door, port 25: a receiver of mail (MTA, RFC 5321).
 *
 * May: accept connections, make memfds; ask directory and qmgr. No files, no keys.
 */
#include "smtpd.h"

int
main(int argc, char *argv[])
{
	return daemon_run(&smtpd_spec, argc, argv);
}
