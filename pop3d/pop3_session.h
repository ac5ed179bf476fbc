/* SPDX-License-Identifier: ISC */
/* pop3d/pop3_session.h - the session half: what the spawner starts for one logged-in client. */
#ifndef RELAIS_POP3_SESSION_H
#define RELAIS_POP3_SESSION_H

#include "session_link.h"

/*
 * Serve the client until it leaves, then return (a session_run_fn). Called in the forked child,
 * jailed: "/" is the mailbox, the uid its owner's. The answer to PASS is the session's:
 * only it knows if the maildrop is free. A session that does not end with QUIT removes
 * nothing (RFC 1939 sec. 6); SESSION_EVENT_END ends it that way.
 *
 * returns: the exit status, 0 also for a client that just went away
 */
int pop3_session_run(const struct session_start *start);

#endif
