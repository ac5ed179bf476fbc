/* SPDX-License-Identifier: ISC */
/*
 * imapd/imap_session.h - the session half: what the spawner starts for one logged-in client.
 */
#ifndef RELAIS_IMAP_SESSION_H
#define RELAIS_IMAP_SESSION_H

#include "bytes.h"

struct imap_session_start {
	int stream_fd;  /* the client's octets, both ways; the session's own from here on */
	int control_fd; /* to the spawner (lib/ipc/session_msg.h): quota, watching; -1: none */
	int root_fd;    /* the mailbox: a Maildir++ folder */
	struct bytes read_ahead;     /* octets the login half had read and not used; borrowed */
	const char *account;         /* "anna@example.org", for the log */
	const char *session_id;      /* for the log */
	uint64_t quota_limit_octets; /* 0: no quota */
	uint64_t quota_used_octets;
	uint64_t message_limit_octets; /* of one APPEND; 0: 64 MiB */
	unsigned idle_timeout_s;       /* 0: 1800 (RFC 3501 sec. 5.4: at least 30 minutes) */
};

/*
 * Serve the client until it leaves, then return. Called in the forked child, jailed (chroot to
 * the mailbox, its uid, seccomp). The tagged OK of the login has been sent. Takes SIGTERM as
 * the wish to end: BYE, and return.
 *
 * returns: ERR_OK (also for a client that just went away); ERR_PEER (spawner gone); others
 */
MUST_USE int imap_session_run(const struct imap_session_start *start);

#endif
