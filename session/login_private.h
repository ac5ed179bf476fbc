/* SPDX-License-Identifier: ISC */
/* session/login_private.h - what the login server's own files share. */
#ifndef RELAIS_LOGIN_PRIVATE_H
#define RELAIS_LOGIN_PRIVATE_H

#include <netinet/in.h>
#include <sys/queue.h>

#include "login_server.h"
#include "session_msg.h"

#define LOGIN_ADDRESS_SIZE INET6_ADDRSTRLEN

enum conn_phase {
	CONN_TALKING,  /* reads and writes */
	CONN_ASKING,   /* directory or the spawner is asked; nothing is read */
	CONN_DELAYING, /* a refusal waits for its time */
	CONN_CLOSING,  /* the last octets go out */
};

struct login_conn {
	TAILQ_ENTRY(login_conn) link;
	struct login_server *server;
	struct login_session *session;
	struct event *io, *timer;
	int fd;
	short waits_for; /* what io is added for; 0: nothing */
	enum conn_phase phase;
	enum login_refusal refusal; /* CONN_DELAYING */
	struct buf in, out;
	uint64_t begun_ms;
	const char *reason; /* of the end, for the log; NULL: the client closed */
	char id[SESSION_ID_MAX];
	char client[LOGIN_ADDRESS_SIZE], local[LOGIN_ADDRESS_SIZE];
};

struct login_server {
	struct daemon *daemon;
	const struct login_server_spec *spec;
	struct link *directory, *spawner;
	TAILQ_HEAD(, login_conn) conns;
	uint64_t count, accepted, logins, failures;
};

/* login_ask.c: the question and the hand-over */

/* The session's state is LOGIN_ASKING and all replies are written: ask. */
void login_conn_ask(struct login_conn *c);

/* login_server.c, for it */
void login_conn_refuse(struct login_conn *c, enum login_refusal why, bool delayed);
void login_conn_done(struct login_conn *c); /* the session process has the client now */

/* login_log.c: lines in the form people's tools know */
void login_log_login(const struct login_conn *c, uint32_t pid);
void login_log_disconnect(const struct login_conn *c);

#endif
