/* SPDX-License-Identifier: ISC */
/* pop3d/login_main.c - pop3-login: POP3's door, until a client has proved who it is. */
#include "pop3d_conf.h"
#include "login_pop3.h"
#include "login_server.h"

static struct login_limits
limits(const void *conf)
{
	const struct pop3d_conf *c = conf;

	return (struct login_limits){ .connections = c->connection_limit,
		.client_connections = c->client_connection_limit,
		.timeout_ms = c->login_timeout,
		.failed_logins = c->failed_logins };
}

static const struct login_server_spec spec = {
	.protocol = &login_pop3,
	.tls_label = "pop3s",
	.directory_protocol = DIRECTORY_POP3,
	.spawner = SERVICE_POP3_SPAWNER,
	.limits = limits,
};

static int
start(struct daemon *d)
{
	return login_server_start(d, &spec);
}

static const struct daemon_spec pop3_login_daemon = {
	.service = SERVICE_POP3_LOGIN,
	.section = &pop3d_section,
	.start = start,
	.banned = "-ERR [SYS/TEMP] Too many failed logins from your address, try later",
	LOGIN_SERVER_ROWS,
};

int
main(int argc, char *argv[])
{
	return daemon_run(&pop3_login_daemon, argc, argv);
}
