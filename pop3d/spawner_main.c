/* SPDX-License-Identifier: ISC */
/* pop3d/spawner_main.c - pop3-spawner: the parent of all POP3 sessions. */
#include "pop3_session.h"
#include "pop3d_conf.h"
#include "spawner.h"

static struct spawner_limits
limits(const void *conf)
{
	const struct pop3d_conf *c = conf;

	return (struct spawner_limits){ c->session_limit, c->sessions_per_account };
}

static const struct spawner_spec spec = { SESSION_POP3, "pop3", pop3_session_run, limits, false };

static int
start(struct daemon *d)
{
	return spawner_start(d, &spec);
}

static const struct daemon_spec pop3_spawner_daemon = {
	.service = SERVICE_POP3_SPAWNER,
	.section = &pop3d_section,
	.start = start,
	SPAWNER_ROWS,
};

int
main(int argc, char *argv[])
{
	return daemon_run(&pop3_spawner_daemon, argc, argv);
}
