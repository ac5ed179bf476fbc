/* SPDX-License-Identifier: ISC */
/*
 * smtpd/smtpd.h - private to the daemon: the process, its clients, where their content is.
 *
 *   smtpd.c     the process: policy, doors, time-outs, draining
 *   client.c    one connection: octets between socket and session
 *   ask.c       what a session asks: directory (recipients), qmgr (commit)
 *   store.c     content in a memfd or in a file that qmgr lends
 *   counts.c    connections of each address
 */
#ifndef RELAIS_SMTPD_H
#define RELAIS_SMTPD_H

#include <event2/event_struct.h>
#include <netinet/in.h>
#include <sys/queue.h>

#include "counts.h"
#include "daemon.h"
#include "queue_id.h"
#include "session.h"
#include "smtpd_conf.h"

#define SMTPD_READ_SIZE 65536 /* of the process' one read buffer */
#define SMTPD_OUT_MAX   16384 /* replies held back for company; above it they are sent */
#define SMTPD_SLOTS     512   /* of the time-out wheel, a second each */

struct client;
struct smtpd;

/* What the two doors that this code serves do differently. */
struct smtpd_kind {
	const char *prefix; /* of the counters' names */
	bool submission;    /* of our own users' mail: AUTH, ownership, header fix-ups */
};

LIST_HEAD(client_list, client);
TAILQ_HEAD(client_queue, client);

struct smtpd_numbers {
	uint64_t connections, refused_connections, early_talkers, timeouts;
	uint64_t messages, octets, refused_recipients, refused_messages, temporary_failures;
};

struct smtpd {
	const struct smtpd_kind *kind;
	struct daemon *d;
	const struct smtpd_conf *conf;
	struct smtp_policy policy;
	struct link *directory, *qmgr;
	struct queue_id_maker ids;
	uint64_t next_session;

	/* one of each for all clients: used within one turn only */
	uint8_t *input;
	struct buf content, log, scratch;

	size_t nclients;
	struct counts counts;
	struct client_list slots[SMTPD_SLOTS];
	uint64_t tick_s; /* the second up to which time-outs have been looked at */
	struct event *tick;
	struct client_queue greeting; /* wait out greet_delay, in order of arrival */
	struct event *greet;
	struct smtpd_numbers numbers;
};

struct store {
	int fd; /* -1: none yet */
	uint64_t offset, size;
	bool lent;
	bool asked;      /* QUEUE_LEND is under way */
	struct buf held; /* octets that wait for it */
};

struct client {
	LIST_ENTRY(client) slot;
	TAILQ_ENTRY(client) greeting;
	struct smtpd *smtpd;
	struct event event;
	int fd;
	uint64_t deadline_s, greet_ms;
	struct buf in;  /* read, not yet used by the session */
	struct buf out; /* replies not yet written */
	struct smtp_session session;
	struct store store;
	struct counts_key address;
	char address_text[INET6_ADDRSTRLEN];
	char id[17];
	bool readable, writable, hup; /* what the kernel told at the last edge */
	bool greeted;
	bool stuck;  /* in holds the beginning of a line only: more octets are needed */
	bool asking; /* a question is under way; its answer holds a pointer to us */
	bool gone;   /* the connection is closed, but a question still under way */
};

/* ---- client.c ---- */
void client_new(
	struct smtpd *s, const struct daemon_client *accepted, const struct counts_key *key);
void client_greet(struct client *c);

/* Go on after anything has changed. The client may be gone afterwards. */
void client_turn(struct client *c);
void client_timeout(struct client *c);
void client_drain(struct client *c);

/* Write what the session logged. */
void smtpd_log(struct smtpd *s);
struct smtp_out client_out(struct client *c);

/* An answer came: false if the client was gone (and is freed now). */
MUST_USE bool client_answered(struct client *c);

/* ---- ask.c ---- */
void ask_recipient(struct client *c);
void ask_commit(struct client *c);

/* ---- store.c ---- */
void store_reset(struct store *st);

/* Put the process' content buffer away: true; false if a file has to be lent first (the
 * client is asking then). Errors are told to the session. */
MUST_USE bool store_content(struct client *c);

/* The content's descriptor, sealed; the caller's from now on. < 0 on error. */
MUST_USE int store_take(struct store *st);

/* ---- smtpd.c ---- */
/* (Re)start the client's time-out. */
void smtpd_set_deadline(struct client *c, uint64_t timeout_ms);
void smtpd_client_closed(struct smtpd *s, struct client *c);

/* A daemon_spec of either door is made of these. */
int smtpd_serve(struct daemon *d, const struct smtpd_kind *kind); /* in spec->run */
void smtpd_on_client(struct daemon *d, const struct daemon_client *accepted);
void smtpd_drain(struct daemon *d);
void smtpd_stats(struct daemon *d, struct buf *out);
void smtpd_stop(struct daemon *d);

extern const struct daemon_spec smtpd_spec; /* receiver.c: port 25 */

#endif
