/* SPDX-License-Identifier: ISC */
/*
 * local-delivery/system_main.c - who system-delivery is: the last step into the mailboxes of
 * users with a uid of their own.
 *
 * Runs in:  root with SETUID, SETGID and SYS_CHROOT only; root: the mail root. It touches no
 *           mailbox itself: a child does, with the user's uid, locked into that mailbox.
 * Trusts:   qmgr's jobs after decoding; nothing its children say but which job ended how.
 */
#include "local.h"

static const struct daemon_spec system_delivery = {
	.service = SERVICE_SYSTEM_DELIVERY,
	.section = &local_delivery_section,
	.routes = intake_routes,
	.nroutes = INTAKE_ROUTES,
	.start = system_start,
	.run = system_run,
	.peer_down = intake_peer_down,
	.drain = intake_drain,
	.stats = intake_stats,
};

int
main(int argc, char *argv[])
{
	return daemon_run(&system_delivery, argc, argv);
}
