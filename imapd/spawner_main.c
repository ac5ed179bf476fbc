/* SPDX-License-Identifier: ISC */
/* imapd/spawner_main.c - imap-spawner: the parent of all IMAP sessions. */
#include "imap_session.h"
#include "imapd_conf.h"
#include "spawner.h"

static struct spawner_limits
limits(const void *conf)
{
	const struct imapd_conf *c = conf;

	return (struct spawner_limits){ c->session_limit, c->sessions_per_account };
}

static const struct spawner_spec spec = { SESSION_IMAP, "imap", imap_session_run, limits, true };

static int
start(struct daemon *d)
{
	return spawner_start(d, &spec);
}

static const struct daemon_spec imap_spawner_daemon = {
	.service = SERVICE_IMAP_SPAWNER,
	.section = &imapd_section,
	.start = start,
	SPAWNER_ROWS,
};

int
main(int argc, char *argv[])
{
	return daemon_run(&imap_spawner_daemon, argc, argv);
}
