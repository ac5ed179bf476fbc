/* SPDX-License-Identifier: ISC */
/*
 * submission/main.c - the users' door, ports 587 and 465: mail from our own users (MSA, RFC 6409).
 *
 * May: accept connections, make memfds; ask directory and qmgr. No files, no keys.
 */
#include "submission.h"

int
main(int argc, char *argv[])
{
	return daemon_run(&submission_spec, argc, argv);
}
