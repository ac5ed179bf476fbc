/* SPDX-License-Identifier: ISC */
/*
 * smtp-client/main.c - who smtp-client is: what carries mail to other hosts.
 *
 * Runs in:  user relais-out; root: RUN/outbound, empty but for sockets that an operator puts there;
 *           outgoing connections, no file.
 * Trusts:   qmgr's jobs, directory's routes and resolver's answers after decoding; nothing of the
 *           hosts it speaks to.
 */
#include "client.h"

int
main(int argc, char *argv[])
{
	return daemon_run(&smtp_client_spec, argc, argv);
}
