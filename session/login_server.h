/* SPDX-License-Identifier: ISC */
/*
 * session/login_server.h - the event-driven daemon around the login halves' state machines:
 * thousands of connections in one process, each a few hundred octets while it is silent; and the
 * TLS of those that have logged in, as long as they stay.
 *
 * A program of it is one spec, one daemon_spec and a main; see imapd/login_main.c.
 */
#ifndef RELAIS_LOGIN_SERVER_H
#define RELAIS_LOGIN_SERVER_H

#include "daemon.h"
#include "directory_msg.h"
#include "login_session.h"

struct login_limits {
	uint64_t connections;        /* in this process, of those that have not logged in */
	uint64_t client_connections; /* of these, from one address; 0: no limit */
	uint64_t timeout_ms;         /* to log in */
	uint64_t failed_logins;
};

struct login_server_spec {
	const struct login_protocol *protocol;
	const char *tls_label; /* of the door where TLS begins at once: "imaps" */
	enum directory_protocol directory_protocol;
	enum service spawner;
	struct login_limits (*limits)(const void *conf);
};

MUST_USE int login_server_start(struct daemon *d, const struct login_server_spec *spec);
int login_server_run(struct daemon *d);
void login_server_client(struct daemon *d, const struct daemon_client *client);
bool login_server_is_busy(const struct daemon *d);
void login_server_drain(struct daemon *d);
void login_server_stats(struct daemon *d, struct buf *out);

#define LOGIN_SERVER_ROWS                                                                          \
	.run = login_server_run, .on_client = login_server_client,                                 \
	.is_busy = login_server_is_busy, .drain = login_server_drain, .stats = login_server_stats

#endif
