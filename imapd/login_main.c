/* SPDX-License-Identifier: ISC */
/* imapd/login_main.c - imap-login: IMAP's door, until a client has proved who it is. */
#include "imapd_conf.h"
#include "login_imap.h"
#include "login_server.h"

static struct login_limits
limits(const void *conf)
{
	const struct imapd_conf *c = conf;

	return (struct login_limits){ .connections = c->connection_limit,
		.client_connections = c->client_connection_limit,
		.timeout_ms = c->login_timeout,
		.failed_logins = c->failed_logins };
}

static const struct login_server_spec spec = {
	.protocol = &login_imap,
	.tls_label = "imaps",
	.directory_protocol = DIRECTORY_IMAP,
	.spawner = SERVICE_IMAP_SPAWNER,
	.limits = limits,
};

static int
start(struct daemon *d)
{
	return login_server_start(d, &spec);
}

static const struct daemon_spec imap_login_daemon = {
	.service = SERVICE_IMAP_LOGIN,
	.section = &imapd_section,
	.start = start,
	.banned = "* BYE [UNAVAILABLE] Too many failed logins from your address, try later",
	LOGIN_SERVER_ROWS,
};

int
main(int argc, char *argv[])
{
	return daemon_run(&imap_login_daemon, argc, argv);
}
