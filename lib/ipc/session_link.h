/* SPDX-License-Identifier: ISC */
/*
 * lib/ipc/session_link.h - what a session process is born with, and its one wire home, to the
 * spawner.
 *
 * Calls that ask wait for the answer (at most SESSION_LINK_WAIT_MS); what the spawner says
 * unasked meanwhile is kept for session_link_read().
 *
 * Runs in:  imap and pop3 sessions.
 */
#ifndef RELAIS_SESSION_LINK_H
#define RELAIS_SESSION_LINK_H

#include "session_msg.h"

#define SESSION_LINK_WAIT_MS 2000

struct session_link {
	int fd;           /* to put into the session's poll */
	unsigned pending; /* enum session_event bits not yet fetched: look here before a poll */
	uint32_t next_id;
	struct ipc_packet packet;
};

enum session_event {
	SESSION_EVENT_CHANGED = 1, /* a watched directory changed: refresh the mailbox */
	SESSION_EVENT_END = 2,     /* say BYE and leave; also when the spawner is gone */
};

/*
 * The arguments of imap_session_run() and pop3_session_run(). Everything is already dropped when
 * they are called: "/" is the mailbox (in development, without root: root_fd is its
 * directory and "/" is not), and the only descriptors are these and the log's.
 */
struct session_start {
	int stream_fd; /* the client's byte stream; non-blocking */
	int root_fd;   /* the mailbox's directory: use openat() from here */
	struct session_link link;
	const char *account;    /* "local@domain" */
	const char *session_id; /* for log lines */
	const char *client;     /* address as text */
	const char *local;
	const char *hostname;  /* for file names */
	uint64_t quota_octets; /* limits; 0: none */
	uint64_t quota_messages;
	struct bytes first_reply;  /* write this before anything else */
	struct bytes mechanisms;   /* of SASL, as the door offers them; POP3 tells them again */
	struct bytes input;        /* and take this as read before anything else */
	struct charsets *charsets; /* lib/proto/charset.h, opened before the jail; NULL: only those
				      that need no file */
	const void *conf;          /* const struct imapd_conf * or pop3d_conf *, lib/conf */
};

/* imapd/imap_session.h and pop3d/pop3_session.h have one each; returns the exit status. */
typedef int session_run_fn(const struct session_start *start);

void session_link_init(struct session_link *l, int fd);

/* Report what this session's work added to (took from) the mailbox. Never waits. */
MUST_USE int session_link_quota_add(struct session_link *l, int64_t octets, int64_t messages);

/* The same when it counted the whole mailbox anew. */
MUST_USE int session_link_quota_set(struct session_link *l, uint64_t octets, uint64_t messages);

/* Ask for use and limits. ERR_TIMEOUT, ERR_PEER, or what ledger answered. */
MUST_USE int session_link_quota_get(struct session_link *l, struct session_quota_msg *out);

/* Watch n directories more; the descriptors stay the caller's and may be closed after. */
MUST_USE int session_link_watch(struct session_link *l, const int dirfds[], size_t n);
MUST_USE int session_link_unwatch(struct session_link *l); /* all of them */

/*
 * Call when fd is readable (never waits). Sets *events to the enum session_event bits that came
 * in, and forgets them. ERR_PEER: the spawner is gone (also shown as SESSION_EVENT_END).
 */
MUST_USE int session_link_read(struct session_link *l, unsigned *events);

#endif
