/* SPDX-License-Identifier: ISC */
/* session/login_private.h - what the login server's own files share. */
#ifndef RELAIS_LOGIN_PRIVATE_H
#define RELAIS_LOGIN_PRIVATE_H

#include <netinet/in.h>
#include <sys/queue.h>

#include "counts.h"
#include "door_tls.h"
#include "login_server.h"
#include "session_msg.h"

#define LOGIN_ADDRESS_SIZE INET6_ADDRSTRLEN
#define LOGIN_READ_SIZE    4096

enum conn_phase {
	CONN_SHAKING,  /* TLS is being agreed on */
	CONN_TALKING,  /* reads and writes */
	CONN_ASKING,   /* directory or the spawner is asked; nothing is read */
	CONN_DELAYING, /* a refusal waits for its time */
	CONN_CLOSING,  /* the last octets go out */
};

/* A client that has not proved who it is. */
struct login_conn {
	TAILQ_ENTRY(login_conn) link;
	struct login_server *server;
	struct login_session *session;
	struct event *io, *timer;
	int fd;
	int inner;               /* our end of what the session gets in place of fd; -1 */
	struct tls_stream *tls;  /* NULL: none */
	const char *tls_failure; /* why there is none, for the log */
	short waits_for;         /* what io is added for; 0: nothing */
	enum conn_phase phase;
	enum login_refusal refusal; /* CONN_DELAYING */
	bool greeted;
	bool secured; /* without TLS, but nobody listens in: for the log */
	struct buf in, out;
	uint64_t begun_ms;
	uint64_t asked_ms;  /* when the open question was asked */
	uint64_t number;    /* for directory */
	uint64_t exchange;  /* SASL, as directory calls it */
	const char *reason; /* of the end, for the log; NULL: the client closed */
	struct counts_key address;
	char id[SESSION_ID_MAX];
	char client[LOGIN_ADDRESS_SIZE], local[LOGIN_ADDRESS_SIZE];
};

struct login_pump;

struct login_server {
	struct daemon *daemon;
	const struct login_server_spec *spec;
	struct link *directory, *spawner;
	struct door_tls *tls;
	TAILQ_HEAD(, login_conn) conns;
	TAILQ_HEAD(, login_pump) pumps;
	struct counts counts;
	uint8_t *scratch; /* LOGIN_PUMP_PIECE octets, of whichever pump has its turn */
	uint64_t count, npumps;
	uint64_t accepted, refused, logins, failures;
};

/* A connection or a pump is gone: was it the last one of a process that leaves? */
void login_server_gone(struct login_server *s);

/* ---- login_conn.c: reading, writing, time-outs, the end ---- */

void login_conn_begin(struct login_conn *c, bool implicit_tls);
void login_conn_goodbye(struct login_conn *c, enum login_goodbye why, const char *reason);
void login_conn_arm(struct login_conn *c);
void login_conn_set_timer(struct login_conn *c, uint64_t ms);
void login_conn_set_login_timer(struct login_conn *c);
void login_conn_wait(struct login_conn *c, short what); /* 0: for nothing */
void login_conn_refuse(struct login_conn *c, enum login_refusal why, bool delayed);
void login_conn_challenge(struct login_conn *c, struct bytes challenge);
void login_conn_done(struct login_conn *c); /* the session process has the client now */
/* It may have the client, or not: no word of ours may come between. */
void login_conn_abandon(struct login_conn *c, const char *reason);
void login_conn_close(struct login_conn *c);

/* ---- login_tls.c: the handshake ---- */

void login_tls_begin(struct login_conn *c);
void login_tls_shake(struct login_conn *c);

/* ---- login_ask.c: the question and the hand-over ---- */

/* The session's state is LOGIN_ASKING and all replies are written: ask. */
void login_conn_ask(struct login_conn *c);
/* The client has given up a SASL exchange, or has gone. */
void login_conn_cancel(struct login_conn *c);

/* ---- login_pump.c: between TLS and a session, for the rest of its life ---- */

#define LOGIN_PUMP_PIECE 16384

/* Takes tls, fd and inner. */
void login_pump_new(struct login_server *s, struct tls_stream *tls, int fd, int inner);

/* ---- login_log.c: lines in the form people's tools know ---- */

void login_log_login(const struct login_conn *c, uint32_t pid);
void login_log_disconnect(const struct login_conn *c);

#endif
