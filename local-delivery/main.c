/* SPDX-License-Identifier: ISC */
/*
 * local-delivery/main.c - who local-delivery is: the last step into virtual users' mailboxes.
 *
 * Runs in:  user relais-mail; root: the mail root; files below it, no network.
 * Trusts:   qmgr's jobs after decoding; nothing of a message; nothing that stands in the
 *           mail root.
 */
#include "local.h"

static const struct daemon_spec local_delivery = {
	.service = SERVICE_LOCAL_DELIVERY,
	.section = &local_delivery_section,
	.routes = intake_routes,
	.nroutes = INTAKE_ROUTES,
	.run = local_run,
	.peer_down = intake_peer_down,
	.drain = intake_drain,
	.stats = intake_stats,
	.folder = "mail",
	.stop = local_stop,
};

int
main(int argc, char *argv[])
{
	return daemon_run(&local_delivery, argc, argv);
}
